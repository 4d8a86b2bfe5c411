// What the checks of "Debug Services" find, as facts, and the sentences about them. The checks themselves are debug/'s.

/** In the order of the Kubernetes documentation: https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/ */
export const CHECK_IDS = ['exists', 'dns', 'by-ip', 'ports', 'endpoints', 'pods', 'kube-proxy', 'hairpin'] as const
export type CheckId = (typeof CHECK_IDS)[number]

export type Finding =
  | { readonly code: 'exists'; readonly type: string; readonly clusterIP: string }
  | { readonly code: 'missing'; readonly service: string; readonly elsewhere: readonly string[] }
  | { readonly code: 'no-service' }
  | { readonly code: 'resolved'; readonly name: string; readonly addresses: readonly string[] }
  | {
      readonly code: 'resolved-otherwise'
      readonly name: string
      readonly addresses: readonly string[]
      readonly expected: readonly string[]
    }
  | { readonly code: 'only-in-full'; readonly name: string; readonly full: string }
  | { readonly code: 'not-resolved'; readonly name: string; readonly error: string }
  | { readonly code: 'no-dns' }
  | { readonly code: 'not-modelled'; readonly what: string }
  | { readonly code: 'reached'; readonly address: string }
  | { readonly code: 'not-reached'; readonly address: string; readonly error: string }
  | { readonly code: 'no-cluster-ip'; readonly type: 'headless' | 'ExternalName' }
  | { readonly code: 'ports-agree'; readonly ports: readonly string[] }
  | { readonly code: 'no-ports' }
  | { readonly code: 'no-such-port-name'; readonly port: number; readonly targetPort: string; readonly pods: readonly string[] }
  | {
      readonly code: 'nobody-listens'
      readonly port: number
      readonly targetPort: string
      readonly pod: string
      readonly listening: readonly string[]
    }
  | { readonly code: 'endpoints'; readonly addresses: readonly string[] }
  | {
      readonly code: 'selects-nothing'
      readonly selector: string
      readonly nearest?: { readonly pod: string; readonly has: string; readonly wants: string }
    }
  | { readonly code: 'none-ready'; readonly pods: readonly string[] }
  | { readonly code: 'no-selector' }
  | { readonly code: 'pods-answer'; readonly count: number }
  | { readonly code: 'pod-silent'; readonly pod: string; readonly address: string; readonly error: string }
  | { readonly code: 'endpoint-without-pod'; readonly address: string; readonly error: string }
  | { readonly code: 'nothing-to-ask' }
  | {
      readonly code: 'proxied'
      readonly mode: string
      readonly node: string
      readonly targets: readonly string[]
      readonly reached: boolean
    }
  | { readonly code: 'not-proxied'; readonly mode: string; readonly node: string }
  | {
      readonly code: 'stale'
      readonly mode: string
      readonly node: string
      readonly gone: readonly string[]
      readonly lacking: readonly string[]
    }
  | { readonly code: 'node-cannot'; readonly node: string; readonly address: string; readonly error: string }
  | { readonly code: 'hairpin-works'; readonly pod: string }
  | { readonly code: 'hairpin-fails'; readonly pod: string; readonly error?: string; readonly portFlag: boolean | undefined }
  | { readonly code: 'hairpin-not-met'; readonly pod: string; readonly attempts: number }

type Lang = 'en' | 'zh'

/** What a check asks, and the sentence about what it found. */
export interface CheckWords {
  readonly question: Readonly<Record<CheckId, string>>
  /** After a failure that matters to nobody but a pod that calls itself. */
  readonly onlyItself: string
  finding(f: Finding): string
}

const list = (items: readonly string[], none: string, between = ', '): string => {
  if (items.length === 0) return none
  return items.length > 4 ? `${items.slice(0, 3).join(between)}${between}… (${items.length})` : items.join(between)
}

const en: CheckWords = {
  question: {
    exists: 'Does the Service exist?',
    dns: 'Does its DNS name resolve?',
    'by-ip': 'Does it answer at its cluster IP?',
    ports: 'Are its ports right?',
    endpoints: 'Does it have endpoints?',
    pods: 'Do its pods answer by themselves?',
    'kube-proxy': 'Has kube-proxy written its rules?',
    hairpin: 'Can a pod reach itself through it?',
  },
  onlyItself: 'That only matters if a Pod calls itself through the Service.',
  finding(f) {
    switch (f.code) {
      case 'exists':
        return `It exists: type ${f.type}${f.clusterIP === '' ? '' : `, cluster IP ${f.clusterIP}`}.`
      case 'missing':
        return f.elsewhere.length === 0
          ? `There is no Service ${f.service}, so nothing answers for its name or address.`
          : `There is no Service ${f.service}; one of that name is in namespace ${list(f.elsewhere, '')}. A short name is looked up in the client’s own namespace.`
      case 'no-service':
        return 'There is no Service to look at.'
      case 'resolved':
        return `${f.name} resolves to ${list(f.addresses, 'nothing')}.`
      case 'resolved-otherwise':
        return `${f.name} resolves to ${list(f.addresses, 'nothing')}, not to ${list(f.expected, 'nothing')}.`
      case 'only-in-full':
        return `${f.full} resolves and ${f.name} does not: the search list in the pod’s /etc/resolv.conf does not lead to the Service’s namespace.`
      case 'not-resolved':
        return `${f.name} does not resolve: ${f.error}.`
      case 'no-dns':
        return 'The objects hold no kube-dns Service: there is no DNS of this cluster to check. The checks go on by address.'
      case 'not-modelled':
        return `This cannot be evaluated here: ${f.what}.`
      case 'reached':
        return `${f.address} answers.`
      case 'not-reached':
        return `${f.address} does not answer: ${f.error}.`
      case 'no-cluster-ip':
        return f.type === 'headless'
          ? 'It is headless: it has no cluster IP, and its name resolves to the pods themselves.'
          : 'It is an ExternalName: a CNAME in DNS, without an address or rules of its own.'
      case 'ports-agree':
        return `Its ports lead to ports that its pods listen on: ${list(f.ports, 'none')}.`
      case 'no-ports':
        return 'It has no ports, so no rule is made for it.'
      case 'no-such-port-name':
        return `targetPort ${f.targetPort} of port ${f.port} is a name that no container port of ${list(f.pods, 'its pods')} has.`
      case 'nobody-listens':
        return `Port ${f.port} leads to ${f.targetPort}, where nothing listens in ${f.pod}; it listens on ${list(f.listening, 'no port')}.`
      case 'endpoints':
        return `It has ${f.addresses.length === 1 ? 'one ready endpoint' : `${f.addresses.length} ready endpoints`}: ${list(f.addresses, '')}.`
      case 'selects-nothing':
        return f.nearest === undefined
          ? `Its selector ${f.selector} matches no pod.`
          : `Its selector ${f.selector} matches no pod. The nearest is ${f.nearest.pod}: it has ${f.nearest.has}, the selector wants ${f.nearest.wants}.`
      case 'none-ready':
        return `Its selector matches ${list(f.pods, 'no pod')}, and none of them is ready.`
      case 'no-selector':
        return 'It has no selector, and nobody made EndpointSlices for it.'
      case 'pods-answer':
        return f.count === 1 ? 'Its pod answers at its own address.' : `All ${f.count} pods answer at their own addresses.`
      case 'pod-silent':
        return `${f.pod} does not answer at ${f.address}: ${f.error}.`
      case 'endpoint-without-pod':
        return `${f.address} does not answer: ${f.error}. No pod has this address: the EndpointSlice outlived its pod.`
      case 'nothing-to-ask':
        return 'There is no endpoint to ask.'
      case 'proxied':
        return `In ${f.mode} mode ${f.node} sends it to ${list(f.targets, 'nothing')}, as its endpoints say${f.reached ? ', and gets an answer' : ''}.`
      case 'not-proxied':
        return `${f.node} has no ${f.mode} rules for it: kube-proxy is not running there, or something removed them.`
      case 'stale':
        return [
          `The ${f.mode} rules of ${f.node} are not those of its endpoints.`,
          ...(f.gone.length === 0 ? [] : [`They still send to ${list(f.gone, '')}.`]),
          ...(f.lacking.length === 0 ? [] : [`They never send to ${list(f.lacking, '')}.`]),
        ].join(' ')
      case 'node-cannot':
        return `The rules are there, but ${f.node} itself does not reach ${f.address}: ${f.error}.`
      case 'hairpin-works':
        return `${f.pod} reaches itself through it.`
      case 'hairpin-fails':
        return [
          f.error === undefined
            ? `${f.pod} does not reach itself through it: the SYN that chose it was lost, and the one sent a second later drew another endpoint.`
            : `${f.pod} does not reach itself through it: ${f.error}.`,
          ...(f.portFlag === false
            ? ['Its bridge port has hairpin mode off: the bridge does not send a frame back out of the port it came in through.']
            : []),
        ].join(' ')
      case 'hairpin-not-met':
        return `In ${f.attempts} attempts ${f.pod} was never sent to itself.`
    }
  },
}

/** An errno is its own name in every language. */
const errorZh = (error: string): string => (error === 'no answer' ? '没有等到答复' : error)

const zh: CheckWords = {
  question: {
    exists: 'Service 存在吗？',
    dns: '它的 DNS 名称能解析吗？',
    'by-ip': '访问它的 ClusterIP 有应答吗？',
    ports: '端口定义正确吗？',
    endpoints: '它有端点吗？',
    pods: '后端 Pod 自身能应答吗？',
    'kube-proxy': 'kube-proxy 写好规则了吗？',
    hairpin: 'Pod 能通过它访问自己吗？',
  },
  onlyItself: '只有当 Pod 通过该 Service 访问自己时才有影响。',
  finding(f) {
    const many = (items: readonly string[], none: string) => list(items, none, '、')
    switch (f.code) {
      case 'exists':
        return `存在：类型 ${f.type}${f.clusterIP === '' ? '' : `，ClusterIP 为 ${f.clusterIP}`}。`
      case 'missing':
        return f.elsewhere.length === 0
          ? `没有 Service ${f.service}，因此它的名称和地址都不会有应答。`
          : `没有 Service ${f.service}；命名空间 ${many(f.elsewhere, '')} 中有同名的 Service。短名称只在客户端自己的命名空间中查找。`
      case 'no-service':
        return '没有可供检查的 Service。'
      case 'resolved':
        return `${f.name} 解析为 ${many(f.addresses, '空')}。`
      case 'resolved-otherwise':
        return `${f.name} 解析为 ${many(f.addresses, '空')}，而不是 ${many(f.expected, '空')}。`
      case 'only-in-full':
        return `${f.full} 能解析，而 ${f.name} 不能：Pod 的 /etc/resolv.conf 中的搜索列表没有指向该 Service 所在的命名空间。`
      case 'not-resolved':
        return `${f.name} 无法解析：${errorZh(f.error)}。`
      case 'no-dns':
        return '这些对象中没有 kube-dns Service，无从检查这个集群的 DNS。后面的检查改用地址进行。'
      case 'not-modelled':
        return `这里无法评估：${f.what}。`
      case 'reached':
        return `${f.address} 有应答。`
      case 'not-reached':
        return `${f.address} 没有应答：${errorZh(f.error)}。`
      case 'no-cluster-ip':
        return f.type === 'headless'
          ? '这是无头 Service：没有 ClusterIP，名称直接解析为各个 Pod 的地址。'
          : '这是 ExternalName：只是 DNS 中的一条 CNAME，没有自己的地址和规则。'
      case 'ports-agree':
        return `它的端口都指向 Pod 正在监听的端口：${many(f.ports, '无')}。`
      case 'no-ports':
        return '它没有端口，因此不会为它生成任何规则。'
      case 'no-such-port-name':
        return `端口 ${f.port} 的 targetPort ${f.targetPort} 是一个名称，而 ${many(f.pods, '它的 Pod')} 的容器端口中没有这个名称。`
      case 'nobody-listens':
        return `端口 ${f.port} 指向 ${f.targetPort}，但 ${f.pod} 中没有进程监听它；正在监听的是 ${many(f.listening, '无')}。`
      case 'endpoints':
        return `有 ${f.addresses.length} 个就绪端点：${many(f.addresses, '')}。`
      case 'selects-nothing':
        return f.nearest === undefined
          ? `选择算符 ${f.selector} 没有匹配任何 Pod。`
          : `选择算符 ${f.selector} 没有匹配任何 Pod。最接近的是 ${f.nearest.pod}：它的标签是 ${f.nearest.has}，而选择算符要求 ${f.nearest.wants}。`
      case 'none-ready':
        return `选择算符匹配到 ${many(f.pods, '')}，但都未就绪。`
      case 'no-selector':
        return '它没有选择算符，也没有人为它创建 EndpointSlice。'
      case 'pods-answer':
        return f.count === 1 ? '后端 Pod 在自己的地址上有应答。' : `全部 ${f.count} 个后端 Pod 在各自的地址上都有应答。`
      case 'pod-silent':
        return `${f.pod} 在 ${f.address} 没有应答：${errorZh(f.error)}。`
      case 'endpoint-without-pod':
        return `${f.address} 没有应答：${errorZh(f.error)}。没有 Pod 使用这个地址：EndpointSlice 比它的 Pod 存活得更久。`
      case 'nothing-to-ask':
        return '没有可访问的端点。'
      case 'proxied':
        return `${f.node} 以 ${f.mode} 模式将它转发到 ${many(f.targets, '空')}，与端点一致${f.reached ? '，并且有应答' : ''}。`
      case 'not-proxied':
        return `${f.node} 上没有它的 ${f.mode} 规则：那里的 kube-proxy 没有运行，或者规则被别的程序删除了。`
      case 'stale':
        return [
          `${f.node} 的 ${f.mode} 规则与它的端点不一致。`,
          ...(f.gone.length === 0 ? [] : [`仍在转发到 ${many(f.gone, '')}。`]),
          ...(f.lacking.length === 0 ? [] : [`从不转发到 ${many(f.lacking, '')}。`]),
        ].join('')
      case 'node-cannot':
        return `规则都在，但 ${f.node} 自己也访问不到 ${f.address}：${errorZh(f.error)}。`
      case 'hairpin-works':
        return `${f.pod} 能够通过它访问自己。`
      case 'hairpin-fails':
        return [
          f.error === undefined
            ? `${f.pod} 无法通过它访问自己：选中自己的那个 SYN 丢失了，一秒后重传的 SYN 抽中了另一个端点。`
            : `${f.pod} 无法通过它访问自己：${errorZh(f.error)}。`,
          ...(f.portFlag === false ? ['它的网桥端口没有开启 hairpin 模式：网桥不会把帧从收到它的端口再发回去。'] : []),
        ].join('')
      case 'hairpin-not-met':
        return `尝试了 ${f.attempts} 次，${f.pod} 都没有被转发到自己。`
    }
  },
}

export const CHECK_WORDS: Readonly<Record<Lang, CheckWords>> = { en, zh }
