import type { Catalogue } from './catalogue.ts'
import type { AnswerPart, DnsFact, DnsPlace, LookupPart } from './dns-fact.ts'
import { code, list, type Sentence, type Span, say } from './sentence.ts'

// Names: what programs ask DNS servers, and what these answer.

/** `410 微秒`, `3.2 毫秒`, `5 秒`; `ns` is virtual time. */
export const zhDuration = (ns: number): string =>
  ns >= 1e9
    ? `${Number((ns / 1e9).toFixed(1))} 秒`
    : ns >= 1e6
      ? `${Number((ns / 1e6).toFixed(1))} 毫秒`
      : `${Math.round(ns / 1000)} 微秒`

const place = (p: DnsPlace): Sentence => {
  switch (p.kind) {
    case 'suffix':
      return say`（搜索列表 ${p.count} 个后缀中的第 ${p.nth} 个：${p.suffix}）`
    case 'as-is':
      return say`（按原样查询，在搜索列表${p.first ? '之前' : '之后'}）`
    case 'plain':
      return []
  }
}

/** The first of them, and how many there are. */
const few = (records: readonly Span[]): Sentence =>
  records.length <= 4 ? list(records, '、') : say`${list(records.slice(0, 4), '、')} 等 ${records.length} 个`

const answer = (a: AnswerPart): Sentence => {
  const aliases = a.aliases.flatMap((to, i) => say`${i === 0 ? say`${a.name} 是 ` : '，后者又是 '}${to} 的别名（CNAME）`)
  if (a.count === 0) return say`${a.name} 存在，但没有 ${a.type} 记录`
  if (a.records.length === 0) return a.aliases.length === 0 ? say`${a.name} 有 ${a.count} 条记录` : aliases
  const subject = a.aliases.length === 0 ? say`${a.name}` : say`${aliases}，${a.aliases.at(-1)}`
  const has = a.type === 'A' || a.type === 'AAAA' ? '的地址是' : `的 ${a.type} 记录是`
  return say`${subject} ${has} ${few(a.records)}`
}

const said = (a: AnswerPart): Sentence => {
  if (a.referral !== undefined) return say`自己不知道 ${a.name}，请去问 ${a.referral} 的服务器（委派）`
  switch (a.rcode) {
    case 'NOERROR':
      return answer(a)
    case 'NXDOMAIN':
      return say`没有 ${a.name} 这个名称（NXDOMAIN）`
    case 'SERVFAIL':
      return say`无法查明 ${a.name}（SERVFAIL）`
    case 'REFUSED':
      return say`不回答关于 ${a.name} 的查询（REFUSED）`
    default:
      return say`${a.name}：${a.rcode}`
  }
}

const cut = (a: AnswerPart): string => (a.truncated ? '一个数据报装不下全部内容（TC）：需要改用 TCP 重新查询。' : '')

const SOURCES: Readonly<Record<Extract<DnsFact, { kind: 'dns-said' }>['source'], (a: AnswerPart) => Sentence>> = {
  cache: (a) => say`这来自它的缓存${a.ttl === undefined ? undefined : say`，还可保留 ${a.ttl} 秒`}。`,
  asked: (a) => say`这是它从所询问的服务器那里得到的${a.ttl === undefined ? undefined : say`，有效期 ${a.ttl} 秒（TTL）`}。`,
  watched: (a) =>
    say`它通过监听（watch）Service 与 EndpointSlice 得知${a.ttl === undefined ? undefined : say`；缓存者可保留 ${a.ttl} 秒（TTL）`}。`,
  own: () => [],
}

const AGAIN: Readonly<Record<'timeout' | 'refused' | 'one-by-one' | 'truncated', string>> = {
  truncated: '这是再次查询：回答在一个数据报中装不下。',
  timeout: '这是再次查询：此前没有及时等到回答。',
  refused: '这是再次查询：上一次被拒绝。',
  'one-by-one': '这是再次查询：同时发出的两个查询只有一个得到回答，因此改为逐个查询。',
}

export const zhDns = {
  'dns-lookup': (f) => {
    if (f.reverse) return say`${f.process} 查找地址 ${f.name} 的名称。`
    if (f.order === 'plain') return say`${f.process} 解析 ${f.name}。`
    if (f.order === 'absolute') return say`${f.process} 解析 ${f.name}：末尾的点表示名称是完整的，不使用搜索列表。`
    return f.order === 'list-first'
      ? say`${f.process} 解析 ${f.name}。它有 ${f.dots} 个点，少于 resolv.conf 中的 ndots:${f.ndots}，因此先依次加上搜索列表的各个后缀（${list(f.search, '、')}）查询，最后才按原样查询。`
      : say`${f.process} 解析 ${f.name}。它有 ${f.dots} 个点，不少于 resolv.conf 中的 ndots:${f.ndots}，因此先按原样查询，没有这个名称时才使用搜索列表。`
  },
  'dns-asked': (f) => {
    const of = f.zone === undefined ? undefined : say`（${f.zone} 的服务器）`
    const whom = f.server === undefined ? say`DNS 服务器` : say`${f.server}${of}`
    const head = f.onward
      ? say`${f.process} 自己不知道，于是${f.tcp ? '通过 TCP ' : ''}向 ${whom} 查询 ${f.name} 的 ${f.type} 记录。`
      : say`${f.process} ${f.tcp ? '通过 TCP ' : ''}向 ${whom} 查询 ${f.name} 的 ${f.type} 记录${place(f.place)}。`
    const together =
      f.together === undefined
        ? undefined
        : say`它不等 ${f.together} 查询的回答：两个查询从同一个套接字发出，对 conntrack 来说是同一个流。`
    return say`${head}${f.again === undefined ? undefined : AGAIN[f.again]}${together}`
  },
  'dns-heard': (f) => say`${f.from} ${f.tcp ? '通过 TCP ' : ''}向 ${f.process} 查询 ${f.name} 的 ${f.type} 记录。`,
  'dns-said': (f) =>
    say`${f.process} 回答：${said(f)}。${f.rcode === 'NOERROR' ? SOURCES[f.source](f) : f.source === 'cache' ? SOURCES.cache(f) : undefined}${cut(f)}`,
  'dns-answered': (f) => {
    const head = say`${f.process} ${f.from === undefined ? '得到回答' : say`得到 ${f.from} 的回答`}：${said(f)}。`
    const next = f.next === undefined ? undefined : say`解析器接着查询 ${f.next}。`
    const last = f.rcode === 'NXDOMAIN' && f.next === undefined && f.place.kind !== 'plain' ? '再没有其他名称可试。' : ''
    return say`${head}${next}${last}${cut(f)}`
  },
  'dns-refused': (f) => say`从 ${f.server} 返回了 ICMP 端口不可达：${f.process} 不必再等，若还有尝试次数便立即再试。`,
  'dns-waited': (f) => {
    const waited = say`${f.process} 已等待${f.server ? '所询问服务器的' : ''}回答 ${zhDuration(f.duration)}`
    return f.only === undefined
      ? say`${waited}，没有等到。数据报丢失时，没有谁会告知它。`
      : say`${waited}。两个查询中只有 ${code(f.only)} 得到了回答：两者都要重新查询，这次逐个进行。`
  },
  'dns-resolved': (f) =>
    f.failed
      ? say`${f.process} 无法解析 ${f.name}（${f.result}）：共查询 ${f.asked} 次，历时 ${zhDuration(f.duration)}。`
      : say`${f.name} 解析完成：${f.result}。共查询 ${f.asked} 次，历时 ${zhDuration(f.duration)}。`,
  'ct-clashed': (f) => {
    const head = say`同一个流的另一个包已先得到确认，${f.entry} 的条目与它的条目冲突`
    switch (f.end) {
      case 'shared':
        return say`${head}。两者内容相同：这个包改用对方的条目，继续前行。`
      case 'kept':
        return say`${head}。两者去往不同的端点，因此这个条目仅为回复方向保留一秒，足以让回答找到归路（Linux 5.6 及以后）。`
      case 'dropped':
        return say`${head}。这里无法化解：包被丢弃，没有谁会得到通知。`
    }
  },
} satisfies Partial<Catalogue['facts']>

/** The part of a verdict that is about the name. */
export const zhLookup = (l: LookupPart, lost: Sentence | undefined): Sentence => {
  const walk =
    l.missing === 0
      ? undefined
      : say`共查询 ${l.asked} 次，其中搜索列表带来的 ${l.missing} 个名称并不存在：点数少于 ndots:${l.ndots} 时，原样的名称最后才查询。在名称末尾加一个点即可避免。`
  const waits =
    l.waits === 0 ? undefined : say`这用了 ${zhDuration(l.duration)}：有一个查询丢失，而解析器要等待一段时间才会再次查询。${lost}`
  return say`先经过 DNS 解析：${l.text}。${walk}${waits}`
}
