import type { Language } from '../../../scenario/document.ts'

// Words about nftables: they come with its part of the panel.

const en = {
  set: 'set',
  map: 'map',
  sets: (n: number) => `${n} ${n === 1 ? 'set or map' : 'sets and maps'}`,
  elements: (n: number) => `${n} ${n === 1 ? 'element' : 'elements'}`,
  empty: 'no elements',
}

type NftWords = typeof en

const zh: NftWords = {
  set: '集合',
  map: '映射',
  sets: (n) => `${n} 个集合与映射`,
  elements: (n) => `${n} 个元素`,
  empty: '没有元素',
}

export const NFT_WORDS: Readonly<Record<Language, NftWords>> = { en, zh }
