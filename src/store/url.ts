import { applyChanges } from '../scenario/changes.ts'
import type { LinkState } from '../scenario/link.ts'
import type { AppStore } from './app.ts'
import { linkStateOf, opensTheSame } from './link-state.ts'
import { openingSeq } from './playhead.ts'
import type { Scenarios } from './scenarios.ts'
import { isPanel } from './state.ts'

/** The browser's address bar and history, as far as they are used: tests put their own in its place. */
export interface Address {
  hash(): string
  push(hash: string): void
  replace(hash: string): void
  onChange(listener: () => void): void
}

/** Browsers refuse more than some two hundred history changes in half a minute. */
const QUIET = 350

const codec = () => import('../scenario/link.ts')

/**
 * Keeps the address saying what is on screen, both ways: opening something else makes a history entry, a step or a panel only
 * changes the one that is there.
 */
export class UrlSync {
  readonly #store: AppStore
  readonly #address: Address
  readonly #scenarios: Scenarios
  /** What the address says already. */
  #said: LinkState | undefined
  #written = ''
  #timer: ReturnType<typeof setTimeout> | undefined
  #reading = false

  constructor(input: { store: AppStore; address: Address; scenarios: Scenarios }) {
    this.#store = input.store
    this.#address = input.address
    this.#scenarios = input.scenarios
  }

  /** Opens what the address names, the fallback scenario when it names nothing or nothing readable. */
  async start(): Promise<void> {
    this.#address.onChange(() => void this.#read())
    await this.#read()
    const { session, failure } = this.#store.getState()
    if (session === undefined) {
      await this.#store.getState().openLibrary(this.#scenarios.first.id)
      // What was wrong with the address must be read, though something else is open now.
      if (failure !== undefined) this.#store.getState().fail(failure)
    }
    this.#said = linkStateOf(this.#store.getState(), this.#scenarios)
    this.#store.subscribe((now, before) => {
      if (this.#reading) return
      const opened = now.session !== before.session
      const moved =
        now.seq !== before.seq ||
        now.followed !== before.followed ||
        now.panel !== before.panel ||
        now.stageView !== before.stageView ||
        now.footView !== before.footView ||
        now.preferences.lang !== before.preferences.lang
      if (!opened && !moved) return
      clearTimeout(this.#timer)
      this.#timer = setTimeout(() => void this.#write(), opened ? 0 : QUIET)
    })
  }

  /** The whole address of what is on screen; undefined when it has none. */
  async link(): Promise<string | undefined> {
    const state = linkStateOf(this.#store.getState(), this.#scenarios)
    if (state === undefined) return undefined
    const { encodeLink } = await codec()
    const hash = await encodeLink(state)
    this.#said = state
    this.#written = hash
    this.#address.replace(hash)
    return hash
  }

  async #write(): Promise<void> {
    const state = linkStateOf(this.#store.getState(), this.#scenarios)
    if (state === undefined) {
      // Nothing names what is open now; the address must not go on naming what was.
      if (this.#said !== undefined) this.#address.push('#')
      this.#said = undefined
      this.#written = ''
      return
    }
    const { encodeLink } = await codec()
    const hash = await encodeLink(state)
    if (hash === this.#written) return
    const pushes = this.#said !== undefined && !opensTheSame(this.#said, state)
    this.#said = state
    this.#written = hash
    if (pushes) this.#address.push(hash)
    else this.#address.replace(hash)
  }

  async #read(): Promise<void> {
    const hash = this.#address.hash()
    if (hash === '' || hash === '#') {
      if (this.#said === undefined) return
      // Going back to the bare address must not write: a new history entry would take "forward" away.
      clearTimeout(this.#timer)
      this.#reading = true
      await this.#store.getState().openLibrary(this.#scenarios.first.id)
      this.#reading = false
      this.#said = linkStateOf(this.#store.getState(), this.#scenarios)
      this.#written = hash
      return
    }
    if (hash === this.#written) return
    const { decodeLink, formatLinkError } = await codec()
    const decoded = await decodeLink(hash)
    if (!decoded.ok) {
      this.#store.getState().fail({ kind: 'link', errors: [{ kind: 'input', message: formatLinkError(decoded.error) }] })
      return
    }
    clearTimeout(this.#timer)
    this.#reading = true
    const opened = await this.#open(decoded.value)
    this.#reading = false
    if (opened) {
      this.#said = decoded.value
      this.#written = hash
    }
  }

  async #open(link: LinkState): Promise<boolean> {
    const store = this.#store.getState()
    const here = linkStateOf(store, this.#scenarios)
    if (here !== undefined && opensTheSame(here, link)) this.#show(link)
    else if (link.kind === 'document') {
      const view = link.view === undefined ? {} : { view: link.view }
      if (!(await store.openSource({ kind: 'document', document: link.document }, { failure: 'link', ...view }))) return false
    } else if (!(await this.#openLibrary(link))) return false
    this.#showPanels(link)
    return true
  }

  async #openLibrary(link: LinkState & { readonly kind: 'library' }): Promise<boolean> {
    const store = this.#store.getState()
    const base = await this.#scenarios.find(link.id)
    // The store says that there is none.
    if (base === undefined) return store.openLibrary(link.id)
    const document = applyChanges(base.document, link.changes)
    const view = link.view === undefined ? {} : { view: link.view }
    return store.openSource(
      { kind: 'document', document },
      { provenance: { kind: 'library', id: link.id }, failure: 'link', ...view },
    )
  }

  #show(link: LinkState): void {
    const { session } = this.#store.getState()
    if (session === undefined) return
    this.#store.setState({ seq: openingSeq(session, link.view), followed: link.view?.follow, playing: false })
    if (link.view?.language !== undefined) this.#store.getState().setPreferences({ lang: link.view.language })
  }

  #showPanels(link: LinkState): void {
    const panels = link.view?.panels ?? []
    const panel = panels.find(isPanel)
    this.#store.setState({
      stageView: panels.includes('map') ? 'map' : 'diagram',
      footView: panels.includes('events') ? 'events' : 'ladder',
      ...(panel === undefined ? {} : { panel }),
    })
  }
}
