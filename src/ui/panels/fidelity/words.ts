import type { Language } from '../../../scenario/document.ts'

// Words of this dialog alone: they come with it, not with the page.

const en = {
  compared: 'Compared with a real kernel',
  how: 'Scenarios run on a real Linux kernel too: in namespaces, with a capture on every device. What the kernel did is then compared with what is shown here: every header byte of every frame on every device in order, the rules that acted on each packet, the counters of every rule, and at the end neighbours, FDB, routes, connection tracking and sockets. Not compared, because no two runs of a kernel agree on them: IP identification, absolute TCP sequence numbers, timestamps and advertised windows, wall time, and the order of what happens at once.',
  total: (n: {
    kernels: string
    scenarios: string
    frames: string
    hits: string
    walks: string
    entries: string
    differences: string
  }) =>
    `${n.kernels}: ${n.scenarios} scenarios, ${n.frames} frames, ${n.hits} rule hits, ${n.walks} walks through chains, ${n.entries} table entries; ${n.differences} differences.`,
  fuzz: (n: { kernel: string; cases: string; undetermined: string; different: string }) =>
    `${n.cases} random networks on ${n.kernel}: ${n.different} differences, ${n.undetermined} undetermined.`,
  scenario: 'Scenario',
  others: (n: number) => `${n} test cases beside them`,
  readWith: 'Read with',
  figures: {
    frames: 'frames',
    hits: 'rule hits',
    walks: 'chain walks',
    entries: 'table entries',
    differences: 'differences',
  },
  modelled: {
    title: 'Modelled, from the kernel’s own logic',
    list: [
      ['Devices', 'veth, Linux bridge with learning, flooding and ageing, loopback, dummy, NICs on cables; br_netfilter'],
      ['Neighbours', 'ARP with its states, timers, probes and queue; arp_ignore, arp_announce, proxy ARP'],
      [
        'Routing',
        'longest prefix in every table, policy rules, several next hops, rp_filter, forwarding, TTL, MTU, fragments and their reassembly',
      ],
      [
        'netfilter',
        'raw, mangle, nat, filter and security at all five hooks, with the matches and targets that kube-proxy, CNI plugins and Docker use, counters included',
      ],
      [
        'Connection tracking',
        'both tuples, TCP’s states and windows, timeouts, NAT with its port clashes, ICMP errors of a connection',
      ],
      [
        'Sockets',
        'TCP with handshake, data, loss, retransmission, reset and close; UDP; ICMP errors as each program hears of them, with the kernel’s rate limits',
      ],
      ['Kubernetes', 'pod networks, Services, EndpointSlices and the rules that kube-proxy writes for them'],
    ],
  },
  approximated: {
    title: 'Approximated, and how',
    list: [
      [
        'Time',
        'is virtual. A cable and a veth take a fixed time, a stack takes none, and one thing happens after the other: no load, no jitter, no second CPU.',
      ],
      [
        'Chance',
        'comes from the scenario’s seed: initial sequence numbers, ephemeral ports, and the statistic match. The odds are the kernel’s, the draws are the same on every run.',
      ],
      [
        'Programs',
        'curl, ping, nc and the others behave and print as those programs do, for the options that they know here. HTTP servers answer with a short text.',
      ],
      [
        'Control plane',
        'what a cluster would fill in (pod addresses, cluster IPs, EndpointSlices) is filled in once, before the first packet. Nothing changes while packets fly.',
      ],
      ['Offloads', 'none: no GSO, GRO or checksum offload, as in the real runs that are compared.'],
    ],
  },
  undetermined: {
    title: 'Undetermined, never guessed',
    list: [
      ['Devices of other kinds', 'kept from the input, drawn and listed; a packet that comes to one ends there as undetermined'],
      [
        'Matches, targets and sets not modelled',
        'kept as they are written; a packet ends as undetermined when all that is known of such a rule fits',
      ],
      ['Ends that nobody has shown', 'an imported node’s cable leads to machines that are not in the input'],
      [
        'Programs not known',
        'a server that listens in the input, but of which nothing is known, gives no answer that could be shown',
      ],
      ['IPv6, TLS, multicast routing, XFRM', 'not read or not run; what the input has of it is named in a note'],
    ],
  },
}

type FidelityWords = typeof en

const zh: FidelityWords = {
  compared: '与真实内核比较',
  how: '这些场景也在真实的 Linux 内核上运行：使用命名空间，并在每个设备上抓包。然后将内核的行为与这里显示的内容比较：每个设备上每一帧的每个首部字节及其顺序、作用于每个数据包的规则、每条规则的计数器，以及结束时的邻居表、FDB、路由、连接跟踪和套接字。以下内容不比较，因为同一内核的两次运行也不会相同：IP 标识、TCP 绝对序号、时间戳与通告窗口、实际时间，以及同时发生之事的先后。',
  total: (n) =>
    `${n.kernels}：${n.scenarios} 个场景，${n.frames} 帧，${n.hits} 次规则命中，${n.walks} 次链的遍历，${n.entries} 个表项；${n.differences} 处差异。`,
  fuzz: (n) => `${n.kernel} 上的 ${n.cases} 个随机网络：${n.different} 处差异，${n.undetermined} 个无法判定。`,
  scenario: '场景',
  others: (n) => `另有 ${n} 个测试用例`,
  readWith: '读取工具：',
  figures: {
    frames: '帧',
    hits: '规则命中',
    walks: '链的遍历',
    entries: '表项',
    differences: '差异',
  },
  modelled: {
    title: '已建模：依照内核自身的逻辑',
    list: [
      ['设备', 'veth，会学习、泛洪和老化的 Linux 网桥，环回，dummy，以及用线缆连接的网卡；br_netfilter'],
      ['邻居', 'ARP 的状态、定时器、探测和等待队列；arp_ignore、arp_announce、代理 ARP'],
      ['路由', '各路由表的最长前缀匹配、策略规则、多个下一跳、rp_filter、转发、TTL、MTU、分片与重组'],
      [
        'netfilter',
        '五个钩子上的 raw、mangle、nat、filter 和 security 表，以及 kube-proxy、CNI 插件和 Docker 所用的匹配与目标，包括计数器',
      ],
      ['连接跟踪', '两个方向的元组、TCP 状态与窗口、超时、NAT 及其端口冲突、属于连接的 ICMP 差错'],
      ['套接字', 'TCP 的握手、数据、丢失、重传、复位和关闭；UDP；各程序收到的 ICMP 差错，以及内核的限速'],
      ['Kubernetes', 'Pod 网络、Service、EndpointSlice，以及 kube-proxy 为其写入的规则'],
    ],
  },
  approximated: {
    title: '近似：以及如何近似',
    list: [
      ['时间', '是虚拟的。线缆和 veth 耗时固定，协议栈不耗时，事情一件接一件发生：没有负载，没有抖动，没有第二个 CPU。'],
      ['随机', '来自场景的种子：初始序号、临时端口和 statistic 匹配。概率与内核相同，每次运行的抽取结果相同。'],
      ['程序', 'curl、ping、nc 等按真实程序的方式运行和输出，限于此处支持的选项。HTTP 服务器以一小段文本应答。'],
      ['控制平面', '集群会补全的内容（Pod 地址、集群 IP、EndpointSlice）在第一个数据包之前一次补全。数据包传输期间不再变化。'],
      ['卸载', '没有 GSO、GRO 或校验和卸载，与用于比较的真实运行相同。'],
    ],
  },
  undetermined: {
    title: '无法判定：绝不猜测',
    list: [
      ['其他类型的设备', '从输入中保留，绘出并列出；到达那里的数据包以“无法判定”结束'],
      ['未建模的匹配、目标和集合', '按原样保留；当这样的规则中已知的部分全部符合时，数据包以“无法判定”结束'],
      ['没有给出的另一端', '导入的节点的线缆通向输入中没有的机器'],
      ['未知的程序', '输入中监听着、但一无所知的服务器，没有可以显示的应答'],
      ['IPv6、TLS、组播路由、XFRM', '不读取或不运行；输入中与之有关的内容会在说明中列出'],
    ],
  },
}

export const FIDELITY_WORDS: Readonly<Record<Language, FidelityWords>> = { en, zh }
