import type { NftExpression, NftPayloadProtocol, NftType } from '../../world/nft.ts'

// What a rule can look at, and of which datatype it is (src/proto.c, src/meta.c, src/ct.c of nftables).

const PAYLOADS: Readonly<Record<NftPayloadProtocol, Readonly<Record<string, NftType>>>> = {
  ether: { saddr: 'ether_addr', daddr: 'ether_addr', type: 'ether_type' },
  ip: {
    ...{ saddr: 'ipv4_addr', daddr: 'ipv4_addr', protocol: 'inet_proto', ttl: 'integer', length: 'integer', id: 'integer' },
    ...{ dscp: 'dscp', ecn: 'integer', 'frag-off': 'integer', version: 'integer', hdrlength: 'integer', checksum: 'integer' },
  },
  ip6: {
    ...{ saddr: 'ipv6_addr', daddr: 'ipv6_addr', nexthdr: 'inet_proto', hoplimit: 'integer', length: 'integer' },
    ...{ dscp: 'dscp', version: 'integer', flowlabel: 'integer' },
  },
  icmp: { type: 'icmp_type', code: 'icmp_code', id: 'integer', sequence: 'integer', mtu: 'integer', gateway: 'integer' },
  icmpv6: { type: 'icmpv6_type', code: 'icmpv6_code', id: 'integer', sequence: 'integer', mtu: 'integer' },
  tcp: {
    ...{ sport: 'inet_service', dport: 'inet_service', flags: 'tcp_flag', sequence: 'integer', ackseq: 'integer' },
    ...{ window: 'integer', doff: 'integer', checksum: 'integer', urgptr: 'integer' },
  },
  udp: { sport: 'inet_service', dport: 'inet_service', length: 'integer', checksum: 'integer' },
  udplite: { sport: 'inet_service', dport: 'inet_service', checksum: 'integer' },
  sctp: { sport: 'inet_service', dport: 'inet_service', vtag: 'integer', checksum: 'integer' },
  dccp: { sport: 'inet_service', dport: 'inet_service' },
  th: { sport: 'inet_service', dport: 'inet_service' },
}

export const isPayload = (word: string): word is NftPayloadProtocol => Object.hasOwn(PAYLOADS, word)
export const payloadType = (protocol: NftPayloadProtocol, field: string): NftType | undefined =>
  Object.hasOwn(PAYLOADS[protocol], field) ? PAYLOADS[protocol][field] : undefined

const METAS: Readonly<Record<string, NftType>> = {
  ...{ mark: 'mark', iif: 'iface_index', oif: 'iface_index', iifname: 'ifname', oifname: 'ifname', l4proto: 'inet_proto' },
  ...{ nfproto: 'nf_proto', protocol: 'ether_type', length: 'integer', pkttype: 'pkt_type' },
  ...{
    skuid: 'uid',
    skgid: 'gid',
    cpu: 'integer',
    random: 'integer',
    cgroup: 'integer',
    iifgroup: 'integer',
    oifgroup: 'integer',
  },
  ...{ nftrace: 'integer', ibrname: 'ifname', obrname: 'ifname' },
}
/** Keys that nft takes and prints without `meta` before them. */
const UNQUALIFIED = new Set(['iif', 'oif', 'iifname', 'oifname', 'ibrname', 'obrname'])
/** Keys that may be written without it. */
const BARE = new Set([...UNQUALIFIED, 'mark', 'skuid', 'skgid', 'pkttype', 'cpu', 'iifgroup', 'oifgroup', 'cgroup', 'nftrace'])

export const metaType = (key: string): NftType | undefined => (Object.hasOwn(METAS, key) ? METAS[key] : undefined)
export const isBareMeta = (word: string): boolean => BARE.has(word)
export const isUnqualified = (key: string): boolean => UNQUALIFIED.has(key)

const CTS: Readonly<Record<string, NftType>> = {
  ...{ state: 'ct_state', direction: 'ct_dir', status: 'ct_status', mark: 'mark', expiration: 'time', zone: 'integer' },
  ...{ helper: 'string', l3proto: 'nf_proto', protocol: 'inet_proto', id: 'integer', packets: 'integer', bytes: 'integer' },
  ...{ 'ip saddr': 'ipv4_addr', 'ip daddr': 'ipv4_addr', 'proto-src': 'inet_service', 'proto-dst': 'inet_service' },
}
export const ctType = (key: string): NftType | undefined => (Object.hasOwn(CTS, key) ? CTS[key] : undefined)

const FIBS = { type: 'fib_addrtype', oif: 'iface_index', oifname: 'ifname' } as const

/** The datatype of what an expression loads, a type a field. */
export function typeOf(e: NftExpression): readonly NftType[] {
  switch (e.kind) {
    case 'payload':
      return [payloadType(e.protocol, e.field) ?? 'integer']
    case 'meta':
      return [metaType(e.key) ?? 'integer']
    case 'ct':
      return [ctType(e.key) ?? 'integer']
    case 'fib':
      return [FIBS[e.result]]
    case 'numgen':
    case 'jhash':
      return ['integer']
    case 'concat':
      return e.parts.flatMap(typeOf)
    case 'binary':
      return typeOf(e.left)
    case 'constant':
      return [e.type]
    case 'map':
      return e.type
  }
}
