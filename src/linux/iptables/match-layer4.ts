import { type MatchOf, plain, syntax } from './match-syntax.ts'
import { ICMP_TYPES, TCP_FLAGS } from './names.ts'
import { type Draft, parseNumber, type RuleReader } from './reader.ts'

// Matches on the header behind IP: tcp, udp, sctp, icmp, multiport.

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

export const tcp = plain<MatchOf<'tcp'>>({
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
export const udp = plain<MatchOf<'udp'>>({ begin: () => ({ kind: 'udp' }), options: portOptions })
export const sctp = plain<MatchOf<'sctp'>>({
  begin: () => ({ kind: 'sctp' }),
  options: portOptions,
  unmodelled: ['--chunk-types'],
})

interface IcmpDraft {
  type: number
  code?: number
  invert: boolean
}
export const icmp = syntax<IcmpDraft>(
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
export const multiport = syntax<Draft<MatchOf<'multiport'>>>(
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
