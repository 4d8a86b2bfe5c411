import { DestinationHashing, SourceHashing } from './hashing.ts'
import { LeastConnection, NeverQueue, ShortestExpectedDelay, WeightedLeastConnection } from './least.ts'
import { Maglev } from './maglev.ts'
import type { Scheduled, Scheduler } from './scheduler.ts'
import { RoundRobin, WeightedRoundRobin } from './turns.ts'

/** A service's scheduler by ipvsadm's name, with ipvsadm's flags (`sh-port` … or, as kernels without the names print, `flag-1`); undefined for one that is not modelled. */
export function makeScheduler(name: string, flags: readonly string[], service: Scheduled): Scheduler | undefined {
  // IP_VS_SVC_F_SCHED1 is fallback, IP_VS_SVC_F_SCHED2 port, for both hashing schedulers.
  const hashing = {
    fallback: flags.some((f) => f === `${name}-fallback` || f === 'flag-1'),
    port: flags.some((f) => f === `${name}-port` || f === 'flag-2'),
  }
  switch (name) {
    case 'rr':
      return new RoundRobin(service)
    case 'wrr':
      return new WeightedRoundRobin(service)
    case 'lc':
      return new LeastConnection(service)
    case 'wlc':
      return new WeightedLeastConnection(service)
    case 'sed':
      return new ShortestExpectedDelay(service)
    case 'nq':
      return new NeverQueue(service)
    case 'sh':
      return new SourceHashing(service, hashing)
    case 'dh':
      return new DestinationHashing(service)
    case 'mh':
      return new Maglev(service, hashing)
    default:
      return undefined
  }
}
