import { type Catalogue, roleSentence } from './catalogue.ts'
import { enReasons, enRoles } from './en-rules.ts'
import type { DropCause, NatWhy } from './fact.ts'
import { type Sentence, say } from './sentence.ts'

// A packet's birth, its places and ends, its header; bridges and neighbours.

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
    case 'hairpin-off':
      return say`${cause.address ?? 'The destination'}${cause.owner === undefined ? undefined : say` (${cause.owner})`} is behind ${cause.port}, the port of ${cause.bridge} that the frame came in through. A bridge sends a frame back where it came from only if that port is in hairpin mode, and it is not.`
    case 'conntrack':
      return say`It belongs to the connection ${cause.entry}, whose NAT binding does not let it pass: no rule is involved.`
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

export const enPlaces = {
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
    if (f.link === 'loopback') return say`The frame comes straight back in through ${f.device}: loopback never leaves ${f.where}.`
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
      case 'tunnel':
        return say`Here it ends as a packet of its own: the tunnel has taken it.`
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
  'quote-translated': (f) =>
    say`The header that the ICMP error quotes is translated too${f.change === undefined ? undefined : say` (${f.change})`}, so that the receiver recognises its own packet.`,
  'fdb-learned': (f) =>
    f.moved
      ? say`${f.bridge} hears ${f.mac} on another port now: ${f.port}.`
      : say`${f.bridge} learns from the source address that ${f.mac} is behind its port ${f.port}.`,
  'vtep-learned': (f) =>
    f.moved
      ? say`${f.tunnel} hears ${f.mac} from another remote end now: ${f.remote}.`
      : say`${f.tunnel} learns from what arrived that ${f.mac} is behind the remote end ${f.remote}.`,
  'into-tunnel': (f) => {
    const by = f.entry === undefined ? undefined : say` (${f.entry})`
    const why = f.any
      ? say`${f.device} has no entry of its own for ${f.mac}; the entry for all other addresses${by} names ${f.remote}`
      : say`${f.device} knows that ${f.mac} is behind the remote end ${f.remote}${by}`
    return say`${why}. It puts the whole frame into a UDP datagram to that address, with a VXLAN header that names network ${f.vni}.`
  },
  'out-of-tunnel': (f) =>
    say`A UDP datagram for the kernel’s own VXLAN socket of ${f.where}: VNI ${f.vni} belongs to ${f.device}, which gets the frame that ${f.remote} put inside.`,
  'bridge-forwarded': (f) => say`${f.bridge} knows that ${f.mac} is behind ${f.port}, and forwards the frame to that port alone.`,
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
} satisfies Partial<Catalogue['facts']>
