import type { Catalogue } from './catalogue.ts'
import { type Span, say } from './sentence.ts'

const theService = (s: Span | undefined) => (s === undefined ? say`a Service` : say`${s}`)
const percent = (p: string | undefined) =>
  p === undefined ? ', which takes all that the rules before it left' : ` (probability ${p})`

/** Sentences about rules: what each of kube-proxy's and the CNI plugin's is for. */
export const enRoles: Catalogue['roles'] = {
  'jump-to-component': (r) => say`${r.component} has put its own chain ${r.chain} in front here: the walk goes on in it.`,
  service: (r) =>
    say`kube-proxy: ${r.clusterIP === undefined ? 'the destination' : r.clusterIP} is the cluster IP of ${theService(r.service)}, so the chain that holds its endpoints decides.`,
  endpoint: (r) => say`kube-proxy picks endpoint ${r.index} of ${r.count} of ${theService(r.service)}${percent(r.probability)}.`,
  'mark-masquerade': (r) => {
    switch (r.why) {
      case 'hairpin':
        return say`The endpoint is calling its own Service: kube-proxy has the packet masqueraded, or the reply would never leave the pod.`
      case 'off-cluster':
        return say`The sender is no pod, so kube-proxy has the packet masqueraded: the reply must come back through this node.`
      case 'all':
        return say`kube-proxy has all traffic to ${theService(r.service)} masqueraded.`
      case 'other':
        return say`The packet is to be masqueraded on its way out.`
    }
  },
  'set-masquerade-mark': (r) =>
    r.nft
      ? say`The chain mark-for-masquerade only sets a mark (${r.mark}); the chain masquerading masquerades what carries it.`
      : say`KUBE-MARK-MASQ only sets a mark (${r.mark}); KUBE-POSTROUTING masquerades what carries it.`,
  dnat: (r) => {
    const pod = r.pod === undefined ? undefined : say`, ${r.pod}`
    const which =
      r.index === undefined ? undefined : say` Endpoint ${r.index} of ${r.count ?? 1} was chosen${percent(r.probability)}.`
    return say`kube-proxy's rule for ${theService(r.service)} sends the connection to ${r.to}${pod}.${which} conntrack remembers it, so every later packet, and the reply, follows without asking these rules again.`
  },
  'host-port': (r) =>
    say`Port ${r.ports} of this node is the hostPort of ${r.pod ?? 'a pod'}: the CNI portmap plugin wrote a chain of its own for the pod, which decides.`,
  'host-port-dnat': (r) =>
    say`The CNI portmap plugin's rule sends the connection to ${r.to}${r.pod === undefined ? undefined : say`, ${r.pod}`}: no Service is asked, and nothing listens on the node. conntrack remembers it for every later packet and for the reply.`,
  balance: (r) =>
    say`The load balancer of ${theService(r.service)} picks target ${r.index} of ${r.count}${r.count === 1 ? undefined : percent(r.probability)}: ${r.to}${r.node === undefined ? undefined : say`, ${r.node}`}. It knows nodes and node ports only; where the pods are is the nodes' business.`,
  'way-back': (r) =>
    r.step === 'mark'
      ? say`The load balancer of ${theService(r.service)} opens a connection to a node. It gets a mark: the answers must come back through the balancer, or the client would hear from a node that it never called.`
      : say`An answer within a connection that came through a load balancer: the packet takes over the connection's mark, by which the routing policy sends it back to the balancer.`,
  'no-endpoints': (r) =>
    r.local
      ? say`${theService(r.service)} has no ready endpoint on this node and its traffic policy is Local, so kube-proxy drops what is sent to it.`
      : say`${theService(r.service)} has no ready endpoint, so kube-proxy refuses what is sent to it: ${r.with}.`,
  unmarked: (r) =>
    say`The packet does not carry kube-proxy's masquerade mark: ${r.nft ? 'the chain masquerading' : 'KUBE-POSTROUTING'} leaves it alone.`,
  'clear-mark': () =>
    say`kube-proxy takes the mark off first, so that an encapsulated copy of the packet is not masqueraded a second time.`,
  'masquerade-marked': (r) =>
    say`kube-proxy masquerades marked traffic: the source becomes ${r.address ?? 'the address of the device that the packet leaves through'}, so that the reply comes back here.`,
  'egress-masquerade': (r) =>
    say`The packet leaves the cluster, where nobody has a route back to a pod address: its source becomes ${r.address ?? 'the address of the node'}.`,
  'drop-invalid': () =>
    say`kube-proxy drops what conntrack calls INVALID: with no connection it could not be translated back, and would confuse the other end.`,
  'accept-marked': () => say`kube-proxy accepts forwarded traffic that it has marked, whatever the policy of FORWARD is.`,
  'accept-replies': () => say`kube-proxy accepts forwarded packets of connections that exist already.`,
  localnet: () =>
    say`Nobody but this machine may reach its 127.0.0.0/8 through route_localnet: kubelet and kube-proxy drop the rest.`,
  nodeports: () => say`The destination is an address of this node, so kube-proxy looks for a NodePort.`,
  'to-proxy': (r) =>
    say`kube-proxy is in userspace mode: the process itself listens on port ${r.port} for ${theService(r.service)}, and the connection is led there, not to an endpoint.`,
  'accept-to-proxy': (r) =>
    say`kube-proxy lets new connections in to the port on which its process listens for ${theService(r.service)}, whatever the rules after this one say.`,
  'nft-next': (r) => {
    switch (r.purpose) {
      case 'services':
        return say`kube-proxy's chain ${r.chain} is asked whether the destination belongs to a Service.`
      case 'service-endpoints-check':
      case 'nodeport-endpoints-check':
        return say`kube-proxy's chain ${r.chain} looks for Services without endpoints, whose connections are refused.`
      case 'firewall-check':
        return say`Before any DNAT, kube-proxy's chain ${r.chain} looks for load balancer addresses that only some sources may use.`
      case 'cluster-ips-check':
        return say`kube-proxy's chain ${r.chain} looks for packets that still go to a cluster IP: those have found no Service port.`
      case 'masquerading':
        return say`kube-proxy's chain ${r.chain} masquerades what carries its mark.`
      default:
        return say`kube-proxy goes on in its chain ${r.chain}.`
    }
  },
  'nft-lookup': (r) =>
    say`One lookup, however many Services there are: the verdict map ${r.map} has an element for ${r.key}. It leads to the chain of ${theService(r.service)}, ${r.chain}.`,
  'nft-affinity': (r) =>
    say`${theService(r.service)} has session affinity, and the client is still in the set of one endpoint: its connection goes there again, to ${r.endpoint}.`,
  'nft-remember': (r) =>
    say`${theService(r.service)} has session affinity: the client's address is put into this endpoint's set${r.time === undefined ? undefined : say` for ${r.time}`}, so that its next connections come here too.`,
  'nft-external': (r) =>
    r.local
      ? say`The packet came for ${theService(r.service)} from outside, and its traffic policy is Local: only endpoints on this node may answer it.`
      : say`The packet came to ${theService(r.service)} by an address for traffic from outside: any of its endpoints may answer it.`,
  'nft-cluster-ip': (r) =>
    r.allocated
      ? say`The destination is a cluster IP, but no Service has this port on it: kube-proxy refuses it (${r.with}).`
      : say`The destination lies in the service CIDR and belongs to no Service: kube-proxy drops it, for nobody else has a route to it either.`,
  'source-range': (r) =>
    say`The sender is in none of the loadBalancerSourceRanges of ${theService(r.service)}, so kube-proxy drops the packet before it is translated.`,
  plain: (r) => {
    const made = r.component === 'import' ? say`The rule` : say`A rule of ${r.component}`
    const of = r.object === undefined ? undefined : say` for ${r.object}`
    const note = r.comment === undefined ? undefined : say` ("${r.comment}")`
    return say`${made}${of}${note} matches: ${r.target}.`
  },
}

export const enReasons: Catalogue['reasons'] = {
  SKB_DROP_REASON_NOT_SPECIFIED: 'the kernel gives no closer reason here',
  SKB_DROP_REASON_NO_SOCKET: 'no socket is open for it',
  SKB_DROP_REASON_NETFILTER_DROP: 'netfilter refused it',
  SKB_DROP_REASON_OTHERHOST: 'the frame is addressed to the MAC address of another machine',
  SKB_DROP_REASON_IP_INHDR: 'its IP header does not allow it to go on, for example because the TTL has run out',
  SKB_DROP_REASON_IP_RPFILTER: 'its source is not plausible on this device (reverse path filter)',
  SKB_DROP_REASON_IP_INNOROUTES: 'there is no route to its destination',
  SKB_DROP_REASON_IP_OUTNOROUTES: 'there is no route for what this host wanted to send',
  SKB_DROP_REASON_RECURSION_LIMIT:
    'too many tunnels one inside the other: the packet comes back to a tunnel that has already carried it',
  SKB_DROP_REASON_IP_NOPROTO: 'nobody here handles its protocol',
  SKB_DROP_REASON_NEIGH_FAILED: 'the next hop did not answer ARP, so there is no MAC address to send it to',
  SKB_DROP_REASON_NEIGH_QUEUEFULL: 'too many packets wait for that neighbour already',
  SKB_DROP_REASON_QUEUE_PURGE:
    'the neighbour that it waits for did not answer ARP, and the queue is emptied without an error to anyone',
  SKB_DROP_REASON_NEIGH_DEAD: 'the neighbour entry was removed while it waited',
  SKB_DROP_REASON_PKT_TOO_BIG: 'it is larger than the MTU and must not be fragmented',
  SKB_DROP_REASON_DEV_READY: 'the device is down or not connected',
  SKB_DROP_REASON_TCP_FLAGS: 'its TCP flags make no sense in this state',
  SKB_DROP_REASON_TCP_INVALID_SEQUENCE: 'its TCP sequence number is outside the window',
  SKB_DROP_REASON_TCP_RESET: 'it is a reset, which closes the connection',
  SKB_DROP_REASON_UNHANDLED_PROTO: 'no protocol handler takes its EtherType',
  SKB_DROP_REASON_IP_INADDRERRORS: 'it is for an address that is not ours, and this host does not forward',
  SKB_DROP_REASON_NO_TX_TARGET:
    'there is nowhere to send it: no port of the bridge, or no remote end of the tunnel, is known for it',
  SKB_DROP_REASON_BRIDGE_INGRESS_STP_STATE: 'the bridge port does not forward (STP state)',
  SKB_DROP_REASON_DUP_FRAG: 'it overlaps a fragment that is here already',
  SKB_DROP_REASON_FRAG_REASM_TIMEOUT: 'the rest of the datagram did not come in time',
  SKB_DROP_REASON_IP_INVALID_SOURCE: 'its source address is impossible here: a martian',
  SKB_DROP_REASON_TCP_CLOSE: 'the TCP socket is closed',
  SKB_DROP_REASON_IP_INVALID_DEST: 'its destination address is impossible here',
  SKB_DROP_REASON_IP_LOCALNET: 'a 127.0.0.0/8 address must not come from outside (route_localnet is off)',
  SKB_DROP_REASON_TCP_OLD_DATA: 'its data has been received before',
  SKB_DROP_REASON_VXLAN_INVALID_HDR: 'it has no valid VXLAN header',
  SKB_DROP_REASON_VXLAN_VNI_NOT_FOUND: 'no VXLAN device of this host has its VNI',
  SKB_DROP_REASON_VXLAN_ENTRY_EXISTS: 'it claims a MAC address that a fixed entry places behind another remote end',
  SKB_DROP_REASON_LOCAL_MAC: 'the frame inside carries this very device’s MAC address as its source: a loop',
}
