import { formatIpv4 } from '../net/address.ts'
import type { Packet } from '../net/packet.ts'
import type { Hop } from './hops.ts'
import { destinationOf, deviceName, netnsName, placeName, quotedEnds, sourceOf } from './names.ts'
import { chainNameAt, ruleTargetText } from './nft.ts'
import type { TraceReader } from './reader.ts'
import { nameOf, routeFact, stepText } from './step-text.ts'
import { Walk } from './walk.ts'

/** What happened in one hop, in order and in kernel terms; how it ended comes last, unless it simply went on. */
export function hopFacts(reader: TraceReader, hop: Hop): string[] {
  const facts = new Facts(reader)
  for (const seq of reader.hops.stepsOf(hop.index)) facts.add(seq, hop)
  return facts.take()
}

class Facts {
  readonly #reader: TraceReader
  readonly #out: string[] = []
  #walk: { readonly table: string; readonly walk: Walk } | undefined
  /** The hook whose tables are being listed; its own fact is open until the next one. */
  #hook: string | undefined
  /** seq before the first of a run of NAT rewrites. */
  #rewriting: number | undefined

  constructor(reader: TraceReader) {
    this.#reader = reader
  }

  take(): string[] {
    this.#closeHook()
    return this.#out
  }

  add(seq: number, hop: Hop): void {
    const r = this.#reader
    const step = r.step(seq)
    if (step.kind === 'rewrite') {
      this.#rewrite(seq, step.field)
      return
    }
    this.#closeRewrite(seq)
    switch (step.kind) {
      case 'hook':
        this.#closeHook()
        this.#hook = step.bridged ? `bridged ${step.hook}` : step.hook
        return
      case 'ct.lookup':
        if (this.#hook !== undefined) this.#hook += ` (${step.info})`
        return
      case 'ipvs.schedule':
        if (step.destination === undefined) this.#fact(stepText(r, seq))
        else this.#note(`IPVS ${nameOf(r, step.service, seq).replace(/^virtual server /, '')}`)
        return
      case 'ipvs.packet':
        this.#note(`IPVS ${step.direction}`)
        return
      case 'chain':
        this.#closeWalk()
        this.#walk = { table: step.table, walk: new Walk(chainNameAt(r, step.chain, seq)) }
        return
      case 'rule':
        this.#walk?.walk.add(r, seq)
        return
      case 'route':
        if (step.purpose === 'rp_filter' || step.purpose === 'reply') return
        this.#fact(`route ${routeFact(r, step, seq)}`)
        return
      case 'rp_filter':
        if (!step.ok) this.#fact(stepText(r, seq))
        return
      case 'forward':
        if (!step.allowed) this.#fact(stepText(r, seq))
        return
      case 'encapsulate':
        this.#fact(`encapsulated in vni ${step.vni} to ${formatIpv4(step.remote)}`)
        return
      case 'decapsulate':
        this.#fact(`decapsulated into ${deviceName(step.device).name}`)
        return
      case 'bridge.learn':
      case 'bridge.decide':
      case 'mtu':
      case 'reassemble':
      case 'log':
      case 'neigh.state':
        this.#fact(stepText(r, seq).replace(/^neighbour (\S+) dev \S+/, 'neigh $1'))
        return
      case 'bridge.nf':
        if (!step.enabled) this.#fact(stepText(r, seq))
        return
      case 'arp.process':
        if (step.answer === 'reply') this.#fact(`answers for ${formatIpv4(step.target)}`)
        else if (step.answer !== 'update') this.#fact(step.answer === 'ignore' ? 'not for this host' : 'answers as proxy')
        return
      case 'deliver':
        // Going into a tunnel or coming out of it has been said.
        if (step.to === 'tunnel') return
        this.#fact(step.socket === undefined ? `delivered to ${step.to}` : `delivered to ${nameOf(r, step.socket, seq)}`)
        return
      case 'drop':
      case 'undetermined':
        this.#fact(`✕ ${stepText(r, seq)}`)
        return
      case 'wait':
        this.#fact(`waits for ${nameOf(r, step.neighbour, seq).replace(/^neighbour /, '')}`)
        return
      case 'depart':
        if (step.to.startsWith('dev:') && deviceName(step.to).netns !== netnsName(hop.netns))
          this.#fact(`→ ${placeName('', step.to)}`)
        return
      default:
        return
    }
  }

  #fact(text: string): void {
    this.#closeHook()
    this.#out.push(text)
  }

  #rewrite(seq: number, field: string): void {
    const nat = field === 'ip.src' || field === 'ip.dst' || field === 'l4.sport' || field === 'l4.dport' || field === 'icmp.rest'
    if (nat || field === 'payload') this.#rewriting ??= seq - 1
    else if (field === 'meta.mark') this.#closeRewrite(seq)
  }

  /** A run of NAT rewrites has ended before `seq`: says what became of source and destination. */
  #closeRewrite(seq: number): void {
    if (this.#rewriting === undefined) return
    const r = this.#reader
    const packet = r.packetOf(seq)
    const before = r.packetAt(packet, this.#rewriting)
    const after = r.packetAt(packet, seq - 1)
    this.#rewriting = undefined
    this.#closeWalk()
    // The target's name says which end it is; without one, conntrack does as it did before.
    const named = (target: RegExp) => (target.test(this.#hook ?? '') ? '' : undefined)
    const src = named(/(SNAT|MASQUERADE)$/i) ?? 'src '
    const dst = named(/(DNAT|REDIRECT.*)$/i) ?? 'dst '
    if (sourceOf(before) !== sourceOf(after)) this.#note(`${src}${sourceOf(before)} → ${sourceOf(after)}`)
    this.#noteQuoted(before, after)
    if (destinationOf(before) !== destinationOf(after)) this.#note(`${dst}${destinationOf(before)} → ${destinationOf(after)}`)
  }

  /** What an ICMP error quotes is translated with it. */
  #noteQuoted(before: Packet, after: Packet): void {
    if (before.payload === after.payload) return
    const from = quotedEnds(before)
    const to = quotedEnds(after)
    if (from === undefined || to === undefined) return
    if (from.src !== to.src) this.#note(`quoted src ${from.src} → ${to.src}`)
    if (from.dst !== to.dst) this.#note(`quoted dst ${from.dst} → ${to.dst}`)
  }

  /** Belongs to the hook that is open, if one is. */
  #note(text: string): void {
    this.#closeWalk()
    if (this.#hook === undefined) this.#out.push(text)
    else this.#hook += ` ${text}`
  }

  #closeWalk(): void {
    const walk = this.#walk
    this.#walk = undefined
    if (walk === undefined || walk.walk.rules.length === 0) return
    let before: readonly string[] = []
    const parts = walk.walk.rules.map(({ path, rule, target }) => {
      let shared = 0
      while (shared < path.length && path[shared] === before[shared]) shared++
      before = path
      return [...path.slice(shared), ''].join(' → ').replace(/ → $/, ' ').trimStart() + ruleTargetText(rule, target)
    })
    if (this.#hook !== undefined) this.#hook += ` ${walk.table}: ${parts.join(', ')}`
  }

  #closeHook(): void {
    this.#closeWalk()
    if (this.#hook !== undefined) this.#out.push(this.#hook)
    this.#hook = undefined
  }
}
