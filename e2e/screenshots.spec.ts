import { join } from 'node:path'
import { expect, type Hopscope, type Page, test } from './support/page.ts'

// Pictures to look at, of what a person meets first: written to test-results/screenshots on every run. With
// HOPSCOPE_SCREENSHOT=1 the README's picture, public/screenshot.png, is taken anew as well.

const SHOTS = join(import.meta.dirname, '../test-results/screenshots')
const SIZES = [
  { name: '1440', width: 1440, height: 900 },
  { name: '1024', width: 1024, height: 768 },
  { name: '390', width: 390, height: 844 },
] as const

/** Nothing may stick out of the window sideways: on a phone that is the first thing to break. */
async function fits(page: Page): Promise<void> {
  const { wide, room } = await page.evaluate(() => ({ wide: document.documentElement.scrollWidth, room: innerWidth }))
  expect(wide, 'the page is no wider than its window').toBeLessThanOrEqual(room)
}

/** The step at which kube-proxy's rule rewrites the destination: the best picture of what this page is for. */
async function toTheRewrite(hop: Hopscope): Promise<void> {
  await hop.seek(58)
  await expect(hop.sentence).not.toBeEmpty()
  await expect(hop.page.getByText('Loading…')).toBeHidden()
  await hop.page.evaluate(() => document.fonts.ready)
}

test.use({ contextOptions: { reducedMotion: 'reduce' } })

for (const colorScheme of ['dark', 'light'] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme })

    for (const { name, width, height } of SIZES) {
      test(`pictures at ${width}×${height}, ${colorScheme}`, async ({ page, hop }) => {
        await page.setViewportSize({ width, height })
        await hop.open()
        await toTheRewrite(hop)
        const shot = async (what: string) => {
          await fits(page)
          await page.screenshot({ path: join(SHOTS, `${name}-${colorScheme}-${what}.png`) })
        }
        await shot('diagram')
        if (name === '390') {
          for (const view of ['Packet', 'Tables', 'Events', 'Scenarios']) {
            await hop.phoneView(view)
            await shot(view.toLowerCase())
          }
          return
        }
        await page.keyboard.press('m')
        await expect(page.getByRole('region', { name: /^Kernel map|^Packet flow/ })).toBeVisible()
        await shot('kernel-map')
        await page.keyboard.press('m')
        await expect((await hop.table('conntrack')).getByRole('listitem').first()).toBeVisible()
        await shot('conntrack')
      })
    }
  })
}
