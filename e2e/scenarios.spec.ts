import { playOf } from '../src/cluster/play.ts'
import { LIBRARY } from '../src/library/index.ts'
import type { ScenarioDocument } from '../src/scenario/document.ts'
import { encodeLink } from '../src/scenario/link.ts'
import { run } from '../src/sim/run.ts'
import { ENDS } from './support/ends.ts'
import { expect, test } from './support/page.ts'

test('of each scenario it is told how it ends', () => {
  expect(LIBRARY.map((e) => e.id).sort()).toEqual(Object.keys(ENDS).sort())
})

/** The first step of each command: the page's worker and this process run the same engine. */
function startsOf(document: ScenarioDocument): readonly number[] {
  const play = playOf(document)
  if (!play.ok) throw new Error(play.error.map((e) => e.message).join('; '))
  const { world, journeys, changes } = play.value
  return run(world, journeys, { seed: document.seed, changes }).journeys.map((j) => j.first)
}

for (const entry of LIBRARY) {
  test(`${entry.id}: opens from the list, plays to its end, ends as it should`, async ({ page, hop }) => {
    // From another one: picked while it is open, it would open again under the test's hands.
    await hop.open(
      await encodeLink({ kind: 'library', id: entry.id === 'two-containers' ? 'pod-to-internet' : 'two-containers' }),
    )
    await hop.pick(entry.title.en)
    await expect(page.getByRole('navigation', { name: 'Scenarios' })).toContainText(entry.intro.en.split('\n')[0] ?? '')
    const length = await hop.length()
    await hop.seek(Math.max(-1, length - 24))
    await page.getByRole('combobox', { name: 'Speed' }).selectOption({ label: '8×' })
    await hop.button('Play').click()
    await expect(hop.button('Play')).toBeVisible({ timeout: 10_000 })
    expect(await hop.seq()).toBeGreaterThanOrEqual(length - 2)
    const journeys = page.locator('.strip-journey')
    const ends = ENDS[entry.id] ?? []
    if (ends.length > 1) await expect(journeys.first()).toBeAttached()
    expect(entry.document.journeys).toHaveLength(ends.length)
    const starts = startsOf(entry.document)
    for (const [i, end] of ends.entries()) {
      if (ends.length > 1) await hop.seek(starts[i] ?? -1)
      await expect(hop.why.locator('.outcome-pill')).toContainText(end.pill)
      expect(await hop.outcome()).toMatch(end.says)
    }
    if (entry.id.startsWith('broken')) {
      const there = hop.why.getByTitle('Go to the step that decided it')
      await there.click()
      await expect(there).toBeHidden()
      await expect(hop.why).toContainText('This step decided it')
      await expect(hop.sentence).toContainText(/drop|not forward|refuse|reset/i)
    }
  })
}

test('the list is searched in either language, and says when nothing matches', async ({ page, hop }) => {
  await hop.open()
  const list = page.getByRole('navigation', { name: 'Scenarios' })
  const find = list.getByRole('searchbox', { name: 'Find a scenario' })
  const buttons = list.locator('.scenario-groups li').getByRole('button')
  await expect(buttons).toHaveCount(LIBRARY.length)
  await page.keyboard.press('/')
  await expect(find).toBeFocused()
  await find.fill('pod-to-internet')
  await expect(buttons).toHaveCount(1)
  await expect(buttons).toContainText('Pod to the Internet')
  await find.fill('masquerade')
  await expect(buttons.filter({ hasText: 'Pod to the Internet' })).toHaveCount(1)
  expect(await buttons.count()).toBeLessThan(LIBRARY.length / 2)
  await find.fill('互联网网关')
  await expect(buttons).toHaveCount(1)
  await find.fill('no such scenario')
  await expect(list).toContainText('No scenario matches')
  await find.press('Escape')
  await expect(buttons).toHaveCount(LIBRARY.length)
  await find.press('ArrowDown')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await expect(hop.title).toHaveText('Pod to pod on the same node')
})

// Names of tools, fields, protocols and people's own things are the same in every language; sentences are not.
const TERMS = new Set(
  (
    'hopscope pod pods node nodes web client shell curl http https ping nc start connect send receive exit icmp tcp udp arp syn ack fin psh rst ' +
    'seq mss sackok ts val ecr wscale win window flags ttl src dst sport dport id len proto eth ip ipv4 ethernet mac ns us ms ' +
    'fabric gateway internet stack root netns routing prerouting forward postrouting input output nat filter raw mangle security ' +
    'iptables conntrack sysctl fdb neigh service services kube proxy cbr br lo veth dnat snat masquerade return accept drop reject ' +
    'policy mark statistic mode random probability addrtype type local comment default cluster portal portals kubernetes ' +
    'ctrl space shift home end esc enter en option timestamps permitted nop hop step rule broken off timeout dev via default ' +
    'process httpd registry images agnhost test tests unreplied assured established sent recv synsent new related invalid untracked ' +
    'osi ctstate dports multiport match endpoint endpoints slice get hostname remoteaddr request host user agent accept reply no'
  ).split(' '),
)

test('Chinese everywhere: no English sentence is left in the page', async ({ page, hop }) => {
  await hop.open()
  await hop.goTo('rewrite l4.dport 80')
  await hop.button('Language: English').click()
  await expect(page.locator('html')).toHaveAttribute('lang', 'zh-CN')
  await expect(page.getByRole('button', { name: '播放', exact: true })).toBeVisible()
  await expect(hop.title).toHaveText('Pod 到 Service，后端在另一节点')

  /** Runs of three and more English words that are no terms, in what is seen, spoken or shown on hovering. */
  const leftovers = async (): Promise<string[]> => {
    const texts = await page.evaluate(() => {
      const out: string[] = []
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
      for (let n = walker.nextNode(); n !== null; n = walker.nextNode()) {
        const parent = n.parentElement
        // What tools print and what people wrote is theirs.
        if (
          parent === null ||
          parent.closest(
            'script, noscript, style, pre, .mono, .rule, .console-quick, .event-what, .chain, .manifest, .cm-content',
          )
        )
          continue
        out.push(n.nodeValue ?? '')
      }
      for (const el of document.querySelectorAll('[aria-label], [title], [placeholder], [aria-valuetext]')) {
        // Header fields keep the names of their RFCs; the language button speaks the language it leads to.
        if (el.closest('.rule, .chain, .console-quick, tr, .ref, .packet, .lang-btn')) continue
        for (const name of ['aria-label', 'title', 'placeholder', 'aria-valuetext']) out.push(el.getAttribute(name) ?? '')
      }
      return out
    })
    return texts.filter((t) => {
      const words = t.replace(/KUBE-[A-Z0-9-]+/g, '').match(/[A-Za-z]{2,}/g) ?? []
      return words.filter((w) => !TERMS.has(w.toLowerCase())).length >= 2 && !/[\u4e00-\u9fff]/.test(t)
    })
  }
  expect(await leftovers()).toEqual([])
  for (const key of ['1', '2', '3', '5', '6', '7', '8', '9', 'm', 'e', '?']) {
    await page.keyboard.press(key)
    expect(await leftovers(), `after pressing ${key}`).toEqual([])
  }
  await expect(page.getByRole('dialog')).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(page.getByRole('dialog')).toBeHidden()
  for (const dialog of ['打开集群', '编辑集群']) {
    await page.getByRole('button', { name: dialog, exact: true }).click()
    await expect(page.getByRole('dialog')).toBeVisible()
    expect(await leftovers(), dialog).toEqual([])
    await page.keyboard.press('Escape')
    await expect(page.getByRole('dialog')).toBeHidden()
  }
  await page.getByRole('button', { name: /简体中文/ }).click()
  await expect(hop.button('Play')).toBeVisible()
})

test('the sentences of every broken scenario are there in Chinese too', async ({ page, hop }) => {
  await hop.open()
  await hop.button('Language: English').click()
  const list = page.getByRole('navigation', { name: '场景' })
  for (const entry of LIBRARY.filter((e) => e.group.id === 'broken')) {
    await list.getByRole('button', { name: entry.title.zh }).click()
    await expect(hop.title).toHaveText(entry.title.zh)
    const said = (await hop.outcome()).split('$ ')[0]
    expect(said).toMatch(/[\u4e00-\u9fff]{4}/)
    expect(said).not.toMatch(/\b(the|of|is|no|answer|with|because)\b/)
  }
})

test('the theme follows the system until it is chosen, and the choice is kept', async ({ page, hop }) => {
  await page.emulateMedia({ colorScheme: 'dark' })
  await hop.open()
  const html = page.locator('html')
  await expect(html).toHaveAttribute('data-theme', 'dark')
  await page.emulateMedia({ colorScheme: 'light' })
  await expect(html).toHaveAttribute('data-theme', 'light')
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  const light = await background()
  await hop.button(/^Theme: Theme of the system/).click()
  await expect(html).toHaveAttribute('data-theme', 'dark')
  expect(await background()).not.toBe(light)
  await page.reload()
  await hop.ready()
  await expect(html).toHaveAttribute('data-theme', 'dark')
  await hop.button(/^Theme: Dark theme/).click()
  await expect(html).toHaveAttribute('data-theme', 'light')
  await hop.button(/^Theme: Light theme/).click()
  await expect(hop.button(/^Theme: Theme of the system/)).toBeVisible()
})
