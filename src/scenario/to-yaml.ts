import type { ScenarioDocument } from './document.ts'

/** The document as YAML for an editor: what a person would have written, in the order of the format's own description. */
export async function toYaml(document: ScenarioDocument): Promise<string> {
  const { stringify } = await import('yaml')
  const { hopscope, title, seed, cluster, objects, overrides, journeys, changes, peers, view } = document
  const ordered = {
    hopscope,
    title,
    ...(seed === 1 ? {} : { seed }),
    cluster,
    objects,
    ...(Object.keys(overrides).length === 0 ? {} : { overrides }),
    journeys,
    ...(changes === undefined ? {} : { changes }),
    ...(peers === undefined ? {} : { peers }),
    ...(view === undefined ? {} : { view }),
  }
  return stringify(ordered, { lineWidth: 120, aliasDuplicateObjects: false })
}
