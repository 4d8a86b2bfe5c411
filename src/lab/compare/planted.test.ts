import { afterEach, describe, expect, it, vi } from 'vitest'
import type * as fdb from '../../kernel/bridge/fdb.ts'
import type * as states from '../../kernel/conntrack/tcp-states.ts'
import type { NetDevice } from '../../kernel/device.ts'
import type * as vteps from '../../kernel/devices/vxlan-fdb.ts'
import type * as walk from '../../kernel/netfilter/walk.ts'
import type * as forward from '../../kernel/path/ip-forward.ts'
import { NF_ACCEPT } from '../../kernel/types.ts'
import { recording } from '../testing/recordings.ts'
import type * as scenarios from '../testing/scenarios.ts'
import { compareRuns } from './runs.ts'

// Bugs planted in the engine itself: it runs with them, and what a real kernel did stands against what then comes of it.

const ENGINE = '../testing/scenarios.ts'
const FORWARD = '../../kernel/path/ip-forward.ts'
const WALK = '../../kernel/netfilter/walk.ts'
const FDB = '../../kernel/bridge/fdb.ts'
const STATES = '../../kernel/conntrack/tcp-states.ts'
const VTEPS = '../../kernel/devices/vxlan-fdb.ts'

/** The four comparisons; whatever else differs is how a command ended. */
const COMPARISONS: Readonly<Record<string, string>> = {
  frames: 'frames',
  trace: 'rules',
  counters: 'counters',
  journey: 'commands',
}

/** Which comparisons see that a scenario, run by an engine that is loaded anew, is not what the kernel did. */
async function caught(id: string): Promise<string[]> {
  const { scenarioRun } = (await import(ENGINE)) as typeof scenarios
  const { differences } = compareRuns(scenarioRun(id).engine, recording(id))
  return [...new Set(differences.map((d) => COMPARISONS[d.what] ?? 'tables'))].filter((c) => c !== 'commands').toSorted()
}

const ALL_FOUR = ['counters', 'frames', 'rules', 'tables']

describe('a bug planted in the engine', { timeout: 60_000 }, () => {
  afterEach(() => {
    for (const module of [FORWARD, WALK, FDB, STATES, VTEPS]) vi.doUnmock(module)
    vi.resetModules()
  })

  it('is none when nothing is planted', async () => {
    vi.resetModules()
    expect(await caught('ping-ttl')).toEqual([])
  })

  it('a TTL that forwarding takes two of: all four comparisons see where the packet ends', async () => {
    vi.resetModules()
    vi.doMock(FORWARD, async (original) => {
      const { ipForward } = await original<typeof forward>()
      const tooMuch: typeof ipForward = (skb, dev) => {
        if (skb.pkt.ttl > 1) skb.pkt.ttl--
        ipForward(skb, dev)
      }
      return { ipForward: tooMuch }
    })
    expect(await caught('ping-ttl')).toEqual(ALL_FOUR)
  })

  it('a base chain that is skipped (nat PREROUTING): all four see the Service’s address go unchanged', async () => {
    vi.resetModules()
    vi.doMock(WALK, async (original) => {
      const real = await original<typeof walk>()
      const skipping: typeof walk.walkTable = (base, skb, at, deps) =>
        base.record.table === 'nat' && base.record.name === 'PREROUTING' ? NF_ACCEPT : real.walkTable(base, skb, at, deps)
      return { ...real, walkTable: skipping }
    })
    expect(await caught('pod-to-service-remote')).toEqual(ALL_FOUR)
  })

  it('a bridge that learns every address on one port: all four see frames go astray', async () => {
    vi.resetModules()
    vi.doMock(FDB, async (original) => {
      const real = await original<typeof fdb>()
      class OnePort extends real.Fdb {
        #first: NetDevice | undefined
        override learn(...[skb, port]: Parameters<fdb.Fdb['learn']>): void {
          this.#first ??= port
          super.learn(skb, this.#first)
        }
      }
      return { ...real, Fdb: OnePort }
    })
    expect(await caught('pod-to-service-remote')).toEqual(ALL_FOUR)
  })

  it('a tunnel that takes another remote end than its entry says: all four see the datagrams go astray', async () => {
    vi.resetModules()
    vi.doMock(VTEPS, async (original) => {
      const real = await original<typeof vteps>()
      class Astray extends real.VxlanFdb {
        override find(mac: number): readonly vteps.VxlanRemote[] {
          return super.find(mac).map((r) => ({ ...r, address: r.address + 1 }))
        }
      }
      return { ...real, VxlanFdb: Astray }
    })
    expect(await caught('vxlan-flannel')).toEqual(ALL_FOUR)
  })

  it('a connection whose SYN-ACK is INVALID: all four see kube-proxy’s rule drop it', async () => {
    vi.resetModules()
    vi.doMock(STATES, async (original) => {
      const real = await original<typeof states>()
      const invalid = real.TCP_CT_STATES.length
      const next: typeof real.nextTcpState = (direction, index, state) =>
        direction === 1 && index === real.TCP_INDEX.SYNACK ? invalid : real.nextTcpState(direction, index, state)
      return { ...real, nextTcpState: next }
    })
    expect(await caught('pod-to-service-remote')).toEqual(ALL_FOUR)
  })
})
