import { formatIpv4 } from '../net/address.ts'
import { chainName, netnsName, nftRuleNumber, recordText, ruleNumber } from '../trace/names.ts'
import type { TraceReader } from '../trace/reader.ts'
import type { AddressRecord, NetnsRecord } from '../world/records.ts'
import type { WorldView } from '../world/world.ts'
import { code, object, record, type Span } from './sentence.ts'

/** A record by its short name, linked. */
export const named = (reader: TraceReader, id: string, seq: number): Span => record(id, shortName(reader, id, seq))

function shortName(reader: TraceReader, id: string, seq: number): string {
  const r = reader.versions.near(id, seq)
  if (r === undefined) return id
  if (r.kind === 'netns' || r.kind === 'device') return r.name
  if (r.kind === 'chain') return r.name
  if (r.kind === 'rule') return `${r.table} ${r.chain} ${ruleNumber(r)}`
  if (r.kind === 'nft-rule') return `${r.table} ${r.chain} ${nftRuleNumber(r)}`
  if (r.kind === 'nft-chain' || r.kind === 'nft-set') return r.name
  return recordText(r)
}

/** The namespace of a step: `node1`, `pod/client`. */
export const whereOf = (reader: TraceReader, seq: number): Span => {
  const id = reader.netnsAt(seq)
  return record(id, netnsName(id))
}

export const address = (a: number): Span => code(formatIpv4(a))
export const chainSpan = (id: string): Span => record(id, chainName(id))

const owners = new WeakMap<readonly AddressRecord[], Map<number, AddressRecord>>()

/** The namespace that has an address, as the Kubernetes object it stands for where there is one: Pod default/web-a, node1. */
export function ownerOf(view: WorldView, a: number): Span | undefined {
  const list = view.list('address')
  let map = owners.get(list)
  if (map === undefined) {
    map = new Map()
    // A virtual address on a dummy device is every node's, so nobody's.
    const virtual = (r: AddressRecord) => view.get('device', r.device)?.link.kind === 'dummy'
    for (const r of list) if (!map.has(r.address) && !virtual(r)) map.set(r.address, r)
    owners.set(list, map)
  }
  const found = map.get(a)
  const netns = found === undefined ? undefined : view.get('netns', found.netns)
  return netns === undefined ? undefined : netnsSpan(netns)
}

function netnsSpan(netns: NetnsRecord): Span {
  const of = netns.origin.object
  return netns.role === 'pod' && of !== undefined ? object(of) : record(netns.id, netns.name)
}
