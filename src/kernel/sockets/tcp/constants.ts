// include/net/tcp.h, in nanoseconds where times are.
const MS = 1_000_000
export const SECOND = 1_000_000_000
export const RTO_MIN = 200 * MS
export const RTO_MAX = 120 * SECOND
/** Before the first round trip is known. */
export const TIMEOUT_INIT = 1_000_000_000
/** TCP_ATO_MIN and TCP_DELACK_MIN: HZ/25. */
export const ATO_MIN = 40 * MS
export const TIMEWAIT_LEN = 60 * SECOND
export const MAX_QUICKACKS = 16
/** TCP_PINGPONG_THRESH */
export const PINGPONG_THRESHOLD = 1
export const INIT_CWND = 10
export const MSS_DEFAULT = 536
export const MIN_MSS = 88
/** What a SYN of Linux announces (rmem_max 6 MB). */
export const WINDOW_SCALE = 7
/** NOP NOP timestamps. */
export const TIMESTAMP_OPTION_LENGTH = 12
/** net.ipv4.tcp_orphan_retries when 0 */
export const ORPHAN_RETRIES = 8
/** tcp_reordering */
export const REORDERING = 3
