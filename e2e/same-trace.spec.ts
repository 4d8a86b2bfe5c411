import { hopscope } from '../src/cli/program.ts'
import { playOf } from '../src/cluster/play.ts'
import { LIBRARY } from '../src/library/index.ts'
import { encodeLink } from '../src/scenario/link.ts'
import { run } from '../src/sim/run.ts'
import { traceHash } from '../src/trace/hash.ts'
import { expect, type Page, test } from './support/page.ts'

/** What the page's own console answers to `hopscope.traceHash()`. */
const hashOnPage = (page: Page): Promise<string | undefined> =>
  page.evaluate(() => (globalThis as unknown as { hopscope: { traceHash(): Promise<string | undefined> } }).hopscope.traceHash())

const hashInNode = (id: string): string => {
  const entry = LIBRARY.find((e) => e.id === id)
  if (entry === undefined) throw new Error(`no scenario ${id}`)
  const play = playOf(entry.document)
  if (!play.ok) throw new Error(JSON.stringify(play.error))
  return traceHash(run(play.value.world, play.value.journeys, { seed: entry.document.seed, changes: play.value.changes }))
}

test('every scenario gives the same trace in Node and in the browser’s worker, byte for byte', async ({ page, hop }) => {
  const seen = new Set<string>()
  for (const { id, title } of LIBRARY) {
    await page.goto(`./${await encodeLink({ kind: 'library', id })}`)
    await hop.ready()
    await expect(hop.title).toHaveText(title.en)
    const hash = await hashOnPage(page)
    expect(hash, id).toBe(hashInNode(id))
    seen.add(hash ?? '')
  }
  expect(seen.size, 'different scenarios, different traces').toBe(LIBRARY.length)
})

test('the same scenario run again on one page gives the same trace again, another seed another one', async ({ page, hop }) => {
  await hop.open()
  const first = await hashOnPage(page)
  await hop.button('Run').click()
  await expect(hop.button('Undo')).toBeVisible()
  expect(await hashOnPage(page)).toBe(first)
  const entry = LIBRARY.find((e) => e.id === 'pod-to-service-remote')
  await page.goto(`./${await encodeLink({ kind: 'library', id: entry?.id ?? '', changes: { seed: 2 } })}`)
  await expect.poll(() => hashOnPage(page)).not.toBe(first)
})

test('the page’s console and `hopscope exec` print the same, byte for byte, at the same step', async ({ page, hop }) => {
  await hop.open()
  for (const [where, at, command] of [
    ['node1', 58, 'iptables-save -c'],
    ['node1', 120, 'conntrack -L'],
    ['node2', 400, 'conntrack -L'],
    ['pod/client', 400, 'ip neigh'],
    ['node1', 400, 'bridge fdb show'],
    ['pod/web-a', 900, 'ss -tan'],
  ] as const) {
    await hop.seek(at)
    const printed = await hop.console(command, where)
    const said: string[] = []
    const argv = ['exec', 'library:pod-to-service-remote', '--in', where, '--at', String(at), '--', ...command.split(' ')]
    await hopscope(argv, { out: (text) => void said.push(text), error: () => {} })
    const answered = said.join('')
    expect(answered.length, `${command} prints something`).toBeGreaterThan(20)
    expect(
      printed
        .trimEnd()
        .split('\n')
        .filter((l) => !l.startsWith('conntrack v')),
    ).toEqual(answered.trimEnd().split('\n'))
  }
  await expect(page.getByRole('log', { name: 'Console' })).toContainText('KUBE-SERVICES')
})
