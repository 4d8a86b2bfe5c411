import { decodeLink, encodeLink } from '../src/scenario/link.ts'
import { expect, Hopscope, type Page, test, textOf } from './support/page.ts'

/** What the address says is open, steps counted from 1: `pod-to-internet at 10`. It is written a moment after the page has changed. */
const saidByAddress = async (page: Page): Promise<string> => {
  const link = await decodeLink(new URL(page.url()).hash)
  return link.ok && link.value.kind === 'library' ? `${link.value.id} at ${link.value.view?.at}` : 'nothing'
}

test.use({ permissions: ['clipboard-read', 'clipboard-write'] })

test('a shared link opens in another browser at the same step, packet, table, view and language', async ({
  browser,
  page,
  hop,
}) => {
  await hop.open()
  await hop.pick('A Service picks a backend for each connection')
  await hop
    .button(/^SYN ACK/)
    .first()
    .click()
  await hop.goTo('conntrack update SYN_RECV')
  await hop.table('conntrack')
  await page.keyboard.press('m')
  await hop.button('Language: English').click()
  await expect(page.getByRole('button', { name: '播放', exact: true })).toBeVisible()
  const here = {
    seq: await hop.seq(),
    sentence: await textOf(page.locator('.why-text')),
    packet: await textOf(page.locator('.packet h2')),
    title: await textOf(hop.title),
  }
  await page.getByRole('button', { name: '分享链接' }).click()
  await expect(page.getByText('链接已复制')).toBeVisible()
  const link = await page.evaluate(() => navigator.clipboard.readText())
  expect(link).toMatch(/#s1\.[\w-]+$/)
  expect(link.length, 'a built-in scenario is its id and what is shown of it').toBeLessThan(400)

  const elsewhere = await browser.newContext({ locale: 'en-GB' })
  const other = await elsewhere.newPage()
  await other.goto(link)
  await expect(other.locator('html')).toHaveAttribute('lang', 'zh-CN')
  await expect(other.getByRole('heading', { level: 1 })).toHaveText(here.title)
  await expect(other.getByRole('slider')).toHaveValue(String(here.seq))
  await expect(other.locator('.why-text')).toHaveText(here.sentence)
  await expect(other.locator('.packet h2')).toHaveText(here.packet)
  await expect(other.getByRole('tab', { name: /^conntrack/ })).toHaveAttribute('aria-selected', 'true')
  await expect(other.getByRole('radio', { name: /^内核/ })).toBeChecked()
  await expect(other.locator('.strip [aria-pressed="true"]')).toHaveCount(1)
  await elsewhere.close()
})

test('a link carries a changed cluster and a command of one’s own', async ({ browser, page, hop }) => {
  await hop.open()
  await hop.run('node2', 'ping -c 1 10.244.1.2')
  await expect(hop.why.locator('.outcome-pill')).toContainText('answered')
  await expect.poll(() => hop.outcome()).toContain('1 packets transmitted, 1 received')
  const length = await hop.length()
  await hop.button('Share link').click()
  await expect(page.getByText('Link copied')).toBeVisible()
  const link = await page.evaluate(() => navigator.clipboard.readText())

  const elsewhere = await browser.newContext()
  const other = new Hopscope(await elsewhere.newPage())
  await other.page.goto(link)
  await other.ready()
  expect(await other.outcome()).toContain('$ ping -c 1 10.244.1.2')
  expect(await other.length()).toBe(length)
  await expect(other.title).toHaveText('Pod to Service, backend on another node')
  await elsewhere.close()
})

test('where the clipboard is refused, the link is in the address bar and the button says so', async ({ context, page, hop }) => {
  await context.clearPermissions()
  await page.addInitScript(() => {
    Object.defineProperty(navigator.clipboard, 'writeText', { value: () => Promise.reject(new Error('refused')) })
  })
  await hop.open()
  await hop.seek(100)
  await hop.button('Share link').click()
  await expect(page.getByText('Copy the link from the address bar')).toBeVisible()
  await page.reload()
  await hop.ready()
  await expect(hop.scrubber).toHaveValue('100')
})

test('back and forward go through what was opened, not through every step', async ({ page, hop }) => {
  await hop.open()
  const flagship = await textOf(hop.title)
  await hop.pick('Pod to the Internet')
  for (let i = 0; i < 5; i++) await page.keyboard.press('ArrowRight')
  const seq = await hop.seq()
  await expect.poll(() => saidByAddress(page)).toBe(`pod-to-internet at ${seq + 1}`)
  await hop.pick('Broken: a Service without endpoints')
  await expect.poll(() => saidByAddress(page)).toMatch(/^broken-no-endpoints/)
  await page.goBack()
  await expect(hop.title).toHaveText('Pod to the Internet')
  await expect(hop.scrubber).toHaveValue(String(seq))
  await page.goBack()
  await expect(hop.title).toHaveText(flagship)
  await page.goForward()
  await expect(hop.title).toHaveText('Pod to the Internet')
  await page.goForward()
  await expect(hop.title).toHaveText('Broken: a Service without endpoints')
})

test('undo and redo go through commands that were run', async ({ page, hop }) => {
  await hop.open()
  await hop.run('pod/client', 'ping -c 1 10.244.2.2')
  await expect.poll(() => hop.outcome()).toContain('1 received')
  await page.locator('body').press('Control+z')
  await expect.poll(() => hop.outcome()).toContain('$ curl http://10.96.0.10/')
  await page.locator('body').press('Control+Shift+Z')
  await expect.poll(() => hop.outcome()).toContain('$ ping -c 1 10.244.2.2')
})

test.describe('links that cannot be opened', () => {
  const good = encodeLink({ kind: 'library', id: 'pod-to-internet', view: { step: 4 } })
  const bad: readonly { readonly name: string; readonly link: () => Promise<string>; readonly says: RegExp }[] = [
    { name: 'malformed', link: async () => '#nonsense', says: /not a link that Hopscope made/ },
    { name: 'malformed in its payload', link: async () => '#s1.@@@@', says: /not a link that Hopscope made.*base64url/ },
    { name: 'truncated', link: async () => (await good).slice(0, -9), says: /incomplete.*Copy the whole link once more/ },
    { name: 'from a newer version', link: async () => (await good).replace('#s1.', '#s9.'), says: /newer Hopscope \(s9\)/ },
    {
      name: 'to a scenario that there is not',
      link: () => encodeLink({ kind: 'library', id: 'no-such-scenario' }),
      says: /no built-in scenario no-such-scenario/,
    },
  ]
  for (const { name, link, says } of bad) {
    test(`${name}: says so, and opens the flagship instead of nothing`, async ({ page, hop }) => {
      await hop.open(await link())
      await expect(hop.failure).toContainText('This link could not be opened')
      await expect(hop.failure).toContainText(says)
      await expect(hop.title).toHaveText('Pod to Service, backend on another node')
      await hop.button('Dismiss').click()
      await expect(hop.failure).toBeHidden()

      await hop.pick('Pod to the Internet')
      await hop.seek(40)
      await page.evaluate(
        (hash) => {
          location.hash = hash
        },
        await link(),
      )
      await expect(hop.failure).toContainText(says)
      await expect(hop.failure).toContainText('What was open is still here.')
      await expect(hop.title).toHaveText('Pod to the Internet')
      await expect(hop.scrubber).toHaveValue('40')
    })
  }
})
