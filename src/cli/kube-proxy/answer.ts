import { isObject } from '../../base/fields.ts'
import { err, ok, type Result } from '../../base/result.ts'
import { type Complaint, readRulesetVector, unknownFields } from './check.ts'
import { answerIptables } from './iptables-vector.ts'
import {
  answerName,
  answerServiceMap,
  answerTopology,
  type NameVector,
  readNameVector,
  type ServiceMapVector,
  type TopologyVector,
} from './name-vectors.ts'
import { answerNftables } from './nftables-vector.ts'
import type { RulesetVector } from './vector.ts'

/** Any vector of ../shared/conformance/kube-proxy: told apart by what it holds. */
export type Vector = RulesetVector | NameVector | TopologyVector | ServiceMapVector

/**
 * The vectors of a file, when it is one of vectors: `{vectors: […]}`, a list of them, or a single one. Undefined: it is something
 * else. Whether each is one that can be answered, `answer` tells.
 */
export function vectorsOf(value: unknown): readonly unknown[] | undefined {
  if (isObject(value) && Array.isArray(value.vectors)) return value.vectors
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  return list.some(isVector) ? list : undefined
}

const isVector = (v: unknown): boolean =>
  isObject(v) && 'id' in v && ('nodeConfig' in v || 'expect' in v || 'ipFamily' in v || 'nodeLabels' in v)

/**
 * kube-proxy's answer: `ruleset`, `flows`, and under its own name each other expectation that the vector has; `unknownFields` names
 * what it took no account of. Errors: what is missing in the vector, or malformed, with its path inside it.
 */
export function answer(v: unknown): Result<object, Complaint> {
  if (!isObject(v)) return err('expected an object')
  if (typeof v.id !== 'string') return err('id: expected a string')
  if (!('nodeConfig' in v)) {
    const read = readNameVector(v)
    return read.ok ? ok(answerVector(read.value)) : read
  }
  const read = readRulesetVector(v)
  if (!read.ok) return read
  const unknown = unknownFields(v)
  const more = unknown.length === 0 ? {} : { unknownFields: unknown }
  try {
    return ok({ ...answerVector(read.value), ...more })
  } catch (e) {
    // A ruleset of the vector's own that no tool takes, or a fault of ours: the other vectors are answered all the same.
    return err(e instanceof Error ? e.message : String(e))
  }
}

/** The same for a vector that is known to be one. */
export function answerVector(v: Vector): object {
  if ('nodeConfig' in v) return v.nodeConfig.proxyMode === 'nftables' ? answerNftables(v) : answerIptables(v)
  if ('kind' in v) return answerName(v)
  if ('nodeLabels' in v) return answerTopology(v)
  return answerServiceMap(v)
}
