// An nft transaction as kube-proxy makes it through knftables: objects of its one table, added, emptied or deleted.

export type NftFamily = 'ip' | 'ip6'

export type NftObject =
  | { readonly kind: 'table'; readonly comment?: string }
  | {
      readonly kind: 'chain'
      readonly name: string
      /** A base chain. */
      readonly base?: { readonly type: 'filter' | 'nat'; readonly hook: string; readonly priority: number }
      readonly comment?: string
    }
  | { readonly kind: 'rule'; readonly chain: string; readonly rule: string; readonly comment?: string }
  | {
      readonly kind: 'set'
      readonly name: string
      readonly type: string
      readonly flags?: readonly string[]
      /** Seconds. */
      readonly timeout?: number
      readonly comment?: string
    }
  | { readonly kind: 'map'; readonly name: string; readonly type: string; readonly comment?: string }
  | {
      readonly kind: 'element'
      readonly container: string
      readonly key: readonly string[]
      /** Of a map's element. */
      readonly value?: string
      readonly comment?: string
    }

export type NftVerb = 'add' | 'flush' | 'delete'
export interface NftOperation {
  readonly verb: NftVerb
  readonly object: NftObject
}

export class Transaction {
  readonly operations: NftOperation[] = []
  add(object: NftObject): void {
    this.operations.push({ verb: 'add', object })
  }
  flush(object: NftObject): void {
    this.operations.push({ verb: 'flush', object })
  }
  delete(object: NftObject): void {
    this.operations.push({ verb: 'delete', object })
  }
  rule(chain: string, rule: string, comment?: string): void {
    this.add({ kind: 'rule', chain, rule, ...(comment === undefined ? {} : { comment }) })
  }
}

const TABLE = 'kube-proxy'
const quoted = (comment: string | undefined) => (comment === undefined ? '' : ` comment "${comment}"`)

/** What follows the object's name when it is added. */
function body(o: NftObject): string {
  switch (o.kind) {
    case 'table':
      return o.comment === undefined ? '' : ` {${quoted(o.comment)} ; }`
    case 'chain': {
      const base = o.base === undefined ? '' : ` type ${o.base.type} hook ${o.base.hook} priority ${o.base.priority} ;`
      const text = `${base}${o.comment === undefined ? '' : `${quoted(o.comment)} ;`}`
      return text === '' ? '' : ` {${text} }`
    }
    case 'rule':
      return ` ${o.rule}${quoted(o.comment)}`
    case 'set': {
      const flags = o.flags === undefined ? '' : ` flags ${o.flags.join(',')} ;`
      const timeout = o.timeout === undefined ? '' : ` timeout ${o.timeout}s ;`
      return ` { type ${o.type} ;${flags}${timeout}${o.comment === undefined ? '' : `${quoted(o.comment)} ;`} }`
    }
    case 'map':
      return ` { type ${o.type} ;${o.comment === undefined ? '' : `${quoted(o.comment)} ;`} }`
    case 'element':
      return ` { ${o.key.join(' . ')}${quoted(o.comment)}${o.value === undefined ? '' : ` : ${o.value}`} }`
  }
}

/** `add rule ip kube-proxy services …`, the line that nft reads. */
export function operationText(family: NftFamily, { verb, object }: NftOperation): string {
  const name =
    object.kind === 'table' ? '' : ` ${'name' in object ? object.name : 'chain' in object ? object.chain : object.container}`
  const head = `${verb} ${object.kind} ${family} ${TABLE}${name}`
  if (verb === 'add') return head + body(object)
  return object.kind === 'element' ? `${head} { ${object.key.join(' . ')} }` : head
}

export const transactionText = (family: NftFamily, operations: readonly NftOperation[]): string =>
  operations.map((o) => `${operationText(family, o)}\n`).join('')
