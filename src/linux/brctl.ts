import { ok } from '../base/result.ts'
import { formatMac } from '../net/address.ts'
import type { WorldView } from '../world/world.ts'
import { macOrder } from './ip-link.ts'
import { devicesOf } from './names.ts'
import { numberedLines, type TextResult, textError, wordsOf } from './text.ts'

/** `brctl show [BRIDGE]` (bridge-utils 1.7, brctl_disp.c). */
export function printBrctlShow(view: WorldView, netns: string, only?: string): string {
  let out = 'bridge name\tbridge id\t\tSTP enabled\tinterfaces\n'
  const devices = devicesOf(view, netns)
  for (const b of devices) {
    if (b.link.kind !== 'bridge' || (only !== undefined && b.name !== only)) continue
    const ports = devices.filter((p) => p.master?.bridge === b.id).map((p) => p.name)
    out += `${b.name}\t\t8000.${formatMac(b.mac).replaceAll(':', '')}\tno\t\t${ports.join('\n\t\t\t\t\t\t\t')}\n`
  }
  return out
}

/** `brctl showmacs BRIDGE`, sorted by address; the timer is the seconds since the entry was updated. */
export function printBrctlShowmacs(view: WorldView, netns: string, bridge: string): string {
  const b = view.list('device', netns).find((d) => d.name === bridge)
  const entries = [...view.list('fdb', netns)].filter((e) => e.bridge === b?.id).sort((x, y) => macOrder(x.mac, y.mac))
  let out = 'port no\tmac addr\t\tis local?\tageing timer\n'
  for (const e of entries) {
    const port = view.get('device', e.port)?.master?.port ?? 0
    const hundredths = e.local ? 0 : Math.max(0, Math.floor((view.now - view.cell(e.id, 'updated')) / 10_000_000))
    const timer = `${String(Math.floor(hundredths / 100)).padStart(4)}.${String(hundredths % 100).padStart(2, '0')}`
    out += `${String(port).padStart(3)}\t${formatMac(e.mac)}\t${e.local ? 'yes' : 'no'}\t\t${timer}\n`
  }
  return out
}

export interface ParsedBridge {
  readonly name: string
  /** `8000.0242f0b9d9c1` */
  readonly id: string
  readonly stp: boolean
  readonly ports: readonly string[]
}

/** Reads what `brctl show` prints, columns realigned by hand included. */
export function parseBrctlShow(text: string): TextResult<ParsedBridge[]> {
  const out: (ParsedBridge & { ports: string[] })[] = []
  for (const { line, text: t } of numberedLines(text)) {
    if (t.startsWith('bridge name')) continue
    const words = wordsOf(t)
    if (/^\s/.test(t)) {
      const last = out[out.length - 1]
      if (last === undefined || words.length !== 1)
        return textError('brctl show', line, t.trim(), 'a bridge before its further interfaces')
      last.ports.push(words[0] ?? '')
      continue
    }
    const [name = '', id = '', stp, ...ports] = words
    if (!/^[0-9a-f]{4}\.[0-9a-f]{12}$/i.test(id) || (stp !== 'yes' && stp !== 'no')) {
      return textError('brctl show', line, t, 'a bridge, its id such as 8000.0a580af40101, yes or no, and its interfaces')
    }
    out.push({ name, id, stp: stp === 'yes', ports })
  }
  return ok(out)
}
