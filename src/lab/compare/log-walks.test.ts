import { describe, expect, it } from 'vitest'
import { type LogEvent, logWalks } from './log-walks.ts'

const SAVED = `*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [7:420]
:OUTPUT ACCEPT [0:0]
:U1 - [0:0]
[3:180] -A FORWARD -p tcp -j U1
[1:60] -A FORWARD -j LOG --log-prefix "hf: "
[2:120] -A U1 -d 192.0.2.9/32 -j MARK --set-xmark 0x1/0xffffffff
[1:60] -A U1 -s 192.0.2.2/32 -j REJECT --reject-with icmp-port-unreachable
[1:60] -A U1 -j RETURN
COMMIT
`
const FORWARD = 2
const OUTPUT = 3

/** A SYN of 40 bytes from 192.0.2.SRC:40000 to 192.0.2.DST:80. */
function syn(src: number, dst: number): Uint8Array {
  const out = new Uint8Array(40)
  out.set([0x45, 0, 0, 40, 0, 1, 0, 0, 63, 6, 0, 0, 192, 0, 2, src, 192, 0, 2, dst, 0x9c, 0x40, 0, 80])
  out.set([0x50, 0x02], 32)
  return out
}
/** An ICMP error of 56 bytes. */
const error = new Uint8Array([0x45, 0xc0, 0, 56, 0, 1, 0, 0, 64, 1, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2])

const event = (what: string, packet: Uint8Array, hook = FORWARD, devices = [4, 5, 0, 0]): LogEvent => ({
  prefix: what.startsWith('hf') ? what : `TRACE: filter:${what} `,
  ...{ hook, devices, packet },
})
const walks = (...events: readonly LogEvent[]) => logWalks(events, SAVED).map((w) => w.text)

describe('what iptables-legacy reports of traced packets', () => {
  it('names rules by their place, and of policy and return which of them are rules without a condition', () => {
    const packet = syn(3, 9)
    const steps = ['FORWARD:rule:1', 'U1:rule:1', 'U1:return:3', 'FORWARD:rule:2', 'hf: ', 'FORWARD:policy:3']
    expect(walks(...steps.map((s) => event(s, packet)))).toEqual([
      '192.0.2.3 > 192.0.2.9 40000 > 80 length 40 ttl 63 SYN filter FORWARD: FORWARD/1 U1/1 U1/3 FORWARD/2 policy DROP',
    ])
  })

  it('keeps packets apart that go through a chain at one time, an error that REJECT sends in the middle of a walk among them', () => {
    const [one, two] = [syn(2, 9), syn(3, 9)]
    const sent = event('OUTPUT:policy:1', error, OUTPUT)
    const events = [
      event('FORWARD:rule:1', one),
      event('FORWARD:rule:1', two),
      event('U1:rule:1', two),
      event('U1:rule:2', one),
      sent,
    ]
    expect(walks(...events, event('U1:return:3', two), event('FORWARD:policy:3', two))).toEqual([
      '192.0.2.2 > 192.0.2.9 40000 > 80 length 40 ttl 63 SYN filter FORWARD: FORWARD/1 U1/2',
      '192.0.2.3 > 192.0.2.9 40000 > 80 length 40 ttl 63 SYN filter FORWARD: FORWARD/1 U1/1 U1/3 policy DROP',
      '192.0.2.1 > 192.0.2.2 length 56 ttl 64 filter OUTPUT: policy ACCEPT',
    ])
  })

  it('begins a walk anew for a packet that comes again, and for each port that a bridge sends a copy to', () => {
    const packet = syn(2, 7)
    const to = (port: number) => event('FORWARD:rule:1', packet, FORWARD, [4, 4, 6, port])
    const ends = (port: number) => event('U1:rule:2', packet, FORWARD, [4, 4, 6, port])
    const walk = '192.0.2.2 > 192.0.2.7 40000 > 80 length 40 ttl 63 SYN filter FORWARD: FORWARD/1 U1/2'
    expect(walks(to(7), to(8), ends(7), ends(8), to(7), ends(7))).toEqual([walk, walk, walk])
  })
})
