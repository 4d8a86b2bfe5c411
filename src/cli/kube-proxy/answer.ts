import { answerIptables } from './iptables-vector.ts'
import {
  answerName,
  answerServiceMap,
  answerTopology,
  type NameVector,
  type ServiceMapVector,
  type TopologyVector,
} from './name-vectors.ts'
import { answerNftables } from './nftables-vector.ts'
import type { RulesetVector } from './vector.ts'

/** Any vector of ../shared/conformance/kube-proxy: told apart by what it holds. */
export type Vector = RulesetVector | NameVector | TopologyVector | ServiceMapVector

/**
 * The vectors of a file, when it is one of vectors: `{vectors: […]}`, a list, or a single one. Undefined: it is something else.
 * They are trusted to have the shape that their schema says.
 */
export function vectorsOf(value: unknown): readonly Vector[] | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const list = 'vectors' in value ? value.vectors : Array.isArray(value) ? value : [value]
  return Array.isArray(list) && list.length > 0 && list.every(isVector) ? list : undefined
}

const isVector = (v: unknown): v is Vector =>
  typeof v === 'object' && v !== null && 'id' in v && ('nodeConfig' in v || 'expect' in v || 'ipFamily' in v || 'nodeLabels' in v)

/** kube-proxy's answer: `ruleset`, `flows`, and under its own name each other expectation that the vector has. */
export function answerVector(v: Vector): object {
  if ('nodeConfig' in v) return v.nodeConfig.proxyMode === 'nftables' ? answerNftables(v) : answerIptables(v)
  if ('kind' in v) return answerName(v)
  if ('nodeLabels' in v) return answerTopology(v)
  return answerServiceMap(v)
}
