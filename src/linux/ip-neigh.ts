import { ok } from '../base/result.ts'
import { formatIpv4, formatMac, type Ipv4, type Mac, parseMac } from '../net/address.ts'
import type { NeighbourRecord, NudState } from '../world/records.ts'
import type { WorldView } from '../world/world.ts'
import { deviceName, integer, ipv4OrUndefined, isNudState, looksIpv6, secondsBetween } from './names.ts'
import { numberedLines, type TextResult, textError, wordsOf } from './text.ts'

export interface NeighOptions {
  /** -s: used/confirmed/updated ages in seconds, and probes. */
  readonly statistics?: boolean
  readonly device?: string
  readonly address?: number
  /** Only these states. Without it all but NONE and NOARP are shown. */
  readonly states?: ReadonlySet<NudState>
}

/** `ip [-s] neigh` (iproute2 6.1, ip/ipneigh.c print_neigh). */
export function printIpNeigh(view: WorldView, netns: string, o: NeighOptions = {}): string {
  return view
    .list('neighbour', netns)
    .filter((n) => (o.states ? o.states.has(n.state) : n.state !== 'NONE' && n.state !== 'NOARP'))
    .filter((n) => o.device === undefined || deviceName(view, n.device) === o.device)
    .filter((n) => o.address === undefined || n.address === o.address)
    .map((n) => formatNeighbour(view, n, o))
    .join('')
}

export function formatNeighbour(view: WorldView, n: NeighbourRecord, o: NeighOptions = {}): string {
  let out = `${formatIpv4(n.address)} `
  if (o.device === undefined) out += `dev ${deviceName(view, n.device)} `
  if (n.mac !== undefined) out += `lladdr ${formatMac(n.mac)} `
  if (o.statistics) {
    const age = (field: 'used' | 'confirmed' | 'updated') => secondsBetween(view.cell(n.id, field), view.now)
    out += ` used ${age('used')}/${age('confirmed')}/${age('updated')}probes ${n.probes} `
  }
  return `${out}${n.state} \n`
}

export interface ParsedNeighbour {
  readonly line: number
  readonly address: Ipv4
  readonly device: string
  readonly mac?: Mac
  readonly state: NudState
  readonly probes: number
}

export interface ParsedNeighbours {
  readonly neighbours: readonly ParsedNeighbour[]
  readonly ipv6: number
}

/** Reads what `ip neigh` prints, with and without -s; `device` for text of `ip neigh show dev X`, which does not name it. */
export function parseIpNeigh(text: string, device?: string): TextResult<ParsedNeighbours> {
  const neighbours: ParsedNeighbour[] = []
  let ipv6 = 0
  for (const { line, text: t } of numberedLines(text)) {
    if (t.startsWith('#')) continue
    const words = wordsOf(t)
    const first = words[0] ?? ''
    if (looksIpv6(first)) {
      ipv6++
      continue
    }
    const address = ipv4OrUndefined(first)
    if (address === undefined) return textError('ip neigh', line, first, 'an address')
    const dev = words.indexOf('dev')
    const name = dev < 0 ? device : words[dev + 1]
    if (name === undefined) return textError('ip neigh', line, t, 'dev and a device')
    const state = words[words.length - 1] ?? ''
    if (!isNudState(state)) return textError('ip neigh', line, state, 'a state such as REACHABLE at the end')
    const lladdr = words.indexOf('lladdr')
    const mac = parseMac(lladdr < 0 ? '' : (words[lladdr + 1] ?? ''))
    if (lladdr >= 0 && !mac.ok) return textError('ip neigh', line, words[lladdr + 1] ?? '', 'a MAC address after lladdr')
    const probes = words.findIndex((w) => w.endsWith('probes'))
    neighbours.push({
      line,
      address,
      device: name,
      ...(mac.ok ? { mac: mac.value } : {}),
      state,
      probes: integer(words[probes + 1]) ?? 0,
    })
  }
  return ok({ neighbours, ipv6 })
}
