import { useEffect, useRef, useState } from 'react'
import { chipLabel } from '../../../net/summary.ts'
import type { Session } from '../../../store/session.ts'
import { stepText } from '../../../trace/step-text.ts'
import { placeOf } from '../../place.ts'

/** What a line of the list shows, as words to search in: cheap enough for every step of a long run, unlike a sentence. */
function haystack(session: Session, seq: number, stack: string): string {
  const { reader } = session
  const event = reader.event(seq)
  const label = event.packet < 0 ? '' : chipLabel(reader.packetAt(event.packet, seq))
  return `${placeOf(event.netns, event.device, stack)} ${stepText(reader, seq)} ${event.step.kind} ${label}`.toLowerCase()
}

export const wordsOf = (filter: string): string[] => filter.toLowerCase().split(/\s+/).filter(Boolean)

/** Steps between two looks at the clock. */
const STRIDE = 128

/** The candidates that have every word, ascending. Gives way every few hundred microseconds, to be stopped or put off. */
export function* search(
  session: Session,
  words: readonly string[],
  candidates: Int32Array | undefined,
  stack: string,
): Generator<undefined, Int32Array> {
  const out: number[] = []
  const count = candidates?.length ?? session.length
  for (let i = 0; i < count; i++) {
    if (i % STRIDE === STRIDE - 1) yield
    const seq = candidates === undefined ? i : (candidates[i] as number)
    const hay = haystack(session, seq, stack)
    if (words.every((w) => hay.includes(w))) out.push(seq)
  }
  return Int32Array.from(out)
}

/** Whatever has every one of `words` has every one of `earlier` too. */
export const narrows = (words: readonly string[], earlier: readonly string[]): boolean =>
  earlier.every((e) => words.some((w) => w.includes(e)))

/** ms of searching between two frames' worth of rest. */
const SLICE = 8

interface Found {
  readonly session: Session
  readonly packet: number | undefined
  readonly words: readonly string[]
  readonly list: Int32Array | undefined
}

/**
 * seqs that match every word of the filter, undefined for all of them. A long run is searched in slices, with what was found
 * before shown meanwhile; a filter that goes on where the last one ended searches only what that had found.
 */
export function useMatching(input: {
  readonly session: Session
  readonly filter: string
  readonly packet: number | undefined
  readonly stack: string
}): { readonly list: Int32Array | undefined; readonly busy: boolean } {
  const { session, filter, packet, stack } = input
  const key = wordsOf(filter).join(' ')
  const [found, setFound] = useState<Found>({ session, packet: undefined, words: [], list: undefined })
  const last = useRef(found)
  last.current = found
  useEffect(() => {
    const words = wordsOf(key)
    const earlier = last.current
    const same = earlier.session === session && earlier.packet === packet
    const every = packet === undefined ? undefined : session.packets.seqsOf(packet)
    const candidates = same && narrows(words, earlier.words) ? earlier.list : every
    const done = (list: Int32Array | undefined) => setFound({ session, packet, words, list })
    if (words.length === 0) {
      done(every)
      return
    }
    const searching = search(session, words, candidates, stack)
    let timer: ReturnType<typeof setTimeout> | undefined
    const slice = () => {
      const until = performance.now() + SLICE
      for (;;) {
        const next = searching.next()
        if (next.done === true) return done(next.value)
        if (performance.now() > until) break
      }
      timer = setTimeout(slice)
    }
    slice()
    return () => clearTimeout(timer)
  }, [session, key, packet, stack])
  const current = found.session === session
  return {
    list: current ? found.list : undefined,
    busy: !current || found.packet !== packet || found.words.join(' ') !== key,
  }
}
