import { createRoot } from 'react-dom/client'
import { podToServiceRemote } from './library/pod-to-service-remote.ts'
import { createAppStore } from './store/app.ts'
import { Scenarios } from './store/scenarios.ts'
import { sourceOf } from './store/source.ts'
import { App } from './ui/app.tsx'
import { AppContext, type AppContextValue } from './ui/context.tsx'
import { loadWords } from './ui/i18n/words.ts'
import { loadStage } from './ui/shell/stage-area.tsx'
import { WorkerClient } from './worker/client.ts'

const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no #root')

/** Reading `localStorage` itself throws where the browser forbids it. */
function storage(): Storage | undefined {
  try {
    return localStorage
  } catch {
    return undefined
  }
}

// The flagship opens with the page; the other scenarios may come after its first frame.
const scenarios = new Scenarios(podToServiceRemote, async () => (await import('./library/index.ts')).LIBRARY)
const client = new WorkerClient(
  () => new Worker(new URL('./worker/host.ts', import.meta.url), { type: 'module', name: 'hopscope' }),
)
const store = createAppStore({
  client,
  scenarios,
  clock: () => performance.now(),
  pause: () => new Promise((resolve) => setTimeout(resolve)),
  storage: storage(),
  browserLanguage: navigator.language,
})
/** Loaded when it is needed: at once for a link, after the first frame otherwise. */
const url = async () => {
  const { UrlSync } = await import('./store/url.ts')
  return new UrlSync({
    store,
    scenarios,
    address: {
      hash: () => location.hash,
      push: (hash) => history.pushState(null, '', hash),
      replace: (hash) => history.replaceState(null, '', hash),
      onChange: (listener) => {
        addEventListener('popstate', listener)
        addEventListener('hashchange', listener)
      },
    },
  })
}
const named = location.hash.length > 1
// The run is under way before the page knows how it will look.
const opened = named ? undefined : store.getState().openLibrary(scenarios.first.id)
const synced = (async () => {
  await opened
  const sync = await url()
  await sync.start()
  return sync
})()

const context: AppContextValue = {
  store,
  scenarios,
  actions: {
    toYaml: async () => {
      const { session } = store.getState()
      if (session === undefined) return undefined
      const text = await client.call('toYaml', session.document).done
      return text.ok ? text.value : undefined
    },
    lab: async (session) => {
      const script = await client.call('lab', sourceOf(session)).done
      return script.ok ? script.value : undefined
    },
    debug: async (session, question) => {
      const report = await client.call('debug', { source: sourceOf(session), question }).done
      return report.ok ? report.value : undefined
    },
    validate: async (text, file) => {
      const result = await client.call('validate', { text, file }).done
      if (result.ok || result.error.kind === 'cancelled') return []
      return result.error.kind === 'input' ? result.error.errors : [{ message: result.error.message }]
    },
    share: async () => {
      const hash = await (await synced).link()
      if (hash === undefined) return 'none'
      try {
        await navigator.clipboard.writeText(location.href)
        return 'copied'
      } catch {
        return 'refused'
      }
    },
  },
}

/** On the browser's console: what `traceHash` says of the open run, to compare it with the same run in another engine. */
Object.assign(globalThis, {
  hopscope: {
    traceHash: async () => {
      const { session } = store.getState()
      if (session === undefined) return undefined
      return (await import('./trace/hash.ts')).traceHash(session.reader.trace)
    },
  },
})

void loadStage()
await loadWords(store.getState().preferences.lang)
createRoot(root).render(
  <AppContext value={context}>
    <App />
  </AppContext>,
)
