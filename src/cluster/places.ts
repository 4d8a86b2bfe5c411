import { at, textAt } from '../base/fields.ts'
import { err, ok, type Result } from '../base/result.ts'
import type { InputError, JourneySpec } from '../scenario/document.ts'
import { netnsId, objectId } from '../world/ids.ts'
import type { NetnsRecord } from '../world/records.ts'
import type { World } from '../world/world.ts'
import { inputError, listed } from './errors.ts'

/** Where a command runs: a namespace, and one of its pod's containers when the namespace has any. */
export interface Place {
  /** Name of the namespace record: `node1`, `pod/client`. */
  readonly netns: string
  readonly container?: string
}

/**
 * The namespace of a place as users write it. `pod/NAME` and `pod/default/NAME` are the same; a pod on the host's network is
 * its node. Without a container it is the pod's first one (never pause).
 * Errors carry `path` with the field that was wrong, and list what exists.
 */
export function findPlace(world: World, from: string, container?: string, path = 'from'): Result<Place, InputError> {
  const name = /^pod\/default\/[^/]+$/.test(from) ? `pod/${from.slice('pod/default/'.length)}` : from
  const netns = namespaceOf(world, name)
  if (netns === undefined) {
    const places = [...world.values()].flatMap((r) => (r.kind === 'netns' && r.role !== 'switch' ? [r.name] : []))
    return err(inputError(path, `there is no place "${from}"; expected ${listed(places)}`))
  }
  const containers = (netns.containers ?? []).map((c) => c.name)
  if (container === undefined) {
    const first = containers.find((c) => c !== 'pause')
    return ok({ netns: netns.name, ...(first === undefined ? {} : { container: first }) })
  }
  if (netns.role === 'pod' && !containers.includes(container)) {
    const message = `${from} has no container "${container}"; expected ${listed(containers.filter((c) => c !== 'pause'))}`
    return err(inputError(path.replace(/from$/, 'container'), message))
  }
  return ok({ netns: netns.name, container })
}

function namespaceOf(world: World, name: string): NetnsRecord | undefined {
  const direct = world.get(netnsId(name))
  if (direct?.kind === 'netns') return direct
  const pod = /^pod\/(?:([^/]+)\/)?([^/]+)$/.exec(name)
  const object = pod === null ? undefined : world.get(objectId('Pod', pod[1] ?? 'default', pod[2] ?? ''))
  if (object?.kind !== 'object' || at(object.manifest, 'spec', 'hostNetwork') !== true) return undefined
  const node = world.get(netnsId(textAt(object.manifest, 'spec', 'nodeName') ?? ''))
  return node?.kind === 'netns' ? node : undefined
}

/** Every journey starts somewhere that exists. What its command means is the programs' business. */
export function checkJourneys(journeys: readonly JourneySpec[], world: World): InputError[] {
  return journeys.flatMap((j, i) => {
    const place = findPlace(world, j.from, j.container, `journeys[${i}].from`)
    return place.ok ? [] : [place.error]
  })
}

/** Journeys with their places as the engine names them. One whose place does not exist is left as it is, for the run to refuse. */
export function placedJourneys(world: World, journeys: readonly JourneySpec[]): JourneySpec[] {
  return journeys.map((journey) => {
    const place = findPlace(world, journey.from, journey.container)
    if (!place.ok) return journey
    const { netns, container } = place.value
    return { from: netns, run: journey.run, ...(container === undefined ? {} : { container }) }
  })
}
