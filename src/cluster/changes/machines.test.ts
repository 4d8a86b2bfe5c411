import { describe, expect, it } from 'vitest'
import { clientPod, scenario, TWO_NODES, webPod } from '../../library/parts.ts'
import { balancedService, nodePortService, VIP } from '../../library/ways-in.ts'
import type { Manifest, ScenarioDocument, ScheduledChange } from '../../scenario/document.ts'
import { errorsOf, played } from './testing.ts'

const metallb = (kind: string, spec: object): Manifest => ({
  apiVersion: 'metallb.io/v1beta1',
  kind,
  metadata: { name: 'all', namespace: 'metallb-system' },
  spec,
})
const POOL = metallb('IPAddressPool', { addresses: ['192.168.1.240-192.168.1.241'] })
const SPEAKERS = [POOL, metallb('L2Advertisement', {})]
const ASK = { from: 'internet', run: `curl -m 2 http://${VIP}/` }
const IDLE = { from: 'pod/client', run: 'ping -c 2 10.244.1.1' }
const WEB = [webPod('web-a', 'node1', '10.244.1.3')]
const GONE = [{ kind: 'Service', name: 'web' }]
const api = webPod('api', 'node2', '10.244.2.7')

const doc = (objects: readonly Manifest[], change: Omit<ScheduledChange, 'journey' | 'at'>): ScenarioDocument =>
  scenario({
    title: 'a load balancer',
    objects: [...TWO_NODES, clientPod('client', 'node1', '10.244.1.2'), ...WEB, ...objects],
    journeys: [ASK, IDLE, ASK],
    changes: [{ journey: 1, at: '0s', ...change }],
  })
/** As `kubectl apply -f` has it: the status is not the user's. */
const withoutStatus = ({ status: _, ...service }: Manifest): Manifest => service
const at = (ip: string): Manifest => ({ ...balancedService(), status: { loadBalancer: { ingress: [{ ip }] } } })
const named = (name: string, ip: string, spec: object = {}): Manifest => ({
  ...balancedService({ clusterIP: ip, ...spec }),
  metadata: { name },
  status: { loadBalancer: { ingress: [{ ip: ip.replace('10.96.0', '203.0.113') }] } },
})

describe('the machine of a cloud balancer, in the middle of a journey,', () => {
  it('does not come with a new Service', () => {
    expect(errorsOf(doc([], { apply: [api, balancedService()] }))).toEqual([
      'changes[0].apply[1].spec.type: the load balancer lb/web cannot come in the middle of a journey; expected one that is there from the start, or an address that MetalLB announces (IPAddressPool)',
    ])
  })

  it('does not go with its Service', () => {
    expect(errorsOf(doc([balancedService()], { delete: GONE }))).toEqual([
      'changes[0].delete[0]: the load balancer lb/web cannot go in the middle of a journey; expected one that stays to the end, or an address that MetalLB announces (IPAddressPool)',
    ])
  })

  it('does not come or go with the type of its Service', () => {
    expect(errorsOf(doc([balancedService()], { apply: [nodePortService()] }))).toEqual([
      expect.stringMatching(/^changes\[0\]\.apply\[0\]\.spec\.type: the load balancer lb\/web cannot go /),
    ])
    expect(errorsOf(doc([nodePortService()], { apply: [balancedService()] }))).toEqual([
      expect.stringMatching(/^changes\[0\]\.apply\[0\]\.spec\.type: the load balancer lb\/web cannot come /),
    ])
  })

  it('gets no other address', () => {
    expect(errorsOf(doc([balancedService()], { apply: [api, at('203.0.113.99')] }))).toEqual([
      'changes[0].apply[1].status.loadBalancer.ingress: the load balancer lb/web cannot change in the middle of a journey; expected the addresses that it has from the start',
    ])
  })

  it('does not come when no pool has its address any more', () => {
    const pool = metallb('IPAddressPool', { addresses: [`${VIP}/32`] })
    expect(
      errorsOf(doc([pool, balancedService()], { delete: [{ kind: 'IPAddressPool', namespace: 'metallb-system', name: 'all' }] })),
    ).toEqual([expect.stringMatching(/^changes\[0\]: the load balancer lb\/web cannot come /)])
  })

  it('stays, with its address, when other fields of its Service change', () => {
    const { verdicts, says } = played(
      doc([balancedService()], { apply: [withoutStatus(balancedService({ sessionAffinity: 'ClientIP' }))] }),
    )
    expect(verdicts).toEqual(['answered', 'answered', 'answered'])
    expect(says('node1', 'kubectl get svc web')).toContain(VIP)
  })

  it('stays where a cluster has so many that only those are made that commands name', () => {
    const others = [11, 12, 13, 14].map((n) =>
      named(`other-${n}`, `10.96.0.${n}`, { ports: [{ port: 80, nodePort: 30100 + n }] }),
    )
    const { verdicts } = played(doc([balancedService(), ...others], { apply: [api] }))
    expect(verdicts).toEqual(['answered', 'answered', 'answered'])
  })
})

describe('an address of MetalLB, which no machine has,', () => {
  const ask = { from: 'pod/client', run: 'curl -m 2 http://192.168.1.240/' }
  const pending = withoutStatus(balancedService())

  it('comes and goes with its Service', () => {
    const comes = played({ ...doc(SPEAKERS, { apply: [pending] }), journeys: [ask, IDLE, ask] })
    expect(comes.verdicts).toEqual(['failed', 'answered', 'answered'])
    const goes = played({ ...doc([...SPEAKERS, pending], { delete: GONE }), journeys: [ask, IDLE, ask] })
    expect(goes.verdicts).toEqual(['answered', 'answered', 'failed'])
  })

  it('is another when the Service asks for another', () => {
    const asks = { ...pending, metadata: { ...pending.metadata, annotations: { 'metallb.io/loadBalancerIPs': '192.168.1.241' } } }
    const { says } = played({ ...doc([...SPEAKERS, pending], { apply: [asks] }), journeys: [ask, IDLE] })
    expect(says('node1', 'kubectl get svc web')).toContain('192.168.1.241')
  })
})

describe('a Service of type LoadBalancer without an address', () => {
  it('may come and go: nobody has made it a load balancer', () => {
    const pending = withoutStatus(balancedService())
    expect(errorsOf(doc([], { apply: [pending] }))).toEqual([])
    expect(errorsOf(doc([pending], { delete: GONE }))).toEqual([])
  })
})
