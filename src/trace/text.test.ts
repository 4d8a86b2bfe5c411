import { describe, expect, it } from 'vitest'
import { ETH_P, FIELD, Packet } from '../net/packet.ts'
import { deviceId, sysctlId } from '../world/ids.ts'
import { STEP } from './columns.ts'
import { checkGrammar } from './grammar.ts'
import { traceHash } from './hash.ts'
import { traceToJson } from './json.ts'
import { traceToPcapng } from './pcap.ts'
import { TraceReader } from './reader.ts'
import { ip, recordServiceTrace, serviceWorld, Tape } from './testing.ts'
import { formatTrace } from './text.ts'

const reader = new TraceReader(recordServiceTrace())

describe('the text trace', () => {
  it('reads as a journey: one line per hop, what each hop did, and how it ended', () => {
    expect(formatTrace(reader)).toMatchInlineSnapshot(`
      "pod/client $ curl http://10.96.0.10/
           0.000        pod/client               curl start curl http://10.96.0.10/
      #0 TCP 10.244.1.5:41522 > 10.96.0.10:80 SYN
           0.000    #0  pod/client               route default via 10.244.1.1 dev eth0 · neigh 10.244.1.1 NONE → INCOMPLETE (created) · waits for 10.244.1.1 dev eth0
      #1 ARP who-has 10.244.1.1 tell 10.244.1.5
           0.001    #1  pod/client eth0          → node1 veth1a2b
           0.002    #1  node1 veth1a2b           answers for 10.244.1.1 · delivered to arp
      #2 ARP reply 10.244.1.1 is-at 0a:58:0a:f4:01:01
           0.003    #2  node1 veth1a2b           → pod/client eth0
           0.004    #2  pod/client eth0          neigh 10.244.1.1 INCOMPLETE → REACHABLE (reply) · delivered to arp
           0.005    #0  pod/client
           0.005    #0  pod/client eth0          → node1 veth1a2b
           0.006    #0  node1 veth1a2b
           0.006    #0  node1                    PREROUTING (NEW) nat: KUBE-SERVICES → KUBE-SVC-LOLE4ISW44XBNF3G → KUBE-SEP-2QBYXQ6CVXKYL3WD DNAT 10.96.0.10:80 → 10.244.2.7:8080 · route 10.244.2.0/24 via 192.168.1.12 dev eth0 · FORWARD · POSTROUTING · neigh 192.168.1.12 NONE → INCOMPLETE (created) · waits for 192.168.1.12 dev eth0
        3000.000        node1                    neighbour 192.168.1.12 dev eth0 INCOMPLETE → FAILED (timeout)
        3000.000    #0  node1                    ✕ drop SKB_DROP_REASON_NEIGH_FAILED by neighbour 192.168.1.12 dev eth0
      #3 ICMP host unreachable for TCP 10.244.1.5:41522 > 10.96.0.10:80
        3000.000    #3  node1
        3000.000    #3  node1 veth1a2b           → pod/client eth0
        3000.000    #3  pod/client eth0
        3000.000    #3  pod/client               delivered to icmp
        3000.000        pod/client               curl error EHOSTUNREACH
      = failed EHOSTUNREACH, exit 7, decided by drop SKB_DROP_REASON_NEIGH_FAILED by neighbour 192.168.1.12 dev eth0
      | curl: (7) Failed to connect to 10.96.0.10 port 80: No route to host
      "
    `)
  })

  it('has one line per step with -v', () => {
    const text = formatTrace(reader, { verbose: true })
    expect(text.split('\n').filter((l) => /^ +\d+ /.test(l))).toHaveLength(reader.length)
    expect(text).toContain('rule KUBE-SERVICES 2 -j KUBE-SVC-LOLE4ISW44XBNF3G: jump (2 tried)')
  })

  it('shows one journey alone when asked to', () => {
    expect(formatTrace(reader, { journey: 0 })).toBe(formatTrace(reader))
    expect(formatTrace(reader, { journey: 1 })).toBe('\n')
  })
})

describe('equal traces', () => {
  it('have equal text, JSON, captures and hashes', () => {
    const again = new TraceReader(recordServiceTrace())
    expect(formatTrace(again)).toBe(formatTrace(reader))
    expect(JSON.stringify(traceToJson(again))).toBe(JSON.stringify(traceToJson(reader)))
    expect(traceToPcapng(again)).toEqual(traceToPcapng(reader))
    expect(traceHash(again.trace)).toBe(traceHash(reader.trace))
  })

  it('differ in their hash as soon as one number differs', () => {
    const other = recordServiceTrace()
    other.events.a[3] = (other.events.a[3] ?? 0) ^ 1
    expect(traceHash(other)).not.toBe(traceHash(reader.trace))
    const later = recordServiceTrace()
    later.events.t[7] = 1000.5
    expect(traceHash(later)).not.toBe(traceHash(reader.trace))
  })
})

describe('the JSON trace', () => {
  const json = traceToJson(reader)

  it('gives addresses as text, in steps and in records', () => {
    const lookup = json.events.find((e) => e.step.kind === 'neigh.lookup')
    expect(lookup?.step).toEqual({ kind: 'neigh.lookup', state: 'NONE', address: '10.244.1.1' })
    const made = json.events.find((e) => e.delta !== undefined)
    expect(made?.delta?.[0]?.to).toMatchObject({ kind: 'neighbour', address: '10.244.1.1', state: 'INCOMPLETE' })
  })

  it('keeps the verdict with the step that decided it', () => {
    const verdict = json.journeys[0]?.verdict
    expect(verdict).toMatchObject({ kind: 'failed', error: 'EHOSTUNREACH' })
    expect(json.events[verdict?.kind === 'failed' ? (verdict.decidedBy ?? -1) : -1]?.step).toMatchObject({
      kind: 'drop',
      reason: 'SKB_DROP_REASON_NEIGH_FAILED',
    })
  })
})

describe('the grammar', () => {
  it('accepts a well-formed trace', () => {
    expect(checkGrammar(reader)).toEqual([])
  })

  const frame = () => Object.assign(new Packet(), { etherType: ETH_P.IP, src: ip('10.244.1.5'), dst: ip('10.244.2.7'), ttl: 64 })
  function violations(play: (tape: Tape, p: Packet) => void): string[] {
    const tape = new Tape(serviceWorld())
    const p = frame()
    tape.born('pod/client', p, 'socket', -1)
    play(tape, p)
    return checkGrammar(new TraceReader(tape.rec.seal([])))
  }

  it('refuses a packet that closes a hop twice', () => {
    const found = violations((tape, p) => {
      tape.enterStack('pod/client', 'out', p)
      tape.drop('SKB_DROP_REASON_NOT_SPECIFIED')
      tape.drop('SKB_DROP_REASON_NOT_SPECIFIED')
    })
    expect(found).toEqual(['step 3: packet 0: drop after its end'])
  })

  it('refuses a packet that arrives elsewhere than it left for', () => {
    const found = violations((tape, p) => {
      tape.enterStack('pod/client', 'out', p)
      tape.depart(deviceId('pod/client', 'eth0'))
      tape.enterDevice('node1', 'eth0', 'in', p)
      tape.drop('SKB_DROP_REASON_NOT_SPECIFIED', sysctlId('node1', 'net.ipv4.ip_forward'))
    })
    expect(found).toEqual(['step 3: packet 0 left for dev:pod/client/eth0 and enters dev:node1/eth0'])
  })

  it('refuses a rewrite from a value that the field did not have, and a packet that is left lying', () => {
    const found = violations((tape, p) => {
      tape.enterStack('pod/client', 'out', p)
      tape.rewrite(FIELD.TTL, 63, 62)
    })
    expect(found).toEqual(['step 2: packet 0: ip.ttl was 64, not 63', 'step 1: packet 0 never leaves this place'])
  })

  it('refuses a cause that lies in the future and a clock that runs back', () => {
    const tape = new Tape(serviceWorld())
    tape.outside('node1', 5)
    tape.rec.now = 10
    tape.step(STEP.timer, tape.rec.text('x'), -1)
    tape.outside('node1')
    tape.rec.now = 5
    tape.step(STEP.timer, tape.rec.text('x'), -1)
    expect(checkGrammar(new TraceReader(tape.rec.seal([])))).toEqual([
      'step 0: its cause 5 is not before it',
      'step 1: time runs back from 10 to 5',
    ])
  })
})
