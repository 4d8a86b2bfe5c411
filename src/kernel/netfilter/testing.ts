import { prng } from '../../base/prng.ts'
import { formatIpv4, ipv4, MAC_ZERO } from '../../net/address.ts'
import { FIELD, PACKET_FIELDS, type Packet } from '../../net/packet.ts'
import { STEP } from '../../trace/columns.ts'
import { TraceRecorder } from '../../trace/recorder.ts'
import { CT_CHANGES, CT_INFOS, HOOK, HOOKS, NAT_BINDINGS, RULE_VERDICTS } from '../../trace/step.ts'
import type { StepAt } from '../../trace/trace.ts'
import { deviceId, netnsId, type RecordId, sysctlId } from '../../world/ids.ts'
import type { ConntrackRecord, IpsetRecord, WorldRecord } from '../../world/records.ts'
import { type Device, type Fib, type Kernel, type Namespace, NF_ACCEPT, type Path, type RouteLookup, type Skb } from '../types.ts'
import { createNetfilter, type NamespaceNetfilter } from './netfilter.ts'
import { ip, type Ruleset, recordsOf } from './testing-rules.ts'

export * from './testing-rules.ts'

// One node's netfilter with nothing around it but what it asks for: a path that notes what it is told, a FIB that knows
// the node's addresses. For tests.

const origin = { component: 'kernel' } as const

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
  /** kernel.osrelease */
  readonly release?: string
}

function releaseRecord(value: string | undefined): Map<RecordId, WorldRecord> {
  if (value === undefined) return new Map()
  const [key, netns] = ['kernel.osrelease', netnsId('node1')]
  const id = sysctlId('node1', key)
  return new Map([[id, { kind: 'sysctl', id, netns, key, value, origin }]])
}

/** node1 at 192.168.1.11 (eth0) and 10.244.1.1 (cbr0, veth1). */
export class TestNode {
  readonly rec: Notes
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
    const rec = new Notes(releaseRecord(options.release))
    this.rec = rec
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
      undetermined: (skb, _kind, what, decidedBy) => {
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
