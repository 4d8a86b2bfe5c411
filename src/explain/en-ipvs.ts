import { assertNever } from '../base/assert-never.ts'
import type { Catalogue } from './catalogue.ts'
import type { Fact } from './fact.ts'
import { type Sentence, say } from './sentence.ts'

// IPVS.

type Scheduled = Extract<Fact, { kind: 'ipvs-scheduled' }>

/** What the scheduler went by. `figure` is its own: see the step `ipvs.schedule`. */
function because(f: Scheduled): Sentence | undefined {
  switch (f.scheduler) {
    case 'rr':
      return say`round robin: the next in turn of ${f.count}. The kernel puts a new real server in front, so the turn runs from the last one added to the first`
    case 'wrr':
      return say`weighted round robin: the next in turn with a weight of at least ${f.figure}`
    case 'lc':
      return say`least connections: an overhead of ${f.figure} (256 for an active connection, 1 for an inactive one) is the least`
    case 'wlc':
      return say`weighted least connections: an overhead of ${f.figure} (256 for an active connection, 1 for an inactive one) is the least for its weight`
    case 'sed':
      return say`shortest expected delay: ${f.figure} active connections, this one among them, are the fewest for its weight`
    case 'nq':
      return say`never queue: an idle real server is taken at once, else the one with the shortest expected delay (${f.figure})`
    case 'sh':
      return say`source hashing: the client's address falls into bucket ${f.figure}, which is this one's`
    case 'dh':
      return say`destination hashing: the virtual address falls into bucket ${f.figure}, which is this one's`
    case 'mh':
      return say`Maglev hashing: the client falls into place ${f.figure} of the lookup table, which is this one's`
    default:
      return undefined
  }
}

export const enIpvs = {
  'ipvs-scheduled': (f) => {
    const server = f.service === undefined ? say`${f.server}` : say`${f.server} (${f.service})`
    const to = f.pod === undefined ? say`${f.to}` : say`${f.to} (${f.pod})`
    switch (f.reason) {
      case 'none':
        return f.count === 0
          ? say`IPVS: the virtual server ${server} has no real server, so the client is told with ICMP "port unreachable".`
          : say`IPVS: no real server of ${server} may be taken (scheduler ${f.scheduler}), so the client is told with ICMP "port unreachable".`
      case 'template':
        return say`IPVS: ${server} is persistent and knows this client already, so it keeps the real server ${to}.`
      case 'scheduler': {
        const why = because(f)
        return say`IPVS: the packet is for the virtual server ${server}. Scheduler ${f.scheduler} picks ${to}${why === undefined ? undefined : say`: ${why}`}.`
      }
      default:
        return assertNever(f.reason, 'reason')
    }
  },
  'ipvs-packet': (f) => {
    switch (f.direction) {
      case 'request':
        return say`IPVS: this belongs to the connection ${f.connection}, so it goes to that one's real server.`
      case 'reply':
        return say`IPVS: a reply of the connection ${f.connection}: its source becomes the virtual address again.`
      case 'request-error':
        return say`IPVS: an ICMP error about the connection ${f.connection}, for the real server.`
      case 'reply-error':
        return say`IPVS: an ICMP error about the connection ${f.connection}: it is rewritten for the client.`
      default:
        return assertNever(f.direction, 'direction')
    }
  },
  'ipvs-changed': (f) => {
    const what = f.template ? 'template' : 'connection'
    switch (f.change) {
      case 'new':
        return say`IPVS enters the ${what} ${f.connection} into its table (${f.state}).`
      case 'update':
        return say`IPVS: the ${what} ${f.connection} is now in state ${f.state}.`
      case 'destroy':
        return say`IPVS forgets the ${what} ${f.connection}.`
      default:
        return assertNever(f.change, 'change')
    }
  },
} satisfies Partial<Catalogue['facts']>
