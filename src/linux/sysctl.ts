import { ok } from '../base/result.ts'
import type { WorldView } from '../world/world.ts'
import { numberedLines, type TextResult, textError } from './text.ts'

/** `net/ipv4/ip_forward` is the same key as `net.ipv4.ip_forward`. */
export const sysctlKey = (name: string): string =>
  name.includes('/') && !name.split('/')[0]?.includes('.') ? name.replaceAll('/', '.') : name

export const formatSysctl = (key: string, value: string): string => `${key} = ${value}\n`

/** `sysctl -a` of the keys that this namespace's records hold, in the order in which /proc/sys is walked. */
export function printSysctl(view: WorldView, netns: string, select: (key: string) => boolean = () => true): string {
  return view
    .list('sysctl', netns)
    .filter((s) => select(s.key))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map((s) => formatSysctl(s.key, s.value))
    .join('')
}

/** Reads `KEY = VALUE` lines: `sysctl -a`, `sysctl KEY …` and /etc/sysctl.conf. Lines of stderr are passed over. */
export function parseSysctl(text: string): TextResult<ReadonlyMap<string, string>> {
  const out = new Map<string, string>()
  for (const { line, text: t } of numberedLines(text)) {
    if (/^\s*[#;]/.test(t) || t.startsWith('sysctl: ')) continue
    const equals = t.indexOf('=')
    if (equals < 1) return textError('sysctl', line, t, 'a key, = and a value')
    out.set(sysctlKey(t.slice(0, equals).trim().replace(/^-/, '')), t.slice(equals + 1).trim())
  }
  return ok(out)
}
