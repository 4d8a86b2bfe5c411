import type { Namespace } from '../types.ts'
import { TCP_STATE } from './tcp-states.ts'

/** Defaults of net.netfilter.* (nf_conntrack_standalone.c and the protocols' files), timeouts in seconds. */
const DEFAULTS = {
  'net.netfilter.nf_conntrack_generic_timeout': 600,
  'net.netfilter.nf_conntrack_icmp_timeout': 30,
  'net.netfilter.nf_conntrack_udp_timeout': 30,
  'net.netfilter.nf_conntrack_udp_timeout_stream': 120,
  'net.netfilter.nf_conntrack_tcp_timeout_syn_sent': 120,
  'net.netfilter.nf_conntrack_tcp_timeout_syn_recv': 60,
  'net.netfilter.nf_conntrack_tcp_timeout_established': 432000,
  'net.netfilter.nf_conntrack_tcp_timeout_fin_wait': 120,
  'net.netfilter.nf_conntrack_tcp_timeout_close_wait': 60,
  'net.netfilter.nf_conntrack_tcp_timeout_last_ack': 30,
  'net.netfilter.nf_conntrack_tcp_timeout_time_wait': 120,
  'net.netfilter.nf_conntrack_tcp_timeout_close': 10,
  'net.netfilter.nf_conntrack_tcp_timeout_max_retrans': 300,
  'net.netfilter.nf_conntrack_tcp_timeout_unacknowledged': 300,
  'net.netfilter.nf_conntrack_tcp_loose': 1,
  'net.netfilter.nf_conntrack_tcp_be_liberal': 0,
  'net.netfilter.nf_conntrack_tcp_ignore_invalid_rst': 0,
  'net.netfilter.nf_conntrack_tcp_max_retrans': 3,
} as const satisfies Record<string, number>
type ConntrackSysctl = keyof typeof DEFAULTS

/** struct nf_tcp_net, nf_udp_net …: a namespace's settings. Timeouts in ns. */
export interface ConntrackSettings {
  readonly generic: number
  readonly icmp: number
  readonly udp: number
  readonly udpStream: number
  /** By index into TCP_CT_STATES. */
  readonly tcp: readonly number[]
  readonly tcpMaxRetrans: number
  readonly tcpUnacknowledged: number
  readonly loose: boolean
  readonly beLiberal: boolean
  readonly ignoreInvalidRst: boolean
  readonly maxRetrans: number
  /** nf_conntrack_max; undefined when no record says it: the kernel's own depends on the machine's memory. */
  readonly max: number | undefined
  /** Ref of its record, -1 for none. */
  readonly maxRef: number
}

const MAX_KEYS = ['net.netfilter.nf_conntrack_max', 'net.nf_conntrack_max']

/** Reads the namespace's conntrack sysctls once; those that it does not set have the kernel's defaults. */
export function conntrackSettings(ns: Pick<Namespace, 'sysctl' | 'sysctlRef'>): ConntrackSettings {
  const read = (key: ConntrackSysctl): number => (ns.sysctlRef(key) < 0 ? DEFAULTS[key] : ns.sysctl(key))
  const time = (key: ConntrackSysctl): number => read(key) * 1e9
  const tcp = new Array<number>(10).fill(0)
  tcp[TCP_STATE.SYN_SENT] = time('net.netfilter.nf_conntrack_tcp_timeout_syn_sent')
  tcp[TCP_STATE.SYN_RECV] = time('net.netfilter.nf_conntrack_tcp_timeout_syn_recv')
  tcp[TCP_STATE.ESTABLISHED] = time('net.netfilter.nf_conntrack_tcp_timeout_established')
  tcp[TCP_STATE.FIN_WAIT] = time('net.netfilter.nf_conntrack_tcp_timeout_fin_wait')
  tcp[TCP_STATE.CLOSE_WAIT] = time('net.netfilter.nf_conntrack_tcp_timeout_close_wait')
  tcp[TCP_STATE.LAST_ACK] = time('net.netfilter.nf_conntrack_tcp_timeout_last_ack')
  tcp[TCP_STATE.TIME_WAIT] = time('net.netfilter.nf_conntrack_tcp_timeout_time_wait')
  tcp[TCP_STATE.CLOSE] = time('net.netfilter.nf_conntrack_tcp_timeout_close')
  // SYN_SENT2 has no sysctl of its own: 2 minutes, as tcp_timeouts[] initialises it.
  tcp[TCP_STATE.SYN_SENT2] = 120e9
  const maxKey = MAX_KEYS.find((key) => ns.sysctlRef(key) >= 0)
  return {
    max: maxKey === undefined ? undefined : ns.sysctl(maxKey),
    maxRef: maxKey === undefined ? -1 : ns.sysctlRef(maxKey),
    generic: time('net.netfilter.nf_conntrack_generic_timeout'),
    icmp: time('net.netfilter.nf_conntrack_icmp_timeout'),
    udp: time('net.netfilter.nf_conntrack_udp_timeout'),
    udpStream: time('net.netfilter.nf_conntrack_udp_timeout_stream'),
    tcp,
    tcpMaxRetrans: time('net.netfilter.nf_conntrack_tcp_timeout_max_retrans'),
    tcpUnacknowledged: time('net.netfilter.nf_conntrack_tcp_timeout_unacknowledged'),
    loose: read('net.netfilter.nf_conntrack_tcp_loose') !== 0,
    beLiberal: read('net.netfilter.nf_conntrack_tcp_be_liberal') !== 0,
    ignoreInvalidRst: read('net.netfilter.nf_conntrack_tcp_ignore_invalid_rst') !== 0,
    maxRetrans: read('net.netfilter.nf_conntrack_tcp_max_retrans'),
  }
}
