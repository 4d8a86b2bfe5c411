import type { Catalogue } from './catalogue.ts'
import { roleSentence } from './catalogue.ts'
import { enReasons, enRoles } from './en-rules.ts'
import { enVerdict } from './en-verdict.ts'
import type { DropCause, NatWhy } from './fact.ts'
import { type Sentence, say } from './sentence.ts'

const roles = { roles: enRoles }

const why = (cause: DropCause): Sentence => {
  switch (cause.kind) {
    case 'rule':
      return say`The rule ${cause.rule} decided it: ${roleSentence(roles, cause.role)}`
    case 'policy':
      return say`No rule decided, and the policy of ${cause.chain} is DROP.`
    case 'sysctl':
      return say`${cause.sysctl} decided it.`
    case 'neighbour':
      return cause.owner === undefined
        ? say`${cause.address} did not answer any ARP request on ${cause.device}: nobody there has that address.`
        : say`${cause.address} did not answer any ARP request on ${cause.device}, although ${cause.owner} has that address: it is not reachable there.`
    case 'route':
      return say`The route ${cause.route} decided it.`
    case 'device':
      return say`It happened at ${cause.device}.`
    case 'other':
      return say`${cause.record} decided it.`
  }
}

const translated = (which: 'src' | 'dst', changed: Sentence, w: NatWhy): Sentence => {
  const end = which === 'src' ? 'source' : 'destination'
  if (w.kind === 'rule') {
    if (w.role.kind === 'dnat') {
      const maker = w.role.service === undefined ? say`A DNAT rule` : say`kube-proxy's rule for ${w.role.service}`
      const share =
        w.role.index === undefined
          ? undefined
          : say` Endpoint ${w.role.index} of ${w.role.count ?? 1} was chosen${w.role.probability === undefined ? '' : ` (probability ${w.role.probability})`}.`
      return say`${maker} rewrites the destination: ${changed}.${share} conntrack remembers it, so every later packet, and the reply, follows without asking these rules again.`
    }
    if (w.role.kind === 'masquerade-marked' || w.role.kind === 'egress-masquerade') {
      return say`MASQUERADE replaces the source by the address of the device that the packet leaves through: ${changed}. Replies come back to this node, and conntrack puts the original address back.`
    }
    return say`The rule's target rewrites the ${end}: ${changed}. conntrack remembers it for the rest of the connection.`
  }
  const of = w.service === undefined ? undefined : say` of ${w.service}`
  if (w.kind === 'reverse') {
    return which === 'src'
      ? say`A reply: conntrack undoes the translation${of}, so that the answer comes from the address that was asked: ${changed}. No rule is consulted.`
      : say`A reply: conntrack puts back the ${end} that was translated on the way out: ${changed}. No rule is consulted.`
  }
  return say`conntrack knows this connection and translates the ${end} as it did for the first packet${of}: ${changed}. The nat table is not consulted again.`
}

/** What a socket's packet is called by who made it. */
export const en: Catalogue = {
  space: ' ',
  roles: enRoles,
  reasons: enReasons,
  ...enVerdict,
  facts: {
    sent: (f) => (f.who === undefined ? say`${f.where} sends ${f.packet}.` : say`${f.who} in ${f.where} sends ${f.packet}.`),
    'arp-asked': (f) => {
      const waiting = f.waiting === undefined ? '' : ` Packet #${f.waiting} waits for the answer.`
      return f.unicast
        ? say`${f.where} checks that ${f.target} still answers at the MAC address it knows: an ARP request to that address alone.`
        : say`${f.where} does not know which MAC address ${f.target} has, so it asks everybody on the link (ARP request, broadcast).${waiting}`
    },
    'arp-answered': (f) => say`${f.where} owns ${f.address} and answers ${f.asker}: it is at ${f.mac}.`,
    'icmp-reported': (f) =>
      say`${f.where} tells the sender ${f.to} what went wrong${f.about === undefined ? '' : ` with packet #${f.about}`}: ICMP ${f.error}, quoting the packet's header.`,
    'echo-answered': (f) => say`The kernel of ${f.where} answers the echo request from ${f.to}; no process is involved.`,
    'reset-sent': (f) =>
      say`${f.where} answers ${f.to} with a TCP reset${f.about === undefined ? '' : `, because of packet #${f.about}`}: there is no such connection here.`,
    copied: (f) => say`A copy${f.of === undefined ? '' : ` of packet #${f.of}`} for one more port of the bridge.`,
    fragmented: (f) =>
      say`A fragment${f.of === undefined ? '' : ` of packet #${f.of}`}: the datagram is larger than the MTU of the way out.`,
    'made-whole': (f) => say`All fragments are here: ${f.where} has put the datagram together again.`,
    encapsulated: (f) =>
      say`Packet${f.of === undefined ? '' : ` #${f.of}`} is wrapped into an outer packet, which is sent like any other.`,
    decapsulated: (f) =>
      say`The outer header comes off${f.of === undefined ? '' : ` packet #${f.of}`}; the packet inside is received as if it had come in through the tunnel device.`,
    'entered-device': (f) => {
      if (f.direction === 'out') {
        return f.link === 'bridge'
          ? say`The host itself sends through the bridge ${f.device}.`
          : say`The frame goes out through ${f.device} of ${f.where}.`
      }
      if (f.link === 'bridge')
        return say`${f.port === undefined ? 'A port' : f.port} is a port of the bridge ${f.device}, so the bridge takes the frame before any protocol sees it.`
      if (f.link === 'loopback')
        return say`The frame comes straight back in through ${f.device}: loopback never leaves ${f.where}.`
      return say`The frame arrives at ${f.device} of ${f.where}.`
    },
    'entered-stack': (f) => {
      if (f.resumed) return say`The packet that waited in ${f.where} is taken up again.`
      if (f.arp && f.direction === 'out') return say`The neighbour layer of ${f.where} sends it.`
      if (f.direction === 'out') return say`The network stack of ${f.where} takes over what is to be sent.`
      return f.device === undefined
        ? say`The network stack of ${f.where} receives the packet.`
        : say`The network stack of ${f.where} receives the packet from ${f.device}.`
    },
    'left-over-veth': (f) =>
      say`${f.device} is one end of a veth pair: what goes in here comes out of ${f.peer} in ${f.there}, in another network namespace.`,
    'left-over-wire': (f) => say`The frame leaves the machine through ${f.device} and travels to ${f.peer} of ${f.there}.`,
    'left-through-loopback': (f) => say`${f.device} hands every frame straight back to ${f.where}.`,
    'left-to-bridge': (f) => say`${f.port} hands the frame to its bridge ${f.bridge}.`,
    'left-to-port': (f) => say`${f.bridge} sends the frame out through its port ${f.port}.`,
    'left-to-stack': (f) =>
      f.device === undefined
        ? say`The packet goes to the network stack of ${f.where}.`
        : say`${f.device} passes the packet up to the network stack of ${f.where}.`,
    'left-to-device': (f) =>
      f.arp
        ? say`ARP needs no route: the frame is queued on ${f.device}.`
        : say`The packet has a route and a link-layer header, and is queued on ${f.device}.`,
    delivered: (f) => {
      switch (f.to) {
        case 'socket':
          return say`The packet reaches its socket ${f.socket}${f.process === undefined ? undefined : say`, which belongs to ${f.process}`}.`
        case 'icmp':
          return say`The ICMP layer of ${f.where} takes the packet.`
        case 'arp':
          return say`The neighbour layer of ${f.where} has read the ARP packet.`
        case 'discard':
          return say`Nothing more happens to this packet.`
        case 'reassembly':
          return say`The fragment joins the others of its datagram.`
      }
    },
    dropped: (f) =>
      say`${f.where} drops the packet (${{ kind: 'code', text: f.reason }}): ${enReasons[f.reason]}.${f.cause === undefined ? undefined : say` ${why(f.cause)}`}`,
    waiting: (f) => say`The packet waits in ${f.where} until ${f.address} has said which MAC address it has.`,
    'not-modelled': (f) =>
      say`Hopscope does not model ${{ kind: 'code', text: f.what }}${f.cause === undefined ? undefined : say` (${f.cause})`}. It does not guess: what a real kernel would do with this packet from here on is undetermined.`,
    'mac-set': (f) =>
      f.which === 'src'
        ? say`The frame gets the MAC address of the device that sends it as its source: ${f.value}.`
        : f.owner === undefined
          ? say`The frame gets its destination MAC address: ${f.value}.`
          : say`The frame is addressed to the MAC address of ${f.owner}, the next hop: ${f.value}. The IP addresses stay.`,
    ttl: (f) => say`Every router takes one off the TTL: ${f.change}.`,
    translated: (f) => translated(f.which, [f.change], f.why),
    marked: (f) => {
      if (f.masquerade === 'set')
        return say`The packet is marked ${f.change} (skb->mark, not on the wire): KUBE-POSTROUTING will masquerade what carries this mark.`
      if (f.masquerade === 'cleared') return say`The masquerade mark is taken off again: ${f.change}.`
      return say`The packet's mark changes: ${f.change} (skb->mark, not on the wire).`
    },
    'field-set': (f) => say`${f.field} changes: ${f.change}.`,
    'quote-translated': () =>
      say`The header that the ICMP error quotes is translated too, so that the receiver recognises its own packet.`,
    'fdb-learned': (f) =>
      f.moved
        ? say`${f.bridge} hears ${f.mac} on another port now: ${f.port}.`
        : say`${f.bridge} learns from the source address that ${f.mac} is behind its port ${f.port}.`,
    'bridge-forwarded': (f) =>
      say`${f.bridge} knows that ${f.mac} is behind ${f.port}, and forwards the frame to that port alone.`,
    'bridge-flooded': (f) => {
      const ports = f.ports === 1 ? 'its one other port' : `its ${f.ports} other ports`
      if (f.broadcast)
        return say`A broadcast: ${f.bridge} sends it to ${ports}${f.local ? ', and the host itself gets it too' : ''}.`
      return say`${f.bridge} has not learned yet where ${f.mac} is, and floods the frame to ${ports}.`
    },
    'bridge-took': (f) =>
      f.broadcast
        ? say`A broadcast, and ${f.bridge} has no other port: only the host gets it.`
        : say`${f.mac} is the bridge's own address, so the frame is for the host: ${f.bridge} passes it up to the network stack.`,
    'bridge-refused': (f) =>
      f.port === undefined
        ? say`${f.bridge} has no port to send this frame to.`
        : say`${f.bridge} would have to send the frame back out of ${f.port}, where it came in; that port is not in hairpin mode.`,
    'bridge-nf': (f) =>
      f.enabled
        ? say`br_netfilter hands the bridged packet to the IP hook ${{ kind: 'code', text: f.hook }}, because ${f.sysctl ?? { kind: 'code', text: 'net.bridge.bridge-nf-call-iptables' }}. So rules and conntrack also see traffic that ${f.bridge} only switches.`
        : say`${f.sysctl ?? { kind: 'code', text: 'net.bridge.bridge-nf-call-iptables=0' }}: what ${f.bridge} switches from port to port passes no IP hook. No rule sees this packet, and conntrack undoes no translation.`,
    'neigh-looked-up': (f) => {
      if (f.state === 'NONE') return say`There is no neighbour entry for ${f.address} yet.`
      return f.mac === undefined
        ? say`The neighbour entry of ${f.entry ?? f.address} is ${f.state}: no MAC address is known.`
        : say`The neighbour table has ${f.entry ?? f.address} at ${f.mac} (${f.state}).`
    },
    'neigh-changed': (f) => {
      switch (f.reason) {
        case 'solicit':
        case 'created':
          return say`The neighbour entry of ${f.entry} becomes ${f.to}: an ARP request goes out, and packets for it wait.`
        case 'reply':
          return say`${f.entry} has answered: it is at ${f.mac}. Its neighbour entry is ${f.to} now.`
        case 'request-seen':
          return say`Whoever asks also says who they are: ${f.entry} is at ${f.mac}. The entry is ${f.to}: usable, to be confirmed later.`
        case 'timeout':
          return say`${f.entry} has not answered, and the kernel gives up: the entry is ${f.to}. Packets that waited are dropped, and their senders told "host unreachable".`
        case 'used-stale':
          return say`The entry of ${f.entry} is old (${f.from}) but is used at once; unless traffic confirms it within 5 s it will be probed (${f.to}).`
        case 'confirmed':
          return say`Traffic from ${f.entry} has shown that it is still there: ${f.to} again.`
        case 'probe':
          return say`No answer from ${f.entry} yet: the next ARP request goes out (number ${f.probes}).`
        case 'delay-expired':
          return say`Nothing has confirmed ${f.entry} meanwhile, so the kernel asks it directly (${f.to}).`
        case 'reachable-expired':
          return say`${f.entry} was last confirmed too long ago: its entry is ${f.to} now.`
        case 'gratuitous':
          return say`${f.entry} announces itself at ${f.mac}: its entry is ${f.to}.`
      }
    },
    'arp-processed': (f) => {
      switch (f.answer) {
        case 'reply':
          return say`${f.target} is an address of ${f.where}, so it will answer ${f.sender}.`
        case 'update':
          return f.op === 'reply'
            ? say`${f.where} had asked for ${f.sender}, and takes the answer into its neighbour table.`
            : say`${f.where} knows the asker ${f.sender} already and refreshes its entry; the question is for ${f.target}.`
        case 'ignore':
          return say`${f.where} does not have ${f.target} and ignores the question.`
        case 'proxy':
          return say`${f.where} would route to ${f.target}, and answers in its place (proxy_arp).`
      }
    },
    routed: (f) => {
      const owner = f.owner === undefined ? undefined : say` (${f.owner})`
      const to = say`${f.address}${owner}`
      if (f.route === undefined)
        return say`${f.where} has no route to ${to}: no table of the routing policy has a matching entry.`
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
              : say`via ${f.via} through ${f.device}`
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
    rule: (f) =>
      say`${roleSentence(roles, f.role)}${f.tried > 1 ? say` (${f.rule}; ${f.tried} rules tried)` : say` (${f.rule})`}`,
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
      }
    },
    timer: (f) => say`A timer of the kernel runs out: ${f.what}${f.record === undefined ? undefined : say` for ${f.record}`}.`,
  },
}
