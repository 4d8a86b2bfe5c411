import { assertNever } from '../base/assert-never.ts'
import { ARP_OP } from '../net/packet.ts'
import { STEP } from '../trace/columns.ts'
import type { TraceReader } from '../trace/reader.ts'
import { DELIVER_TO, type DeliverTo, PACKET_ORIGINS } from '../trace/step.ts'

// Which cell of the chart a step happens in.

/** Which part of the stack makes a packet. */
function birthplace(reader: TraceReader, seq: number): string {
  const how = PACKET_ORIGINS[reader.trace.events.a[seq] as number] ?? 'socket'
  switch (how) {
    case 'socket':
    case 'icmp':
    case 'reset':
      return 'process'
    case 'arp':
      // arp_solicit is the neighbour layer's, arp_process answers by itself.
      return reader.packetAt(reader.packetOf(seq), seq).arpOp === ARP_OP.REPLY ? 'arp' : 'neighbour'
    case 'clone':
      return 'bridge-decide'
    case 'fragment':
      return 'fragment'
    case 'reassembled':
      return 'PREROUTING/defrag'
    case 'encapsulated':
      return 'routing-out'
    case 'decapsulated':
      return 'device-in'
    default:
      return assertNever(how)
  }
}

function deliveredTo(to: DeliverTo | undefined, before: string | undefined): string | undefined {
  switch (to) {
    case 'socket':
    case 'icmp':
      return 'process'
    case 'arp':
      // Where the answer or the update was made: there it ends.
      return before === 'neighbour' ? 'neighbour' : 'arp'
    case 'discard':
    case 'reassembly':
    case 'tunnel':
    case undefined:
      return before
    default:
      return assertNever(to)
  }
}

/** Id of the cell where step `seq` happens; undefined for a step that leaves its packet where it was. `hook` and `table` are the last ones entered. */
export function cellOf(
  reader: TraceReader,
  seq: number,
  at: { readonly hook: string; readonly table: string; readonly before: string | undefined },
): string | undefined {
  const { a, b } = reader.trace.events
  switch (reader.kindOf(seq)) {
    case STEP.enter:
      if (a[seq] === 0) return b[seq] === 0 ? 'device-in' : 'device-out'
      return at.before ?? (b[seq] === 0 ? undefined : 'process')
    case STEP.born:
      return birthplace(reader, seq)
    case STEP.deliver:
      return deliveredTo(DELIVER_TO[a[seq] as number], at.before)
    case STEP.socketLookup:
      return 'process'
    case STEP.arpProcess:
      return 'arp'
    case STEP.bridgeLearn:
      return 'bridge-learn'
    case STEP.bridgeDecide:
      return 'bridge-decide'
    case STEP.bridgeNf:
      return 'bridge-nf'
    case STEP.reassemble:
      return at.hook === 'OUTPUT' ? 'OUTPUT/defrag' : 'PREROUTING/defrag'
    case STEP.route: {
      const purpose = ((a[seq] as number) >> 8) & 0xff
      return purpose === 0 ? 'routing' : purpose === 2 ? 'reroute' : 'routing-out'
    }
    case STEP.rpFilter:
      return 'routing'
    case STEP.forward:
      return 'forward'
    case STEP.mtu:
      return 'fragment'
    case STEP.neighLookup:
    case STEP.neighState:
    case STEP.wait:
      return 'neighbour'
    case STEP.chain:
    case STEP.nat:
      return `${at.hook}/${reader.kindOf(seq) === STEP.nat ? 'nat' : at.table}`
    case STEP.ipvsSchedule:
    case STEP.ipvsPacket:
      return `${at.hook}/IPVS`
    case STEP.ctLookup:
      return `${at.hook === 'OUTPUT' ? 'OUTPUT' : 'PREROUTING'}/conntrack`
    case STEP.ctChange:
      return b[seq] === 2
        ? `${at.hook === 'INPUT' ? 'INPUT' : 'POSTROUTING'}/confirm`
        : `${at.hook === 'OUTPUT' ? 'OUTPUT' : 'PREROUTING'}/conntrack`
    default:
      return undefined
  }
}
