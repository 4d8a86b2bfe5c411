import { type NftFamily, type NftObject, type NftOperation, operationText } from './transaction.ts'

type ObjectOf<K extends NftObject['kind']> = Extract<NftObject, { kind: K }>

/**
 * The kube-proxy table as a series of transactions leaves it: what kube-proxy sees when it lists the table, and what the
 * kernel would walk. An operation on what does not exist is our own bug and throws, as nft would refuse it.
 */
export class NftTable {
  readonly family: NftFamily
  table: ObjectOf<'table'> | undefined
  readonly chains = new Map<string, { object: ObjectOf<'chain'>; rules: ObjectOf<'rule'>[] }>()
  /** Sets and maps, elements by key. */
  readonly containers = new Map<
    string,
    { object: ObjectOf<'set'> | ObjectOf<'map'>; elements: Map<string, ObjectOf<'element'>> }
  >()

  constructor(family: NftFamily) {
    this.family = family
  }

  run(operations: readonly NftOperation[]): void {
    for (const o of operations) this.#apply(o)
  }

  #apply({ verb, object }: NftOperation): void {
    if (verb === 'add') this.#add(object)
    else if (verb === 'flush') this.#flush(object)
    else this.#delete(object)
  }

  #add(o: NftObject): void {
    switch (o.kind) {
      case 'table':
        this.table = o
        return
      case 'chain': {
        const known = this.chains.get(o.name)
        if (known === undefined) this.chains.set(o.name, { object: o, rules: [] })
        return
      }
      case 'rule':
        this.#chain(o.chain).rules.push(o)
        return
      case 'set':
      case 'map':
        if (!this.containers.has(o.name)) this.containers.set(o.name, { object: o, elements: new Map() })
        return
      case 'element':
        this.#container(o.container).elements.set(o.key.join(' . '), o)
    }
  }

  #flush(o: NftObject): void {
    if (o.kind === 'chain') this.#chain(o.name).rules.length = 0
    else if (o.kind === 'set' || o.kind === 'map') this.#container(o.name).elements.clear()
    else throw new Error(`a ${o.kind} is not flushed here`)
  }

  #delete(o: NftObject): void {
    if (o.kind === 'chain') this.chains.delete(this.#chain(o.name).object.name)
    else if (o.kind === 'set' || o.kind === 'map') this.containers.delete(this.#container(o.name).object.name)
    else if (o.kind === 'element') this.#container(o.container).elements.delete(o.key.join(' . '))
    else throw new Error(`a ${o.kind} is not deleted here`)
  }

  #chain(name: string) {
    const chain = this.chains.get(name)
    if (chain === undefined) throw new Error(`no chain ${name}`)
    return chain
  }

  #container(name: string) {
    const container = this.containers.get(name)
    if (container === undefined) throw new Error(`no set or map ${name}`)
    return container
  }

  /**
   * All of it as the `add` lines that would make it: table, chains, rules, sets, maps, elements, each by name; the rules of a
   * chain in their order.
   */
  dump(): string {
    const chains = byName([...this.chains.values()], (c) => c.object.name)
    const containers = byName([...this.containers.values()], (c) => c.object.name)
    const line = (object: NftObject) => operationText(this.family, { verb: 'add', object })
    return [
      ...(this.table === undefined ? [] : [line(this.table)]),
      ...chains.map((c) => line(c.object)),
      ...chains.flatMap((c) => c.rules.map(line)),
      ...containers.flatMap((c) => (c.object.kind === 'set' ? [line(c.object)] : [])),
      ...containers.flatMap((c) => (c.object.kind === 'map' ? [line(c.object)] : [])),
      ...containers.flatMap((c) => [...c.elements.values()].map(line).sort()),
    ]
      .map((l) => `${l}\n`)
      .join('')
  }
}

const byName = <T>(items: T[], name: (item: T) => string): T[] =>
  items.sort((a, b) => (name(a) < name(b) ? -1 : name(a) > name(b) ? 1 : 0))

/** Reads `add` lines, as `dump` writes them. Lines that are none are passed over. */
export function parseDump(family: NftFamily, text: string): NftTable {
  const table = new NftTable(family)
  const objects = text.split('\n').flatMap((l) => parseAdd(l.trim()) ?? [])
  // A dump may name a chain's rules before another chain that they jump to: containers first.
  const rank = (o: NftObject) => (o.kind === 'rule' || o.kind === 'element' ? 1 : 0)
  table.run(objects.toSorted((a, b) => rank(a) - rank(b)).map((object) => ({ verb: 'add', object })))
  return table
}

function parseAdd(line: string): NftObject | undefined {
  const m = /^add (table|chain|rule|set|map|element) (?:ip6?|inet) \S+(?: (\S+))?(?: (.*))?$/.exec(line)
  if (m === null) return undefined
  const [, kind, name = '', rest = ''] = m
  const comment = /comment "([^"]*)"/.exec(line)?.[1]
  const noted = comment === undefined ? {} : { comment }
  switch (kind) {
    case 'table':
      return { kind, ...noted }
    case 'chain': {
      const base = /type (filter|nat) hook (\S+) priority (-?\d+)/.exec(rest)
      const [, type, hook = '', priority] = base ?? []
      const is =
        base === null
          ? {}
          : { base: { type: type === 'nat' ? ('nat' as const) : ('filter' as const), hook, priority: Number(priority) } }
      return { kind, name, ...is, ...noted }
    }
    case 'rule':
      return { kind, chain: name, rule: rest.replace(/ comment "[^"]*"$/, ''), ...noted }
    case 'set': {
      const flags = /flags ([^ ;]+)/.exec(rest)?.[1]
      const timeout = /timeout (\d+)s/.exec(rest)?.[1]
      const type = typeOf(rest)
      return {
        kind,
        name,
        type,
        ...(flags === undefined ? {} : { flags: flags.split(',') }),
        ...(timeout === undefined ? {} : { timeout: Number(timeout) }),
        ...noted,
      }
    }
    case 'map':
      return { kind, name, type: typeOf(rest), ...noted }
    default: {
      const inner = rest.replace(/ comment "[^"]*"/, '').replace(/^\{ | \}$/g, '')
      const [key = '', value] = inner.split(' : ')
      return { kind: 'element', container: name, key: key.split(' . '), ...(value === undefined ? {} : { value }), ...noted }
    }
  }
}

const typeOf = (rest: string): string => /type ([^;]+?) ;/.exec(rest)?.[1] ?? ''
