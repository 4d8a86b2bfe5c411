import { maskOf, parseMac } from '../../net/address.ts'
import type { Match, RuleSpec } from '../../world/netfilter.ts'
import { ADDR_TYPES, CT_STATES, CT_STATUSES, ICMP_TYPES, TCP_FLAGS } from './names.ts'
import { type Draft, parseNumber, type RuleReader } from './reader.ts'

type MatchOf<K extends Match['kind']> = Extract<Match, { kind: K }>

/** How one extension reads its options: `begin` at `-m name`, an entry of `options` for each, `finish` at the rule's end. */
export interface MatchSyntax {
  readonly begin: () => unknown
  readonly options: ReadonlyMap<string, (draft: never, r: RuleReader) => void>
  readonly finish: (draft: never, r: RuleReader) => Match
}

interface SyntaxOf<D> {
  readonly begin: () => D
  readonly options: Readonly<Record<string, (draft: D, r: RuleReader) => void>>
  /** Options that iptables knows and Hopscope keeps as they are: the whole match becomes `unknown`. */
  readonly unmodelled?: readonly string[]
}

function syntax<D>(s: SyntaxOf<D>, finish: (draft: D, r: RuleReader) => Match): MatchSyntax {
  const options = new Map(Object.entries(s.options))
  for (const name of s.unmodelled ?? []) {
    options.set(name, (_, r) => {
      r.unmodelled = true
    })
  }
  return { begin: s.begin, options, finish }
}

/** For a match whose draft is the match. */
const plain = <M extends Match>(s: SyntaxOf<Draft<M>>): MatchSyntax => syntax(s, (d) => d as unknown as M)

function tcpFlags(r: RuleReader, w: string): number {
  if (w === 'ALL') return 0x3f
  if (w === 'NONE') return 0
  let bits = 0
  for (const name of w.split(',')) {
    const bit = TCP_FLAGS.indexOf(name.toUpperCase() as (typeof TCP_FLAGS)[number])
    if (bit < 0) r.fail(`TCP flags from ${TCP_FLAGS.join(',')}, ALL or NONE`, w)
    else bits |= 1 << bit
  }
  return bits
}

type Ports = Draft<MatchOf<'tcp'> | MatchOf<'udp'> | MatchOf<'sctp'>>
const PORT_OPTIONS: Record<string, (m: Ports, r: RuleReader) => void> = {
  '--sport': (m, r) => {
    m.sport = r.portMatch()
  },
  '--dport': (m, r) => {
    m.dport = r.portMatch()
  },
}
const portOptions = {
  ...PORT_OPTIONS,
  '--source-port': PORT_OPTIONS['--sport'] as (m: Ports, r: RuleReader) => void,
  '--destination-port': PORT_OPTIONS['--dport'] as (m: Ports, r: RuleReader) => void,
}

const tcp = plain<MatchOf<'tcp'>>({
  begin: () => ({ kind: 'tcp' }),
  options: {
    ...portOptions,
    '--tcp-flags': (m, r) => {
      const mask = tcpFlags(r, r.word())
      m.flags = { mask, comp: tcpFlags(r, r.word()), invert: r.takeInvert() }
    },
    '--syn': (m, r) => {
      m.flags = { mask: 0x17, comp: 2, invert: r.takeInvert() }
    },
    '--tcp-option': (m, r) => {
      const number = r.number(255, 'a TCP option number')
      m.option = { number, invert: r.takeInvert() }
    },
  },
})
const udp = plain<MatchOf<'udp'>>({ begin: () => ({ kind: 'udp' }), options: portOptions })
const sctp = plain<MatchOf<'sctp'>>({
  begin: () => ({ kind: 'sctp' }),
  options: portOptions,
  unmodelled: ['--chunk-types'],
})

interface IcmpDraft {
  type: number
  code?: number
  invert: boolean
}
const icmp = syntax<IcmpDraft>(
  {
    begin: () => ({ type: 255, invert: false }),
    options: {
      '--icmp-type': (m, r) => {
        const w = r.word()
        m.invert = r.takeInvert()
        const named = ICMP_TYPES.find((t) => t.name.toLowerCase() === w.toLowerCase())
        const [type, code] = w.split('/').map((n) => parseNumber(n, 255))
        if (named) {
          m.type = named.type
          if (named.code !== undefined) m.code = named.code
        } else if (type === undefined || (w.includes('/') && code === undefined)) r.fail('an ICMP type, type/code or name', w)
        else {
          m.type = type
          if (code !== undefined) m.code = code
        }
      },
    },
  },
  (m) => ({ kind: 'icmp', ...m }),
)

const multiportOption = (which: MatchOf<'multiport'>['which']) => (m: Draft<MatchOf<'multiport'>>, r: RuleReader) => {
  m.which = which
  const ports = r.word().split(',')
  m.ranges = ports.map((p) => r.portsIn(p, ':'))
  m.invert = r.takeInvert()
  if (ports.length > 15) r.fail('at most 15 ports', ports.join(','))
}
const multiport = syntax<Draft<MatchOf<'multiport'>>>(
  {
    begin: () => ({ kind: 'multiport', which: 'ports', ranges: [], invert: false }),
    options: {
      '--sports': multiportOption('sports'),
      '--source-ports': multiportOption('sports'),
      '--dports': multiportOption('dports'),
      '--destination-ports': multiportOption('dports'),
      '--ports': multiportOption('ports'),
    },
  },
  (m, r) => {
    if (m.ranges.length === 0) r.fail('--sports, --dports or --ports after -m multiport', '')
    return m
  },
)

const comment = plain<MatchOf<'comment'>>({
  begin: () => ({ kind: 'comment', text: '' }),
  options: {
    '--comment': (m, r) => {
      m.text = r.word()
      if (m.text.length > 255) r.fail('a comment of at most 255 characters', m.text)
    },
  },
})

const markOption = (m: Draft<MatchOf<'mark'> | MatchOf<'connmark'>>, r: RuleReader) => {
  const { value, mask } = r.markAndMask()
  m.value = value
  m.mask = mask
  m.invert = r.takeInvert()
}
const mark = plain<MatchOf<'mark'>>({
  begin: () => ({ kind: 'mark', value: 0, mask: 0xffffffff, invert: false }),
  options: { '--mark': markOption },
})
const connmark = plain<MatchOf<'connmark'>>({
  begin: () => ({ kind: 'connmark', value: 0, mask: 0xffffffff, invert: false }),
  options: { '--mark': markOption },
})

type CtDraft = Draft<MatchOf<'conntrack'>>
const conntrack = plain<MatchOf<'conntrack'>>({
  begin: () => ({ kind: 'conntrack' }),
  options: {
    '--ctstate': (m, r) => {
      m.states = r.list(CT_STATES)
      if (r.takeInvert()) m.statesInvert = true
    },
    '--ctstatus': (m, r) => {
      m.status = r.list(['NONE', ...CT_STATUSES])
      if (r.takeInvert()) m.statusInvert = true
    },
    '--ctproto': (m, r) => {
      m.protocol = r.protocol()
    },
    '--ctorigsrc': (m, r) => {
      m.origSrc = r.addressMatch()
    },
    '--ctorigdst': (m, r) => {
      m.origDst = r.addressMatch()
    },
    '--ctreplsrc': (m, r) => {
      m.replSrc = r.addressMatch()
    },
    '--ctrepldst': (m, r) => {
      m.replDst = r.addressMatch()
    },
    '--ctorigdstport': (m, r) => {
      m.origDstPort = r.portMatch()
    },
    '--ctdir': (m: CtDraft, r) => {
      const w = r.word()
      if (w === 'ORIGINAL' || w === 'REPLY') m.direction = w
      else r.fail('ORIGINAL or REPLY', w)
    },
  },
  unmodelled: ['--ctexpire', '--ctorigsrcport', '--ctreplsrcport', '--ctrepldstport'],
})

const state = plain<MatchOf<'state'>>({
  begin: () => ({ kind: 'state', states: [], invert: false }),
  options: {
    '--state': (m, r) => {
      m.states = r.list(CT_STATES)
      m.invert = r.takeInvert()
    },
  },
})

const addrtype = plain<MatchOf<'addrtype'>>({
  begin: () => ({ kind: 'addrtype' }),
  options: {
    '--src-type': (m, r) => {
      m.srcTypes = r.list(ADDR_TYPES)
      if (r.takeInvert()) m.srcInvert = true
    },
    '--dst-type': (m, r) => {
      m.dstTypes = r.list(ADDR_TYPES)
      if (r.takeInvert()) m.dstInvert = true
    },
    '--limit-iface-in': (m) => {
      m.limitIface = 'in'
    },
    '--limit-iface-out': (m) => {
      m.limitIface = 'out'
    },
  },
})

interface StatisticDraft {
  mode: string
  probability: number
  every: number
  packet: number
  invert: boolean
}
const statistic = syntax<StatisticDraft>(
  {
    begin: () => ({ mode: '', probability: -1, every: 0, packet: -1, invert: false }),
    options: {
      '--mode': (m, r) => {
        m.mode = r.word()
        if (m.mode !== 'random' && m.mode !== 'nth') r.fail('random or nth', m.mode)
      },
      '--probability': (m, r) => {
        const w = r.word()
        const p = Number(w)
        if (w === '' || !(p >= 0 && p <= 1)) r.fail('a probability from 0 to 1', w)
        else m.probability = Math.round(p * 0x8000_0000)
        m.invert = r.takeInvert()
      },
      '--every': (m, r) => {
        m.every = r.number(0xffffffff, 'a count')
        m.invert = r.takeInvert()
      },
      '--packet': (m, r) => {
        m.packet = r.number(0xffffffff, 'a count')
      },
    },
  },
  (m, r) => {
    if (m.mode === 'nth') {
      if (m.every < 1 || m.packet < 0) r.fail('--every N --packet P with -m statistic --mode nth', '')
      return { kind: 'statistic', mode: 'nth', every: m.every, packet: m.packet, invert: m.invert }
    }
    if (m.mode !== 'random' || m.probability < 0) r.fail('--mode random --probability P with -m statistic', '')
    return { kind: 'statistic', mode: 'random', probability: m.probability, invert: m.invert }
  },
)

/** Kept as words: counters of a set's entries, which Hopscope's sets do not have. */
const setWords =
  (name: string, args: 0 | 1, inverts = false) =>
  (m: Draft<MatchOf<'set'>>, r: RuleReader) => {
    m.options = [...m.options, ...(inverts && r.takeInvert() ? ['!'] : []), name, ...(args ? [r.word()] : [])]
  }
const set = plain<MatchOf<'set'>>({
  begin: () => ({ kind: 'set', set: '', directions: [], invert: false, options: [] }),
  options: {
    '--match-set': (m, r) => {
      m.set = r.word()
      const directions = r.word()
      m.directions = directions.split(',').filter((d): d is 'src' | 'dst' => d === 'src' || d === 'dst')
      if (m.directions.length !== directions.split(',').length) r.fail('src and dst, comma-separated', directions)
      m.invert = r.takeInvert()
    },
    '--return-nomatch': setWords('--return-nomatch', 0),
    '--update-counters': setWords('--update-counters', 0, true),
    '--update-subcounters': setWords('--update-subcounters', 0, true),
    '--packets-eq': setWords('--packets-eq', 1, true),
    '--packets-lt': setWords('--packets-lt', 1),
    '--packets-gt': setWords('--packets-gt', 1),
    '--bytes-eq': setWords('--bytes-eq', 1, true),
    '--bytes-lt': setWords('--bytes-lt', 1),
    '--bytes-gt': setWords('--bytes-gt', 1),
  },
})

const physdev = plain<MatchOf<'physdev'>>({
  begin: () => ({ kind: 'physdev' }),
  options: {
    '--physdev-in': (m, r) => {
      m.physIn = r.interfaceMatch()
    },
    '--physdev-out': (m, r) => {
      m.physOut = r.interfaceMatch()
    },
    '--physdev-is-in': (m, r) => {
      m.isIn = !r.takeInvert()
    },
    '--physdev-is-out': (m, r) => {
      m.isOut = !r.takeInvert()
    },
    '--physdev-is-bridged': (m, r) => {
      m.isBridged = !r.takeInvert()
    },
  },
})

type RecentDraft = Draft<MatchOf<'recent'>> & { given: boolean }
const recentOperation = (operation: RecentDraft['operation']) => (m: RecentDraft, r: RuleReader) => {
  m.operation = operation
  m.given = true
  m.invert = r.takeInvert()
}
const recent = syntax<RecentDraft>(
  {
    begin: () => ({
      kind: 'recent',
      operation: 'set',
      name: 'DEFAULT',
      invert: false,
      reap: false,
      ttl: false,
      mask: maskOf(32),
      side: 'source',
      given: false,
    }),
    options: {
      '--set': recentOperation('set'),
      '--rcheck': recentOperation('rcheck'),
      '--update': recentOperation('update'),
      '--remove': recentOperation('remove'),
      '--seconds': (m, r) => {
        m.seconds = r.number(0xffffffff, 'seconds')
      },
      '--hitcount': (m, r) => {
        m.hitcount = r.number(0xffffffff, 'a count')
      },
      '--reap': (m) => {
        m.reap = true
      },
      '--rttl': (m) => {
        m.ttl = true
      },
      '--name': (m, r) => {
        m.name = r.word()
      },
      '--mask': (m, r) => {
        m.mask = r.address()
      },
      '--rsource': (m) => {
        m.side = 'source'
      },
      '--rdest': (m) => {
        m.side = 'dest'
      },
    },
  },
  ({ given, ...m }, r) => {
    if (!given) r.fail('one of --set, --rcheck, --update and --remove after -m recent', '')
    return m
  },
)

const mac = plain<MatchOf<'mac'>>({
  begin: () => ({ kind: 'mac', source: 0 as MatchOf<'mac'>['source'], invert: false }),
  options: {
    '--mac-source': (m, r) => {
      const w = r.word()
      m.invert = r.takeInvert()
      const parsed = parseMac(w)
      if (parsed.ok) m.source = parsed.value
      else r.fail(parsed.error.expected, w)
    },
  },
})

type LimitUnit = MatchOf<'limit'>['unit']
const LIMIT_UNITS: readonly (readonly [LimitUnit, seconds: number])[] = [
  ['day', 86400],
  ['hour', 3600],
  ['min', 60],
  ['sec', 1],
]
/** xt_limit keeps the time between packets, in 1/10,000 s, and prints the largest unit that divides it well (libxt_limit.c print_rate). */
function limitRate(w: string): { average: number; unit: LimitUnit } | undefined {
  const [count = '', name = 'sec'] = w.split('/')
  const n = parseNumber(count, 0xffffffff)
  const unit = name === '' ? undefined : [...LIMIT_UNITS].reverse().find(([u]) => fullName(u).startsWith(name.toLowerCase()))
  if (!n || !unit) return undefined
  const period = Math.floor((10000 * unit[1]) / n)
  if (period === 0) return undefined
  let best = LIMIT_UNITS[0] as (typeof LIMIT_UNITS)[number]
  for (const u of LIMIT_UNITS.slice(1)) {
    const scale = u[1] * 10000
    if (period > scale || Math.floor(scale / period) < scale % period) break
    best = u
  }
  return { average: Math.floor((best[1] * 10000) / period), unit: best[0] }
}
const fullName = (u: LimitUnit): string => ({ sec: 'second', min: 'minute', hour: 'hour', day: 'day' })[u]

const limit = plain<MatchOf<'limit'>>({
  begin: () => ({ kind: 'limit', average: 3, unit: 'hour', burst: 5 }),
  options: {
    '--limit': (m, r) => {
      const w = r.word()
      const rate = limitRate(w)
      if (!rate) r.fail('a rate such as 10/min', w)
      else {
        m.average = rate.average
        m.unit = rate.unit
      }
    },
    '--limit-burst': (m, r) => {
      m.burst = r.number(10000, 'a burst')
    },
  },
})

const nfacct = plain<MatchOf<'nfacct'>>({
  begin: () => ({ kind: 'nfacct', name: '' }),
  options: {
    '--nfacct-name': (m, r) => {
      m.name = r.word()
    },
  },
})

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
