import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { journeyCommand } from './programs.ts'
import { labScript } from './script.ts'
import { SCENARIO_IDS, scenarioRun } from './testing/scenarios.ts'

const scriptOf = (id: string): string => {
  const s = scenarioRun(id)
  return labScript(s.world, s.journeys, { title: s.title, trace: s.trace })
}
const bash = spawnSync('bash', ['--version']).status === 0

describe('the lab script', () => {
  it.runIf(bash).each([...SCENARIO_IDS])('%s is a script that bash understands', (id) => {
    const checked = spawnSync('bash', ['-n'], { input: scriptOf(id), encoding: 'utf8' })
    expect(checked.stderr).toBe('')
  })

  it('is the same for the same input', () => {
    expect(scriptOf('pod-to-service-remote')).toBe(scriptOf('pod-to-service-remote'))
  })

  it('gives namespaces the engine’s own devices, addresses, routes and sysctls', () => {
    const script = scriptOf('pod-to-pod-host-routes')
    expect(script).toContain('link add eth0 address 0a:58:0a:f4:01:02 mtu 1500 type veth peer name veth')
    expect(script).toContain('addr add 10.244.1.1/24 brd 10.244.1.255 dev cbr0 scope global')
    expect(script).toContain('route add 10.244.2.0/24 via 192.168.1.12 dev eth0 proto boot scope global')
    expect(script).toMatch(/^sysctls node1 .*net\.ipv4\.ip_forward=1/m)
  })

  it('runs the engine’s draws instead of the kernel’s own', () => {
    const script = scriptOf('service-picks-backends')
    expect(script).not.toContain('--probability 0.5')
    expect(script).toMatch(/-m u32 --u32 "?0x0>>0x16&0x3c@0x0>>0x10=0x[0-9a-f]+/)
  })

  it('holds the first packet of a flow where the document interrupts a CPU, and drops the loser of a clash for an older kernel', () => {
    const script = scriptOf('dns-conntrack-race')
    expect(script).toMatch(/^hold node1 53 30 first$/m)
    expect(script).toMatch(/^hold node2 53 30 both$/m)
    // The two questions of one flow are told apart by what they ask, for nobody can choose a resolver's port.
    expect(script).toMatch(/-m string --hex-string "?\|03776562\w*00(1c|01)0001\|"? --algo bm -j KUBE-SEP/)
    expect(script).not.toContain('kernel.osrelease')
    expect(scriptOf('dns-silent')).not.toMatch(/^hold /m)
  })

  it('touches nothing outside the namespaces that it makes', () => {
    const body = scriptOf('pod-to-internet')
    for (const line of body.split('\n')) {
      // Every tool that changes the network stands behind -n or `ip netns`.
      if (/^\s*(ip|bridge) /.test(line)) expect(line).toMatch(/^\s*(ip|bridge) (-n|netns|-V) /)
      expect(line).not.toMatch(/^\s*(sysctl|iptables|nft|conntrack|ethtool|ipset) /)
    }
  })
})

describe('a journey’s command', () => {
  const pins = { ports: [40001], echoIds: [3], seconds: 1 }

  it('takes the engine’s source port and echo identifier', () => {
    expect(journeyCommand('curl http://192.0.2.1/', pins)).toContain('--local-port 40001')
    expect(journeyCommand('echo "a b" | nc -u 192.0.2.1 7', pins)).toBe("echo 'a b' | nc -p 40001 -u 192.0.2.1 7")
    expect(journeyCommand('ping -c 1 192.0.2.1', pins)).toBe('ping -e 3 -c 1 192.0.2.1')
  })

  it('leaves alone what the user chose', () => {
    expect(journeyCommand('nc -p 9 192.0.2.1 7', pins)).toBe('nc -p 9 192.0.2.1 7')
    expect(journeyCommand('nc -l 8080', pins)).toBe('nc -l 8080')
    expect(journeyCommand('curl --local-port 9 http://192.0.2.1/', pins)).not.toContain('40001')
  })
})
