import { HOOK } from '../../trace/step.ts'
import type { HookName, TableName } from '../../world/netfilter.ts'

/** enum nf_ip_hook_priorities (include/uapi/linux/netfilter_ipv4.h): lower runs first. */
export const PRIORITY = {
  DEFRAG: -400,
  RAW: -300,
  CONNTRACK: -200,
  MANGLE: -150,
  NAT_DST: -100,
  FILTER: 0,
  SECURITY: 50,
  NAT_SRC: 100,
  CONNTRACK_CONFIRM: 0x7fffffff,
} as const

/** Which base chains a table has and when they run: the xt_table of each iptable_*.c. */
export const TABLE_HOOKS: readonly { readonly table: TableName; readonly hook: HookName; readonly priority: number }[] = [
  { table: 'raw', hook: 'PREROUTING', priority: PRIORITY.RAW },
  { table: 'raw', hook: 'OUTPUT', priority: PRIORITY.RAW },
  { table: 'mangle', hook: 'PREROUTING', priority: PRIORITY.MANGLE },
  { table: 'mangle', hook: 'INPUT', priority: PRIORITY.MANGLE },
  { table: 'mangle', hook: 'FORWARD', priority: PRIORITY.MANGLE },
  { table: 'mangle', hook: 'OUTPUT', priority: PRIORITY.MANGLE },
  { table: 'mangle', hook: 'POSTROUTING', priority: PRIORITY.MANGLE },
  { table: 'nat', hook: 'PREROUTING', priority: PRIORITY.NAT_DST },
  { table: 'nat', hook: 'INPUT', priority: PRIORITY.NAT_SRC },
  { table: 'nat', hook: 'OUTPUT', priority: PRIORITY.NAT_DST },
  { table: 'nat', hook: 'POSTROUTING', priority: PRIORITY.NAT_SRC },
  { table: 'filter', hook: 'INPUT', priority: PRIORITY.FILTER },
  { table: 'filter', hook: 'FORWARD', priority: PRIORITY.FILTER },
  { table: 'filter', hook: 'OUTPUT', priority: PRIORITY.FILTER },
  { table: 'security', hook: 'INPUT', priority: PRIORITY.SECURITY },
  { table: 'security', hook: 'FORWARD', priority: PRIORITY.SECURITY },
  { table: 'security', hook: 'OUTPUT', priority: PRIORITY.SECURITY },
]

/** ipv4_conntrack_ops[]: in where packets enter the stack, confirm where they leave it. */
export const CONNTRACK_IN_HOOKS = [HOOK.PREROUTING, HOOK.OUTPUT] as const
export const CONNTRACK_CONFIRM_HOOKS = [HOOK.INPUT, HOOK.POSTROUTING] as const
/** nf_nat_ipv4_ops[]: the NAT core runs here as soon as the nat table exists. */
export const NAT_HOOKS = [
  { hook: HOOK.PREROUTING, priority: PRIORITY.NAT_DST },
  { hook: HOOK.INPUT, priority: PRIORITY.NAT_SRC },
  { hook: HOOK.OUTPUT, priority: PRIORITY.NAT_DST },
  { hook: HOOK.POSTROUTING, priority: PRIORITY.NAT_SRC },
] as const
