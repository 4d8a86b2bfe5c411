import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { playOf } from '../src/cluster/play.ts'
import { podToServiceRemote } from '../src/library/pod-to-service-remote.ts'
import { encodeLink } from '../src/scenario/link.ts'
import { run } from '../src/sim/run.ts'
import { TraceReader } from '../src/trace/reader.ts'
import { stepText } from '../src/trace/step-text.ts'
import { expect, type Hopscope, type Page, test } from './support/page.ts'

// Pictures to look at, of what a person meets first: written to test-results/screenshots on every run. With
// HOPSCOPE_SCREENSHOT=1 the README's picture, public/screenshot.webp, is taken anew as well.

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

/** The step at which kube-proxy's rule has rewritten the destination: the best picture of what this page is for. */
function rewriteOf({ document }: typeof podToServiceRemote): number {
  const play = playOf(document)
  if (!play.ok) throw new Error(JSON.stringify(play.error))
  const reader = new TraceReader(run(play.value.world, play.value.journeys, { seed: document.seed, changes: play.value.changes }))
  for (let seq = 0; seq < reader.length; seq++) if (stepText(reader, seq).startsWith('rewrite l4.dport 80')) return seq
  throw new Error('the flagship rewrites no port')
}

async function toTheRewrite(hop: Hopscope): Promise<void> {
  await hop.open(await encodeLink({ kind: 'library', id: podToServiceRemote.id, view: { step: rewriteOf(podToServiceRemote) } }))
  await expect(hop.sentence).toContainText('10.244.2.2:8080')
  await expect(hop.page.getByText('Loading…')).toBeHidden()
  await hop.page.evaluate(() => document.fonts.ready)
}

/** A third of the PNG's size with the same sharp letters. Encoded on an empty page: the app's own security policy forbids this. */
async function webp(page: Page, png: Buffer): Promise<Buffer> {
  const blank = await page.context().newPage()
  const encoded = await blank.evaluate(async (base64) => {
    const image = new Image()
    image.src = `data:image/png;base64,${base64}`
    await image.decode()
    const canvas = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height })
    canvas.getContext('2d')?.drawImage(image, 0, 0)
    return canvas.toDataURL('image/webp', 0.84).split(',')[1] ?? ''
  }, png.toString('base64'))
  await blank.close()
  return Buffer.from(encoded, 'base64')
}

test.use({ contextOptions: { reducedMotion: 'reduce' } })

for (const colorScheme of ['dark', 'light'] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme })

    for (const { name, width, height } of SIZES) {
      test(`pictures at ${width}×${height}, ${colorScheme}`, async ({ page, hop }) => {
        await page.setViewportSize({ width, height })
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

test('the picture of the README', async ({ page, hop }) => {
  await page.emulateMedia({ colorScheme: 'dark' })
  await toTheRewrite(hop)
  const picture = await webp(page, await page.screenshot())
  expect(picture.length).toBeLessThan(200_000)
  const place = process.env.HOPSCOPE_SCREENSHOT === undefined ? SHOTS : join(import.meta.dirname, '../public')
  mkdirSync(place, { recursive: true })
  writeFileSync(join(place, 'screenshot.webp'), picture)
})
