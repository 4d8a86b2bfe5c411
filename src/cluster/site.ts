import { type Ipv4, type Ipv4Prefix, ipv4 } from '../net/address.ts'

// A document's own cluster, and its peers on the far side of the Internet. Each is built alike, with addresses of its own around it.

export interface Site {
  /** 0 for the document's own cluster. */
  readonly index: number
  /** The peer's name; '' for the document's own cluster. */
  readonly name: string
}

export const HOME: Site = { index: 0, name: '' }

/** The network around a site's nodes is the document's own `fabric`, `gateway`, or a peer's `east/fabric`, `east/gateway`. */
export const sitePlace = (site: Site, place: string): string => (site.name === '' ? place : `${site.name}/${place}`)

/** Where nodes without addresses get them: 192.168.1.11 upwards, as the documentation's examples have it. */
export const defaultNodeSubnet = ({ index }: Site): Ipv4Prefix => ({ address: ipv4(0xc0a80100 + 256 * index), length: 24 })

/** What the Internet gateway translates nodes to: TEST-NET-3 (RFC 5737); for peers a /24 each of the benchmarking range (RFC 2544). */
export const externalSubnet = ({ index }: Site): Ipv4Prefix => ({
  address: ipv4(index === 0 ? 0xcb007100 : 0xc6120000 + 256 * index),
  length: 24,
})

/** A segment between two machines of the network. */
export interface Segment {
  readonly near: Ipv4
  readonly far: Ipv4
  readonly length: number
}

/** Between gateway and Internet host: TEST-NET-2 (RFC 5737); for peers the upper half of the benchmarking range. */
export function internetSegment({ index }: Site): Segment {
  const network = index === 0 ? 0xc6336400 : 0xc6130000 + 256 * index
  return { near: ipv4(network + 1), far: ipv4(network + 10), length: 24 }
}

/** Between the cloud's router and its gateway: a /30 of TEST-NET-1 (RFC 5737). */
export function uplinkSegment({ index }: Site): Segment {
  const network = 0xc0000200 + 4 * index
  return { near: ipv4(network + 1), far: ipv4(network + 2), length: 30 }
}

/** Between whatever routes for the nodes and one of its load balancers: a /30 of the shared address space (RFC 6598). */
export function balancerSegment({ index }: Site, balancer: number): Segment {
  const network = 0x64400000 + 0x10000 * index + 4 * balancer
  return { near: ipv4(network + 1), far: ipv4(network + 2), length: 30 }
}
