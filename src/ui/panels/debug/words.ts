import type { CheckStatus } from '../../../debug/report.ts'
import type { Language } from '../../../scenario/document.ts'

interface DebugWords {
  readonly intro: string
  readonly service: string
  readonly from: string
  readonly anyPod: string
  readonly again: string
  readonly asking: string
  readonly refused: string
  readonly none: string
  readonly allWell: string
  readonly first: (n: number) => string
  readonly caution: (n: number) => string
  readonly cautious: string
  readonly step: (n: number) => string
  readonly commands: string
  readonly silent: string
  readonly status: Readonly<Record<CheckStatus, string>>
  readonly source: string
}

export const DEBUG_WORDS: Readonly<Record<Language, DebugWords>> = {
  en: {
    intro:
      'A Service does not answer? These checks go from its name to its pods, in the order of the Kubernetes documentation. Each is evaluated by the engine.',
    service: 'Service',
    from: 'Asked from',
    anyPod: 'a pod that is not behind it',
    again: 'Check again',
    asking: 'Asking the network …',
    refused: 'The checks could not be made.',
    none: 'There is no Service in this cluster.',
    allWell: 'Everything that was asked is as it should be.',
    first: (n) => `Check ${n} is the first that fails`,
    caution: (n) => `The Service works. One caution: check ${n}`,
    cautious: 'a caution',
    step: (n) => `Go to step ${n}, which proves it`,
    commands: 'What one would run, and what it prints',
    silent: '(prints nothing)',
    status: { ok: 'passed', failed: 'failed', 'not-needed': 'does not apply', unknown: 'cannot be told' },
    source: 'The order is that of “Debug Services” in the Kubernetes documentation',
  },
  zh: {
    intro: 'Service 没有应答？下面的检查按 Kubernetes 文档的顺序，从名称一路查到 Pod，每一项都由引擎实际评估。',
    service: 'Service',
    from: '从哪里访问',
    anyPod: '任意一个非后端 Pod',
    again: '重新检查',
    asking: '正在访问网络……',
    refused: '检查未能完成。',
    none: '这个集群中没有 Service。',
    allWell: '检查过的各项都正常。',
    first: (n) => `第 ${n} 项检查最先失败`,
    caution: (n) => `该 Service 工作正常；第 ${n} 项需留意`,
    cautious: '需留意',
    step: (n) => `跳到第 ${n} 步，看看原因`,
    commands: '可以执行的命令及其输出',
    silent: '（没有输出）',
    status: { ok: '通过', failed: '失败', 'not-needed': '不适用', unknown: '无法判断' },
    source: '检查顺序与 Kubernetes 文档“调试 Service”一致',
  },
}
