import { prng } from '../../base/prng.ts'
import { formatIpv4, ipv4, MAC_ZERO, maskOf, parseIpv4, parsePrefix } from '../../net/address.ts'
import { ETH_P, FIELD, ICMP, IPPROTO, PACKET_FIELDS, Packet, TCP } from '../../net/packet.ts'
import { STEP } from '../../trace/columns.ts'
import { TraceRecorder } from '../../trace/recorder.ts'
import { CT_CHANGES, CT_INFOS, HOOK, HOOKS, NAT_BINDINGS, RULE_VERDICTS } from '../../trace/step.ts'
import type { StepAt } from '../../trace/trace.ts'
import { chainId, deviceId, netnsId, ruleId } from '../../world/ids.ts'
import type { AddressMatch, Match, NatRange, RuleSpec, TableName, Target } from '../../world/netfilter.ts'
import type { ChainRecord, ConntrackRecord, IpsetRecord, RuleRecord } from '../../world/records.ts'
import { type Device, type Fib, type Kernel, type Namespace, NF_ACCEPT, type Path, type RouteLookup, type Skb } from '../types.ts'
import { createNetfilter, type NamespaceNetfilter } from './netfilter.ts'
import { TABLE_HOOKS } from './priorities.ts'

// One node's netfilter with nothing around it but what it asks for: a path that notes what it is told, a FIB that knows
// the node's addresses. For tests.

const origin = { component: 'kernel' } as const
export const ip = (text: string) => {
  const r = parseIpv4(text)
  if (!r.ok) throw new Error(text)
  return r.value
}

// --- rules -----------------------------------------------------------------------------------------------------------

export const net = (text: string): AddressMatch => {
  const invert = text.startsWith('!')
  const r = parsePrefix(invert ? text.slice(1) : text)
  if (!r.ok) throw new Error(text)
  return { address: ipv4(r.value.address & maskOf(r.value.length)), mask: maskOf(r.value.length), invert }
}
export const iface = (text: string) => {
  const invert = text.startsWith('!')
  const name = invert ? text.slice(1) : text
  return { name: name.replace(/\+$/, ''), prefix: name.endsWith('+'), invert }
}
const PROTOCOLS: Readonly<Record<string, number>> = { tcp: 6, udp: 17, icmp: 1, sctp: 132 }
export const proto = (text: string) => {
  const invert = text.startsWith('!')
  const name = invert ? text.slice(1) : text
  return { name, number: PROTOCOLS[name] ?? Number(name), invert }
}
export const port = (from: number, to = from, invert = false) => ({ from, to, invert })

export interface Condition {
  readonly src?: string
  readonly dst?: string
  readonly in?: string
  readonly out?: string
  readonly proto?: string
  readonly dport?: number
  readonly matches?: readonly Match[]
}

/** `rule({ dst: '10.96.0.10', proto: 'tcp', dport: 80 }, jump('KUBE-SVC-X'))` */
export function rule(c: Condition, target: Target): RuleSpec {
  const ports: Match[] = []
  if (c.dport !== undefined) ports.push({ kind: c.proto === 'udp' ? 'udp' : 'tcp', dport: port(c.dport) })
  return {
    ...(c.src === undefined ? {} : { src: net(c.src) }),
    ...(c.dst === undefined ? {} : { dst: net(c.dst) }),
    ...(c.in === undefined ? {} : { inIface: iface(c.in) }),
    ...(c.out === undefined ? {} : { outIface: iface(c.out) }),
    ...(c.proto === undefined ? {} : { protocol: proto(c.proto) }),
    matches: [...ports, ...(c.matches ?? [])],
    target,
  }
}

export const ACCEPT: Target = { kind: 'accept' }
export const DROP: Target = { kind: 'drop' }
export const RETURN: Target = { kind: 'return' }
export const jump = (chain: string): Target => ({ kind: 'jump', chain })
export const setMarkTarget = (value: number, mask = 0xffffffff): Target => ({ kind: 'mark', value, mask })
/** `10.244.2.7:8080`, `1.2.3.4-1.2.3.9`, `:1024-2047` */
export function range(text: string, more: Partial<NatRange> = {}): NatRange {
  const [addresses = '', ports] = text.split(':')
  const [from, to = from] = addresses.split('-')
  const [low, high = low] = (ports ?? '').split('-')
  return {
    ...(from === undefined || to === undefined || from === '' ? {} : { addresses: { from: ip(from), to: ip(to) } }),
    ...(ports === undefined ? {} : { ports: { from: Number(low), to: Number(high) } }),
    random: false,
    randomFully: false,
    persistent: false,
    ...more,
  }
}
export const dnat = (to: string, more: Partial<NatRange> = {}): Target => ({ kind: 'dnat', range: range(to, more) })
export const snat = (to: string, more: Partial<NatRange> = {}): Target => ({ kind: 'snat', range: range(to, more) })
export const masquerade = (to = '', more: Partial<NatRange> = {}): Target => ({ kind: 'masquerade', range: range(to, more) })
export const redirect = (to = ''): Target => ({ kind: 'redirect', range: range(to) })
export const state = (
  ...states: readonly ('NEW' | 'ESTABLISHED' | 'RELATED' | 'INVALID' | 'UNTRACKED' | 'DNAT' | 'SNAT')[]
): Match => ({
  kind: 'conntrack',
  states,
})

/** By table, by chain: `{ filter: { FORWARD: [rule(…)], 'FORWARD policy': 'DROP' } }`. Missing base chains are added. */
export type Ruleset = Partial<Record<TableName, Readonly<Record<string, readonly RuleSpec[] | 'DROP'>>>>

export function recordsOf(ruleset: Ruleset): { chains: ChainRecord[]; rules: RuleRecord[] } {
  const chains: ChainRecord[] = []
  const rules: RuleRecord[] = []
  const counters = { packets: 0, bytes: 0 }
  for (const [table, given] of Object.entries(ruleset) as [TableName, NonNullable<Ruleset[TableName]>][]) {
    const hooks = TABLE_HOOKS.filter((h) => h.table === table).map((h) => h.hook)
    const names = new Set<string>([...hooks, ...Object.keys(given).filter((n) => !n.endsWith(' policy'))])
    for (const name of names) {
      const hook = hooks.find((h) => h === name)
      const specs = given[name] ?? []
      const list = specs === 'DROP' ? [] : specs
      const ids = list.map((_, i) => ruleId('node1', table, name, i + 1))
      const policy = given[`${name} policy`] === 'DROP' ? 'DROP' : 'ACCEPT'
      chains.push({
        kind: 'chain',
        id: chainId('node1', table, name),
        netns: netnsId('node1'),
        table,
        name,
        ...(hook === undefined ? {} : { hook, policy }),
        counters,
        rules: ids,
        origin,
      })
      list.forEach((spec, i) => {
        rules.push({
          kind: 'rule',
          id: ruleId('node1', table, name, i + 1),
          netns: netnsId('node1'),
          table,
          chain: name,
          spec,
          counters,
          origin,
        })
      })
    }
  }
  return { chains, rules }
}

export const ipset = (name: string, type: string, entries: readonly string[], options: readonly string[] = []): IpsetRecord => ({
  kind: 'ipset',
  id: `ipset:node1/${name}` as IpsetRecord['id'],
  netns: netnsId('node1'),
  name,
  type,
  options,
  entries,
  origin,
})

// --- packets ---------------------------------------------------------------------------------------------------------

const FLAGS: Readonly<Record<string, number>> = { F: TCP.FIN, S: TCP.SYN, R: TCP.RST, P: TCP.PSH, '.': TCP.ACK, U: TCP.URG }
const endpoint = (text: string) => {
  const [address = '', number = '0'] = text.split(':')
  return { address: ip(address), port: Number(number) }
}

function ipPacket(protocol: number, src: string, dst: string, more: Partial<Packet>): Packet {
  const s = endpoint(src)
  const d = endpoint(dst)
  const p = new Packet()
  p.etherType = ETH_P.IP
  p.ttl = 64
  p.protocol = protocol
  p.src = s.address
  p.dst = d.address
  p.sport = s.port
  p.dport = d.port
  return Object.assign(p, more)
}
/** `flags` as tcpdump writes them: `S`, `S.`, `.`, `P.`, `F.`, `R`, `R.`. */
export const tcp = (src: string, dst: string, flags: string, more: Partial<Packet> = {}): Packet =>
  ipPacket(IPPROTO.TCP, src, dst, {
    tcpFlags: [...flags].reduce((bits, f) => bits | (FLAGS[f] ?? 0), 0),
    window: 64240,
    ...more,
  })
export const udp = (src: string, dst: string, more: Partial<Packet> = {}): Packet => ipPacket(IPPROTO.UDP, src, dst, more)
export const ping = (src: string, dst: string, id = 7, reply = false): Packet =>
  ipPacket(IPPROTO.ICMP, src, dst, { icmpType: reply ? ICMP.ECHO_REPLY : ICMP.ECHO, icmpRest: ((id << 16) | 1) >>> 0 })

// --- the node --------------------------------------------------------------------------------------------------------

const STEP_NAMES = Object.keys(STEP)

/** Writes each row as a line of text too. */
class Notes extends TraceRecorder {
  lines: string[] = []
  readonly refNames: string[] = []
  readonly textNames: string[] = []

  override ref(id: string): number {
    const n = super.ref(id)
    this.refNames[n] = id
    return n
  }

  override text(s: string): number {
    const n = super.text(s)
    this.textNames[n] = s
    return n
  }

  override step(kind: number, at: StepAt, a = 0, b = 0, c = 0, d = 0): number {
    this.lines.push(this.#line(kind, a, b, c, d))
    return super.step(kind, at, a, b, c, d)
  }

  #name(ref: number): string {
    return ref < 0 ? '-' : (this.refNames[ref] ?? '?').replace(/^(rule|chain|ct):node1\//, '')
  }

  #line(kind: number, a: number, b: number, c: number, d: number): string {
    switch (kind) {
      case STEP.hook:
        return `hook ${HOOKS[a]}${b ? ' bridged' : ''}`
      case STEP.chain:
        return `chain ${this.#name(a)}`
      case STEP.rule:
        return `rule ${this.#name(a)} ${RULE_VERDICTS[c]} (${b} tried)`
      case STEP.policy:
        return `policy ${this.#name(a)} ${['accept', 'drop', 'return'][c]} (${b} tried)`
      case STEP.ctLookup:
        return `ct.lookup ${this.#name(a)} ${CT_INFOS[b]}`
      case STEP.ctChange:
        return `ct.change ${this.#name(a)} ${CT_CHANGES[b]}${c < 0 ? '' : ` ${this.textNames[c]}`}`
      case STEP.nat:
        return `nat ${this.#name(a)} ${b === 0 ? 'src' : 'dst'} ${NAT_BINDINGS[c]}`
      case STEP.rewrite:
        if (a === FIELD.PAYLOAD) return `rewrite ${(this.textNames[d] ?? '').replace(/^.*(quoted)/, '$1')}`
        return a === FIELD.SRC || a === FIELD.DST
          ? `rewrite ${PACKET_FIELDS[a]} ${formatIpv4(b)} ${formatIpv4(c)}`
          : `rewrite ${PACKET_FIELDS[a]} ${b} ${c}`
      case STEP.log:
        return `log ${this.textNames[a]}`
      default:
        return STEP_NAMES[kind] ?? '?'
    }
  }
}

export interface NodeOptions {
  readonly ipsets?: readonly IpsetRecord[]
  readonly sysctls?: Readonly<Record<string, number>>
  readonly seed?: number
}

/** node1 at 192.168.1.11 (eth0) and 10.244.1.1 (cbr0, veth1). */
export class TestNode {
  readonly rec = new Notes(new Map())
  readonly netfilter: NamespaceNetfilter
  readonly ns: Namespace
  readonly devices = new Map<string, Device>()
  /** What the path was told: `drop NETFILTER_DROP by filter/FORWARD/1`, `icmp 3/3`, `reset`, `reroute`, `undetermined …`. */
  readonly told: string[] = []
  /** Answers of path.reroute. */
  routes = true
  #now = 1000
  #packets = 0

  constructor(ruleset: Ruleset, options: NodeOptions = {}) {
    const node = this
    const { rec } = this
    const kernel: Kernel = {
      rec,
      rng: prng(options.seed ?? 1),
      get now() {
        return node.#now
      },
      schedule: () => ({ cancel: () => undefined }),
      namespaces: new Map(),
    }
    let ids = 0
    const sysctls = options.sysctls ?? {}
    this.ns = {
      kernel,
      record: { kind: 'netns', id: netnsId('node1'), name: 'node1', role: 'node', origin },
      name: 'node1',
      ref: rec.ref('netns:node1'),
      devices: this.devices,
      loopback: undefined,
      sysctl: (key) => sysctls[key] ?? 0,
      sysctlRef: (key) => (key in sysctls ? rec.ref(`sysctl:node1/${key}`) : -1),
      fib: this.#fib(),
      get netfilter() {
        return node.netfilter
      },
      get sockets(): never {
        throw new Error('no sockets here')
      },
      nextId: () => ++ids,
      nextIpId: () => 1,
    }
    for (const [i, name] of ['lo', 'eth0', 'cbr0', 'veth1', 'veth2'].entries()) this.devices.set(name, this.#device(name, i + 1))
    this.netfilter = createNetfilter(this.ns, this.#path(), { ...recordsOf(ruleset), ipsets: options.ipsets ?? [] })
  }

  /** Virtual seconds go by. */
  wait(seconds: number): this {
    this.#now += seconds * 1e9
    return this
  }

  get now(): number {
    return this.#now
  }

  skb(pkt: Packet, more: Partial<Skb> = {}): Skb {
    return {
      packet: this.#packets++,
      cause: -1,
      netns: this.ns.ref,
      device: -1,
      pkt,
      inDev: undefined,
      outDev: undefined,
      mark: 0,
      packetType: 0,
      ct: undefined,
      ctInfo: 0,
      dst: undefined,
      physIn: undefined,
      physOut: undefined,
      traced: false,
      socket: undefined,
      gateway: 0,
      ...more,
    }
  }

  /** Runs one hook; `-` for no device. */
  at(hook: keyof typeof HOOK, skb: Skb, inDev = '-', outDev = '-'): number {
    return this.netfilter.hook(HOOK[hook], skb, this.devices.get(inDev), this.devices.get(outDev), false)
  }

  /** PREROUTING, FORWARD, POSTROUTING as far as it gets. Its skb afterwards, or undefined when it did not get through. */
  forward(pkt: Packet, inDev = 'cbr0', outDev = 'eth0', more: Partial<Skb> = {}): Skb | undefined {
    const skb = this.skb(pkt, more)
    const through =
      this.at('PREROUTING', skb, inDev) === NF_ACCEPT &&
      this.at('FORWARD', skb, inDev, outDev) === NF_ACCEPT &&
      this.at('POSTROUTING', skb, '-', outDev) === NF_ACCEPT
    return through ? skb : undefined
  }

  /** PREROUTING and INPUT. */
  input(pkt: Packet, inDev = 'eth0'): Skb | undefined {
    const skb = this.skb(pkt)
    return this.at('PREROUTING', skb, inDev) === NF_ACCEPT && this.at('INPUT', skb, inDev) === NF_ACCEPT ? skb : undefined
  }

  /** OUTPUT and POSTROUTING. */
  output(pkt: Packet, outDev = 'eth0'): Skb | undefined {
    const skb = this.skb(pkt, { socket: { ref: 0 } })
    const through = this.at('OUTPUT', skb, '-', outDev) === NF_ACCEPT && this.at('POSTROUTING', skb, '-', outDev) === NF_ACCEPT
    return through ? skb : undefined
  }

  /** The rows written since the last call. */
  rows(): string[] {
    const { lines } = this.rec
    this.rec.lines = []
    return lines
  }

  /** Conntrack records of the world, one line each as `conntrack -L` has the tuples. */
  entries(): string[] {
    return this.conntracks().map((r) => {
      const t = (x: ConntrackRecord['original']) => `${formatIpv4(x.src)}:${x.sport}>${formatIpv4(x.dst)}:${x.dport}`
      const flags = [
        r.tcpState ?? '',
        r.confirmed ? '' : 'UNCONFIRMED',
        r.seenReply ? '' : 'UNREPLIED',
        r.assured ? 'ASSURED' : '',
        r.srcNat ? 'SNAT' : '',
        r.dstNat ? 'DNAT' : '',
        r.mark === 0 ? '' : `mark=${r.mark}`,
      ]
      return [t(r.original), t(r.reply), ...flags.filter((f) => f !== '')].join(' ')
    })
  }

  conntracks(): ConntrackRecord[] {
    return [...this.rec.world.values()].filter((r) => r.kind === 'conntrack')
  }

  #device(name: string, ifindex: number): Device {
    const addresses: Record<string, string> = { lo: '127.0.0.1', eth0: '192.168.1.11', cbr0: '10.244.1.1' }
    const address = addresses[name]
    const bridge = name.startsWith('veth') ? this.devices.get('cbr0') : undefined
    return {
      ns: this.ns,
      record: {
        kind: 'device',
        id: deviceId('node1', name),
        netns: netnsId('node1'),
        ifindex,
        name,
        mac: MAC_ZERO,
        mtu: 1500,
        up: true,
        link: { kind: 'dummy' },
        origin,
      },
      name,
      ifindex,
      mac: MAC_ZERO,
      mtu: 1500,
      ref: this.rec.ref(`dev:node1/${name}`),
      bridge,
      addresses: address === undefined ? [] : [{ address: ip(address), prefixLength: 24, scope: 'global' }],
    }
  }

  #fib(): Fib {
    return {
      lookup: (): RouteLookup => {
        throw new Error('netfilter does not route')
      },
      addressType: (address, device) => {
        if (address >>> 28 === 14) return 'MULTICAST'
        const owners = [...this.devices.values()].filter((d) => device === undefined || d === device)
        if (owners.some((d) => d.addresses.some((a) => a.address === address))) return 'LOCAL'
        return (address & 255) === 255 ? 'BROADCAST' : 'UNICAST'
      },
      selectSource: (device) => device?.addresses[0]?.address ?? ipv4(0),
    }
  }

  #path(): Path {
    const by = (ref = -1) => (ref < 0 ? '-' : (this.rec.refNames[ref] ?? '?').replace(/^(rule|chain|ct):node1\//, ''))
    return {
      localOut: () => 'OK',
      icmpSend: (_ns, _skb, type, code) => {
        this.told.push(`icmp ${type}/${code}`)
      },
      sendReset: () => {
        this.told.push('reset')
      },
      drop: (skb, reason, decidedBy) => {
        this.rec.step(STEP.drop, skb)
        this.told.push(`drop ${reason.replace('SKB_DROP_REASON_', '')} by ${by(decidedBy)}`)
      },
      undetermined: (skb, what, decidedBy) => {
        this.rec.step(STEP.undetermined, skb)
        this.told.push(`undetermined ${what} by ${by(decidedBy)}`)
      },
      reroute: () => {
        this.told.push('reroute')
        return this.routes
      },
    }
  }
}
