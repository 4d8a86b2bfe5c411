import { describe, expect, it } from 'vitest'
import { compareTimeouts, runOut, withoutRunOut } from './timeouts.ts'

const CLOSED = 'TCP CLOSE 10.244.1.2:40000 10.96.0.12:80 10.244.2.2:9999'
const OPEN = 'TCP ESTABLISHED 10.244.1.2:40002 10.96.0.12:80 10.244.2.2:9999'
const timed = (line: string, left: string) => line.replace('TCP ', `TCP ${left} `)
const connections = (...lines: string[]) => new Map([['ipvsadm -Lnc', lines.join('\n')]])
const servers = ['TCP 10.96.0.12:80 -> 10.244.2.2:9999 Masq 1 1 1', 'TCP 10.96.0.12:80 -> 10.244.2.3:9999 Masq 1 0 1']

describe('entries that run out while a slow kernel’s tables are read', () => {
  const engine = connections(timed(CLOSED, '00:09'), timed(OPEN, '14:59'))
  const slow = (seconds: number, ...lines: string[]) => new Map([...connections(...lines), ['ipvs clock', `${seconds}\n`]])

  it('are gone by as much as the kernel’s journeys took, and count for their real server no more', () => {
    const kernel = slow(12, timed(OPEN, '14:47'))
    expect([...runOut('ipvsadm -Lnc', engine, kernel)]).toEqual([CLOSED])
    expect(withoutRunOut(servers, engine, kernel)).toEqual([servers[0]?.replace(/1$/, '0'), servers[1]])
    expect(compareTimeouts('node1', engine, kernel)).toEqual([])
  })

  it('count among the active ones where their state does', () => {
    const half = CLOSED.replace('CLOSE', 'SYN_RECV')
    const [first] = withoutRunOut(servers, connections(timed(half, '00:59')), slow(70))
    expect(first).toBe(servers[0]?.replace('1 1 1', '1 0 1'))
  })

  it('are still missed where they had time left, or where the kernel has them', () => {
    expect(withoutRunOut(servers, engine, slow(5, timed(OPEN, '14:50')))).toEqual(servers)
    expect(withoutRunOut(servers, engine, slow(12, timed(CLOSED, '00:01'), timed(OPEN, '14:47')))).toEqual(servers)
    expect(compareTimeouts('node1', engine, slow(12, timed(OPEN, '14:30')))).toHaveLength(1)
  })
})
