import { describe, expect, it } from 'vitest'
import { nextTcpState, TCP_CT_STATES, TCP_INDEX, TCP_STATE, tcpFlagsValid, tcpIndex } from './tcp-states.ts'

// The table of nf_conntrack_proto_tcp.c as its comments explain it, packet by packet. `ignore`: let through, state kept;
// `-`: invalid.
const ORDER = [
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
]
const rows: readonly (readonly [string, 0 | 1, number, readonly string[]])[] = [
  [
    'a client SYN opens, or reopens what is over, and is ignored in between',
    0,
    TCP_INDEX.SYN,
    ['SYN_SENT', 'SYN_SENT', 'ignore', 'ignore', 'ignore', 'ignore', 'ignore', 'SYN_SENT', 'SYN_SENT', 'SYN_SENT2'],
  ],
  [
    'a client SYN/ACK only answers a simultaneous SYN',
    0,
    TCP_INDEX.SYNACK,
    ['-', '-', 'SYN_RECV', '-', '-', '-', '-', '-', '-', 'SYN_RECV'],
  ],
  [
    'a client FIN starts or answers a close',
    0,
    TCP_INDEX.FIN,
    ['-', '-', 'FIN_WAIT', 'FIN_WAIT', 'LAST_ACK', 'LAST_ACK', 'LAST_ACK', 'TIME_WAIT', 'CLOSE', '-'],
  ],
  [
    'a client ACK picks up, completes and closes',
    0,
    TCP_INDEX.ACK,
    ['ESTABLISHED', '-', 'ESTABLISHED', 'ESTABLISHED', 'CLOSE_WAIT', 'CLOSE_WAIT', 'TIME_WAIT', 'TIME_WAIT', 'CLOSE', '-'],
  ],
  ['a client RST closes', 0, TCP_INDEX.RST, ['-', ...new Array<string>(9).fill('CLOSE')]],
  ['no flags at all are invalid', 0, TCP_INDEX.NONE, new Array<string>(10).fill('-')],
  [
    'a server SYN is a simultaneous open or nothing',
    1,
    TCP_INDEX.SYN,
    ['-', 'SYN_SENT2', '-', '-', '-', '-', '-', '-', '-', 'SYN_SENT2'],
  ],
  [
    'a server SYN/ACK answers the SYN, later ones are ignored',
    1,
    TCP_INDEX.SYNACK,
    ['-', 'SYN_RECV', 'ignore', 'ignore', 'ignore', 'ignore', 'ignore', 'ignore', 'ignore', 'SYN_RECV'],
  ],
  [
    'a server FIN starts or answers a close',
    1,
    TCP_INDEX.FIN,
    ['-', '-', 'FIN_WAIT', 'FIN_WAIT', 'LAST_ACK', 'LAST_ACK', 'LAST_ACK', 'TIME_WAIT', 'CLOSE', '-'],
  ],
  [
    'a server ACK completes nothing by itself',
    1,
    TCP_INDEX.ACK,
    ['-', 'ignore', 'SYN_RECV', 'ESTABLISHED', 'CLOSE_WAIT', 'CLOSE_WAIT', 'TIME_WAIT', 'TIME_WAIT', 'CLOSE', 'ignore'],
  ],
  ['a server RST closes', 1, TCP_INDEX.RST, ['-', ...new Array<string>(9).fill('CLOSE')]],
  ['no flags from the server are invalid', 1, TCP_INDEX.NONE, new Array<string>(10).fill('-')],
]

describe('the TCP state table', () => {
  for (const [what, direction, index, expected] of rows) {
    it(what, () => {
      const names: readonly string[] = [...TCP_CT_STATES, '-', 'ignore']
      expect(ORDER.map((_, state) => names[nextTcpState(direction, index, state)])).toEqual(expected)
    })
  }

  it('names a packet by the strongest of its flags', () => {
    expect([4, 2, 2 | 16, 4 | 2, 1 | 16, 16 | 8, 8, 0].map(tcpIndex)).toEqual([
      TCP_INDEX.RST,
      TCP_INDEX.SYN,
      TCP_INDEX.SYNACK,
      TCP_INDEX.RST,
      TCP_INDEX.FIN,
      TCP_INDEX.ACK,
      TCP_INDEX.NONE,
      TCP_INDEX.NONE,
    ])
    expect(TCP_CT_STATES[TCP_STATE.LAST_ACK]).toBe('LAST_ACK')
  })

  it('knows the flag combinations that a scanner sends and no TCP does', () => {
    const valid = [2, 18, 16, 24, 4, 20, 17, 25, 2 | 64 | 128]
    const invalid = [0, 1, 3, 8, 1 | 2 | 4 | 8 | 16 | 32, 1 | 8 | 32, 6]
    expect(valid.map(tcpFlagsValid)).toEqual(valid.map(() => true))
    expect(invalid.map(tcpFlagsValid)).toEqual(invalid.map(() => false))
  })
})
