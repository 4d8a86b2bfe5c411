import { describe, expect, it, vi } from 'vitest'
import { decodeLink, encodeLink } from '../scenario/link.ts'
import { testScenarios, testStore } from './testing.ts'
import { type Address, UrlSync } from './url.ts'

/** A browser's history, as far as a page sees it. */
class History implements Address {
  entries: string[]
  at = 0
  #listener = () => {}
  constructor(hash = '') {
    this.entries = [hash]
  }
  hash(): string {
    return this.entries[this.at] ?? ''
  }
  push(hash: string): void {
    this.entries = [...this.entries.slice(0, ++this.at), hash]
  }
  replace(hash: string): void {
    this.entries[this.at] = hash
  }
  onChange(listener: () => void): void {
    this.#listener = listener
  }
  go(by: number): void {
    this.at += by
    this.#listener()
  }
}

async function page(hash = '') {
  const scenarios = testScenarios()
  const store = testStore(scenarios)
  const address = new History(hash)
  const url = new UrlSync({ store, address, scenarios })
  await url.start()
  return { store, address, url }
}
const until = <T>(read: () => T, wanted: T) => vi.waitFor(() => expect(read()).toEqual(wanted), { timeout: 3000 })

describe('the address', () => {
  it('opens the flagship when it names nothing, and stays clean until something is done', async () => {
    const { store, address } = await page()
    expect(store.getState().session?.document.title).toBe('One')
    expect(address.entries).toEqual([''])
  })

  it('gives a link that opens the same scenario, step, packet, table, view and language elsewhere', async () => {
    const here = await page()
    await here.store.getState().openLibrary('two')
    here.store.getState().seek(17)
    here.store.getState().follow(0)
    here.store.getState().showPanel('conntrack')
    here.store.getState().set({ footView: 'events' })
    here.store.getState().setPreferences({ lang: 'zh' })
    const link = await here.url.link()
    const there = await page(link)
    const { session, seq, followed, panel, footView, preferences } = there.store.getState()
    expect(session?.document.title).toBe('Two')
    expect({ seq, followed, panel, footView, lang: preferences.lang }).toEqual({
      seq: 17,
      followed: 0,
      panel: 'conntrack',
      footView: 'events',
      lang: 'zh',
    })
  })

  it('counts steps in a link as the page does, from 1, and opens links that counted from 0 where they meant', async () => {
    const here = await page()
    await here.store.getState().openLibrary('two')
    here.store.getState().seek(17)
    const link = await decodeLink((await here.url.link()) ?? '')
    expect(link.ok && link.value.view).toMatchObject({ at: 18 })
    for (const view of [{ at: 18 }, { step: 17 }]) {
      const there = await page(await encodeLink({ kind: 'library', id: 'two', view }))
      expect(there.store.getState().seq).toBe(17)
    }
    here.store.getState().seek(-1)
    expect((await page(await here.url.link())).store.getState().seq).toBe(-1)
  })

  it('carries an edit of a built-in scenario', async () => {
    const here = await page()
    await here.store.getState().run({ from: 'pod/client', run: 'ping -c 1 10.96.0.10' })
    const there = await page(await here.url.link())
    expect(there.store.getState().session?.document.journeys).toEqual([{ from: 'pod/client', run: 'ping -c 1 10.96.0.10' }])
    expect(there.store.getState().session?.provenance).toEqual({ kind: 'library', id: 'one' })
  })

  it('makes a history entry for another scenario but not for a step, and back and forward go between them', async () => {
    const { store, address } = await page()
    store.getState().seek(9)
    await until(() => address.entries[0] !== '', true)
    await store.getState().openLibrary('two')
    await until(() => address.entries.length, 2)
    address.go(-1)
    await until(() => store.getState().session?.document.title, 'One')
    await until(() => store.getState().seq, 9)
    address.go(1)
    await until(() => store.getState().session?.document.title, 'Two')
    expect(address.entries).toHaveLength(2)
  })

  it('goes back to the bare address that the page began at without taking "forward" away', async () => {
    const { store, address } = await page()
    await store.getState().openLibrary('two')
    await until(() => address.entries.length, 2)
    address.go(-1)
    await until(() => store.getState().session?.document.title, 'One')
    expect(address.entries[0]).toBe('')
    address.go(1)
    await until(() => store.getState().session?.document.title, 'Two')
    expect(address.entries).toHaveLength(2)
  })

  it('stops naming what was open when a cluster opens that no link can name', async () => {
    const { store, address, url } = await page()
    store.getState().seek(9)
    await until(() => address.hash() !== '', true)
    await store.getState().openFiles([{ name: 'iptables-save.txt', text: 'tables' }])
    await until(() => address.hash(), '#')
    expect(await url.link()).toBeUndefined()
    await store.getState().undo()
    await until(() => address.hash().startsWith('#s1.'), true)
  })

  it('says what is wrong with a broken link and opens the flagship all the same', async () => {
    const { store } = await page('#s1.broken')
    expect(store.getState().failure?.kind).toBe('link')
    expect(store.getState().session?.document.title).toBe('One')
  })

  it('says that a link comes from a newer version', async () => {
    const { store } = await page('#s9.AAAA')
    expect(store.getState().failure?.errors[0]?.message).toContain('newer')
  })

  it('names a scenario that does not exist', async () => {
    const { store } = await page(await encodeLink({ kind: 'library', id: 'no-such-thing' }))
    expect(store.getState().failure?.errors[0]?.message).toContain('no-such-thing')
  })
})
