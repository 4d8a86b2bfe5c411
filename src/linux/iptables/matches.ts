import type { RuleSpec } from '../../world/netfilter.ts'
import { icmp, multiport, sctp, tcp, udp } from './match-layer4.ts'
import { addrtype, comment, mac, nfacct, physdev, set } from './match-place.ts'
import { connmark, conntrack, limit, mark, recent, state, statistic } from './match-state.ts'
import type { MatchSyntax } from './match-syntax.ts'

/** Every modelled match by the name after `-m`. */
export const MATCHES: ReadonlyMap<string, MatchSyntax> = new Map(
  Object.entries({
    tcp,
    udp,
    sctp,
    icmp,
    multiport,
    comment,
    mark,
    connmark,
    conntrack,
    state,
    addrtype,
    statistic,
    set,
    physdev,
    recent,
    mac,
    limit,
    nfacct,
  }),
)

/** The match that `-p` loads by itself when one of its options is used without `-m`. */
export const implicitMatch = (spec: RuleSpec): string | undefined =>
  spec.protocol && !spec.protocol.invert && ['tcp', 'udp', 'sctp', 'icmp'].includes(spec.protocol.name)
    ? spec.protocol.name
    : undefined
