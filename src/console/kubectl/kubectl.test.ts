import { describe, expect, it } from 'vitest'
import type { Fields } from '../../base/fields.ts'
import { objectId, type RecordId } from '../../world/ids.ts'
import type { WorldRecord } from '../../world/records.ts'
import { viewOf } from '../../world/world.ts'
import { execCommand } from '../exec.ts'

type Given = Fields & { readonly kind: string; readonly metadata: { readonly name: string; readonly namespace?: string } }

const view = (...manifests: readonly Given[]) =>
  viewOf(
    new Map<RecordId, WorldRecord>(
      manifests.map((m): [RecordId, WorldRecord] => {
        const { name, namespace = 'default' } = m.metadata
        const id = objectId(m.kind, namespace, name)
        const origin = { component: 'user' } as const
        return [
          id,
          { kind: 'object', id, apiVersion: 'v1', objectKind: m.kind, namespace, name, manifest: m, filled: [], origin },
        ]
      }),
    ),
  )

const meta = (name: string, labels?: Readonly<Record<string, string>>, namespace = 'default') => ({
  name,
  namespace,
  ...(labels === undefined ? {} : { labels }),
})

const CLUSTER = view(
  {
    kind: 'Service',
    metadata: meta('web'),
    spec: { type: 'NodePort', clusterIP: '10.96.0.10', ports: [{ port: 80, nodePort: 30080 }], selector: { app: 'web' } },
  },
  {
    kind: 'Service',
    metadata: meta('db'),
    spec: {
      clusterIP: 'None',
      ports: [
        { port: 5432, name: 'sql' },
        { port: 9187, name: 'metrics' },
      ],
    },
  },
  { kind: 'Service', metadata: meta('outside'), spec: { type: 'ExternalName', externalName: 'example.org' } },
  {
    kind: 'Service',
    metadata: meta('front', undefined, 'shop'),
    spec: { type: 'LoadBalancer', clusterIP: '10.96.0.11', ports: [{ port: 443 }] },
  },
  {
    kind: 'Pod',
    metadata: meta('web-1', { app: 'web', tier: 'front' }),
    spec: { nodeName: 'node1', containers: [{}, {}] },
    status: { podIP: '10.244.1.2' },
  },
  {
    kind: 'Pod',
    metadata: meta('web-2', { app: 'web' }),
    spec: { nodeName: 'node2', containers: [{}] },
    status: { podIP: '10.244.2.2', conditions: [{ type: 'Ready', status: 'False' }] },
  },
  {
    kind: 'EndpointSlice',
    metadata: meta('web-x', { 'kubernetes.io/service-name': 'web' }),
    addressType: 'IPv4',
    ports: [{ name: '', port: 8080 }],
    endpoints: [1, 2, 3, 4, 5].map((n) => ({ addresses: [`10.244.1.${n}`], conditions: { ready: n !== 5 } })),
  },
)
const kubectl = (line: string) => execCommand(CLUSTER, 'netns:node1', `kubectl ${line}`)

describe('kubectl get', () => {
  it('lists Services with the columns of the real one, by name', () => {
    expect(kubectl('get svc').stdout).toBe(
      `NAME      TYPE           CLUSTER-IP   EXTERNAL-IP   PORT(S)             AGE
db        ClusterIP      None         <none>        5432/TCP,9187/TCP   <unknown>
outside   ExternalName   <none>       example.org   <none>              <unknown>
web       NodePort       10.96.0.10   <none>        80:30080/TCP        <unknown>
`,
    )
  })
  it('adds the namespace for all of them, and says pending for a balancer without an address', () => {
    expect(kubectl('get services -A').stdout).toMatch(
      /^NAMESPACE +NAME +TYPE[\s\S]*shop +front +LoadBalancer +10\.96\.0\.11 +<pending> +443\/TCP/,
    )
  })
  it('counts the ready containers of a pod', () => {
    const lines = kubectl('get pods -o wide').stdout.split('\n')
    expect(lines[1]).toMatch(/^web-1 +2\/2 +Running +0 +<unknown> +10\.244\.1\.2 +node1 /)
    expect(lines[2]).toMatch(/^web-2 +0\/1 /)
  })
  it('shows three endpoints of a slice and how many more', () => {
    expect(kubectl('get endpointslices -l kubernetes.io/service-name=web').stdout).toContain(
      '10.244.1.1,10.244.1.2,10.244.1.3 + 2 more...',
    )
  })
  it.each([
    ['-l app=web', ['pod/web-1', 'pod/web-2']],
    ['-l app=web,tier!=front', ['pod/web-2']],
    ['-l tier', ['pod/web-1']],
    ['-l !tier', ['pod/web-2']],
  ])('selects with %s', (selector, names) => {
    expect(kubectl(`get pods ${selector} -o name`).stdout.trim().split('\n')).toEqual(names)
  })
  it('says what is not there as the API server does', () => {
    expect(kubectl('get svc nope')).toMatchObject({
      stderr: 'Error from server (NotFound): services "nope" not found\n',
      exitCode: 1,
    })
    expect(kubectl('get pods -n empty')).toMatchObject({ stderr: 'No resources found in empty namespace.\n', exitCode: 0 })
    expect(kubectl('get gizmos').stderr).toContain('doesn\'t have a resource type "gizmos"')
  })
})

describe('kubectl describe service', () => {
  it('names the ready endpoints of every port', () => {
    const { stdout } = kubectl('describe service web')
    expect(stdout).toMatch(/^Name: +web\nNamespace: +default\n/)
    expect(stdout).toMatch(
      /\nPort: +<unset> {2}80\/TCP\nTargetPort: +80\/TCP\nNodePort: +<unset> {2}30080\/TCP\nEndpoints: +10\.244\.1\.1:8080,10\.244\.1\.2:8080,10\.244\.1\.3:8080 \+ 1 more\.\.\.\n/,
    )
  })
})
