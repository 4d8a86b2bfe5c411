// A ruleset of nftables as its own tool understands it: what `nft list ruleset` prints, parsed once (linux/nft), printed back,
// compiled and run by kernel/nftables. What is not modelled is kept as it was written (`unknown`) and survives a round trip.

export type NftFamily = 'ip' | 'ip6' | 'inet' | 'arp' | 'bridge' | 'netdev'
export type NftHook = 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting' | 'ingress' | 'egress'
export type NftChainType = 'filter' | 'nat' | 'route'

/**
 * A datatype's name as nft writes it: `ipv4_addr`, `inet_service`, `mark`, `ifname`, `ct_state` … Values of all but `ifname` and
 * `string` are unsigned integers here.
 */
export type NftType = string

/** One field of a constant: what a selector is compared with, or a part of a set element's key. */
export type NftValue =
  | { readonly kind: 'number'; readonly value: number }
  /**
   * Interface names; `wildcard` when it ended in `*`, which `text` leaves out. IPv6 addresses, with the first and the last of them in
   * 32 hexadecimal digits each.
   */
  | {
      readonly kind: 'text'
      readonly text: string
      readonly wildcard?: true
      readonly ip6?: { readonly from: string; readonly to: string }
    }
  | { readonly kind: 'prefix'; readonly address: number; readonly length: number }
  | { readonly kind: 'range'; readonly from: number; readonly to: number }
  /** `*`: what no other element of the set holds. */
  | { readonly kind: 'any' }

export type NftVerdict =
  | { readonly kind: 'accept' | 'drop' | 'continue' | 'return' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string }

/** An element of a set or map. Times in nanoseconds; `expires` is the virtual time at which it is gone. */
export interface NftElement {
  /** One a field of the set's type. */
  readonly key: readonly NftValue[]
  /** Of a verdict map. */
  readonly verdict?: NftVerdict
  /** Of any other map, one a field of its data type. */
  readonly data?: readonly NftValue[]
  readonly comment?: string
  readonly timeout?: number
  readonly expires?: number
  /** Its own counter, limit or quota, as written. */
  readonly stateful?: string
}

/** Where a lookup looks: a named set (`@name`), or one that the rule itself holds. */
export type NftSetRef =
  | { readonly kind: 'named'; readonly name: string }
  | { readonly kind: 'anonymous'; readonly elements: readonly NftElement[] }

export type NftPayloadProtocol = 'ether' | 'ip' | 'ip6' | 'icmp' | 'icmpv6' | 'tcp' | 'udp' | 'udplite' | 'sctp' | 'dccp' | 'th'

/** What loads a register. */
export type NftExpression =
  /** `ip saddr`, `tcp dport`, `th sport`, `icmp type`. */
  | { readonly kind: 'payload'; readonly protocol: NftPayloadProtocol; readonly field: string }
  /** `meta mark`, `iifname`. */
  | { readonly kind: 'meta'; readonly key: string }
  /** `ct state`, `ct original ip saddr`. */
  | { readonly kind: 'ct'; readonly key: string; readonly direction?: 'original' | 'reply' }
  /** `fib saddr . iif oif`: the fields that are looked up, and what of the answer is wanted. */
  | { readonly kind: 'fib'; readonly flags: readonly string[]; readonly result: 'type' | 'oif' | 'oifname' }
  | { readonly kind: 'numgen'; readonly mode: 'random' | 'inc'; readonly modulus: number; readonly offset: number }
  /** `layout`: the bytes of each field of the key; undefined where one's are not known. */
  | {
      readonly kind: 'jhash'
      readonly key: NftExpression
      readonly layout?: readonly { readonly bytes: number; readonly network: boolean }[]
      readonly modulus: number
      readonly seed?: number
      readonly offset: number
    }
  | { readonly kind: 'concat'; readonly parts: readonly NftExpression[] }
  | {
      readonly kind: 'binary'
      readonly operator: '&' | '|' | '^' | '<<' | '>>'
      readonly left: NftExpression
      readonly right: NftExpression
    }
  | { readonly kind: 'constant'; readonly value: NftValue; readonly type: NftType }
  /** `tcp dport map @m`. */
  | { readonly kind: 'map'; readonly key: NftExpression; readonly map: NftSetRef; readonly type: readonly NftType[] }

/** `implicit` is the relation that nft leaves unwritten: membership in a set, any of some flags, else equality. */
export type NftRelation = 'implicit' | '==' | '!=' | '<' | '>' | '<=' | '>='

export type NftRight =
  | { readonly kind: 'constant'; readonly fields: readonly NftValue[] }
  /** `established,related`: bits. */
  | { readonly kind: 'flags'; readonly value: number }
  /** `tcp flags syn / syn,ack`: these bits of that mask. */
  | { readonly kind: 'masked'; readonly value: number; readonly mask: number }
  | { readonly kind: 'set'; readonly set: NftSetRef }
  /** `fib … missing` (false) and `exists` (true). */
  | { readonly kind: 'existence'; readonly exists: boolean }

/** reject's answer: a reset, or an ICMP code by its own name (`port-unreachable`); icmpx where it is given for both families. */
export type NftReject =
  /** `reject` alone: port unreachable. */
  | { readonly kind: 'default' }
  | { readonly kind: 'tcp-reset' }
  | { readonly kind: 'icmp' | 'icmpx' | 'icmpv6'; readonly code: string }

export type NftNatFlag = 'random' | 'fully-random' | 'persistent'

export type NftStatement =
  | { readonly kind: 'match'; readonly left: NftExpression; readonly relation: NftRelation; readonly right: NftRight }
  | { readonly kind: 'vmap'; readonly key: NftExpression; readonly map: NftSetRef }
  | { readonly kind: 'verdict'; readonly verdict: NftVerdict }
  /** As loaded; what a run adds is in the trace's cells. */
  | { readonly kind: 'counter'; readonly packets: number; readonly bytes: number }
  /** `meta mark set …`, `ct mark set …`. */
  | { readonly kind: 'mangle'; readonly target: NftExpression; readonly value: NftExpression }
  | {
      readonly kind: 'nat'
      readonly operation: 'dnat' | 'snat'
      /** Written in a table of family inet. */
      readonly family?: 'ip' | 'ip6'
      readonly address?: NftExpression
      readonly port?: NftExpression
      /** `addr . port`: the address is a map whose data has both. */
      readonly both?: true
      readonly flags: readonly NftNatFlag[]
    }
  | {
      readonly kind: 'masquerade' | 'redirect'
      readonly port?: NftExpression
      readonly flags: readonly NftNatFlag[]
    }
  | { readonly kind: 'reject'; readonly with: NftReject }
  | { readonly kind: 'log'; readonly prefix: string; readonly options: readonly string[] }
  | {
      readonly kind: 'limit'
      readonly over: boolean
      readonly rate: number
      readonly unit: 'second' | 'minute' | 'hour' | 'day' | 'week'
      readonly burst: number
    }
  | { readonly kind: 'notrack' }
  /** `update @set { ip saddr timeout 10s }`; `timeout` in nanoseconds. */
  | {
      readonly kind: 'dynset'
      readonly operation: 'add' | 'update' | 'delete'
      readonly set: string
      readonly key: NftExpression
      readonly timeout?: number
    }
  /** As written; known to leave packet and walk alone (named counters, nftrace). */
  | { readonly kind: 'passive'; readonly text: string }
  /** Not modelled: as written, to the end of the rule. */
  | { readonly kind: 'unknown'; readonly text: string }
