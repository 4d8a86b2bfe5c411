import { hash32 } from '../../base/prng.ts'
import { formatMac, macOf } from '../../net/address.ts'
import type { TableName } from '../../world/netfilter.ts'
import type { Draw } from './draw.ts'
import type { Places } from './places.ts'

/** Where a rule stands, and what it may speak of. */
export interface RuleSite {
  readonly table: TableName
  readonly chain: string
  /** The base chains that reach it: the chain itself, or those that jump to a user chain. */
  readonly hooks: readonly string[]
  readonly devices: readonly string[]
  readonly ports: readonly string[]
  readonly places: Places
  /** Names and types of the host's sets. */
  readonly sets: readonly (readonly [name: string, type: string])[]
  /** `host/device` of every cable end, for MAC addresses. */
  readonly ends: readonly string[]
}

export type Protocol = 'tcp' | 'udp' | 'icmp' | undefined

export interface DrawnMatches {
  readonly words: readonly string[]
  /** What the rule is certain to be about. */
  readonly protocol: Protocol
}

const PORTS = ['80', '7', '8080', '81', '9']
const STATES = ['NEW', 'ESTABLISHED', 'RELATED', 'RELATED,ESTABLISHED', 'INVALID', 'UNTRACKED', 'NEW,ESTABLISHED']
const FLAGS = ['FIN,SYN,RST,ACK SYN', 'SYN,ACK SYN,ACK', 'RST RST', 'FIN FIN', 'ACK,PSH PSH,ACK', 'SYN,RST NONE']
const ICMP_TYPES = ['8', '0', '3', '3/3', '3/4', '11', '5', 'any']

/** A few matches that iptables allows there. `port` asks for TCP or UDP. */
export function drawMatches(draw: Draw, site: RuleSite, port: boolean): DrawnMatches {
  const words: string[] = []
  const not = () => (draw.chance(12) ? '! ' : '')
  const only = (...hooks: string[]) => site.hooks.every((h) => hooks.includes(h))
  if (draw.chance(25)) words.push(`${not()}-s ${address(draw, site)}`)
  if (draw.chance(30)) words.push(`${not()}-d ${address(draw, site)}`)
  if (draw.chance(20) && only('PREROUTING', 'INPUT', 'FORWARD')) words.push(`${not()}-i ${device(draw, site)}`)
  if (draw.chance(20) && only('FORWARD', 'OUTPUT', 'POSTROUTING')) words.push(`${not()}-o ${device(draw, site)}`)
  const protocol: Protocol = port
    ? draw.pick(['tcp', 'tcp', 'udp'] as const)
    : draw.weighted<Protocol>([
        [5, undefined],
        [4, 'tcp'],
        [2, 'udp'],
        [2, 'icmp'],
      ])
  let named = protocol
  if (protocol !== undefined) {
    const negated = protocol === 'icmp' || port ? '' : not()
    words.push(`${negated}-p ${protocol}`)
    if (negated === '') words.push(...layer4(draw, protocol))
    else named = undefined
  }
  const count = draw.weighted([
    [6, 0],
    [5, 1],
    [1, 2],
  ])
  for (let i = 0; i < count; i++) words.push(...extension(draw, site, only))
  return { words, protocol: named }
}

function address(draw: Draw, site: RuleSite): string {
  const { addresses, services } = site.places
  const one = draw.chance(15) ? draw.pick(services) : draw.pick(addresses)
  return `${one}/${draw.weighted([
    [6, 32],
    [2, 24],
    [1, 16],
    [1, 8],
  ])}`
}

function device(draw: Draw, site: RuleSite): string {
  const name = draw.pick(site.devices)
  return draw.chance(20) && name.length > 2 ? `${name.slice(0, draw.between(1, name.length - 1))}+` : name
}

function layer4(draw: Draw, protocol: 'tcp' | 'udp' | 'icmp'): string[] {
  const not = draw.chance(10) ? '! ' : ''
  if (protocol === 'icmp') return draw.chance(60) ? [`-m icmp ${not}--icmp-type ${draw.pick(ICMP_TYPES)}`] : []
  return draw.weighted<() => string[]>([
    [3, () => []],
    [5, () => [`-m ${protocol} ${not}--dport ${draw.pick(PORTS)}`]],
    [1, () => [`-m ${protocol} ${not}--sport ${draw.pick(PORTS)}`]],
    [1, () => [`-m ${protocol} ${not}--sport 1024:65535`]],
    [2, () => [`-m multiport ${not}--dports ${draw.pick(['80,8080', '7,80:90', '1:1023'])}`]],
    [1, () => [`-m multiport ${not}--${draw.pick(['ports', 'sports'])} ${draw.pick(['80,81', '7:90'])}`]],
    [2, () => (protocol === 'tcp' ? [`-m tcp ${not}--tcp-flags ${draw.pick(FLAGS)}`] : [])],
  ])()
}

function extension(draw: Draw, site: RuleSite, only: (...hooks: string[]) => boolean): string[] {
  const not = draw.chance(12) ? '! ' : ''
  const mark = () => draw.pick(['0x1', '0x1/0x1', '0x4000/0x4000', '0x0', '0x2/0xff'])
  const kind = draw.weighted([
    [2, 'mark'],
    [1, 'connmark'],
    [5, 'ctstate'],
    [2, 'conntrack'],
    [1, 'state'],
    [2, 'addrtype'],
    [2, 'nth'],
    [1, 'random'],
    [2, 'set'],
    [2, 'physdev'],
    [1, 'recent'],
    [1, 'mac'],
    [1, 'limit'],
    [1, 'comment'],
  ])
  switch (kind) {
    case 'mark':
      return [`-m mark ${not}--mark ${mark()}`]
    case 'connmark':
      return [`-m connmark ${not}--mark ${mark()}`]
    case 'ctstate':
      return [`-m conntrack ${not}--ctstate ${draw.pick([...STATES, 'DNAT', 'SNAT'])}`]
    case 'conntrack':
      return [
        `-m conntrack ${draw.pick([
          `${not}--ctorigdst ${draw.pick([...site.places.addresses, ...site.places.services])}`,
          `${not}--ctorigsrc ${draw.pick(site.places.addresses)}`,
          `${not}--ctreplsrc ${draw.pick(site.places.addresses)}`,
          `--ctdir ${draw.pick(['ORIGINAL', 'REPLY'])}`,
          `${not}--ctstatus ${draw.pick(['ASSURED', 'SEEN_REPLY', 'CONFIRMED'])}`,
          `${not}--ctproto 6`,
        ])}`,
      ]
    case 'state':
      return [`-m state ${not}--state ${draw.pick(STATES)}`]
    case 'addrtype':
      return [addrtype(draw, only)]
    case 'nth': {
      const every = draw.between(2, 3)
      return [`-m statistic --mode nth ${not}--every ${every} --packet ${draw.between(0, every - 1)}`]
    }
    case 'random':
      return site.table === 'nat' ? ['-m statistic --mode random --probability 0.5'] : []
    case 'set': {
      if (site.sets.length === 0) return []
      const [name, type] = draw.pick(site.sets)
      const direction = draw.pick(['src', 'dst'])
      return [
        `-m set ${not}--match-set ${name} ${type === 'hash:ip,port' ? `${direction},${draw.pick(['src', 'dst'])}` : direction}`,
      ]
    }
    case 'physdev':
      return physdev(draw, site, only, not)
    case 'recent':
      return draw.chance(50)
        ? ['-m recent --set --name r --mask 255.255.255.255 --rsource']
        : [`-m recent ${not}--${draw.pick(['rcheck', 'update', 'remove'])} --name r --mask 255.255.255.255 --rsource`]
    case 'mac': {
      if (!only('PREROUTING', 'INPUT', 'FORWARD') || site.chain.startsWith('U')) return []
      const end = draw.pick(site.ends)
      return [`-m mac ${not}--mac-source ${formatMac(macOf(0x0200, hash32(end)))}`]
    }
    case 'limit':
      return [`-m limit --limit ${draw.pick(['1/min', '6/hour'])} --limit-burst ${draw.between(1, 3)}`]
    case 'comment':
      return ['-m comment --comment "a rule of chance"']
  }
  return []
}

function addrtype(draw: Draw, only: (...hooks: string[]) => boolean): string {
  const not = draw.chance(12) ? '! ' : ''
  const side = draw.pick(['src', 'dst'])
  const type = draw.pick(['LOCAL', 'LOCAL', 'UNICAST', 'BROADCAST'])
  const limit = !draw.chance(15)
    ? ''
    : only('PREROUTING', 'INPUT')
      ? ' --limit-iface-in'
      : only('OUTPUT', 'POSTROUTING')
        ? ' --limit-iface-out'
        : ''
  return `-m addrtype ${not}--${side}-type ${type}${limit}`
}

function physdev(draw: Draw, site: RuleSite, only: (...hooks: string[]) => boolean, not: string): string[] {
  if (site.ports.length === 0) return []
  const port = draw.pick(site.ports)
  if (only('FORWARD')) {
    return [
      `-m physdev ${draw.pick([`${not}--physdev-in ${port}`, `${not}--physdev-is-bridged`, `${not}--physdev-out ${port} --physdev-is-bridged`, `${not}--physdev-is-in`])}`,
    ]
  }
  if (only('PREROUTING', 'INPUT')) return [`-m physdev ${draw.pick([`${not}--physdev-in ${port}`, `${not}--physdev-is-in`])}`]
  return only('POSTROUTING') ? [`-m physdev ${not}--physdev-is-bridged`] : []
}
