import { hash32 } from '../../base/prng.ts'
import { formatMac, macOf } from '../../net/address.ts'
import { portsOf } from './places.ts'
import { ALL, aimed, FILTER, join, PASSING, passing, type RareRule, RECEIVED, type Site } from './rare-site.ts'

// Matches that seldom fit a packet by chance.

/** Remembers whom it has seen, and does something about those it sees again. */
export function recent(site: Site): RareRule[] {
  const { draw } = site
  const name = draw.pick(['r', 'seen'])
  const side = draw.pick(['rsource', 'rsource', 'rdest'])
  const tail = `--name ${name} --mask ${draw.pick(['255.255.255.255', '255.255.255.255', '255.255.255.0'])} --${side}`
  const aimedAt = aimed(site)
  const table = draw.pick(['mangle', 'filter'] as const)
  const chains = table === 'filter' ? FILTER : ALL
  const rule = (words: string, jump: string): RareRule => ({ table, chains, words: join(aimedAt, words, jump) })
  const within = draw.chance(60) ? `--seconds ${draw.pick([60, 120])} ` : ''
  const hits = draw.chance(50) ? `--hitcount ${draw.between(1, 4)} ` : ''
  const again = draw.pick(['rcheck', 'update', 'update'])
  const end = draw.pick(['-j DROP', ...PASSING])
  const look = rule(`-m recent ${draw.chance(12) ? '! ' : ''}--${again} ${within}${hits}${tail}`, end)
  const set = rule(`-m recent --set ${tail}`, draw.pick(['', '', '-j LOG --log-prefix "set: "']))
  const forget = draw.chance(30) ? [rule(`-m recent --remove ${tail}`, '')] : []
  return draw.chance(50) ? [look, ...forget, set] : [set, look, ...forget]
}

export function limit(site: Site): RareRule[] {
  const { draw } = site
  const table = draw.pick(['mangle', 'filter'] as const)
  const chains = table === 'filter' ? FILTER : ALL
  const words = aimed(site)
  const bucket = `-m limit --limit ${draw.pick(['1/min', '6/hour', '1/hour'])} --limit-burst ${draw.between(1, 6)}`
  const rule = (matches: string, jump: string): RareRule => ({ table, chains, words: join(words, matches, jump) })
  return draw.chance(50) ? [rule(bucket, '-j ACCEPT'), rule('', '-j DROP')] : [rule(bucket, passing(draw))]
}

/** The sender's own address, where the host is next to it. */
export function mac({ draw, draft, host, flow }: Site): RareRule[] {
  const next = draft.cables.find((c) => c.a.host === flow.from && c.b.host === host.name)?.a
  const end = next ?? draw.pick(draft.cables.flatMap((c) => [c.a, c.b]))
  const address = formatMac(macOf(0x0200, hash32(`${end.host}/${end.device}`)))
  const table = draw.pick(['mangle', 'filter'] as const)
  const chains = table === 'filter' ? ['INPUT', 'FORWARD'] : RECEIVED
  return [{ table, chains, words: join(`-m mac ${draw.chance(12) ? '! ' : ''}--mac-source ${address}`, passing(draw)) }]
}

export function physdev(site: Site): RareRule[] {
  const { draw, draft, host, flow } = site
  const ports = portsOf(host, draft.cables)
  if (ports.length === 0) return mac(site)
  const own = draft.cables.find((c) => c.a.host === flow.from && c.b.host === host.name)?.b.device
  const port = own !== undefined && draw.chance(60) ? own : draw.pick(ports)
  const not = draw.chance(15) ? '! ' : ''
  const from = [`${not}--physdev-in ${port}`, `${not}--physdev-is-in`, `${not}--physdev-in ${port.slice(0, -1)}+`]
  const through = [
    `${not}--physdev-is-bridged`,
    `--physdev-in ${port} --physdev-is-bridged`,
    `${not}--physdev-out ${port} --physdev-is-bridged`,
    '--physdev-is-out --physdev-is-bridged',
  ]
  const table = draw.pick(['mangle', 'filter'] as const)
  const bridged = draw.chance(75)
  const chains = bridged
    ? table === 'filter'
      ? ['FORWARD']
      : ['FORWARD', 'POSTROUTING']
    : table === 'filter'
      ? ['INPUT', 'FORWARD']
      : RECEIVED
  const jump = table === 'filter' && draw.chance(25) ? '-j REJECT --reject-with icmp-port-unreachable' : passing(draw)
  return [{ table, chains, words: join(`-m physdev ${draw.pick(bridged ? through : from)}`, jump) }]
}

export function sets(site: Site): RareRule[] {
  const { draw, draft, flow, host } = site
  const type = draw.pick(['hash:ip', 'hash:net', 'hash:ip,port'])
  if (type === 'hash:ip,port' && flow.port === undefined) return tuples(site)
  const name = { 'hash:ip': 'rs1', 'hash:net': 'rs2', 'hash:ip,port': 'rs3' }[type] ?? 'rs1'
  const member =
    type === 'hash:ip'
      ? flow.to
      : type === 'hash:net'
        ? `${flow.to.slice(0, flow.to.lastIndexOf('.'))}.0/24`
        : `${flow.to},${flow.protocol}:${flow.port}`
  if (!host.sets.includes(`create ${name} ${type} family inet`)) {
    host.sets.push(`create ${name} ${type} family inet`)
    const others = draft.hosts.flatMap((h) => h.addresses.map((a) => a.cidr.slice(0, a.cidr.indexOf('/'))))
    if (type === 'hash:ip')
      host.sets.push(
        ...new Set(
          draw
            .some(others, 20)
            .filter((a) => a !== member)
            .map((a) => `add ${name} ${a}`),
        ),
      )
    host.sets.push(`add ${name} ${member}`)
  }
  const not = draw.chance(12) ? '! ' : ''
  const table = draw.pick(['mangle', 'filter', 'raw'] as const)
  const chains = table === 'filter' ? FILTER : table === 'raw' ? ['PREROUTING', 'OUTPUT'] : ALL
  const side = draw.pick(['dst', 'dst', 'src'])
  const words = `-m set ${not}--match-set ${name} ${type === 'hash:ip,port' ? `${side},${side}` : side}`
  return [{ table, chains, words: join(words, passing(draw)) }]
}

export function states(site: Site): RareRule[] {
  const { draw } = site
  const state = draw.pick(['RELATED', 'INVALID', 'DNAT', 'SNAT', 'RELATED,ESTABLISHED', 'NEW', 'UNTRACKED'])
  const not = draw.chance(12) ? '! ' : ''
  const words =
    draw.chance(70) || state === 'DNAT' || state === 'SNAT'
      ? `-m conntrack ${not}--ctstate ${state}`
      : `-m state ${not}--state ${state}`
  const table = draw.pick(['mangle', 'filter'] as const)
  const jump = draw.chance(20) ? '-j DROP' : passing(draw)
  return [{ table, chains: table === 'filter' ? FILTER : ALL, words: join(words, jump) }]
}

export function tuples(site: Site): RareRule[] {
  const { draw, flow } = site
  const not = draw.chance(12) ? '! ' : ''
  const what = draw.pick([
    `${not}--ctorigdst ${flow.to}`,
    `${not}--ctreplsrc ${flow.to}`,
    ...(flow.source === '' ? [] : [`${not}--ctorigsrc ${flow.source}`, `${not}--ctrepldst ${flow.source}`]),
    ...(flow.port === undefined ? [] : [`--ctorigdstport ${flow.port}`]),
    '--ctdir REPLY',
    '--ctdir ORIGINAL',
    `${not}--ctstatus ${draw.pick(['SEEN_REPLY', 'ASSURED', 'CONFIRMED'])}`,
  ])
  return [{ table: 'mangle', chains: ALL, words: join(`-m conntrack ${what}`, passing(draw)) }]
}

/** Where nothing puts datagrams together (no conntrack), later fragments come by. */
export function fragments({ draw }: Site): RareRule[] {
  const table = draw.pick(['mangle', 'filter'] as const)
  const chains = table === 'filter' ? FILTER : ALL
  return [{ table, chains, words: join(`${draw.chance(25) ? '! ' : ''}-f`, passing(draw)) }]
}

export function addrtype({ draw }: Site): RareRule[] {
  const type = draw.pick(['LOCAL', 'UNICAST', 'BROADCAST'])
  const side = draw.pick(['src', 'dst'])
  const way = draw.pick(['in', 'out'])
  const chains = way === 'in' ? ['PREROUTING', 'INPUT'] : ['OUTPUT', 'POSTROUTING']
  return [{ table: 'mangle', chains, words: join(`-m addrtype --${side}-type ${type} --limit-iface-${way}`, passing(draw)) }]
}
