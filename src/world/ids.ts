import type { Brand } from '../base/brand.ts'

// Ids are readable and deterministic, so that two runs of one scenario name everything alike:
//   netns:node1   dev:node1/cbr0   addr:node1/cbr0/10.244.1.1/24   route:node1/main/3   prule:node1/0
//   neigh:node1/cbr0/10.244.1.5   fdb:node1/cbr0/0a:58:0a:f4:01:05/veth1   sysctl:node1/net.ipv4.ip_forward
//   chain:node1/nat/PREROUTING   rule:node1/nat/KUBE-SERVICES/4   ipset:node1/NAME
//   ipvs:node1/tcp/10.96.0.10:80   ipvsdst:node1/tcp/10.96.0.10:80/10.244.1.5:8080
//   ipvsconn:node1/3
//   nfttable:node1/ip/kube-proxy   nftchain:node1/ip/kube-proxy/services   nftrule:node1/ip/kube-proxy/services/1
//   nftset:node1/ip/kube-proxy/service-ips
//   ct:node1/7   sock:pod/client/3   proc:pod/client/1   obj:Service/default/web   note:node1/3
export type NetnsId = Brand<`netns:${string}`, 'NetnsId'>
export type DeviceId = Brand<`dev:${string}`, 'DeviceId'>
export type AddressId = Brand<`addr:${string}`, 'AddressId'>
export type RouteId = Brand<`route:${string}`, 'RouteId'>
export type PolicyRuleId = Brand<`prule:${string}`, 'PolicyRuleId'>
export type NeighbourId = Brand<`neigh:${string}`, 'NeighbourId'>
export type FdbId = Brand<`fdb:${string}`, 'FdbId'>
export type SysctlId = Brand<`sysctl:${string}`, 'SysctlId'>
export type ChainId = Brand<`chain:${string}`, 'ChainId'>
export type RuleId = Brand<`rule:${string}`, 'RuleId'>
export type IpsetId = Brand<`ipset:${string}`, 'IpsetId'>
export type IpvsServiceId = Brand<`ipvs:${string}`, 'IpvsServiceId'>
export type IpvsDestinationId = Brand<`ipvsdst:${string}`, 'IpvsDestinationId'>
export type IpvsConnectionId = Brand<`ipvsconn:${string}`, 'IpvsConnectionId'>
export type NftTableId = Brand<`nfttable:${string}`, 'NftTableId'>
export type NftChainId = Brand<`nftchain:${string}`, 'NftChainId'>
export type NftRuleId = Brand<`nftrule:${string}`, 'NftRuleId'>
export type NftSetId = Brand<`nftset:${string}`, 'NftSetId'>
export type ConntrackId = Brand<`ct:${string}`, 'ConntrackId'>
export type SocketId = Brand<`sock:${string}`, 'SocketId'>
export type ProcessId = Brand<`proc:${string}`, 'ProcessId'>
export type ObjectId = Brand<`obj:${string}`, 'ObjectId'>
export type NoteId = Brand<`note:${string}`, 'NoteId'>
export type FileId = Brand<`file:${string}`, 'FileId'>
export type FaultId = Brand<`fault:${string}`, 'FaultId'>

export type RecordId =
  | NetnsId
  | DeviceId
  | AddressId
  | RouteId
  | PolicyRuleId
  | NeighbourId
  | FdbId
  | SysctlId
  | ChainId
  | RuleId
  | IpsetId
  | IpvsServiceId
  | IpvsDestinationId
  | IpvsConnectionId
  | NftTableId
  | NftChainId
  | NftRuleId
  | NftSetId
  | ConntrackId
  | SocketId
  | ProcessId
  | ObjectId
  | NoteId
  | FileId
  | FaultId

export const netnsId = (name: string) => `netns:${name}` as NetnsId
export const deviceId = (netns: string, name: string) => `dev:${netns}/${name}` as DeviceId
export const addressId = (netns: string, device: string, cidr: string) => `addr:${netns}/${device}/${cidr}` as AddressId
export const routeId = (netns: string, table: string, n: number) => `route:${netns}/${table}/${n}` as RouteId
export const policyRuleId = (netns: string, n: number) => `prule:${netns}/${n}` as PolicyRuleId
export const neighbourId = (netns: string, device: string, ip: string) => `neigh:${netns}/${device}/${ip}` as NeighbourId
export const fdbId = (netns: string, bridge: string, mac: string, port: string) =>
  `fdb:${netns}/${bridge}/${mac}/${port}` as FdbId
/** `remote` as text: one address may be behind several (the entry of zeros). */
export const tunnelFdbId = (netns: string, device: string, mac: string, remote: string) =>
  `fdb:${netns}/${device}/${mac}/${remote}` as FdbId
export const sysctlId = (netns: string, key: string) => `sysctl:${netns}/${key}` as SysctlId
export const chainId = (netns: string, table: string, chain: string) => `chain:${netns}/${table}/${chain}` as ChainId
/** Of all rules of a chain, in order. */
export function ruleIds(netns: string, table: string, chain: string, count: number): RuleId[] {
  const before = `rule:${netns}/${table}/${chain}/`
  return Array.from({ length: count }, (_, i) => `${before}${i + 1}` as RuleId)
}
export const ruleId = (netns: string, table: string, chain: string, n: number) => `rule:${netns}/${table}/${chain}/${n}` as RuleId
export const ipsetId = (netns: string, name: string) => `ipset:${netns}/${name}` as IpsetId
/** `server` is `tcp/10.96.0.10:80`. */
export const ipvsServiceId = (netns: string, server: string) => `ipvs:${netns}/${server}` as IpvsServiceId
export const ipvsDestinationId = (netns: string, server: string, destination: string) =>
  `ipvsdst:${netns}/${server}/${destination}` as IpvsDestinationId
export const ipvsConnectionId = (netns: string, n: number) => `ipvsconn:${netns}/${n}` as IpvsConnectionId
/** `table` is a family and a name: `ip/kube-proxy`. Names of nftables may hold slashes: what an id names is in its record. */
export const nftTableId = (netns: string, table: string) => `nfttable:${netns}/${table}` as NftTableId
export const nftChainId = (netns: string, table: string, chain: string) => `nftchain:${netns}/${table}/${chain}` as NftChainId
export const nftRuleId = (netns: string, table: string, chain: string, n: number) =>
  `nftrule:${netns}/${table}/${chain}/${n}` as NftRuleId
export const nftSetId = (netns: string, table: string, set: string) => `nftset:${netns}/${table}/${set}` as NftSetId
export const conntrackId = (netns: string, n: number) => `ct:${netns}/${n}` as ConntrackId
export const socketId = (netns: string, n: number) => `sock:${netns}/${n}` as SocketId
/** A tunnel's socket is the kernel's, and has no number among those of the processes. */
export const tunnelSocketId = (netns: string, port: number) => `sock:${netns}/udp-${port}` as SocketId
export const processId = (netns: string, n: number) => `proc:${netns}/${n}` as ProcessId
export const objectId = (kind: string, namespace: string | undefined, name: string) =>
  (namespace === undefined ? `obj:${kind}/${name}` : `obj:${kind}/${namespace}/${name}`) as ObjectId
export const noteId = (netns: string, n: number) => `note:${netns}/${n}` as NoteId
export const faultId = (netns: string) => `fault:${netns}` as FaultId
/** `path` is absolute. */
export const fileId = (netns: string, path: string) => `file:${netns}${path}` as FileId
