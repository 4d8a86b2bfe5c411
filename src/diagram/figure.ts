import type { HookName } from '../world/netfilter.ts'
import type { NetnsRole } from '../world/records.ts'
import type { Point, Rect } from './geometry.ts'
import type { Polyline } from './polyline.ts'
import { FONTS, fitText, type Measure, type TextStyle } from './text.ts'

// What a layout is made of: boxes, labels, roads. All coordinates are absolute, in CSS pixels at zoom 1.

/** `stack` is a whole network stack drawn as one place: pods and quiet machines. */
export type GateName = HookName | 'routing' | 'local' | 'stack'

export type BoxKind =
  | { readonly kind: 'machine'; readonly role: NetnsRole }
  | { readonly kind: 'pod' }
  /** The part of a machine that is its root namespace's IP stack. */
  | { readonly kind: 'region' }
  /** A bridge: `ticks` are the x where ports touch its edge; the road along it is at the dock's y. */
  | { readonly kind: 'bridge'; readonly ticks: readonly Point[] }
  | { readonly kind: 'device'; readonly link: string; readonly up: boolean }
  | { readonly kind: 'gate'; readonly gate: GateName }
  | { readonly kind: 'container'; readonly name: string }

export interface Box {
  /** Netns id for machines and pods, device id for devices and bridges, `gate:<netns name>/<gate>`, `container:<netns name>/<name>`. */
  readonly id: string
  readonly rect: Rect
  readonly of: BoxKind
  /** Netns id of the namespace it belongs to: for a pod's own things the pod's. */
  readonly netns: string
  /** The box around it. */
  readonly parent: string | undefined
  /** In full, for a screen reader and for tooltips. */
  readonly name: string
  /** Where a packet rests here; absent for boxes that hold no packet. */
  readonly dock?: Point
  /** Free room inside for a word that changes from step to step. */
  readonly slot?: Rect
  /** Free room near it for a callout, kept clear of every label and road. */
  readonly callout?: Rect
}

export type LabelTone = 'strong' | 'normal' | 'muted' | 'faint'

export interface Label {
  /** As drawn; `full` when it had to be shortened. */
  readonly text: string
  readonly full: string
  readonly rect: Rect
  readonly style: TextStyle
  readonly tone: LabelTone
  /** The box whose inside holds it. */
  readonly box: string
  /** Gives way to what the gate did, when there is something to say. */
  readonly resting: boolean
}

type RoadKind = 'stack' | 'port' | 'veth' | 'link' | 'process'

/** A way between two places, walked from `from` to `to`; and backwards too when `both`. Corners are sharp here. */
export interface Road {
  readonly from: string
  readonly to: string
  readonly kind: RoadKind
  readonly both: boolean
  readonly points: Polyline
}

export interface Layout {
  readonly bounds: Rect
  readonly boxes: readonly Box[]
  readonly labels: readonly Label[]
  readonly roads: readonly Road[]
  readonly box: ReadonlyMap<string, Box>
  /** What has no box of its own, by netns or device id: the box that stands for it. */
  readonly inside: ReadonlyMap<string, string>
}

/** Words on the drawing that are not names; kernel terms where there is one. */
export interface Words {
  readonly routing: string
  readonly local: string
  readonly process: string
  readonly stack: string
  /** The network namespace that a machine boots with. */
  readonly root: string
  readonly pods: (n: number) => string
  readonly nodes: (n: number) => string
  readonly ports: (n: number) => string
}
export const WORDS_EN: Words = {
  routing: 'routing',
  local: 'local process',
  process: 'process',
  stack: 'stack',
  root: 'root netns',
  pods: (n) => (n === 1 ? '1 pod' : `${n} pods`),
  nodes: (n) => (n === 1 ? '1 node' : `${n} nodes`),
  ports: (n) => (n === 1 ? '1 port' : `${n} ports`),
}
export const WORDS_ZH: Words = {
  routing: '路由',
  local: '本地进程',
  process: '进程',
  stack: '协议栈',
  root: '根网络命名空间',
  pods: (n) => `${n} 个 Pod`,
  nodes: (n) => `${n} 个节点`,
  ports: (n) => `${n} 个端口`,
}

export const gateId = (netns: string, gate: GateName): string => `gate:${netns.slice('netns:'.length)}/${gate}`
export const containerId = (netns: string, name: string): string => `container:${netns.slice('netns:'.length)}/${name}`

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

const move = (p: Point, dx: number, dy: number): Point => ({ x: p.x + dx, y: p.y + dy })
const moveRect = (r: Rect, dx: number, dy: number): Rect => ({ x: r.x + dx, y: r.y + dy, w: r.w, h: r.h })

/** A drawing under construction, around its own origin until it is put into another. */
export class Sketch {
  readonly measure: Measure
  readonly boxes: Mutable<Box>[] = []
  readonly labels: Label[] = []
  readonly roads: Road[] = []
  readonly #docks = new Map<string, Point>()
  readonly #inside = new Map<string, string>()

  constructor(measure: Measure) {
    this.measure = measure
  }

  box(box: Box): void {
    this.boxes.push(box)
    if (box.dock !== undefined) this.#docks.set(box.id, box.dock)
  }

  /** `ids`, which are not drawn, are looked for in `box`. */
  stand(box: string, ids: readonly string[]): void {
    for (const id of ids) this.#inside.set(id, box)
  }

  get inside(): ReadonlyMap<string, string> {
    return this.#inside
  }

  /** Where a packet rests in a box of this sketch, by box id. */
  get docks(): ReadonlyMap<string, Point> {
    return this.#docks
  }

  /** Puts a text at (x, y) within `width`, shortened when it must be; nothing when there is no room at all. Returns its width. */
  label(spec: {
    readonly text: string
    /** When `text` is a shortened form already. */
    readonly full?: string
    readonly x: number
    readonly y: number
    readonly width: number
    readonly style: TextStyle
    readonly box: string
    readonly tone?: LabelTone
    readonly resting?: boolean
  }): number {
    const font = FONTS[spec.style]
    const text = fitText(spec.text, spec.style, spec.width, this.measure)
    if (text === '' || text === '…') return 0
    const w = Math.min(this.measure(text, spec.style), spec.width)
    this.labels.push({
      text,
      full: spec.full ?? spec.text,
      rect: { x: spec.x, y: spec.y, w, h: font.line },
      style: spec.style,
      tone: spec.tone ?? 'normal',
      box: spec.box,
      resting: spec.resting ?? false,
    })
    return w
  }

  road(road: Road): void {
    this.roads.push(road)
  }

  /** Copies `other` into this one, moved by (dx, dy). */
  put(other: Sketch, dx: number, dy: number): void {
    for (const b of other.boxes) {
      const of = b.of.kind === 'bridge' ? { kind: 'bridge' as const, ticks: b.of.ticks.map((p) => move(p, dx, dy)) } : b.of
      this.box({
        ...b,
        of,
        rect: moveRect(b.rect, dx, dy),
        ...(b.dock && { dock: move(b.dock, dx, dy) }),
        ...(b.slot && { slot: moveRect(b.slot, dx, dy) }),
        ...(b.callout && { callout: moveRect(b.callout, dx, dy) }),
      })
    }
    for (const [id, box] of other.inside) this.#inside.set(id, box)
    for (const l of other.labels) this.labels.push({ ...l, rect: moveRect(l.rect, dx, dy) })
    for (const r of other.roads) this.roads.push({ ...r, points: r.points.map((p) => move(p, dx, dy)) })
  }
}
