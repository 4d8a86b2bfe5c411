import type { StateCreator } from 'zustand/vanilla'
import type { Trace } from '../trace/trace.ts'
import { TraceAssembler } from '../trace/wire.ts'
import type { WorkerClient } from '../worker/client.ts'
import type { WorkerFailure } from '../worker/protocol.ts'
import type { World } from '../world/world.ts'
import { openingSeq } from './playhead.ts'
import type { Scenarios } from './scenarios.ts'
import { sessionInPauses } from './session.ts'
import { sourceOf } from './source.ts'
import { type AppState, type Bookmark, isPanel, type OpenOptions, type OpenSlice } from './state.ts'

export interface Services {
  readonly client: WorkerClient
  readonly scenarios: Scenarios
  /** ms; the page's clock. */
  readonly clock: () => number
  /** Lets the page draw. */
  readonly pause: () => Promise<void>
}

const HISTORY = 50

export const createOpenSlice =
  (services: Services): StateCreator<AppState, [], [], OpenSlice> =>
  (set, get) => {
    let cancelCurrent: (() => void) | undefined
    /** The world of the trace that came last: another one that begins there comes without it. */
    let known: { readonly name: string; readonly world: World } | undefined
    /** Only the newest wish may change the page: an older answer that comes late is dropped. */
    let wish = 0

    const bookmark = (): Bookmark[] => {
      const { session, seq } = get()
      return session === undefined ? [] : [{ document: session.document, provenance: session.provenance, seq }]
    }

    const failed = (failure: WorkerFailure, options: OpenOptions) => {
      if (failure.kind === 'cancelled') return
      const text = options.text === undefined ? {} : { text: options.text }
      set({
        failure:
          failure.kind === 'crash'
            ? { kind: 'crash', errors: [{ kind: 'input', message: failure.message }] }
            : { kind: options.failure ?? 'open', errors: failure.errors, ...text },
      })
    }

    const openSource: OpenSlice['openSource'] = async (source, options = {}) => {
      const mine = ++wish
      cancelCurrent?.()
      const title =
        options.title ?? (source.kind === 'document' ? source.document.title : source.files.map((f) => f.name).join(', '))
      set({ opening: { title, progress: undefined, since: services.clock() }, playing: false })
      const assembler = new TraceAssembler(known?.world)
      let trace: Trace | undefined
      const call = services.client.call('open', known === undefined ? source : { ...source, have: known.name }, {
        onProgress: (progress) => {
          const { opening } = get()
          if (mine === wish && opening !== undefined) set({ opening: { ...opening, progress } })
        },
        onItem: (chunk) => {
          trace = assembler.add(chunk) ?? trace
        },
      })
      cancelCurrent = call.cancel
      const answer = await call.done
      if (mine !== wish) return false
      if (!answer.ok) {
        cancelCurrent = undefined
        set({ opening: undefined })
        failed(answer.error, options)
        return false
      }
      if (trace === undefined) throw new Error('the worker answered without a whole trace')
      const { document, times, imported, world } = answer.value
      known = { name: world, world: trace.initial }
      const provenance =
        imported === undefined ? (options.provenance ?? { kind: 'own' as const }) : { kind: 'imported' as const, files: imported }
      const session = await sessionInPauses({ trace, indexes: assembler.indexes, document, provenance, times }, services.pause)
      if (mine !== wish) return false
      const view = options.view ?? document.view ?? {}
      const panel = view.panels?.find(isPanel)
      const { past, panel: shown } = get()
      set({
        session,
        opening: undefined,
        failure: undefined,
        seq: openingSeq(session, view),
        playing: false,
        followed: view.follow !== undefined && view.follow < session.reader.trace.packets.length ? view.follow : undefined,
        selection: {},
        pinned: undefined,
        notesHidden: false,
        draft: undefined,
        panel: panel ?? shown,
        ...(options.remember === true ? { past: [...past, ...bookmark()].slice(-HISTORY), future: [] } : {}),
      })
      if (view.language !== undefined) get().setPreferences({ lang: view.language })
      return true
    }

    /** Opens a bookmark and, when that worked, moves it from one history to the other. */
    const travel = async (from: 'past' | 'future', to: 'past' | 'future') => {
      const target = get()[from].at(-1)
      if (target === undefined) return false
      const here = bookmark()
      const opened = await openSource(sourceOf(target), { provenance: target.provenance, view: { step: target.seq } })
      if (opened) {
        const moved = { [from]: get()[from].slice(0, -1), [to]: [...get()[to], ...here] }
        set(moved as Partial<Pick<OpenSlice, 'past' | 'future'>>)
      }
      return opened
    }

    return {
      session: undefined,
      opening: undefined,
      failure: undefined,
      past: [],
      future: [],
      openSource,
      openLibrary: async (id, view) => {
        const mine = ++wish
        const entry = services.scenarios.get(id) ?? (await services.scenarios.find(id))
        if (mine !== wish) return false
        if (entry === undefined) {
          set({ failure: { kind: 'link', errors: [{ kind: 'input', message: `there is no built-in scenario ${id}` }] } })
          return false
        }
        return openSource(
          { kind: 'document', document: entry.document },
          {
            provenance: { kind: 'library', id },
            title: entry.title[get().preferences.lang],
            ...(view === undefined ? {} : { view }),
          },
        )
      },
      openFiles: (files) =>
        openSource({ kind: 'files', files }, { remember: true, ...(files.length === 1 ? { text: files[0]?.text ?? '' } : {}) }),
      openText: (text, file) =>
        openSource({ kind: 'files', files: [{ name: file, text }] }, { remember: true, text, provenance: ownOrEdited(get()) }),
      run: async (journey) => {
        const { session } = get()
        if (session === undefined) return false
        const { provenance } = session
        const document = { ...session.document, journeys: [journey] }
        const source =
          provenance.kind === 'imported'
            ? { kind: 'files' as const, files: provenance.files, journeys: [journey] }
            : { kind: 'document' as const, document }
        return openSource(source, { provenance, remember: true, title: journey.run, failure: 'run', view: {} })
      },
      undo: () => travel('past', 'future'),
      redo: () => travel('future', 'past'),
      cancel: () => {
        wish++
        cancelCurrent?.()
        cancelCurrent = undefined
        set({ opening: undefined })
      },
      fail: (failure) => set({ failure }),
      dismissFailure: () => set({ failure: undefined }),
    }
  }

/**
 * An edited built-in scenario still is that one, with changes: its link stays short. A refused text that was mended is not: it
 * never had to do with what is open.
 */
const ownOrEdited = (state: AppState) =>
  state.draft === undefined && state.session?.provenance.kind === 'library' ? state.session.provenance : { kind: 'own' as const }
