import type { TableName } from '../../world/netfilter.ts'
import type { Draw } from './draw.ts'
import { aim, type FuzzFlow } from './flows.ts'
import type { Draft, Host } from './topology.ts'

// What the kinds of rules that are aimed at a journey share.

/** A rule without its chain, and where it may stand. */
export interface RareRule {
  readonly table: TableName
  readonly chains: readonly string[]
  readonly words: string
}

export interface Site {
  readonly draw: Draw
  readonly draft: Draft
  readonly host: Host
  readonly flow: FuzzFlow
}

export const RECEIVED = ['PREROUTING', 'INPUT', 'FORWARD']
export const FILTER = ['INPUT', 'FORWARD', 'OUTPUT']
export const ALL = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING']
/** What a rule may do without ending the packet, so that the next one is met too. */
export const PASSING = ['-j MARK --set-xmark 0x1/0xffffffff', '', '-j LOG --log-prefix "rare: "', '-j RETURN', '-j ACCEPT']

export function aimed({ draw, flow }: Site, reply = false): string {
  return aim(flow, { reply, ends: draw.chance(50), port: draw.chance(40) }).join(' ')
}

export const join = (...words: readonly string[]): string => words.filter((w) => w !== '').join(' ')
export const passing = (draw: Draw): string => draw.pick(PASSING)
