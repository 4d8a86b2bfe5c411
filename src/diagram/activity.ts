import { formatIpv4, formatMac } from '../net/address.ts'
import { FIELD } from '../net/packet.ts'
import { STEP } from '../trace/columns.ts'
import type { TraceReader } from '../trace/reader.ts'
import type { Target } from '../world/netfilter.ts'
import { fitText, type Measure } from './text.ts'

// What a place did to a packet, in the few words that fit into a gate: names of tables, targets, devices and sysctls, which
// are the same in every language.

type ActivityTone = 'busy' | 'pass' | 'nat' | 'drop' | 'wait'

export interface Activity {
  readonly text: string
  /** The verdict alone, where the room is too small for the table or the reason too. */
  readonly brief?: string
  readonly tone: ActivityTone
}

/** A header field, or an address with its port, before and after. */
export interface Change {
  readonly field: 'src' | 'dst' | 'ttl' | 'eth' | 'mark' | 'other'
  readonly from: string
  readonly to: string
  /** seq of the last rewrite that belongs to it. */
  readonly seq: number
}

/** Fewer characters than these are no name any more. */
const LEAST_LEFT = 7

/** What fits of an activity in `width` CSS pixels: all, the verdict alone, or a long name in part. Never a piece of a short word: rather nothing. */
export function fitActivity(activity: Activity, width: number, measure: Measure): string {
  const { text, brief = text } = activity
  if (measure(text, 'status') <= width) return text
  const fitted = fitText(brief, 'status', width, measure)
  return fitted === brief || fitted.length > LEAST_LEFT ? fitted : ''
}

const WEIGHT: Readonly<Record<ActivityTone, number>> = { busy: 0, pass: 1, nat: 3, wait: 4, drop: 5 }

const TARGET_NAMES: Readonly<Partial<Record<Target['kind'], string>>> = {
  dnat: 'DNAT',
  snat: 'SNAT',
  masquerade: 'MASQUERADE',
  redirect: 'REDIRECT',
  mark: 'MARK',
  connmark: 'CONNMARK',
  notrack: 'NOTRACK',
  reject: 'REJECT',
  drop: 'DROP',
  accept: 'ACCEPT',
}
/** The same by the names that statements of nftables have. */
const BY_NAME: Readonly<Record<string, string | undefined>> = TARGET_NAMES

/** The most telling thing among a packet's steps from `first` to `last` (seqs, inclusive), on a device or at a gate. Undefined when there was nothing to tell. */
export function activityOf(
  reader: TraceReader,
  packet: number,
  span: { readonly first: number; readonly last: number; readonly onDevice: boolean },
): Activity | undefined {
  let best: Activity | undefined
  let table = ''
  let target = ''
  let beforeWait: Activity | undefined
  let beforeChain: Activity | undefined
  let tried = 0
  const say = (text: string, tone: ActivityTone, brief?: string) => {
    if (best === undefined || WEIGHT[tone] >= WEIGHT[best.tone]) best = { text, tone, ...(brief !== undefined && { brief }) }
  }
  const sayIn = (what: string, tone: ActivityTone) => say(`${table}: ${what}`, tone, what)
  for (const seq of stepsIn(reader, packet, span)) {
    const step = reader.step(seq)
    switch (step.kind) {
      case 'chain':
        table = step.table
        beforeChain = best
        tried = 0
        say(`${table} …`, 'busy')
        break
      case 'rule': {
        tried += step.tried
        const rule = reader.versions.near(step.rule, seq)
        if (rule?.kind === 'rule') {
          table = rule.table
          target = TARGET_NAMES[rule.spec.target.kind] ?? ''
        } else if (rule?.kind === 'nft-rule') {
          table = rule.table
          target = rule.statements.map((s) => BY_NAME[s.kind === 'nat' ? s.operation : s.kind] ?? '').find((t) => t !== '') ?? ''
        }
        if (step.verdict === 'drop' || step.verdict === 'reject') sayIn(target || step.verdict.toUpperCase(), 'drop')
        else if (step.verdict === 'accept') sayIn('ACCEPT', 'pass')
        else if (step.verdict === 'nat') sayIn(target, 'nat')
        else if (step.verdict === 'undetermined') sayIn('?', 'drop')
        else if (target === 'MARK' || target === 'CONNMARK') sayIn(target, 'pass')
        break
      }
      case 'policy':
        tried += step.tried
        if (step.verdict === 'drop') sayIn('DROP', 'drop')
        else if (step.verdict === 'accept' && tried > 0) sayIn('ACCEPT', 'pass')
        // An empty table has nothing to say.
        else if (step.verdict === 'accept' && best?.tone === 'busy') best = beforeChain
        break
      case 'nat':
        if (step.binding === 'existing' || step.binding === 'icmp-error')
          say(`conntrack: ${step.manip}`, 'nat', `ct: ${step.manip}`)
        break
      case 'route': {
        const out = step.outDevice === undefined ? undefined : deviceName(step.outDevice)
        if (step.result === 'forward' || step.result === 'local')
          say(`→ ${step.result === 'local' ? 'local' : (out ?? '?')}`, 'pass')
        else say(step.result, 'drop', 'drop')
        break
      }
      case 'rp_filter':
        if (!step.ok) say('rp_filter', 'drop')
        break
      case 'forward':
        if (!step.allowed) say('ip_forward=0', 'drop', 'fwd=0')
        break
      case 'mtu':
        say(`mtu ${step.mtu}`, step.action === 'fragment' ? 'pass' : 'drop')
        break
      case 'bridge.learn':
        if (span.onDevice) say('fdb: learn', 'busy')
        break
      case 'bridge.decide':
        // While br_netfilter lends the frame to the IP hooks, the gate is where it is, and what the gate did counts.
        if (!span.onDevice && step.decision !== 'drop') break
        say(
          step.decision === 'forward' && step.port !== undefined ? `→ ${deviceName(step.port)}` : step.decision,
          step.decision === 'drop' ? 'drop' : 'pass',
          step.decision === 'local+flood' ? 'flood' : undefined,
        )
        break
      case 'wait':
        beforeWait = best
        say('arp …', 'wait')
        break
      case 'enter':
      case 'rewrite':
      case 'depart':
        if (best?.tone === 'wait') best = beforeWait
        break
      case 'drop':
        // What decided it says more than the reason that it was filed under.
        if (best?.tone !== 'drop') say(shortReason(step.reason), 'drop', 'drop')
        break
      case 'undetermined':
        say('undetermined', 'drop')
        break
      default:
        break
    }
  }
  return best
}

/** The kernel's name without the part that all of them share. */
export const shortReason = (reason: string): string => reason.replace('SKB_DROP_REASON_', '')

/** What comes after the namespace in a device id. */
export const deviceName = (id: string): string => id.slice(id.lastIndexOf('/') + 1)

function* stepsIn(
  reader: TraceReader,
  packet: number,
  span: { readonly first: number; readonly last: number },
): Generator<number> {
  for (const seq of reader.packets.seqsOf(packet)) {
    if (seq > span.last) return
    if (seq >= span.first) yield seq
  }
}

/**
 * Header changes among a packet's steps from `first` to `last`, an address and its port taken together, in the order in which
 * they happened.
 */
export function changesOf(
  reader: TraceReader,
  packet: number,
  span: { readonly first: number; readonly last: number },
): Change[] {
  const { kind, a } = reader.trace.events
  const changes = new Map<Change['field'], Change>()
  for (const seq of stepsIn(reader, packet, span)) {
    if (kind[seq] !== STEP.rewrite) continue
    const field = CHANGE_FIELD[a[seq] as number] ?? 'other'
    const from = changes.get(field)?.from ?? fieldText(reader, { packet, seq: seq - 1, field })
    const to = fieldText(reader, { packet, seq, field })
    changes.delete(field)
    if (from !== to) changes.set(field, { field, from, to, seq })
  }
  return [...changes.values()].filter((c) => c.field !== 'other')
}

const CHANGE_FIELD: Readonly<Record<number, Change['field']>> = {
  [FIELD.ETH_SRC]: 'eth',
  [FIELD.ETH_DST]: 'eth',
  [FIELD.TTL]: 'ttl',
  [FIELD.SRC]: 'src',
  [FIELD.SPORT]: 'src',
  [FIELD.DST]: 'dst',
  [FIELD.DPORT]: 'dst',
  [FIELD.MARK]: 'mark',
}

function fieldText(
  reader: TraceReader,
  at: { readonly packet: number; readonly seq: number; readonly field: Change['field'] },
): string {
  const p = reader.packetAt(at.packet, at.seq)
  switch (at.field) {
    case 'src':
      return p.sport === 0 ? formatIpv4(p.src) : `${formatIpv4(p.src)}:${p.sport}`
    case 'dst':
      return p.dport === 0 ? formatIpv4(p.dst) : `${formatIpv4(p.dst)}:${p.dport}`
    case 'ttl':
      return `ttl ${p.ttl}`
    case 'eth':
      return p.ethSrc === 0 && p.ethDst === 0 ? '' : formatMac(p.ethDst)
    case 'mark':
      return `mark 0x${reader.markAt(at.packet, at.seq).toString(16)}`
    case 'other':
      return ''
  }
}
