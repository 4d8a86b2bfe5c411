import { assertNever } from '../base/assert-never.ts'
import type { Catalogue } from './catalogue.ts'
import type { Fact } from './fact.ts'
import { type Sentence, say } from './sentence.ts'

// IPVS.

type Scheduled = Extract<Fact, { kind: 'ipvs-scheduled' }>

/** What the scheduler went by. `figure` is its own: see the step `ipvs.schedule`. */
function because(f: Scheduled): Sentence | undefined {
  switch (f.scheduler) {
    case 'rr':
      return say`轮询：${f.count} 个中轮到的下一个。内核把新加入的真实服务器放在最前，因此从最后加入的轮到最先加入的`
    case 'wrr':
      return say`加权轮询：权重不低于 ${f.figure} 的服务器中轮到的下一个`
    case 'lc':
      return say`最少连接：开销 ${f.figure} 最小（活动连接计 256，非活动连接计 1）`
    case 'wlc':
      return say`加权最少连接：按权重折算，开销 ${f.figure} 最小（活动连接计 256，非活动连接计 1）`
    case 'sed':
      return say`最短预期延迟：连同这一个共 ${f.figure} 个活动连接，按权重折算最少`
    case 'nq':
      return say`永不排队：有空闲的真实服务器就直接选用，否则选预期延迟最短的（${f.figure}）`
    case 'sh':
      return say`源地址哈希：客户端地址落入第 ${f.figure} 号桶，属于这台服务器`
    case 'dh':
      return say`目的地址哈希：虚拟地址落入第 ${f.figure} 号桶，属于这台服务器`
    case 'mh':
      return say`Maglev 哈希：客户端落在查找表的第 ${f.figure} 位，属于这台服务器`
    default:
      return undefined
  }
}

export const zhIpvs = {
  'ipvs-scheduled': (f) => {
    const server = f.service === undefined ? say`${f.server}` : say`${f.server}（${f.service}）`
    const to = f.pod === undefined ? say`${f.to}` : say`${f.to}（${f.pod}）`
    switch (f.reason) {
      case 'none':
        return f.count === 0
          ? say`IPVS：虚拟服务器 ${server} 没有真实服务器，因此用 ICMP “端口不可达” 告知客户端。`
          : say`IPVS：${server} 没有可用的真实服务器（调度算法 ${f.scheduler}），因此用 ICMP “端口不可达” 告知客户端。`
      case 'template':
        return say`IPVS：${server} 启用了会话保持，且已认得这个客户端，因此仍用真实服务器 ${to}。`
      case 'scheduler': {
        const why = because(f)
        return say`IPVS：这个包发往虚拟服务器 ${server}。调度算法 ${f.scheduler} 选中 ${to}${why === undefined ? undefined : say`——${why}`}。`
      }
      default:
        return assertNever(f.reason, 'reason')
    }
  },
  'ipvs-packet': (f) => {
    switch (f.direction) {
      case 'request':
        return say`IPVS：它属于连接 ${f.connection}，因此送往该连接的真实服务器。`
      case 'reply':
        return say`IPVS：这是连接 ${f.connection} 的回包，源地址恢复为虚拟地址。`
      case 'request-error':
        return say`IPVS：关于连接 ${f.connection} 的 ICMP 错误，送往真实服务器。`
      case 'reply-error':
        return say`IPVS：关于连接 ${f.connection} 的 ICMP 错误，改写后送给客户端。`
      default:
        return assertNever(f.direction, 'direction')
    }
  },
  'ipvs-changed': (f) => {
    const what = f.template ? '模板' : '连接'
    switch (f.change) {
      case 'new':
        return say`IPVS 把${what} ${f.connection} 记入连接表（${f.state}）。`
      case 'update':
        return say`IPVS：${what} ${f.connection} 进入状态 ${f.state}。`
      case 'destroy':
        return say`IPVS 删除${what} ${f.connection}。`
      default:
        return assertNever(f.change, 'change')
    }
  },
} satisfies Partial<Catalogue['facts']>
