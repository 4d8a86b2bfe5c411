import { maskOf } from '../../net/address.ts'
import { type MatchOf, plain, syntax } from './match-syntax.ts'
import { CT_STATES, CT_STATUSES } from './names.ts'
import { type Draft, parseNumber, type RuleReader } from './reader.ts'

// Matches on what is remembered of earlier packets: conntrack, state, mark, connmark, recent, statistic, limit.

const markOption = (m: Draft<MatchOf<'mark'> | MatchOf<'connmark'>>, r: RuleReader) => {
  const { value, mask } = r.markAndMask()
  m.value = value
  m.mask = mask
  m.invert = r.takeInvert()
}
export const mark = plain<MatchOf<'mark'>>({
  begin: () => ({ kind: 'mark', value: 0, mask: 0xffffffff, invert: false }),
  options: { '--mark': markOption },
})
export const connmark = plain<MatchOf<'connmark'>>({
  begin: () => ({ kind: 'connmark', value: 0, mask: 0xffffffff, invert: false }),
  options: { '--mark': markOption },
})

type CtDraft = Draft<MatchOf<'conntrack'>>
export const conntrack = plain<MatchOf<'conntrack'>>({
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

export const state = plain<MatchOf<'state'>>({
  begin: () => ({ kind: 'state', states: [], invert: false }),
  options: {
    '--state': (m, r) => {
      m.states = r.list(CT_STATES)
      m.invert = r.takeInvert()
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
export const statistic = syntax<StatisticDraft>(
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

type RecentDraft = Draft<MatchOf<'recent'>> & { given: boolean }
const recentOperation = (operation: RecentDraft['operation']) => (m: RecentDraft, r: RuleReader) => {
  m.operation = operation
  m.given = true
  m.invert = r.takeInvert()
}
export const recent = syntax<RecentDraft>(
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

export const limit = plain<MatchOf<'limit'>>({
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
