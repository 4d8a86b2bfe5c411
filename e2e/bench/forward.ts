import { prng } from '../../src/base/prng.ts'
import { boot, withKernelRecords } from '../../src/kernel/boot.ts'
import { path } from '../../src/kernel/path/index.ts'
import { ETH_P, IPPROTO, Packet } from '../../src/net/packet.ts'
import { EventQueue } from '../../src/sim/queue.ts'
import { ip, TestNetwork } from '../../src/sim/testing/network.ts'
import { TraceRecorder } from '../../src/trace/recorder.ts'
import type { Trace } from '../../src/trace/trace.ts'
import type { World } from '../../src/world/world.ts'

/** pod - bridge - router - router - bridge - pod, each in a namespace of its own: five links. */
export function chain(iptables?: string): World {
  const net = new TestNetwork()
  const podA = net.host('podA', 'pod')
  const swA = net.host('swA', 'switch')
  const r1 = net.host('r1').router()
  const r2 = net.host('r2').router()
  const swB = net.host('swB', 'switch')
  const podB = net.host('podB', 'pod')
  swA.bridge('br0')
  swB.bridge('br0')
  net.veth(podA, 'eth0', swA, 'p0', { bMaster: 'br0' })
  net.veth(swA, 'p1', r1, 'in', { aMaster: 'br0' })
  net.veth(r1, 'out', r2, 'in')
  net.veth(r2, 'out', swB, 'p0', { bMaster: 'br0' })
  net.veth(swB, 'p1', podB, 'eth0', { aMaster: 'br0' })
  podA.address('eth0', '10.244.1.2/24').route('default via 10.244.1.1 dev eth0')
  r1.address('in', '10.244.1.1/24').address('out', '192.168.1.11/24').route('10.244.2.0/24 via 192.168.1.12 dev out')
  r2.address('in', '192.168.1.12/24').address('out', '10.244.2.1/24').route('10.244.1.0/24 via 192.168.1.11 dev in')
  podB.address('eth0', '10.244.2.2/24').route('default via 10.244.2.1 dev eth0')
  podB.process('udp-echo', '-p', '9999')
  if (iptables !== undefined) {
    r1.iptables(iptables)
    r2.iptables(iptables)
  }
  return net.world()
}

export const LINKS = 5

/** Sends `count` UDP datagrams of 64 bytes down the chain, 10 µs apart, and lets each arrive. Recording is on. */
export function forward(world: World, count: number, to = '10.244.2.2', port = 9999): Trace {
  const rec = new TraceRecorder(withKernelRecords(world))
  const queue = new EventQueue()
  const kernel = boot(rec, prng(1), queue)
  const podA = kernel.namespaces.get('podA')
  if (podA === undefined) throw new Error('the chain has no podA')
  const payload = new Uint8Array(64)
  const dst = ip(to)
  let sent = 0
  const send = () => {
    const p = new Packet()
    p.etherType = ETH_P.IP
    p.protocol = IPPROTO.UDP
    p.ipFlags = 2
    p.dst = dst
    p.sport = 40000
    p.dport = port
    p.payload = payload
    path.localOut(podA, p, { how: 0, cause: rec.last })
    if (++sent < count) queue.schedule(10_000, send)
  }
  queue.schedule(0, send)
  while (queue.peek() !== undefined && (sent < count || queue.inFlight > 0)) {
    rec.now = queue.peek() as number
    queue.step()
  }
  return rec.seal([])
}
