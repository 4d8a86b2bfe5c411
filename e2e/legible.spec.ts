import { encodeLink } from '../src/scenario/link.ts'
import { expect, type Page, test } from './support/page.ts'

// What the layout promises (src/diagram/legible.test.ts), on the page itself: with its fonts, in the room that it leaves.

/** CSS pixels of the smallest text on the stage. */
const smallestText = (page: Page): Promise<number> =>
  page.evaluate(() => {
    const world = document.querySelector('.stg-svg > g')
    const scale = Number(/scale\(([\d.]+)\)/.exec(world?.getAttribute('transform') ?? '')?.[1] ?? 0)
    const sizes = [...document.querySelectorAll('.stg-svg text')].map((t) => Number.parseFloat(getComputedStyle(t).fontSize))
    return Math.min(...sizes) * scale
  })

/** Where every box of the stage is, in the coordinates of the drawing. */
const places = (page: Page): Promise<string[]> =>
  page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>('.stg-hit[data-box]')]
      .map((b) => `${b.dataset.box} ${b.style.left} ${b.style.top} ${b.style.width} ${b.style.height}`)
      .sort(),
  )

const ROOMS = [
  { width: 1440, height: 900, least: 9.9 },
  { width: 1024, height: 768, least: 8.9 },
]

for (const { width, height, least } of ROOMS) {
  test.describe(`at ${width}×${height}`, () => {
    test.use({ viewport: { width, height } })
    for (const id of ['pod-to-service-remote', 'service-ipvs', 'dns-conntrack-race', 'load-balancer', 'other-cluster']) {
      test(`${id} is readable, and stays where it is while one seeks`, async ({ page, hop }) => {
        await hop.open(await encodeLink({ kind: 'library', id, view: { at: 41 } }))
        await expect.poll(() => smallestText(page)).toBeGreaterThanOrEqual(least)
        // What the pointer hits comes after the first frame.
        await expect.poll(async () => (await places(page)).length).toBeGreaterThan(20)
        const before = await places(page)
        for (const seq of [0, 300, 900, 40]) {
          await hop.seek(seq)
          expect(await smallestText(page)).toBeGreaterThanOrEqual(least)
        }
        expect(await places(page)).toEqual(before)
      })
    }

    test('the camera’s buttons cover nothing of the drawing', async ({ page, hop }) => {
      await hop.open(await encodeLink({ kind: 'library', id: 'load-balancer' }))
      const tools = await page.getByRole('toolbar', { name: 'View of the diagram' }).boundingBox()
      const drawing = await page.locator('.stg-surface').boundingBox()
      expect(tools).not.toBeNull()
      expect((tools?.y ?? 0) + (tools?.height ?? 0)).toBeLessThanOrEqual(drawing?.y ?? 0)
    })
  })
}
