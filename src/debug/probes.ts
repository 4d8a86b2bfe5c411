import type { CheckId } from '../explain/service-check.ts'
import type { JourneySpec } from '../scenario/document.ts'
import type { NetnsRecord } from '../world/records.ts'
import type { WorldView } from '../world/world.ts'
import { hasClusterDns, namespaceOfPlace, type Subject, type SubjectEndpoint, type SubjectPort } from './subject.ts'

/** A command that asks the network something, and what it is asked for. */
export interface Probe {
  readonly check: CheckId
  readonly journey: JourneySpec
  /** What is asked: `10.96.0.10:80`, a name. */
  readonly about: string
  readonly pod?: NetnsRecord
}

/** Of many endpoints only these are asked one by one. */
const MOST_PODS = 5
/** A pod behind a Service of n endpoints meets itself with probability 1/n each time. */
const MOST_ATTEMPTS = 24

/** Everything that is to be asked, in the order of the checks. */
export function probesOf(view: WorldView, subject: Subject, from: string): Probe[] {
  const { clusterIP, ports } = subject
  const asked = ports.filter((p) => p.protocol !== 'SCTP')
  const node = nodeOf(view, from)
  const own = asked.flatMap((p) => (clusterIP === undefined ? [] : [{ port: p, about: `${clusterIP}:${p.port}` }]))
  return [
    ...(hasClusterDns(view) ? nameProbes(subject, from) : []),
    ...own.map(
      ({ port, about }): Probe => ({ check: 'by-ip', about, journey: { from, run: ask(port, clusterIP ?? '', port.port) } }),
    ),
    ...podProbes(subject, from),
    ...(node === undefined
      ? []
      : own.map(
          ({ port, about }): Probe => ({
            check: 'kube-proxy',
            about,
            journey: { from: node, run: ask(port, clusterIP ?? '', port.port) },
          }),
        )),
    ...hairpinProbes(subject),
  ]
}

/** The short name leads through the search list of the pod's own namespace, the full one does not. */
export function namesOf(
  subject: Pick<Subject, 'namespace' | 'name'>,
  from: string,
): { readonly short: string; readonly full: string } {
  const { namespace, name } = subject
  const short = namespaceOfPlace(from) === namespace ? name : `${name}.${namespace}`
  return { short, full: `${name}.${namespace}.svc.cluster.local` }
}

function nameProbes(subject: Subject, from: string): Probe[] {
  const { short, full } = namesOf(subject, from)
  return [short, full].map((about) => ({ check: 'dns', about, journey: { from, run: `nslookup ${about}` } }))
}

function podProbes(subject: Subject, from: string): Probe[] {
  return readyOf(subject)
    .filter((e) => e.of.protocol !== 'SCTP')
    .slice(0, MOST_PODS)
    .map((e) => ({
      check: 'pods',
      about: `${e.address}:${e.port}`,
      journey: { from, run: ask(e.of, e.address, e.port) },
      ...(e.pod === undefined ? {} : { pod: e.pod }),
    }))
}

/** The first pod behind it asks the Service until it meets itself; how many attempts that took is seen afterwards. */
function hairpinProbes(subject: Subject): Probe[] {
  const { clusterIP } = subject
  const self = readyOf(subject).find((e) => e.pod?.role === 'pod' && e.of.protocol === 'TCP')
  if (self?.pod === undefined || clusterIP === undefined) return []
  const { pod, of } = self
  const among = readyOf(subject).filter((e) => e.of === of).length
  return Array.from({ length: among === 1 ? 1 : Math.min(MOST_ATTEMPTS, 4 * among) }, () => ({
    check: 'hairpin',
    about: `${clusterIP}:${of.port}`,
    journey: { from: pod.name, run: ask(of, clusterIP, of.port) },
    pod,
  }))
}

export const readyOf = ({ endpoints }: Pick<Subject, 'endpoints'>): readonly SubjectEndpoint[] => endpoints.filter((e) => e.ready)

/** The node that a place is on, or is; the first one for a place outside. */
export function nodeOf(view: WorldView, place: string): string | undefined {
  const netns = view.get('netns', `netns:${place}`)
  if (netns?.role === 'node') return netns.name
  const on = netns?.node === undefined ? undefined : view.get('netns', netns.node)
  return (on ?? view.list('netns').find((n) => n.role === 'node'))?.name
}

const HTTP_PORTS = new Set([80, 3000, 5000, 8000, 8008, 8080, 8081, 8888, 9090])

/** What one would type: curl where HTTP is spoken, nc for everything else. */
function ask(port: SubjectPort, address: string, number: number): string {
  if (port.protocol === 'UDP') return `nc -zuv -w 3 ${address} ${number}`
  const http =
    /^(http|web|www)/.test(port.appProtocol ?? port.name) ||
    [port.port, number, port.targetPort].some((p) => HTTP_PORTS.has(Number(p)))
  return http && port.port !== 443
    ? `curl -sS -m 5 http://${address}${number === 80 ? '' : `:${number}`}/`
    : `nc -zv -w 3 ${address} ${number}`
}
