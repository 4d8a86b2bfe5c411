import { bench, describe } from 'vitest'
import { parseIptablesSave } from './iptables/parse.ts'

/**
 * kube-proxy's shape: a KUBE-SVC chain, a rule in KUBE-SERVICES and `endpoints` KUBE-SEP chains for every Service. Set
 * beside `iptables-legacy-restore --test` on the same bytes; MB/s = size in MB × hz.
 */
function kubeRules(services: number, endpoints: number): string {
  const chains: string[] = []
  const rules: string[] = []
  const pad = (n: number) => n.toString(36).toUpperCase().padStart(16, '0')
  for (let i = 0; i < services; i++) {
    const svc = `KUBE-SVC-${pad(i)}`
    const ip = `10.${96 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`
    const name = `team-${i % 57}/web-${String(i).padStart(5, '0')}:http`
    chains.push(`:${svc} - [0:0]`)
    rules.push(`-A KUBE-SERVICES -d ${ip}/32 -p tcp -m comment --comment "${name} cluster IP" -m tcp --dport 80 -j ${svc}`)
    for (let e = 0; e < endpoints; e++) {
      const sep = `KUBE-SEP-${pad(i * endpoints + e)}`
      const pod = `10.244.${((i * endpoints + e) >> 8) & 255}.${(i + e) & 255}`
      const share = e < endpoints - 1 ? `-m statistic --mode random --probability ${(1 / (endpoints - e)).toFixed(11)} ` : ''
      chains.push(`:${sep} - [0:0]`)
      rules.push(`-A ${svc} -m comment --comment "${name} -> ${pod}:8080" ${share}-j ${sep}`)
      rules.push(`-A ${sep} -s ${pod}/32 -m comment --comment "${name}" -j KUBE-MARK-MASQ`)
      rules.push(`-A ${sep} -p tcp -m comment --comment "${name}" -m tcp -j DNAT --to-destination ${pod}:8080`)
    }
  }
  return `*nat\n:PREROUTING ACCEPT [0:0]\n:KUBE-MARK-MASQ - [0:0]\n:KUBE-SERVICES - [0:0]\n${chains.join('\n')}\n${rules.join('\n')}\nCOMMIT\n`
}

describe('iptables-save text of kube-proxy', () => {
  for (const [services, endpoints] of [
    [1000, 3],
    [10_000, 3],
  ] as const) {
    const bytes = Buffer.from(kubeRules(services, endpoints))
    bench(`parse ${services} Services, ${(bytes.length / 1e6).toFixed(1)} MB`, () => {
      const parsed = parseIptablesSave(bytes.toString('utf8'))
      if (!parsed.ok) throw new Error(parsed.error.expected)
    })
  }
})
