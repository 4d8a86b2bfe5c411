import type { InputError, Override } from '../../scenario/document.ts'
import { formatPath } from '../../scenario/path.ts'
import { netnsId, type RecordId } from '../../world/ids.ts'
import type { WorldRecord } from '../../world/records.ts'
import { inputError, listed } from '../errors.ts'
import { replaceLinks } from './addr.ts'
import { replaceFdb } from './fdb.ts'
import { replaceTables } from './iptables.ts'
import { replaceNft } from './nft.ts'
import { replaceNeighbours, replacePolicyRules, replaceRoutes } from './routes.ts'
import { putStall } from './stall.ts'
import { replaceSysctls } from './sysctl.ts'
import { OverrideTarget } from './target.ts'

/**
 * Replaces, namespace by namespace, what was generated with what the document says. Devices come before routes, which name
 * them. Errors name the override and the line of its text.
 */
export function applyOverrides(records: Map<RecordId, WorldRecord>, overrides: Readonly<Record<string, Override>>): InputError[] {
  const errors: InputError[] = []
  for (const [name, override] of Object.entries(overrides)) {
    if (!records.has(netnsId(name))) {
      const places = [...records.values()].flatMap((r) => (r.kind === 'netns' ? [r.name] : []))
      errors.push(inputError(formatPath(['overrides', name]), `there is no place "${name}"; expected ${listed(places)}`))
      continue
    }
    const target = new OverrideTarget(records, name, errors)
    if (override.addr !== undefined) replaceLinks(target, override.addr)
    if (override.routes !== undefined) replaceRoutes(target, override.routes)
    if (override.rules !== undefined) replacePolicyRules(target, override.rules)
    if (override.neigh !== undefined) replaceNeighbours(target, override.neigh)
    if (override.fdb !== undefined) replaceFdb(target, override.fdb)
    if (override.iptables !== undefined) replaceTables(target, override.iptables)
    if (override.nft !== undefined) replaceNft(target, override.nft)
    if (override.sysctl !== undefined) replaceSysctls(target, override.sysctl)
    if (override.stall !== undefined) putStall(target, override.stall)
  }
  return errors
}
