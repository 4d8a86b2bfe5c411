import { REPLY_ONLY_CLASH, releaseOf, SAME_ORIGIN } from '../kernel/conntrack/release.ts'
import { IPPROTO } from '../net/packet.ts'
import { sysctlId } from '../world/ids.ts'
import type { FaultRecord } from '../world/records.ts'
import { viewOf, type World } from '../world/world.ts'
import { rests } from './compare/normalisations.ts'

// A CPU that is interrupted between PREROUTING and FORWARD (overrides: stall), on a real kernel: a rule hands the first packets of
// flows to a queue, and a program gives them back when the second ones have overtaken them. What the kernel then does with two
// entries for one flow is its own affair.

/** Longer than the engine's interruption: the second packet comes some microseconds later, on a busy machine some milliseconds. */
const LEAST_MS = 30
/** `hold NETNS PORT MILLISECONDS both|alike|first` for every machine with such a fault. */
export function holdLines(world: World, short: (netns: string) => string): string[] {
  return faultsOf(world).map((f) => {
    const netns = f.netns.slice('netns:'.length)
    const ms = Math.max(LEAST_MS, Math.ceil(f.duration / 1e6))
    return rests('held-packets', `hold ${short(netns)} ${f.port} ${ms} ${clash(world, netns)}`)
  })
}

export const needsHold = (world: World): boolean => faultsOf(world).length > 0

const faultsOf = (world: World): readonly FaultRecord[] =>
  viewOf(world)
    .list('fault')
    .filter((f) => f.protocol === IPPROTO.UDP)

/**
 * Whose packets go on when two of a flow have an entry each, by the release that the document gives the machine. Before 5.0 NAT, without
 * which nobody draws a backend, gives the second entry another reply tuple, so that the two are never alike.
 */
function clash(world: World, netns: string): 'both' | 'alike' | 'first' {
  const release = releaseOf(viewOf(world).get('sysctl', sysctlId(netns, 'kernel.osrelease'))?.value)
  return rests('older-kernels', release >= REPLY_ONLY_CLASH ? 'both' : release >= SAME_ORIGIN ? 'alike' : 'first')
}

/** What the lines above call. The queue's rule is in the other iptables than the lab's own rules, so that no table that is compared has it. */
export const HOLD_FUNCTIONS = String.raw`
HOLD_MARK=0x10000000
# NETNS PORT MILLISECONDS both|alike|first. What older kernels drop goes where they drop it, before it is confirmed.
hold() {
  local ns=$1 log=$OUT/hold-$1.txt other=iptables-legacy n
  [ "$IPT" = iptables-nft ] || other=iptables-nft
  if [ "$4" != both ]; then
    inside "$ns" nft -f - <<END || die "nft in $ns"
table ip hopscope_hold {
  chain postrouting { type filter hook postrouting priority 300; meta mark and $HOLD_MARK == $HOLD_MARK drop; }
}
END
  fi
  inside_exec "$ns" python3 "$HELPER" hold 53 "$3" "$4" $((HOLD_MARK)) </dev/null >"$log" 2>&1 &
  PIDS+=($!)
  for n in $(seq 100); do grep -q '^holding' "$log" && break; sleep 0.05; done
  grep -q '^holding' "$log" || die "nothing holds packets in $ns: $(cat "$log")"
  inside "$ns" "$other" -w -t mangle -I FORWARD -p udp --dport "$2" -m conntrack ! --ctstatus CONFIRMED \
    -j NFQUEUE --queue-num 53 || die "$other in $ns"
}
hold_missing() {
  local tool release
  for tool in nft iptables-legacy iptables-nft; do command -v "$tool" >/dev/null || lacking+=("$tool"); done
  # Until 6.12 nfnetlink_queue resolved the clash of what came back by itself.
  release=$(uname -r)
  [ "$(printf '%s\n' 6.12 "$release" | sort -V | head -n 1)" = 6.12 ] || lacking+=("Linux 6.12 (this is $release)")
}
`
