import { IPPROTO } from '../../net/packet.ts'
import type { NatRange } from '../../world/netfilter.ts'
import type { FlowTuple } from '../conntrack/tuple.ts'
import { jhash } from '../jhash.ts'

/** enum nf_nat_manip_type: which side of the packet changes. */
export const MANIP_SRC = 0
export const MANIP_DST = 1

/** struct nf_nat_range2. `min` and `max` count only with `mapIps`, the ports only with `ports`. */
export interface Range {
  readonly mapIps: boolean
  readonly min: number
  readonly max: number
  readonly ports: boolean
  readonly minPort: number
  readonly maxPort: number
  /** --random */
  readonly random: boolean
  /** --random-fully */
  readonly randomFully: boolean
  readonly persistent: boolean
}

/** A target's range; `address` when the target itself chooses one (MASQUERADE, REDIRECT, null bindings). */
export function rangeOf(r: NatRange, address?: number): Range {
  const from = address ?? r.addresses?.from
  return {
    mapIps: from !== undefined,
    min: from ?? 0,
    max: address ?? r.addresses?.to ?? 0,
    ports: r.ports !== undefined,
    minPort: Math.min(r.ports?.from ?? 0, r.ports?.to ?? 0),
    maxPort: Math.max(r.ports?.from ?? 0, r.ports?.to ?? 0),
    random: r.random,
    randomFully: r.randomFully,
    persistent: r.persistent,
  }
}

/** nf_nat_alloc_null_binding(): keep the address, change the port only if the tuple is taken. */
export const nullRange = (address: number): Range => ({
  mapIps: true,
  min: address,
  max: address,
  ports: false,
  minPort: 0,
  maxPort: 0,
  random: false,
  randomFully: false,
  persistent: false,
})

/** NF_NAT_RANGE_PROTO_RANDOM_ALL: any of both flags. */
export const anyRandom = (r: Range): boolean => r.random || r.randomFully

export const hasPorts = (protocol: number): boolean =>
  protocol === IPPROTO.TCP || protocol === IPPROTO.UDP || protocol === IPPROTO.SCTP

/** l4proto_in_range() */
export function portInRange(t: FlowTuple, manip: number, r: Range): boolean {
  if (t.protocol === IPPROTO.ICMP) return t.sport >= r.minPort && t.sport <= r.maxPort
  if (!hasPorts(t.protocol)) return true
  const port = manip === MANIP_SRC ? t.sport : t.dport
  return port >= r.minPort && port <= r.maxPort
}

/** nf_in_range(): is the tuple's source already what the range wants? */
export function sourceInRange(t: FlowTuple, r: Range): boolean {
  if (r.mapIps && (t.src < r.min || t.src > r.max)) return false
  return !r.ports || portInRange(t, MANIP_SRC, r)
}

/** find_best_ips_proto(): one address, or a choice by hash so that a client keeps getting the same one. */
export function chooseAddress(t: FlowTuple, manip: number, r: Range): void {
  if (!r.mapIps) return
  let address = r.min
  if (r.min !== r.max) {
    const hash = jhashAddress(t.src, r.persistent ? 0 : t.dst)
    // reciprocal_scale()
    address = r.min + Math.floor((hash * (r.max - r.min + 1)) / 0x1_0000_0000)
  }
  if (manip === MANIP_SRC) t.src = address
  else t.dst = address
}

/** The kernel hashes the __be32 as a little-endian machine reads it. */
const swab = (n: number): number => (n << 24) | ((n & 0xff00) << 8) | ((n >>> 8) & 0xff00) | (n >>> 24)

const hashed = new Uint8Array(16)

/** jhash2() of union nf_inet_addr holding an IPv4 address, one word and three zeros: jhash() of its bytes. */
function jhashAddress(src: number, initval: number): number {
  for (let i = 0; i < 4; i++) hashed[i] = src >>> (24 - 8 * i)
  return jhash(hashed, hashed.length, swab(initval))
}
