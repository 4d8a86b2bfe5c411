import { describe, expect, it } from 'vitest'
import { STEP } from '../trace/columns.ts'
import { testStore } from './testing.ts'

async function opened() {
  const store = testStore()
  await store.getState().openLibrary('one')
  return store
}

describe('opening', () => {
  it('shows a run from where its first packet enters the first device', async () => {
    const store = await opened()
    const { session, seq, opening, failure } = store.getState()
    expect(session?.document.title).toBe('One')
    expect(session?.reader.kindOf(seq)).toBe(STEP.enter)
    expect([opening, failure]).toEqual([undefined, undefined])
  })

  it('keeps what was open when the new input is bad, and says why', async () => {
    const store = await opened()
    const before = store.getState().session
    expect(await store.getState().openText('bad', 'mine.yaml')).toBe(false)
    const { session, failure } = store.getState()
    expect(session).toBe(before)
    expect(failure).toMatchObject({ kind: 'open', text: 'bad', errors: [{ line: 3, path: 'objects[0]' }] })
  })

  it('opens only the newest wish when two are made in a hurry', async () => {
    const store = testStore()
    const answers = await Promise.all([store.getState().openLibrary('one'), store.getState().openLibrary('two')])
    expect(answers).toEqual([false, true])
    expect(store.getState().session?.document.title).toBe('Two')
  })

  it('takes an edit back and makes it again', async () => {
    const store = await opened()
    await store.getState().run({ from: 'pod/client', run: 'ping -c 1 10.96.0.10' })
    const run = () => store.getState().session?.document.journeys[0]?.run
    expect(run()).toBe('ping -c 1 10.96.0.10')
    await store.getState().undo()
    expect(run()).toBe('curl http://10.96.0.10/')
    expect(store.getState().past).toHaveLength(0)
    await store.getState().redo()
    expect(run()).toBe('ping -c 1 10.96.0.10')
    expect(await store.getState().redo()).toBe(false)
  })

  it('leaves the page as it was when an opening is cancelled', async () => {
    const store = await opened()
    const before = store.getState().session
    const wish = store.getState().openLibrary('two')
    store.getState().cancel()
    expect(await wish).toBe(false)
    expect(store.getState()).toMatchObject({ session: before, opening: undefined, failure: undefined })
  })
})

describe('the playhead', () => {
  it('stays inside the run, the state before the first step included', async () => {
    const store = await opened()
    const last = (store.getState().session?.length ?? 0) - 1
    store.getState().seek(1e9)
    expect(store.getState().seq).toBe(last)
    store.getState().step(1)
    expect(store.getState().seq).toBe(last)
    store.getState().seek(-5)
    expect(store.getState().seq).toBe(-1)
    store.getState().step(-1)
    expect(store.getState().seq).toBe(-1)
  })

  it('goes through every step at rule granularity, past the mere walking at step, and from end to end of hops at hop', async () => {
    const store = await opened()
    const count = (granularity: 'rule' | 'step' | 'hop') => {
      store.getState().seek(-1)
      let steps = 0
      for (let before = -2; store.getState().seq !== before; steps++) {
        before = store.getState().seq
        store.getState().step(1, granularity)
      }
      return steps
    }
    const rule = count('rule')
    const step = count('step')
    const hop = count('hop')
    expect(rule).toBe((store.getState().session?.length ?? 0) + 1)
    expect(step).toBeLessThan(rule)
    expect(hop).toBeLessThan(step)
  })

  it('steps back over exactly what it stepped forward over', async () => {
    const store = await opened()
    store.getState().seek(-1)
    const seen: number[] = []
    for (let i = 0; i < 12; i++) {
      store.getState().step(1)
      seen.push(store.getState().seq)
    }
    const back: number[] = []
    for (let i = 0; i < 11; i++) {
      store.getState().step(-1)
      back.push(store.getState().seq)
    }
    expect(back).toEqual(seen.slice(0, -1).reverse())
  })

  it('stops playing at the end, and plays from the beginning when asked again', async () => {
    const store = await opened()
    store.getState().seek(1e9)
    store.getState().play()
    expect(store.getState().seq).toBeLessThan(5)
    store.getState().seek(1e9)
    store.getState().step(1)
    expect(store.getState().playing).toBe(false)
  })
})
