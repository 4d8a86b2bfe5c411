import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseIptablesSave, toRecords } from '../../linux/iptables-save.ts'
import type { Packet } from '../../net/packet.ts'
import { NF_ACCEPT, NF_DROP, NF_STOLEN } from '../types.ts'
import { ping, TestNode, tcp, udp } from './testing.ts'

// Rules that people published from their nodes: whatever they say, a walk through them ends, and in one of the three ways.

const DUMPS = join(import.meta.dirname, '../../../../shared/dumps')
const files = existsSync(DUMPS)
  ? readdirSync(DUMPS, { recursive: true, encoding: 'utf8' }).filter((f) => /iptables(-legacy|-nft)?-save\.txt$/.test(f))
  : []

const packets: readonly (readonly [string, () => Packet])[] = [
  ['TCP to a Service', () => tcp('10.244.1.5:40000', '10.96.0.1:443', 'S')],
  ['DNS', () => udp('10.244.1.5:40000', '10.96.0.10:53')],
  ['ping', () => ping('172.17.0.2', '203.0.113.9')],
  ['SSH to the node', () => tcp('203.0.113.9:40000', '192.168.1.11:22', 'S')],
]

function load(node: TestNode, text: string): void {
  const parsed = parseIptablesSave(text)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error))
  const records = toRecords('node1', parsed.value, { component: 'import' })
  const chains = records.filter((r) => r.kind === 'chain')
  const rules = records.filter((r) => r.kind === 'rule')
  for (const table of parsed.value.tables.keys()) node.netfilter.replaceTable(table, chains, rules)
}

describe.skipIf(files.length === 0)('published rulesets', () => {
  for (const file of files) {
    it(file, () => {
      const node = new TestNode({})
      load(node, readFileSync(join(DUMPS, file), 'utf8'))
      for (const [, make] of packets) {
        for (const route of ['forward', 'input', 'output'] as const) {
          const told = node.told.length
          const through = node[route](make())
          const ended = node.told.slice(told).filter((t) => t.startsWith('drop') || t.startsWith('undetermined'))
          // Either it got through, or exactly one thing ended it.
          expect([through !== undefined, ended.length]).toEqual(through === undefined ? [false, 1] : [true, 0])
        }
      }
      const verdict = node.at('FORWARD', node.skb(packets[0]?.[1]() ?? tcp('10.0.0.1:1', '10.0.0.2:2', 'S')), 'cbr0', 'eth0')
      expect([NF_ACCEPT, NF_DROP, NF_STOLEN]).toContain(verdict)
    })
  }
})
