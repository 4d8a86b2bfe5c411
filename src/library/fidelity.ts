import kept from './fidelity.json'

/** What of a run on a real kernel was compared with the engine's. */
export interface FidelityFigures {
  /** Frames, byte by byte, on every device. */
  readonly frames: number
  /** Rules whose counters were compared, and how many of them a packet had hit. */
  readonly rules: number
  readonly hits: number
  /** Packets' ways through a base chain, rule by rule; 0 where the kernel was not asked for them. */
  readonly walks: number
  /** Entries of the tables at the end: neighbours, FDB, routes, addresses, device counters, conntrack, sockets. */
  readonly entries: number
  readonly differences: number
}

export interface ScenarioFidelity extends FidelityFigures {
  readonly kernel: string
  /** A scenario of the library; the others are test cases that nobody plays. */
  readonly builtIn: boolean
}

/** Random networks on a real kernel; nothing has been kept of any when `cases` is 0. */
export interface FuzzFidelity {
  readonly kernel: string
  readonly cases: number
  readonly alike: number
  readonly different: number
  /** A packet met what the engine says it does not model. */
  readonly undetermined: number
  /** Runs of the kernel differ from each other as much as from the engine's. Absent: none. */
  readonly unsteady?: number
  /** Not put to a kernel, each with a reason: it could not be made to do the same. Absent: none. */
  readonly refused?: number
  /** Packets' ways through a base chain, rule by rule, in so many of the networks. Absent: none. */
  readonly walks?: number
  readonly traced?: number
  readonly frames: number
  readonly rules: number
  readonly hits: number
  readonly entries: number
}

/** Kinds of what a run uses of the engine, in the order that they are shown in. */
export type ExercisedKind = 'devices' | 'hooks' | 'matches' | 'targets' | 'nftables' | 'sysctls' | 'programs' | 'steps' | 'drops'

export interface ExercisedBy {
  readonly scenarios: number
  readonly networks: number
}

/** Something that the comparison levels, with its reason. */
export interface Levelled {
  readonly name: string
  readonly of: string
  readonly title: { readonly en: string; readonly zh: string }
  readonly reason: { readonly en: string; readonly zh: string }
}

export interface Fidelity {
  /** Kernels that ran the scenarios, `Linux 6.18.44`, each with how many. */
  readonly kernels: Readonly<Record<string, number>>
  /** Tools that read the kernel's side, by name, each with what it says of its version. */
  readonly tools: Readonly<Record<string, string>>
  readonly totals: FidelityFigures & { readonly scenarios: number }
  /** By id, the built-in ones first and in their order. */
  readonly scenarios: Readonly<Record<string, ScenarioFidelity>>
  readonly fuzz: FuzzFidelity
  /** What the compared runs used: by kind and name, in how many scenarios and in how many random networks. */
  readonly exercised: Readonly<Record<ExercisedKind, Readonly<Record<string, ExercisedBy>>>>
  /** What the comparison levels; the list that its code rests on. */
  readonly levelled: readonly Levelled[]
}

/**
 * What was compared with a real Linux kernel: made by `npm run kernel -- --record` (or `--summary`) from the recordings in
 * e2e/kernel/recordings, which a test holds it to.
 */
export const FIDELITY: Fidelity = kept
