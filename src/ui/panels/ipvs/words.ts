import type { Language } from '../../../scenario/document.ts'

// Words of this panel alone: they come with it. Column names that are ipvsadm's own stay as they are.

const en = {
  servers: 'Virtual servers',
  none: 'IPVS has no virtual server here.',
  noServers: 'No real server: clients get ICMP "port unreachable".',
  real: 'Real server',
  forward: 'Forward',
  weight: 'Weight',
  active: 'ActiveConn',
  inactive: 'InActConn',
  conns: 'Conns',
  inOut: 'In / out packets',
  persistent: (seconds: number) => `persistent ${seconds} s`,
  connections: 'Connections',
  noConnections: 'No connection yet.',
  expire: 'Expire',
  state: 'State',
  source: 'Source',
  virtual: 'Virtual',
  destination: 'Destination',
  template: 'A template: where further connections of this client go (session affinity).',
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
  forward: '转发方式',
  weight: '权重',
  active: 'ActiveConn',
  inactive: 'InActConn',
  conns: '连接数',
  inOut: '入/出包数',
  persistent: (seconds) => `会话保持 ${seconds} 秒`,
  connections: '连接',
  noConnections: '还没有连接。',
  expire: '剩余时间',
  state: '状态',
  source: '来源',
  virtual: '虚拟地址',
  destination: '目的',
  template: '模板：该客户端之后的连接都去往这里（会话保持）。',
  sets: 'ipset',
  entries: (n) => `${n} 个条目`,
  emptySets: (n) => `空集合：${n} 个`,
}

export const IPVS_WORDS: Readonly<Record<Language, IpvsWords>> = { en, zh }
