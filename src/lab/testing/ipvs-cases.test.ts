import { describe, expect, it } from 'vitest'
import { playOf } from '../../cluster/play.ts'
import { execCommand } from '../../console/exec.ts'
import { run } from '../../sim/run.ts'
import { checkGrammar } from '../../trace/grammar.ts'
import { TraceReader } from '../../trace/reader.ts'
import { formatTrace } from '../../trace/text.ts'
import { Timeline } from '../../trace/timeline.ts'
import type { WorldView } from '../../world/world.ts'
import { IPVS_CASES } from './ipvs-cases.ts'

const NODE1 = 'netns:node1'

interface Played {
  readonly reader: TraceReader
  readonly text: string
  readonly end: WorldView
  readonly outputs: readonly string[]
  /** Hooks that a packet passes on node1, in order. */
  readonly hooks: (packet: number) => string[]
  readonly says: (command: string) => string
}

function played(id: string, pause?: number): Played {
  const document = IPVS_CASES.find((c) => c.id === id)?.document
  const play = document === undefined ? undefined : playOf(document)
  if (document === undefined || play?.ok !== true) throw new Error(`${id} cannot be built`)
  const { world, journeys, changes } = play.value
  const trace = run(world, journeys, { seed: document.seed, changes, ...(pause === undefined ? {} : { pause }) })
  const reader = new TraceReader(trace)
  const end = new Timeline(reader).at(reader.length - 1)
  return {
    reader,
    text: formatTrace(reader),
    end,
    outputs: trace.journeys.map((j) => j.output),
    hooks: (packet) =>
      [...reader.packets.seqsOf(packet)].flatMap((seq) => {
        const step = reader.step(seq)
        return step.kind === 'hook' && reader.netnsAt(seq) === NODE1 ? [`${step.bridged ? 'bridged ' : ''}${step.hook}`] : []
      }),
    says: (command) => execCommand(end, NODE1, command).stdout,
  }
}

/** The first packet born with these ends, as the text trace shows them. */
function packet(p: Played, what: RegExp): number {
  const found = p.text.split('\n').find((line) => line.startsWith('#') && what.test(line))
  if (found === undefined) throw new Error(`no packet is ${what}`)
  return Number(/^#(\d+)/.exec(found)?.[1])
}

describe('IPVS in a cluster', () => {
  it.each(IPVS_CASES.map((c) => c.id))('keeps the grammar of traces: %s', (id) => {
    expect(checkGrammar(played(id).reader)).toEqual([])
  })

  it('takes a request through INPUT and OUTPUT, its reply through FORWARD', () => {
    const p = played('ipvs-mh')
    expect(p.hooks(packet(p, /TCP 10\.244\.1\.2:\d+ > 10\.96\.0\.10:80 SYN/))).toEqual([
      ...['bridged PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
    ])
    expect(p.hooks(packet(p, /TCP 10\.244\.2\.\d:8080 > 10\.244\.1\.2:\d+ SYN ACK/))).toEqual([
      ...['PREROUTING', 'FORWARD', 'POSTROUTING'],
    ])
  })

  it('passes OUTPUT twice with what the node itself sends, whose source is the virtual address until it is masqueraded', () => {
    const p = played('ipvs-far')
    const syn = packet(p, /TCP 10\.96\.0\.10:\d+ > 10\.96\.0\.10:80 SYN/)
    expect(p.hooks(syn)).toEqual(['OUTPUT', 'OUTPUT', 'POSTROUTING'])
    expect(p.outputs[0]).toMatch(/RemoteAddr: 192\.168\.1\.11:/)
  })

  it('meets the reply of a backend on the same bridge only where br_netfilter shows it to the hooks', () => {
    expect(played('ipvs-near').outputs[0]).toMatch(/Hostname: near/)
    const off = played('ipvs-bridge-nf-off')
    expect(off.outputs[0]).toMatch(/timed out/)
    // The client knows no connection with the backend, and says so.
    expect(off.text).toMatch(/^#\d+ TCP 10\.244\.1\.2:\d+ > 10\.244\.1\.3:8080 RST/m)
  })

  it('masquerades a pod that reaches itself through its Service', () => {
    expect(played('ipvs-near').outputs[1]).toMatch(/RemoteAddr: 10\.244\.1\.1:/)
  })

  it('keeps a client at its real server, as the template says', () => {
    const p = played('ipvs-affinity')
    const names = p.outputs.map((o) => /Hostname: (\S+)/.exec(o)?.[1])
    expect(names).toEqual(['far', 'near', 'far'])
    expect(p.says('ipvsadm -Lnc').match(/^TCP \d+:\d+ +ASSURED .*$/gm)).toHaveLength(2)
    expect(p.says('ipvsadm -Ln --persistent-conn')).toMatch(/10\.244\.2\.2:8080 +1 +1 +0 +2/)
  })

  it('tells the client of a Service without endpoints that the port is unreachable, in the name of the virtual address', () => {
    const p = played('ipvs-refused')
    expect(p.text).toMatch(/ICMP .*port.unreachable/i)
    expect(p.text).toMatch(/no real server/)
    expect(p.outputs[0]).toMatch(/Failed to connect/)
  })

  it('refuses what no virtual server serves: a VIP is no way to the node’s own ports', () => {
    expect(played('ipvs-refused').text).toMatch(/KUBE-IPVS-FILTER REJECT/)
  })

  it('carries a backend’s reset back to the client, in the name of the virtual address', () => {
    const p = played('ipvs-refused')
    expect(p.outputs[3]).toMatch(/Failed to connect|Connection refused/)
    expect(p.says('ipvsadm -Lnc')).toMatch(/^TCP \d+:\d+ +CLOSE /m)
  })

  it('rewrites an ICMP error about a datagram for the client that sent it', () => {
    const p = played('ipvs-udp')
    expect(p.text).toMatch(/quoted dst 10\.244\.2\.7:9999 → 10\.96\.0\.21:7/)
  })

  it('without net.ipv4.vs.conntrack leaves nothing in conntrack, and nat POSTROUTING is not asked', () => {
    const p = played('ipvs-no-conntrack')
    expect(p.outputs[0]).toMatch(/Hostname: far/)
    expect(p.end.list('conntrack', NODE1)).toEqual([])
    expect(p.says('ipvsadm -Lnc')).toMatch(/TIME_WAIT/)
  })

  it('forgets a connection when its time is over, and its entry in conntrack with it', () => {
    const p = played('ipvs-mh', 130e9)
    const gone = [...Array(p.reader.length).keys()].filter((seq) => {
      const step = p.reader.step(seq)
      return step.kind === 'ipvs.change' && step.change === 'destroy'
    })
    expect(gone.length).toBe(2)
    expect(p.end.list('ipvs-connection', NODE1)).toHaveLength(1)
    expect(p.end.list('conntrack', NODE1).filter((c) => c.confirmed)).toHaveLength(1)
  })

  it('counts connections, packets and bytes of servers and of their service', () => {
    const p = played('ipvs-mh')
    const rows = p.says('ipvsadm -Ln --stats').split('\n').slice(3)
    const [service, ...servers] = rows.filter((r) => r !== '').map((r) => r.trim().split(/\s+/).slice(-5).map(Number))
    const sums = [0, 1, 2, 3, 4].map((i) => servers.reduce((n, r) => n + (r[i] ?? 0), 0))
    expect(service?.[0]).toBe(3)
    expect(sums).toEqual(service)
  })
})
