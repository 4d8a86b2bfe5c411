import { hash32 } from '../base/prng.ts'
import type { NetnsRecord } from '../world/records.ts'
import { viewOf, type World } from '../world/world.ts'

/** What the namespaces of a lab are called on the machine that runs it, by the world's own names. */
export interface LabNames {
  /** `hs-1a2b3c4d-`: what everything that the script makes begins with. */
  readonly prefix: string
  /** `pod/client` → `hs-1a2b3c4d-pod-client`. Throws for a name that the world does not have. */
  of(netns: string): string
  /** The part after the prefix, for file names. */
  short(netns: string): string
}

/**
 * Names for every namespace of a world. Slashes and whatever a file name should not hold become dashes; names that would
 * then be the same get a number. `salt` keeps the labs of two scenarios apart on one machine.
 */
export function labNames(world: World, salt: string): LabNames {
  const prefix = `hs-${hash32(salt).toString(16).padStart(8, '0')}-`
  const shorts = new Map<string, string>()
  const taken = new Set<string>()
  for (const ns of netnsesOf(world)) {
    const plain = ns.name.replaceAll(/[^A-Za-z0-9.]+/g, '-')
    let short = plain
    for (let n = 2; taken.has(short); n++) short = `${plain}-${n}`
    taken.add(short)
    shorts.set(ns.name, short)
  }
  const short = (netns: string): string => {
    const found = shorts.get(netns)
    if (found === undefined) throw new Error(`no namespace ${netns}`)
    return found
  }
  return { prefix, short, of: (netns) => `${prefix}${short(netns)}` }
}

/** Namespace records in the world's order. */
export const netnsesOf = (world: World): readonly NetnsRecord[] => viewOf(world).list('netns')

/** `dev:pod/client/eth0` → its namespace's name and its own. */
export function deviceParts(id: string): { readonly netns: string; readonly device: string } {
  const cut = id.lastIndexOf('/')
  return { netns: id.slice('dev:'.length, cut), device: id.slice(cut + 1) }
}

/** A word as a POSIX shell takes it literally. */
export const shellWord = (text: string): string =>
  /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
