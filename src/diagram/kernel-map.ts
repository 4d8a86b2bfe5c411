import type { Point, Rect } from './geometry.ts'

// The packet-flow chart of one network namespace, as plain geometry: the link layer below, the IP layer with its hooks above
// it, the local processes on top. Columns are hooks, rows are what is registered there, in order of priority
// (include/uapi/linux/netfilter_ipv4.h, enum nf_ip_hook_priorities; conntrack's confirmation comes last).

type MapHook = 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT' | 'POSTROUTING'

export interface MapCell {
  /** `PREROUTING/nat`, `routing`, `neighbour` … */
  readonly id: string
  readonly rect: Rect
  readonly label: string
  /** Priority in its hook; absent for stages that are no hook. */
  readonly priority?: string
  readonly hook?: MapHook
  readonly kind: 'table' | 'conntrack' | 'decision' | 'stage' | 'process' | 'device'
}

interface MapColumn {
  readonly hook: MapHook
  readonly title: Rect
  readonly rect: Rect
}

interface KernelChart {
  readonly bounds: Rect
  readonly cells: readonly MapCell[]
  readonly columns: readonly MapColumn[]
  readonly edges: readonly { readonly points: readonly Point[]; readonly dashed: boolean }[]
  readonly lanes: readonly { readonly id: 'process' | 'ip' | 'link'; readonly rect: Rect; readonly labelX: number }[]
}

type Row = readonly [name: string, priority: string, kind: MapCell['kind']]

const HOOK_ROWS: Readonly<Record<MapHook, readonly Row[]>> = {
  PREROUTING: [
    ['defrag', '-400', 'conntrack'], // NF_IP_PRI_CONNTRACK_DEFRAG
    ['raw', '-300', 'table'], // NF_IP_PRI_RAW
    ['conntrack', '-200', 'conntrack'], // NF_IP_PRI_CONNTRACK
    ['mangle', '-150', 'table'], // NF_IP_PRI_MANGLE
    ['nat', '-100', 'table'], // NF_IP_PRI_NAT_DST
  ],
  INPUT: [
    ['mangle', '-150', 'table'],
    ['filter', '0', 'table'], // NF_IP_PRI_FILTER
    ['security', '50', 'table'], // NF_IP_PRI_SECURITY
    ['IPVS', '98', 'stage'], // ip_vs_ops[]: NF_IP_PRI_NAT_SRC - 2 and - 1
    ['nat', '100', 'table'], // NF_IP_PRI_NAT_SRC
    ['confirm', 'last', 'conntrack'], // NF_IP_PRI_CONNTRACK_CONFIRM
  ],
  FORWARD: [
    ['mangle', '-150', 'table'],
    ['filter', '0', 'table'],
    ['security', '50', 'table'],
    ['IPVS', '99', 'stage'],
  ],
  OUTPUT: [
    ['defrag', '-400', 'conntrack'],
    ['raw', '-300', 'table'],
    ['conntrack', '-200', 'conntrack'],
    ['mangle', '-150', 'table'],
    ['nat', '-100', 'table'],
    ['IPVS', '-99', 'stage'], // NF_IP_PRI_NAT_DST + 1 and + 2
    ['filter', '0', 'table'],
    ['security', '50', 'table'],
  ],
  POSTROUTING: [
    ['mangle', '-150', 'table'],
    ['nat', '100', 'table'],
    ['confirm', 'last', 'conntrack'],
  ],
}

const W = 106
const ROW = 18
const TITLE = 19
/** Between two columns. */
const GAP = 14
const X = { pre: 12, input: 132, forward: 252, output: 372, post: 492 } as const
const Y = { process: 10, route: 54, upper: 88, lower: 292, link: 457 } as const

/** The chart. It is the same for every namespace; what is registered there and what happened comes from `mapState`. */
export function kernelChart(): KernelChart {
  const cells: MapCell[] = []
  const columns: MapColumn[] = []
  const column = (hook: MapHook, x: number, y: number, upwards = false) => {
    const rows = HOOK_ROWS[hook]
    const h = rows.length * ROW
    // In INPUT packets go up: what comes first is at the bottom, and the hook's name under it.
    const titleY = upwards ? y + h : y
    const first = upwards ? y : y + TITLE
    columns.push({ hook, title: { x, y: titleY, w: W, h: TITLE }, rect: { x, y, w: W, h: h + TITLE } })
    for (const [i, [name, priority, kind]] of rows.entries()) {
      const k = upwards ? rows.length - 1 - i : i
      cells.push({ id: `${hook}/${name}`, rect: { x, y: first + k * ROW, w: W, h: ROW }, label: name, priority, hook, kind })
    }
    return y + h + TITLE
  }
  const stage = (id: string, label: string, rect: Rect, kind: MapCell['kind'] = 'stage') => {
    cells.push({ id, rect, label, kind })
    return rect
  }
  const mid = (r: Rect): Point => ({ x: r.x + r.w / 2, y: r.y + r.h / 2 })

  const process = stage('process', 'process', { x: X.input, y: Y.process, w: X.output + W - X.input, h: 24 }, 'process')
  const outRoute = stage('routing-out', 'routing', { x: X.output, y: Y.route, w: W, h: 22 }, 'decision')
  const outputEnd = column('OUTPUT', X.output, Y.upper)
  const reroute = stage('reroute', 'reroute', { x: X.output, y: outputEnd + 8, w: W, h: 20 }, 'decision')
  const inputTop = outputEnd - (HOOK_ROWS.INPUT.length * ROW + TITLE)
  const inputEnd = column('INPUT', X.input, inputTop, true)

  const preEnd = column('PREROUTING', X.pre, Y.lower)
  const routing = stage('routing', 'routing', { x: X.input, y: Y.lower + 38, w: W, h: 30 }, 'decision')
  const allowed = stage('forward', 'ip_forward', { x: X.forward, y: Y.lower, w: W, h: 22 })
  const forwardEnd = column('FORWARD', X.forward, Y.lower + 32)
  const postEnd = column('POSTROUTING', X.post, Y.lower)
  const fragment = stage('fragment', 'mtu', { x: X.post, y: postEnd + 12, w: W, h: 20 })
  const neighbour = stage('neighbour', 'neighbour', { x: X.post, y: Y.link - 34, w: W, h: 22 })

  const deviceIn = stage('device-in', 'device in', { x: X.pre, y: Y.link, w: W, h: 26 }, 'device')
  const learn = stage('bridge-learn', 'bridge: FDB', { x: X.input, y: Y.link, w: W, h: 26 })
  const decide = stage('bridge-decide', 'bridge: forward', { x: X.forward, y: Y.link, w: W, h: 26 }, 'decision')
  const nf = stage('bridge-nf', 'br_netfilter', { x: X.output, y: Y.link, w: W, h: 26 })
  const deviceOut = stage('device-out', 'device out', { x: X.post, y: Y.link, w: W, h: 26 }, 'device')
  const arp = stage('arp', 'ARP', { x: X.input, y: Y.link - 34, w: 64, h: 22 })

  const edges: { points: Point[]; dashed: boolean }[] = []
  const edge = (points: Point[], dashed = false) => edges.push({ points, dashed })
  const roadY = mid(routing).y
  const x = (at: number) => at + W / 2
  edge([
    { x: x(X.pre), y: deviceIn.y },
    { x: x(X.pre), y: preEnd },
  ])
  edge([
    { x: X.pre + W, y: roadY },
    { x: routing.x, y: roadY },
  ])
  edge([
    { x: x(X.input), y: routing.y },
    { x: x(X.input), y: inputEnd },
  ])
  edge([
    { x: x(X.input), y: inputTop },
    { x: x(X.input), y: process.y + process.h },
  ])
  edge([
    { x: routing.x + W, y: roadY },
    { x: routing.x + W + GAP / 2, y: roadY },
    { x: routing.x + W + GAP / 2, y: mid(allowed).y },
    { x: allowed.x, y: mid(allowed).y },
  ])
  edge([
    { x: x(X.forward), y: allowed.y + allowed.h },
    { x: x(X.forward), y: Y.lower + 32 },
  ])
  edge([
    { x: x(X.forward), y: forwardEnd },
    { x: x(X.forward), y: forwardEnd + 9 },
    { x: X.post - GAP / 2, y: forwardEnd + 9 },
    { x: X.post - GAP / 2, y: roadY },
    { x: X.post, y: roadY },
  ])
  edge([
    { x: x(X.output), y: process.y + process.h },
    { x: x(X.output), y: outRoute.y },
  ])
  edge([
    { x: x(X.output), y: outRoute.y + outRoute.h },
    { x: x(X.output), y: Y.upper },
  ])
  edge([
    { x: x(X.output), y: outputEnd },
    { x: x(X.output), y: reroute.y },
  ])
  edge([
    { x: x(X.output), y: reroute.y + reroute.h },
    { x: x(X.output), y: roadY - 12 },
    { x: X.post, y: roadY - 12 },
  ])
  edge([
    { x: x(X.post), y: postEnd },
    { x: x(X.post), y: fragment.y },
  ])
  edge([
    { x: x(X.post), y: fragment.y + fragment.h },
    { x: x(X.post), y: neighbour.y },
  ])
  edge([
    { x: x(X.post), y: neighbour.y + neighbour.h },
    { x: x(X.post), y: deviceOut.y },
  ])
  for (const [a, b] of [
    [deviceIn, learn],
    [learn, decide],
    [decide, nf],
    [nf, deviceOut],
  ] as const) {
    edge(
      [
        { x: a.x + a.w, y: mid(a).y },
        { x: b.x, y: mid(b).y },
      ],
      true,
    )
  }
  edge(
    [
      { x: deviceIn.x + W - 16, y: deviceIn.y },
      { x: deviceIn.x + W - 16, y: mid(arp).y },
      { x: arp.x, y: mid(arp).y },
    ],
    true,
  )
  const width = X.post + W + 12
  const linkTop = Y.link - 42
  return {
    bounds: { x: 0, y: 0, w: width, h: Y.link + 36 },
    cells,
    columns,
    edges,
    lanes: [
      { id: 'process', labelX: X.pre + 4, rect: { x: 2, y: 4, w: width - 4, h: 37 } },
      { id: 'ip', labelX: X.pre + 4, rect: { x: 2, y: 46, w: width - 4, h: linkTop - 51 } },
      // Left of it the road into PREROUTING passes.
      { id: 'link', labelX: X.forward + 4, rect: { x: 2, y: linkTop, w: width - 4, h: Y.link + 33 - linkTop } },
    ],
  }
}
