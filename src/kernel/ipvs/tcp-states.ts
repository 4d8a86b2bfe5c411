import { TCP } from '../../net/packet.ts'

// ip_vs_proto_tcp.c: what IPVS sees of a TCP connection. It has no windows and no sequence numbers, only flags.

/** tcp_state_name_table[] */
export const TCP_STATES = [
  'NONE',
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'SYNACK',
] as const
export const TCP_S = { NONE: 0, ESTABLISHED: 1, FIN_WAIT: 4, TIME_WAIT: 5, CLOSE: 6 } as const
const [ES, SS, SR, FW, TW, CL, CW, LA, LI, SA] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]

const SECOND = 1_000_000_000
/** tcp_timeouts[], ns. */
export const TCP_TIMEOUTS: readonly number[] = [2, 900, 120, 60, 120, 120, 10, 60, 30, 120, 120].map((s) => s * SECOND)
/** udp_timeouts[IP_VS_UDP_S_NORMAL] */
export const UDP_TIMEOUT = 300 * SECOND

/** tcp_state_active_table[]: a connection in such a state counts as active. */
const ACTIVE: ReadonlySet<number> = new Set([ES, SS, SR, SA])
export const tcpStateActive = (state: number): boolean => ACTIVE.has(state)

/** Rows of tcp_states[]: SYN, FIN, ACK, RST. */
type Rows = readonly [readonly number[], readonly number[], readonly number[], readonly number[]]
const INPUT: Rows = [
  [SR, ES, ES, SR, SR, SR, SR, SR, SR, SR, SR],
  [CL, CW, SS, TW, TW, TW, CL, CW, LA, LI, TW],
  [ES, ES, SS, ES, FW, TW, CL, CW, CL, LI, ES],
  [CL, CL, CL, SR, CL, CL, CL, CL, LA, LI, SR],
]
const OUTPUT: Rows = [
  [SS, ES, SS, SR, SS, SS, SS, SS, SS, LI, SR],
  [TW, FW, SS, TW, FW, TW, CL, TW, LA, LI, TW],
  [ES, ES, SS, ES, FW, TW, CL, CW, LA, ES, ES],
  [CL, CL, SS, CL, CL, TW, CL, CL, CL, CL, CL],
]
/** Direct routing and tunnels: the replies pass the director by. */
const INPUT_ONLY: Rows = [
  [SR, ES, ES, SR, SR, SR, SR, SR, SR, SR, SR],
  [CL, FW, SS, TW, FW, TW, CL, CW, LA, LI, TW],
  [ES, ES, SS, ES, FW, TW, CL, CW, CL, LI, ES],
  [CL, CL, CL, SR, CL, CL, CL, CL, LA, LI, CL],
]
const TABLES = { input: INPUT, output: OUTPUT, 'input-only': INPUT_ONLY } as const
export type TcpDirection = keyof typeof TABLES

/** tcp_state_idx() and the table: the state after a segment with these flags. Without any of the four, CLOSE. */
export function nextTcpState(state: number, direction: TcpDirection, flags: number): number {
  const table = TABLES[direction]
  const row =
    (flags & TCP.RST) !== 0
      ? table[3]
      : (flags & TCP.SYN) !== 0
        ? table[0]
        : (flags & TCP.FIN) !== 0
          ? table[1]
          : (flags & TCP.ACK) !== 0
            ? table[2]
            : undefined
  return row?.[state] ?? CL
}
