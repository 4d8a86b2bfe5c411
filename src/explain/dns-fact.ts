import type { Span } from './sentence.ts'

// What a sentence about names needs to know, in no language yet. Durations are virtual ns.

/** Where a question stands among the names that a lookup tries. */
export type DnsPlace =
  /** With a suffix of the search list: the `nth` of `count`. */
  | { readonly kind: 'suffix'; readonly nth: number; readonly count: number; readonly suffix: Span }
  /** The name as it is, before the search list (`first`) or after it. */
  | { readonly kind: 'as-is'; readonly first: boolean }
  | { readonly kind: 'plain' }

export interface AnswerPart {
  readonly rcode: string
  readonly type: string
  readonly name: Span
  /** What each CNAME leads to, in order. */
  readonly aliases: readonly Span[]
  /** Data of the records that were asked for, as dig prints it; empty where the message cannot be read. */
  readonly records: readonly Span[]
  /** Records in the answer section. */
  readonly count: number
  readonly truncated: boolean
  /** Seconds: the shortest of the answer section, of a negative answer its SOA's. */
  readonly ttl?: number
  /** The zone to whose servers a delegation leads. */
  readonly referral?: Span
}

export type DnsFact =
  | {
      readonly kind: 'dns-lookup'
      readonly process: Span
      readonly name: Span
      readonly dots: number
      readonly ndots: number
      readonly search: readonly Span[]
      /** The name of an address is wanted. */
      readonly reverse: boolean
      readonly order: 'absolute' | 'plain' | 'as-is-first' | 'list-first'
    }
  | {
      readonly kind: 'dns-asked'
      readonly process: Span
      readonly type: string
      readonly name: Span
      readonly place: DnsPlace
      readonly server?: Span
      /** A server asks another server; `zone`: one that a referral named as the zone's. */
      readonly onward: boolean
      readonly zone?: Span
      /** The type of the question that has just left from the same socket. */
      readonly together?: string
      /** Why the same is asked once more; `truncated`: over TCP, what did not fit into a datagram. */
      readonly again?: 'timeout' | 'refused' | 'one-by-one' | 'truncated'
      /** Over a connection, not in a datagram. */
      readonly tcp: boolean
    }
  | {
      readonly kind: 'dns-heard'
      readonly process: Span
      readonly type: string
      readonly name: Span
      readonly from: Span
      readonly tcp: boolean
    }
  | ({
      readonly kind: 'dns-said'
      readonly process: Span
      /** `watched`: from the objects of the cluster; `asked`: what another server has said; `own`: from its zone, or from nothing. */
      readonly source: 'cache' | 'asked' | 'watched' | 'own'
    } & AnswerPart)
  | ({
      readonly kind: 'dns-answered'
      readonly process: Span
      readonly place: DnsPlace
      /** The server, where a server asked. */
      readonly from?: Span
      /** What is tried next, where there is no such name. */
      readonly next?: Span
    } & AnswerPart)
  | { readonly kind: 'dns-refused'; readonly process: Span; readonly server: Span }
  | {
      readonly kind: 'dns-waited'
      readonly process: Span
      readonly duration: number
      /** A server waited for another server. */
      readonly server: boolean
      /** Of two questions the one of this type was answered. */
      readonly only?: string
    }
  | {
      readonly kind: 'dns-resolved'
      readonly process: Span
      readonly name: Span
      readonly result: Span
      readonly failed: boolean
      /** Questions that it took. */
      readonly asked: number
      readonly duration: number
    }

/** Two packets of one flow had an entry each, and this is the later one's. */
export interface ClashFact {
  readonly kind: 'ct-clashed'
  readonly entry: Span
  /** `kept`: for the reply direction alone. */
  readonly end: 'shared' | 'kept' | 'dropped'
}

/** How a command came by the address that it went to, in its verdict. */
export interface LookupPart {
  /** `web → 10.96.0.80` */
  readonly text: Span
  readonly asked: number
  /** Names that do not exist, tried before the one that does; `ndots` of the resolver that tried them. */
  readonly missing: number
  readonly ndots: number
  readonly duration: number
  /** How often it waited in vain. */
  readonly waits: number
}
