import type { ServiceReport } from '../../../debug/report.ts'
import type { Session } from '../../../store/session.ts'

// A report outlives the run that was open when it was made: following it to a step opens its own run of the same cluster.

const KEPT = 8
const reports = new Map<string, ServiceReport>()
const keys = new WeakMap<Session, string>()

/** What a report depends on: everything of the document but its commands. */
function clusterKey(session: Session): string {
  const known = keys.get(session)
  if (known !== undefined) return known
  const { seed, cluster, objects, overrides, peers = [] } = session.document
  const files = session.provenance.kind === 'imported' ? session.provenance.files : []
  const key = JSON.stringify([seed, cluster, objects, overrides, peers, files])
  keys.set(session, key)
  return key
}

export const reportKey = (session: Session, service: string, from: string): string =>
  JSON.stringify([clusterKey(session), service, from])

export const keptReport = (key: string): ServiceReport | undefined => reports.get(key)

export function keepReport(key: string, report: ServiceReport): void {
  reports.delete(key)
  reports.set(key, report)
  for (const oldest of reports.keys()) {
    if (reports.size <= KEPT) return
    reports.delete(oldest)
  }
}

/** What was last asked of a cluster, for when the panel comes back. */
const choices = new Map<string, { readonly service: string; readonly from: string }>()
export const lastChoice = (session: Session) => choices.get(clusterKey(session))
export const keepChoice = (session: Session, service: string, from: string): void => {
  choices.clear()
  choices.set(clusterKey(session), { service, from })
}
