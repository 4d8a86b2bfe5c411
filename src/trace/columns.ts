// The trace as the engine writes it: typed columns, which cost a few stores a step, travel to the page by transfer and are
// decoded only where somebody looks. Row layout by kind is in STEP_CODES; `decodeStep` (reader.ts) is its only reader.

/** Numbers of the step kinds. Appended to, never renumbered: share links count steps, exports may be kept. */
export const STEP = {
  born: 0, // a=how b=parent|-1 c=process ref|-1
  enter: 1, // a=place(0 device,1 stack) b=direction(0 in,1 out) c=length (IP total length, 28 for ARP) d=1 when the device does not count it
  depart: 2, // a=ref of device or netns
  deliver: 3, // a=to b=socket ref|-1
  drop: 4, // a=reason b=decidedBy ref|-1
  wait: 5, // a=neighbour ref
  undetermined: 6, // a=text b=decidedBy ref|-1 c=index into UNDETERMINED
  rewrite: 7, // a=field b=from lo32 c=to lo32 d=from hi16<<16|to hi16; payload: d=text of payloadEdit(before, after) of payload.ts
  bridgeLearn: 8, // a=fdb ref b=moved
  bridgeDecide: 9, // a=decision b=port ref|-1 c=fdb ref|-1 d=number of ports
  bridgeNf: 10, // a=hook b=enabled c=sysctl ref|-1
  neighLookup: 11, // a=neighbour ref|-1 b=state c=address
  neighState: 12, // a=neighbour ref b=from c=to d=reason
  arpProcess: 13, // a=op b=target address c=answer(0 reply,1 update,2 ignore,3 proxy)
  route: 14, // a=nexthop index<<16|purpose<<8|result b=route ref|-1 c=address d=policy rule ref|-1
  rpFilter: 15, // a=mode b=ok c=route ref|-1 d=sysctl ref|-1
  forward: 16, // a=allowed b=sysctl ref|-1
  mtu: 17, // a=mtu b=length c=action
  reassemble: 18, // a=complete b=fragments
  hook: 19, // a=hook b=bridged
  chain: 20, // a=chain ref
  rule: 21, // a=rule ref b=tried c=verdict|(target chain ref+1)<<8 d=length   (of iptables c is the verdict alone: the target follows from the rule's spec)
  policy: 22, // a=chain ref b=tried c=verdict(0 accept,1 drop,2 return) d=length
  log: 23, // a=text
  ctLookup: 24, // a=ct ref|-1 b=info
  ctChange: 25, // a=ct ref b=change c=text of state|-1
  nat: 26, // a=ct ref b=manip(0 src,1 dst) c=binding
  socketLookup: 27, // a=socket ref|-1
  tcpState: 28, // a=socket ref b=from text c=to text
  tcpRetransmit: 29, // a=socket ref b=attempt c=timeout in microseconds
  socketData: 30, // a=socket ref b=direction(0 send,1 receive) c=bytes
  process: 31, // a=process ref b=event c=text
  timer: 32, // a=text b=record ref|-1
  proxyRoute: 36, // a=process ref b=ref of the object that decides|-1 c=text of its rule d=text: service, endpoint ('' for none), a space between
  proxyCopy: 37, // a=process ref b=ref of the socket read c=ref of the socket written d=bytes
  encapsulate: 38, // a=fdb ref|-1 b=remote address c=vni
  decapsulate: 39, // a=ref of the tunnel's device b=remote address c=vni
  change: 50, // a=change b=record ref c=rules added d=rules removed
  ipvsSchedule: 40, // a=virtual server ref b=real server ref|-1 c=reason d=the scheduler's own figure
  ipvsPacket: 41, // a=connection ref b=direction c=length
  ipvsChange: 42, // a=connection ref b=change(0 new,1 update,2 destroy) c=text of state
} as const
