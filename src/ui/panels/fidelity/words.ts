import type { ExercisedKind } from '../../../library/fidelity.ts'
import type { Language } from '../../../scenario/document.ts'
import type { Undetermined } from '../../../trace/step.ts'

// Words of this dialog alone: they come with it, not with the page.

const en = {
  compared: 'Compared with a real kernel',
  how: 'Scenarios run on a real Linux kernel too: in namespaces, with a capture on every device. What the kernel did is then compared with what is shown here: every header byte of every frame on every device in order, the rules that acted on each packet, the counters of every rule, and at the end neighbours, FDB, routes, connection tracking and sockets. Not compared, because no two runs of a kernel agree on them: IP identification, absolute TCP sequence numbers, timestamps and advertised windows, wall time, and the order of what happens at once.',
  total: (n: {
    kernels: string
    scenarios: string
    frames: string
    hits: string
    walks: string
    entries: string
    differences: string
  }) =>
    `${n.kernels}: ${n.scenarios} scenarios, ${n.frames} frames, ${n.hits} rule hits, ${n.walks} walks through chains, ${n.entries} table entries; ${n.differences} differences.`,
  fuzz: (n: { kernel: string; cases: string; alike: string; different: string }) =>
    `${n.cases} random networks on ${n.kernel}: ${n.alike} alike, ${n.different} different.`,
  /** Those of the random networks that are neither. */
  apart: {
    unsteady: (n: string) => `In ${n} the kernel differs from itself from run to run.`,
    undetermined: (n: string) => `${n} met what is not modelled.`,
    refused: (n: string) => `${n} could not be put to a kernel as they were.`,
  },
  scenario: 'Scenario',
  others: (n: number) => `${n} test cases beside them`,
  readWith: 'Read with',
  figures: {
    frames: 'frames',
    hits: 'rule hits',
    walks: 'chain walks',
    entries: 'table entries',
    differences: 'differences',
  },
  modelled: {
    title: 'Modelled, and compared',
    how: 'From the kernel’s own logic. Each of these was used by at least one run that agrees with a real kernel; the number says by how many.',
    count: (name: string, scenarios: string, networks: string) => `${name}: ${scenarios} scenarios, ${networks} random networks`,
    kinds: {
      devices: 'Devices that frames came through',
      hooks: 'Base chains that packets walked',
      matches: 'Conditions of rules that were met',
      targets: 'Targets that were reached',
      nftables: 'Statements of nftables that were met',
      sysctls: 'Settings that were written',
      programs: 'Programs that ran',
      steps: 'Kinds of steps',
      drops: 'Reasons for drops',
    } satisfies Record<ExercisedKind, string>,
  },
  approximated: {
    title: 'Levelled, and why',
    how: 'What no two runs can have alike, or what the engine does another way. The comparison takes this list from its own code; everything else must be equal.',
  },
  undetermined: {
    title: 'Undetermined, never guessed',
    how: 'A packet that meets one of these ends there, and the page says what it met.',
    kinds: {
      device: ['Devices of other kinds', 'kept from the input, drawn and listed'],
      cable: ['Ends that nobody has shown', 'an imported node’s cable leads to machines that are not in the input'],
      process: ['Servers of which nothing is known', 'a socket that listens in the input, and no program that could answer'],
      match: ['Matches not modelled', 'kept as they are written; met only when every condition that is known fits'],
      target: ['Targets not modelled', 'kept as they are written; met when the rule fits'],
      chain: ['Chains that lead back to themselves or are missing', 'the kernel refuses such a table when it is loaded'],
      nftables: ['Expressions of nftables not modelled', 'kept as they are written; met when what stands before them fits'],
      ipvs: ['Parts of IPVS not modelled', 'tunnelled real servers, SCTP, schedulers beyond those named'],
      tunnel: [
        'Turns of a tunnel not modelled',
        'multicast groups, a remote end on the same host, a tunnel inside itself, bridge ports without room for the outer headers',
      ],
    } satisfies Record<Undetermined, readonly [what: string, how: string]>,
  },
}

type Exact = typeof en
/** A kind that the engine's list has and these words have not is an error of types, and the other way round. */
type FidelityWords = Omit<Exact, 'undetermined'> & {
  readonly undetermined: {
    readonly title: string
    readonly how: string
    readonly kinds: Readonly<Record<Undetermined, readonly [what: string, how: string]>>
  }
}

const zh: FidelityWords = {
  compared: '与真实内核比较',
  how: '这些场景也在真实的 Linux 内核上运行：使用命名空间，并在每个设备上抓包。然后将内核的行为与这里显示的内容比较：每个设备上每一帧的每个首部字节及其顺序、作用于每个数据包的规则、每条规则的计数器，以及结束时的邻居表、FDB、路由、连接跟踪和套接字。以下内容不比较，因为同一内核的两次运行也不会相同：IP 标识、TCP 绝对序号、时间戳与通告窗口、实际时间，以及同时发生之事的先后。',
  total: (n) =>
    `${n.kernels}：${n.scenarios} 个场景，${n.frames} 帧，${n.hits} 次规则命中，${n.walks} 次链的遍历，${n.entries} 个表项；${n.differences} 处差异。`,
  fuzz: (n) => `${n.kernel} 上的 ${n.cases} 个随机网络：${n.alike} 个一致，${n.different} 个不同。`,
  apart: {
    unsteady: (n) => `有 ${n} 个，内核自身各次运行的结果也不相同。`,
    undetermined: (n) => `有 ${n} 个遇到了尚未建模的内容。`,
    refused: (n) => `有 ${n} 个无法原样交给内核运行。`,
  },
  scenario: '场景',
  others: (n) => `另有 ${n} 个测试用例`,
  readWith: '读取工具：',
  figures: {
    frames: '帧',
    hits: '规则命中',
    walks: '链的遍历',
    entries: '表项',
    differences: '差异',
  },
  modelled: {
    title: '已建模并经过比较',
    how: '依照内核自身的逻辑。下列各项都至少在一次与真实内核一致的运行中用到；数字为用到它的运行数。',
    count: (name, scenarios, networks) => `${name}：${scenarios} 个场景，${networks} 个随机网络`,
    kinds: {
      devices: '帧经过的设备',
      hooks: '数据包遍历的基本链',
      matches: '命中的规则条件',
      targets: '到达的目标',
      nftables: '命中的 nftables 语句',
      sysctls: '写入的内核参数',
      programs: '运行的程序',
      steps: '步骤的种类',
      drops: '丢弃的原因',
    },
  },
  approximated: {
    title: '拉平的内容及原因',
    how: '任何两次运行都不可能相同，或引擎以另一种方式处理的内容。此列表取自比较程序自身的代码；其余一切必须相等。',
  },
  undetermined: {
    title: '无法判定：绝不猜测',
    how: '遇到下列情况的数据包就此结束，页面会说明它遇到了什么。',
    kinds: {
      device: ['其他类型的设备', '从输入中保留，绘出并列出'],
      cable: ['没有给出的另一端', '导入的节点的线缆通向输入中没有的机器'],
      process: ['一无所知的服务器', '输入中有监听的套接字，却没有可以应答的程序'],
      match: ['未建模的匹配', '按原样保留；只有已知条件全部符合时才会遇到'],
      target: ['未建模的目标', '按原样保留；规则符合时才会遇到'],
      chain: ['绕回自身或缺失的链', '内核在加载时会拒绝这样的表'],
      nftables: ['未建模的 nftables 表达式', '按原样保留；前面的部分符合时才会遇到'],
      ipvs: ['未建模的 IPVS 部分', '隧道方式的真实服务器、SCTP，以及所列之外的调度算法'],
      tunnel: ['未建模的隧道情形', '组播组、位于同一主机的对端、隧道套在自身之中，以及装不下外层首部的网桥端口'],
    },
  },
}

const english: FidelityWords = en

export const FIDELITY_WORDS: Readonly<Record<Language, FidelityWords>> = { en: english, zh }
