import { createRoot } from 'react-dom/client'
import { DEFAULT_SCENARIO, LIBRARY } from './library/index.ts'
import { createAppStore } from './store/app.ts'
import { UrlSync } from './store/url.ts'
import { App } from './ui/app.tsx'
import { AppContext, type AppContextValue } from './ui/context.tsx'
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

const client = new WorkerClient(
  () => new Worker(new URL('./worker/host.ts', import.meta.url), { type: 'module', name: 'hopscope' }),
)
const store = createAppStore({
  client,
  scenarios: LIBRARY,
  clock: () => performance.now(),
  storage: storage(),
  browserLanguage: navigator.language,
})
const url = new UrlSync({
  store,
  scenarios: LIBRARY,
  fallback: DEFAULT_SCENARIO,
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

const context: AppContextValue = {
  store,
  scenarios: LIBRARY,
  actions: {
    toYaml: async () => {
      const { session } = store.getState()
      if (session === undefined) return undefined
      const text = await client.call('toYaml', session.document).done
      return text.ok ? text.value : undefined
    },
    validate: async (text, file) => {
      const result = await client.call('validate', { text, file }).done
      if (result.ok || result.error.kind === 'cancelled') return []
      return result.error.kind === 'input' ? result.error.errors : [{ message: result.error.message }]
    },
    share: async () => {
      const hash = await url.link()
      if (hash === undefined) return false
      try {
        await navigator.clipboard.writeText(location.href)
        return true
      } catch {
        return false
      }
    },
  },
}

// The run is under way while React draws its first frame.
void url.start()
createRoot(root).render(
  <AppContext value={context}>
    <App />
  </AppContext>,
)
