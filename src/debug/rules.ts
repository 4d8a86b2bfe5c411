import { execCommand } from '../console/exec.ts'
import type { WorldView } from '../world/world.ts'
import type { CheckRun } from './report.ts'
import type { Subject, SubjectPort } from './subject.ts'

/** What a node's kube-proxy left for one port of a Service: which mode shows it, and where it sends. */
export interface RulesFound {
  readonly mode: string
  readonly runs: readonly CheckRun[]
  /** `10.244.2.2:8080`; undefined in userspace mode, whose choice is in the process. */
  readonly targets: readonly string[] | undefined
  readonly present: boolean
}

/** Looked for as one would on the node: `ipvsadm`, `nft`, else `iptables-save`. */
export function rulesOf(view: WorldView, node: string, subject: Subject, port: SubjectPort): RulesFound {
  const said = (command: string) => ({ ...execCommand(view, `netns:${node}`, command), command })
  const run = (r: { readonly command: string; readonly stdout: string; readonly stderr: string }): CheckRun => ({
    from: node,
    command: r.command,
    output: r.stderr + r.stdout,
  })
  if (view.list('ipvs-service', `netns:${node}`).length > 0) {
    const flag = port.protocol === 'UDP' ? '-u' : '-t'
    const found = said(`ipvsadm -Ln ${flag} ${subject.clusterIP}:${port.port}`)
    const targets = [...found.stdout.matchAll(/^ {2}-> (\d[\d.]*:\d+)/gm)].map((m) => m[1] ?? '')
    return { mode: 'ipvs', runs: [run(found)], targets, present: found.exitCode === 0 && /^(TCP|UDP) /m.test(found.stdout) }
  }
  const table = said('nft list table ip kube-proxy')
  if (table.exitCode === 0) {
    const key = `${subject.namespace}/${subject.name}/${port.protocol.toLowerCase()}/${port.name}`
    const chains = table.stdout.split(/^\tchain /m).slice(1)
    const own = chains.filter((c) => c.split(/\s/, 1)[0]?.includes(`-${key}`) === true)
    const targets = own.flatMap((c) => [...c.matchAll(/dnat to (\d[\d.]*) ?[.:] ?(\d+)/g)].map((m) => `${m[1]}:${m[2]}`))
    const shown = own.map((c) => `\tchain ${c}`).join('')
    return {
      mode: 'nftables',
      runs: [{ from: node, command: `${table.command} | grep -A6 '${key}'`, output: shown }],
      targets: [...new Set(targets)],
      present: own.length > 0,
    }
  }
  const label = `${subject.namespace}/${subject.name}${port.name === '' ? '' : `:${port.name}`}`
  const saved = said(`iptables-save -t nat | grep '"${label}[" ]'`)
  const lines = saved.stdout.split('\n')
  const targets = lines.flatMap((l) => / -j DNAT --to-destination (\S+)/.exec(l)?.[1] ?? [])
  const userspace = lines.some((l) => l.includes('KUBE-PORTALS'))
  return {
    mode: userspace ? 'userspace' : 'iptables',
    runs: [run(saved)],
    targets: userspace ? undefined : [...new Set(targets)],
    present: lines.some((l) => l.startsWith('-A ')),
  }
}
