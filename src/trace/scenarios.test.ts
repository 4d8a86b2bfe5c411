import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { playOf } from '../cluster/play.ts'
import { LIBRARY } from '../library/index.ts'
import { run } from '../sim/run.ts'
import { exchangesOf } from './exchanges.ts'
import { checkGrammar } from './grammar.ts'
import { traceHash } from './hash.ts'
import { traceToPcapng } from './pcap.ts'
import { TraceReader } from './reader.ts'
import { formatTrace } from './text.ts'
import { Timeline } from './timeline.ts'
import type { Trace } from './trace.ts'
import { chunksOf, TraceAssembler } from './wire.ts'

// Real traces: every built-in scenario, as the engine plays it.

function played(id: string): Trace {
  const document = LIBRARY.find((e) => e.id === id)?.document
  const play = document === undefined ? undefined : playOf(document)
  if (document === undefined || play?.ok !== true) throw new Error(`${id} cannot be built`)
  return run(play.value.world, play.value.journeys, { seed: document.seed, changes: play.value.changes })
}

const tshark = spawnSync('tshark', ['--version']).status === 0
const CAPTURE = `captures what tshark reads without a malformed packet or a bad checksum${tshark ? '' : ': skipped, there is no tshark here'}`

describe.each(LIBRARY.map((e) => e.id))('%s', (id) => {
  const trace = played(id)
  const reader = new TraceReader(trace)

  it('reads as its golden text', async () => {
    await expect(formatTrace(reader)).toMatchFileSnapshot(`golden/${id}.txt`)
  })

  it('keeps the grammar', () => {
    expect(checkGrammar(reader)).toEqual([])
  })

  it('is the same when it is played again, and after it has crossed the worker border', () => {
    const hash = traceHash(trace)
    expect(traceHash(played(id))).toBe(hash)
    const assembler = new TraceAssembler()
    let copy: Trace | undefined
    for (const chunk of chunksOf(trace)) copy = assembler.add(structuredClone(chunk))
    if (copy === undefined) throw new Error('the last chunk ends the trace')
    expect(traceHash(copy)).toBe(hash)
  })

  it('puts every packet into one exchange of a journey', () => {
    const packets = exchangesOf(reader).flatMap((x) => x.parts.map((p) => p.packet))
    expect(packets.toSorted((a, b) => a - b)).toEqual(Array.from({ length: reader.packets.length }, (_, i) => i))
    for (const x of exchangesOf(reader)) expect(x.journey).toBeGreaterThanOrEqual(0)
  })

  it('lets every record and counter be read at every tenth step', () => {
    const timeline = new Timeline(reader)
    for (let k = -1; k < reader.length; k += 10) {
      const view = timeline.at(k)
      for (const kind of ['neighbour', 'fdb', 'conntrack', 'socket', 'rule', 'device'] as const) {
        for (const r of view.list(kind)) {
          expect(view.get(kind, r.id)).toBe(r)
          expect(view.cell(r.id, 'packets')).toBeGreaterThanOrEqual(0)
        }
      }
    }
  })

  it.skipIf(!tshark)(CAPTURE, () => {
    const folder = mkdtempSync(join(tmpdir(), 'hopscope-'))
    try {
      const file = join(folder, 'trace.pcapng')
      writeFileSync(file, traceToPcapng(reader))
      const check = ['ip.check_checksum', 'tcp.check_checksum', 'udp.check_checksum'].flatMap((o) => ['-o', `${o}:TRUE`])
      const bad =
        '_ws.malformed or ip.checksum.status == 0 or tcp.checksum.status == 0 or udp.checksum.status == 0 or icmp.checksum.status == 0'
      const found = spawnSync('tshark', ['-r', file, ...check, '-Y', bad], { encoding: 'utf8' })
      expect(found.status).toBe(0)
      expect(found.stdout).toBe('')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe('the flagship', () => {
  const text = formatTrace(new TraceReader(played('pod-to-service-remote')))

  it('goes from pod eth0 through the Service to the pod on the other node, and back with the source restored', () => {
    const lines = text.split('\n').filter((l) => /^ +[\d.]+ +#0 /.test(l))
    const places = lines.map((l) => l.slice(18, 42).trim()).join(' > ')
    expect(places).toMatch(
      /^pod\/client > pod\/client > pod\/client eth0 > node1 veth\w+ > node1 cbr0 > node1 > node1 > node1 eth0 > fabric node1 > fabric br0 > fabric node2 > node2 eth0 > node2 > node2 > node2 cbr0 > node2 veth\w+ > pod\/web-a eth0 > pod\/web-a$/,
    )
    expect(text).toMatch(
      /PREROUTING \(NEW\) nat: KUBE-SERVICES → KUBE-SVC-\w+ → KUBE-SEP-\w+ DNAT 10\.96\.0\.10:80 → 10\.244\.2\.\d:8080 · route 10\.244\.2\.0\/24 via 192\.168\.1\.12 dev eth0/,
    )
    expect(text).toMatch(/POSTROUTING src 10\.244\.2\.\d:8080 → 10\.96\.0\.10:80/)
  })
})
