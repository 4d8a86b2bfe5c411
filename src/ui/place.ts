import type { PanelName } from '../store/state.ts'
import type { RecordKind } from '../world/records.ts'

/** `netns:node1` → `node1` */
export const netnsName = (id: string): string => id.slice(id.indexOf(':') + 1)

/** `dev:node1/cbr0` → `cbr0`: device names hold no slash, namespace names may. */
export const deviceName = (id: string): string => id.slice(id.lastIndexOf('/') + 1)

/** `node1 cbr0`, or `node1 stack` between two devices. */
export const placeOf = (netns: string, device: string | undefined, stack: string): string =>
  `${netnsName(netns)} ${device === undefined ? stack : deviceName(device)}`

/** The table that shows a record, told from its id alone. */
const PANEL_OF: Readonly<Record<string, PanelName>> = {
  neigh: 'neigh',
  fdb: 'fdb',
  route: 'routes',
  prule: 'routes',
  addr: 'routes',
  chain: 'iptables',
  rule: 'iptables',
  nfttable: 'iptables',
  nftchain: 'iptables',
  nftrule: 'iptables',
  nftset: 'iptables',
  ipset: 'ipvs',
  ipvs: 'ipvs',
  ipvsdst: 'ipvs',
  ipvsconn: 'ipvs',
  ct: 'conntrack',
  sock: 'sockets',
  proc: 'sockets',
  sysctl: 'sysctl',
  obj: 'objects',
}
export const panelOf = (recordId: string): PanelName | undefined => PANEL_OF[recordId.slice(0, recordId.indexOf(':'))]

const KIND_OF: Readonly<Record<string, RecordKind>> = {
  netns: 'netns',
  dev: 'device',
  addr: 'address',
  route: 'route',
  prule: 'policy-rule',
  neigh: 'neighbour',
  fdb: 'fdb',
  sysctl: 'sysctl',
  chain: 'chain',
  rule: 'rule',
  ipset: 'ipset',
  nfttable: 'nft-table',
  nftchain: 'nft-chain',
  nftrule: 'nft-rule',
  nftset: 'nft-set',
  ipvs: 'ipvs-service',
  ipvsdst: 'ipvs-destination',
  ipvsconn: 'ipvs-connection',
  ct: 'conntrack',
  sock: 'socket',
  proc: 'process',
  obj: 'object',
  note: 'note',
}
export const kindOf = (recordId: string): RecordKind | undefined => KIND_OF[recordId.slice(0, recordId.indexOf(':'))]
