import { hash32 } from '../../src/base/prng.ts'

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** A kube-proxy-like ruleset of `services` Services with three endpoints each; the last Service is 10.96.0.10:53/udp to `backend`. */
export function kubeRules(services: number, backend: string): string {
  const svc: string[] = []
  const chains: string[] = []
  const walk: string[] = []
  const name = (kind: string, i: number) => `KUBE-${kind}-${base32(hash32(`${kind}${i}`))}${base32(hash32(`${i}${kind}`))}`
  for (let i = 0; i < services; i++) {
    const last = i === services - 1
    const [proto, ip, port] = last ? ['udp', '10.96.0.10', 53] : ['tcp', `10.${100 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`, 80]
    svc.push(
      `-A KUBE-SERVICES -d ${ip}/32 -p ${proto} -m comment --comment "ns/s${i}:p cluster IP" -m ${proto} --dport ${port} -j ${name('SVC', i)}`,
    )
    chains.push(`:${name('SVC', i)} - [0:0]`)
    for (let e = 0; e < 3; e++) {
      const sep = name('SEP', i * 3 + e)
      const to = last ? backend : `10.128.${(i >> 6) & 255}.${((i & 63) << 2) + e + 1}:8080`
      const random = e < 2 ? `-m statistic --mode random --probability ${(1 / (3 - e)).toFixed(11)} ` : ''
      chains.push(`:${sep} - [0:0]`)
      walk.push(`-A ${name('SVC', i)} -m comment --comment "ns/s${i}:p -> ${to}" ${random}-j ${sep}`)
      walk.push(`-A ${sep} -s ${to.slice(0, to.indexOf(':'))}/32 -m comment --comment "ns/s${i}:p" -j KUBE-MARK-MASQ`)
      walk.push(`-A ${sep} -p ${proto} -m comment --comment "ns/s${i}:p" -m ${proto} -j DNAT --to-destination ${to}`)
    }
  }
  return [
    '*nat',
    ':PREROUTING ACCEPT [0:0]',
    ':INPUT ACCEPT [0:0]',
    ':OUTPUT ACCEPT [0:0]',
    ':POSTROUTING ACCEPT [0:0]',
    ':KUBE-MARK-MASQ - [0:0]',
    ':KUBE-POSTROUTING - [0:0]',
    ':KUBE-SERVICES - [0:0]',
    ...chains,
    '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
    '-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
    '-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING',
    '-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000',
    '-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN',
    '-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0',
    '-A KUBE-POSTROUTING -j MASQUERADE',
    ...svc,
    ...walk,
    'COMMIT',
    '*filter',
    ':INPUT ACCEPT [0:0]',
    ':FORWARD DROP [0:0]',
    ':OUTPUT ACCEPT [0:0]',
    ':KUBE-FORWARD - [0:0]',
    '-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD',
    '-A FORWARD -d 10.244.0.0/16 -j ACCEPT',
    '-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP',
    '-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x4000/0x4000 -j ACCEPT',
    '-A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    'COMMIT',
    '',
  ].join('\n')
}

function base32(n: number): string {
  let out = ''
  for (let i = 0; i < 8; i++) {
    out += BASE32[n & 31]
    n = (n >>> 5) | (n << 27)
  }
  return out
}
