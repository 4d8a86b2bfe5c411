import type { Device, Skb } from '../types.ts'
import type { CompiledChain, CompiledRule } from './compile.ts'

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

/** Where a walk goes on after a user chain: the jumpstack of ipt_do_table(), kept so that a walk allocates nothing. */
class JumpStack {
  /** Position in the chain that the last `pop` answered. */
  next = 0
  readonly #chains: CompiledChain[] = []
  readonly #nexts: number[] = []
  #depth = 0

  clear(): void {
    this.#depth = 0
  }

  push(chain: CompiledChain, next: number): void {
    this.#chains[this.#depth] = chain
    this.#nexts[this.#depth++] = next
  }

  /** To the rule behind the last jump; with none left, to the end of the base chain, where its policy is. */
  pop(base: CompiledChain): CompiledChain {
    if (this.#depth === 0) {
      this.next = base.length
      return base
    }
    this.#depth--
    this.next = this.#nexts[this.#depth] as number
    return this.#chains[this.#depth] as CompiledChain
  }
}

/** struct nf_hook_state: where a walk is. One object per nesting depth (an ICMP error is sent inside a walk), reused. */
export class HookState {
  /** HOOK number */
  hook = 0
  inDev: Device | undefined = undefined
  outDev: Device | undefined = undefined
  /** By interface pattern: 1 where the device's name fits. */
  inBits: Uint8Array = NO_BITS
  outBits: Uint8Array = NO_BITS
  readonly jumps = new JumpStack()
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
