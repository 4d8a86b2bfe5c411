import type { Catalogue } from './catalogue.ts'
import type { ProxyPart, VerdictExtra } from './fact.ts'
import { code, type Sentence, type Span, say } from './sentence.ts'
import { zhDuration, zhLookup } from './zh-dns.ts'

/** a → b → c */
const chain = (way: readonly Span[]): Sentence => way.flatMap((w, i) => say`${i === 0 ? '' : ' → '}${w}`)

const ERRORS: Readonly<Record<string, Sentence>> = {
  ECONNREFUSED: say`连接被拒绝`,
  EHOSTUNREACH: say`无法到达该主机（${code('No route to host')}）`,
  ENETUNREACH: say`没有通往该网络的路由（${code('Network is unreachable')}）`,
  ETIMEDOUT: say`没有等到答复，命令放弃等待`,
  ECONNRESET: say`对端重置了连接`,
  EACCES: say`不允许发送（${code('Permission denied')}）`,
  EPERM: say`出口方向的防火墙规则拒绝发送（${code('Operation not permitted')}）`,
  EMSGSIZE: say`包对这条路来说太大（${code('Message too long')}）`,
  EINVAL: say`内核不接受这个地址（${code('Invalid argument')}）`,
  EADDRINUSE: say`端口已被占用`,
  EHOSTDOWN: say`主机已停机`,
  ENOPROTOOPT: say`那里没有该协议`,
  ENOLINK: say`通往该主机的链路已断`,
  EAI_NONAME: say`没有域名服务器知道这个名称（${code('Name or service not known')}）`,
  EAI_NODATA: say`名称存在，但没有地址（${code('No address associated with hostname')}）`,
  EAI_AGAIN: say`无法得到域名服务器的回答（${code('Temporary failure in name resolution')}）`,
  EAI_FAIL: say`域名服务器拒绝回答（${code('Non-recoverable failure in name resolution')}）`,
}

const extra = (x: VerdictExtra): Sentence => {
  switch (x.kind) {
    case 'stale-endpoint':
      return say`${x.service ?? '某个 Service'} 仍把 ${x.address} 列为端点，但集群中已没有谁拥有这个地址。`
    case 'nobody-has':
      return say`集群中没有谁拥有地址 ${x.address}。`
    case 'stale-entry':
      return say`${x.where} 上的 conntrack 仍保留 ${x.entry} 的条目，把该流的每个包都发往 ${x.address}，而集群中已没有谁拥有这个地址；nat 表中的规则虽然正确，却不会被查询。`
    case 'reply-not-translated':
      return say`回包在 ${x.bridge} 内部直接交换，没有经过任何 IP 钩子（${x.sysctl}），因此 conntrack 无法把地址还原成 ${x.service ?? 'Service'} 的：客户端等待的是 ${x.expected}，收到的却是它从未请求过的 ${x.got}，于是用 RST 拒绝。`
    case 'silent':
      return say`没有谁告知发送方：它只能等待。`
    case 'unresolved':
      return x.waits === 0
        ? say`在 ${zhDuration(x.duration)}内查询了 ${x.asked} 次，每次都被拒绝：解析器放弃了。`
        : say`解析器在 ${zhDuration(x.duration)}内查询了 ${x.asked} 次。没有谁告知它查询已经丢失：它只能等待、再次查询，最后放弃。`
    case 'port-taken':
      return say`${x.process ?? '另一个进程'} 已经在那里监听（${x.socket}）${x.pod ? '：同一个 Pod 的容器共用一个网络命名空间，因此也共用一套端口' : ''}。`
  }
}

const proxied = (p: ProxyPart): Sentence => {
  const of = p.object === undefined ? undefined : say`（${p.object}）`
  if (p.endpoint === undefined) {
    return p.service === undefined
      ? say`${p.where} 中的 ${p.process} 自己作了回答：没有任何 Ingress 的规则匹配 ${p.rule}。`
      : say`${p.where} 中的 ${p.process} 自己作了回答：规则 ${p.rule}${of}指向的 ${p.service} 没有端点。`
  }
  return p.layer === 7
    ? say`在那里，${p.where} 中的 ${p.process} 终结了连接，读出请求，并按规则 ${p.rule}${of}通过自己的连接把它交给 ${p.service} 的 ${p.endpoint}。`
    : say`${p.where} 上的 ${p.process} 在用户态终结了连接，并另开一个连接到 ${p.endpoint}：共 ${p.bytes} 字节分 ${p.copies} 次经手搬运，每次都是一次唤醒、一次读和一次写。端点看到的客户端是这个节点。`
}

export const zhVerdict: Pick<Catalogue, 'verdict' | 'exchange' | 'note'> = {
  verdict: (f) => {
    switch (f.kind) {
      case 'answered': {
        const s = f.service
        const service =
          s === undefined
            ? undefined
            : say`kube-proxy 的规则把请求从 ${s.object ?? 'ClusterIP'} 转到一个端点${s.pod === undefined ? undefined : say` ${s.pod}`}（${s.change}），conntrack 在每个回包中恢复原来的地址。`
        const way =
          f.way.length === 1 ? say`请求从未离开 ${f.way[0]}。` : f.way.length > 1 ? say`请求的路径：${chain(f.way)}。` : undefined
        const sources = f.masquerades.map(
          (m) => say`在 ${m.where} 上源地址被改写：${m.change}；那里的 conntrack 会在回包中把它恢复。`,
        )
        const destinations = f.destinations.map(
          (d) => say`在 ${d.where} 上目的地址被改写：${d.change}${d.owner === undefined ? undefined : say`（${d.owner}）`}。`,
        )
        const lookup = f.lookup === undefined ? undefined : zhLookup(f.lookup, f.lost)
        return say`${f.command} 得到了答复（退出状态 ${f.exitCode}）。${lookup}${way}${destinations.flat()}${service}${sources.flat()}${f.proxies.flatMap(proxied)}`
      }
      case 'failed': {
        const meaning = ERRORS[f.error] ?? say`执行失败`
        const failed =
          f.error === 'no answer'
            ? say`${f.command} 没有等到答复。`
            : say`${f.command} 以 ${{ kind: 'code', text: f.error }} 失败：${meaning}。`
        return say`${failed}${f.because}${f.extra === undefined ? undefined : extra(f.extra)}`
      }
      case 'undetermined':
        return f.because === undefined
          ? say`${f.command} 会如何结束无法确定：Hopscope 还没有对 ${{ kind: 'code', text: f.what }} 建模。`
          : say`${f.command} 会如何结束无法确定。${f.because}`
    }
  },
  exchange: {
    arp: 'ARP',
    'tcp-handshake': 'TCP 握手',
    http: 'HTTP',
    'tcp-data': 'TCP 数据',
    'tcp-close': 'TCP 关闭',
    'icmp-echo': 'ICMP echo',
    'icmp-error': 'ICMP 错误',
    dns: 'DNS',
    udp: 'UDP',
    other: '其他流量',
  },
  note: (what, where) =>
    where === undefined
      ? say`已保留但尚未建模：${{ kind: 'code', text: what }}。遇到它的包，结局无法确定。`
      : say`${where} 中已保留但尚未建模：${{ kind: 'code', text: what }}。遇到它的包，结局无法确定。`,
}
