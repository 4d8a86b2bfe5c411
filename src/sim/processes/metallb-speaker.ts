import { listAt, textAt } from '../../base/fields.ts'
import { ok } from '../../base/result.ts'
import type { ArpSocket, Device, Skb, Timer } from '../../kernel/types.ts'
import { formatIpv4, formatMac, type Ipv4, MAC_BROADCAST, parseIpv4 } from '../../net/address.ts'
import { ARP_OP } from '../../net/packet.ts'
import type { World } from '../../world/world.ts'
import type { Process } from './process.ts'
import type { Program } from './program.ts'
import { wakingUp } from './wakeup.ts'

const MS = 1_000_000
/** spamLoop() of internal/layer2/announcer.go: an address that is new here is announced at once and then every 1.1 s, for 5 s. */
const SPAM_INTERVAL = 1100 * MS
const SPAM_TIME = 5000 * MS

/** What one node's speaker announces: addresses, each with the interfaces that it is for (none: all). */
export type Announced = ReadonlyMap<Ipv4, readonly string[]>

/** By the ServiceL2Status objects of a node, which say what its speaker was elected for. */
export function announcedOn(world: World, node: string): Announced {
  const out = new Map<Ipv4, readonly string[]>()
  for (const r of world.values()) {
    if (r.kind !== 'object' || r.objectKind !== 'ServiceL2Status' || textAt(r.manifest, 'status', 'node') !== node) continue
    const namespace = textAt(r.manifest, 'status', 'serviceNamespace') ?? 'default'
    const name = textAt(r.manifest, 'status', 'serviceName') ?? ''
    const service = world.get(`obj:Service/${namespace}/${name}` as never)
    if (service?.kind !== 'object') continue
    const interfaces = listAt(r.manifest, 'status', 'interfaces').flatMap((i) => textAt(i, 'name') ?? [])
    for (const ingress of listAt(service.manifest, 'status', 'loadBalancer', 'ingress')) {
      const address = parseIpv4(textAt(ingress, 'ip') ?? '')
      if (address.ok) out.set(address.value, interfaces)
    }
  }
  return out
}

/**
 * MetalLB's speaker in layer 2 mode: a process on every node, on the host's network, that answers ARP for the addresses which its node
 * was elected for. Nothing is configured on the node: its kernel knows nothing of these addresses.
 * Source: internal/layer2/arp.go, announcer.go. The frames of its library are padded to 60 octets; here they end where ARP ends.
 */
export const metallbSpeaker: Program = {
  name: 'speaker',
  usage: 'speaker',
  prepare: () => ok({ role: 'server', notes: [], start: serve }),
}

function serve(process: Process): void {
  const responders = new Map<Device, ArpSocket>()
  let announced = announcedOn(process.ns.kernel.rec.world, process.hostname)
  for (const dev of process.ns.devices.values()) {
    if (!isAnnouncing(dev)) continue
    const asked: Skb[] = []
    const answerAll = wakingUp(process, (cause) => {
      for (const skb of asked.splice(0)) answer(skb, cause)
    })
    const socket = process.sockets.arp(process.owner, dev, (skb) => {
      asked.push(skb)
      answerAll(skb.cause)
    })
    if (socket === undefined) continue
    responders.set(dev, socket)
    process.atExit(() => socket.close())
    const answer = ({ pkt, packet }: Skb, cause: number) => {
      if (pkt.arpOp !== ARP_OP.REQUEST || (pkt.ethDst !== MAC_BROADCAST && pkt.ethDst !== dev.mac)) return
      const interfaces = announced.get(pkt.arpTpa as Ipv4)
      if (interfaces === undefined || !isFor(interfaces, dev)) return
      const said = `${formatIpv4(pkt.arpTpa as Ipv4)} is-at ${formatMac(dev.mac)}, to ${formatIpv4(pkt.arpSpa as Ipv4)}`
      const seq = process.step('send', `ARP reply: ${said}`, cause)
      socket.send(
        { op: ARP_OP.REPLY, ethDst: pkt.arpSha, spa: pkt.arpTpa, tha: pkt.arpSha, tpa: pkt.arpSpa, parent: packet },
        seq,
      )
    }
  }
  const spams = new Map<Ipv4, Timer>()
  const gratuitous = (address: Ipv4, cause: number) => {
    const seq = process.step('send', `gratuitous ARP for ${formatIpv4(address)}`, cause)
    for (const [dev, socket] of responders) {
      if (!isFor(announced.get(address) ?? [], dev)) continue
      for (const op of [ARP_OP.REQUEST, ARP_OP.REPLY])
        socket.send({ op, ethDst: MAC_BROADCAST, spa: address, tha: MAC_BROADCAST, tpa: address, parent: -1 }, seq)
    }
  }
  const spam = (address: Ipv4, until: number, cause: number) => {
    spams.delete(address)
    if (!announced.has(address) || process.now > until) return
    gratuitous(address, cause)
    if (process.now + SPAM_INTERVAL <= until)
      spams.set(
        address,
        process.after(SPAM_INTERVAL, 'gratuitous ARP', cause, (seq) => spam(address, until, seq)),
      )
  }
  process.onObjects((cause) => {
    const before = announced
    announced = announcedOn(process.ns.kernel.rec.world, process.hostname)
    for (const address of announced.keys()) {
      if (before.has(address)) continue
      spams.get(address)?.cancel()
      spam(address, process.now + SPAM_TIME, cause)
    }
  })
}

/** updateInterfaces(): what is up, can broadcast and does ARP, and is no port of a bridge. */
const isAnnouncing = (dev: Device): boolean =>
  dev.bridge === undefined && dev.record.up && dev.record.link.kind !== 'loopback' && dev.record.link.kind !== 'dummy'

const isFor = (interfaces: readonly string[], dev: Device): boolean => interfaces.length === 0 || interfaces.includes(dev.name)
