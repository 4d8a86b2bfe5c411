import { formatIpv4 } from '../../net/address.ts'
import type { Session } from '../../store/session.ts'
import type { ObjectRecord } from '../../world/records.ts'
import type { Catalogue } from '../i18n/en-panels.ts'
import type { Suggestion } from '../widgets/combobox.tsx'

const ROLE_ORDER: readonly string[] = ['pod', 'node', 'client', 'internet', 'gateway', 'router', 'load-balancer', 'switch']

/** Every namespace that a command can run in, pods first, each with its first address. */
export function placeSuggestions(session: Session, words: Catalogue): Suggestion[] {
  const view = session.timeline.at(-1)
  const rank = (role: string) => ROLE_ORDER.indexOf(role)
  return [...view.list('netns')]
    .filter((n) => n.role !== 'switch')
    .sort((a, b) => rank(a.role) - rank(b.role))
    .map((n) => {
      const address = view.list('address', n.id).find((a) => a.scope === 'global')
      const role = n.role === 'pod' ? words.composer.pod : (words.composer.roles[n.role] ?? n.role)
      return { value: n.name, hint: address === undefined ? role : `${role} ${formatIpv4(address.address)}` }
    })
}

interface ServicePort {
  readonly port: number
  readonly protocol: string
}

/** The ports of a Service's manifest, leniently: a manifest is the user's text. */
function servicePorts(service: ObjectRecord): readonly ServicePort[] {
  const spec = service.manifest.spec
  const ports = typeof spec === 'object' && spec !== null ? (spec as { ports?: unknown }).ports : undefined
  if (!Array.isArray(ports)) return []
  return ports.flatMap((p: unknown) => {
    if (typeof p !== 'object' || p === null) return []
    const { port, protocol } = p as { port?: unknown; protocol?: unknown }
    return typeof port === 'number' ? [{ port, protocol: typeof protocol === 'string' ? protocol : 'TCP' }] : []
  })
}

const clusterIp = (service: ObjectRecord): string | undefined => {
  const spec = service.manifest.spec
  const ip = typeof spec === 'object' && spec !== null ? (spec as { clusterIP?: unknown }).clusterIP : undefined
  return typeof ip === 'string' && ip !== 'None' ? ip : undefined
}

const url = (host: string, port: number) => (port === 80 ? `http://${host}/` : `http://${host}:${port}/`)

/** Commands that make sense in this cluster: what the scenario runs, its Services, its other places. */
export function commandSuggestions(session: Session, from: string, words: Catalogue): Suggestion[] {
  const view = session.timeline.at(-1)
  const out = new Map<string, Suggestion>()
  const add = (value: string, hint: string) => out.has(value) || out.set(value, { value, hint })
  for (const j of session.document.journeys) add(j.run, words.composer.hintUp)
  for (const service of view.list('object')) {
    const ip = service.objectKind === 'Service' ? clusterIp(service) : undefined
    if (ip === undefined) continue
    for (const { port, protocol } of servicePorts(service)) {
      const hint = `${words.composer.service} ${service.name}`
      if (protocol === 'UDP') add(`echo hello | nc -u -w 1 ${ip} ${port}`, hint)
      else if (protocol === 'TCP') add(`curl ${url(ip, port)}`, hint)
    }
  }
  for (const netns of view.list('netns')) {
    if (netns.name === from || netns.role === 'switch') continue
    const address = view.list('address', netns.id).find((a) => a.scope === 'global')
    if (address === undefined) continue
    const ip = formatIpv4(address.address)
    for (const s of view.list('socket', netns.id)) {
      if (s.state === 'LISTEN') add(`curl ${url(ip, s.local.port)}`, netns.name)
    }
    add(`ping -c 2 ${ip}`, netns.name)
  }
  return [...out.values()]
}
