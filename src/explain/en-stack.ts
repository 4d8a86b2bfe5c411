import { assertNever } from '../base/assert-never.ts'
import { type Catalogue, roleSentence } from './catalogue.ts'
import { enRoles } from './en-rules.ts'
import { say } from './sentence.ts'

// Routing, netfilter, conntrack; sockets and processes.

const roles = { roles: enRoles }

export const enStack = {
  routed: (f) => {
    const owner = f.owner === undefined ? undefined : say` (${f.owner})`
    const to = say`${f.address}${owner}`
    if (f.route === undefined) return say`${f.where} has no route to ${to}: no table of the routing policy has a matching entry.`
    const won =
      f.over === undefined ? undefined : f.isDefault ? undefined : say` It wins over ${f.over}, whose prefix is shorter.`
    switch (f.result) {
      case 'local':
        return say`${to} is an address of ${f.where} itself (table ${f.table}), so the packet is delivered here.`
      case 'broadcast':
        return say`${f.address} is a broadcast address of ${f.where}: delivered here.`
      case 'multicast':
        return say`${f.address} is a multicast group.`
      case 'forward': {
        const by = f.isDefault
          ? say`No route is more specific than the default one, so`
          : say`The longest matching prefix for ${to} is ${f.route}:`
        const out =
          f.via === undefined
            ? say`straight to ${f.isDefault ? to : f.address} on the link of ${f.device}`
            : say`via ${f.via} through ${f.device}${f.redirected ? say`, the shorter way that an ICMP redirect told of` : undefined}`
        if (f.policy !== undefined) {
          return say`The routing policy asks another table first here (${f.policy}): table ${f.table} has ${f.route}, so the packet for ${to} goes ${out}.`
        }
        if (f.purpose === 'reroute')
          return say`OUTPUT changed the packet, so the route is looked up again: ${f.address} goes ${out}.`
        return f.isDefault ? say`${by} the packet for ${to} goes ${out}.` : say`${by} the packet goes ${out}.${won}`
      }
      case 'unreachable':
      case 'blackhole':
      case 'prohibit':
        return say`The route for ${to} is ${f.route}: packets to it go nowhere, on purpose.`
      case 'none':
        return say`${f.where} has no route to ${to}.`
    }
  },
  'rp-filtered': (f) => {
    if (f.ok)
      return say`rp_filter (${f.mode}): a reply to ${f.source} would be routed${f.mode === 'strict' ? ' out of the same device' : ''}, so the source is plausible.`
    return say`rp_filter (${f.mode}${f.sysctl === undefined ? undefined : say`, ${f.sysctl}`}): a reply to ${f.source} would leave another way${f.route === undefined ? undefined : say` (${f.route})`}, so the source is not believed.`
  },
  forwarding: (f) =>
    f.allowed
      ? say`${f.where} is a router (${f.sysctl}), so it may pass the packet on.`
      : say`The packet is for somebody else, and ${f.where} is no router: ${f.sysctl ?? 'net.ipv4.ip_forward is 0'}. A host that does not forward drops such packets silently.`,
  'too-big': (f) =>
    f.action === 'fragment'
      ? say`${f.length} bytes do not fit the MTU of ${f.mtu}: the packet is cut into fragments.`
      : say`${f.length} bytes do not fit the MTU of ${f.mtu}, and DF forbids cutting: the sender is told with ICMP "fragmentation needed".`,
  reassembling: (f) =>
    f.complete
      ? say`That was the last missing fragment of ${f.fragments}.`
      : say`A fragment; the datagram is not complete yet (${f.fragments} so far).`,
  hook: (f) => {
    const bridged = f.bridged ? ', for a bridged packet' : ''
    switch (f.hook) {
      case 'PREROUTING':
        return say`Netfilter hook PREROUTING${bridged}: every packet that has come in, before its route is decided. Destinations are rewritten here.`
      case 'INPUT':
        return say`Netfilter hook INPUT${bridged}: packets for ${f.where} itself.`
      case 'FORWARD':
        return say`Netfilter hook FORWARD${bridged}: packets that ${f.where} only passes on.`
      case 'OUTPUT':
        return say`Netfilter hook OUTPUT${bridged}: packets that ${f.where} itself makes.`
      case 'POSTROUTING':
        return say`Netfilter hook POSTROUTING${bridged}: everything that goes out, after its route is decided. Sources are rewritten here.`
    }
  },
  chain: (f) => say`Table ${f.table}: the walk begins at the first rule of ${f.chain}.`,
  rule: (f) => say`${roleSentence(roles, f.role)}${f.tried > 1 ? say` (${f.rule}; ${f.tried} rules tried)` : say` (${f.rule})`}`,
  policy: (f) => {
    const none =
      f.tried === 0
        ? 'no rule was left to try'
        : f.tried === 1
          ? 'the last rule did not match'
          : `the last ${f.tried} rules did not match`
    if (f.verdict === 'return') return say`The end of ${f.chain} is reached (${none}): back to the chain that called it.`
    return f.verdict === 'accept'
      ? say`The end of ${f.chain} (${none}): its policy ACCEPT holds.`
      : say`The end of ${f.chain} (${none}): its policy is DROP.`
  },
  logged: (f) => say`LOG writes a line to the kernel log, with the prefix ${f.prefix}.`,
  'ct-found': (f) => {
    switch (f.info) {
      case 'NEW':
        return say`conntrack: the first packet of a new connection${f.entry === undefined ? undefined : say` ${f.entry}`}. Only such packets are shown to the nat table.`
      case 'ESTABLISHED':
        return say`conntrack knows this connection: ${f.entry}.${f.translates ? ' Its translation applies without asking the nat table.' : ''}`
      case 'ESTABLISHED_REPLY':
        return say`conntrack recognises a reply of the connection ${f.entry}.${f.translates ? ' Its translation will be undone.' : ''}`
      case 'RELATED':
      case 'RELATED_REPLY':
        return say`conntrack: an ICMP error or the like that belongs to the connection ${f.entry} (RELATED).`
      case 'INVALID':
        return say`conntrack cannot place this packet in any connection: INVALID. NAT leaves it alone.`
      case 'UNTRACKED':
        return say`The packet is not tracked (NOTRACK): neither NAT nor ctstate rules apply to it.`
    }
  },
  'ct-changed': (f) => {
    const state = f.state === undefined ? undefined : say` (${f.state})`
    switch (f.change) {
      case 'new':
        return say`conntrack makes an entry for ${f.entry}${state}. It is confirmed only once the packet has passed every hook.`
      case 'update':
        return say`conntrack updates ${f.entry}${state}.`
      case 'confirm':
        return say`The packet has passed every hook: the entry of ${f.entry} is confirmed and in the table from now on.`
      case 'destroy':
        return say`The conntrack entry of ${f.entry} is gone${state}.`
      case 'clash':
        return say`Another packet has made the same entry first: ${f.entry} gives way to it.`
    }
  },
  'nat-bound': (f) => {
    const end = f.manip === 'src' ? 'source' : 'destination'
    switch (f.binding) {
      case 'rule':
        return say`The binding of the ${end} is kept in the conntrack entry of ${f.entry}${f.change === undefined ? undefined : say`: ${f.change}`}.`
      case 'null':
        return f.change === undefined
          ? say`No nat rule wanted this connection: its ${end} stays as it is, for good (a null binding).`
          : say`No nat rule wanted this connection, but its tuple is taken already, so the ${end} is made unique: ${f.change}.`
      case 'existing':
        return f.change === undefined
          ? say`conntrack has the binding of this connection already; there is nothing to change here.`
          : say`conntrack applies the binding that it keeps for this connection: ${f.change}.`
      case 'icmp-error':
        return say`The ICMP error is translated like the connection that it is about${f.change === undefined ? undefined : say`: ${f.change}`}.`
    }
  },
  'socket-found': (f) =>
    f.socket === undefined
      ? say`${f.where} has no socket for ${f.to}: nobody listens there.`
      : say`The socket for ${f.to} is ${f.socket}${f.process === undefined ? undefined : say`, of ${f.process}`}.`,
  'tcp-changed': (f) =>
    say`TCP: the socket ${f.socket}${f.process === undefined ? undefined : say` of ${f.process}`} goes from ${{ kind: 'code', text: f.from }} to ${{ kind: 'code', text: f.to }}.`,
  retransmitted: (f) =>
    say`Nothing came back in time, so TCP sends again (attempt ${f.attempt}); the next time after ${f.seconds} s.`,
  data: (f) =>
    f.direction === 'send'
      ? say`${f.process ?? 'The process'} writes ${f.bytes} bytes into its socket.`
      : say`${f.bytes} bytes are ready for ${f.process ?? 'the process'} to read.`,
  process: (f) => {
    const text = f.text === '' ? undefined : { kind: 'code' as const, text: f.text }
    switch (f.event) {
      case 'start':
        return say`In ${f.where} the command starts: ${text ?? f.process}.`
      case 'connect':
        return say`${f.process} connects to ${text}.`
      case 'listen':
        return say`${f.process} listens on ${text}.`
      case 'send':
        return say`${f.process} sends ${text ?? 'data'}.`
      case 'receive':
        return say`${f.process} receives ${text ?? 'data'}.`
      case 'output':
        return text === undefined ? say`${f.process} prints an empty line.` : say`${f.process} prints ${text}.`
      case 'sleep':
        return say`${f.process} waits${text === undefined ? undefined : say`: ${text}`}.`
      case 'exit':
        return say`${f.process} ends${text === undefined ? undefined : say`: ${text}`}.`
      case 'error':
        return say`${f.process} gets an error: ${text}.`
      case 'resolve':
        return say`${f.process} looks up a name: ${text}.`
    }
  },
  'proxy-routed': (f) => {
    const by = f.object === undefined ? undefined : say` (${f.object})`
    if (f.layer === 4) {
      return f.endpoint === undefined
        ? say`${f.process} finds no endpoint for ${f.object ?? f.rule}: it can only close the connection that it has accepted.`
        : say`${f.process} itself is the other end for the client. It picks ${f.endpoint} for ${f.object ?? f.rule}, round robin. It talks to it over a socket of its own, from an address of its own machine.`
    }
    if (f.service === undefined)
      return say`No rule of any Ingress fits ${f.rule}: ${f.process} has no backend for it and answers by itself.`
    return f.endpoint === undefined
      ? say`${f.rule}${by} leads to ${f.service}, which has no endpoint: ${f.process} answers by itself.`
      : say`The rule ${f.rule}${by} decides: ${f.process} sends the request on to ${f.service}, over a connection of its own to the endpoint ${f.endpoint}. It goes straight there, past the cluster IP.`
  },
  'proxy-copied': (f) =>
    say`${f.process} is woken, reads ${f.bytes} bytes from its socket ${f.from} and writes them to ${f.to}: two system calls and two copies across the border of the kernel, which a packet that netfilter rewrites never pays.`,
  timer: (f) => say`A timer of the kernel runs out: ${f.what}${f.record === undefined ? undefined : say` for ${f.record}`}.`,
  'ct-cleaned': (f) =>
    say`kube-proxy on ${f.where} deletes the conntrack entry of ${f.entry}: its replies would come from no serving endpoint. The flow's next packet starts anew.`,
  'cluster-changed': (f) => {
    switch (f.change) {
      case 'apply':
        return f.derived
          ? say`A controller brings ${f.what} up to date.`
          : say`${f.what} is applied; the control plane fills in what follows from it.`
      case 'delete':
        return say`${f.what} is deleted from the API server.`
      case 'terminate':
        return say`${f.what} is deleted: it has a deletionTimestamp now and its grace period runs. Its endpoints are no longer ready, but it still serves.`
      case 'attach':
        return say`On its node the container runtime makes the network namespace of ${f.what}, the network plugin connects it, and its servers start.`
      case 'detach':
        return say`The network plugin takes the interface of ${f.what} away, and the namespace is gone.`
      case 'start':
        return say`The container runtime starts the containers of ${f.what} on the host's network: no namespace, no interface of their own.`
      case 'unplug':
        return say`The cable of ${f.what} is pulled: the switch forgets what is behind that port, the node loses its neighbours. Nobody else has noticed yet.`
      case 'configure':
        return say`What ${f.what} asks of ${f.where} beside kube-proxy is brought up to date: ${f.added} rules added, ${f.removed} removed.`
      case 'drained':
        return say`Once a minute kube-proxy on ${f.what} looks at the real servers that it has drained: ${f.removed} of them are without connections now and are removed.`
      case 'sync':
        if (f.ipvs)
          return say`kube-proxy on ${f.what} brings addresses, virtual servers, real servers and ipsets up to date (iptables rules: ${f.added} added, ${f.removed} removed). A real server that goes stays, at weight 0, while it has TCP connections.`
        return f.added === 0 && f.removed === 0
          ? say`kube-proxy on ${f.what} has seen the change; no rule differs.`
          : say`kube-proxy on ${f.what} brings the rules up to date: ${f.added} added, ${f.removed} removed. Connections that conntrack knows keep their translation.`
      default:
        return assertNever(f.change, 'change')
    }
  },
} satisfies Partial<Catalogue['facts']>
