import { aim } from './flows.ts'
import { ALL, aimed, FILTER, join, passing, type RareRule, type Site } from './rare-site.ts'

// Targets that packets seldom come to by chance.

/** Of the request, of an answer, of what carries data, or only once the connection stands. */
export function reset(site: Site): RareRule[] {
  const { draw, flow } = site
  if (flow.protocol !== 'tcp') return unreachable(site)
  const words = draw.weighted([
    [4, aimed(site)],
    [2, aimed(site, true)],
    [2, join('-p tcp', `-m tcp --tcp-flags ${draw.pick(['PSH PSH', 'FIN FIN', 'SYN,ACK SYN,ACK'])}`)],
    [2, join(aimed(site), '-m conntrack --ctstate ESTABLISHED')],
  ])
  return [{ table: 'filter', chains: FILTER, words: join(words, '-j REJECT --reject-with tcp-reset') }]
}

export function unreachable(site: Site): RareRule[] {
  const { draw } = site
  const bridged = draw.chance(40)
  const how = draw.pick([
    'net-unreachable',
    'host-unreachable',
    'proto-unreachable',
    'port-unreachable',
    'net-prohibited',
    'admin-prohibited',
  ])
  const words = join(
    aimed(site, draw.chance(25)),
    bridged ? '-m physdev --physdev-is-bridged' : '',
    `-j REJECT --reject-with icmp-${how}`,
  )
  return [{ table: 'filter', chains: bridged ? ['FORWARD'] : FILTER, words }]
}

export function notrack(site: Site): RareRule[] {
  const { draw } = site
  const rule: RareRule = {
    table: 'raw',
    chains: ['PREROUTING', 'OUTPUT'],
    words: join(aimed(site, draw.chance(30)), '-j CT --notrack'),
  }
  if (draw.chance(30)) return [rule]
  const what = draw.pick(['-m conntrack --ctstate UNTRACKED', '-m state --state UNTRACKED', '-m conntrack ! --ctstate UNTRACKED'])
  return [rule, { table: 'mangle', chains: ALL, words: join(what, passing(draw)) }]
}

/** To a server's port of this host, or to one that nobody listens on. */
export function redirect(site: Site): RareRule[] {
  const { draw, flow } = site
  const ported = flow.protocol !== 'icmp' && draw.chance(70)
  const port = flow.protocol === 'udp' ? '7' : draw.pick(['80', '80', '8080', '80-82'])
  return [
    {
      table: 'nat',
      chains: ['PREROUTING', 'OUTPUT'],
      words: join(
        aim(flow, { reply: false, ends: draw.chance(60), port: false }).join(' '),
        `-j REDIRECT${ported ? ` --to-ports ${port}` : ''}`,
      ),
    },
  ]
}

/** A source port that NAT is told: the second flow finds it taken. Of several the kernel would draw one (get_unique_tuple()). */
export function chosenPorts(site: Site): RareRule[] {
  const { draw, flow, host } = site
  const words = aimed(site)
  const own = host.addresses.map((a) => a.cidr.slice(0, a.cidr.indexOf('/')))
  const ports = flow.protocol === 'icmp' ? '' : draw.pick(['3000', '3001'])
  const chosen =
    own.length === 0 || draw.chance(50)
      ? `-j MASQUERADE${ports === '' ? '' : ` --to-ports ${ports}`}`
      : `-j SNAT --to-source ${draw.pick(own)}${ports === '' ? '' : `:${ports}`}`
  return [{ table: 'nat', chains: ['POSTROUTING'], words: join(words, chosen) }]
}

/** Saved on one packet, restored on the next. */
export function marks(site: Site): RareRule[] {
  const { draw } = site
  const rule = (words: string): RareRule => ({ table: 'mangle', chains: ALL, words })
  return [
    rule('-j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff'),
    rule(join(aimed(site), '-m mark --mark 0x0', '-j MARK --set-xmark 0x1/0xffffffff')),
    rule('-j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff'),
    rule(join(`-m connmark --mark ${draw.pick(['0x1', '0x1/0x1'])}`, passing(draw))),
  ]
}

export function trace(site: Site): RareRule[] {
  return [{ table: 'raw', chains: ['PREROUTING', 'OUTPUT'], words: join(aimed(site), '-j TRACE') }]
}

/** Draws are pinned to source ports (lab/pins.ts). */
export function draws(site: Site): RareRule[] {
  const { draw, flow, host } = site
  // A pod does not forward: what it sends elsewhere is dropped, and its next SYN draws again.
  if (flow.protocol === 'icmp' || host.role !== 'node') return marks(site)
  const to = draw.pick(site.draft.hosts.filter((h) => h.role === 'pod').flatMap((h) => h.addresses)).cidr
  const words = join(
    aimed(site),
    '-m statistic --mode random --probability 0.5',
    `-j DNAT --to-destination ${to.slice(0, to.indexOf('/'))}`,
  )
  return [{ table: 'nat', chains: ['PREROUTING', 'OUTPUT'], words }]
}

/** Addresses that nobody has but a rule, and what later tables make of such a connection. */
export function translated(site: Site): RareRule[] {
  const { draw, draft, flow } = site
  const pod = draw.pick(draft.hosts.filter((h) => h.role === 'pod').flatMap((h) => h.addresses)).cidr
  const to = pod.slice(0, pod.indexOf('/'))
  const words = aim(flow, { reply: false, ends: true, port: false }).join(' ')
  return [
    { table: 'nat', chains: ['PREROUTING', 'OUTPUT'], words: join(words, `-j DNAT --to-destination ${to}`) },
    { table: 'mangle', chains: ALL, words: join(`-m conntrack --ctstate ${draw.pick(['DNAT', 'DNAT', 'SNAT'])}`, passing(draw)) },
  ]
}
