// What the comparison with a real kernel passes over or levels, each with its reason: the whole list. The code that does so takes
// what it does from here, by name, so that nothing is left out unsaid; the fidelity page and the README print the list.

interface Bilingual {
  readonly en: string
  readonly zh: string
}

interface Entry {
  /** What of a run it concerns. */
  readonly of: 'frames' | 'rules' | 'tables' | 'commands' | 'runs'
  readonly title: Bilingual
  readonly reason: Bilingual
  /** What stands in its place, '' for nothing. */
  readonly standIn?: string
  /** What a tool's lines become. */
  readonly lines?: (lines: readonly string[]) => string[]
}

export const NORMALISATIONS = {
  'ip-id': {
    of: 'frames',
    title: { en: 'IP identification', zh: 'IP 标识字段' },
    reason: {
      en: 'left out: the kernel takes it from counters that begin at random',
      zh: '不比较：内核取自起点随机的计数器',
    },
    standIn: '',
  },
  'tcp-window': {
    of: 'frames',
    title: { en: 'TCP window', zh: 'TCP 窗口' },
    reason: {
      en: 'left out: it follows from the memory that a machine gives its sockets',
      zh: '不比较：取决于机器分配给套接字的内存',
    },
    standIn: '',
  },
  'tcp-sequence': {
    of: 'frames',
    title: { en: 'TCP sequence numbers', zh: 'TCP 序列号' },
    reason: {
      en: 'counted from the SYN of their connection: initial numbers are random (RFC 6528)',
      zh: '从各连接的 SYN 起计数：初始序列号是随机的（RFC 6528）',
    },
    standIn: '?',
  },
  'tcp-timestamps': {
    of: 'frames',
    title: { en: 'TCP timestamp values', zh: 'TCP 时间戳的值' },
    reason: {
      en: 'present or absent is compared, the value is not: it is the machine’s clock with a random offset',
      zh: '只比较是否存在，不比较其值：它是带随机偏移的机器时钟',
    },
    standIn: 'ts',
  },
  'ping-clock': {
    of: 'frames',
    title: { en: 'First 16 bytes that ping sends', zh: 'ping 数据的前 16 字节' },
    reason: { en: 'stand as `clock`: ping puts the time of day there', zh: '记作 `clock`：ping 在此写入当前时间' },
    standIn: 'clock',
  },
  'dns-id': {
    of: 'frames',
    title: { en: 'DNS transaction IDs and client cookies', zh: 'DNS 事务 ID 与客户端 cookie' },
    reason: { en: 'stand as zeros: the resolver draws them at random', zh: '记作零：解析器随机生成' },
  },
  'lo-checksums': {
    of: 'frames',
    title: { en: 'Checksums on lo', zh: 'lo 上的校验和' },
    reason: {
      en: 'not verified: lo claims to compute them, so the kernel does not; on every other device each checksum must be right',
      zh: '不验证：lo 声称自己会计算，内核便不计算；其他设备上的每个校验和都必须正确',
    },
  },
  'tunnel-source-port': {
    of: 'frames',
    title: { en: 'Source port of a tunnel’s datagrams', zh: '隧道数据报的源端口' },
    reason: {
      en: 'stands as `flow`: a hash of the flow inside, with a key that each boot draws. It does so wherever it is met: behind NAT in another namespace, and as the destination of what answers such a datagram. How many flows of one tunnel have a connection entry of their own is passed over with it',
      zh: '记作 `flow`：它是内层流的散列，密钥在每次启动时随机生成。凡遇到该端口之处均如此处理：经 NAT 进入其他命名空间时，以及作为应答此类数据报的目的端口时。同一隧道中有多少条流各占一个连接条目，也因此不比较',
    },
    standIn: 'flow',
  },
  'order-of-flows': {
    of: 'frames',
    title: { en: 'Order between flows', zh: '不同流之间的先后' },
    reason: {
      en: 'frames and rule walks of one flow and direction must come in the same order; those of different flows may overtake each other, as they do on any machine with more than one thing to do',
      zh: '同一条流、同一方向的帧和规则遍历必须顺序一致；不同的流可以互相超越，任何同时处理多件事的机器都是如此',
    },
  },
  'chosen-ports': {
    of: 'frames',
    title: { en: 'Ports that somebody chose', zh: '自行选取的端口' },
    reason: {
      en: 'a command gets the engine’s source port or echo identifier; the port or identifier that MASQUERADE --random-fully draws is taken from the kernel’s connection table and put in the engine’s place, everywhere alike',
      zh: '命令使用引擎选取的源端口或 echo 标识；MASQUERADE --random-fully 抽取的端口或标识取自内核的连接表，并在各处统一替换',
    },
  },
  'virtual-time': {
    of: 'frames',
    title: { en: 'When things happen', zh: '事情发生的时间' },
    reason: {
      en: 'time stamps of captures are not compared: the engine’s clock is virtual, a cable and a veth take a fixed time, a stack takes none. What time decides (retransmissions, probes, entries that expire) is',
      zh: '不比较抓包的时间戳：引擎的时钟是虚拟的，线缆和 veth 耗时固定，协议栈不耗时。由时间决定的事（重传、探测、条目过期）则会比较',
    },
  },
  'random-draws': {
    of: 'rules',
    title: { en: 'Rules that draw at random', zh: '随机匹配的规则' },
    reason: {
      en: 'take on the kernel exactly the connections that they took in the engine, by source port, a resolver’s by their question, a tunnel’s by the flow inside: the kernel’s random source cannot be seeded. Their counters are compared like all others',
      zh: '在内核上按源端口（解析器的包按所问的问题，隧道的包按内层的流）精确匹配引擎中命中的那些连接：内核的随机源无法设定种子。其计数器与其他规则一样比较',
    },
  },
  ifindex: {
    of: 'tables',
    title: { en: 'Interface indexes', zh: '接口索引' },
    reason: {
      en: 'left out of `ip addr`: the kernel numbers devices in the order in which a script makes them',
      zh: '在 `ip addr` 中不比较：内核按脚本创建设备的顺序编号',
    },
    lines: (lines) => lines.map((l) => l.replace(/^\d+: /, '')),
  },
  'address-filters': {
    of: 'tables',
    title: { en: 'Multicast filters in `bridge fdb`', zh: '`bridge fdb` 中的组播过滤器' },
    reason: {
      en: '`self` entries without a remote end are passed over: every multicast address that a device listens to',
      zh: '忽略没有对端的 `self` 条目：它们只是设备监听的组播地址',
    },
    lines: (lines) => lines.filter((l) => !/^(?!.* dst ).* self\b/.test(l)),
  },
  'vlan-twins': {
    of: 'tables',
    title: { en: 'VLAN 1 twins in `bridge fdb`', zh: '`bridge fdb` 中 VLAN 1 的重复条目' },
    reason: {
      en: 'passed over: a kernel with VLAN filtering lists each local address a second time',
      zh: '忽略：支持 VLAN 过滤的内核会把每个本地地址再列一次',
    },
    lines: (lines) => lines.filter((l) => !/ vlan 1 .*\bpermanent$/.test(l)),
  },
  'set-internals': {
    of: 'tables',
    title: { en: 'Buckets and seeds of ipsets', zh: 'ipset 的桶与种子' },
    reason: {
      en: 'left out: how the kernel lays a hash out in memory',
      zh: '不比较：这是内核在内存中组织散列表的方式',
    },
    lines: (lines) => lines.map((l) => l.replace(/ bucketsize \d+ initval 0x[0-9a-f]+$/, '')),
  },
  'seconds-left': {
    of: 'tables',
    title: { en: 'Seconds that entries have left', zh: '条目的剩余秒数' },
    reason: {
      en: 'compared with a tolerance of three seconds: the tables are read one after the other, and starting a tool takes time',
      zh: '容差为三秒：各表依次读取，启动工具也需要时间',
    },
  },
  'slow-kernel': {
    of: 'tables',
    title: { en: 'An emulated kernel’s slowness', zh: '模拟内核的缓慢' },
    reason: {
      en: 'entries of a kernel in QEMU may have as many seconds less than the engine’s as its journeys were under way, or be gone: there every command takes seconds',
      zh: 'QEMU 中的内核每条命令都要花数秒：其条目的剩余时间可以比引擎少，至多少行程所用的秒数，也可以已经过期',
    },
  },
  'link-attributes': {
    of: 'tables',
    title: { en: 'Attributes of devices', zh: '设备属性' },
    reason: {
      en: 'of `ip -s link` the packet and byte counters are compared; names, MTUs and addresses are the script’s own',
      zh: '`ip -s link` 只比较包与字节计数；名称、MTU 和地址由脚本设定',
    },
  },
  'stopped-commands': {
    of: 'commands',
    title: { en: 'Commands that never end', zh: '不会结束的命令' },
    reason: {
      en: 'are stopped by timeout(1) on the kernel and left waiting in the engine: status 124 agrees with that',
      zh: '在内核上由 timeout(1) 终止，在引擎中保持等待：状态 124 视为一致',
    },
  },
  'program-output': {
    of: 'commands',
    title: { en: 'What programs print', zh: '程序的输出' },
    reason: {
      en: 'of every command the exit status is compared, of ping in random networks every line but its times: what curl and nc say differs from version to version',
      zh: '比较每个命令的退出状态；在随机网络中还比较 ping 除时间以外的每一行：curl 和 nc 的文字随版本而异',
    },
  },
  'held-packets': {
    of: 'runs',
    title: { en: 'Packets that are held', zh: '被扣留的包' },
    reason: {
      en: 'where a document interrupts a CPU (overrides: stall), the script hands the first packet of a flow to a queue (NFQUEUE) at the same place and takes it back some 30 ms later, so that the second one overtakes it. The rule that does so is not among those that are compared',
      zh: '文档打断 CPU 之处（overrides: stall），脚本在同一位置把流的首个包交给队列（NFQUEUE），约 30 ms 后再取回，使第二个包得以超越。执行此操作的规则不在比较之列',
    },
  },
  'one-machine': {
    of: 'runs',
    title: { en: 'One machine', zh: '同一台机器' },
    reason: {
      en: 'all nodes of a lab are namespaces of one kernel, so that the note beside a TCP segment that its neighbour works (dst_pending_confirm) gets through their cables too. The engine’s run that is compared lets it; on the page, nodes are machines of their own',
      zh: '实验中的所有节点都是同一内核的命名空间，因此 TCP 段附带的“邻居可用”标记（dst_pending_confirm）也会穿过节点之间的线缆。用于比较的那次引擎运行同样如此；页面上的节点则是各自独立的机器',
    },
  },
  'older-kernels': {
    of: 'runs',
    title: { en: 'Older kernels', zh: '旧内核' },
    reason: {
      en: 'the kernel is the machine’s own. Where a document gives a node a release before 5.6, which drops the packet whose conntrack entry comes too late, the script drops that packet, and no other, just before it would be confirmed; what the drop leads to is the kernel’s and the programs’ own doing',
      zh: '内核就是本机的内核。若文档给节点指定 5.6 之前的版本（它会丢弃 conntrack 表项来迟的那个包），脚本只丢弃这一个包，位置恰在它将被确认之前；丢弃之后发生的一切均出自内核与程序本身',
    },
  },
  offloads: {
    of: 'runs',
    title: { en: 'Offloads', zh: '卸载' },
    reason: {
      en: 'checksum offload, GSO and GRO are off on the kernel’s side too, so that a capture holds what a wire would',
      zh: '内核一侧也关闭校验和卸载、GSO 和 GRO，使抓包内容与线路上的一致',
    },
  },
  'busy-machine': {
    of: 'runs',
    title: { en: 'A busy machine', zh: '繁忙的机器' },
    reason: {
      en: 'a scenario whose run differs is run up to three times: a difference is what every run shows. What a timer does late differs otherwise each time; a mistake stays',
      zh: '结果不同的场景最多运行三次：每次都出现的才算差异。定时器迟到造成的不同每次各异，而错误始终存在',
    },
  },
} as const satisfies Readonly<Record<string, Entry>>

export type NormalisationName = keyof typeof NORMALISATIONS
type NameWith<K extends string> = {
  [N in NormalisationName]: (typeof NORMALISATIONS)[N] extends { readonly [P in K]: unknown } ? N : never
}[NormalisationName]

/** What stands in place of something that two runs cannot have alike. */
export const standIn = <N extends NameWith<'standIn'>>(name: N): (typeof NORMALISATIONS)[N]['standIn'] =>
  NORMALISATIONS[name].standIn

/** A tool's lines, levelled by these in turn. */
export const levelled = (lines: string[], ...names: readonly NameWith<'lines'>[]): string[] =>
  names.reduce((l, name) => NORMALISATIONS[name].lines(l), lines)

/** Says at the place in the code what it rests on, where that is more than a word or a line. */
export const rests = <T>(_on: Exclude<NormalisationName, NameWith<'standIn'> | NameWith<'lines'>>, value: T): T => value

/** Every entry with its name, in the order of the list. */
export const normalisations = (): readonly (Entry & { readonly name: NormalisationName })[] =>
  (Object.keys(NORMALISATIONS) as NormalisationName[]).map((name) => ({ name, ...NORMALISATIONS[name] }))
