import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { importNode } from '../linux/import.ts'
import type { RecordId } from '../world/ids.ts'
import type { WorldRecord } from '../world/records.ts'
import { viewOf } from '../world/world.ts'
import { execCommand } from './exec.ts'

// One namespace of a real machine (Linux 6.x, iproute2 6.1, iptables 1.8.9, net-tools 2.10): what a handful of commands said
// of it (fixtures/node), and a session of many more commands at the same moment. The world is made from the former; the
// console has to answer the latter. IPv6 lines are taken out of both.
const FIXTURES = join(import.meta.dirname, '../linux/fixtures')
const node = importNode(
  readdirSync(join(FIXTURES, 'node')).map((name) => ({ name, text: readFileSync(join(FIXTURES, 'node', name), 'utf8') })),
)
const view = viewOf(new Map<RecordId, WorldRecord>(node.records.map((r) => [r.id, r])))

const session = readFileSync(join(FIXTURES, 'session.txt'), 'utf8')
  .split(/^\$ /m)
  .slice(1)
  .map((part) => {
    const end = part.indexOf('\n')
    return { command: part.slice(0, end), output: part.slice(end + 1) }
  })

/** A file descriptor is not modelled, nor is the number of transmit queues. */
const comparable = (s: string) => s.replace(/fd=\d+/g, 'fd=3').replace(/num([tr])xqueues \d/g, 'num$1xqueues 1')
/** The kernel dumps sockets in the order of its hash tables. */
const sorted = (s: string) => s.split('\n').sort().join('\n')

describe('a session on a real machine', () => {
  it('is read without an error', () => {
    expect(node.errors).toEqual([])
  })
  for (const { command, output } of session) {
    it(command, () => {
      const { stdout, stderr } = execCommand(view, 'netns:node1', command)
      const [ours, real] = [comparable(stderr + stdout), comparable(output)]
      if (command.startsWith('ss ')) expect(sorted(ours)).toBe(sorted(real))
      else expect(ours).toBe(real)
    })
  }
})
