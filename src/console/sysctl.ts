import { sysctlDefault } from '../kernel/sysctl.ts'
import { formatSysctl, printSysctl, sysctlKey } from '../linux/sysctl.ts'
import { sysctlId } from '../world/ids.ts'
import type { WorldView } from '../world/world.ts'
import { type ConsoleCommand, failed, printed } from './command.ts'

/** Keys that a namespace has without a record of them, as far as the engine knows them: the last part of conf's, and whole ones. */
const CONF = new Set(
  `accept_local accept_redirects accept_source_route arp_accept arp_announce arp_filter arp_ignore arp_notify forwarding log_martians
  mc_forwarding promote_secondaries proxy_arp proxy_arp_pvlan route_localnet rp_filter secure_redirects send_redirects shared_media
  src_valid_mark`.split(/\s+/),
)
const OTHERS =
  /^net\.(ipv4\.(ip_forward|ip_default_ttl|icmp_echo_ignore_(all|broadcasts)|icmp_rate(limit|mask)|ip_no_pmtu_disc|ipfrag_time|tcp_(syn_retries|synack_retries|retries2|fin_timeout)|neigh\..+\.(mcast_solicit|ucast_solicit|retrans_time_ms|delay_first_probe_time|base_reachable_time_ms|unres_qlen_bytes))|netfilter\.nf_conntrack_(tcp_loose|tcp_be_liberal|(tcp_timeout_[a-z_]+|udp_timeout|udp_timeout_stream|icmp_timeout|generic_timeout)))$/

function isKnownSysctl(key: string): boolean {
  const conf = /^net\.ipv4\.conf\..+\.([a-z_]+)$/.exec(key)
  return conf ? CONF.has(conf[1] ?? '') : OTHERS.test(key)
}

/** The value that holds: the namespace's record, else the kernel's default for a key that is known. */
export function sysctlValue(view: WorldView, netns: string, key: string): string | undefined {
  const record = view.get('sysctl', sysctlId(netns.slice('netns:'.length), key))
  if (record) return record.value
  const conf = /^net\.ipv4\.(?:conf|neigh)\.(.+)\.[a-z_]+$/.exec(key)
  const device = conf?.[1]
  if (
    device !== undefined &&
    device !== 'all' &&
    device !== 'default' &&
    !view.list('device', netns).some((d) => d.name === device)
  )
    return undefined
  // inet_forward_change(): a router believes no redirects unless it is told to.
  if (key === 'net.ipv4.conf.all.accept_redirects' && sysctlValue(view, netns, 'net.ipv4.ip_forward') !== '0') return '0'
  const whole = key.replace(/^(net\.ipv4\.neigh)\.(.+)\.([a-z_]+)$/, '$1.default.$3')
  return isKnownSysctl(key) ? String(sysctlDefault(whole)) : undefined
}

export const sysctl: ConsoleCommand = {
  names: ['sysctl'],
  usage: 'sysctl [-n] [-e] KEY … | -a [-r PATTERN]',
  run({ view, netns, args }) {
    let all = false
    let valuesOnly = false
    let quiet = false
    let pattern: RegExp | undefined
    const keys: string[] = []
    for (let i = 0; i < args.length; i++) {
      const a = args[i] as string
      if (a === '-a' || a === '-A' || a === '--all') all = true
      else if (a === '-n' || a === '--values') valuesOnly = true
      else if (a === '-e' || a === '--ignore' || a === '-q') quiet = true
      else if (a === '-w' || a === '--write') continue
      else if (a === '-r' || a === '--pattern') {
        try {
          pattern = new RegExp(args[++i] ?? '')
        } catch {
          return failed('sysctl: Invalid regular expression\n')
        }
      } else if (a.startsWith('-')) return failed(`sysctl: invalid option -- '${a.slice(1)}'\n`)
      else keys.push(a)
    }
    if (all) {
      const text = printSysctl(view, netns, (key) => pattern?.test(key) ?? true)
      return printed(valuesOnly ? text.replace(/^.* = /gm, '') : text)
    }
    if (keys.length === 0) return failed('\nUsage:\n sysctl [options] [variable[=value] ...]\n')
    let stdout = ''
    let stderr = ''
    for (const word of keys) {
      const key = sysctlKey(word)
      const below = printSysctl(view, netns, (k) => k.startsWith(`${key}.`))
      const value = sysctlValue(view, netns, key)
      if (word.includes('=')) stderr += `sysctl: permission denied on key "${sysctlKey(word.split('=')[0] ?? '').trim()}"\n`
      else if (value !== undefined) stdout += valuesOnly ? `${value}\n` : formatSysctl(key, value)
      else if (below !== '') stdout += valuesOnly ? below.replace(/^.* = /gm, '') : below
      else if (!quiet) stderr += `sysctl: cannot stat /proc/sys/${key.replaceAll('.', '/')}: No such file or directory\n`
    }
    return { stdout, stderr, exitCode: stderr === '' ? 0 : 1 }
  },
}
