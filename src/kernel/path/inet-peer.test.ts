import { describe, expect, it } from 'vitest'
import { type InetPeer, routeErrorAllow, xrlimAllow } from './inet-peer.ts'

const MS = 1_000_000
const S = 1000 * MS
const POD = 0x0af4010a

const quiet = () => ({ peers: new Map<number, InetPeer>(), kernel: { now: 90 * S } })

describe('What a namespace has left for errors to an address', () => {
  it('is six at once, and one more a second', () => {
    const ns = quiet()
    const sent = (n: number) => Array.from({ length: n }, () => xrlimAllow(ns, POD, S)).filter(Boolean).length
    expect(sent(9)).toBe(6)
    ns.kernel.now += S
    expect(sent(3)).toBe(1)
  })

  it('is one purse for both limits: a packet without a way pays twice', () => {
    const ns = quiet()
    const both = () => routeErrorAllow(ns, POD) && xrlimAllow(ns, POD, S)
    // Five seconds' worth at ip_error(), so the third is paid for by halves.
    expect([both(), both(), routeErrorAllow(ns, POD), xrlimAllow(ns, POD, S)]).toEqual([true, true, true, false])
  })

  it('has a whole second in it when something is sent again after one, for the timer was late', () => {
    const ns = quiet()
    const both = () => routeErrorAllow(ns, POD) && xrlimAllow(ns, POD, S)
    both()
    both()
    routeErrorAllow(ns, POD)
    // The first was on its way for 9 ms before anybody refused it, the one that is sent again is refused at once.
    ns.kernel.now += 991 * MS
    expect(routeErrorAllow(ns, POD)).toBe(true)
  })

  it('has no more in it than a jiffy before, where less than one has passed', () => {
    const ns = quiet()
    for (let i = 0; i < 6; i++) xrlimAllow(ns, POD, 4 * MS)
    ns.kernel.now += 3 * MS
    expect(xrlimAllow(ns, POD, 4 * MS)).toBe(false)
    ns.kernel.now += MS
    expect(xrlimAllow(ns, POD, 4 * MS)).toBe(true)
  })
})
