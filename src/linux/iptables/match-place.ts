import { parseMac } from '../../net/address.ts'
import { type MatchOf, plain } from './match-syntax.ts'
import { ADDR_TYPES } from './names.ts'
import type { Draft, RuleReader } from './reader.ts'

// Matches on where a packet comes from and goes to, and those that only carry a name: addrtype, set, physdev, mac, comment, nfacct.

export const comment = plain<MatchOf<'comment'>>({
  begin: () => ({ kind: 'comment', text: '' }),
  options: {
    '--comment': (m, r) => {
      m.text = r.text()
      if (m.text.length > 255) r.fail('a comment of at most 255 characters', m.text)
    },
  },
})

export const addrtype = plain<MatchOf<'addrtype'>>({
  begin: () => ({ kind: 'addrtype' }),
  options: {
    '--src-type': (m, r) => {
      m.srcTypes = r.list(ADDR_TYPES)
      if (r.takeInvert()) m.srcInvert = true
    },
    '--dst-type': (m, r) => {
      m.dstTypes = r.list(ADDR_TYPES)
      if (r.takeInvert()) m.dstInvert = true
    },
    '--limit-iface-in': (m) => {
      m.limitIface = 'in'
    },
    '--limit-iface-out': (m) => {
      m.limitIface = 'out'
    },
  },
})

/** Kept as words: counters of a set's entries, which Hopscope's sets do not have. */
const setWords =
  (name: string, args: 0 | 1, inverts = false) =>
  (m: Draft<MatchOf<'set'>>, r: RuleReader) => {
    m.options = [...m.options, ...(inverts && r.takeInvert() ? ['!'] : []), name, ...(args ? [r.word()] : [])]
  }
export const set = plain<MatchOf<'set'>>({
  begin: () => ({ kind: 'set', set: '', directions: [], invert: false, options: [] }),
  options: {
    '--match-set': (m, r) => {
      m.set = r.word()
      const directions = r.word()
      m.directions = directions.split(',').filter((d): d is 'src' | 'dst' => d === 'src' || d === 'dst')
      if (m.directions.length !== directions.split(',').length) r.fail('src and dst, comma-separated', directions)
      m.invert = r.takeInvert()
    },
    '--return-nomatch': setWords('--return-nomatch', 0),
    '--update-counters': setWords('--update-counters', 0, true),
    '--update-subcounters': setWords('--update-subcounters', 0, true),
    '--packets-eq': setWords('--packets-eq', 1, true),
    '--packets-lt': setWords('--packets-lt', 1),
    '--packets-gt': setWords('--packets-gt', 1),
    '--bytes-eq': setWords('--bytes-eq', 1, true),
    '--bytes-lt': setWords('--bytes-lt', 1),
    '--bytes-gt': setWords('--bytes-gt', 1),
  },
})

export const physdev = plain<MatchOf<'physdev'>>({
  begin: () => ({ kind: 'physdev' }),
  options: {
    '--physdev-in': (m, r) => {
      m.physIn = r.interfaceMatch()
    },
    '--physdev-out': (m, r) => {
      m.physOut = r.interfaceMatch()
    },
    '--physdev-is-in': (m, r) => {
      m.isIn = !r.takeInvert()
    },
    '--physdev-is-out': (m, r) => {
      m.isOut = !r.takeInvert()
    },
    '--physdev-is-bridged': (m, r) => {
      m.isBridged = !r.takeInvert()
    },
  },
})

export const mac = plain<MatchOf<'mac'>>({
  begin: () => ({ kind: 'mac', source: 0 as MatchOf<'mac'>['source'], invert: false }),
  options: {
    '--mac-source': (m, r) => {
      const w = r.word()
      m.invert = r.takeInvert()
      const parsed = parseMac(w)
      if (parsed.ok) m.source = parsed.value
      else r.fail(parsed.error.expected, w)
    },
  },
})

export const nfacct = plain<MatchOf<'nfacct'>>({
  begin: () => ({ kind: 'nfacct', name: '' }),
  options: {
    '--nfacct-name': (m, r) => {
      m.name = r.word()
    },
  },
})
