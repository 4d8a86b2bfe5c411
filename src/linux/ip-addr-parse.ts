import { ok } from '../base/result.ts'
import { type Ipv4, type Mac, parseIpv4, parseMac, parsePrefix } from '../net/address.ts'
import type { Scope } from '../world/records.ts'
import { looksIpv6, SCOPES } from './names.ts'
import { numberedLines, type TextResult, textError, wordsOf } from './text.ts'

export interface ParsedAddress {
  readonly address: Ipv4
  readonly prefixLength: number
  readonly scope: Scope
  readonly broadcast?: Ipv4
  readonly label?: string
  readonly secondary: boolean
}

export interface ParsedLink {
  readonly name: string
  /** Absent in `ip -br`. */
  readonly ifindex?: number
  /** What follows the `@`: a device's name, or `if7` for one in another namespace. */
  readonly peer?: string
  readonly flags: readonly string[]
  /** Absent in `ip -br` and `ip -o addr`. */
  readonly mtu?: number
  readonly state?: string
  readonly master?: string
  /** `ether`, `loopback`, `none` … */
  readonly type?: string
  readonly mac?: Mac
  /** The kind that -d prints: `bridge`, `veth`, `vxlan`, `tun` … with all its words. */
  readonly kind?: string
  readonly kindWords?: readonly string[]
  /** Words of the bridge_slave line. */
  readonly slaveWords?: readonly string[]
  readonly addresses: readonly ParsedAddress[]
  readonly inet6: readonly string[]
}

type Draft = { -readonly [K in keyof ParsedLink]: ParsedLink[K] } & { addresses: ParsedAddress[]; inet6: string[] }

/**
 * Reads what `ip addr` and `ip link` print, plain, with -d, -s, -o and -br, one or several devices. Comment lines and lines of
 * `[…]` that people put into what they publish are skipped; so are details that no record keeps.
 */
export function parseIpAddr(text: string): TextResult<ParsedLink[]> {
  const links: Draft[] = []
  let current: Draft | undefined
  for (const { line, text: t } of numberedLines(text)) {
    if (t.startsWith('#') || t.startsWith('[')) continue
    if (/^\s/.test(t)) {
      if (current === undefined)
        return textError('ip addr', line, t.trim(), 'a device line such as "2: eth0: <…> mtu 1500 …" first')
      const error = readDetail(current, t)
      if (error !== undefined) return textError('ip addr', line, error.found, error.expected)
      continue
    }
    const words = wordsOf(t)
    const numbered = /^(\d+):$/.exec(words[0] ?? '')
    const full = numbered && /:$/.test(words[1] ?? '')
    if (full) {
      current = deviceLine(words, Number(numbered[1]))
      const [, ...rest] = t.split('\\')
      for (const part of rest) readDetail(current, part)
      links.push(current)
    } else if (numbered) {
      const known = links.find((l) => l.name === words[1])
      current = known ?? newLink(words[1] ?? '', Number(numbered[1]))
      if (!known) links.push(current)
      const error = readDetail(current, t.slice(t.indexOf(words[1] ?? '') + (words[1] ?? '').length).split('\\')[0] ?? '')
      if (error !== undefined) return textError('ip addr', line, error.found, error.expected)
    } else if (STATES.has(words[1] ?? '')) {
      current = briefLine(words)
      links.push(current)
    } else return textError('ip addr', line, t, 'a device line such as "2: eth0: <…> mtu 1500 …"')
  }
  return ok(links)
}

const STATES = new Set(['UP', 'DOWN', 'UNKNOWN', 'LOWERLAYERDOWN', 'NOTPRESENT', 'TESTING', 'DORMANT'])

function newLink(nameAndPeer: string, ifindex?: number): Draft {
  const [name = '', peer] = nameAndPeer.split('@')
  return {
    name,
    ...(peer === undefined ? {} : { peer }),
    ...(ifindex === undefined ? {} : { ifindex }),
    flags: [],
    addresses: [],
    inet6: [],
  }
}

const flagList = (w: string | undefined): string[] =>
  (w ?? '')
    .replace(/[<>]/g, '')
    .split(',')
    .filter((f) => f !== '')
const after = (words: readonly string[], key: string): string | undefined => {
  const i = words.indexOf(key)
  return i < 0 ? undefined : words[i + 1]
}

function deviceLine(words: readonly string[], ifindex: number): Draft {
  const link = newLink((words[1] ?? '').slice(0, -1), ifindex)
  link.flags = flagList(words[2])
  const mtu = after(words, 'mtu')
  if (mtu !== undefined && /^\d+$/.test(mtu)) link.mtu = Number(mtu)
  const state = after(words, 'state')
  if (state !== undefined) link.state = state
  const master = after(words, 'master')
  if (master !== undefined) link.master = master
  return link
}

/** `eth0@if2   UP   192.168.1.11/24 metric 100 fe80::1/64` or, from -br link, `… 52:54:00:00:00:0b <BROADCAST,UP>`. */
function briefLine(words: readonly string[]): Draft {
  const link = newLink(words[0] ?? '')
  link.state = words[1] ?? 'UNKNOWN'
  link.flags = link.state === 'DOWN' ? [] : ['UP', 'LOWER_UP']
  for (const w of words.slice(2)) {
    const mac = parseMac(w)
    const prefix = parsePrefix(w)
    if (w.startsWith('<')) link.flags = flagList(w)
    else if (mac.ok) link.mac = mac.value
    else if (prefix.ok) {
      const loopback = prefix.value.address >>> 24 === 127
      link.addresses.push({
        address: prefix.value.address,
        prefixLength: prefix.value.length,
        scope: loopback ? 'host' : 'global',
        secondary: false,
      })
    } else if (looksIpv6(w)) link.inet6.push(w)
  }
  return link
}

interface Refusal {
  readonly found: string
  readonly expected: string
}

/** Words before the kind's own that the first -d line may hold, and the lines that carry nothing for us. */
const NOT_A_KIND = new Set([
  'altname',
  'alias',
  'valid_lft',
  'RX:',
  'TX:',
  'vf',
  'link-netns',
  'openvswitch_slave',
  'bond_slave',
  'prog/xdp',
  'parentbus',
])

function readDetail(link: Draft, text: string): Refusal | undefined {
  const words = wordsOf(text)
  const first = words[0] ?? ''
  if (first.startsWith('link/')) {
    link.type = first.slice(5)
    const mac = parseMac(words[1] ?? '')
    if (mac.ok) link.mac = mac.value
    return undefined
  }
  if (first === 'inet') return inetLine(link, words)
  if (first === 'inet6') {
    link.inet6.push(words[1] ?? '')
    return undefined
  }
  if (first === 'bridge_slave') link.slaveWords = words
  else if (!NOT_A_KIND.has(first) && link.kind === undefined && link.type !== undefined && /^[a-z][a-z0-9_.-]*$/.test(first)) {
    link.kind = first
    link.kindWords = words
  }
  return undefined
}

function inetLine(link: Draft, words: readonly string[]): Refusal | undefined {
  const at = words[1] ?? ''
  const prefix = parsePrefix(at)
  if (!prefix.ok) return { found: at, expected: prefix.error.expected }
  const brd = parseIpv4(after(words, 'brd') ?? '')
  const scope = SCOPES.get(after(words, 'scope') ?? 'global') ?? 'global'
  const last = words[words.length - 1] ?? ''
  const isLabel = last === link.name || last.startsWith(`${link.name}:`)
  // A peer address has the prefix: the local one is a host address then.
  const peer = after(words, 'peer')
  link.addresses.push({
    address: prefix.value.address,
    prefixLength: peer === undefined ? prefix.value.length : 32,
    scope,
    ...(brd.ok ? { broadcast: brd.value } : {}),
    ...(isLabel && last !== link.name ? { label: last } : {}),
    secondary: words.includes('secondary'),
  })
  return undefined
}
