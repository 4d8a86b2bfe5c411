import { describe, expect, it } from 'vitest'
import type { ScenarioDocument } from './document.ts'
import { BULK, parseScenario, splitDocuments } from './parse.ts'
import { toYaml } from './to-yaml.ts'

const SCENARIO = `hopscope: 1
title: Two pods
cluster:
  network: { plugin: bridge }
objects:
  - { apiVersion: v1, kind: Node, metadata: { name: node1 }, spec: { podCIDR: 10.244.1.0/24 } }
  - apiVersion: v1
    kind: Pod
    metadata: { name: client }
    spec: { nodeName: node1, containers: [ { name: c } ] }
overrides:
  node1: { sysctl: { net.ipv4.ip_forward: 0 } }
journeys:
  - { from: pod/client, run: "ping 10.244.1.1" }
`

const parsed = async (text: string): Promise<ScenarioDocument> => {
  const doc = await parseScenario(text, { file: 'scenario.yaml' })
  if (!doc.ok) throw new Error(JSON.stringify(doc.error))
  return doc.value
}
const errors = async (text: string): Promise<string[]> => {
  const doc = await parseScenario(text, { file: 'scenario.yaml' })
  return doc.ok ? [] : doc.error.map((e) => `${e.file}:${e.line}:${e.column} ${e.path ?? ''} ${e.message}`)
}

describe('a scenario document', () => {
  it('is completed with defaults', async () => {
    expect(await parsed(SCENARIO)).toMatchObject({
      hopscope: 1,
      title: 'Two pods',
      seed: 1,
      cluster: {
        podCIDR: '10.244.0.0/16',
        serviceCIDR: '10.96.0.0/16',
        network: { plugin: 'bridge', fabric: 'l2', mtu: 1500 },
        kubeProxy: { mode: 'iptables' },
      },
      overrides: { node1: { sysctl: { 'net.ipv4.ip_forward': '0' } } },
      journeys: [{ from: 'pod/client', run: 'ping 10.244.1.1' }],
    })
  })

  it('reads alike from JSON, and back from its own YAML', async () => {
    const doc = await parsed(SCENARIO)
    expect(await parsed(JSON.stringify(doc))).toEqual(doc)
    expect(await parsed(await toYaml(doc))).toEqual(doc)
  })

  it('names file, line, path, what was found and what was expected', async () => {
    expect(await errors(SCENARIO.replace('bridge', 'calico'))).toEqual([
      'scenario.yaml:4:22 cluster.network.plugin found "calico"; expected one of bridge',
    ])
    expect(await errors(SCENARIO.replace('journeys', 'journies'))).toEqual([
      'scenario.yaml:13:1 journies unknown field; expected one of hopscope, title, seed, cluster, objects, overrides, journeys, changes, peers, view',
    ])
    expect(await errors(SCENARIO.replace('from: pod/client, ', ''))).toEqual(['scenario.yaml:14:5 journeys[0].from is missing'])
    expect(await errors(SCENARIO.replace('name: client', 'nam: client'))).toEqual([
      'scenario.yaml:9:5 objects[1].metadata.name is missing',
    ])
    expect(await errors(SCENARIO.replace('title: Two pods', 'seed: -1'))).toEqual([
      'scenario.yaml:2:7 seed found -1; expected a number from 0',
    ])
  })

  it('shows where YAML itself goes wrong', async () => {
    expect(await errors('hopscope: 1\nobjects: [\n  - a\n')).toHaveLength(2)
    expect((await errors('hopscope: 1\n\tobjects: []\n'))[0]).toMatch(/^scenario\.yaml:2:1 /)
  })

  it('refuses what a newer Hopscope wrote, and says so', async () => {
    expect(await errors('hopscope: 2\nobjects: []')).toEqual([
      'scenario.yaml:1:11 hopscope found 2: this was written by a newer Hopscope; this one reads documents up to hopscope: 1',
    ])
  })

  it('refuses a key named __proto__, written plainly or escaped', async () => {
    expect(await errors('hopscope: 1\nobjects: []\noverrides: { __proto__: { sysctl: { a: b } } }')).toHaveLength(1)
    expect(await errors('{"hopscope":1,"objects":[],"overrides":{"\\u005f_proto__":{}}}')).toHaveLength(1)
    expect(({} as Record<string, unknown>).sysctl).toBeUndefined()
  })
})

const NODE = 'apiVersion: v1\nkind: Node\nmetadata: { name: n1 }\nspec: { podCIDR: 10.42.3.0/24 }\n'
const POD = 'apiVersion: v1\nkind: Pod\nmetadata: { name: p, namespace: shop }\nspec: { nodeName: n1 }\n'

describe('bare Kubernetes manifests', () => {
  it('are taken from several documents, stray separators and comments included', async () => {
    const doc = await parsed(`---\n# made by hand\n${NODE}---\n---\n${POD}...\n`)
    expect(doc.objects.map((o) => `${o.kind} ${o.metadata.name}`)).toEqual(['Node n1', 'Pod p'])
    expect(doc.title).toBe('scenario')
    expect(doc.cluster.podCIDR).toBe('10.42.0.0/16')
  })

  it('are taken from a List, and from typed lists whose items do not say their kind', async () => {
    const list = { apiVersion: 'v1', kind: 'List', items: [{ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } }] }
    const typed = { apiVersion: 'v1', kind: 'PodList', items: [{ metadata: { name: 'p' } }] }
    expect((await parsed(JSON.stringify(list))).objects.map((o) => o.kind)).toEqual(['Node'])
    expect((await parsed(JSON.stringify([list, typed]))).objects.map((o) => `${o.apiVersion} ${o.kind}`)).toEqual([
      'v1 Node',
      'v1 Pod',
    ])
  })

  it('keep kinds that nobody knows', async () => {
    const doc = await parsed(`${NODE}---\napiVersion: example.com/v7\nkind: Widget\nmetadata: { name: w }\nspin: 3\n`)
    expect(doc.objects[1]).toEqual({ apiVersion: 'example.com/v7', kind: 'Widget', metadata: { name: 'w' }, spin: 3 })
  })

  it('have errors whose line is that of the input, not of the document around them', async () => {
    expect(await errors(`${NODE}---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: 7\n`)).toEqual([
      'scenario.yaml:9:9 objects[1].metadata.name found 7; expected text',
    ])
    expect(await errors('just words')).toEqual([
      'scenario.yaml:1:1 objects[0] found "just words"; expected a Kubernetes manifest or a scenario document',
    ])
    expect((await errors('# nothing\n'))[0]).toContain('there is nothing in it')
  })

  it('tell the address ranges by the control plane’s own flags', async () => {
    const manager = `apiVersion: v1
kind: Pod
metadata: { name: kube-controller-manager-n1, namespace: kube-system }
spec:
  hostNetwork: true
  containers: [ { name: m, command: [ kube-controller-manager, --cluster-cidr=10.32.0.0/12, --service-cluster-ip-range=10.80.0.0/20 ] } ]
`
    expect((await parsed(`${NODE}---\n${manager}`)).cluster).toMatchObject({
      podCIDR: '10.32.0.0/12',
      serviceCIDR: '10.80.0.0/20',
    })
  })

  it('are read the quick way when they are many, with progress', async () => {
    const many = Array.from({ length: 4000 }, (_, i) => POD.replace('name: p,', `name: p-${i},`)).join('---\n')
    expect(many.length).toBeGreaterThan(BULK)
    const seen: number[] = []
    const doc = await parseScenario(many, { onProgress: (done) => seen.push(done) })
    expect(doc.ok && doc.value.objects.length).toBe(4000)
    expect(seen.at(-1)).toBe(many.length)
    const wrong = await parseScenario(many.replace('name: p-3999,', 'name: 3999,'), { file: 'big.yaml' })
    expect(wrong.ok || wrong.error).toMatchObject([{ file: 'big.yaml', path: 'objects[3999].metadata.name', line: 19998 }])
  })

  it('are found among the lines of a terminal', async () => {
    const paste = `$ kubectl get no,po -o yaml\n${NODE}---\n${POD}Error from server (NotFound): services "x" not found\n`
    expect((await parsed(paste)).objects.map((o) => o.kind)).toEqual(['Node', 'Pod'])
    expect(await errors(paste.replace('name: p,', 'name: 7,'))).toEqual([
      'scenario.yaml:9:19 objects[1].metadata.name found 7; expected text',
    ])
  })

  it('are split only where a line begins with ---', () => {
    const text = 'a: |\n  ---\n---\nb: 1\n----\n--- # c\nd: 2'
    expect(splitDocuments(text).join('')).toBe(text)
    expect(splitDocuments(text)).toHaveLength(3)
  })
})
