import { conntrackId, ipsetId, netnsId, processId, socketId, sysctlId } from '../world/ids.ts'
import type { Origin, WorldRecord } from '../world/records.ts'
import { parseConntrack } from './conntrack.ts'
import type { TextKind } from './import-kind.ts'
import { type NamedText, IMPORT_ORIGIN as ORIGIN } from './import-text.ts'
import { parseIpset } from './ipset.ts'
import { parseSs } from './ss.ts'
import { parseSysctl } from './sysctl.ts'
import type { TextResult } from './text.ts'

export interface StateTools {
  readonly readAll: <T>(
    kind: TextKind,
    parse: (t: NamedText) => TextResult<T>,
  ) => { readonly file: NamedText; readonly value: T }[]
  readonly from: (file: NamedText, line: number) => Origin
  readonly countIpv6: (n: number, what: string) => void
  readonly records: WorldRecord[]
}

/** Conntrack entries, sockets and their processes, sysctls, sets. */
export function importState(netns: string, { readAll, from, countIpv6, records }: StateTools): void {
  const ns = netnsId(netns)
  let flows = 0
  for (const { file, value } of readAll('conntrack', (t) => parseConntrack(t.text))) {
    countIpv6(value.ipv6, 'connections')
    for (const f of value.flows) {
      const { original: o, reply: r } = f
      records.push({
        kind: 'conntrack',
        id: conntrackId(netns, ++flows),
        netns: ns,
        protocol: f.protocol,
        original: o,
        reply: r,
        ...(f.tcpState === undefined ? {} : { tcpState: f.tcpState }),
        seenReply: f.seenReply,
        assured: f.assured,
        confirmed: true,
        dying: false,
        srcNat: o.src !== r.dst || (f.protocol !== 1 && o.sport !== r.dport),
        dstNat: o.dst !== r.src || (f.protocol !== 1 && o.dport !== r.sport),
        mark: f.mark,
        zone: f.zone,
        origin: from(file, f.line),
      })
    }
  }
  let sockets = 0
  const processes = new Map<number, ReturnType<typeof processId>>()
  for (const { file, value } of readAll('ss', (t) => parseSs(t.text, /\bLISTEN\b|\bESTAB\b/.test(t.text) ? 'tcp' : 'udp'))) {
    countIpv6(value.ipv6, 'sockets')
    for (const s of value.sockets) {
      let process = s.process === undefined ? undefined : processes.get(s.process.pid)
      if (s.process !== undefined && process === undefined) {
        process = processId(netns, s.process.pid)
        processes.set(s.process.pid, process)
        records.push({
          kind: 'process',
          id: process,
          netns: ns,
          pid: s.process.pid,
          argv: [s.process.name],
          state: 'running',
          output: '',
          origin: from(file, s.line),
        })
      }
      records.push({
        kind: 'socket',
        id: socketId(netns, ++sockets),
        netns: ns,
        protocol: s.protocol,
        local: { address: s.local.address, port: s.local.port },
        ...(s.remote === undefined ? {} : { remote: s.remote }),
        state: s.state,
        receiveQueue: s.receiveQueue,
        sendQueue: s.sendQueue,
        ...(process === undefined ? {} : { process }),
        origin: from(file, s.line),
      })
    }
  }
  const sysctls = new Map(readAll('sysctl', (t) => parseSysctl(t.text)).flatMap((p) => [...p.value]))
  for (const [key, value] of sysctls) {
    if (!/^net\.(ipv4|bridge|netfilter|core)\./.test(key)) continue
    records.push({ kind: 'sysctl', id: sysctlId(netns, key), netns: ns, key, value, origin: ORIGIN })
  }
  for (const { value } of readAll('ipset', (t) => parseIpset(t.text))) {
    for (const s of value) records.push({ kind: 'ipset', id: ipsetId(netns, s.name), netns: ns, ...s, origin: ORIGIN })
  }
}

/** What is recognised and not modelled, each named. */
export function importNotes(texts: readonly NamedText[], note: (what: string, where?: string) => void): void {
  for (const t of texts) {
    if (t.kind === 'ipvs') {
      const services = t.text.split('\n').filter((l) => /^(-A |TCP|UDP|SCTP|FWM)/.test(l)).length
      if (services > 0) note(`IPVS is not modelled yet: ${services} virtual services`, t.name)
    } else if (t.kind === 'bridge-vlan') {
      if (/^\S+\s+(?!1 )\d+/m.test(t.text)) note('VLAN filtering of bridges is not modelled', t.name)
    } else if (t.kind === 'other' && !/(^|\/)(source\.json|INDEX\.md|README)/.test(t.name)) {
      note('not text of a tool that is read here', t.name)
    }
  }
}
