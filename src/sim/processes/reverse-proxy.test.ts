import { describe, expect, it } from 'vitest'
import { playOf } from '../../cluster/play.ts'
import { built, documentOf, node, pod, service } from '../../cluster/testing.ts'
import { ingressController } from '../../library/ways-in.ts'
import type { Manifest } from '../../scenario/document.ts'
import { run } from '../run.ts'
import { play } from '../testing/play.ts'

const PROXY = '10.244.1.2'

const path = (value: string, name: string, pathType = 'Prefix') => ({
  path: value,
  pathType,
  backend: { service: { name, port: { number: 80 } } },
})

const ingress = (name: string, spec: object): Manifest => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: { name },
  spec: { ingressClassName: 'nginx', ...spec },
})

const one = (host: string | undefined, ...paths: object[]) => ({
  rules: [{ ...(host === undefined ? {} : { host }), http: { paths } }],
})

/** Nobody is told that packets to 10.9.9.9 go nowhere. */
const SILENT = [
  '*filter',
  ':INPUT ACCEPT [0:0]',
  ':FORWARD ACCEPT [0:0]',
  ':OUTPUT ACCEPT [0:0]',
  '-A FORWARD -d 10.9.9.9/32 -j DROP',
  'COMMIT',
  '',
].join('\n')

/** A node with the controller, a client, and a pod for each named Service (`web`, `cart`). */
function cluster(ingresses: readonly Manifest[], more: readonly Manifest[] = []) {
  const app = (name: string, i: number) => [
    pod(`${name}-a`, 'node1', { app: name, podIP: `10.244.1.${10 + i}`, ports: [{ containerPort: 8080 }] }),
    service(name, { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }] }),
  ]
  return built(
    documentOf(
      [
        node('node1', '10.244.1.0/24', '192.168.1.11'),
        ...ingressController('node1', PROXY),
        pod('client', 'node1', { podIP: '10.244.1.3' }),
        ...app('web', 0),
        ...app('cart', 1),
        ...ingresses,
        ...more,
      ],
      { overrides: { node1: { iptables: SILENT } } },
    ),
  )
}

const ask = (host: string, target = '/', options = '') =>
  ['pod/client', `curl -s ${options} -H 'Host: ${host}' http://${PROXY}${target}`] as const

/** Who answered, or the status of the proxy's own answer. */
const who = (output: string): string =>
  /^Hostname: (\S+)/m.exec(output)?.[1] ?? /<h1>(\d{3})/.exec(output)?.[1] ?? output.slice(0, 40)

const answers = (world: ReturnType<typeof cluster>, ...asked: (readonly [string, string])[]) =>
  play(world, ...asked.map(([host, target]) => ask(host, target))).output.map(who)

describe('rules', () => {
  it('choose by host, and answer 404 for a host that nobody claims', () => {
    const world = cluster([ingress('a', one('a.example', path('/', 'web'))), ingress('b', one('b.example', path('/', 'cart')))])
    expect(answers(world, ['a.example', '/'], ['b.example', '/'], ['B.Example:8080', '/'], ['c.example', '/'])).toEqual([
      'web-a',
      'cart-a',
      'cart-a',
      '404',
    ])
  })

  it('take the longest prefix, element by element', () => {
    const world = cluster([ingress('shop', one('shop.example', path('/', 'web'), path('/cart', 'cart')))])
    const asked = ['/cart', '/cart/', '/cart/7?x=/', '/cartoon', '/'].map((p) => ['shop.example', p] as const)
    expect(answers(world, ...asked)).toEqual(['cart-a', 'cart-a', 'cart-a', 'web-a', 'web-a'])
  })

  it('prefer an exact path to any prefix, and match nothing else with it', () => {
    const world = cluster([ingress('shop', one('shop.example', path('/cart', 'web', 'Exact'), path('/cart', 'cart')))])
    expect(answers(world, ['shop.example', '/cart'], ['shop.example', '/cart/7'], ['shop.example', '/other'])).toEqual([
      'web-a',
      'cart-a',
      '404',
    ])
  })

  it('leave ImplementationSpecific to nginx: a prefix character by character', () => {
    const world = cluster([ingress('shop', one('shop.example', path('/cart', 'cart', 'ImplementationSpecific')))])
    expect(answers(world, ['shop.example', '/cartoon'])).toEqual(['cart-a'])
  })

  it('know wildcards of one label, after the host itself, before rules for every host', () => {
    const world = cluster([
      ingress('any', one(undefined, path('/', 'cart'))),
      ingress('wild', one('*.example', path('/', 'web'))),
      ingress('own', one('x.example', path('/', 'cart'))),
    ])
    expect(answers(world, ['y.example', '/'], ['x.example', '/'], ['a.b.example', '/'], ['example', '/'])).toEqual([
      'web-a',
      'cart-a',
      'cart-a',
      'cart-a',
    ])
  })

  it('fall back to the default backend of their Ingress', () => {
    const shop = {
      ...one('shop.example', path('/cart', 'cart')),
      defaultBackend: { service: { name: 'web', port: { number: 80 } } },
    }
    expect(answers(cluster([ingress('shop', shop)]), ['shop.example', '/other'], ['who.example', '/'])).toEqual([
      'web-a',
      'web-a',
    ])
  })

  it('count only where the class is the controller’s own', () => {
    const other = ingress('shop', { ...one('shop.example', path('/', 'web')), ingressClassName: 'other' })
    expect(answers(cluster([other]), ['shop.example', '/'])).toEqual(['404'])
  })
})

describe('a request on its way', () => {
  const world = cluster([ingress('shop', one('shop.example', path('/', 'web')))])

  it('tells the backend who asked, and does not believe what the client says of itself', () => {
    const [output] = play(world, ask('shop.example', '/', "-H 'X-Forwarded-For: 1.2.3.4'")).output
    expect(output).toMatch(/^X-Real-IP: 10\.244\.1\.3$/m)
    expect(output).toMatch(/^X-Forwarded-For: 10\.244\.1\.3$/m)
    expect(output).toMatch(/^X-Forwarded-Host: shop\.example$/m)
    expect(output).toMatch(/^X-Forwarded-Port: 80$/m)
    expect(output).toMatch(/^X-Original-Forwarded-For: 1\.2\.3\.4$/m)
    expect(output).toMatch(/^RemoteAddr: 10\.244\.1\.2:\d+$/m)
  })

  it('gets the same request id in every run, and another for every request', () => {
    const ids = () =>
      play(world, ask('shop.example'), ask('shop.example')).output.map((o) => /X-Request-ID: (\w{32})$/m.exec(o)?.[1])
    const first = ids()
    expect(new Set(first).size).toBe(2)
    expect(ids()).toEqual(first)
  })

  it('is one tree of causes: what the backend sends hangs from what the client sent', () => {
    const { reader } = play(world, ask('shop.example'))
    const sent = Array.from({ length: reader.length }, (_, s) => reader.event(s)).filter((e) => e.step.kind === 'process')
    const receives = sent.filter((e) => e.step.kind === 'process' && e.step.event === 'receive')
    expect(receives.map((e) => e.netns)).toEqual([
      'netns:pod/ingress',
      'netns:pod/web-a',
      'netns:pod/ingress',
      'netns:pod/client',
    ])
    const ancestors = (seq: number): number[] => {
      const cause = reader.event(seq).cause
      return cause < 0 ? [] : [cause, ...ancestors(cause)]
    }
    const last = receives.at(-1)
    if (last === undefined) throw new Error('the client gets an answer')
    const chain = new Set(ancestors(last.seq))
    for (const r of receives.slice(0, -1)) expect(chain.has(r.seq)).toBe(true)
  })

  it('keeps the connection to the backend for the next client', () => {
    const { reader, events } = play(world, ask('shop.example'), ask('shop.example'))
    const connects = events('process').filter((e) => e.step.event === 'connect' && e.netns.endsWith('pod/ingress'))
    expect(connects).toHaveLength(1)
    expect(reader.trace.journeys.every((j) => j.verdict.kind === 'answered')).toBe(true)
  })

  it('shares one client connection between two requests', () => {
    const run = `curl -s -H 'Host: shop.example' http://${PROXY}/one http://${PROXY}/two`
    const { output, events } = play(world, ['pod/client', run])
    expect(output[0]).toMatch(/Request: GET \/one[\s\S]*Request: GET \/two/)
    expect(events('process').filter((e) => e.step.event === 'connect' && e.netns === 'netns:pod/client')).toHaveLength(1)
  })

  it('brings its body along', () => {
    const [output] = play(world, ask('shop.example', '/', '-i -d hello')).output
    expect(output).toMatch(
      /^HTTP\/1\.1 200 OK\r\nContent-Type: text\/plain; charset=utf-8\r\nContent-Length: \d+\r\nConnection: keep-alive\r\n/,
    )
    expect(output).toContain('Request: POST / HTTP/1.1')
  })
})

describe('what goes wrong', () => {
  const shop = ingress('shop', one('shop.example', path('/', 'gone')))
  const slice = (endpoints: readonly object[]): Manifest => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'gone-1', labels: { 'kubernetes.io/service-name': 'gone' } },
    addressType: 'IPv4',
    ports: [{ name: '', port: 8080, protocol: 'TCP' }],
    endpoints,
  })
  const gone = (...endpoints: object[]) =>
    cluster([shop], [service('gone', { ports: [{ port: 80, targetPort: 8080 }] }), slice(endpoints)])

  it('no endpoint: 503, without any packet to a backend', () => {
    const { output, events } = play(gone(), ask('shop.example', '/', '-i'))
    expect(output[0]).toMatch(
      /^HTTP\/1\.1 503 Service Temporarily Unavailable\r\nContent-Type: text\/html\r\nContent-Length: 190\r\n/,
    )
    expect(events('proxy.route').map((e) => [e.step.service, e.step.endpoint])).toEqual([['default/gone:80', undefined]])
  })

  it('nobody listens: 502, after three tries of the only endpoint', () => {
    const { output, events } = play(gone({ addresses: ['192.168.1.11'] }), ask('shop.example', '/', '-i'))
    expect(output[0]).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\nContent-Type: text\/html\r\nContent-Length: 150\r\n/)
    expect(events('proxy.route').map((e) => e.step.endpoint)).toEqual(Array(3).fill('192.168.1.11:8080'))
  })

  it('a dead endpoint beside a live one: the next try gets through', () => {
    const world = gone({ addresses: ['192.168.1.11'] }, { addresses: ['10.244.1.10'] })
    expect(play(world, ask('shop.example'), ask('shop.example')).output.map(who)).toEqual(['web-a', 'web-a'])
  })

  it('nobody answers: 504 after five seconds for each of three tries', () => {
    const world = gone({ addresses: ['10.9.9.9'] })
    const { output, reader } = play(world, ask('shop.example', '/', '-i'))
    expect(output[0]).toMatch(/^HTTP\/1\.1 504 Gateway Time-out\r\n/)
    const j = reader.trace.journeys[0]
    if (j === undefined) throw new Error('one journey')
    expect((reader.timeOf(j.last) - reader.timeOf(j.first)) / 1e9).toBeGreaterThan(15)
  })

  it('a request without a Host: 400', () => {
    const { output } = play(gone(), ['pod/client', `curl -s -i -H 'Host:' http://${PROXY}/`])
    expect(output[0]).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*Connection: close\r\n/)
  })
})

describe('objects that change', () => {
  it('count from the next request on, also on a connection that is open', () => {
    const shop = (name: string) => ingress('shop', one('shop.example', path('/', name)))
    const document = {
      ...documentOf(
        [
          node('node1', '10.244.1.0/24', '192.168.1.11'),
          ...ingressController('node1', PROXY),
          pod('client', 'node1', { podIP: '10.244.1.3' }),
          ...['web', 'cart'].flatMap((name, i) => [
            pod(`${name}-a`, 'node1', { app: name, podIP: `10.244.1.${10 + i}`, ports: [{ containerPort: 8080 }] }),
            service(name, { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }] }),
          ]),
          shop('web'),
        ],
        {
          journeys: [
            { from: 'pod/client', run: `curl -s --rate 1/s -H 'Host: shop.example' http://${PROXY}/1 http://${PROXY}/2` },
          ],
        },
      ),
      changes: [{ journey: 0, at: '500ms', apply: [shop('cart')] }],
    }
    const played = playOf(document)
    if (!played.ok) throw new Error(played.error.map((e) => e.message).join())
    const { world, journeys, changes } = played.value
    const trace = run(world, journeys, { seed: 1, changes })
    expect(trace.journeys[0]?.output.match(/^Hostname: .*$/gm)).toEqual(['Hostname: web-a', 'Hostname: cart-a'])
  })
})
