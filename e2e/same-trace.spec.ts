import { buildWorld } from '../src/cluster/build.ts'
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
  const world = buildWorld(entry.document)
  if (!world.ok) throw new Error(JSON.stringify(world.error))
  return traceHash(run(world.value, entry.document.journeys, { seed: entry.document.seed }))
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
