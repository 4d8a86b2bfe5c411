import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { printIpAddr } from '../../linux/ip-addr.ts'
import { parseIpset, printIpsetList } from '../../linux/ipset.ts'
import { formatSpec } from '../../linux/iptables/print-rule.ts'
import { parseIptablesSave } from '../../linux/iptables-save.ts'
import { type ParsedIpvsService, parseIpvsadm, printIpvsadm } from '../../linux/ipvsadm.ts'
import { ipv4, type Mac } from '../../net/address.ts'
import { addressId, deviceId, ipsetId, ipvsDestinationId, ipvsServiceId, netnsId } from '../../world/ids.ts'
import type { WorldRecord } from '../../world/records.ts'
import { viewOf } from '../../world/world.ts'
import { parseSections } from '../compare/tables.ts'
import { feedPart, IPVS_RECORDING, ipvsFeed } from './ipvs.ts'

// What a real kernel with ip_vs made of kube-proxy's IPVS feed (npm run kernel -- --ipvs), beside the printers.

const kernel = parseSections(readFileSync(IPVS_RECORDING, 'utf8'))
const real = (section: string): string => kernel.get(section) ?? ''
const origin = { component: 'user' } as const
const netns = netnsId('node1')
const printed = (records: readonly WorldRecord[], print: (view: ReturnType<typeof viewOf>) => string): string =>
  print(viewOf(new Map(records.map((r) => [r.id, r]))))

function services(text: string): WorldRecord[] {
  const parsed = parseIpvsadm(text)
  if (!parsed.ok) throw new Error(`${parsed.error.found}: ${parsed.error.expected}`)
  return parsed.value.flatMap((s: ParsedIpvsService): WorldRecord[] => {
    const { destinations, ...service } = s
    const at = `${s.protocol}/${s.address}:${s.port}`
    const id = ipvsServiceId('node1', at)
    return [
      { kind: 'ipvs-service', id, netns, ...service, origin },
      ...destinations.map(
        (d): WorldRecord => ({
          kind: 'ipvs-destination',
          id: ipvsDestinationId('node1', at, `${d.address}:${d.port}`),
          ...{ netns, service: id, ...d, origin },
        }),
      ),
    ]
  })
}

/** The table's head, then one string for each service: the kernel lists them as its hash table has them. */
const blocks = (text: string): string[] => text.split(/^(?=TCP|UDP)/m).toSorted()

describe('kube-proxy’s IPVS feed on a real kernel', () => {
  it('is the one that was recorded', () => {
    expect(real('feed')).toBe(ipvsFeed())
  })

  it('makes the virtual servers that ipvsadm -Ln prints', () => {
    expect(blocks(printed(services(feedPart('ipvsadm')), (v) => printIpvsadm(v, netns)))).toEqual(blocks(real('ipvsadm')))
  })

  it('prints other schedulers, flags, persistence and ways of forwarding as ipvsadm does', () => {
    const text = real('others')
    expect(blocks(printed(services(text), (v) => printIpvsadm(v, netns)))).toEqual(blocks(real('ipvsadm-others')))
  })

  it('fills the sets that ipset list prints', () => {
    const parsed = parseIpset(feedPart('ipset'))
    if (!parsed.ok) throw new Error(parsed.error.expected)
    const records = parsed.value.map((s) => ({ kind: 'ipset' as const, id: ipsetId('node1', s.name), netns, ...s, origin }))
    // The revision and the hash's seed are the kernel's own; references need the rules.
    const comparable = (text: string) =>
      text.replaceAll(/^(Revision|References): .*\n/gm, '').replaceAll(/ bucketsize \d+ initval 0x[0-9a-f]+$/gm, '')
    expect(comparable(printed(records, (v) => printIpsetList(v, netns)))).toEqual(comparable(real('ipset-list')))
  })

  it('puts the cluster IP on kube-ipvs0, which stays down', () => {
    const device = deviceId('node1', 'kube-ipvs0')
    const address = ipv4(0x0a60000a)
    const records: WorldRecord[] = [
      {
        ...{
          kind: 'device',
          id: device,
          netns,
          ifindex: 5,
          name: 'kube-ipvs0',
          mac: 0x020000000001 as Mac,
          mtu: 1500,
          up: false,
        },
        ...{ link: { kind: 'dummy' }, origin },
      },
      {
        ...{ kind: 'address', id: addressId('node1', 'kube-ipvs0', '10.96.0.10/32'), netns, device, address },
        ...{ prefixLength: 32, scope: 'global', origin },
      },
    ]
    expect(printed(records, (v) => printIpAddr(v, netns, { ipv4Only: true }))).toBe(real('ip-addr'))
  })

  it('becomes, rule for rule, what iptables-save prints', () => {
    const rules = (text: string) => {
      const parsed = parseIptablesSave(text)
      if (!parsed.ok) throw new Error(`line ${parsed.error.line}: ${parsed.error.found}`)
      return [...parsed.value.tables].flatMap(([table, t]) =>
        [...t.chains].flatMap(([chain, c]) => c.rules.map((r) => `${table} ${chain}${formatSpec(r.spec)}`)),
      )
    }
    const chains = (lines: string[]) => lines.toSorted((a, b) => a.split(' -')[0]?.localeCompare(b.split(' -')[0] ?? '') ?? 0)
    expect(chains(rules(feedPart('iptables')))).toEqual(chains(rules(real('iptables-save'))))
  })

  it('spreads connections over the backends by turns, whichever way round the kernel goes', () => {
    const backends = real('connections')
      .split('\n')
      .flatMap((l) => /^TCP .* 10\.96\.0\.10:80 +(\S+)$/.exec(l)?.[1] ?? [])
    expect(backends).toHaveLength(3)
    expect(new Set(backends)).toEqual(new Set(['10.244.1.5:8080', '10.244.2.5:8080']))
  })
})
