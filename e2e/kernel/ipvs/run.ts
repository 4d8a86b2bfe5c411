import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { IPVS_RECORDING, ipvsFeed } from '../../../src/lab/testing/ipvs.ts'

const SECONDS = 400
const SECTIONS = [
  ...['versions', 'feed', 'others', 'ipvsadm', 'ipvsadm-others', 'curl', 'connections', 'ip-addr', 'ip-route-local'],
  ...['ipset-list', 'ipset-save', 'iptables-save', 'conntrack'],
]

/** Runs lab.sh in QEMU and writes what the tools printed to recording.txt. Answers with why it could not, '' when it did. */
export function recordIpvs(qemuRun: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'hopscope-ipvs-'))
  try {
    const out = join(folder, 'out')
    mkdirSync(out)
    writeFileSync(join(folder, 'feed.txt'), ipvsFeed())
    copyFileSync(join(import.meta.dirname, 'lab.sh'), join(folder, 'lab.sh'))
    const args = ['-q', '-t', String(SECONDS), '-a', 'ipv6.disable=1', join(folder, 'lab.sh'), out]
    const ran = spawnSync(qemuRun, args, { encoding: 'utf8', timeout: (SECONDS + 60) * 1000 })
    if (ran.status !== 0) return ran.stderr.trim().split('\n').at(-1) || `status ${ran.status}`
    writeFileSync(join(out, 'feed.txt'), ipvsFeed())
    const sections = SECTIONS.map((s) => `### ${s}\n${readFileSync(join(out, `${s}.txt`), 'utf8')}`)
    writeFileSync(IPVS_RECORDING, sections.join(''))
    return ''
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
