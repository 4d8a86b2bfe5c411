import { describe, expect, it } from 'vitest'
import { natPorts } from './ports.ts'

/** A node's connection table after a SYN that came back and was translated again, from `first` on. */
const loop = (...ports: readonly number[]) => {
  const lines = ports.slice(1).map((to, i) => {
    const there = `src=192.0.2.77 dst=198.51.100.99 sport=${ports[i]} dport=80`
    return `tcp      6 117 SYN_SENT ${there} [UNREPLIED] src=198.51.100.99 dst=192.0.2.77 sport=80 dport=${to} mark=0 use=1`
  })
  return new Map([['node1', new Map([['conntrack', lines.toSorted().join('\n')]])]])
}

describe('ports that NAT drew', () => {
  it('come in the order in which a loop met them, whatever they are', () => {
    expect(natPorts(loop(34534, 52244, 28314, 57626))).toEqual([52244, 28314, 57626])
    expect(natPorts(loop(34534, 1339, 43584, 6005))).toEqual([1339, 43584, 6005])
  })

  it('are an echo’s identifier too', () => {
    const line = (id: number) =>
      `icmp 1 29 src=192.0.2.1 dst=192.0.2.9 type=8 code=0 id=1 src=192.0.2.9 dst=192.0.2.5 type=0 code=0 id=${id} mark=0 use=1`
    const table = (id: number) => new Map([['node1', new Map([['conntrack', line(id)]])]])
    expect([natPorts(table(58936)), natPorts(table(1))]).toEqual([[58936], []])
  })
})
