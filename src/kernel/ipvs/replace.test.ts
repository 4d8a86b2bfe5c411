import { describe, expect, it } from 'vitest'
import { prng } from '../../base/prng.ts'
import { parseCommand, startProcess } from '../../sim/processes/index.ts'
import { EventQueue } from '../../sim/queue.ts'
import { startingWorld } from '../../sim/starting-world.ts'
import { ip, TestNetwork } from '../../sim/testing/network.ts'
import { TraceReader } from '../../trace/reader.ts'
import { TraceRecorder } from '../../trace/recorder.ts'
import { Timeline } from '../../trace/timeline.ts'
import { ipvsDestinationId, ipvsServiceId, netnsId } from '../../world/ids.ts'
import type { IpvsConnectionRecord, IpvsDestinationRecord, IpvsServiceRecord } from '../../world/records.ts'
import { type CellField, viewOf } from '../../world/world.ts'
import { boot } from '../boot.ts'
import type { NetworkNamespace } from '../namespace.ts'

// What `ipvsadm` does while connections are there. A client and two real servers around a director with a virtual address.

const MS = 1_000_000
const VIP = '203.0.113.1'
const director = netnsId('director')
const origin = { component: 'user' } as const

const serviceOf = (more: Partial<IpvsServiceRecord> = {}): IpvsServiceRecord => ({
  kind: 'ipvs-service',
  id: ipvsServiceId('director', `tcp/${VIP}:80`),
  netns: director,
  protocol: 'tcp',
  address: ip(VIP),
  port: 80,
  scheduler: 'rr',
  flags: [],
  origin,
  ...more,
})

const server = (last: number, weight = 1): IpvsDestinationRecord => ({
  kind: 'ipvs-destination',
  id: ipvsDestinationId('director', `tcp/${VIP}:80`, `198.51.100.${last}:80`),
  netns: director,
  service: ipvsServiceId('director', `tcp/${VIP}:80`),
  address: ip(`198.51.100.${last}`),
  port: 80,
  weight,
  forwarding: 'masq',
  origin,
})

interface Change {
  /** ns after the command's begin. */
  readonly at: number
  readonly service?: IpvsServiceRecord | 'none'
  readonly servers: readonly IpvsDestinationRecord[]
}

class Bench {
  readonly #queue = new EventQueue()
  readonly #rec: TraceRecorder
  readonly #client: NetworkNamespace
  readonly director: NetworkNamespace

  constructor(sysctls: Readonly<Record<string, number>>) {
    const net = new TestNetwork()
    const client = net.host('client')
    const router = net.host('director').router()
    net.veth(client, 'eth0', router, 'left')
    client.address('eth0', '192.0.2.10/24').route('default via 192.0.2.1 dev eth0')
    router.address('left', '192.0.2.1/24').address('left', `${VIP}/32`)
    for (const n of [1, 2]) {
      const host = net.host(`s${n}`)
      net.veth(host, 'eth0', router, `right${n}`)
      host.address('eth0', `198.51.100.${n}/32`)
      host.route(`192.0.2.1/32 dev eth0`).route('default via 192.0.2.1 dev eth0').process('httpd', '-p', '80')
      router.route(`198.51.100.${n}/32 dev right${n}`)
    }
    // Any rule that needs conntrack.
    router.iptables('*nat\n:POSTROUTING ACCEPT [0:0]\n-A POSTROUTING -s 233.252.0.1/32 -j MASQUERADE\nCOMMIT\n')
    for (const [name, value] of Object.entries(sysctls)) router.sysctl(`net.ipv4.vs.${name}`, value)
    const world = new Map(net.world())
    for (const record of [serviceOf(), server(1), server(2)]) world.set(record.id, record)
    this.#rec = new TraceRecorder(startingWorld(world))
    const kernel = boot(this.#rec, prng(1), this.#queue)
    const host = (name: string): NetworkNamespace => {
      const ns = kernel.namespaces.get(name)
      if (ns === undefined) throw new Error(`no ${name}`)
      return ns
    }
    this.#client = host('client')
    this.director = host('director')
    for (const record of [...this.#rec.world.values()]) {
      const command = record.kind === 'process' ? parseCommand(record.argv.join(' ')) : undefined
      if (record.kind !== 'process' || command?.ok !== true) continue
      const ns = host(record.netns.slice('netns:'.length))
      startProcess({ ns, sockets: ns.sockets, command: command.value, record, cause: -1 })
    }
  }

  /** What the command of the client's prints, while real servers are replaced. */
  run(line: string, ...changes: readonly Change[]): string {
    const command = parseCommand(line)
    if (!command.ok) throw new Error(command.error.message)
    for (const { at, service = serviceOf(), servers } of changes) {
      this.#queue.schedule(at, () => this.#replace(service, servers))
    }
    let over = false
    const onExit = () => {
      over = true
    }
    const ns = this.#client
    const process = startProcess({ ns, sockets: ns.sockets, command: command.value, cause: -1, onExit })
    for (let time = this.#queue.peek(); time !== undefined && !over; time = this.#queue.peek()) {
      this.#rec.now = time
      this.#queue.step()
    }
    return process.output
  }

  #replace(service: IpvsServiceRecord | 'none', servers: readonly IpvsDestinationRecord[]): void {
    const services = service === 'none' ? [] : [service]
    this.director.ipvs.replace(
      { services, destinations: servers },
      { packet: -1, cause: -1, netns: this.director.ref, device: -1 },
    )
  }

  get connections(): readonly string[] {
    const shown = (c: IpvsConnectionRecord) => `${c.server.split('/').at(-1)} ${c.state}`
    return viewOf(this.#rec.world).list('ipvs-connection', director).map(shown)
  }

  counted(last: number): { readonly connections: number; readonly rxPackets: number } {
    const view = new Timeline(new TraceReader(this.#rec.seal([]))).at(this.#rec.last)
    const of = (field: CellField) => view.cell(server(last).id, field)
    return { connections: of('connections'), rxPackets: of('rxPackets') }
  }

  get flows(): number {
    return viewOf(this.#rec.world).list('conntrack', director).length
  }
}

const KUBE_PROXY = { conntrack: 1, expire_nodest_conn: 1, expire_quiescent_template: 1 }
/** Which real server answered each request. */
const hostsIn = (output: string): string[] => [...output.matchAll(/^Hostname: (\S+)/gm)].map((m) => m[1] ?? '')
/** Two requests a second apart on one connection. */
const TWICE = `curl -m 5 --rate 1/s http://${VIP}/a http://${VIP}/b`
const ONCE = `curl -m 5 http://${VIP}/`

describe('real servers that change while connections are there', () => {
  it('of weight 0 keeps its connections and gets no new ones', () => {
    const bench = new Bench(KUBE_PROXY)
    const drained = { at: 500 * MS, servers: [server(1), server(2, 0)] }
    expect(hostsIn(bench.run(TWICE, drained))).toEqual(['s2', 's2'])
    expect(hostsIn(bench.run(ONCE) + bench.run(ONCE))).toEqual(['s1', 's1'])
  })

  it('removed: with expire_nodest_conn its connections end at once, and the host itself answers what still comes with a reset', () => {
    const bench = new Bench(KUBE_PROXY)
    const output = bench.run(`${TWICE} -v`, { at: 500 * MS, servers: [server(1)] })
    expect(output).toMatch(/Re-using existing connection[\s\S]*retrying a fresh connect/)
    expect(hostsIn(output)).toEqual(['s2', 's1'])
    expect(bench.connections).toEqual([expect.stringMatching(/^198\.51\.100\.1:80 /)])
    expect(bench.flows).toBe(1)
  })

  it('removed: without expire_nodest_conn what still comes is dropped until the real server is back, as it was', () => {
    const gone = { at: 500 * MS, servers: [server(1)] }
    const lost = new Bench({ conntrack: 1 })
    expect(lost.run(`curl -m 4 --rate 1/s http://${VIP}/a http://${VIP}/b`, gone)).toMatch(/timed out/)
    expect(lost.connections).toEqual(['198.51.100.2:80 ESTABLISHED'])

    const bench = new Bench({ conntrack: 1 })
    expect(hostsIn(bench.run(TWICE, gone, { at: 1100 * MS, servers: [server(1), server(2)] }))).toEqual(['s2', 's2'])
    // SYN, ACK, request, ACK from before it went, and the second request, sent again since.
    expect(bench.counted(2)).toEqual({ connections: 1, rxPackets: 5 })
  })

  it('counts from zero when it comes back long after', () => {
    const bench = new Bench(KUBE_PROXY)
    const output =
      bench.run(ONCE) +
      bench.run(
        `curl --rate 1/m http://${VIP}/a http://${VIP}/b http://${VIP}/c http://${VIP}/d`,
        {
          at: MS * 500,
          servers: [server(1)],
        },
        { at: 170_000 * MS, servers: [server(1), server(2)] },
      )
    expect(hostsIn(output).length).toBe(5)
    expect(bench.counted(2)).toEqual({ connections: 0, rxPackets: 0 })
  })

  it('gone with its service: connections go, and the address is an ordinary one again', () => {
    const bench = new Bench(KUBE_PROXY)
    expect(hostsIn(bench.run(ONCE))).toEqual(['s2'])
    const output = bench.run(TWICE, { at: 500 * MS, service: 'none', servers: [] })
    expect(hostsIn(output)).toEqual(['s1'])
    expect(output).toMatch(/Connection refused|Failed to connect/)
    expect(bench.connections).toEqual([])
  })
})
