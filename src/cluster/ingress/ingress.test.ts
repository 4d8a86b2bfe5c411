import { describe, expect, it } from 'vitest'
import { ingressController } from '../../library/ways-in.ts'
import type { Manifest, ScenarioDocument } from '../../scenario/document.ts'
import { objectId } from '../../world/ids.ts'
import { fillIn } from '../fill-in.ts'
import { nodesOnTheWay } from '../realise.ts'
import { built, documentOf, errorsOf, node, pod, routesText, service, viewOfDocument } from '../testing.ts'

const backend = (name: string, port: object = { number: 80 }) => ({ service: { name, port } })
const rules = (b: object, more: object = {}) => [{ http: { paths: [{ path: '/', pathType: 'Prefix', backend: b, ...more }] } }]

const ingress = (spec: object, metadata: object = {}): Manifest => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: { name: 'shop', ...metadata },
  spec,
})

const doc = (objects: readonly Manifest[], more: Partial<ScenarioDocument> = {}) =>
  documentOf(
    [
      node('node1', '10.244.1.0/24', '192.168.1.11'),
      pod('web-a', 'node1', { app: 'web', ports: [{ containerPort: 8080 }] }),
      service('web', { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] }),
      ...objects,
    ],
    more,
  )

const objectOf = (d: ScenarioDocument, kind: string, name: string, namespace: string | undefined = 'default') => {
  const r = built(d).get(objectId(kind, namespace, name))
  if (r?.kind !== 'object') throw new Error(`there is no ${kind} ${name}`)
  return r
}
const notesOf = (d: ScenarioDocument) =>
  viewOfDocument(d)
    .list('note')
    .map((n) => n.what)

describe('an Ingress as the control plane completes it', () => {
  it('gets the default class, and the class of ingress-nginx comes with the controller', () => {
    const named = doc([ingress({ ingressClassName: 'nginx', rules: rules(backend('web')) })])
    expect(built(named).get(objectId('IngressClass', undefined, 'nginx'))).toMatchObject({
      manifest: { spec: { controller: 'k8s.io/ingress-nginx' } },
      origin: { component: 'control-plane' },
    })
    const theDefault: Manifest = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IngressClass',
      metadata: { name: 'main', annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
      spec: { controller: 'k8s.io/ingress-nginx' },
    }
    const unnamed = doc([theDefault, ingress({ rules: rules(backend('web')) })])
    expect(objectOf(unnamed, 'Ingress', 'shop').manifest).toMatchObject({ spec: { ingressClassName: 'main' } })
    expect(objectOf(unnamed, 'Ingress', 'shop').filled).toContain('spec.ingressClassName')
  })

  it('says where it is served: the nodes that the controller runs on', () => {
    const d = doc([
      ...ingressController('node1', '10.244.1.9'),
      ingress({ ingressClassName: 'nginx', rules: rules(backend('web')) }),
    ])
    expect(objectOf(d, 'Ingress', 'shop').manifest).toMatchObject({
      status: { loadBalancer: { ingress: [{ ip: '203.0.113.11' }] } },
    })
  })

  it('is noted when no controller serves it', () => {
    expect(notesOf(doc([ingress({ ingressClassName: 'traefik', rules: rules(backend('web')) })]))[0]).toContain(
      'is of class traefik, which no IngressClass has: no controller serves it',
    )
    expect(notesOf(doc([ingress({ rules: rules(backend('web')) })]))[0]).toContain('names no class')
  })
})

describe('an Ingress that cannot be', () => {
  const errors = (spec: object, metadata?: object) => errorsOf(doc([ingress(spec, metadata)]))

  it('names a Service or a port that does not exist', () => {
    expect(errors({ rules: rules(backend('wbe')) })).toEqual([
      'objects[3].spec.rules[0].http.paths[0].backend.service.name: there is no Service wbe in namespace default; expected web',
    ])
    expect(errors({ rules: rules(backend('web', { number: 81 })) })).toEqual([
      'objects[3].spec.rules[0].http.paths[0].backend.service.port: Service web has no port 81; expected 80 (http)',
    ])
    expect(errors({ defaultBackend: backend('web', { name: 'https' }) })).toEqual([
      'objects[3].spec.defaultBackend.service.port: Service web has no port https; expected 80 (http)',
    ])
    expect(errors({ rules: rules(backend('web', { name: 'http' })) })).toEqual([])
  })

  it('is only noted where it comes out of a real cluster', () => {
    const d = doc([ingress({ ingressClassName: 'nginx', rules: rules(backend('gone')) }, { uid: '1' })])
    expect(errorsOf(d)).toEqual([])
    expect(notesOf(d).some((n) => n.includes('there is no Service gone'))).toBe(true)
  })

  it('has no rules, no path type, or a path without a slash', () => {
    expect(errors({})).toEqual(['objects[3].spec: has neither rules nor defaultBackend; expected at least one of them'])
    expect(errors({ rules: rules(backend('web'), { pathType: undefined }) })[0]).toContain(
      'pathType: is missing; expected one of Exact, Prefix, ImplementationSpecific',
    )
    expect(errors({ rules: rules(backend('web'), { path: 'cart' }) })[0]).toContain(
      'path: found "cart"; expected a path that begins with /',
    )
  })

  it('is of a version that is gone', () => {
    const old = { ...ingress({ rules: rules(backend('web')) }), apiVersion: 'extensions/v1beta1' }
    expect(errorsOf(doc([old]))[0]).toContain('objects[3].apiVersion: found extensions/v1beta1; expected networking.k8s.io/v1')
  })
})

describe('the controller’s pod', () => {
  it('runs the controller on its HTTP port instead of a stand-in, by its arguments or by its image', () => {
    const processes = (d: ScenarioDocument, place: string) =>
      viewOfDocument(d)
        .list('process', `netns:${place}`)
        .map((p) => p.argv.slice(0, 2).join(' '))
    expect(processes(doc(ingressController('node1', '10.244.1.9')), 'pod/ingress')).toEqual([
      'nginx-ingress-controller --ingress-class=nginx',
    ])
    const byImage = (image: string): Manifest => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'c' },
      spec: { nodeName: 'node1', containers: [{ name: 'c', image, ports: [{ containerPort: 80 }, { containerPort: 8443 }] }] },
    })
    expect(processes(doc([byImage('registry.k8s.io/ingress-nginx/controller:v1.12.0')]), 'pod/c')).toEqual([
      'nginx-ingress-controller',
    ])
    expect(processes(doc([byImage('example.com/my-controller:1')]), 'pod/c')).toEqual(['httpd -p', 'httpd -p'])
  })
})

describe('a cloud’s application load balancer', () => {
  const alb = (annotations: Record<string, string> = {}) =>
    ingress(
      { ingressClassName: 'alb', rules: rules(backend('web')) },
      { annotations: Object.fromEntries(Object.entries(annotations).map(([k, v]) => [`alb.ingress.kubernetes.io/${k}`, v])) },
    )
  const cloud = {
    cluster: { ...documentOf([]).cluster, network: { plugin: 'bridge' as const, fabric: 'cloud' as const, mtu: 1500 } },
  }

  it('is a machine behind the one that routes for the nodes, with a public address that leads to it', () => {
    for (const [more, edge] of [
      [{}, 'gateway'],
      [cloud, 'router'],
    ] as const) {
      const d = doc([alb({ scheme: 'internet-facing' })], more)
      const view = viewOfDocument(d)
      expect(view.get('netns', 'netns:alb/shop')?.role).toBe('load-balancer')
      expect(routesText(view, 'alb/shop')).toContain('default via 100.64.0.1 dev eth0')
      expect(routesText(view, edge)).toContain('203.0.113.200/32 via 100.64.0.2 dev eth2')
      expect(view.list('process', 'netns:alb/shop').map((p) => p.argv.join(' '))).toEqual(['alb --ingress default/shop -p 80'])
      expect(objectOf(d, 'Ingress', 'shop').manifest).toMatchObject({
        status: { loadBalancer: { ingress: [{ ip: '203.0.113.200' }] } },
      })
    }
  })

  it('is internal unless its scheme says otherwise, and listens where it is told to', () => {
    const d = doc([alb({ 'listen-ports': '[{"HTTP": 8080}]' })])
    expect(objectOf(d, 'Ingress', 'shop').manifest).toMatchObject({
      status: { loadBalancer: { ingress: [{ ip: '100.64.0.2' }] } },
    })
    expect(viewOfDocument(d).list('process', 'netns:alb/shop')[0]?.argv).toContain('8080')
  })

  it('reaches pods only where the network routes them, and says so', () => {
    expect(errorsOf(doc([alb({ 'target-type': 'ip' })]))).toEqual([
      'objects[3].metadata.annotations["alb.ingress.kubernetes.io/target-type"]: found target-type ip; expected instance, or cluster.network.fabric cloud, whose router has routes to pods',
    ])
    expect(errorsOf(doc([alb({ 'target-type': 'ip' })], cloud))).toEqual([])
  })

  it('has no targets for a Service without a node port, and says so', () => {
    expect(notesOf(doc([alb()])).some((n) => n.includes('default/web has no node port'))).toBe(true)
  })
})

describe('the nodes that a journey passes', () => {
  const two = (objects: readonly Manifest[], more: Partial<ScenarioDocument> = {}) =>
    doc([node('node2', '10.244.2.0/24', '192.168.1.12'), node('node3', '10.244.3.0/24', '192.168.1.13'), ...objects], more)
  const passed = (d: ScenarioDocument, run: string): string[] => {
    const cluster = fillIn(d)
    if (!cluster.ok) throw new Error(cluster.error.map((e) => e.message).join())
    return [...nodesOnTheWay(cluster.value, [{ from: 'internet', run }])].map((n) => n.name).toSorted()
  }

  it('are those of the pods behind a proxy too, and all of them behind a balancer of nodes', () => {
    const served = two([
      ...ingressController('node2', '10.244.2.9'),
      ingress({ ingressClassName: 'nginx', rules: rules(backend('web')) }),
    ])
    expect(passed(served, 'curl http://203.0.113.12:30080/')).toEqual(['node1', 'node2'])
    expect(passed(served, 'curl http://203.0.113.13/')).toEqual(['node3'])
    const balanced = two([
      ingress(
        { ingressClassName: 'alb', rules: rules(backend('web')) },
        { annotations: { 'alb.ingress.kubernetes.io/scheme': 'internet-facing' } },
      ),
    ])
    expect(passed(balanced, 'curl http://203.0.113.200/')).toEqual(['node1', 'node2', 'node3'])
  })
})
