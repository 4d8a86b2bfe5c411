import { parseIpv4 } from '../../net/address.ts'
import type { NatRange, PortRange, Target } from '../../world/netfilter.ts'
import { LOG_LEVELS, REJECT_WITH } from './names.ts'
import { type Draft, parseNumber, type RuleReader } from './reader.ts'

type TargetOf<K extends Target['kind']> = Extract<Target, { kind: K }>

export interface TargetSyntax {
  readonly begin: () => unknown
  readonly options: ReadonlyMap<string, (draft: never, r: RuleReader) => void>
  readonly finish: (draft: never, r: RuleReader) => Target
}

function syntax<D>(
  begin: () => D,
  options: Readonly<Record<string, (draft: D, r: RuleReader) => void>>,
  finish: (draft: D, r: RuleReader) => Target,
): TargetSyntax {
  return { begin, options: new Map(Object.entries(options)), finish }
}

const constant = (target: Target): TargetSyntax =>
  syntax(
    () => undefined,
    {},
    () => target,
  )

type NatKind = 'dnat' | 'snat' | 'masquerade' | 'redirect'
type NatDraft = Draft<NatRange> & { given: boolean }

/** `1.2.3.4`, `1.2.3.4-1.2.3.9:100-200`, `:53` (libxt_NAT.c parse_to). A base port after a slash is not modelled. */
function natTo(m: NatDraft, r: RuleReader): void {
  const w = r.word()
  m.given = true
  const colon = w.indexOf(':')
  const hosts = colon < 0 ? w : w.slice(0, colon)
  if (hosts !== '') {
    const dash = hosts.indexOf('-')
    const from = parseIpv4(dash < 0 ? hosts : hosts.slice(0, dash))
    const to = dash < 0 ? from : parseIpv4(hosts.slice(dash + 1))
    if (from.ok && to.ok) m.addresses = { from: from.value, to: to.value }
    else r.fail('an IPv4 address or range, with ports after a colon', w)
  }
  if (colon >= 0) natPorts(m, r, w.slice(colon + 1))
}

function natPorts(m: NatDraft, r: RuleReader, w: string): void {
  if (w.includes('/')) r.unmodelled = true
  else m.ports = r.portsIn(w, '-') satisfies PortRange
}

function nat(kind: NatKind, to: Readonly<Record<string, (m: NatDraft, r: RuleReader) => void>>, required?: string): TargetSyntax {
  return syntax<NatDraft>(
    () => ({ random: false, randomFully: false, persistent: false, given: false }),
    {
      ...to,
      '--random': (m) => {
        m.random = true
      },
      '--random-fully': (m) => {
        m.randomFully = true
      },
      '--persistent': (m) => {
        m.persistent = true
      },
    },
    ({ given, ...range }, r) => {
      if (required !== undefined && !given) r.fail(`${required} after -j ${kind.toUpperCase()}`, '')
      return { kind, range }
    },
  )
}

const toPorts = {
  '--to-ports': (m: NatDraft, r: RuleReader) => natPorts(m, r, r.word()),
}

interface MarkDraft {
  value: number
  mask: number
  given: boolean
}
type MarkOption = (m: MarkDraft, r: RuleReader) => void
const setMark = (to: (value: number, mask: number) => { value: number; mask: number }): MarkOption => {
  return (m, r) => {
    const { value, mask } = r.markAndMask()
    Object.assign(m, to(value, mask))
    m.given = true
  }
}
/** libxt_MARK.c and libxt_CONNMARK.c: every way to set a mark comes down to (mark & ~mask) ^ value. */
const MARK_OPTIONS: Readonly<Record<string, MarkOption>> = {
  '--set-xmark': setMark((value, mask) => ({ value, mask })),
  '--set-mark': setMark((value, mask) => ({ value, mask: (value | mask) >>> 0 })),
  '--and-mark': setMark((bits) => ({ value: 0, mask: ~bits >>> 0 })),
  '--or-mark': setMark((bits) => ({ value: bits, mask: bits })),
  '--xor-mark': setMark((bits) => ({ value: bits, mask: 0 })),
}
const newMark = (): MarkDraft => ({ value: 0, mask: 0, given: false })

const mark = syntax<MarkDraft>(newMark, MARK_OPTIONS, (m, r) => {
  if (!m.given) r.fail('--set-xmark or another way to set the mark after -j MARK', '')
  return { kind: 'mark', value: m.value, mask: m.mask }
})

type ConnmarkDraft = MarkDraft & { operation: 'set' | 'save' | 'restore'; nfmask: number; ctmask: number }
const connmarkMove = (operation: 'save' | 'restore') => (m: ConnmarkDraft) => {
  m.operation = operation
  m.given = true
}
const bits = (r: RuleReader): number => r.number(0xffffffff, 'a mask')
const unmodelledWord = (_: unknown, r: RuleReader) => {
  r.word()
  r.unmodelled = true
}
const connmark = syntax<ConnmarkDraft>(
  () => ({ ...newMark(), operation: 'set', nfmask: 0xffffffff, ctmask: 0xffffffff }),
  {
    ...MARK_OPTIONS,
    '--save-mark': connmarkMove('save'),
    '--restore-mark': connmarkMove('restore'),
    '--nfmask': (m, r) => {
      m.nfmask = bits(r)
    },
    '--ctmask': (m, r) => {
      m.ctmask = bits(r)
    },
    '--mask': (m, r) => {
      m.nfmask = m.ctmask = bits(r)
    },
    '--left-shift-mark': unmodelledWord,
    '--right-shift-mark': unmodelledWord,
  },
  (m, r) => {
    if (!m.given) r.fail('--set-xmark, --save-mark or --restore-mark after -j CONNMARK', '')
    if (m.operation === 'set') return { kind: 'connmark', operation: 'set', value: m.value, mask: m.mask }
    return { kind: 'connmark', operation: m.operation, nfmask: m.nfmask, ctmask: m.ctmask }
  },
)

const reject = syntax<Draft<TargetOf<'reject'>>>(
  () => ({ kind: 'reject', with: 'icmp-port-unreachable' }),
  {
    '--reject-with': (m, r) => {
      const w = r.word()
      const known = REJECT_WITH.get(w)
      if (known) m.with = known
      else r.fail(`one of ${[...new Set(REJECT_WITH.values())].join(', ')}`, w)
    },
  },
  (m) => m,
)

const LOG_FLAGS = ['--log-tcp-sequence', '--log-tcp-options', '--log-ip-options', '--log-uid', '--log-macdecode']
const log = syntax<{ prefix: string; level: number; options: string[] }>(
  () => ({ prefix: '', level: 4, options: [] }),
  {
    '--log-prefix': (m, r) => {
      m.prefix = r.text()
      if (m.prefix.length > 29) r.fail('a log prefix of at most 29 characters', m.prefix)
    },
    '--log-level': (m, r) => {
      const w = r.word()
      const level = LOG_LEVELS.get(w.toLowerCase()) ?? parseNumber(w, 7)
      if (level === undefined) r.fail('a syslog level from 0 to 7, or its name', w)
      else m.level = level
    },
    ...Object.fromEntries(LOG_FLAGS.map((flag) => [flag, (m: { options: string[] }) => void m.options.push(flag)])),
  },
  (m) => ({ kind: 'log', prefix: m.prefix, level: m.level, options: LOG_FLAGS.filter((f) => m.options.includes(f)) }),
)

/** Of the CT target only --notrack is modelled: zones, events and helpers are kept as written. */
const ct = syntax<{ notrack: boolean }>(
  () => ({ notrack: false }),
  {
    '--notrack': (m) => {
      m.notrack = true
    },
    '--zone': unmodelledWord,
    '--zone-orig': unmodelledWord,
    '--zone-reply': unmodelledWord,
    '--helper': unmodelledWord,
    '--timeout': unmodelledWord,
    '--ctevents': unmodelledWord,
    '--expevents': unmodelledWord,
  },
  (m) => (m.notrack ? { kind: 'notrack' } : { kind: 'unknown', name: 'CT', arguments: [] }),
)

/** Every modelled target by the name after `-j`. */
export const TARGETS: ReadonlyMap<string, TargetSyntax> = new Map(
  Object.entries({
    ACCEPT: constant({ kind: 'accept' }),
    DROP: constant({ kind: 'drop' }),
    RETURN: constant({ kind: 'return' }),
    REJECT: reject,
    DNAT: nat('dnat', { '--to-destination': natTo }, '--to-destination'),
    SNAT: nat('snat', { '--to-source': natTo }, '--to-source'),
    MASQUERADE: nat('masquerade', toPorts),
    REDIRECT: nat('redirect', toPorts),
    MARK: mark,
    CONNMARK: connmark,
    LOG: log,
    CT: ct,
    NOTRACK: constant({ kind: 'notrack', spelling: 'NOTRACK' }),
    TRACE: constant({ kind: 'trace' }),
  }),
)
