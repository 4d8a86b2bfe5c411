import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { LIBRARY, type LibraryEntry } from '../library/index.ts'
import { decodeLink } from '../scenario/link.ts'
import { hopscope as program } from './program.ts'

const FLAGSHIP = 'library:pod-to-service-remote'
const folder = mkdtempSync(join(tmpdir(), 'hopscope-cli-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Ran {
  readonly status: number
  readonly out: string
  readonly error: string
}

/** The program, all but its process. */
async function hopscope(...argv: readonly string[]): Promise<Ran> {
  const out: string[] = []
  const error: string[] = []
  const status = await program(argv, { out: (text) => void out.push(text), error: (text) => void error.push(text) })
  return { status, out: out.join(''), error: error.join('') }
}

const file = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const CLUSTER = `hopscope: 1
title: Two pods, one node
cluster: { network: { plugin: bridge } }
objects:
  - { apiVersion: v1, kind: Node, metadata: { name: worker }, spec: { podCIDR: 10.244.7.0/24 } }
  - { apiVersion: v1, kind: Pod, metadata: { name: a }, spec: { nodeName: worker, containers: [ { name: a } ] }, status: { podIP: 10.244.7.2 } }
  - { apiVersion: v1, kind: Pod, metadata: { name: b }, spec: { nodeName: worker, containers: [ { name: b } ] }, status: { podIP: 10.244.7.3 } }
journeys:
  - { from: pod/a, run: "ping -c 1 10.244.7.3" }
`

describe('hopscope', () => {
  it('says what it can do', async () => {
    const { status, out } = await hopscope('help')
    expect(status).toBe(0)
    for (const command of ['trace FILE', 'exec FILE --in NETNS', 'lab FILE', 'kube-proxy FILE', 'link FILE'])
      expect(out).toContain(command)
  })

  it('runs through npm as the README says, reads standard input, and passes its exit status on', { timeout: 60_000 }, () => {
    const npm = (input: string, ...argv: string[]) =>
      spawnSync('npm', ['run', '-s', 'hopscope', '--', ...argv], { input, encoding: 'utf8', shell: process.platform === 'win32' })
    const ran = npm(CLUSTER, 'trace', '-', '--expect', 'answered')
    expect(ran.stdout).toContain('1 packets transmitted, 1 received')
    expect(ran.status).toBe(0)
    expect(npm('not: a cluster', 'trace', '-').status).toBe(2)
  })

  it('trace: prints the journey hop by hop, through DNAT and back', async () => {
    const { status, out } = await hopscope('trace', FLAGSHIP)
    expect(status).toBe(0)
    expect(out).toMatch(/^pod\/client \$ curl http:\/\/10\.96\.0\.10\/\n/)
    expect(out).toMatch(/KUBE-SERVICES → KUBE-SVC-\w+ → KUBE-SEP-\w+ DNAT 10\.96\.0\.10:80 → 10\.244\.2\.2:8080/)
    expect(out).toContain('src 10.244.2.2:8080 → 10.96.0.10:80')
    expect(out).toContain('= answered, exit 0\n| Hostname: web-a\n')
  })

  it('trace --format json: one journey, every event, every packet', async () => {
    const { status, out } = await hopscope('trace', FLAGSHIP, '--format', 'json')
    expect(status).toBe(0)
    const trace = JSON.parse(out) as {
      hopscope: number
      journeys: { verdict: { kind: string } }[]
      packets: unknown[]
      events: unknown[]
    }
    expect(trace.hopscope).toBe(1)
    expect(trace.journeys.map((j) => j.verdict.kind)).toEqual(['answered'])
    expect(trace.packets.length).toBeGreaterThan(15)
    const verbose = await hopscope('trace', FLAGSHIP, '-v')
    expect(verbose.out.match(/^ +\d+ +\d+\.\d{3} /gm)).toHaveLength(trace.events.length)
  })

  it('trace --pcap: writes a pcapng with one interface a device', async () => {
    const path = join(folder, 'out.pcapng')
    const { status } = await hopscope('trace', FLAGSHIP, '--pcap', path)
    expect(status).toBe(0)
    const bytes = readFileSync(path)
    expect(bytes.readUInt32LE(0), 'section header block').toBe(0x0a0d0d0a)
    const text = bytes.toString('latin1')
    for (const device of ['pod/client/eth0', 'node1/cbr0', 'node2/eth0', 'pod/web-a/eth0']) expect(text).toContain(device)
  })

  it('trace: every built-in scenario ends as its list entry promises', async () => {
    const expected = {
      answered: 'answered',
      refused: 'ECONNREFUSED',
      'timed-out': 'no answer',
      unreachable: 'EHOSTUNREACH',
      unresolved: 'EAI_AGAIN',
    } as const
    const ends = (e: LibraryEntry) => [...Array<string>(e.about ?? 0).fill('answered'), expected[e.badge ?? 'answered']]
    const ran = await Promise.all(
      LIBRARY.map(async (e) => ({
        id: e.id,
        ...(await hopscope('trace', `library:${e.id}`, ...ends(e).flatMap((end) => ['--expect', end]))),
      })),
    )
    expect(ran.map((r) => `${r.id} ${r.status} ${r.error}`)).toEqual(LIBRARY.map((e) => `${e.id} 0 `))
  })

  it('reads a file, and names what is in it', async () => {
    const { status, out } = await hopscope('trace', file('two-pods.yaml', CLUSTER))
    expect(status).toBe(0)
    expect(out).toMatch(/^pod\/a \$ ping -c 1 10\.244\.7\.3\n/)
    expect(out).toContain('1 packets transmitted, 1 received')
  })

  it('runs any command in a cluster, in place of its own: --from and --run', async () => {
    const { status, out } = await hopscope('trace', FLAGSHIP, '--from', 'node1', '--run', 'curl http://web/')
    expect(status).toBe(0)
    // A node asks the resolver of its network, which knows nothing of Services.
    expect(out).toMatch(/^node1 \$ curl http:\/\/web\/\n[\s\S]*\| curl: \(6\) Could not resolve host: web\n/)
    const pod = await hopscope('trace', FLAGSHIP, '--from', 'pod/client', '--run', 'curl http://web/', '--expect', 'answered')
    expect([pod.status, pod.error]).toEqual([0, ''])
    const exec = await hopscope(
      'exec',
      FLAGSHIP,
      '--in',
      'node2',
      '--from',
      'pod/client',
      '--run',
      'ping -c 1 10.244.2.3',
      '--',
      'ip',
      'neigh',
    )
    expect(exec.out).toContain('10.244.2.3 dev cbr0')
    expect((await hopscope('trace', FLAGSHIP, '--run', 'curl http://web/')).error).toContain('--from PLACE is missing')
  })

  it('trace: says what to ask for where manifests bring no journey', async () => {
    const { status, error } = await hopscope('trace', file('bare.yaml', CLUSTER.replace(/journeys:[\s\S]*/, '')))
    expect([status, error]).toEqual([0, expect.stringMatching(/has no journeys; .*places are pod\/a, pod\/b, worker/)])
  })

  it('exec: prints what the tools print, at the step that is asked for', async () => {
    const exec = (at: string, ...command: string[]) => hopscope('exec', FLAGSHIP, '--in', 'node1', '--at', at, '--', ...command)
    expect((await exec('start', 'conntrack', '-L')).out).toBe('')
    const { status, out } = await exec('end', 'conntrack', '-L')
    expect(status).toBe(0)
    expect(out).toMatch(
      /^tcp +6 \d+ TIME_WAIT src=10\.244\.1\.2 dst=10\.96\.0\.10 .*src=10\.244\.2\.2 dst=10\.244\.1\.2 .*\[ASSURED\]/,
    )
    expect((await exec('end', 'ip', 'route')).out).toContain('10.244.2.0/24 via 192.168.1.12 dev eth0')
    expect((await exec('end', 'iptables-save', '-c', '-t', 'nat')).out).toMatch(
      /^\[1:60\] -A KUBE-SEP-\w+ .*-j DNAT --to-destination 10\.244\.2\.2:8080$/m,
    )
  })

  it('link: prints a link that opens the document', async () => {
    const { status, out } = await hopscope('link', file('linked.yaml', CLUSTER), '--base', 'https://hopscope.example/')
    expect(status).toBe(0)
    expect(out).toMatch(/^https:\/\/hopscope\.example\/#d1\.\S+\n$/)
    const link = await decodeLink(out.trim().slice(out.indexOf('#')))
    expect(link.ok && link.value.kind === 'document' && link.value.document.title).toBe('Two pods, one node')
  })

  it('exits 0 when the packet was dropped: that is a result', async () => {
    const { status, out } = await hopscope('trace', 'library:broken-no-endpoints')
    expect(status).toBe(0)
    expect(out).toContain('= failed ECONNREFUSED, exit 7')
  })

  it('exits 1 when what was expected did not happen, and says what did', async () => {
    const { status, error } = await hopscope('trace', 'library:broken-no-endpoints', '--expect', 'answered')
    expect(status).toBe(1)
    expect(error).toBe('journey 1: expected answered, got failed ECONNREFUSED\n')
  })

  const bad: readonly (readonly [name: string, argv: () => readonly string[], says: RegExp])[] = [
    ['no such file', () => ['trace', 'no-such-file.yaml'], /^no-such-file\.yaml: cannot be read/],
    [
      'no such scenario',
      () => ['trace', 'library:nope'],
      /^library:nope: no built-in scenario has this id; there are two-containers, /,
    ],
    ['YAML that breaks off', () => ['trace', file('tab.yaml', 'hopscope: 1\n\tobjects: []\n')], /tab\.yaml:2:1: /],
    [
      'an unknown value',
      () => ['trace', file('plugin.yaml', CLUSTER.replace('plugin: bridge', 'plugin: brigde'))],
      /plugin\.yaml:3:\d+: cluster\.network\.plugin: found "brigde"; expected one of bridge/,
    ],
    [
      'a pod on a node that is not there',
      () => ['trace', file('pod.yaml', CLUSTER.replace('worker, containers: [ { name: b }', 'w2, containers: [ { name: b }'))],
      /pod\.yaml.*objects\[2\]\.spec\.nodeName: .*"w2", which does not exist; expected worker/,
    ],
    ['an unknown command', () => ['frobnicate'], /unknown command frobnicate; expected trace, exec/],
    ['an unknown option', () => ['trace', FLAGSHIP, '--loud'], /--loud[\s\S]*usage: hopscope trace/],
    ['an unknown place', () => ['exec', FLAGSHIP, '--in', 'node9', '--', 'ip', 'route'], /--in is node9; there are node1, /],
    [
      'a step beyond the end',
      () => ['exec', FLAGSHIP, '--in', 'node1', '--at', '999999', '--', 'ip', 'route'],
      /--at is 999999; expected start, end or a step from 0 to /,
    ],
    ['nothing after --', () => ['exec', FLAGSHIP, '--in', 'node1', '--'], /the command stands after --/],
  ]
  for (const [name, argv, says] of bad) {
    it(`exits 2 on ${name}, with one clear line`, async () => {
      const { status, out, error } = await hopscope(...argv())
      expect(status).toBe(2)
      expect(out).toBe('')
      expect(error).toMatch(says)
      expect(error, 'a message, not a stack trace').not.toMatch(/\n\s+at /)
    })
  }
})
