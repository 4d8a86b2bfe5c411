import { cidrContains, hostCidr, type IpAddress, parseCidrSloppy, parseIpSloppy } from '../../cluster/kube-proxy/ip.ts'
import type { NftTable } from '../../cluster/kube-proxy/nftables/table.ts'
import type { FlowAnswer, FlowSpec } from './vector.ts'

/**
 * Where flows end in kube-proxy's nftables table, by walking its rules: prerouting before DNAT, nat prerouting, then forward and
 * input, for the first packet of a new connection. `numgen` visits every choice. For IPv6, which the engine has not.
 * `local` are the node's own addresses. A statement that kube-proxy does not write is our own bug and throws.
 */
export function nftablesFlows(flows: readonly FlowSpec[], table: NftTable, local: readonly string[]): FlowAnswer[] {
  const own = new Set(local.flatMap((t) => parseIpSloppy(t)?.text ?? []))
  return flows.map((flow) => {
    const walk = new Walk(table, own, flow)
    walk.run()
    return { name: flow.name, expect: walk.outputs.join(', '), masq: walk.masq }
  })
}

type End = 'ended' | 'returned' | 'on'

class Walk {
  readonly outputs: string[] = []
  masq = false
  readonly #table: NftTable
  readonly #own: ReadonlySet<string>
  readonly #protocol: string
  #port: string
  readonly #source: IpAddress | undefined
  #destination: IpAddress | undefined

  constructor(table: NftTable, own: ReadonlySet<string>, flow: FlowSpec) {
    this.#table = table
    this.#own = own
    this.#protocol = flow.protocol.toLowerCase()
    this.#port = `${flow.destPort}`
    this.#source = parseIpSloppy(flow.sourceIP)
    this.#destination = parseIpSloppy(flow.destIP)
  }

  run(): void {
    if (this.#chain('filter-prerouting-pre-dnat')) return
    this.#chain('nat-prerouting')
    const [first] = this.outputs
    const [, ip, port] = /^\[?(.*?)\]?:(\d+)$/.exec(first ?? '') ?? []
    this.#destination = parseIpSloppy(ip ?? '') ?? this.#destination
    this.#port = port ?? this.#port
    if (!this.#chain('filter-forward')) this.#chain('filter-input')
  }

  /** Whether the packet's way ended in this chain. */
  #chain(name: string): boolean {
    for (const { rule } of this.#table.chains.get(name)?.rules ?? []) {
      const end = this.#rule(rule)
      if (end === 'ended') return true
      if (end === 'returned') return false
    }
    return false
  }

  #rule(rule: string): End {
    let rest = rule
    for (;;) {
      const match = this.#match(rest)
      if (match === undefined) return this.#act(rest)
      if (!match.fits) return 'on'
      rest = match.rest
      if (rest === '') return 'on'
    }
  }

  /** The match that a rule begins with. Undefined: it begins with a statement. */
  #match(rule: string): { fits: boolean; rest: string } | undefined {
    const found = (pattern: RegExp, fits: (groups: readonly string[]) => boolean) => {
      const m = pattern.exec(rule)
      return m === null ? undefined : { fits: fits(m.slice(1).map((g) => g ?? '')), rest: rule.slice(m[0].length).trim() }
    }
    const lookup =
      / \. | vmap /.test(rule.slice(0, rule.indexOf('vmap') + 5)) && /^(ip6? daddr \. )?meta l4proto \. th dport vmap/.test(rule)
    if (lookup) return undefined
    return (
      found(/^ct state new(?= |$)/, () => true) ??
      found(/^ip6? (saddr|daddr) (!= )?(?:@(\S+)|\{ ([^}]*) \}|(\S+))/, ([which, not, set, list, one]) => {
        const address = which === 'saddr' ? this.#source : this.#destination
        const fits = set ? this.#inSet(set, address) : (list || one || '').split(/[ ,]+/).some((t) => inBlock(t, address))
        return fits === (not === '')
      }) ??
      found(/^fib (saddr|daddr) type local/, ([which]) => {
        const address = which === 'saddr' ? this.#source : this.#destination
        return address !== undefined && this.#own.has(address.text)
      }) ??
      found(/^meta l4proto (tcp|udp|sctp)/, ([protocol]) => protocol === this.#protocol) ??
      // Where the packet came in is not part of a flow.
      found(/^iifname (!= )?\S+/, ([not]) => not !== '')
    )
  }

  /** Affinity sets are empty: nobody was here before. */
  #inSet(name: string, address: IpAddress | undefined): boolean {
    return address !== undefined && (this.#table.containers.get(name)?.elements.has(address.text) ?? false)
  }

  #act(statement: string): End {
    const lookup = /^(ip6? daddr \. )?meta l4proto \. th dport vmap @(\S+)$/.exec(statement)
    if (lookup !== null) {
      const key = [...(lookup[1] === undefined ? [] : [this.#destination?.text ?? '']), this.#protocol, this.#port].join(' . ')
      const value = this.#table.containers.get(lookup[2] ?? '')?.elements.get(key)?.value
      return value === undefined ? 'on' : this.#act(value)
    }
    const numgen = /^numgen random mod \d+ vmap \{ (.*) \}$/.exec(statement)
    if (numgen !== null) {
      for (const choice of (numgen[1] ?? '').split(' , ')) this.#act(choice.replace(/^\d+ : /, ''))
      return 'ended'
    }
    const [verb = '', ...words] = statement.split(' ')
    switch (verb) {
      case 'jump':
        if (words[0] === 'mark-for-masquerade') this.masq = true
        else if (this.#chain(words[0] ?? '')) return 'ended'
        return 'on'
      case 'goto':
        return this.#chain(words[0] ?? '') ? 'ended' : 'returned'
      case 'drop':
      case 'reject':
        this.outputs.push(verb.toUpperCase())
        return 'ended'
      case 'dnat':
        this.outputs.push(words[1] ?? '')
        return 'ended'
      case 'return':
        return 'returned'
      case 'update':
        return 'on'
      default:
        throw new Error(`kube-proxy writes no such statement: ${statement}`)
    }
  }
}

function inBlock(text: string, address: IpAddress | undefined): boolean {
  const single = parseIpSloppy(text)
  const block = single === undefined ? parseCidrSloppy(text) : hostCidr(single)
  return block !== undefined && address !== undefined && cidrContains(block, address)
}
