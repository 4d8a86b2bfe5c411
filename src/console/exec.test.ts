import { describe, expect, it } from 'vitest'
import { importNode } from '../linux/import.ts'
import { parseIptablesSave, toRecords } from '../linux/iptables-save.ts'
import { ipv4 } from '../net/address.ts'
import type { RecordId } from '../world/ids.ts'
import type { WorldRecord } from '../world/records.ts'
import { viewOf } from '../world/world.ts'
import { execCommand } from './exec.ts'

const RULES = `*nat
:PREROUTING ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-A - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A KUBE-SERVICES -d 10.96.0.1/32 -p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 80 -j KUBE-SVC-A
COMMIT
`
const node = importNode([
  {
    name: 'addr',
    text: '1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536\n    link/loopback 00:00:00:00:00:00\n    inet 127.0.0.1/8 scope host lo\n2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500\n    link/ether 52:54:00:00:00:0b\n    inet 192.168.1.11/24 brd 192.168.1.255 scope global eth0\n',
  },
  { name: 'sysctl', text: 'net.ipv4.ip_forward = 1\nnet.ipv4.conf.all.rp_filter = 1\n' },
])
const rules = parseIptablesSave(RULES)
const records = [...node.records, ...(rules.ok ? toRecords('node1', rules.value, { component: 'kube-proxy' }) : [])]
const view = viewOf(new Map<RecordId, WorldRecord>(records.map((r) => [r.id, r])))
const run = (command: string | string[]) => execCommand(view, 'netns:node1', command)
const out = (command: string) => run(command).stdout

describe('the shell around the commands', () => {
  it('answers an unknown command as bash does', () => {
    expect(run('frobnicate --all')).toEqual({ stdout: '', stderr: 'bash: frobnicate: command not found\n', exitCode: 127 })
  })
  it('takes a command as words too, as hopscope exec passes them', () => {
    expect(run(['iptables-save', '-t', 'nat']).stdout).toContain(
      '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES\n',
    )
  })
  it('pipes through grep, head, tail, sort and wc', () => {
    expect(out('iptables-save | grep -c KUBE-SVC')).toBe('2\n')
    expect(out("iptables-save | grep '^-A' | head -n 1")).toBe(
      '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES\n',
    )
    expect(out('iptables-save -t nat | grep -v KUBE | grep -E "^(:|-A)" | wc -l')).toBe('1\n')
    expect(run('ip addr | grep nothing').exitCode).toBe(1)
    expect(out('sysctl -a | sort -r | tail -1')).toBe('net.ipv4.conf.all.rp_filter = 1\n')
  })
  it('keeps the streams apart', () => {
    expect(run('conntrack -L')).toEqual({
      stdout: '',
      stderr: 'conntrack v1.4.7 (conntrack-tools): 0 flow entries have been shown.\n',
      exitCode: 0,
    })
    expect(run('conntrack -L 2>/dev/null')).toEqual({ stdout: '', stderr: '', exitCode: 0 })
    expect(out('conntrack -L 2>&1 | grep -o "[0-9]* flow"')).toBe('0 flow\n')
  })
  it('says what is wrong with a line', () => {
    expect(run('ip addr | ').stderr).toBe("bash: syntax error near unexpected token `newline'\n")
    expect(run('iptables-save | grep "KUBE').exitCode).toBe(2)
    expect(run('ip addr; ip route').stderr).not.toBe('')
    expect(run('')).toEqual({ stdout: '', stderr: '', exitCode: 0 })
  })
  it('lists every command for help', () => {
    for (const name of [
      'ip ',
      'bridge ',
      'brctl ',
      'route ',
      'arp ',
      'iptables ',
      'iptables-save ',
      'conntrack ',
      'ss ',
      'sysctl ',
      'ipset ',
      'hostname ',
    ]) {
      expect(out('help')).toContain(`  ${name}`)
    }
  })
})

describe('commands', () => {
  it('changes nothing: a write is refused in the tool’s own words', () => {
    expect(run('ip route add default via 192.168.1.1')).toMatchObject({
      stderr: 'RTNETLINK answers: Operation not permitted\n',
      exitCode: 2,
    })
    expect(run('iptables -A INPUT -j DROP').exitCode).toBe(4)
    expect(run('sysctl -w net.ipv4.ip_forward=0').exitCode).toBe(1)
    expect(run('conntrack -D').exitCode).toBe(1)
  })
  it('prints the kernel’s default of a sysctl that nobody set', () => {
    expect(out('sysctl net.ipv4.conf.eth0.send_redirects net.ipv4.ip_default_ttl')).toBe(
      'net.ipv4.conf.eth0.send_redirects = 1\nnet.ipv4.ip_default_ttl = 64\n',
    )
    expect(run('sysctl net.ipv4.conf.eth7.rp_filter').stderr).toBe(
      'sysctl: cannot stat /proc/sys/net/ipv4/conf/eth7/rp_filter: No such file or directory\n',
    )
    expect(out('cat /proc/sys/net/ipv4/ip_forward')).toBe('1\n')
  })
  it('looks routes up as the kernel does', () => {
    expect(out('ip route get 192.168.1.77')).toBe('192.168.1.77 dev eth0 src 192.168.1.11 uid 0 \n    cache \n')
    expect(run('ip route get 192.0.2.1').stderr).toBe('RTNETLINK answers: Network is unreachable\n')
    expect(run('ip route get 192.168.1.77 from 10.0.0.1 iif eth0').stderr).toBe('RTNETLINK answers: Invalid cross-device link\n')
  })
  it('tells of what an ICMP redirect taught, in iproute2’s words', () => {
    const known = records.map((r): WorldRecord => {
      if (r.kind !== 'route' || r.type !== 'unicast') return r
      const learnt = { address: ipv4(0xc0a8014d), nexthop: 0, gateway: ipv4(0xc0a80102), expires: 300e9 }
      return { ...r, exceptions: [learnt] }
    })
    const learnt = viewOf(new Map<RecordId, WorldRecord>(known.map((r) => [r.id, r])), 0.5e9)
    const say = (command: string) => execCommand(learnt, 'netns:node1', command).stdout
    expect(say('ip route get 192.168.1.77')).toBe(
      '192.168.1.77 via 192.168.1.2 dev eth0 src 192.168.1.11 uid 0 \n    cache <redirected> expires 299sec \n',
    )
    expect(say('ip route show cache')).toBe('192.168.1.77 via 192.168.1.2 dev eth0 \n    cache <redirected> expires 299sec \n')
    expect(say('ip route get 192.168.1.78')).toBe('192.168.1.78 dev eth0 src 192.168.1.11 uid 0 \n    cache \n')
    expect(out('ip route show cache')).toBe('')
    expect(out('sysctl -n net.ipv4.conf.all.accept_redirects net.ipv4.conf.eth0.accept_redirects')).toBe('0\n1\n')
  })
  it('names the host', () => {
    expect(out('hostname')).toBe('node1\n')
    expect(out('hostname -I')).toBe('192.168.1.11 \n')
  })
  it('lists one chain, and says when there is none', () => {
    expect(out('iptables -t nat -nL KUBE-SERVICES --line-numbers')).toBe(
      'Chain KUBE-SERVICES (1 references)\nnum  target     prot opt source               destination         \n1    KUBE-SVC-A  6    --  0.0.0.0/0            10.96.0.1            /* default/web cluster IP */ tcp dpt:80\n',
    )
    expect(run('iptables -t nat -S NOPE')).toMatchObject({
      stderr: 'iptables: No chain/target/match by that name.\n',
      exitCode: 1,
    })
  })
})
