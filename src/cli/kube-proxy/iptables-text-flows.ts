import { cidrContains, hostCidr, type IpAddress, parseCidrSloppy, parseIpSloppy } from '../../cluster/kube-proxy/ip.ts'
import type { FlowAnswer, FlowSpec } from './vector.ts'

/**
 * Where flows end, by walking a kube-proxy ruleset as text: for IPv6, which the engine has not. The first packet of a new
 * connection, every endpoint behind a probability visited in turn, as kube-proxy's own tracer does it: nat PREROUTING leads to
 * KUBE-SERVICES; the first target's address replaces the destination; then filter's KUBE chains.
 * `local` are the node's own addresses.
 */
export function textFlows(flows: readonly FlowSpec[], ruleset: string, local: readonly string[]): FlowAnswer[] {
  const chains = chainsOf(ruleset)
  const own = new Set(local.flatMap((t) => parseIpSloppy(t)?.text ?? []))
  return flows.map((flow) => {
    const walk = new Walk(chains, own, flow)
    walk.chain('nat', 'KUBE-SERVICES')
    walk.afterNat()
    for (const chain of FILTER_CHAINS) walk.chain('filter', chain)
    return { name: flow.name, expect: walk.outputs.join(', '), masq: walk.masq }
  })
}

const FILTER_CHAINS = ['KUBE-SERVICES', 'KUBE-EXTERNAL-SERVICES', 'KUBE-NODEPORTS', 'KUBE-PROXY-FIREWALL']

type Chains = ReadonlyMap<string, readonly string[]>

/** Rules by `table/chain`. */
function chainsOf(ruleset: string): Chains {
  const chains = new Map<string, string[]>()
  let table = ''
  for (const line of ruleset.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1)
    if (!line.startsWith('-A ')) continue
    const [, name = '', args = ''] = /^-A (\S+) (.*)$/.exec(line) ?? []
    const key = `${table}/${name}`
    const rules = chains.get(key) ?? []
    chains.set(key, rules)
    // Comments hold words that look like options.
    rules.push(` ${args.replace(/-m comment --comment ("[^"]*"|\S+) ?/, '')} `)
  }
  return chains
}

class Walk {
  readonly outputs: string[] = []
  masq = false
  readonly #chains: Chains
  readonly #own: ReadonlySet<string>
  readonly #flow: FlowSpec
  readonly #source: IpAddress | undefined
  #destination: IpAddress | undefined

  constructor(chains: Chains, own: ReadonlySet<string>, flow: FlowSpec) {
    this.#chains = chains
    this.#own = own
    this.#flow = flow
    this.#source = parseIpSloppy(flow.sourceIP)
    this.#destination = parseIpSloppy(flow.destIP)
  }

  afterNat(): void {
    const [first] = this.outputs
    const ip = first === undefined ? undefined : parseIpSloppy(first.replace(/:\d+$/, '').replace(/^\[|\]$/g, ''))
    this.#destination = ip ?? this.#destination
  }

  /** Whether the packet's way ended in this chain. */
  chain(table: string, name: string): boolean {
    for (const rule of this.#chains.get(`${table}/${name}`) ?? []) {
      if (!this.#matches(rule)) continue
      const [, target, to] = / -j (\S+)(?: --to-destination (\S+))?/.exec(rule) ?? []
      if (target === undefined) continue
      if (target === 'KUBE-MARK-MASQ') this.masq = true
      else if (['ACCEPT', 'DROP', 'REJECT', 'DNAT'].includes(target)) {
        this.outputs.push(to ?? target)
        return true
      } else if (this.chain(table, target) && !rule.includes(' --probability ')) return true
    }
    return false
  }

  #matches(rule: string): boolean {
    // Nothing is remembered of earlier packets, and nothing is marked or tracked yet.
    if (/ --rcheck | --mark | --ctstate /.test(rule)) return false
    return (
      this.#addressFits(rule, '-s', this.#source) &&
      this.#addressFits(rule, '-d', this.#destination) &&
      this.#localFits(rule, '--src-type', this.#source) &&
      this.#localFits(rule, '--dst-type', this.#destination) &&
      this.#valueFits(rule, '-p', this.#flow.protocol.toLowerCase()) &&
      this.#valueFits(rule, '--dport', `${this.#flow.destPort}`)
    )
  }

  #addressFits(rule: string, option: string, address: IpAddress | undefined): boolean {
    const [, not, text] = new RegExp(` (! )?${option} (\\S+) `).exec(rule) ?? []
    if (text === undefined) return true
    const single = parseIpSloppy(text)
    const block = single === undefined ? parseCidrSloppy(text) : hostCidr(single)
    return (block !== undefined && address !== undefined && cidrContains(block, address)) === (not === undefined)
  }

  #localFits(rule: string, option: string, address: IpAddress | undefined): boolean {
    const [found, not] = new RegExp(` (! )?${option} LOCAL `).exec(rule) ?? []
    return found === undefined || (address !== undefined && this.#own.has(address.text)) === (not === undefined)
  }

  #valueFits(rule: string, option: string, value: string): boolean {
    const [, not, text] = new RegExp(` (! )?${option} (\\S+) `).exec(rule) ?? []
    return text === undefined || (text === value) === (not === undefined)
  }
}
