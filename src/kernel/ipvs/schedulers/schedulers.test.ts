import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type Ipv4, parseIpv4 } from '../../../net/address.ts'
import { ipvsDestinationId, ipvsServiceId, netnsId } from '../../../world/ids.ts'
import type { IpvsDestinationRecord } from '../../../world/records.ts'
import { RealServer } from '../service.ts'
import { makeScheduler } from './index.ts'

// recording.txt: which real server ip_vs of Linux 6.1 gave each of 24 connections, with nine schedulers, weights and flags.

const ip = (text: string): Ipv4 => {
  const parsed = parseIpv4(text)
  if (!parsed.ok) throw new Error(`${text} is no address`)
  return parsed.value
}

interface Recorded {
  readonly name: string
  readonly scheduler: string
  readonly flags: readonly string[]
  readonly weights: readonly number[]
  readonly vip: Ipv4
  readonly operations: (readonly string[])[]
}

function recorded(): Recorded[] {
  const services: Recorded[] = []
  for (const line of readFileSync(new URL('./recording.txt', import.meta.url), 'utf8').split('\n')) {
    const [word = '', ...rest] = line.split(' ')
    if (word === 'service') {
      const [name = '', scheduler = '', flags = '', weights = '', vip = ''] = rest
      services.push({
        name,
        scheduler,
        flags: flags === '-' ? [] : flags.split(','),
        weights: weights.split(',').map(Number),
        vip: ip(vip),
        operations: [],
      })
    } else if (word === 'open' || word === 'close') services.at(-1)?.operations.push([word, ...rest])
  }
  return services
}

const service = ipvsServiceId('node1', 'tcp/203.0.113.1:80')

function server(last: number, weight: number): RealServer {
  const address = ip(`198.51.100.${last}`)
  const record: IpvsDestinationRecord = {
    kind: 'ipvs-destination',
    id: ipvsDestinationId('node1', 'tcp/203.0.113.1:80', `198.51.100.${last}:8080`),
    netns: netnsId('node1'),
    service,
    address,
    port: 8080,
    weight,
    forwarding: 'masq',
    origin: { component: 'user' },
  }
  return new RealServer(record, last, 0)
}

/** The last octet of every server that the engine gives, `-` for none, beside the kernel's. */
function play(of: Recorded): { readonly engine: string[]; readonly kernel: string[] } {
  const destinations: RealServer[] = []
  const scheduler = makeScheduler(of.scheduler, of.flags, { destinations })
  if (scheduler === undefined) throw new Error(`there is no scheduler ${of.scheduler}`)
  of.weights.forEach((weight, i) => {
    destinations.unshift(server(11 + i, weight))
    scheduler.changed()
  })
  const open = new Map<string, RealServer>()
  const engine: string[] = []
  const kernel: string[] = []
  for (const [what, n = '', source = '', port = '', to = ''] of of.operations) {
    if (what === 'close') {
      const closed = open.get(n)
      if (closed === undefined) continue
      closed.activeConns--
      closed.inactConns++
      continue
    }
    const chosen = scheduler.schedule({ src: ip(source), dst: of.vip, sport: Number(port) })
    engine.push(chosen === undefined ? '-' : String(chosen.ref))
    kernel.push(to)
    if (chosen === undefined) continue
    chosen.activeConns++
    open.set(n, chosen)
  }
  return { engine, kernel }
}

describe('the schedulers of IPVS', () => {
  it.each(recorded().map((r) => [`${r.scheduler} ${r.flags.join()} with weights ${r.weights.join()}`, r] as const))(
    'gives connections to the real servers that Linux did: %s',
    (_, r) => {
      const { engine, kernel } = play(r)
      expect(kernel).toHaveLength(24)
      expect(engine).toEqual(kernel)
    },
  )

  it('goes on behind the one before, when the real server that was last is removed', () => {
    const destinations = [server(13, 1), server(12, 1), server(11, 1)]
    const scheduler = makeScheduler('rr', [], { destinations })
    const next = () => scheduler?.schedule({ src: 1, dst: 2, sport: 3 })?.ref
    expect([next(), next()]).toEqual([13, 12])
    const [removed] = destinations.splice(1, 1)
    if (removed !== undefined) removed.available = false
    scheduler?.removed(1)
    expect([next(), next(), next()]).toEqual([11, 13, 11])
  })

  it('finds none where every weight is zero, whatever the scheduler', () => {
    for (const name of ['rr', 'wrr', 'lc', 'wlc', 'sed', 'nq', 'sh', 'dh', 'mh']) {
      const scheduler = makeScheduler(name, [], { destinations: [server(11, 0), server(12, 0)] })
      expect(scheduler?.schedule({ src: 1, dst: 2, sport: 3 })).toBeUndefined()
    }
  })
})
