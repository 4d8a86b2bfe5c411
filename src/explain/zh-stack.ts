import { assertNever } from '../base/assert-never.ts'
import { type Catalogue, roleSentence } from './catalogue.ts'
import { say } from './sentence.ts'
import { zhRoles } from './zh-rules.ts'

// Routing, netfilter, conntrack; sockets and processes.

const roles = { roles: zhRoles }

export const zhStack = {
  routed: (f) => {
    const owner = f.owner === undefined ? undefined : say`（${f.owner}）`
    const to = say`${f.address}${owner}`
    if (f.route === undefined) return say`${f.where} 没有到 ${to} 的路由：策略路由的各个表中都没有匹配的条目。`
    const won = f.over === undefined || f.isDefault ? undefined : say`它胜过前缀更短的 ${f.over}。`
    switch (f.result) {
      case 'local':
        return say`${to} 就是 ${f.where} 自己的地址（${f.table} 表），因此在本机接收。`
      case 'broadcast':
        return say`${f.address} 是 ${f.where} 的广播地址：在本机接收。`
      case 'multicast':
        return say`${f.address} 是组播地址。`
      case 'forward': {
        const out =
          f.via === undefined
            ? say`直接在 ${f.device} 的链路上送达`
            : say`经 ${f.device} 送往下一跳 ${f.via}${f.redirected ? say`（由 ICMP 重定向告知的更短路径）` : undefined}`
        if (f.policy !== undefined) {
          return say`策略路由在这里先查另一张表（${f.policy}）：${f.table} 表中有 ${f.route}，因此去往 ${to} 的包${out}。`
        }
        if (f.purpose === 'reroute') return say`OUTPUT 改变了这个包，因此重新查找路由：${f.address} ${out}。`
        return f.isDefault
          ? say`没有比默认路由更具体的路由，因此去往 ${to} 的包${out}。`
          : say`${to} 的最长匹配前缀是 ${f.route}：包${out}。${won}`
      }
      case 'unreachable':
      case 'blackhole':
      case 'prohibit':
        return say`${to} 的路由是 ${f.route}：发往那里的包按配置被拒绝。`
      case 'none':
        return say`${f.where} 没有到 ${to} 的路由。`
    }
  },
  'rp-filtered': (f) => {
    if (f.ok)
      return say`rp_filter（${f.mode}）：发往 ${f.source} 的回包${f.mode === 'strict' ? '会从同一设备' : '有路由可以'}发出，因此源地址可信。`
    return say`rp_filter（${f.mode}${f.sysctl === undefined ? undefined : say`，${f.sysctl}`}）：发往 ${f.source} 的回包会走另一条路${f.route === undefined ? undefined : say`（${f.route}）`}，因此源地址不可信。`
  },
  forwarding: (f) =>
    f.allowed
      ? say`${f.where} 是路由器（${f.sysctl}），可以继续转发这个包。`
      : say`这个包是发给别人的，而 ${f.where} 不是路由器：${f.sysctl ?? 'net.ipv4.ip_forward 为 0'}。不转发的主机会默默丢弃这样的包。`,
  'too-big': (f) =>
    f.action === 'fragment'
      ? say`${f.length} 字节超过了 MTU ${f.mtu}：包被切成分片。`
      : say`${f.length} 字节超过了 MTU ${f.mtu}，而 DF 禁止分片：用 ICMP “需要分片” 告知发送方。`,
  reassembling: (f) =>
    f.complete ? say`这是 ${f.fragments} 个分片中最后缺少的一个。` : say`一个分片；数据报尚不完整（目前有 ${f.fragments} 个）。`,
  hook: (f) => {
    const bridged = f.bridged ? '（针对桥接的包）' : ''
    switch (f.hook) {
      case 'PREROUTING':
        return say`Netfilter 钩子 PREROUTING${bridged}：所有进来的包在决定路由之前都经过这里。目的地址在此改写。`
      case 'INPUT':
        return say`Netfilter 钩子 INPUT${bridged}：发给 ${f.where} 自己的包。`
      case 'FORWARD':
        return say`Netfilter 钩子 FORWARD${bridged}：${f.where} 只是转发的包。`
      case 'OUTPUT':
        return say`Netfilter 钩子 OUTPUT${bridged}：${f.where} 自己发出的包。`
      case 'POSTROUTING':
        return say`Netfilter 钩子 POSTROUTING${bridged}：所有要出去的包在决定路由之后都经过这里。源地址在此改写。`
    }
  },
  chain: (f) => say`${f.table} 表：从 ${f.chain} 的第一条规则开始。`,
  rule: (f) =>
    say`${roleSentence(roles, f.role)}${f.tried > 1 ? say`（${f.rule}，共试了 ${f.tried} 条规则）` : say`（${f.rule}）`}`,
  policy: (f) => {
    const none = f.tried === 0 ? '没有剩下可试的规则' : f.tried === 1 ? '最后一条规则不匹配' : `最后 ${f.tried} 条规则都不匹配`
    if (f.verdict === 'return') return say`到达 ${f.chain} 的末尾（${none}）：返回调用它的链。`
    return f.verdict === 'accept'
      ? say`到达 ${f.chain} 的末尾（${none}）：按默认策略 ACCEPT 放行。`
      : say`到达 ${f.chain} 的末尾（${none}）：默认策略是 DROP。`
  },
  logged: (f) => say`LOG 在内核日志中写下一行，前缀为 ${f.prefix}。`,
  'ct-found': (f) => {
    switch (f.info) {
      case 'NEW':
        return say`conntrack：这是新连接${f.entry === undefined ? undefined : say` ${f.entry} `}的首个包。只有这样的包才会交给 nat 表。`
      case 'ESTABLISHED':
        return say`conntrack 认得这个连接：${f.entry}。${f.translates ? '直接按已有的转换处理，不再询问 nat 表。' : ''}`
      case 'ESTABLISHED_REPLY':
        return say`conntrack 认出这是连接 ${f.entry} 的回包。${f.translates ? '地址转换将被还原。' : ''}`
      case 'RELATED':
      case 'RELATED_REPLY':
        return say`conntrack：与连接 ${f.entry} 相关的 ICMP 错误之类的包（RELATED）。`
      case 'INVALID':
        return say`conntrack 无法把这个包归入任何连接：INVALID。NAT 不处理它。`
      case 'UNTRACKED':
        return say`这个包不被跟踪（NOTRACK）：NAT 和 ctstate 规则都不适用于它。`
    }
  },
  'ct-changed': (f) => {
    const state = f.state === undefined ? undefined : say`（${f.state}）`
    switch (f.change) {
      case 'new':
        return say`conntrack 为 ${f.entry} 建立条目${state}。包通过所有钩子之后，条目才得到确认。`
      case 'update':
        return say`conntrack 更新 ${f.entry}${state}。`
      case 'confirm':
        return say`包已通过所有钩子：${f.entry} 的条目得到确认，从此在表中。`
      case 'destroy':
        return say`${f.entry} 的 conntrack 条目已删除${state}。`
      case 'clash':
        return say`另一个包抢先建立了相同的条目：${f.entry} 让位给它。`
    }
  },
  'nat-bound': (f) => {
    const end = f.manip === 'src' ? '源地址' : '目的地址'
    switch (f.binding) {
      case 'rule':
        return say`${end}的绑定记入 ${f.entry} 的 conntrack 条目${f.change === undefined ? undefined : say`：${f.change}`}。`
      case 'null':
        return f.change === undefined
          ? say`没有 nat 规则要处理这个连接：它的${end}从此保持不变（空绑定）。`
          : say`没有 nat 规则要处理这个连接，但它的元组已被占用，因此把${end}改为唯一的：${f.change}。`
      case 'existing':
        return f.change === undefined
          ? say`conntrack 已有这个连接的绑定；这里没有要改的。`
          : say`conntrack 按为这个连接保存的绑定处理：${f.change}。`
      case 'icmp-error':
        return say`ICMP 错误与它所涉及的连接做同样的转换${f.change === undefined ? undefined : say`：${f.change}`}。`
    }
  },
  'socket-found': (f) =>
    f.socket === undefined
      ? say`${f.where} 没有对应 ${f.to} 的套接字：没有谁在那里监听。`
      : say`${f.to} 对应的套接字是 ${f.socket}${f.process === undefined ? undefined : say`，属于 ${f.process}`}。`,
  'tcp-changed': (f) =>
    say`TCP：${f.process === undefined ? undefined : say`${f.process} 的`}套接字 ${f.socket} 从 ${{ kind: 'code', text: f.from }} 变为 ${{ kind: 'code', text: f.to }}。`,
  retransmitted: (f) => say`没有及时收到回应，TCP 重新发送（第 ${f.attempt} 次）；下一次在 ${f.seconds} 秒之后。`,
  data: (f) =>
    f.direction === 'send'
      ? say`${f.process ?? '进程'} 向套接字写入 ${f.bytes} 字节。`
      : say`${f.bytes} 字节已就绪，等待 ${f.process ?? '进程'} 读取。`,
  process: (f) => {
    const text = f.text === '' ? undefined : { kind: 'code' as const, text: f.text }
    switch (f.event) {
      case 'start':
        return say`${f.where} 中开始执行命令：${text ?? f.process}。`
      case 'connect':
        return say`${f.process} 连接 ${text}。`
      case 'listen':
        return say`${f.process} 监听 ${text}。`
      case 'send':
        return say`${f.process} 发送 ${text ?? '数据'}。`
      case 'receive':
        return say`${f.process} 收到 ${text ?? '数据'}。`
      case 'output':
        return text === undefined ? say`${f.process} 输出一个空行。` : say`${f.process} 输出 ${text}。`
      case 'sleep':
        return say`${f.process} 等待${text === undefined ? undefined : say`：${text}`}。`
      case 'exit':
        return say`${f.process} 结束${text === undefined ? undefined : say`：${text}`}。`
      case 'error':
        return say`${f.process} 得到错误：${text}。`
      case 'resolve':
        return say`${f.process} 解析名称：${text}。`
    }
  },
  'proxy-routed': (f) => {
    const by = f.object === undefined ? undefined : say`（${f.object}）`
    if (f.layer === 4) {
      return f.endpoint === undefined
        ? say`${f.process} 找不到 ${f.object ?? f.rule} 的端点：它只能关闭已经接受的连接。`
        : say`对客户端来说，${f.process} 自己就是对端。它以轮询方式为 ${f.object ?? f.rule} 选中 ${f.endpoint}，并用自己的套接字、从所在机器自身的地址与之通信。`
    }
    if (f.service === undefined) return say`没有任何 Ingress 的规则匹配 ${f.rule}：${f.process} 没有可用的后端，只能自己回答。`
    return f.endpoint === undefined
      ? say`${f.rule}${by}指向 ${f.service}，但它没有端点：${f.process} 只能自己回答。`
      : say`规则 ${f.rule}${by}决定去向：${f.process} 把请求交给 ${f.service}，通过自己的连接直达端点 ${f.endpoint}，不经过 ClusterIP。`
  },
  'proxy-copied': (f) =>
    say`${f.process} 被唤醒，从套接字 ${f.from} 读出 ${f.bytes} 字节，再写入 ${f.to}：两次系统调用，两次跨越内核边界的复制；由 netfilter 改写的包则无需付出这些代价。`,
  timer: (f) => say`内核定时器到期：${f.what}${f.record === undefined ? undefined : say`（${f.record}）`}。`,
  'ct-cleaned': (f) =>
    say`${f.where} 上的 kube-proxy 删除 ${f.entry} 的 conntrack 条目：它的应答方已不是可用端点。该流的下一个包将重新开始。`,
  'cluster-changed': (f) => {
    switch (f.change) {
      case 'apply':
        return f.derived ? say`控制器更新 ${f.what}。` : say`应用了 ${f.what}；由此而来的其余内容由控制平面补全。`
      case 'delete':
        return say`${f.what} 从 API server 中删除。`
      case 'terminate':
        return say`${f.what} 被删除：它现在带有 deletionTimestamp，宽限期开始计时。它的端点不再是 ready，但仍在提供服务。`
      case 'attach':
        return say`容器运行时在节点上创建 ${f.what} 的网络命名空间，网络插件把它接入网络，其中的服务随即启动。`
      case 'detach':
        return say`网络插件移除 ${f.what} 的网卡，该网络命名空间随之消失。`
      case 'start':
        return say`容器运行时在主机网络上启动 ${f.what} 的容器：它们没有自己的网络命名空间，也没有自己的网卡。`
      case 'unplug':
        return say`${f.what} 的网线被拔掉：交换机忘掉该端口后面的地址，该节点也失去它的邻居表项。此刻还没有别人察觉。`
      case 'configure':
        return say`${f.where} 上由 ${f.what} 引起、不归 kube-proxy 管理的配置得到更新：规则新增 ${f.added} 条，删除 ${f.removed} 条。`
      case 'drained':
        return say`${f.what} 上的 kube-proxy 每分钟检查一次权重已降为 0 的真实服务器：其中 ${f.removed} 台已没有连接，现予移除。`
      case 'sync':
        if (f.ipvs)
          return say`${f.what} 上的 kube-proxy 更新地址、虚拟服务器、真实服务器和 ipset（iptables 规则新增 ${f.added} 条，删除 ${f.removed} 条）。要移除的真实服务器在仍有 TCP 连接时保留，权重降为 0。`
        return f.added === 0 && f.removed === 0
          ? say`${f.what} 上的 kube-proxy 已得知变更；没有规则需要改动。`
          : say`${f.what} 上的 kube-proxy 同步规则：新增 ${f.added} 条，删除 ${f.removed} 条。conntrack 已记录的连接保持原有的地址转换。`
      default:
        return assertNever(f.change, 'change')
    }
  },
} satisfies Partial<Catalogue['facts']>
