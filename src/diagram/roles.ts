import type { BridgeNode, Machine } from './topology.ts'

// What a machine is to the drawing.

/** The bridge of a machine that does nothing but switch, or undefined. */
export const switchOf = (m: Machine): BridgeNode | undefined => (m.netns.role === 'switch' ? m.bridges[0] : undefined)

/** Machines that stand in the first row: they run pods, or would. */
export const isHost = (m: Machine): boolean =>
  switchOf(m) === undefined && (m.netns.role === 'node' || m.bridges.some((b) => b.pods.length > 0) || m.routed.length > 0)

/** What is neither host nor network. */
export const isGuest = (m: Machine): boolean => switchOf(m) === undefined && !isHost(m)

/** A machine whose stack needs no road map of its own: hosts that only begin or end journeys. */
export const isPlain = (m: Machine): boolean =>
  m.bridges.length === 0 &&
  m.routed.length === 0 &&
  (m.netns.role === 'internet' || m.netns.role === 'client' || m.netns.role === 'pod' || m.netns.role === 'switch')
