// node e2e/kernel/ping-send-buffer.mjs [RUNS]: does one kernel do the same each time? Needs root; 3 s a run, 3 RUNS (10) in all.
//
// Three probes of 1,400 bytes to a neighbour that is not there. SO_SNDBUF, as ping sets it (sock_setbufs()), has room for two, so
// that the third waits in sock_alloc_send_pskb(). When the neighbour is given up, neigh_invalidate() frees the two (room) and
// their ICMP errors come over lo in a softirq behind it (sk_err). The sleeper looks at sk_err before it looks for room: which of
// them it finds is a race between that softirq and its own waking up.
//   an ordinary process   mostly wakes after the softirq: the error is first. sendmsg() fails, the third probe counts as sent
//   SCHED_RR              wakes at once: room is first, the third probe goes out and has an error of its own
//   with -S 200000        never waits, and so there is nothing to race for
// Status 0 where both ends were seen of the very same ping, and never two of the one that does not wait.
import { execFileSync } from 'node:child_process'

const RUNS = Number(process.argv[2] ?? 10)

/** One run in a namespace of its own, which is gone with it: ping's lines without their times. */
function end(prefix, options) {
  const script = `set -e
    ip link set lo up; ip link add e0 type veth peer name e1; ip link set e0 up; ip link set e1 up
    ip address add 10.9.0.1/24 dev e0
    sysctl -qw net.ipv4.neigh.e0.retrans_time_ms=300 'net.ipv4.ping_group_range=0 0'
    sleep 0.2
    ${prefix} ping -n -c 3 -i 0.2 -W 1.5 ${options} -s 1400 10.9.0.9 2>&1 || true`
  const out = execFileSync('unshare', ['--net', 'bash', '-c', script], { encoding: 'utf8', timeout: 30_000 })
  const kept = out.split('\n').filter((l) => /^From|^ping:|packets transmitted/.test(l))
  return kept.map((l) => l.replace(/, time \d+ms/, '')).join(' | ')
}

function ends(name, prefix, options = '') {
  const seen = new Map()
  for (let i = 0; i < RUNS; i++) {
    const text = end(prefix, options)
    seen.set(text, (seen.get(text) ?? 0) + 1)
  }
  console.log(name)
  for (const [text, times] of seen) console.log(`  ${times} of ${RUNS}: ${text}`)
  return new Set(seen.keys())
}

const waiting = [...ends('ordinary', ''), ...ends('SCHED_RR', 'chrt -r 1')]
const roomy = ends('ordinary, with room for all (-S 200000)', '', '-S 200000')
const raced = new Set(waiting).size
console.log(`${raced} ends where the third probe waits, ${roomy.size} where it does not`)
process.exitCode = raced === 2 && roomy.size === 1 ? 0 : 1
