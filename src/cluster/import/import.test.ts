import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { viewOf } from '../../world/world.ts'
import { importCluster } from './index.ts'

const NODE = 'apiVersion: v1\nkind: Node\nmetadata: { name: node1 }\nspec: { podCIDR: 10.244.1.0/24 }\n'
const POD = 'apiVersion: v1\nkind: Pod\nmetadata: { name: client }\nspec: { nodeName: node1 }\n'
const ADDR = `1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
    inet 127.0.0.1/8 scope host lo
2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc fq_codel state UP group default qlen 1000
    link/ether 52:54:00:12:34:56 brd ff:ff:ff:ff:ff:ff
    inet 192.168.1.11/24 brd 192.168.1.255 scope global eth0
`
const SAVE = `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-LOLE4ISW44XBNF3G - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A KUBE-SERVICES -d 10.96.0.10/32 -p tcp -m comment --comment "default/web:http cluster IP" -m tcp --dport 80 -j KUBE-SVC-LOLE4ISW44XBNF3G
COMMIT
`

async function opened(files: Parameters<typeof importCluster>[0]) {
  const c = await importCluster(files)
  if (!c.ok) throw new Error(JSON.stringify(c.error))
  return { ...c.value, view: viewOf(c.value.world) }
}

describe('opening files', () => {
  it('puts manifests of several files into one cluster', async () => {
    const { view, document, fromTables } = await opened([
      { name: 'a/nodes.yaml', text: NODE },
      { name: 'a/pods.yaml', text: POD },
    ])
    expect(document.objects.map((o) => o.kind)).toEqual(['Node', 'Pod'])
    expect(view.get('netns', 'netns:pod/client')?.node).toBe('netns:node1')
    expect(fromTables).toBe(false)
  })

  it('says in which file and line an object is wrong, even when another file proves it', async () => {
    const pods = `${POD}---\n${POD.replace('client', 'other').replace('node1', 'node9')}`
    const c = await importCluster([
      { name: 'nodes.yaml', text: NODE },
      { name: 'pods.yaml', text: pods },
    ])
    expect(c.ok || c.error).toEqual([
      {
        kind: 'input',
        file: 'pods.yaml',
        path: 'objects[1].spec.nodeName',
        line: 9,
        column: 19,
        message: 'pod other is on node "node9", which does not exist; expected node1',
      },
    ])
  })

  it("takes a machine's own tables, names it after the one Node, and says which Service a rule is from", async () => {
    const { view, fromTables } = await opened([
      { name: 'dump/ip-addr.txt', text: ADDR },
      { name: 'dump/iptables-save.txt', text: SAVE },
      { name: 'dump/node.yaml', text: NODE.replace('node1', 'worker-3') },
    ])
    expect(fromTables).toBe(true)
    expect(view.list('netns').map((n) => n.name)).toEqual(['worker-3'])
    expect(view.get('rule', 'rule:worker-3/nat/KUBE-SERVICES/1')?.origin.object).toEqual({
      kind: 'Service',
      namespace: 'default',
      name: 'web',
    })
    expect(view.get('sysctl', 'sysctl:worker-3/net.ipv4.ip_forward')).toMatchObject({ value: '1', origin: { detail: 'assumed' } })
    expect(view.list('note').some((n) => n.what.includes('ip_forward of worker-3 is not known'))).toBe(true)
  })

  it('notes a file that it cannot place, and refuses when there is nothing else', async () => {
    const { view } = await opened([
      { name: 'node.yaml', text: NODE },
      { name: 'README', text: 'take care' },
    ])
    expect(view.list('note').map((n) => n.what)).toEqual([
      'README is left out: it is no manifest and no table that Hopscope knows',
    ])
    const c = await importCluster([{ name: 'README', text: 'take care' }])
    expect(c.ok || c.error[0]).toMatchObject({ file: 'README', line: 1 })
    expect((await importCluster([])).ok).toBe(false)
  })

  it('refuses a journey from a place that no machine has', async () => {
    const c = await importCluster([{ name: 'ip-addr.txt', text: ADDR }], { journeys: [{ from: 'pod/x', run: 'ping 10.0.0.1' }] })
    expect(c.ok || c.error[0]?.message).toBe('there is no place "pod/x"; expected node1')
  })
})

const DUMPS = new URL('../../../../shared/dumps/', import.meta.url)
const folders = existsSync(DUMPS) ? readdirSync(DUMPS, { withFileTypes: true }).filter((d) => d.isDirectory()) : []

describe.runIf(folders.length > 0)('what people published of real machines', () => {
  it.each(folders.map((f) => f.name))('%s opens', async (folder) => {
    const base = new URL(`${folder}/`, DUMPS)
    const files = readdirSync(base, { recursive: true, withFileTypes: true })
      .filter((f) => f.isFile() && f.name !== 'source.json')
      .map((f) => {
        const path = `${f.parentPath}/${f.name}`
        return { name: path.slice(path.indexOf(folder)), text: readFileSync(path, 'utf8') }
      })
    const { view } = await opened(files)
    expect(view.list('netns').length).toBeGreaterThan(0)
  })
})
