import type { TableName } from '../../world/netfilter.ts'
import type { FuzzTable } from './case.ts'
import type { Draw } from './draw.ts'
import { drawMatches, type Protocol, type RuleSite } from './matches.ts'

const BASE: Readonly<Record<Exclude<TableName, 'security'>, readonly string[]>> = {
  raw: ['PREROUTING', 'OUTPUT'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
}
type Table = keyof typeof BASE

/** A user chain and the base chains that may jump to it. */
interface UserChain {
  readonly name: string
  readonly hooks: readonly string[]
}

type Ground = Omit<RuleSite, 'table' | 'chain' | 'hooks'>

/** One to four tables of rules for one host. */
export function drawTables(draw: Draw, ground: Ground): FuzzTable[] {
  const wanted: readonly (readonly [Table, number])[] = [
    ['raw', 20],
    ['mangle', 35],
    ['nat', 70],
    ['filter', 70],
  ]
  return wanted.flatMap(([table, percent]) => (draw.chance(percent) ? [drawTable(draw, table, ground)] : []))
}

function drawTable(draw: Draw, table: Table, ground: Ground): FuzzTable {
  const base = BASE[table]
  const users = userChains(draw, table)
  const rules: string[] = []
  for (const chain of base) {
    const count = draw.weighted([
      [4, 0],
      [3, 1],
      [3, 2],
      [1, 4],
    ])
    for (let i = 0; i < count; i++) rules.push(rule(draw, { ...ground, table, chain, hooks: [chain] }, users))
  }
  users.forEach((user, at) => {
    const count = draw.between(1, 3)
    // A chain jumps only to later ones: no loops.
    const later = users.slice(at + 1).filter((u) => user.hooks.every((h) => u.hooks.includes(h)))
    for (let i = 0; i < count; i++) rules.push(rule(draw, { ...ground, table, chain: user.name, hooks: user.hooks }, later))
  })
  const policies: Record<string, 'ACCEPT' | 'DROP'> = {}
  if (table === 'filter' && draw.chance(12)) policies[draw.pick(base)] = 'DROP'
  if (table === 'mangle' && draw.chance(4)) policies[draw.pick(base)] = 'DROP'
  return { table, policies, chains: users.map((u) => u.name), rules }
}

function userChains(draw: Draw, table: Table): UserChain[] {
  const count = draw.weighted([
    [4, 0],
    [3, 1],
    [2, 2],
  ])
  return Array.from({ length: count }, (_, i) => {
    const name = `U${i + 1}`
    if (table === 'nat') return { name, hooks: draw.chance(60) ? ['PREROUTING', 'OUTPUT'] : ['POSTROUTING'] }
    if (table === 'filter') return { name, hooks: draw.chance(50) ? ['FORWARD'] : BASE.filter }
    return { name, hooks: draw.chance(50) ? ['PREROUTING'] : BASE[table] }
  })
}

function rule(draw: Draw, site: RuleSite, users: readonly UserChain[]): string {
  const reachable = users.filter((u) => site.hooks.every((h) => u.hooks.includes(h)))
  if (reachable.length > 0 && draw.chance(30)) {
    const { words } = drawMatches(draw, site, false)
    return line(site, words, `-${draw.chance(80) ? 'j' : 'g'} ${draw.pick(reachable).name}`)
  }
  const t = target(draw, site)
  const { words, protocol } = drawMatches(draw, site, t.port)
  return line(site, words, t.words(protocol))
}

/** Draws are pinned to source ports (lab/pins.ts), so only what has ports may draw. */
function line(site: RuleSite, words: readonly string[], jump: string): string {
  const ported = words.some((w) => w === '-p tcp' || w === '-p udp')
  return ['-A', site.chain, ...words.filter((w) => w !== '' && (ported || !w.includes('--mode random'))), jump]
    .filter((w) => w !== '')
    .join(' ')
}

interface DrawnTarget {
  /** Names a port, and so wants TCP or UDP. */
  readonly port: boolean
  readonly words: (protocol: Protocol) => string
}

const plain = (words: string): DrawnTarget => ({ port: false, words: () => words })

function target(draw: Draw, site: RuleSite): DrawnTarget {
  const within = (...hooks: string[]) => site.hooks.every((h) => hooks.includes(h))
  const common: (readonly [number, () => DrawnTarget])[] = [
    [2, () => plain('-j ACCEPT')],
    [2, () => plain('-j RETURN')],
    [1, () => plain('')],
    [1, () => plain('-j LOG --log-prefix "hf: "')],
  ]
  const marks: (readonly [number, () => DrawnTarget])[] = [
    [2, () => plain(`-j MARK --set-xmark ${draw.pick(['0x1/0xffffffff', '0x4000/0x4000', '0x2/0xff', '0x0/0x1'])}`)],
    [1, () => plain(`-j CONNMARK --set-xmark ${draw.pick(['0x1/0xffffffff', '0x2/0xff'])}`)],
    [1, () => plain(`-j CONNMARK --${draw.pick(['save', 'restore'])}-mark --nfmask 0xffffffff --ctmask 0xffffffff`)],
  ]
  const drop: readonly [number, () => DrawnTarget] = [1, () => plain('-j DROP')]
  switch (site.table) {
    case 'raw':
      return draw.weighted([
        ...common,
        drop,
        [4, () => plain('-j CT --notrack')],
        [1, () => plain('-j TRACE')],
        ...marks.slice(0, 1),
      ])()
    case 'mangle':
      return draw.weighted([...common, drop, ...marks, ...marks])()
    case 'filter':
      return draw.weighted([...common, drop, ...marks.slice(0, 1), [4, () => reject(draw)]])()
    default:
      if (within('PREROUTING', 'OUTPUT'))
        return draw.weighted([...common, ...marks, [10, () => dnat(draw, site)], [3, () => redirect(draw)]])()
      if (within('POSTROUTING'))
        return draw.weighted([...common, ...marks, [7, () => masquerade(draw)], [4, () => snat(draw, site)]])()
      return within('INPUT') ? draw.weighted([...common, [2, () => snat(draw, site)]])() : draw.weighted(common)()
  }
}

function reject(draw: Draw): DrawnTarget {
  const how = draw.pick([
    'icmp-port-unreachable',
    'icmp-host-prohibited',
    'icmp-net-unreachable',
    'icmp-admin-prohibited',
    'tcp-reset',
  ])
  return {
    port: false,
    words: (protocol) => `-j REJECT --reject-with ${how === 'tcp-reset' && protocol !== 'tcp' ? 'icmp-proto-unreachable' : how}`,
  }
}

const ports = (draw: Draw): string => draw.pick(['80', '8080', '7', '81', '80-82'])

function dnat(draw: Draw, site: RuleSite): DrawnTarget {
  const { addresses, pods, nobody } = site.places
  const to = draw.weighted([
    [8, draw.pick(pods)],
    [2, draw.pick(addresses)],
    [1, draw.pick(nobody)],
  ])
  if (draw.chance(50)) return plain(`-j DNAT --to-destination ${to}`)
  const port = ports(draw)
  return { port: true, words: () => `-j DNAT --to-destination ${to}:${port}` }
}

function redirect(draw: Draw): DrawnTarget {
  if (draw.chance(40)) return plain('-j REDIRECT')
  const port = ports(draw)
  return { port: true, words: () => `-j REDIRECT --to-ports ${port}` }
}

function masquerade(draw: Draw): DrawnTarget {
  if (draw.chance(85)) return plain('-j MASQUERADE')
  return { port: true, words: () => '-j MASQUERADE --to-ports 2000' }
}

function snat(draw: Draw, site: RuleSite): DrawnTarget {
  const to = draw.weighted([
    [4, draw.pick(site.places.addresses)],
    [1, draw.pick(site.places.nobody)],
  ])
  if (draw.chance(75)) return plain(`-j SNAT --to-source ${to}`)
  return { port: true, words: () => `-j SNAT --to-source ${to}:3000` }
}
