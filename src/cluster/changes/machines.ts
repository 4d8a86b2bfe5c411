import { textAt } from '../../base/fields.ts'
import type { InputError, Manifest, ScheduledChange } from '../../scenario/document.ts'
import { objectId } from '../../world/ids.ts'
import { inputError } from '../errors.ts'
import type { Cluster } from '../model.ts'
import { idOfManifest, type KeptObject, type ObjectSet } from './objects.ts'

// The machines of a cloud's load balancers are there from the start and stay: in the middle of a journey none comes, none goes, none gets
// another address. An address of MetalLB's pools is no such machine's: the nodes' speakers announce it.

interface Machine {
  /** `lb/web` */
  readonly place: string
  /** Of the Service or Ingress that it stands in front of. */
  readonly id: string
  /** What stays: its addresses, and how it delivers. */
  readonly fixed: string
}

const machinesOf = ({ balancers, albs }: Pick<Cluster, 'balancers' | 'albs'>): Map<string, Machine> =>
  new Map(
    [
      ...balancers.map((b) => ({
        place: b.place,
        id: objectId('Service', b.service.namespace, b.service.name),
        fixed: JSON.stringify([b.vips, b.ip, b.delivery]),
      })),
      ...albs.map((a) => ({
        place: a.place,
        id: objectId('Ingress', a.ingress.namespace, a.ingress.name),
        fixed: JSON.stringify([a.vips, a.ip, a.port]),
      })),
    ].map((m) => [m.place, m]),
  )

/** Objects and cluster at one moment. */
interface State {
  readonly objects: ObjectSet
  readonly cluster: Pick<Cluster, 'balancers' | 'albs'>
}

/**
 * Refusals of a scheduled change with which a load balancer's machine would come, go or change. Their paths name the field that says so
 * (`changes[0].apply[1].spec.type`), the deletion (`changes[0].delete[0]`), or the change itself where another object is the cause: an
 * IPAddressPool. `path`: the change's.
 */
export function machineRefusals(change: ScheduledChange, path: string, { from, to }: { from: State; to: State }): InputError[] {
  const old = machinesOf(from.cluster)
  const fresh = machinesOf(to.cluster)
  const differ = [...new Map([...old, ...fresh]).values()].filter((m) => old.get(m.place)?.fixed !== fresh.get(m.place)?.fixed)
  // One that comes or goes moves others that hang on the same machine: the cause is enough.
  const given = differ.filter((m) => isGiven(m.id, change))
  return (given.length > 0 ? given : differ).map((m) => {
    const was = from.objects.get(m.id)
    const is = to.objects.get(m.id)
    const verb = !old.has(m.place) ? 'come' : !fresh.has(m.place) ? 'go' : 'change'
    const message = `the load balancer ${m.place} cannot ${verb} in the middle of a journey; expected ${EXPECTED[verb]}`
    return inputError(placeOf(m, change, { path, was, is }), message)
  })
}

const EXPECTED = {
  come: 'one that is there from the start, or an address that MetalLB announces (IPAddressPool)',
  go: 'one that stays to the end, or an address that MetalLB announces (IPAddressPool)',
  change: 'the addresses that it has from the start',
} as const

const idOfReference = (d: { readonly kind: string; readonly namespace?: string; readonly name: string }): string =>
  objectId(d.kind, d.namespace ?? 'default', d.name)

const isGiven = (id: string, { apply = [], delete: gone = [] }: ScheduledChange): boolean =>
  apply.some((m) => idOfManifest(m) === id) || gone.some((d) => idOfReference(d) === id)

function placeOf(
  { id }: Machine,
  change: ScheduledChange,
  { path, was, is }: { path: string; was: KeptObject | undefined; is: KeptObject | undefined },
): string {
  const deleted = (change.delete ?? []).findIndex((d) => idOfReference(d) === id)
  if (deleted >= 0) return `${path}.delete[${deleted}]`
  const applied = (change.apply ?? []).findIndex((m) => idOfManifest(m) === id)
  if (applied < 0) return path
  const kindOf = is?.manifest.kind === 'Ingress' ? 'ingressClassName' : 'type'
  const says = (m: Manifest | undefined) => textAt(m, 'spec', kindOf)
  const isSame = was !== undefined && says(was.manifest) === says(is?.manifest)
  return `${path}.apply[${applied}].${isSame ? 'status.loadBalancer.ingress' : `spec.${kindOf}`}`
}
