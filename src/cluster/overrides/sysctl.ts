import { sysctlId } from '../../world/ids.ts'
import type { OverrideTarget } from './target.ts'

/** Keys that were not generated are added. `net/ipv4/ip_forward` is the same key as `net.ipv4.ip_forward`, as sysctl(8) takes both. */
export function replaceSysctls(target: OverrideTarget, values: Readonly<Record<string, string>>): void {
  for (const [written, value] of Object.entries(values)) {
    const slash = written.indexOf('/')
    const dot = written.indexOf('.')
    const key = slash >= 0 && (dot < 0 || slash < dot) ? swapSeparators(written) : written
    const id = sysctlId(target.name, key)
    target.put({ kind: 'sysctl', id, netns: target.netns, key, value, origin: target.origin('sysctl') })
  }
}

/** With slashes as separators, a dot belongs to a name (`eth0.100`), and the kernel's dotted form has a slash there. */
const swapSeparators = (key: string): string => key.replace(/[./]/g, (c) => (c === '/' ? '.' : '/'))
