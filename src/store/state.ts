import type { InputError, JourneySpec, ScenarioDocument, ViewSpec } from '../scenario/document.ts'
import type { InputFile, OpenSource, Progress } from '../worker/protocol.ts'
import type { Granularity, Preferences } from './preferences.ts'
import type { Provenance, Session } from './session.ts'

// The store holds choices, not derived data: what is open, where the playhead is, what is selected, what is shown.

/** The inspectors, in the order of their number keys. */
export const PANELS = [
  'neigh',
  'fdb',
  'routes',
  'iptables',
  'conntrack',
  'sockets',
  'sysctl',
  'objects',
  'console',
  'debug',
  'ipvs',
] as const
export type PanelName = (typeof PANELS)[number]
/** The key that shows the n-th of them: ten digits, and no more. */
export const panelKey = (n: number): string | undefined => (n < 10 ? String((n + 1) % 10) : undefined)
export const isPanel = (name: string): name is PanelName => (PANELS as readonly string[]).includes(name)

/** Why nothing new was opened. What was open stays. */
export interface Failure {
  readonly kind: 'open' | 'run' | 'link' | 'crash'
  readonly errors: readonly InputError[]
  /** The text that was refused, so that it can be mended in the editor. */
  readonly text?: string
}

export interface Opening {
  readonly title: string
  readonly progress: Progress | undefined
  /** ms of the page's clock, to keep a quick opening from flickering. */
  readonly since: number
}

/** Enough to open a document again. */
export interface Bookmark {
  readonly document: ScenarioDocument
  readonly provenance: Provenance
  readonly seq: number
}

export interface OpenOptions {
  readonly provenance?: Provenance
  readonly view?: ViewSpec
  /** Keep what is open now in the undo history. */
  readonly remember?: boolean
  readonly title?: string
  readonly failure?: Failure['kind']
  readonly text?: string
}

export interface OpenSlice {
  readonly session: Session | undefined
  readonly opening: Opening | undefined
  readonly failure: Failure | undefined
  readonly past: readonly Bookmark[]
  readonly future: readonly Bookmark[]
  /** Each opens or fails whole; true when it opened. */
  openSource(source: OpenSource, options?: OpenOptions): Promise<boolean>
  openLibrary(id: string, view?: ViewSpec): Promise<boolean>
  openFiles(files: readonly InputFile[]): Promise<boolean>
  openText(text: string, file: string): Promise<boolean>
  run(journey: JourneySpec): Promise<boolean>
  undo(): Promise<boolean>
  redo(): Promise<boolean>
  cancel(): void
  fail(failure: Failure): void
  dismissFailure(): void
}

export interface PlayheadSlice {
  /** The step whose state is shown; -1 before the first. */
  readonly seq: number
  readonly playing: boolean
  readonly speed: number
  readonly granularity: Granularity
  seek(seq: number): void
  /** One halt forwards or backwards, in the chosen granularity or the one given. */
  step(direction: 1 | -1, granularity?: Granularity): void
  packetStep(direction: 1 | -1): void
  play(): void
  pause(): void
  setSpeed(speed: number): void
  setGranularity(granularity: Granularity): void
}

/** What a click on the diagram or a table chose. */
export interface Selection {
  readonly netns?: string
  readonly device?: string
  readonly record?: string
  /** A gate of the netfilter road: `PREROUTING`, `routing` … */
  readonly gate?: string
}

export interface SelectionSlice {
  /** The followed packet; undefined follows whatever packet the current step is about. */
  readonly followed: number | undefined
  readonly selection: Selection
  /** The namespace that the tables show; undefined shows where the packet is. */
  readonly pinned: string | undefined
  follow(packet: number | undefined): void
  select(selection: Selection): void
  pin(netns: string | undefined): void
}

export type Dialog = 'open' | 'edit' | 'keys' | 'palette' | 'lab' | 'fidelity'
export type MobileTab = 'stage' | 'packet' | 'tables' | 'events' | 'scenarios'

export interface ViewSlice {
  readonly panel: PanelName
  readonly stageView: 'diagram' | 'map'
  readonly footView: 'ladder' | 'events'
  readonly mobileTab: MobileTab
  readonly drawer: boolean
  readonly dialog: Dialog | undefined
  /** Text that the editor opens with instead of the document: input that was refused. */
  readonly draft: { readonly text: string; readonly errors: readonly InputError[] } | undefined
  readonly notesHidden: boolean
  readonly preferences: Preferences
  showPanel(panel: PanelName): void
  set(view: Partial<Pick<ViewSlice, 'stageView' | 'footView' | 'mobileTab' | 'drawer' | 'notesHidden' | 'draft'>>): void
  openDialog(dialog: Dialog | undefined): void
  setPreferences(change: Partial<Preferences>): void
}

export interface AppState extends OpenSlice, PlayheadSlice, SelectionSlice, ViewSlice {}
