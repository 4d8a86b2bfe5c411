import type { Device, Skb } from '../types.ts'
import type { CompiledRule } from './compile.ts'

interface Named {
  readonly name: string
}

/** What a match may look at in a packet. An Skb is one; a reader of recorded moments builds its own. */
export interface MatchInput extends Pick<Skb, 'pkt' | 'mark' | 'ct' | 'ctInfo' | 'socket'> {
  readonly physIn: Named | undefined
  readonly physOut: Named | undefined
}
/** What a match may look at beside the packet. A HookState is one. */
export interface MatchPlace {
  readonly inDev: Named | undefined
  readonly outDev: Named | undefined
}

const NO_BITS = new Uint8Array(0)

/** struct nf_hook_state: where a walk is. One object per nesting depth (an ICMP error is sent inside a walk), reused. */
export class HookState {
  /** HOOK number */
  hook = 0
  inDev: Device | undefined = undefined
  outDev: Device | undefined = undefined
  /** By interface pattern: 1 where the device's name fits. */
  inBits: Uint8Array = NO_BITS
  outBits: Uint8Array = NO_BITS
  #met: Met | undefined = undefined

  /** The packet fits `rule`, the last of `tried` of its chain since the last step. */
  meet(rule: CompiledRule, tried: number): Met {
    const met = this.#met
    if (met === undefined) {
      this.#met = new Met(this, rule, tried)
      return this.#met
    }
    met.rule = rule
    met.tried = tried
    return met
  }
}

/** The rule that a packet has just met: what a target is given. */
export class Met {
  readonly at: HookState
  rule: CompiledRule
  tried: number

  constructor(at: HookState, rule: CompiledRule, tried: number) {
    this.at = at
    this.rule = rule
    this.tried = tried
  }
}
