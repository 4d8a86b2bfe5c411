import { assertNever } from '../base/assert-never.ts'
import { printIpvsadmSave } from '../linux/ipvsadm.ts'
import { formatIpv4, ipv4 } from '../net/address.ts'
import type {
  AttachChange,
  ConfigureChange,
  IpvsServers,
  KillChange,
  NftRecord,
  StaleFlows,
  SyncChange,
  TableSync,
  WorldChange,
} from '../world/changes.ts'
import { netnsId, type RecordId } from '../world/ids.ts'
import type { DeviceRecord, IpsetRecord, NftChainRecord, NftSetRecord, ProcessRecord, WorldRecord } from '../world/records.ts'
import { applyDelta, type Delta, viewOf, type World } from '../world/world.ts'
import { deviceParts, type LabNames, shellWord } from './names.ts'
import { portLines, routeWords } from './network.ts'
import { nftText } from './nft.ts'
import type { Pins } from './pins.ts'
import { announcements, healthCounts, labServer, speakerFile } from './programs.ts'
import { restoreText } from './tables.ts'

// What changes while a journey is under way, done to a real kernel at the same moments. A pod that comes later is there from the
// start, all but its place on the bridge: making namespaces, cables and servers takes a real machine longer than a change may.

/** The world that a lab builds: with the pods that come later, their cables not yet plugged into the bridge. */
export function labWorld(world: World, changes: readonly WorldChange[]): World {
  const out = new Map<RecordId, WorldRecord>(world)
  for (const c of changes) {
    // Sockets that kube-proxy opens later are open from the start: no rule leads to them yet.
    if (c.kind === 'sync') for (const s of c.portals?.opens ?? []) out.set(s.id, s)
    if (c.kind !== 'attach') continue
    for (const r of c.records) if (!out.has(r.id)) out.set(r.id, r.kind === 'device' && isEnd(r, c) ? unplugged(r) : r)
  }
  return out
}

/** The end of a pod's cable that is outside of the pod. */
const isEnd = (d: DeviceRecord, c: AttachChange): boolean => d.netns !== c.record

function unplugged(d: DeviceRecord): DeviceRecord {
  const { master: _, ...rest } = d
  return rest
}

interface ChangeContext {
  readonly names: LabNames
  readonly pins: Pins | undefined
}

/** The lines of a lab's script for the changes of its journeys, in their order: rules are those of their moment. */
export class LabChanges {
  readonly #changes: readonly WorldChange[]
  readonly #context: ChangeContext
  readonly #now: Map<RecordId, WorldRecord>
  /** What health checks answer by, where it has changed. */
  #counts: ReadonlyMap<string, number>
  #announced: ReadonlyMap<string, string>

  constructor(world: World, changes: readonly WorldChange[], context: ChangeContext) {
    this.#now = new Map(world)
    this.#changes = changes
    this.#context = context
    this.#counts = healthCounts(world)
    this.#announced = announcements(world)
  }

  /** What comes before the command of a journey, and what comes while it runs. To be asked journey by journey. */
  of(journey: number): { readonly before: readonly string[]; readonly during: readonly string[] } {
    const before: string[] = []
    const during: string[] = []
    let last = 0
    let end = 0
    for (const c of this.#changes) {
      if (c.journey !== journey) continue
      end = c.at
      const lines = this.#lines(c)
      if (lines.length === 0) continue
      if (c.at === 0) before.push(...lines)
      else during.push(...(c.at === last ? [] : [`at ${c.at}`]), ...lines)
      last = c.at
    }
    // A journey is not over before the last of them, though it be none of the kernel's business.
    if (end > last) during.push(`at ${end}`)
    return { before, during }
  }

  #lines(c: WorldChange): string[] {
    const { names } = this.#context
    switch (c.kind) {
      case 'apply':
      case 'delete':
      case 'terminate':
        this.#apply(c.deltas)
        return [...this.#health(), ...this.#announce()]
      case 'attach': {
        this.#apply(c.records.map((r) => ({ id: r.id, from: undefined, to: r })))
        const ends = c.records.filter((r): r is DeviceRecord => r.kind === 'device' && isEnd(r, c))
        return ends.flatMap((d) => hereDocument(`ip_batch ${names.short(deviceParts(d.id).netns)}`, portLines([d])))
      }
      case 'start':
        this.#apply(c.servers.map((r) => ({ id: r.id, from: undefined, to: r })))
        return c.servers.flatMap((p) => this.#serve(p))
      case 'kill':
        return this.#kill(c)
      case 'configure':
        return this.#configure(c)
      case 'unplug': {
        const { netns, device } = deviceParts(c.port)
        return hereDocument(`ip_batch ${names.short(netns)}`, [`link set ${device} down`])
      }
      case 'detach':
        return [`detach ${names.short(c.record.slice('netns:'.length))} ${this.#ends(c.record).join(' ')}`]
      case 'sync':
        return this.#sync(c)
      default:
        return assertNever(c, 'change')
    }
  }

  /** `NODE DEVICE` of the other ends of a pod's cables, which go with it. */
  #ends(netns: RecordId): string[] {
    return [...this.#now.values()].flatMap((r) => {
      if (r.kind !== 'device' || r.netns !== netns || r.link.kind !== 'veth') return []
      const end = deviceParts(r.link.peer)
      return [`${this.#context.names.short(end.netns)} ${end.device}`]
    })
  }

  /** A pod's all; of a node, those that are meant. */
  #kill(c: KillChange): string[] {
    const short = this.#context.names.short(c.record.slice('netns:'.length))
    const ns = this.#now.get(c.record)
    if (ns?.kind === 'netns' && ns.role === 'pod') return [`kill_servers ${short}`]
    return c.processes.flatMap((id) => this.#stop(id))
  }

  #serve(p: ProcessRecord): string[] {
    const server = labServer(this.#now, p, this.#context.pins)
    if (server === undefined) return []
    const short = this.#context.names.short(server.netns)
    return [
      `serve ${short} ${server.command}`,
      ...(server.port > 0 ? [`wait_listening ${short} ${server.protocol} ${server.port}`] : []),
    ]
  }

  #stop(id: RecordId): string[] {
    const p = this.#now.get(id)
    const server = p?.kind === 'process' ? labServer(this.#now, p, this.#context.pins) : undefined
    this.#now.delete(id)
    return server === undefined
      ? []
      : [`stop_server ${this.#context.names.short(server.netns)} ${server.protocol} ${server.port}`]
  }

  #health(): string[] {
    const counts = healthCounts(this.#now)
    const changed = [...counts].filter(([key, n]) => this.#counts.get(key) !== n)
    this.#counts = counts
    return changed.map(([key, n]) => `health_count ${key} ${n}`)
  }

  #announce(): string[] {
    const announced = announcements(this.#now)
    const changed = [...announced].filter(([node, list]) => this.#announced.get(node) !== list)
    this.#announced = announced
    return changed.map(([node, list]) => `announce ${this.#context.names.short(node)} ${speakerFile(node)} ${shellWord(list)}`)
  }

  #configure(c: ConfigureChange): string[] {
    const short = this.#context.names.short(c.netns)
    const rules = this.#edited(c.netns, c.tables)
    this.#apply(c.deltas)
    const routes = c.deltas.flatMap(({ from, to }) => [
      ...(from?.kind === 'route' ? [`route del ${routeWords(from)}`] : []),
      ...(to?.kind === 'route' ? [`route add ${routeWords(to)}`] : []),
    ])
    return [
      ...hereDocument(`sync_rules ${short}`, rules),
      ...hereDocument(`ip_batch ${short}`, routes),
      ...(c.nft === undefined ? [] : this.#nft(short, c, c.nft)),
      ...(c.stale ?? []).map((flows) => `stale_flows ${short} ${staleWords(flows)}`),
    ]
  }

  /** Applies the tables' deltas; the lines that do the same to a kernel, rule by rule where a chain is neither new nor gone. */
  #edited(netns: string, tables: readonly TableSync[]): string[] {
    const text = () => {
      const ns = viewOf(this.#now).get('netns', netnsId(netns))
      return rulesByTable(ns === undefined ? '' : restoreText(this.#now, ns, this.#context.pins))
    }
    const before = text()
    this.#apply(tables.flatMap((t) => t.deltas))
    const after = text()
    return tables.flatMap(({ table, written, removed }) => {
      const chain = (line: string) => line.split(' ')[1] ?? ''
      const old = before.get(table) ?? []
      const fresh = after.get(table) ?? []
      const whole = new Set([...written, ...removed])
      const gone = old.filter((l) => !whole.has(chain(l)) && !fresh.includes(l))
      const positions = new Map<string, number>()
      const come = fresh.flatMap((l) => {
        const name = chain(l)
        const position = (positions.get(name) ?? 0) + 1
        positions.set(name, position)
        if (whole.has(name)) return written.includes(name) ? [l] : []
        return old.includes(l) ? [] : [`-I ${name} ${position} ${l.slice(`-A ${name} `.length)}`]
      })
      const chains = [...written, ...removed].map((name) => `:${name} - [0:0]`)
      return [
        `*${table}`,
        ...chains,
        ...gone.map((l) => l.replace('-A', '-D')),
        ...come,
        ...removed.map((n) => `-X ${n}`),
        'COMMIT',
      ]
    })
  }

  #sync(c: SyncChange): string[] {
    const lines = this.#synced(c)
    this.#apply((c.starts ?? []).map((r) => ({ id: r.id, from: undefined, to: r })))
    const closed = (c.portals?.closes ?? []).map((s) => `${s.protocol}/${s.local.port}`)
    if (closed.length > 0) lines.push(`close_portals ${this.#context.names.short(c.netns)} ${closed.join(' ')}`)
    return [...lines, ...(c.starts ?? []).flatMap((p) => this.#serve(p)), ...(c.stops ?? []).flatMap((id) => this.#stop(id))]
  }

  #synced(c: SyncChange): string[] {
    if (c.tables.length > 0 && c.tables.every((t) => t.written.length + t.removed.length === 0)) {
      const short = this.#context.names.short(c.netns)
      const rules = hereDocument(`sync_rules ${short}`, this.#edited(c.netns, c.tables))
      return [...rules, ...c.stale.map((flows) => `stale_flows ${short} ${staleWords(flows)}`)]
    }
    this.#apply(c.tables.flatMap((t) => t.deltas))
    const short = this.#context.names.short(c.netns)
    return [
      ...(c.ipvs === undefined ? [] : this.#ipvs(short, c.ipvs)),
      ...hereDocument(`sync_rules ${short}`, this.#restoreLines(c)),
      ...(c.nft === undefined ? [] : this.#nft(short, c, c.nft)),
      ...c.stale.map((flows) => `stale_flows ${short} ${staleWords(flows)}`),
    ]
  }

  /** One transaction: everything is emptied but what rules have put into sets, what goes is deleted, the rest is written again. */
  #nft(short: string, c: Pick<SyncChange, 'netns'>, wanted: readonly NftRecord[]): string[] {
    const ids = new Set<RecordId>(wanted.map((r) => r.id))
    const flush: string[] = []
    const gone: string[] = []
    for (const r of [...this.#now.values()]) {
      if (!('netns' in r) || r.netns !== netnsId(c.netns)) continue
      if (r.kind === 'nft-table') flush.push(`flush table ${r.family} ${r.name}`)
      if (r.kind === 'nft-set' && r.timeout === undefined) flush.push(`flush ${nftWords(r)}`)
      if ((r.kind === 'nft-set' || r.kind === 'nft-chain') && !ids.has(r.id)) gone.push(`delete ${nftWords(r)}`)
      if (r.kind.startsWith('nft-') && !ids.has(r.id)) this.#now.delete(r.id)
    }
    for (const r of wanted) this.#now.set(r.id, r)
    const ns = viewOf(this.#now).get('netns', netnsId(c.netns))
    if (ns === undefined) return []
    return hereDocument(`sync_nft ${short}`, [...flush, ...gone, ...lines(nftText(this.#now, ns, this.#context.pins))])
  }

  /** Addresses, virtual servers and sets, in the proxier's order. What the kernel keeps of a real server that goes, it says itself. */
  #ipvs(short: string, { deltas, servers }: IpvsServers): string[] {
    this.#apply(deltas)
    const sets = deltas.flatMap(({ to }) => (to?.kind === 'ipset' ? setLines(to) : []))
    const wanted = new Map<RecordId, WorldRecord>(servers.map((r) => [r.id, r]))
    const netns = servers[0]?.netns
    return [
      ...hereDocument(`ip_batch ${short}`, deltas.flatMap(addressLine)),
      ...hereDocument(`sync_servers ${short}`, netns === undefined ? ['#'] : lines(printIpvsadmSave(viewOf(wanted), netns))),
      ...hereDocument(`ipset_restore ${short}`, sets),
    ]
  }

  /** For iptables-restore --noflush. */
  #restoreLines(c: SyncChange): string[] {
    const ns = viewOf(this.#now).get('netns', netnsId(c.netns))
    if (ns === undefined) return []
    const all = rulesByTable(restoreText(this.#now, ns, this.#context.pins))
    return c.tables.flatMap(({ table, written, removed }) => {
      if (written.length + removed.length === 0) return []
      const own = new Set(written)
      const rules = (all.get(table) ?? []).filter((l) => own.has(l.split(' ')[1] ?? ''))
      const chains = [...written, ...removed].map((name) => `:${name} - [0:0]`)
      return [`*${table}`, ...chains, ...rules, ...removed.map((name) => `-X ${name}`), 'COMMIT']
    })
  }

  #apply(deltas: readonly Delta[]): void {
    for (const d of deltas) applyDelta(this.#now, d)
  }
}

/** `-A` lines of an iptables-save text. */
function rulesByTable(text: string): ReadonlyMap<string, string[]> {
  const out = new Map<string, string[]>()
  let own: string[] = []
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) {
      own = []
      out.set(line.slice(1), own)
    } else if (line.startsWith('-A ')) own.push(line)
  }
  return out
}

/** `map ip kube-proxy service-ips` */
const nftWords = (r: NftSetRecord | NftChainRecord): string =>
  `${r.kind === 'nft-chain' ? 'chain' : r.data === undefined ? 'set' : 'map'} ${r.family} ${r.table} ${r.name}`

const lines = (text: string): string[] => text.split('\n').filter((l) => l !== '')

/** Members anew: for ipset restore. Sets neither come nor go while kube-proxy runs. */
const setLines = (set: IpsetRecord): string[] => [`flush ${set.name}`, ...set.entries.map((e) => `add ${set.name} ${e}`)]

function addressLine({ from, to }: Delta): string[] {
  const record = to ?? from
  if (record?.kind !== 'address') return []
  const { device } = deviceParts(record.device)
  return [`addr ${to === undefined ? 'del' : 'add'} ${formatIpv4(record.address)}/${record.prefixLength} dev ${device}`]
}

const staleWords = ({ address, port, serving }: StaleFlows): string =>
  [address === undefined ? 'any' : formatIpv4(ipv4(address)), port, ...serving.map((a) => formatIpv4(ipv4(a)))].join(' ')

/** A here-document that the shell leaves as it is; nothing for no lines. */
export const hereDocument = (command: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : [`${command} <<'END'`, ...lines, 'END']

/** A dollar sign that the template leaves alone. */
const D = '$'

/** What the lines above call. */
export const CHANGE_FUNCTIONS = String.raw`
# A journey in the middle of which something changes: its command runs beside FUNCTION.
with_changes() {
  local changes=$1 pid
  shift
  BEGAN=$(date +%s%N)
  journey "$@" &
  pid=$!
  PIDS+=("$pid")
  "$changes"
  wait "$pid"
}
# Nanoseconds since the journey began.
at() {
  local left=$((BEGAN + $1 - $(date +%s%N)))
  [ "$left" -gt 0 ] && sleep "$((left / 1000000000)).$(printf %09d $((left % 1000000000)))"
}

kill_servers() {
  local pid
  for pid in $(ip netns pids "$PREFIX$1"); do
    tr '\0' ' ' <"/proc/$pid/cmdline" | grep -qF "$HELPER" && kill -9 "$pid"
  done
}

# NODE PROTOCOL PORT: what listens there goes.
stop_server() {
  local flags=-Hltnp pid
  [ "$2" = udp ] && flags=-Hlunp
  for pid in $(inside "$1" ss $flags "sport = :$3" | grep -o 'pid=[0-9]*' | cut -d= -f2 | sort -u); do kill -9 "$pid"; done
}
# NODE PROTOCOL/PORT...: sockets that kube-proxy in userspace mode closes.
close_portals() {
  local node=$1 pid
  shift
  printf '%s\n' "$@" >"$OUT/closed-$node"
  for pid in $(ip netns pids "$PREFIX$node"); do
    tr '\0' ' ' <"/proc/$pid/cmdline" | grep -qF 'hs.py userspace-proxy' && kill -USR1 "$pid"
  done
}
# NODE FILE JSON: what the node's speaker announces from now on.
announce() {
  local pid
  echo "$3" >"$OUT/$2"
  for pid in $(ip netns pids "$PREFIX$1"); do
    tr '\0' ' ' <"/proc/$pid/cmdline" | grep -qF 'hs.py speaker' && kill -USR1 "$pid"
  done
}
# NODE NAMESPACE/NAME N: ready endpoints, for whoever asks at the Service's health check node port.
health_count() {
  local file=$OUT/health-$1-${D}{2/\//-}
  echo "$3" >"$file.new" && mv "$file.new" "$file"
}

# A pod's cable and namespace go; what was captured there stays.
detach() {
  local ns=$1 pid n rest=()
  shift
  for pid in $(ip netns pids "$PREFIX$ns"); do kill "$pid" 2>/dev/null; done
  for n in $(seq 100); do [ -z "$(ip netns pids "$PREFIX$ns")" ] && break; sleep 0.02; done
  while [ $# -gt 1 ]; do ip -n "$PREFIX$1" link del "$2"; shift 2; done
  ip netns del "$PREFIX$ns" || die "namespace $PREFIX$ns does not go"
  for n in "${D}{NAMESPACES[@]}"; do [ "$n" = "$ns" ] || rest+=("$n"); done
  NAMESPACES=("${D}{rest[@]}")
  rest=()
  for n in "${D}{TRACERS[@]}"; do [ "${D}{n#* }" = "$ns" ] || rest+=("$n"); done
  TRACERS=("${D}{rest[@]}")
}

# What kube-proxy feeds in: only the chains that it names are emptied. Handles of rules that go are needed to read the trace.
sync_rules() {
  [ "$TRACE_RULES" = 1 ] && inside "$1" nft -a list ruleset ip >>"$OUT/trace/$1.rules" 2>/dev/null
  if [ "$IPTABLES" = legacy ]; then with_policies "$1" | inside "$1" "$IPT-restore" --noflush --counters
  else inside "$1" "$IPT-restore" --noflush
  fi || die "$IPT-restore in $1"
}
# iptables-legacy-restore begins to count the policies of a table anew, however little of it is written: here it is told where they are.
with_policies() {
  local line
  while IFS= read -r line; do
    printf '%s\n' "$line"
    case "$line" in "*"*) inside "$1" "$IPT-save" -c -t "${D}{line#?}" | grep -E '^:[A-Z]+ (ACCEPT|DROP) ' ;; esac
  done
}

# NODE -t|-u VIRTUAL REAL: whether ipvsadm -Ln counts connections of that real server.
is_busy() {
  inside "$1" ipvsadm -Ln "$2" "$3" | awk -v s="$4" '$2 == s && $5 + $6 > 0 { busy = 1 } END { exit !busy }'
}
# kube-proxy looks once a minute at what it drains, and removes what is without connections.
drain() {
  local ns=$1 list=$OUT/draining-$1 kind virtual real
  while sleep 60; do
    while read -r kind virtual real; do
      is_busy "$ns" "$kind" "$virtual" "$real" && continue
      inside "$ns" ipvsadm -d "$kind" "$virtual" -r "$real"
      sed -i "\|^$kind $virtual $real\$|d" "$list"
    done <<<"$(cat "$list")"
    [ -s "$list" ] || break
  done
  rm -f "$list"
}
# What kube-proxy makes of the virtual and real servers that are wanted (ipvsadm -Sn on stdin). A real server that is wanted no more
# stays at weight 0 while it has TCP connections; one that is back meanwhile is put in anew.
sync_servers() {
  local ns=$1 line key server have want list=$OUT/draining-$1; shift
  want=$(cat)
  have=$(inside "$ns" ipvsadm -Sn)
  while read -r line; do
    set -- $line
    key="$2 $3"
    case "$1" in
      -A)
        grep -qxF -e "$line" <<<"$have" && continue
        if grep -qF -e "-A $key " <<<"$have"; then inside "$ns" ipvsadm -E "${D}{@:2}"; else inside "$ns" ipvsadm "$@"; fi ;;
      -a)
        grep -qxF -e "$line" <<<"$have" && continue
        if [ -f "$list" ] && grep -qxF -e "$key $5" "$list"; then
          inside "$ns" ipvsadm -d "$2" "$3" -r "$5"
          sed -i "\|^$key $5\$|d" "$list"
          inside "$ns" ipvsadm "$@"
        elif grep -qF -e "-a $key -r $5 " <<<"$have"; then inside "$ns" ipvsadm -e "${D}{@:2}"; else inside "$ns" ipvsadm "$@"; fi ;;
    esac || die "ipvsadm in $ns: $line"
  done <<<"$want"
  while read -r line; do
    set -- $line
    key="$2 $3"
    if [ "$1" = -A ] && ! grep -qF -e "-A $key " <<<"$want"; then
      inside "$ns" ipvsadm -D "$2" "$3" || die "ipvsadm in $ns: $line"
    elif [ "$1" = -a ] && grep -qF -e "-A $key " <<<"$want" && ! grep -qF -e "-a $key -r $5 " <<<"$want"; then
      server=$5
      [ -f "$list" ] && grep -qxF -e "$key $server" "$list" && continue
      if [ "$2" = -t ] && is_busy "$ns" "$2" "$3" "$server"; then
        inside "$ns" ipvsadm -e "$2" "$3" -r "$server" -m -w 0
        [ -f "$list" ] || { : >"$list"; drain "$ns" & PIDS+=($!); }
        echo "$key $server" >>"$list"
      else
        inside "$ns" ipvsadm -d "$2" "$3" -r "$server"
      fi || die "ipvsadm in $ns: $line"
    fi
  done <<<"$have"
}

sync_nft() {
  [ "$TRACE_RULES" = 1 ] && inside "$1" nft -a list ruleset ip >>"$OUT/trace/$1.rules" 2>/dev/null
  inside "$1" nft -f - || die "nft in $1"
  [ "$TRACE_RULES" = 1 ] || return 0
  # nft monitor knows the rules that there were when it began.
  local i
  for i in "${D}{!TRACERS[@]}"; do
    [ "${D}{TRACERS[$i]#* }" = "$1" ] || continue
    kill "${D}{TRACERS[$i]%% *}"
    inside_exec "$1" nft -a monitor trace >>"$OUT/trace/$1.txt" 2>>"$OUT/trace/$1.log" &
    PIDS+=($!)
    TRACERS[i]="$! $1"
  done
}

# NODE ADDRESS|any PORT SERVING...: UDP flows to the address and port whose replies come from none of the others.
stale_flows() {
  local ns=$1 address=$2 port=$3 src
  shift 3
  local filter=(-p udp --orig-port-dst "$port")
  [ "$address" = any ] || filter+=(--orig-dst "$address")
  for src in $(inside "$ns" conntrack -L "${D}{filter[@]}" 2>/dev/null | sed -n 's/.* src=[^ ]* .* src=\([^ ]*\) .*/\1/p' | sort -u); do
    case " $* " in *" $src "*) continue ;; esac
    inside "$ns" conntrack -D "${D}{filter[@]}" --reply-src "$src" >/dev/null 2>&1
  done
}
`
