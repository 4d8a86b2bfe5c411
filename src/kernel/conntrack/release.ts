import { sysctlId } from '../../world/ids.ts'
import type { Namespace } from '../types.ts'

// What became of two first packets of one flow, by release; each changed in the merge window or the rc phase of the one named.

/** Linux 4.19: of two entries with the same tuples, NAT included, one is enough (ed07d9a021df). */
export const MATCHING_CLASH = 4.19
/** Linux 5.0: NAT leaves a second entry of one flow the reply tuple that the first one has (4e35c1cb9460). */
export const SAME_ORIGIN = 5.0
/** Linux 5.6: an entry that differs in its reply direction alone is kept for that direction (6a757c07e51f). */
export const REPLY_ONLY_CLASH = 5.06

/** `kernel.osrelease` as a number, 4.19 as 4.19 and 5.6 as 5.06; the newest where the namespace does not say it. */
export function linuxRelease(ns: Pick<Namespace, 'kernel' | 'name'>): number {
  const record = ns.kernel.rec.initial.get(sysctlId(ns.name, 'kernel.osrelease'))
  return releaseOf(record?.kind === 'sysctl' ? record.value : undefined)
}

/** The same of the sysctl's text. */
export function releaseOf(text: string | undefined): number {
  const m = /^(\d+)\.(\d+)/.exec(text ?? '')
  return m === null ? Number.POSITIVE_INFINITY : Number(m[1]) + Number(m[2]) / 100
}
