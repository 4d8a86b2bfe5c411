import type { Catalogue } from './catalogue.ts'
import { enDuration, enLookup } from './en-dns.ts'
import type { ProxyPart, VerdictExtra } from './fact.ts'
import { type Sentence, type Span, say } from './sentence.ts'

/** a → b → c */
const chain = (way: readonly Span[]): Sentence => way.flatMap((w, i) => say`${i === 0 ? '' : ' → '}${w}`)

/** What a process sees, by errno. */
const ERRORS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  EHOSTUNREACH: 'no way to the host: "No route to host"',
  ENETUNREACH: 'there is no route to that network: "Network is unreachable"',
  ETIMEDOUT: 'no answer came, and the command gave up waiting',
  ECONNRESET: 'the other end reset the connection',
  EACCES: 'sending was forbidden: "Permission denied"',
  EPERM: 'a firewall rule on the way out refused to send: "Operation not permitted"',
  EMSGSIZE: 'the packet is too large for the way: "Message too long"',
  EINVAL: 'the kernel refused the address: "Invalid argument"',
  EADDRINUSE: 'the port is taken already',
  EHOSTDOWN: 'the host is down',
  ENOPROTOOPT: 'the protocol is not available there',
  ENOLINK: 'the way to that host is cut',
  EAI_NONAME: 'no name server knows the name: "Name or service not known"',
  EAI_NODATA: 'the name exists, but has no address: "No address associated with hostname"',
  EAI_AGAIN: 'no name server could be asked: "Temporary failure in name resolution"',
  EAI_FAIL: 'the name servers refuse to answer: "Non-recoverable failure in name resolution"',
}

const extra = (x: VerdictExtra): Sentence => {
  switch (x.kind) {
    case 'stale-endpoint':
      return say` ${x.service ?? 'A Service'} still lists ${x.address} as an endpoint, but nothing in the cluster has that address.`
    case 'nobody-has':
      return say` Nothing in the cluster has the address ${x.address}.`
    case 'stale-entry':
      return say` On ${x.where} conntrack still has the entry of ${x.entry}, and sends every packet of this flow to ${x.address}, which nothing in the cluster has any more: the nat table, where the rules are right, is never asked.`
    case 'reply-not-translated':
      return say` The reply was switched inside ${x.bridge} without passing any IP hook (${x.sysctl}), so conntrack could not put the address of ${x.service ?? 'the Service'} back: the client expected ${x.expected}, got an answer from ${x.got}, which it never called, and reset it.`
    case 'silent':
      return say` Nobody told the sender: it could only wait.`
    case 'unresolved': {
      const asked = x.asked === 1 ? 'one question' : `${x.asked} questions`
      return x.waits === 0
        ? say` ${asked[0]?.toUpperCase()}${asked.slice(1)} in ${enDuration(x.duration)}, and each was refused: the resolver gave up.`
        : say` The resolver asked ${asked} in ${enDuration(x.duration)}. Nobody told it that they were lost: it could only wait, ask again, and give up.`
    }
    case 'port-taken':
      return say` ${x.process ?? 'Another process'} listens there already (${x.socket})${x.pod ? ': the containers of a pod share one network namespace, and so one set of ports' : ''}.`
  }
}

const proxied = (p: ProxyPart): Sentence => {
  const of = p.object === undefined ? undefined : say` of ${p.object}`
  if (p.endpoint === undefined) {
    return p.service === undefined
      ? say` ${p.process} in ${p.where} answered by itself: no rule of any Ingress fits ${p.rule}.`
      : say` ${p.process} in ${p.where} answered by itself: ${p.service}, which the rule ${p.rule}${of} names, has no endpoint.`
  }
  return p.layer === 7
    ? say` There ${p.process} in ${p.where} ended the connection, read the request, and by the rule ${p.rule}${of} sent it on over a connection of its own, to ${p.endpoint} of ${p.service}.`
    : say` ${p.process} on ${p.where} ended the connection in user space and opened a second one, to ${p.endpoint}: ${p.bytes} bytes were moved by hand in ${p.copies} turns, each of them a wakeup, a read and a write. The endpoint saw the node as its client.`
}

export const enVerdict: Pick<Catalogue, 'verdict' | 'exchange' | 'note'> = {
  verdict: (f) => {
    switch (f.kind) {
      case 'answered': {
        const s = f.service
        const service =
          s === undefined
            ? undefined
            : say` kube-proxy's rules sent it from ${s.object ?? 'the cluster IP'} to an endpoint${s.pod === undefined ? undefined : say`, ${s.pod}`} (${s.change}), and conntrack put the original address back in every reply.`
        const way =
          f.way.length === 1
            ? say` The request never left ${f.way[0]}.`
            : f.way.length > 1
              ? say` The request went ${chain(f.way)}.`
              : undefined
        const sources = f.masquerades.map(
          (m) => say` On ${m.where} its source became another: ${m.change}; conntrack there puts it back in the replies.`,
        )
        const destinations = f.destinations.map(
          (d) =>
            say` On ${d.where} its destination became another: ${d.change}${d.owner === undefined ? undefined : say` (${d.owner})`}.`,
        )
        const lookup = f.lookup === undefined ? undefined : enLookup(f.lookup, f.lost)
        return say`${f.command} got its answer (exit status ${f.exitCode}).${lookup}${way}${destinations.flat()}${service}${sources.flat()}${f.proxies.flatMap(proxied)}`
      }
      case 'failed': {
        const meaning = ERRORS[f.error] ?? 'it failed'
        const because = f.because === undefined ? undefined : say` ${f.because}`
        const failed =
          f.error === 'no answer'
            ? say`${f.command} got no answer.`
            : say`${f.command} failed with ${{ kind: 'code', text: f.error }}: ${meaning}.`
        return say`${failed}${because}${f.extra === undefined ? undefined : extra(f.extra)}`
      }
      case 'undetermined':
        return f.because === undefined
          ? say`How ${f.command} would end is undetermined: Hopscope does not model ${{ kind: 'code', text: f.what }} yet.`
          : say`How ${f.command} would end is undetermined. ${f.because}`
    }
  },
  exchange: {
    arp: 'ARP',
    'tcp-handshake': 'TCP handshake',
    http: 'HTTP',
    'tcp-data': 'TCP data',
    'tcp-close': 'TCP close',
    'icmp-echo': 'ICMP echo',
    'icmp-error': 'ICMP error',
    dns: 'DNS',
    udp: 'UDP',
    other: 'other traffic',
  },
  note: (what, where) =>
    where === undefined
      ? say`Kept but not modelled yet: ${{ kind: 'code', text: what }}. A packet that meets it ends undetermined.`
      : say`Kept but not modelled yet, in ${where}: ${{ kind: 'code', text: what }}. A packet that meets it ends undetermined.`,
}
