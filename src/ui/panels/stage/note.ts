import type { Change } from '../../../diagram/activity.ts'
import type { Scene } from '../../../diagram/scene.ts'
import type { StageWords } from './words.ts'

export interface Note {
  readonly key: string
  /** Id of the box that it is about. */
  readonly box: string | undefined
  readonly tone: 'nat' | 'plain' | 'drop' | 'wait'
  readonly parts: readonly { readonly text: string; readonly as: 'old' | 'new' | 'plain' }[]
}

/** What the callout says: how the packet's stay ended, else a change made here, else an address translated before in this namespace. */
export function noteOf(scene: Scene, words: StageWords): Note | undefined {
  const { ending, changes, box, translated } = scene
  if (ending?.kind === 'drop') {
    // What decided it, and the kernel's reason, when they are not the same.
    const decided = scene.did.get(scene.box ?? '')
    const by = decided?.tone === 'drop' && decided.text !== ending.reason ? `${decided.text} · ` : ''
    return { key: 'drop', box, tone: 'drop', parts: [{ text: `✕ ${words.dropped}: ${by}${ending.reason}`, as: 'plain' }] }
  }
  if (ending?.kind === 'undetermined') {
    return { key: 'undetermined', box, tone: 'drop', parts: [{ text: `? ${words.undetermined}: ${ending.what}`, as: 'plain' }] }
  }
  if (ending?.kind === 'wait') {
    return { key: 'wait', box, tone: 'wait', parts: [{ text: `${words.waitsFor} ${ending.for}`, as: 'plain' }] }
  }
  const weight: Readonly<Record<Change['field'], number>> = { dst: 4, src: 4, mark: 2, ttl: 1, eth: 0, other: 0 }
  let best: Change | undefined
  for (const c of changes) if (best === undefined || weight[c.field] >= weight[best.field]) best = c
  if (best !== undefined) return changeNote(best, box)
  return translated === undefined ? undefined : changeNote(translated.change, translated.box)
}

function changeNote(best: Change, box: string | undefined): Note {
  return {
    key: `${best.field} ${best.seq}`,
    box,
    tone: best.field === 'dst' || best.field === 'src' ? 'nat' : 'plain',
    parts: [
      ...(best.field === 'eth' ? [{ text: 'eth.dst ', as: 'plain' as const }] : []),
      ...(best.from === ''
        ? []
        : [
            { text: best.from, as: 'old' as const },
            { text: ' → ', as: 'plain' as const },
          ]),
      { text: best.to, as: 'new' },
    ],
  }
}
