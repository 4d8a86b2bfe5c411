import type { Namespace } from '../types.ts'

/** net.ipv4.vs.* as the engine obeys them (ip_vs_ctl.c vs_vars[]), read once: a namespace's sysctls are fixed in a run. */
export interface IpvsSettings {
  /** Connections keep their conntrack entries. */
  readonly conntrack: boolean
  readonly expireNodestConn: boolean
  readonly expireQuiescentTemplate: boolean
  /** Bits: 1 a SYN may take over a connection that is closed, 2 also one in FIN_WAIT that no reply passed. */
  readonly connReuseMode: number
  readonly snatReroute: boolean
  readonly sloppyTcp: boolean
  readonly scheduleIcmp: boolean
  readonly natIcmpSend: boolean
  readonly backupOnly: boolean
}

export function ipvsSettings(ns: Namespace): IpvsSettings {
  const is = (name: string): boolean => ns.sysctl(`net.ipv4.vs.${name}`) !== 0
  return {
    conntrack: is('conntrack'),
    expireNodestConn: is('expire_nodest_conn'),
    expireQuiescentTemplate: is('expire_quiescent_template'),
    connReuseMode: ns.sysctl('net.ipv4.vs.conn_reuse_mode'),
    snatReroute: is('snat_reroute'),
    sloppyTcp: is('sloppy_tcp'),
    scheduleIcmp: is('schedule_icmp'),
    natIcmpSend: is('nat_icmp_send'),
    backupOnly: is('backup_only'),
  }
}
