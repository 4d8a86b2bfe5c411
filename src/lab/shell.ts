import { HELPER } from './helper.ts'

/** A dollar sign that the template leaves alone. */
const D = '$'

/** What every lab script is made with: the functions that its own lines call. Names of namespaces come without the prefix. */
export const FUNCTIONS = String.raw`
KEEP=0
OUT=$PWD/hopscope-lab
CHECK=0
MADE=()
PIDS=()
CAPTURES=()
TRACERS=()

say() { printf '%s\n' "$*" >&2; }
die() { say "lab: $*"; exit 1; }
# Run in the background it becomes the program itself, so that what is killed later is the program.
inside_exec() { local ns=$PREFIX$1; shift; exec ip netns exec "$ns" "$@"; }
inside() { local ns=$PREFIX$1; shift; ip netns exec "$ns" "$@"; }

missing() {
  local lacking=() tool
  for tool in "${D}{NEEDS[@]}"; do
    [ "$tool" = iptables ] && continue
    command -v "$tool" >/dev/null && continue
    case $tool in dig|nslookup) lacking+=("$tool (package bind9-dnsutils)") ;; *) lacking+=("$tool") ;; esac
  done
  case " ${D}{NEEDS[*]} " in *' iptables '*)
    [ "$IPTABLES" = auto ] && { command -v iptables-legacy-restore >/dev/null && IPTABLES=legacy || IPTABLES=nft; }
    if command -v "iptables-$IPTABLES-restore" >/dev/null; then IPT=iptables-$IPTABLES
    elif command -v iptables-restore >/dev/null; then IPT=iptables
    else lacking+=(iptables); fi ;;
  esac
  [ "$TRACE_RULES" = 1 ] && for tool in nft xtables-monitor; do command -v "$tool" >/dev/null || lacking+=("$tool"); done
  if [ "$(id -u)" != 0 ]; then lacking+=("root")
  elif command -v unshare >/dev/null && ! unshare -m -n true 2>/dev/null; then lacking+=("the right to make network namespaces"); fi
  if [ "$NEEDS_BRIDGE_NF" = 1 ] && [ ! -e /proc/sys/net/bridge/bridge-nf-call-iptables ]; then
    modprobe br_netfilter 2>/dev/null
    [ -e /proc/sys/net/bridge/bridge-nf-call-iptables ] || lacking+=("the kernel module br_netfilter")
  fi
  if [ "$NEEDS_IPVS" = 1 ] && [ ! -e /proc/net/ip_vs ]; then
    modprobe ip_vs 2>/dev/null
    [ -e /proc/net/ip_vs ] || lacking+=("the kernel module ip_vs")
  fi
  [ "$NEEDS_HOLD" = 1 ] && hold_missing
  [ "${D}{#lacking[@]}" = 0 ] || { printf -v REPORT '%s, ' "${D}{lacking[@]}"; die "this machine lacks: ${D}{REPORT%, }"; }
}

cleanup() {
  local status=$? pid ns
  trap - EXIT INT TERM HUP
  for pid in "${D}{PIDS[@]}"; do kill "$pid" 2>/dev/null; done
  if [ "$KEEP" = 1 ] && [ "${D}{#MADE[@]}" != 0 ]; then
    say "lab: left standing; enter one with: ip netns exec NAME bash"
    for ns in "${D}{MADE[@]}"; do say "  $PREFIX$ns"; done
    say "lab: remove them with: ip netns list | grep -o '^$PREFIX[^ ]*' | xargs -rn1 ip netns del"
  else
    for ns in "${D}{MADE[@]}"; do
      for pid in $(ip netns pids "$PREFIX$ns"); do kill "$pid" 2>/dev/null; done
      ip netns del "$PREFIX$ns"
    done 2>/dev/null
  fi
  exit "$status"
}

make_netns() {
  ip netns add "$PREFIX$1" || die "namespace $PREFIX$1 could not be made (left from an earlier run with --keep?)"
  MADE+=("$1")
}
sysctls() { local ns=$1; shift; inside "$ns" sysctl -qw "$@" || die "sysctls of $ns"; }
sysctls_if_any() { local ns=$1; shift; inside "$ns" sysctl -eqw "$@" 2>/dev/null; return 0; }
ip_batch() { ip -n "$PREFIX$1" -batch - || die "ip in $1"; }
bridge_batch() { bridge -n "$PREFIX$1" -batch - || die "bridge in $1"; }
ipset_restore() { inside "$1" ipset restore || die "ipset in $1"; }
ipvs_restore() { inside "$1" ipvsadm -R || die "ipvsadm in $1"; }
nft_restore() { inside "$1" nft -f - || die "nft in $1"; }
iptables_restore() { inside "$1" "$IPT-restore" || die "$IPT-restore in $1"; }

# Checksums and segmentation in software, so that a capture holds what a wire would; lo cannot be told.
offloads() {
  local dev
  for dev in $(ip -n "$PREFIX$1" -o link show | sed 's/^[0-9]*: \([^:@]*\).*/\1/'); do
    [ "$dev" = lo ] || inside "$1" ethtool -K "$dev" tx off rx off tso off gso off gro off >/dev/null 2>&1
  done
  # A bridge shows its host datagrams that are put together again, longer than its MTU; libpcap cuts frames at the MTU where
  # nothing of the kind is on.
  for dev in $(ip -n "$PREFIX$1" -o link show type bridge | sed 's/^[0-9]*: \([^:@]*\).*/\1/'); do
    inside "$1" ethtool -K "$dev" gro on >/dev/null 2>&1
  done
}

# Neither delayed probes nor the age of what is reachable: an emulated kernel takes seconds where the engine takes none.
still_neighbours() {
  local dev
  for dev in $(ip -n "$PREFIX$1" -o link show up | sed 's/^[0-9]*: \([^:@]*\).*/\1/'); do
    [ "$dev" = lo ] || inside "$1" sysctl -qw "net.ipv4.neigh.$dev.delay_first_probe_time=3600" \
      "net.ipv4.neigh.$dev.base_reachable_time_ms=7200000" || die "neighbours of $1"
  done
}

# A new cable passes nothing until the kernel has noticed its carrier (linkwatch, at most once a second) and a bridge has
# opened the port.
wait_links() {
  local ns n
  for ns in "${D}{NAMESPACES[@]}"; do
    for n in $(seq 100); do
      ip -n "$PREFIX$ns" -o link show up | grep LOWER_UP | grep -qE 'state (DOWN|LOWERLAYERDOWN|DORMANT)' ||
        bridge -n "$PREFIX$ns" link show | grep LOWER_UP | grep -qv 'state forwarding' || continue 2
      sleep 0.05
    done
    die "links of $ns do not come up"
  done
}

serve() {
  local ns=$1; shift
  inside_exec "$ns" "$@" </dev/null >/dev/null 2>>"$OUT/servers.txt" &
  PIDS+=($!)
}
wait_listening() {
  local flags=-Hltn n
  [ "$2" = udp ] && flags=-Hlun
  for n in $(seq 100); do
    [ -n "$(inside "$1" ss $flags "sport = :$3")" ] && return
    sleep 0.05
  done
  die "nothing listens on $2 port $3 in $1: $(tail -n 1 "$OUT/servers.txt")"
}

wait_file() {
  local n
  for n in $(seq 100); do [ -e "$1" ] && return; sleep 0.05; done
  die "$1 does not come: $(tail -n 1 "$OUT/servers.txt")"
}

capture() {
  mkdir -p "$OUT/capture/$1"
  inside_exec "$1" tcpdump -p -n -U -Z root --immediate-mode --time-stamp-precision=nano -B 4096 -s 4096 -i "$2" \
    -w "$OUT/capture/$1/$2.pcap" 2>"$OUT/capture/$1/$2.log" &
  PIDS+=($!)
  CAPTURES+=("$! $OUT/capture/$1/$2.log")
}
wait_captures() {
  local c n
  for c in "${D}{CAPTURES[@]}"; do
    for n in $(seq 200); do
      grep -q 'listening on' "${D}{c#* }" 2>/dev/null && continue 2
      sleep 0.05
    done
    die "no capture: $(cat "${D}{c#* }")"
  done
}

# Every rule that acts on a packet, through nftables' tracing; the chains that ask for it count nothing.
trace_rules() {
  [ "$TRACE_RULES" = 1 ] || return 0
  local ns
  mkdir -p "$OUT/trace"
  for ns in "${D}{NAMESPACES[@]}"; do
    inside "$ns" nft -f - <<'END' || die "nft in $ns"
table ip hopscope_trace {
  chain prerouting { type filter hook prerouting priority -310; meta nftrace set 1; }
  chain output { type filter hook output priority -310; meta nftrace set 1; }
}
END
    # xtables-monitor ends at a rule that it cannot print; nft reads every rule, those of iptables-nft too.
    if [ -n "${D}{NFT_TABLES[$ns]:-}" ]; then inside_exec "$ns" nft -a monitor trace >"$OUT/trace/$ns.txt" 2>"$OUT/trace/$ns.log" &
    else inside_exec "$ns" xtables-monitor --trace >"$OUT/trace/$ns.txt" 2>"$OUT/trace/$ns.log" &
    fi
    PIDS+=($!)
    TRACERS+=("$! $ns")
  done
  sleep 0.5
  command -v python3 >/dev/null && python3 - "${D}{TRACERS[@]%% *}" <<'END' 2>/dev/null
# A burst of packets has more to say than a netlink socket holds, and the reader gives up then. Root may lend its socket (pidfd_getfd)
# and make the buffer larger (SO_RCVBUFFORCE).
import ctypes, os, socket, sys
for pid in sys.argv[1:]:
    process = os.pidfd_open(int(pid))
    for fd in os.listdir('/proc/%s/fd' % pid):
        if os.readlink('/proc/%s/fd/%s' % (pid, fd)).startswith('socket:'):
            lent = socket.socket(fileno=ctypes.CDLL(None).syscall(438, process, int(fd), 0))
            lent.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)
END
  return 0
}

# A file of /etc that only this namespace's commands see.
put_file() { mkdir -p "$OUT/files/$1"; cat >"$OUT/files/$1/$2"; }
# ip netns exec gives every command a mount namespace of its own, so that a mount there is nobody else's.
with_files() {
  local ns=$1 f mounts=; shift
  [ -d "$OUT/files/$ns" ] || { inside "$ns" "$@"; return; }
  for f in "$OUT/files/$ns"/*; do mounts+="mount --bind '$f' '/etc/${D}{f##*/}' && "; done
  inside "$ns" sh -c "${D}{mounts}exec \"\$@\"" sh "$@"
}

CLOCK=
journey() {
  local n=$1 ns=$2 limit=$3 status
  [ -n "$CLOCK" ] || CLOCK=$SECONDS
  with_files "$ns" timeout -k 1 "$limit" env -i "PATH=$PATH" LC_ALL=C sh -c "$4" </dev/null >"$OUT/journeys/$n.txt" 2>&1
  status=$?
  printf 'exit %s\n' "$status" >"$OUT/journeys/$n.status"
  say "lab: journey $n: exit $status: $(tail -n 1 "$OUT/journeys/$n.txt")"
  # What the command's end set off (FIN, ACK) comes to rest.
  sleep 0.25
}

section() { printf '### %s\n' "$1"; }
tables() {
  local ns=$PREFIX$1
  section 'ip neigh'; ip -n "$ns" -4 neigh show
  section 'bridge fdb'; bridge -n "$ns" fdb show
  section 'ip route'; ip -n "$ns" -4 route show table all
  section 'ip rule'; ip -n "$ns" -4 rule show
  section 'ip addr'; ip -n "$ns" -4 -o addr show
  section 'ip link'; ip -n "$ns" -s link show
  section 'clock'; echo $((SECONDS - ${D}{CLOCK:-0}))
  section 'conntrack'; command -v conntrack >/dev/null && inside "$1" conntrack -L 2>/dev/null
  section 'iptables-save'; [ -n "${D}{IPT:-}" ] && inside "$1" "$IPT-save" -c 2>/dev/null
  if [ -n "${D}{NFT_TABLES[$1]:-}" ]; then
    section 'nft list'
    local table
    tr ';' '\n' <<<"${D}{NFT_TABLES[$1]}" | while read -r table; do inside "$1" nft list table $table; done
  fi
  section 'ss'; inside "$1" ss -Htuna4
  [ "$TRACE_RULES" = 1 ] && { section 'nft'; cat "$OUT/trace/$1.rules" 2>/dev/null; inside "$1" nft -a list ruleset 2>/dev/null; }
}

ipvs_tables() {
  section 'ipvs clock'; echo $((SECONDS - ${D}{CLOCK:-0}))
  section 'ipvsadm'; inside "$1" ipvsadm -Ln
  section 'ipvsadm --stats'; inside "$1" ipvsadm -Ln --stats --exact
  section 'ipvsadm -Lnc'; inside "$1" ipvsadm -Lnc
  section 'ipset'; inside "$1" ipset save
}

settle() {
  local ns c
  mkdir -p "$OUT/tables"
  # xtables-monitor ends when the kernel has more to say than its socket holds.
  for c in "${D}{TRACERS[@]}"; do
    kill -0 "${D}{c%% *}" 2>/dev/null || { : >"$OUT/trace/${D}{c#* }.lost"; say "lab: the trace of ${D}{c#* } is cut"; }
    kill "${D}{c%% *}" 2>/dev/null
  done
  # Captures first: on a busy machine the tables take long enough for neighbours to be probed.
  for c in "${D}{CAPTURES[@]}"; do kill "${D}{c%% *}" 2>/dev/null; done
  for c in "${D}{CAPTURES[@]}"; do wait "${D}{c%% *}" 2>/dev/null; done
  for ns in "${D}{NAMESPACES[@]}"; do tables "$ns" >"$OUT/tables/$ns.txt"; done
  # IPVS brings the counters that it shows up to date every two seconds.
  if [ "$NEEDS_IPVS" = 1 ]; then
    sleep 2
    for ns in "${D}{NAMESPACES[@]}"; do ipvs_tables "$ns" >>"$OUT/tables/$ns.txt"; done
  fi
  grep -h 'dropped by kernel' "$OUT"/capture/*/*.log | grep -v '^0 ' >&2
  { uname -sr; tcpdump --version 2>&1 | head -n 1; ip -V; [ -n "${D}{IPT:-}" ] && "$IPT" -V; } >"$OUT/versions.txt"
  say "lab: captures and tables are in $OUT"
}

start() {
  while [ $# -gt 0 ]; do
    case $1 in
      --keep) KEEP=1 ;;
      --out) OUT=$2; shift ;;
      --check) CHECK=1 ;;
      *) die "unknown option $1" ;;
    esac
    shift
  done
  missing
  [ "$CHECK" = 1 ] && { say "lab: this machine has everything"; exit 0; }
  mkdir -p "$OUT/journeys" || die "$OUT cannot be made"
  OUT=$(cd "$OUT" && pwd)
  HELPER=$OUT/hs.py
  cat >"$HELPER" <<'END_OF_HELPER'
${HELPER}END_OF_HELPER
  trap cleanup EXIT
  trap 'exit 130' INT TERM HUP
  main
}
`
