import type { RealServer } from '../service.ts'
import { Stateless } from './scheduler.ts'

// ip_vs_lc.c, ip_vs_wlc.c, ip_vs_sed.c, ip_vs_nq.c: by the connections that each real server has.

/** ip_vs_dest_conn_overhead(): an active connection weighs as much as 256 inactive ones. */
const connOverhead = (d: RealServer): number => d.activeConns * 256 + d.inactConns
/** ip_vs_sed_dest_overhead(): the connections it would then have. */
const delayOverhead = (d: RealServer): number => d.activeConns + 1

export class LeastConnection extends Stateless {
  /** ip_vs_lc_schedule() */
  schedule(): RealServer | undefined {
    let least: RealServer | undefined
    for (const d of this.service.destinations) {
      if (d.weight === 0) continue
      const overhead = connOverhead(d)
      if (least !== undefined && overhead >= this.figure) continue
      least = d
      this.figure = overhead
    }
    return least
  }
}

/** Least overhead for its weight: the first of equals. Comparing products keeps to integers, as the kernel does. */
function leastForWeight(
  all: readonly RealServer[],
  overheadOf: (d: RealServer) => number,
): { server: RealServer; overhead: number } | undefined {
  let server: RealServer | undefined
  let overhead = 0
  for (const d of all) {
    const own = overheadOf(d)
    if (server === undefined) {
      if (d.weight <= 0) continue
    } else if (overhead * d.weight <= own * server.weight) continue
    server = d
    overhead = own
  }
  return server === undefined ? undefined : { server, overhead }
}

export class WeightedLeastConnection extends Stateless {
  /** ip_vs_wlc_schedule() */
  schedule(): RealServer | undefined {
    const found = leastForWeight(this.service.destinations, connOverhead)
    this.figure = found?.overhead ?? 0
    return found?.server
  }
}

export class ShortestExpectedDelay extends Stateless {
  /** ip_vs_sed_schedule() */
  schedule(): RealServer | undefined {
    const found = leastForWeight(this.service.destinations, delayOverhead)
    this.figure = found?.overhead ?? 0
    return found?.server
  }
}

export class NeverQueue extends Stateless {
  /** ip_vs_nq_schedule() */
  schedule(): RealServer | undefined {
    const idle = this.service.destinations.find((d) => d.weight !== 0 && d.activeConns === 0)
    const found = idle === undefined ? leastForWeight(this.service.destinations, delayOverhead) : undefined
    this.figure = idle === undefined ? (found?.overhead ?? 0) : delayOverhead(idle)
    return idle ?? found?.server
  }
}
