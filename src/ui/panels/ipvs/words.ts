import type { Language } from '../../../scenario/document.ts'

// Words of this panel alone: they come with it.

const en = {
  servers: 'Virtual servers',
  none: 'IPVS has no virtual server here.',
  noServers: 'No real server: clients get ICMP "port unreachable".',
  real: 'Real server',
  weight: 'Weight',
  active: 'Active',
  inactive: 'Inactive',
  conns: 'Conns',
  inOut: 'In / out',
  persistent: (seconds: number) => `persistent ${seconds} s`,
  connections: 'Connections',
  noConnections: 'No connection yet.',
  expire: (time: string) => `expires in ${time}`,
  template: 'template',
  templateMeans: 'Where further connections of this client go: session affinity.',
  sets: 'ipsets',
  entries: (n: number) => (n === 1 ? '1 entry' : `${n} entries`),
  emptySets: (n: number) => (n === 1 ? 'Empty: 1 set' : `Empty: ${n} sets`),
}

type IpvsWords = typeof en

const zh: IpvsWords = {
  servers: '虚拟服务器',
  none: '此处的 IPVS 没有虚拟服务器。',
  noServers: '没有真实服务器：客户端会收到 ICMP “端口不可达”。',
  real: '真实服务器',
  weight: '权重',
  active: '活动',
  inactive: '非活动',
  conns: '累计',
  inOut: '入/出包',
  persistent: (seconds) => `会话保持 ${seconds} 秒`,
  connections: '连接',
  noConnections: '还没有连接。',
  expire: (time) => `${time} 后过期`,
  template: '模板',
  templateMeans: '该客户端之后的连接都去往这里：会话保持。',
  sets: 'ipset',
  entries: (n) => `${n} 个条目`,
  emptySets: (n) => `空集合：${n} 个`,
}

export const IPVS_WORDS: Readonly<Record<Language, IpvsWords>> = { en, zh }
