export interface MapWords {
  readonly map: string
  readonly chart: string
  readonly lanes: Readonly<Record<'process' | 'ip' | 'link', string>>
  readonly cells: Readonly<Record<string, string>>
  readonly chains: string
  readonly noChains: string
  readonly rules: (matched: number, tried: number) => string
  readonly nowhere: string
  readonly here: string
  readonly absent: string
}

const en: MapWords = {
  map: 'Packet flow in',
  chart: 'Chart',
  lanes: { process: 'transport', ip: 'IP layer', link: 'link layer' },
  cells: {
    process: 'sockets, ICMP',
    routing: 'routing decision',
    'routing-out': 'routing decision',
    reroute: 'reroute check',
    forward: 'ip_forward, TTL',
    fragment: 'MTU',
    neighbour: 'neighbour',
    'device-in': 'device: in',
    'device-out': 'device: out',
    'bridge-learn': 'bridge: learn',
    'bridge-decide': 'bridge: decide',
    'bridge-nf': 'br_netfilter',
    arp: 'ARP',
  },
  chains: 'Chains consulted here',
  noChains: 'No chain has been consulted here yet.',
  rules: (matched, tried) => `${matched} of ${tried} matched`,
  nowhere: 'No packet is on its way yet.',
  here: 'the packet is here',
  absent: 'nothing registered',
}

const zh: MapWords = {
  map: '数据包流程：',
  chart: '流程图',
  lanes: { process: '传输层', ip: 'IP 层', link: '链路层' },
  cells: {
    process: '套接字、ICMP',
    routing: '路由判决',
    'routing-out': '路由判决',
    reroute: '重新路由检查',
    forward: 'ip_forward、TTL',
    fragment: 'MTU',
    neighbour: '邻居',
    'device-in': '设备：入',
    'device-out': '设备：出',
    'bridge-learn': '网桥：学习',
    'bridge-decide': '网桥：判决',
    'bridge-nf': 'br_netfilter',
    arp: 'ARP',
  },
  chains: '此处查询过的链',
  noChains: '此处还没有查询过任何链。',
  rules: (matched, tried) => `匹配 ${matched} / ${tried}`,
  nowhere: '还没有数据包。',
  here: '数据包在此',
  absent: '未注册',
}

export const mapWords = (lang: 'en' | 'zh'): MapWords => (lang === 'zh' ? zh : en)
