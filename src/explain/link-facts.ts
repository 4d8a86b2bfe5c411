import { formatMac, isGroupMac } from '../net/address.ts'
import { type Context, deviceOf, deviceSpan, nameIn, optional, packetOf, type StepOf } from './context.ts'
import type { Fact } from './fact.ts'
import { address } from './names.ts'
import { code, record, type Span } from './sentence.ts'

// Bridges, neighbours, ARP.

/** The bridge of this step: the device it names. */
function bridgeOf(c: Context): Span {
  const d = deviceOf(c, c.reader.deviceAt(c.seq))
  return d === undefined ? c.where : deviceSpan(d)
}

export function learnFact(c: Context, step: StepOf<'bridge.learn'>): Fact {
  const r = c.reader.versions.near(step.fdb, c.seq)
  if (r?.kind === 'fdb' && r.remote !== undefined) {
    const tunnel = deviceOf(c, r.port)
    return {
      kind: 'vtep-learned',
      tunnel: tunnel === undefined ? code('?') : deviceSpan(tunnel),
      mac: record(step.fdb, formatMac(r.mac)),
      remote: address(r.remote),
      moved: step.moved,
    }
  }
  const port = r?.kind === 'fdb' ? deviceOf(c, r.port) : undefined
  const mac = r?.kind === 'fdb' ? formatMac(r.mac) : step.fdb
  return {
    kind: 'fdb-learned',
    bridge: bridgeOf(c),
    mac: record(step.fdb, mac),
    port: port === undefined ? code('?') : deviceSpan(port),
    moved: step.moved,
  }
}

export function encapsulateFact(c: Context, step: StepOf<'encapsulate'>): Fact {
  const entry = step.fdb === undefined ? undefined : c.reader.versions.near(step.fdb, c.seq)
  return {
    kind: 'into-tunnel',
    device: bridgeOf(c),
    remote: address(step.remote),
    vni: step.vni,
    mac: code(formatMac(packetOf(c).ethDst)),
    ...optional('entry', step.fdb === undefined ? undefined : nameIn(c, step.fdb)),
    any: entry?.kind === 'fdb' && entry.mac === 0,
  }
}

export function decapsulateFact(c: Context, step: StepOf<'decapsulate'>): Fact {
  const device = deviceOf(c, step.device)
  return {
    kind: 'out-of-tunnel',
    device: device === undefined ? code('?') : deviceSpan(device),
    remote: address(step.remote),
    vni: step.vni,
    where: c.where,
  }
}

export function decideFact(c: Context, step: StepOf<'bridge.decide'>): Fact {
  const bridge = bridgeOf(c)
  const dst = packetOf(c).ethDst
  const mac = code(formatMac(dst))
  const broadcast = isGroupMac(dst)
  const port = step.port === undefined ? undefined : nameIn(c, step.port)
  switch (step.decision) {
    case 'forward':
      return { kind: 'bridge-forwarded', bridge, mac, port: port ?? code('?') }
    case 'flood':
    case 'local+flood':
      return { kind: 'bridge-flooded', bridge, mac, broadcast, ports: step.ports, local: step.decision === 'local+flood' }
    case 'local':
      return { kind: 'bridge-took', bridge, mac, broadcast }
    case 'drop':
      return { kind: 'bridge-refused', bridge, ...optional('port', port) }
  }
}

export function bridgeNfFact(c: Context, step: StepOf<'bridge.nf'>): Fact {
  const sysctl = step.sysctl === undefined ? undefined : nameIn(c, step.sysctl)
  return { kind: 'bridge-nf', bridge: bridgeOf(c), hook: step.hook, enabled: step.enabled, ...optional('sysctl', sysctl) }
}

const macSpan = (mac: number | undefined): Span | undefined => (mac === undefined ? undefined : code(formatMac(mac)))

export function neighLookupFact(c: Context, step: StepOf<'neigh.lookup'>): Fact {
  const r = step.neighbour === undefined ? undefined : c.view.get('neighbour', step.neighbour)
  const at = address(step.address)
  const entry = step.neighbour === undefined ? undefined : record(step.neighbour, at.kind === 'code' ? at.text : '')
  return {
    kind: 'neigh-looked-up',
    address: at,
    state: step.state,
    ...optional('mac', macSpan(r?.mac)),
    ...optional('entry', entry),
  }
}

export function neighStateFact(c: Context, step: StepOf<'neigh.state'>): Fact {
  const r = c.reader.versions.near(step.neighbour, c.seq)
  const n = r?.kind === 'neighbour' ? r : undefined
  const at = n === undefined ? code(step.neighbour) : address(n.address)
  return {
    kind: 'neigh-changed',
    address: at,
    entry: record(step.neighbour, at.kind === 'code' ? at.text : ''),
    from: step.from,
    to: step.to,
    reason: step.reason,
    ...optional('mac', macSpan(n?.mac)),
    probes: n?.probes ?? 0,
  }
}

export function arpFact(c: Context, step: StepOf<'arp.process'>): Fact {
  const p = packetOf(c)
  return {
    kind: 'arp-processed',
    where: c.where,
    op: step.op,
    target: address(step.target),
    sender: address(p.arpSpa),
    answer: step.answer,
  }
}
