import AxeBuilder from '@axe-core/playwright'
import { expect, type Page, TABLES, test } from './support/page.ts'

/** What axe finds, as lines that say where: `color-contrast: .chip (…)`. */
async function violations(page: Page, part?: string): Promise<string[]> {
  const builder = new AxeBuilder({ page })
  const { violations: found } = await (part === undefined ? builder : builder.include(part)).analyze()
  return found.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target.join(' ')} (${n.failureSummary?.split('\n')[1]?.trim()})`))
}

/** Opens the page at the step of the rewrite, as somebody who chose this theme and language before. */
async function openAs(page: Page, preferences: { readonly theme: 'dark' | 'light'; readonly lang: 'en' | 'zh' }): Promise<void> {
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await page.addInitScript((p) => localStorage.setItem('hopscope.preferences', JSON.stringify({ v: 1, ...p })), preferences)
  await page.goto('./')
  await expect(page.locator('.why-text')).not.toBeEmpty()
  await expect(page.locator('html')).toHaveAttribute('data-theme', preferences.theme)
  await page.getByRole('slider').fill('58')
  await expect(page.locator('.inspectors .chain').first()).toBeVisible()
}

// Contrast is a matter of the theme, names are one of the language: each panel is looked at once in either.
for (const preferences of [
  { theme: 'dark', lang: 'en' },
  { theme: 'light', lang: 'zh' },
] as const) {
  test(`axe finds nothing on any panel or dialog, ${preferences.theme}, ${preferences.lang}`, async ({ page }) => {
    test.setTimeout(180_000)
    await openAs(page, preferences)
    expect.soft(await violations(page), 'the page as it opens').toEqual([])
    for (const [i, name] of TABLES.entries()) {
      const tab = page.locator('.inspectors [role=tab]').nth(i)
      await tab.click()
      await expect(tab).toHaveAttribute('aria-selected', 'true')
      await expect(page.locator('.inspectors-body > :not(.empty)').first()).toBeVisible()
      expect.soft(await violations(page, '.inspectors'), name).toEqual([])
    }
    await page.keyboard.press('e')
    await expect(page.locator('.event').first()).toBeVisible()
    expect.soft(await violations(page, '.foot'), 'event list').toEqual([])
    await page.keyboard.press('m')
    await expect(page.locator('.kmap')).toBeVisible()
    await page.locator('.outcome-pill').click()
    await expect(page.locator('.outcome-body')).toBeVisible()
    expect.soft(await violations(page, '.centre'), 'kernel map and outcome').toEqual([])

    const dialog = page.getByRole('dialog')
    for (const [what, open] of [
      ['keys', () => page.keyboard.press('?')],
      ['palette', () => page.keyboard.press('Control+k')],
      ['opener', () => page.locator('.header-actions button').first().click()],
      ['editor', () => page.locator('.header-actions button').nth(1).click()],
    ] as const) {
      await open()
      await expect(dialog).toBeVisible()
      if (what === 'editor') await expect(dialog.locator('.cm-line').first()).toBeVisible()
      expect.soft(await violations(page, 'dialog'), what).toEqual([])
      await page.keyboard.press('Escape')
      await expect(dialog).toBeHidden()
    }
    await page.evaluate(() => {
      location.hash = 'nonsense'
    })
    await expect(page.getByRole('alert')).toBeVisible()
    expect.soft(await violations(page, '.notices'), 'failure').toEqual([])
  })
}

for (const [theme, views] of [
  ['dark', ['Diagram', 'Tables', 'Scenarios']],
  ['light', ['Packet', 'Events', 'Diagram']],
] as const) {
  test(`axe finds nothing on a phone, ${theme}`, async ({ page, hop }) => {
    test.slow()
    await page.setViewportSize({ width: 390, height: 844 })
    await page.emulateMedia({ reducedMotion: 'reduce', colorScheme: theme })
    await hop.open()
    for (const view of views) {
      await hop.phoneView(view)
      expect.soft(await violations(page), view).toEqual([])
    }
  })
}

test('keyboard alone: find and open a scenario, step, change tables, use the palette, share', async ({ page, hop }) => {
  await hop.open()
  await page.keyboard.press('Tab')
  await expect(page.getByRole('link', { name: 'Skip to the diagram' })).toBeFocused()

  await page.keyboard.press('/')
  await expect(page.getByPlaceholder('Find a scenario')).toBeFocused()
  await page.keyboard.type('broken-no-endpoints')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await expect(hop.title).toHaveText('Broken: a Service without endpoints')

  const start = await hop.seq()
  await page.keyboard.press('ArrowRight')
  await expect.poll(() => hop.seq()).toBeGreaterThan(start)
  await page.keyboard.press('ArrowLeft')
  await expect.poll(() => hop.seq()).toBe(start)
  await page.keyboard.press('Shift+ArrowRight')
  const hopped = await hop.seq()
  expect(hopped).toBeGreaterThan(start)
  await page.keyboard.press('.')
  await expect.poll(() => hop.seq()).not.toBe(hopped)
  await page.keyboard.press('End')
  await expect.poll(() => hop.seq()).toBe((await hop.length()) - 1)
  await page.keyboard.press('Home')
  await expect.poll(() => hop.seq()).toBe(-1)
  // On the scenario's button, where the focus still is, the space bar would be the button's.
  await hop.page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur())
  await page.keyboard.press('Space')
  await expect(hop.button('Pause')).toBeVisible()
  await page.keyboard.press('Space')
  await expect(hop.button('Play')).toBeVisible()

  for (const [i, name] of TABLES.entries()) {
    await page.keyboard.press(String((i + 1) % 10))
    await expect(hop.tables.getByRole('tab', { name: new RegExp(`^${name}\\b`) })).toHaveAttribute('aria-selected', 'true')
  }
  await page.keyboard.press('Control+k')
  await expect(page.getByRole('dialog').getByRole('combobox')).toBeFocused()
  await page.keyboard.type('table conntrack')
  await page.keyboard.press('Enter')
  await expect(hop.tables.getByRole('tab', { name: /^conntrack/ })).toHaveAttribute('aria-selected', 'true')
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await page.keyboard.press('?')
  await expect(page.getByRole('dialog', { name: 'Keyboard' })).toContainText('Forward or back one hop')
  await page.keyboard.press('Escape')
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await page.keyboard.press('r')
  await expect(page.getByRole('combobox', { name: 'Command to run' })).toBeFocused()
  await page.keyboard.type('ping -c 1 10.244.1.2')
  await page.keyboard.press('Enter')
  await expect.poll(() => hop.outcome()).toContain('ping -c 1 10.244.1.2')
})

/** Whether the focused element, with what is right around it, looks otherwise once it loses the focus. */
async function looksFocused(page: Page): Promise<boolean> {
  const focused = await page.evaluateHandle(() => document.activeElement as HTMLElement)
  const box = await focused.boundingBox()
  if (box === null) return false
  const clip = { x: Math.max(0, box.x - 8), y: Math.max(0, box.y - 8), width: box.width + 16, height: box.height + 16 }
  const withFocus = await page.screenshot({ clip, animations: 'disabled', caret: 'hide' })
  await focused.evaluate((el) => el.blur())
  const without = await page.screenshot({ clip, animations: 'disabled', caret: 'hide' })
  await focused.evaluate((el) => el.focus())
  return !withFocus.equals(without)
}

test('Tab reaches every control once around, and each shows that it has the focus', async ({ page, hop }) => {
  await hop.open()
  const reached: string[] = []
  const unmarked: string[] = []
  for (let i = 0; i < 160; i++) {
    await page.keyboard.press('Tab')
    const at = await page.evaluate(() => {
      const el = document.activeElement
      if (!(el instanceof HTMLElement) || el === document.body) return undefined
      const name = el.getAttribute('aria-label') ?? el.getAttribute('title') ?? el.textContent?.trim().slice(0, 40) ?? ''
      // Radio buttons lie unseen under their words; the mark is on these.
      const shown = [el, el.nextElementSibling, el.parentElement, el.parentElement?.parentElement].flatMap((e) =>
        e ? [getComputedStyle(e)] : [],
      )
      const marked = shown.some(
        (s) => (s.outlineStyle !== 'none' && Number.parseFloat(s.outlineWidth) > 0) || s.boxShadow !== 'none',
      )
      return { name: `${el.getAttribute('role') ?? el.tagName.toLowerCase()} ${name}`, marked }
    })
    if (at === undefined) break
    reached.push(at.name)
    if (!at.marked && !(await looksFocused(page))) unmarked.push(at.name)
  }
  expect(unmarked, 'a focus that cannot be seen').toEqual([])
  expect(reached.length, 'the way round ends').toBeLessThan(160)
  for (const wanted of [
    /Skip to the diagram/,
    /Where the command runs/,
    /button Run/,
    /Open a cluster/,
    /Edit cluster/,
    /Share link/,
    /Find a scenario/,
    /button Play|button .*Play/,
    /Position in the run/,
    /Zoom in/,
    /node1|client|fabric/,
    /^tab /,
    /Namespace/,
    /Filter|Walked here|input/,
  ]) {
    expect(
      reached.some((r) => wanted.test(r)),
      `Tab reaches ${wanted}`,
    ).toBe(true)
  }
})

test('the diagram is walked with the arrow keys, box to box', async ({ page, hop }) => {
  await hop.open()
  const drawing = page.getByRole('region', { name: 'Network of the cluster' })
  await drawing.locator('.stg-hit[tabindex="0"]').focus()
  await page.keyboard.press('Tab')
  await page.keyboard.press('Shift+Tab')
  const at = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? '')
  const seen = new Set([await at()])
  const seq = await hop.seq()
  for (const key of ['ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowRight', 'ArrowRight', 'ArrowUp']) {
    const before = await at()
    await page.keyboard.press(key)
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))
    seen.add((await at()) || before)
  }
  expect(seen.size).toBeGreaterThan(3)
  expect(await hop.seq(), 'arrows on the diagram do not move the playhead').toBe(seq)
})

test.describe('motion', () => {
  /** How many places the packet was drawn at between one step and the rest after it. */
  const framesOfAStep = async (page: Page): Promise<number> => {
    const places = page.evaluate(async () => {
      const seen = new Set<string>()
      const until = performance.now() + 700
      while (performance.now() < until) {
        seen.add(document.querySelector('.stg-mover')?.getAttribute('transform') ?? '')
        await new Promise((done) => requestAnimationFrame(done))
      }
      return seen.size
    })
    await page.keyboard.press('Shift+ArrowRight')
    return places
  }

  test('a packet glides from hop to hop', async ({ page, hop }) => {
    await page.emulateMedia({ reducedMotion: 'no-preference' })
    await hop.open()
    // Where it was, where it is, and at least one place between: how many more is a matter of the machine's frame rate, and a busy
    // one may draw the end at once. Without a glide no try shows a place between.
    await expect(async () => {
      await hop.seek(44)
      expect(await framesOfAStep(page)).toBeGreaterThan(2)
    }).toPass({ timeout: 15_000 })
  })

  test('where less motion is wished, it is there at once and nothing animates', async ({ page, hop }) => {
    await page.emulateMedia({ reducedMotion: 'reduce' })
    await hop.open()
    await hop.seek(44)
    expect(await framesOfAStep(page), 'where it was, and where it is').toBeLessThanOrEqual(2)
    await hop.button('Play').click()
    const animating = () =>
      page.evaluate(() =>
        document
          .getAnimations()
          .flatMap((a) => (Number(a.effect?.getTiming().duration) > 1 ? [JSON.stringify(a.effect?.getTiming())] : [])),
      )
    expect(await animating()).toEqual([])
    await expect.poll(() => hop.seq(), 'playing still goes on, in leaps').toBeGreaterThan(60)
  })
})

test('a screen reader is told what the page is, what happened, and where the packet is', async ({ page, hop }) => {
  await hop.open()
  await expect(page.getByRole('banner')).toBeVisible()
  await expect(page.getByRole('main')).toHaveCount(1)
  await expect(page.getByRole('heading', { level: 1 })).toHaveCount(1)
  await expect(page.getByRole('form', { name: 'Run a command' })).toBeVisible()
  await expect(page.getByRole('toolbar', { name: 'Timeline' })).toBeVisible()
  await expect(page.getByRole('tablist', { name: 'Tables' })).toBeVisible()
  await hop.goTo('rule KUBE-SEP DNAT')
  await expect(hop.scrubber).toHaveAttribute('aria-valuetext', /^Step \d+ of \d+, [\d.]+ .s$/)
  await expect(hop.why.locator('[aria-live=polite]')).toContainText('Service default/web')
  const spoken = page.getByRole('region', { name: 'Network of the cluster' }).locator('p[aria-live]')
  await expect(spoken).toContainText(/TCP 10\.244\.1\.2:\d+ > 10\.96\.0\.10:80.*PREROUTING/)
  const nodes = page.getByRole('region', { name: 'Machines, pods and devices' })
  await expect(
    nodes
      .getByRole('listitem')
      .filter({ hasText: /^node1/ })
      .getByRole('button', { name: /cbr0/ })
      .first(),
  ).toBeAttached()
})
