import type { ScenarioDocument } from '../scenario/document.ts'

type Localized = { readonly en: string; readonly zh: string }

/** A built-in scenario as the page shows and opens it. */
export interface ScenarioEntry {
  readonly id: string
  readonly group: { readonly id: string; readonly title: Localized }
  readonly title: Localized
  readonly intro: Localized
  /** How it ends; absent when nothing is promised. */
  readonly badge?: 'answered' | 'refused' | 'timed-out' | 'unreachable' | 'unresolved'
  readonly document: ScenarioDocument
}

/** The built-in scenarios: the one that opens first is there at once, the others when they have been loaded. */
export class Scenarios {
  readonly first: ScenarioEntry
  readonly #loaded = new Map<string, ScenarioEntry>()
  readonly #load: () => Promise<readonly ScenarioEntry[]>
  #all: Promise<readonly ScenarioEntry[]> | undefined

  constructor(first: ScenarioEntry, load: () => Promise<readonly ScenarioEntry[]>) {
    this.first = first
    this.#loaded.set(first.id, first)
    this.#load = load
  }

  /** Every scenario, in the order of the list. The same promise every time. */
  all(): Promise<readonly ScenarioEntry[]> {
    this.#all ??= this.#load().then((entries) => {
      for (const entry of entries) this.#loaded.set(entry.id, entry)
      return entries
    })
    return this.#all
  }

  /** One of those loaded already. */
  get(id: string): ScenarioEntry | undefined {
    return this.#loaded.get(id)
  }

  async find(id: string): Promise<ScenarioEntry | undefined> {
    if (!this.#loaded.has(id)) await this.all()
    return this.#loaded.get(id)
  }
}
