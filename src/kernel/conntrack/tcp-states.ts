import { TCP } from '../../net/packet.ts'
import type { TcpCtState } from '../../world/records.ts'

/** enum tcp_conntrack, in its order. */
export const TCP_CT_STATES = [
  'NONE',
  'SYN_SENT',
  'SYN_RECV',
  'ESTABLISHED',
  'FIN_WAIT',
  'CLOSE_WAIT',
  'LAST_ACK',
  'TIME_WAIT',
  'CLOSE',
  'SYN_SENT2',
] as const satisfies readonly TcpCtState[]
export const TCP_STATE = {
  NONE: 0,
  SYN_SENT: 1,
  SYN_RECV: 2,
  ESTABLISHED: 3,
  FIN_WAIT: 4,
  CLOSE_WAIT: 5,
  LAST_ACK: 6,
  TIME_WAIT: 7,
  CLOSE: 8,
  SYN_SENT2: 9,
  /** TCP_CONNTRACK_MAX: the packet is invalid in this state. */
  INVALID: 10,
  /** TCP_CONNTRACK_IGNORE: let it through, believe nothing. */
  IGNORE: 11,
} as const

/** enum tcp_bit_set: what a packet is, by its flags. */
export const TCP_INDEX = { SYN: 0, SYNACK: 1, FIN: 2, ACK: 3, RST: 4, NONE: 5 } as const

/** get_conntrack_index() */
export function tcpIndex(flags: number): number {
  if ((flags & TCP.RST) !== 0) return TCP_INDEX.RST
  if ((flags & TCP.SYN) !== 0) return (flags & TCP.ACK) !== 0 ? TCP_INDEX.SYNACK : TCP_INDEX.SYN
  if ((flags & TCP.FIN) !== 0) return TCP_INDEX.FIN
  return (flags & TCP.ACK) !== 0 ? TCP_INDEX.ACK : TCP_INDEX.NONE
}

// The transitions, one word a state in the order of TCP_CT_STATES: what tcp_conntracks[direction][packet][state] holds in
// nf_conntrack_proto_tcp.c (Linux 3.7 and later, when a client's SYN/ACK became invalid). `IG` ignore, `IV` invalid.
const SHORT = ['NO', 'SS', 'SR', 'ES', 'FW', 'CW', 'LA', 'TW', 'CL', 'S2', 'IV', 'IG']
const TCP_TRANSITIONS = {
  original: {
    //       NO SS SR ES FW CW LA TW CL S2
    syn: '   SS SS IG IG IG IG IG SS SS S2',
    synack: 'IV IV SR IV IV IV IV IV IV SR',
    fin: '   IV IV FW FW LA LA LA TW CL IV',
    ack: '   ES IV ES ES CW CW TW TW CL IV',
    rst: '   IV CL CL CL CL CL CL CL CL CL',
    none: '  IV IV IV IV IV IV IV IV IV IV',
  },
  reply: {
    syn: '   IV S2 IV IV IV IV IV IV IV S2',
    synack: 'IV SR IG IG IG IG IG IG IG SR',
    fin: '   IV IV FW FW LA LA LA TW CL IV',
    ack: '   IV IG SR ES CW CW TW TW CL IG',
    rst: '   IV CL CL CL CL CL CL CL CL CL',
    none: '  IV IV IV IV IV IV IV IV IV IV',
  },
} as const

const table = Uint8Array.from(
  [TCP_TRANSITIONS.original, TCP_TRANSITIONS.reply].flatMap((direction) =>
    Object.values(direction).flatMap((row) =>
      row
        .trim()
        .split(' ')
        .map((word) => SHORT.indexOf(word)),
    ),
  ),
)

/** The state that a packet of this kind, seen in this direction (0 original, 1 reply), leads to. */
export const nextTcpState = (direction: number, index: number, state: number): number =>
  table[(direction * 6 + index) * 10 + state] as number

// FIN=1 SYN=2 RST=4 ACK=16 URG=32; PSH, ECE and CWR are always allowed.
const VALID_FLAGS = new Set([2, 2 | 32, 2 | 16, 4, 4 | 16, 1 | 16, 1 | 16 | 32, 16, 16 | 32])
/** tcp_valid_flags[]: false for a combination that no TCP sends. */
export const tcpFlagsValid = (flags: number): boolean => VALID_FLAGS.has(flags & 0x37)

/** nf_conntrack_tcp's tcp_can_early_drop(): on its way out. */
export const tcpClosing = (state: number): boolean => state >= TCP_STATE.FIN_WAIT && state <= TCP_STATE.CLOSE
