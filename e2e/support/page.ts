import { test as base, expect, type Locator, type Page } from '@playwright/test'

export type { Page } from '@playwright/test'
export { expect } from '@playwright/test'

/** The tables, by the words on their tabs and in the order of their number keys. */
export const TABLES = [
  'Neigh',
  'FDB',
  'Routes',
  'iptables',
  'conntrack',
  'Sockets',
  'sysctl',
  'Objects',
  'Console',
  'Debug',
] as const
export type TableName = (typeof TABLES)[number]

export const textOf = async (locator: Locator): Promise<string> => (await locator.textContent()) ?? ''

export interface EventLine {
  readonly place: string
  readonly what: string
}

/** The page as its users name it: roles and labels, never classes, wherever a role says it. English unless a test says otherwise. */
export class Hopscope {
  readonly page: Page
  readonly why: Locator
  readonly sentence: Locator
  readonly packet: Locator
  readonly tables: Locator
  readonly scrubber: Locator
  readonly title: Locator
  readonly failure: Locator

  constructor(page: Page) {
    this.page = page
    this.why = page.getByRole('region', { name: 'Why' })
    this.sentence = this.why.locator('.why-text')
    this.packet = page.getByRole('region', { name: 'Packet', exact: true })
    this.tables = page.getByRole('region', { name: 'Tables' })
    this.scrubber = page.getByRole('slider')
    this.title = page.getByRole('heading', { level: 1 })
    this.failure = page.getByRole('alert')
  }

  /** Opens the page at a link's `#…`, and waits until a run is there to be played. */
  async open(hash = ''): Promise<void> {
    await this.page.goto(`./${hash}`)
    await this.ready()
  }

  async ready(): Promise<void> {
    await expect(this.scrubber).toBeVisible()
    await expect(this.sentence).not.toBeEmpty()
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole('button', { name, exact: typeof name === 'string' })
  }

  /** Index of the current step from 0, -1 before the first: what the trace calls `seq`. */
  async seq(): Promise<number> {
    return Number(await this.scrubber.inputValue())
  }

  async length(): Promise<number> {
    return Number(await this.scrubber.getAttribute('max')) + 1
  }

  async seek(seq: number): Promise<void> {
    await this.scrubber.fill(String(seq))
    await expect(this.scrubber).toHaveValue(String(seq))
  }

  async granularity(name: 'hop' | 'step' | 'rule'): Promise<void> {
    await this.page.getByRole('group', { name: 'Step size' }).getByRole('radio', { name, exact: true }).check()
  }

  /** Opens one of the tables; with `where`, of that namespace rather than of the packet's. */
  async table(name: TableName, where?: string): Promise<Locator> {
    const tab = this.tables.getByRole('tab', { name: new RegExp(`^${name}\\b`) })
    await tab.click()
    await expect(tab).toHaveAttribute('aria-selected', 'true')
    if (where !== undefined) await this.tables.getByRole('combobox', { name: 'Namespace' }).selectOption({ label: where })
    return this.tables.getByRole('tabpanel')
  }

  /** What the page's console answers in the namespace that the tables show. */
  async console(command: string, where?: string): Promise<string> {
    const panel = await this.table('Console', where)
    const before = await panel.locator('.console-entry').count()
    await panel.getByRole('textbox', { name: 'Command at this step' }).fill(command)
    await panel.getByRole('textbox', { name: 'Command at this step' }).press('Enter')
    const entry = panel.locator('.console-entry').nth(before)
    await expect(entry).toContainText(command)
    return (await entry.locator('pre').allTextContents()).join('\n')
  }

  /** The list of every event, filtered by words; an empty filter shows all. */
  async events(filter = ''): Promise<Locator> {
    await this.page.getByRole('radio', { name: 'Events', exact: true }).check()
    const field = this.page.getByRole('searchbox', { name: 'Filter events' })
    await field.fill(filter)
    return this.page.getByRole('listbox', { name: 'Events' })
  }

  /** Goes to the first (or nth) step whose line in the event list has all these words, as a user would look for it. */
  async goTo(words: string, nth = 0): Promise<number> {
    const list = await this.events(words)
    const first = list.getByRole('option').nth(nth)
    for (const word of words.split(' ')) await expect(first).toContainText(word, { ignoreCase: true })
    await first.click()
    await expect(first).toHaveAttribute('aria-selected', 'true')
    return this.seq()
  }

  /** Every line of the filtered event list, in order. Only what is in sight is in the page, so it is scrolled through. */
  async readEvents(filter = ''): Promise<readonly EventLine[]> {
    const list = await this.events(filter)
    const count = Number(/^\d+/.exec(await textOf(this.page.getByText(/^\d+( of \d+)? events$/)))?.[0])
    const lines = await list.evaluate(async (box) => {
      const frame = () => new Promise((done) => requestAnimationFrame(done))
      const cell = (row: Element, name: string) => row.querySelector(name)?.textContent ?? ''
      const seen = new Map<number, { place: string; what: string }>()
      for (box.scrollTop = 0; ; box.scrollTop += box.clientHeight) {
        await frame()
        await frame()
        for (const row of box.querySelectorAll('[role=option]'))
          seen.set(Number(cell(row, '.event-n')), { place: cell(row, '.event-where'), what: cell(row, '.event-what') })
        if (box.scrollTop + box.clientHeight >= box.scrollHeight - 1) break
      }
      return [...seen].sort(([m], [n]) => m - n).map(([, line]) => line)
    })
    expect(lines, 'the list was read whole').toHaveLength(count)
    return lines
  }

  /** Runs a command in the composer and waits until its run has replaced the one before. */
  async run(from: string, command: string): Promise<void> {
    await this.page.getByRole('combobox', { name: 'Where the command runs' }).fill(from)
    const field = this.page.getByRole('combobox', { name: 'Command to run' })
    await field.fill(command)
    await field.press('Escape')
    await this.button('Run').click()
  }

  /** One of the views of a phone, with its content there. */
  async phoneView(name: string): Promise<void> {
    await this.page.getByRole('navigation', { name: 'Views' }).getByRole('button', { name }).click()
    const content = { Events: 'listbox', Scenarios: 'searchbox' } as const
    const role = name === 'Events' || name === 'Scenarios' ? content[name] : 'button'
    await expect(this.page.locator('#stage').getByRole(role).first()).toBeVisible()
    await expect(this.page.getByText('Loading…')).toBeHidden()
  }

  async pick(scenario: string): Promise<void> {
    await this.page.getByRole('navigation', { name: 'Scenarios' }).getByRole('button', { name: scenario }).first().click()
    await expect(this.title).toHaveText(scenario)
  }

  /** Pastes text into the dialog that opens clusters. */
  async paste(text: string): Promise<void> {
    await this.button('Open a cluster').click()
    const dialog = this.page.getByRole('dialog', { name: 'Open a cluster' })
    await dialog.getByRole('textbox', { name: 'Text to open' }).fill(text)
    await dialog.getByRole('button', { name: 'Open', exact: true }).click()
    await expect(dialog).toBeHidden()
  }

  async dropFiles(files: readonly { readonly name: string; readonly text: string }[]): Promise<void> {
    const data = await this.page.evaluateHandle((list) => {
      const transfer = new DataTransfer()
      for (const f of list) transfer.items.add(new File([f.text], f.name, { type: 'text/plain' }))
      return transfer
    }, files)
    await this.page.dispatchEvent('body', 'dragover', { dataTransfer: data })
    await this.page.dispatchEvent('body', 'drop', { dataTransfer: data })
  }

  /** How the current command ends, in full: the pill, the sentence and what the command printed. */
  async outcome(): Promise<string> {
    const outcome = this.page.locator('.outcome')
    const pill = outcome.locator('.outcome-pill')
    const closed = (await pill.getAttribute('aria-expanded')) === 'false'
    if (closed) await pill.click()
    const text = await textOf(outcome)
    if (closed) await pill.click()
    return text
  }
}

interface Fixtures {
  readonly hop: Hopscope
  /** What the page complained about: exceptions, console errors (refusals of its content security policy are such). */
  readonly complaints: string[]
}

/** A test whose page must not complain: an exception or an error on the console fails it, whatever else it looks at. */
export const test = base.extend<Fixtures>({
  complaints: [
    async ({ page }, use) => {
      const complaints: string[] = []
      page.on('pageerror', (e) => complaints.push(e.stack ?? e.message))
      page.on('console', (m) => {
        if (m.type() === 'error') complaints.push(m.text())
      })
      await use(complaints)
      expect(complaints, 'the page must not complain').toEqual([])
    },
    { auto: true },
  ],
  hop: async ({ page }, use) => {
    await use(new Hopscope(page))
  },
})
