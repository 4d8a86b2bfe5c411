import { isGroupMac } from '../../net/address.ts'
import { FIELD } from '../../net/packet.ts'
import { STEP } from '../../trace/columns.ts'
import { BRIDGE_DECISIONS, type BridgeDecision, PACKET_ORIGINS } from '../../trace/step.ts'
import type { NetDevice } from '../device.ts'
import { cloneSkb, depart, drop, enterDevice, IN, noteRewriteMac } from '../path/hop.ts'
import { receiveInStack } from '../path/receive.ts'
import { devQueueXmit, isForwardable } from '../path/xmit.ts'
import type { SkBuff } from '../skb.ts'
import { PACKET_HOST } from '../types.ts'
import { brNfCalls, brNfForward, brNfFragment, brNfPostRouting, brNfPreRouting } from './br-netfilter.ts'

// net/bridge/br_input.c, br_forward.c, br_device.c: one VLAN, every port in state forwarding.

const decisionCode = (d: BridgeDecision) => BRIDGE_DECISIONS.indexOf(d)
const FORWARD = decisionCode('forward')
const FLOOD = decisionCode('flood')
const LOCAL = decisionCode('local')
const LOCAL_AND_FLOOD = decisionCode('local+flood')
const DROP = decisionCode('drop')
const CLONE = PACKET_ORIGINS.indexOf('clone')

/** br_handle_frame(): the rx handler of every port. */
export function brHandleFrame(skb: SkBuff, port: NetDevice): void {
  const bridge = port.bridge as NetDevice
  depart(skb, bridge.ref)
  enterDevice(skb, bridge, IN)
  // The port's own eth_type_trans() saw a stranger's address in a frame for the bridge itself.
  if (skb.pkt.ethDst === bridge.mac) skb.packetType = PACKET_HOST
  if (brNfPreRouting(skb, port, bridge)) brHandleFrameFinish(skb, port, bridge)
}

/** br_handle_frame_finish(): learn, then forward, flood or take. */
export function brHandleFrameFinish(skb: SkBuff, port: NetDevice, bridge: NetDevice): void {
  const fdb = bridge.fdb as NonNullable<NetDevice['fdb']>
  if (port.record.master?.learning !== false) fdb.learn(skb, port)
  const rec = bridge.ns.kernel.rec
  const dst = skb.pkt.ethDst
  if (isGroupMac(dst)) {
    const targets = floodTargets(bridge, port)
    rec.step(STEP.bridgeDecide, skb, targets.length > 0 ? LOCAL_AND_FLOOD : LOCAL, -1, -1, targets.length)
    for (const target of targets) brForward(cloneSkb(skb, CLONE), target, bridge, true)
    brPassFrameUp(skb, bridge)
    return
  }
  const entry = fdb.find(dst)
  if (entry?.record.local) {
    rec.step(STEP.bridgeDecide, skb, LOCAL, entry.port.ref, entry.ref, 1)
    brPassFrameUp(skb, bridge)
  } else if (entry !== undefined) {
    if (shouldDeliver(entry.port, port)) {
      rec.step(STEP.bridgeDecide, skb, FORWARD, entry.port.ref, entry.ref, 1)
      brForward(skb, entry.port, bridge, true)
    } else {
      rec.step(STEP.bridgeDecide, skb, DROP, entry.port.ref, entry.ref, 0)
      drop(skb, 'SKB_DROP_REASON_NO_TX_TARGET', entry.ref)
    }
  } else {
    flood(skb, floodTargets(bridge, port), bridge, true)
  }
}

/** br_dev_xmit(): the host itself sends through the bridge device. */
export function brDevXmit(skb: SkBuff, bridge: NetDevice): void {
  const fdb = bridge.fdb as NonNullable<NetDevice['fdb']>
  const rec = bridge.ns.kernel.rec
  if (skb.nfBridge?.bridgedDnat) {
    // br_nf_pre_routing_finish_bridge_slow(): the neighbour gave the destination, the source is again the one it came with,
    // and bridging goes on where it was left.
    const { originalSource } = skb.nfBridge
    skb.nfBridge.bridgedDnat = false
    noteRewriteMac(skb, FIELD.ETH_SRC, skb.pkt.ethSrc, originalSource)
    skb.pkt.ethSrc = originalSource
    brHandleFrameFinish(skb, skb.nfBridge.physIn, bridge)
    return
  }
  const dst = skb.pkt.ethDst
  if (isGroupMac(dst)) {
    flood(skb, floodTargets(bridge, undefined), bridge, false)
    return
  }
  const entry = fdb.find(dst)
  if (entry !== undefined && !entry.record.local) {
    rec.step(STEP.bridgeDecide, skb, FORWARD, entry.port.ref, entry.ref, 1)
    brForward(skb, entry.port, bridge, false)
  } else {
    flood(skb, floodTargets(bridge, undefined), bridge, false)
  }
}

/** Nobody on the host wants it: one copy a port, the last port has the original (br_flood). */
function flood(skb: SkBuff, targets: readonly NetDevice[], bridge: NetDevice, forwarded: boolean): void {
  bridge.ns.kernel.rec.step(STEP.bridgeDecide, skb, targets.length > 0 ? FLOOD : DROP, -1, -1, targets.length)
  const last = targets.at(-1)
  if (last === undefined) {
    drop(skb, 'SKB_DROP_REASON_NO_TX_TARGET', bridge.ref)
    return
  }
  for (const target of targets) {
    brForward(target === last ? skb : cloneSkb(skb, CLONE), target, bridge, forwarded)
  }
}

const floodTargets = (bridge: NetDevice, from: NetDevice | undefined): NetDevice[] =>
  bridge.ports.filter((p) => p.up && p.record.master?.flood !== false && shouldDeliver(p, from))

/** should_deliver(): back out of the port it came in through only where that port is in hairpin mode. */
function shouldDeliver(port: NetDevice, from: NetDevice | undefined): boolean {
  return port.up && (port !== from || port.record.master?.hairpin === true)
}

/** __br_forward(), br_forward_finish(). */
function brForward(skb: SkBuff, target: NetDevice, bridge: NetDevice, forwarded: boolean): void {
  // What the host itself sends goes through NF_BR_LOCAL_OUT, where br_netfilter has no hook: its IP hooks are behind it.
  if (forwarded && skb.nfBridge !== undefined) {
    if (!brNfForward(skb, target, bridge) || !brNfPostRouting(skb, bridge)) return
    for (const frame of brNfFragment(skb, target, bridge)) brPushXmit(frame, target)
    return
  }
  if (forwarded && brNfCalls(skb, bridge)) {
    // No table has anything to say, but br_netfilter is there, and takes apart what the port cannot take whole.
    for (const frame of brNfFragment(skb, target, bridge)) brPushXmit(frame, target)
    return
  }
  brPushXmit(skb, target)
}

/** br_dev_queue_push_xmit() */
function brPushXmit(skb: SkBuff, target: NetDevice): void {
  if (!isForwardable(skb, target)) {
    drop(skb, 'SKB_DROP_REASON_NOT_SPECIFIED', target.ref)
    return
  }
  skb.nfBridge = undefined
  depart(skb, target.ref)
  devQueueXmit(skb, target)
}

/** br_pass_frame_up(): from here on the frame came in through the bridge device. */
function brPassFrameUp(skb: SkBuff, bridge: NetDevice): void {
  if (!bridge.up) {
    drop(skb, 'SKB_DROP_REASON_DEV_READY', bridge.ref)
    return
  }
  skb.inDev = bridge
  receiveInStack(skb, bridge)
}
