import { STEP } from '../../trace/columns.ts'
import { faultId } from '../../world/ids.ts'
import type { FaultRecord } from '../../world/records.ts'
import type { NetworkNamespace } from '../namespace.ts'
import type { SkBuff } from '../skb.ts'

/**
 * A machine has several CPUs, and each handles a packet on its own. The engine does one thing at a time, from a packet's receipt
 * to its departure; where a document says so (`overrides.NODE.stall`), the CPU that handles the first packet of a flow is
 * interrupted between PREROUTING and FORWARD, as ksoftirqd can be, and what comes meanwhile is handled by another one.
 */
export class Stall {
  readonly #ns: NetworkNamespace
  readonly #fault: FaultRecord | undefined
  /** Flows whose first packet has been interrupted: source address and port. */
  readonly #seen = new Set<string>()

  constructor(ns: NetworkNamespace) {
    this.#ns = ns
    const record = ns.kernel.rec.initial.get(faultId(ns.name))
    this.#fault = record?.kind === 'fault' ? record : undefined
  }

  /** True when the packet waits: `then` is called when its CPU comes back to it. */
  takes(skb: SkBuff, then: () => void): boolean {
    const fault = this.#fault
    if (fault === undefined) return false
    const { pkt } = skb
    if (pkt.protocol !== fault.protocol || pkt.dport !== fault.port || skb.ct === undefined || skb.ct.confirmed) return false
    const flow = `${pkt.src}:${pkt.sport}`
    if (this.#seen.has(flow)) return false
    this.#seen.add(flow)
    const { kernel } = this.#ns
    kernel.schedule(fault.duration, () => {
      kernel.rec.step(STEP.timer, skb, kernel.rec.text('CPU interrupted'), kernel.rec.ref(fault.id))
      then()
    })
    return true
  }
}
