import type { Catalogue } from './catalogue.ts'
import { code, type Span, say } from './sentence.ts'

const theService = (s: Span | undefined) => (s === undefined ? say`某个 Service` : say`${s}`)
const percent = (p: string | undefined) => (p === undefined ? '（接收前面各规则剩下的全部流量）' : `（概率 ${p}）`)

export const zhRoles: Catalogue['roles'] = {
  'jump-to-component': (r) => say`${r.component} 在这里插入了自己的链 ${r.chain}：转入其中继续。`,
  service: (r) =>
    say`kube-proxy：${r.clusterIP === undefined ? '目的地址' : r.clusterIP} 是 ${theService(r.service)} 的 ClusterIP，由保存其端点的链来决定。`,
  endpoint: (r) =>
    say`kube-proxy 选中 ${theService(r.service)} 的 ${r.count} 个端点中的第 ${r.index} 个${percent(r.probability)}。`,
  'mark-masquerade': (r) => {
    switch (r.why) {
      case 'hairpin':
        return say`端点在访问自己所属的 Service：kube-proxy 让这个包做 MASQUERADE，否则回包根本不会离开这个 Pod。`
      case 'off-cluster':
        return say`发送方不是 Pod，因此 kube-proxy 让这个包做 MASQUERADE：回包必须经过本节点返回。`
      case 'all':
        return say`kube-proxy 让发往 ${theService(r.service)} 的所有流量都做 MASQUERADE。`
      case 'other':
        return say`这个包在出去时要做 MASQUERADE。`
    }
  },
  'set-masquerade-mark': (r) =>
    r.nft
      ? say`mark-for-masquerade 链只打标记（${r.mark}）；带此标记的包由 masquerading 链执行 MASQUERADE。`
      : say`KUBE-MARK-MASQ 只打标记（${r.mark}）；带此标记的包由 KUBE-POSTROUTING 执行 MASQUERADE。`,
  dnat: (r) => {
    const pod = r.pod === undefined ? undefined : say`（${r.pod}）`
    const which =
      r.index === undefined ? undefined : say`选中的是 ${r.count ?? 1} 个端点中的第 ${r.index} 个${percent(r.probability)}。`
    return say`kube-proxy 为 ${theService(r.service)} 写下的规则把连接送往 ${r.to}${pod}。${which}conntrack 会记住这一点，因此之后的每个包以及回包都照此处理，不再询问这些规则。`
  },
  'host-port': (r) =>
    say`本节点的端口 ${r.ports} 是${r.pod === undefined ? '某个 Pod ' : say` ${r.pod} `}的 hostPort：CNI 的 portmap 插件为该 Pod 写了专用链，由它来决定。`,
  'host-port-dnat': (r) =>
    say`CNI portmap 插件的规则把连接送往 ${r.to}${r.pod === undefined ? undefined : say`（${r.pod}）`}：不涉及任何 Service，节点上也没有进程监听。conntrack 会记住这一点，用于之后的每个包以及回包。`,
  balance: (r) =>
    say`${theService(r.service)} 的负载均衡器选中 ${r.count} 个目标中的第 ${r.index} 个${r.count === 1 ? undefined : percent(r.probability)}：${r.to}${r.node === undefined ? undefined : say`（${r.node}）`}。它只认识节点和节点端口，Pod 在哪里由节点自己处理。`,
  'way-back': (r) =>
    r.step === 'mark'
      ? say`${theService(r.service)} 的负载均衡器向某个节点发起连接，这里给连接打上标记：回包必须再经过负载均衡器，否则客户端会收到来自它从未访问过的节点的回答。`
      : say`这是经由负载均衡器的连接的回包：包取得连接上的标记，策略路由据此把它送回负载均衡器。`,
  'no-endpoints': (r) =>
    r.local
      ? say`${theService(r.service)} 在本节点没有就绪的端点，而它的流量策略是 Local，因此 kube-proxy 丢弃发给它的包。`
      : say`${theService(r.service)} 没有就绪的端点，因此 kube-proxy 拒绝发给它的包：${r.with}。`,
  unmarked: (r) => say`这个包没有 kube-proxy 的 MASQUERADE 标记：${r.nft ? 'masquerading 链' : 'KUBE-POSTROUTING '}不处理它。`,
  'clear-mark': () => say`kube-proxy 先清除标记，这样封装之后的包不会被再次 MASQUERADE。`,
  'masquerade-marked': (r) =>
    say`kube-proxy 对带标记的流量做 MASQUERADE：源地址变为${r.address === undefined ? '出口设备的地址' : say` ${r.address}`}，使回包回到这里。`,
  'egress-masquerade': (r) =>
    say`包要离开集群，而集群外没有谁有通往 Pod 地址的路由：源地址变为${r.address === undefined ? '节点的地址' : say` ${r.address}`}。`,
  'drop-invalid': () => say`kube-proxy 丢弃 conntrack 判为 INVALID 的包：找不到所属连接就无法还原地址，反而会让对端困惑。`,
  'accept-marked': () => say`kube-proxy 放行它自己打过标记的转发流量，不管 FORWARD 的默认策略如何。`,
  'accept-replies': () => say`kube-proxy 放行属于已有连接的转发包。`,
  localnet: () => say`借助 route_localnet 访问 127.0.0.0/8 的，只能是本机自己：kubelet 和 kube-proxy 丢弃其余的包。`,
  nodeports: () => say`目的地址是本节点的地址，因此 kube-proxy 查找 NodePort。`,
  'to-proxy': (r) =>
    say`kube-proxy 处于 userspace 模式：进程自己在端口 ${r.port} 上为 ${theService(r.service)} 监听，连接被引到那里，而不是端点。`,
  'accept-to-proxy': (r) =>
    say`kube-proxy 放行通往其进程为 ${theService(r.service)} 监听的端口的新连接，不论其后的规则如何规定。`,
  'nft-next': (r) => {
    switch (r.purpose) {
      case 'services':
        return say`询问 kube-proxy 的 ${r.chain} 链：目的地址是否属于某个 Service。`
      case 'service-endpoints-check':
      case 'nodeport-endpoints-check':
        return say`kube-proxy 的 ${r.chain} 链查找没有端点的 Service，发往它们的连接会被拒绝。`
      case 'firewall-check':
        return say`在 DNAT 之前，kube-proxy 的 ${r.chain} 链检查目的地址是否是只允许部分来源访问的负载均衡器地址。`
      case 'cluster-ips-check':
        return say`kube-proxy 的 ${r.chain} 链检查仍发往 ClusterIP 的包：它们没有匹配任何 Service 端口。`
      case 'masquerading':
        return say`kube-proxy 的 ${r.chain} 链对带有其标记的包做 MASQUERADE。`
      default:
        return say`kube-proxy 转入它的 ${r.chain} 链继续。`
    }
  },
  'nft-lookup': (r) =>
    say`无论有多少个 Service，都只需一次查找：判决映射 ${r.map} 中有 ${r.key} 这个元素，它指向 ${theService(r.service)} 的链 ${r.chain}。`,
  'nft-affinity': (r) =>
    say`${theService(r.service)} 启用了会话保持，而该客户端仍在某个端点的集合中：连接再次送往那里，即 ${r.endpoint}。`,
  'nft-remember': (r) =>
    say`${theService(r.service)} 启用了会话保持：把客户端地址放入该端点的集合${r.time === undefined ? undefined : say`，保留 ${r.time}`}，使它之后的连接仍到达这里。`,
  'nft-external': (r) =>
    r.local
      ? say`这个包从外部访问 ${theService(r.service)}，而它的流量策略是 Local：只能由本节点上的端点应答。`
      : say`这个包经由面向外部流量的地址访问 ${theService(r.service)}：可由它的任一端点应答。`,
  'nft-cluster-ip': (r) =>
    r.allocated
      ? say`目的地址是 ClusterIP，但没有 Service 在其上使用这个端口：kube-proxy 拒绝它（${r.with}）。`
      : say`目的地址在 Service CIDR 之内，却不属于任何 Service：kube-proxy 将其丢弃，反正也没有通往它的路由。`,
  'source-range': (r) =>
    say`发送方不在 ${theService(r.service)} 的任何 loadBalancerSourceRanges 之内，因此 kube-proxy 在地址转换之前就丢弃该包。`,
  plain: (r) => {
    const made = r.component === 'import' ? say`这条规则` : say`${r.component} 的一条规则`
    const of = r.object === undefined ? undefined : say`（${r.object}）`
    const note = r.comment === undefined ? undefined : say`（注释 ${code(r.comment)}）`
    return say`${made}${of}${note}匹配：${r.target}。`
  },
}

export const zhReasons: Catalogue['reasons'] = {
  SKB_DROP_REASON_NOT_SPECIFIED: '内核在这里没有给出更具体的原因',
  SKB_DROP_REASON_NO_SOCKET: '没有为它打开的套接字',
  SKB_DROP_REASON_NETFILTER_DROP: 'netfilter 拒绝了它',
  SKB_DROP_REASON_OTHERHOST: '帧的目的 MAC 地址属于另一台机器',
  SKB_DROP_REASON_IP_INHDR: 'IP 首部不允许它继续前进，例如 TTL 已耗尽',
  SKB_DROP_REASON_IP_RPFILTER: '它的源地址在这个设备上不可信（反向路径过滤）',
  SKB_DROP_REASON_IP_INNOROUTES: '没有通往其目的地址的路由',
  SKB_DROP_REASON_IP_OUTNOROUTES: '本机要发送的内容没有路由',
  SKB_DROP_REASON_RECURSION_LIMIT: '隧道嵌套过深：数据包又回到了已经承载过它的隧道',
  SKB_DROP_REASON_IP_NOPROTO: '这里没有处理该协议的程序',
  SKB_DROP_REASON_NEIGH_FAILED: '下一跳没有应答 ARP，因此没有可以发往的 MAC 地址',
  SKB_DROP_REASON_NEIGH_QUEUEFULL: '等待该邻居的包已经太多',
  SKB_DROP_REASON_QUEUE_PURGE: '它所等待的邻居没有应答 ARP，队列随即清空，不再向任何人报告错误',
  SKB_DROP_REASON_NEIGH_DEAD: '等待期间邻居条目被删除',
  SKB_DROP_REASON_PKT_TOO_BIG: '它超过了 MTU，又不允许分片',
  SKB_DROP_REASON_DEV_READY: '设备未启用或未连接',
  SKB_DROP_REASON_TCP_FLAGS: '它的 TCP 标志在此状态下不合理',
  SKB_DROP_REASON_TCP_INVALID_SEQUENCE: '它的 TCP 序列号在窗口之外',
  SKB_DROP_REASON_TCP_RESET: '这是 RST，连接就此关闭',
  SKB_DROP_REASON_UNHANDLED_PROTO: '没有协议处理它的 EtherType',
  SKB_DROP_REASON_IP_INADDRERRORS: '它要去的不是本机地址，而本机不转发',
  SKB_DROP_REASON_NO_TX_TARGET: '无处可送：网桥没有可用的端口，或隧道不知道对端',
  SKB_DROP_REASON_BRIDGE_INGRESS_STP_STATE: '网桥端口不转发（STP 状态）',
  SKB_DROP_REASON_DUP_FRAG: '它与已收到的分片重叠',
  SKB_DROP_REASON_FRAG_REASM_TIMEOUT: '数据报的其余部分没有及时到达',
  SKB_DROP_REASON_IP_INVALID_SOURCE: '这个源地址在这里不可能出现（martian）',
  SKB_DROP_REASON_TCP_CLOSE: 'TCP 套接字已关闭',
  SKB_DROP_REASON_IP_INVALID_DEST: '这个目的地址在这里不可能出现',
  SKB_DROP_REASON_IP_LOCALNET: '127.0.0.0/8 的地址不得来自外部（route_localnet 未开启）',
  SKB_DROP_REASON_TCP_OLD_DATA: '其中的数据早已收到',
  SKB_DROP_REASON_VXLAN_INVALID_HDR: '它没有有效的 VXLAN 首部',
  SKB_DROP_REASON_VXLAN_VNI_NOT_FOUND: '本机没有使用其 VNI 的 VXLAN 设备',
  SKB_DROP_REASON_VXLAN_ENTRY_EXISTS: '它声称的 MAC 地址已由固定条目指向另一个对端',
  SKB_DROP_REASON_LOCAL_MAC: '内层帧的源 MAC 地址就是该设备自己的地址：出现了环路',
}
