import { type Catalogue, roleSentence } from './catalogue.ts'
import type { DropCause, NatWhy } from './fact.ts'
import { type Sentence, say } from './sentence.ts'
import { zhReasons, zhRoles } from './zh-rules.ts'

// A packet's birth, its places and ends, its header; bridges and neighbours.

const roles = { roles: zhRoles }

const why = (cause: DropCause): Sentence => {
  switch (cause.kind) {
    case 'rule':
      return say`起决定作用的是规则 ${cause.rule}：${roleSentence(roles, cause.role)}`
    case 'policy':
      return say`没有规则作出裁决，而 ${cause.chain} 的默认策略是 DROP。`
    case 'sysctl':
      return say`起决定作用的是 ${cause.sysctl}。`
    case 'neighbour':
      return cause.owner === undefined
        ? say`在 ${cause.device} 上发出的 ARP 请求，${cause.address} 一次也没有应答：那里没有谁拥有这个地址。`
        : say`在 ${cause.device} 上发出的 ARP 请求，${cause.address} 一次也没有应答；虽然 ${cause.owner} 拥有这个地址，但从这里到不了它。`
    case 'route':
      return say`起决定作用的是路由 ${cause.route}。`
    case 'device':
      return say`发生在 ${cause.device}。`
    case 'hairpin-off':
      return say`${cause.address ?? '目的地址'}${cause.owner === undefined ? undefined : say`（${cause.owner}）`}就在 ${cause.port} 后面，而帧正是从 ${cause.bridge} 的这个端口进来的。只有端口处于 hairpin 模式，网桥才会把帧从来处送回去，而这个端口没有开启。`
    case 'conntrack':
      return say`它属于连接 ${cause.entry}，该连接的 NAT 绑定不允许它通过：与任何规则无关。`
    case 'other':
      return say`起决定作用的是 ${cause.record}。`
  }
}

const translated = (which: 'src' | 'dst', changed: Sentence, w: NatWhy): Sentence => {
  const end = which === 'src' ? '源地址' : '目的地址'
  if (w.kind === 'rule') {
    if (w.role.kind === 'dnat') {
      const maker = w.role.service === undefined ? say`一条 DNAT 规则` : say`kube-proxy 为 ${w.role.service} 写下的规则`
      const share =
        w.role.index === undefined
          ? undefined
          : say`选中的是 ${w.role.count ?? 1} 个端点中的第 ${w.role.index} 个${w.role.probability === undefined ? '' : `（概率 ${w.role.probability}）`}。`
      return say`${maker}改写目的地址：${changed}。${share}conntrack 会记住这一点，因此之后的每个包以及回包都照此处理，不再询问这些规则。`
    }
    if (w.role.kind === 'masquerade-marked' || w.role.kind === 'egress-masquerade') {
      return say`MASQUERADE 把源地址换成出口设备的地址：${changed}。这样回包会回到本节点，再由 conntrack 恢复原来的地址。`
    }
    return say`该规则的目标动作改写${end}：${changed}。conntrack 会为整个连接记住它。`
  }
  const of = w.service === undefined ? undefined : say`（${w.service}）`
  if (w.kind === 'reverse') {
    return which === 'src'
      ? say`这是回包：conntrack 把地址转换${of}还原，使回答看起来正来自被请求的那个地址：${changed}。不查询任何规则。`
      : say`这是回包：conntrack 恢复去程时被转换的${end}：${changed}。不查询任何规则。`
  }
  return say`conntrack 认得这个连接，对${end}做与首个包相同的转换${of}：${changed}。nat 表不会再被查询。`
}

export const zhPlaces = {
  sent: (f) => (f.who === undefined ? say`${f.where} 发出 ${f.packet}。` : say`${f.where} 中的 ${f.who} 发出 ${f.packet}。`),
  'arp-asked': (f) => {
    const waiting = f.waiting === undefined ? '' : `包 #${f.waiting} 在等待答复。`
    return f.unicast
      ? say`${f.where} 想确认 ${f.target} 是否仍在已知的 MAC 地址上，于是只向该地址单播一个 ARP 请求。`
      : say`${f.where} 还不知道 ${f.target} 的 MAC 地址，于是向链路上的所有主机询问（ARP 请求，广播）。${waiting}`
  },
  'arp-answered': (f) => say`${f.address} 是 ${f.where} 的地址，它回答 ${f.asker}：MAC 地址是 ${f.mac}。`,
  'icmp-reported': (f) =>
    say`${f.where} 用 ICMP ${f.error} 告诉发送方 ${f.to}：${f.about === undefined ? '包' : `包 #${f.about} `}出了什么问题，并引用那个包的首部。`,
  'echo-answered': (f) => say`${f.where} 的内核回应来自 ${f.to} 的 echo 请求，无需任何进程参与。`,
  'reset-sent': (f) =>
    say`${f.where} 用 TCP RST 回复 ${f.to}${f.about === undefined ? '' : `（因为包 #${f.about}）`}：这里没有这样的连接。`,
  copied: (f) => say`为网桥的又一个端口复制的副本${f.of === undefined ? '' : `（源自包 #${f.of}）`}。`,
  fragmented: (f) => say`一个分片${f.of === undefined ? '' : `（源自包 #${f.of}）`}：数据报大于出口的 MTU。`,
  'made-whole': (f) => say`所有分片都已到齐：${f.where} 把数据报重新组装完整。`,
  encapsulated: (f) => say`包${f.of === undefined ? '' : ` #${f.of} `}被封装进一个外层包，外层包像其他包一样发送。`,
  decapsulated: (f) => say`去掉外层首部${f.of === undefined ? '' : `（包 #${f.of}）`}；里面的包如同从隧道设备进来一样被接收。`,
  'entered-device': (f) => {
    if (f.direction === 'out') {
      return f.link === 'bridge' ? say`主机自己经网桥 ${f.device} 发送。` : say`帧从 ${f.where} 的 ${f.device} 发出。`
    }
    if (f.link === 'bridge')
      return say`${f.port === undefined ? '入口设备' : f.port} 是网桥 ${f.device} 的端口，因此在任何协议看到它之前，帧先交给网桥。`
    if (f.link === 'loopback') return say`帧立刻又从 ${f.device} 进来：回环流量从不离开 ${f.where}。`
    return say`帧到达 ${f.where} 的 ${f.device}。`
  },
  'entered-stack': (f) => {
    if (f.resumed) return say`在 ${f.where} 中等待的包重新得到处理。`
    if (f.arp && f.direction === 'out') return say`由 ${f.where} 的邻居子系统发出。`
    if (f.direction === 'out') return say`${f.where} 的网络栈接手要发送的内容。`
    return f.device === undefined ? say`${f.where} 的网络栈收到这个包。` : say`${f.where} 的网络栈从 ${f.device} 收到这个包。`
  },
  'left-over-veth': (f) => say`${f.device} 是一对 veth 的一端：从这里进去，就从另一个网络命名空间 ${f.there} 的 ${f.peer} 出来。`,
  'left-over-wire': (f) => say`帧经 ${f.device} 离开这台机器，前往 ${f.there} 的 ${f.peer}。`,
  'left-through-loopback': (f) => say`${f.device} 把每个帧直接交还给 ${f.where}。`,
  'left-to-bridge': (f) => say`${f.port} 把帧交给它所属的网桥 ${f.bridge}。`,
  'left-to-port': (f) => say`${f.bridge} 从端口 ${f.port} 送出这个帧。`,
  'left-to-stack': (f) =>
    f.device === undefined ? say`包进入 ${f.where} 的网络栈。` : say`${f.device} 把包上交给 ${f.where} 的网络栈。`,
  'left-to-device': (f) =>
    f.arp ? say`ARP 不需要路由：帧排入 ${f.device} 的发送队列。` : say`包已有路由和链路层首部，排入 ${f.device} 的发送队列。`,
  delivered: (f) => {
    switch (f.to) {
      case 'socket':
        return say`包到达它的套接字 ${f.socket}${f.process === undefined ? undefined : say`，该套接字属于 ${f.process}`}。`
      case 'icmp':
        return say`${f.where} 的 ICMP 层收下这个包。`
      case 'arp':
        return say`${f.where} 的邻居子系统已读取这个 ARP 包。`
      case 'discard':
        return say`这个包到此为止。`
      case 'reassembly':
        return say`这个分片与同一数据报的其他分片放在一起。`
      case 'tunnel':
        return say`作为独立的包，它到此为止：隧道已接手。`
    }
  },
  dropped: (f) =>
    say`${f.where} 丢弃这个包（${{ kind: 'code', text: f.reason }}）：${zhReasons[f.reason]}。${f.cause === undefined ? undefined : why(f.cause)}`,
  waiting: (f) => say`包在 ${f.where} 中等待，直到 ${f.address} 说出自己的 MAC 地址。`,
  'not-modelled': (f) =>
    say`Hopscope 没有对 ${{ kind: 'code', text: f.what }} 建模${f.cause === undefined ? undefined : say`（${f.cause}）`}。它不作猜测：真实内核此后会如何处理这个包，无法确定。`,
  'mac-set': (f) =>
    f.which === 'src'
      ? say`帧的源 MAC 地址设为发送设备的地址：${f.value}。`
      : f.owner === undefined
        ? say`帧得到目的 MAC 地址：${f.value}。`
        : say`帧的目的 MAC 地址设为下一跳 ${f.owner} 的地址：${f.value}。IP 地址保持不变。`,
  ttl: (f) => say`每经过一个路由器，TTL 减一：${f.change}。`,
  translated: (f) => translated(f.which, [f.change], f.why),
  marked: (f) => {
    if (f.masquerade === 'set')
      return say`包被打上标记 ${f.change}（skb->mark，不在线路上传输）：带有此标记的包将由 KUBE-POSTROUTING 执行 MASQUERADE。`
    if (f.masquerade === 'cleared') return say`MASQUERADE 标记被清除：${f.change}。`
    return say`包的标记改变：${f.change}（skb->mark，不在线路上传输）。`
  },
  'field-set': (f) => say`${f.field} 改变：${f.change}。`,
  'quote-translated': (f) =>
    say`ICMP 错误所引用的首部也一并转换${f.change === undefined ? undefined : say`（${f.change}）`}，这样接收方才能认出是自己发的包。`,
  'fdb-learned': (f) =>
    f.moved
      ? say`${f.bridge} 发现 ${f.mac} 现在位于另一个端口：${f.port}。`
      : say`${f.bridge} 从源地址学到：${f.mac} 在端口 ${f.port} 之后。`,
  'vtep-learned': (f) =>
    f.moved
      ? say`${f.tunnel} 发现 ${f.mac} 现在来自另一个对端：${f.remote}。`
      : say`${f.tunnel} 从收到的帧学到：${f.mac} 在对端 ${f.remote} 之后。`,
  'into-tunnel': (f) => {
    const by = f.entry === undefined ? undefined : say`（${f.entry}）`
    const why = f.any
      ? say`${f.device} 没有 ${f.mac} 的条目；适用于其余所有地址的条目${by}指向 ${f.remote}`
      : say`${f.device} 知道 ${f.mac} 在对端 ${f.remote} 之后${by}`
    return say`${why}。它把整个帧装进发往该地址的 UDP 数据报，并加上写有网络编号 ${f.vni} 的 VXLAN 首部。`
  },
  'out-of-tunnel': (f) =>
    say`这是发给 ${f.where} 内核自己的 VXLAN 套接字的 UDP 数据报：VNI ${f.vni} 属于 ${f.device}，由它取出 ${f.remote} 装入的帧。`,
  'bridge-forwarded': (f) => say`${f.bridge} 知道 ${f.mac} 在 ${f.port} 之后，只把帧转发到这个端口。`,
  'bridge-flooded': (f) => {
    const ports = f.ports === 1 ? '唯一的另一个端口' : `其余 ${f.ports} 个端口`
    if (f.broadcast) return say`这是广播：${f.bridge} 把它发往${ports}${f.local ? '，主机自己也会收到' : ''}。`
    return say`${f.bridge} 还没有学到 ${f.mac} 在哪里，于是把帧泛洪到${ports}。`
  },
  'bridge-took': (f) =>
    f.broadcast
      ? say`这是广播，而 ${f.bridge} 没有其他端口：只有主机自己收到。`
      : say`${f.mac} 是网桥自己的地址，说明帧是发给主机的：${f.bridge} 把它上交给网络栈。`,
  'bridge-refused': (f) =>
    f.port === undefined
      ? say`${f.bridge} 没有可以送出这个帧的端口。`
      : say`${f.bridge} 本应把帧从进来的端口 ${f.port} 送回去，但该端口没有开启 hairpin 模式。`,
  'bridge-nf': (f) =>
    f.enabled
      ? say`br_netfilter 把桥接的包交给 IP 钩子 ${{ kind: 'code', text: f.hook }}，因为 ${f.sysctl ?? { kind: 'code', text: 'net.bridge.bridge-nf-call-iptables' }}。这样，规则和 conntrack 也能看到 ${f.bridge} 只做二层交换的流量。`
      : say`${f.sysctl ?? { kind: 'code', text: 'net.bridge.bridge-nf-call-iptables=0' }}：${f.bridge} 在端口之间交换的帧不经过任何 IP 钩子。没有规则看到这个包，conntrack 也不会还原任何地址转换。`,
  'neigh-looked-up': (f) => {
    if (f.state === 'NONE') return say`邻居表里还没有 ${f.address} 的条目。`
    return f.mac === undefined
      ? say`${f.entry ?? f.address} 的邻居条目处于 ${f.state} 状态：尚不知道 MAC 地址。`
      : say`邻居表中有 ${f.entry ?? f.address}，位于 ${f.mac}（${f.state}）。`
  },
  'neigh-changed': (f) => {
    switch (f.reason) {
      case 'solicit':
      case 'created':
        return say`${f.entry} 的邻居条目变为 ${f.to}：发出 ARP 请求，发往它的包先等待。`
      case 'reply':
        return say`${f.entry} 已经应答：位于 ${f.mac}。它的邻居条目现在是 ${f.to}。`
      case 'request-seen':
        return say`询问者也报出了自己的身份：${f.entry} 位于 ${f.mac}。条目状态为 ${f.to}：可以使用，以后再确认。`
      case 'timeout':
        return say`${f.entry} 没有应答，内核放弃：条目变为 ${f.to}。等待中的包被丢弃，并告知其发送方“主机不可达”。`
      case 'used-stale':
        return say`${f.entry} 的条目已旧（${f.from}），但仍立即使用；若 5 秒内没有流量加以确认，就会探测它（${f.to}）。`
      case 'confirmed':
        return say`来自 ${f.entry} 的流量表明它仍在：重新变为 ${f.to}。`
      case 'probe':
        return say`${f.entry} 仍未应答：发出下一个 ARP 请求（第 ${f.probes} 次）。`
      case 'delay-expired':
        return say`这期间没有什么能确认 ${f.entry}，于是内核直接询问它（${f.to}）。`
      case 'reachable-expired':
        return say`距离上次确认 ${f.entry} 已过太久：条目现在是 ${f.to}。`
      case 'gratuitous':
        return say`${f.entry} 主动宣告自己位于 ${f.mac}：条目变为 ${f.to}。`
    }
  },
  'arp-processed': (f) => {
    switch (f.answer) {
      case 'reply':
        return say`${f.target} 是 ${f.where} 的地址，因此它会回答 ${f.sender}。`
      case 'update':
        return f.op === 'reply'
          ? say`${f.where} 询问过 ${f.sender}，现在把答复记入邻居表。`
          : say`${f.where} 已经认识询问者 ${f.sender}，于是刷新它的条目；问题本身是问 ${f.target} 的。`
      case 'ignore':
        return say`${f.where} 没有 ${f.target} 这个地址，忽略这个询问。`
      case 'proxy':
        return say`${f.where} 有到 ${f.target} 的路由，于是代它回答（proxy_arp）。`
    }
  },
} satisfies Partial<Catalogue['facts']>
