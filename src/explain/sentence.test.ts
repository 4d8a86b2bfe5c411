import { expect, it } from 'vitest'
import { code, plain, say } from './sentence.ts'

it('sets no space beside full-width punctuation, whatever a template put there for a word', () => {
  const owner = say`（${code('web-a')}）`
  expect(plain(say`${'10.244.1.3'}${owner} 就是 ${code('pod/web-a')} 的地址`)).toBe('10.244.1.3（web-a）就是 pod/web-a 的地址')
  expect(plain(say`去往 ${'10.0.0.1'}${owner} 的包`)).toBe('去往 10.0.0.1（web-a）的包')
})

it('leaves the spaces of an English sentence alone', () => {
  expect(plain(say`the packet (${'a copy'}) goes, ${code('here')}, on`)).toBe('the packet (a copy) goes, here, on')
})
