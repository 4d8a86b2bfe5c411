import { describe, expect, it } from 'vitest'
import { built, documentOf, node, pod } from '../cluster/testing.ts'
import { play } from '../sim/testing/play.ts'
import { execCommand } from './exec.ts'

const NFT = `table ip t {
  set ports { type inet_service; elements = { 443, 80 } }
  map m { type ipv4_addr : verdict; elements = { 10.0.0.1 : accept } }
  chain forward { type filter hook forward priority 0; ip protocol icmp counter; }
}
table inet u { chain c { accept; } }
`
const world = built(
  documentOf(
    [
      node('node1', '10.244.1.0/24', '192.168.1.11'),
      node('node2', '10.244.2.0/24', '192.168.1.12'),
      pod('client', 'node1', { podIP: '10.244.1.2' }),
      pod('web', 'node2', { podIP: '10.244.2.2' }),
    ],
    { overrides: { node1: { nft: NFT } } },
  ),
)
const { end } = play(world, ['pod/client', 'ping -c 2 10.244.2.2'])
const nft = (command: string) => execCommand(end, 'netns:node1', `nft ${command}`)

describe('nft in the console', () => {
  it('lists rules with what they have counted, and without when it is not asked for', () => {
    expect(nft('list chain ip t forward').stdout).toBe(`table ip t {
	chain forward {
		type filter hook forward priority filter; policy accept;
		ip protocol icmp counter packets 4 bytes 336
	}
}
`)
    expect(nft('-s list chain t forward').stdout).toContain('ip protocol icmp counter\n')
  })

  it('lists tables, one table, sets, maps and handles', () => {
    expect(nft('list tables').stdout).toBe('table ip t\ntable inet u\n')
    expect(nft('list table inet u').stdout).toBe('table inet u {\n\tchain c {\n\t\taccept\n\t}\n}\n')
    expect(nft('list set t ports').stdout).toContain('elements = { 80, 443 }')
    expect(nft('-t list set t ports').stdout).not.toContain('elements')
    expect(nft('list map ip t m').stdout).toContain('10.0.0.1 : accept')
    expect(nft('list maps').stdout).toContain('map m {')
    expect(nft('-a list ruleset ip').stdout).toMatch(/^table ip t \{ # handle 1\n/)
    expect(nft('-a list ruleset ip').stdout).not.toContain('table inet')
  })

  it('says what nft says to what is not there, and to writing', () => {
    expect(nft('list table ip nothing').stderr).toMatch(/^Error: No such file or directory/)
    expect(nft('list set t m').exitCode).toBe(1)
    expect(nft('flush ruleset').stderr).toMatch(/Operation not permitted/)
    expect(nft('show').stderr).toMatch(/^Error: syntax error/)
    expect(execCommand(end, 'netns:pod/client', 'nft list ruleset')).toEqual({ stdout: '', stderr: '', exitCode: 0 })
  })
})
