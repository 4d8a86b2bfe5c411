import type { Match } from '../../world/netfilter.ts'

type RecentMatch = Extract<Match, { kind: 'recent' }>

/** Module parameter ip_list_tot of xt_recent. */
const MAX_ENTRIES = 100

interface RecentEntry {
  ttl: number
  index: number
  stamps: number[]
}

/** One list of xt_recent (/proc/net/xt_recent/NAME): addresses with the times at which they were seen, least recent first. */
class RecentList {
  /** nstamps_max_mask + 1: how many times an address keeps. */
  capacity = 1
  readonly entries = new Map<number, RecentEntry>()

  /** recent_entry_update(): the newest time, and to the end of the LRU list. */
  touch(address: number, entry: RecentEntry, now: number): void {
    entry.index %= this.capacity
    entry.stamps[entry.index++] = now
    this.entries.delete(address)
    this.entries.set(address, entry)
  }

  /** recent_entry_init() */
  add(address: number, ttl: number, now: number): void {
    if (this.entries.size >= MAX_ENTRIES) {
      for (const oldest of this.entries.keys()) {
        this.entries.delete(oldest)
        break
      }
    }
    this.entries.set(address, { ttl, index: 1, stamps: [now] })
  }

  /** recent_entry_reap(): the least recently used entry goes when its last time is before `time`. */
  reap(time: number, working: RecentEntry, updating: boolean): void {
    for (const [address, entry] of this.entries) {
      if (entry === working && updating) return
      const last = entry.stamps[entry.index - 1]
      if (last !== undefined && last < time) this.entries.delete(address)
      return
    }
  }
}

/** The lists of one namespace, by name: rules that name the same list share it. */
export class RecentLists {
  readonly #lists = new Map<string, RecentList>()

  /** recent_mt_check(): a rule with a hit count needs as many times kept, rounded up to a power of two. */
  list(match: RecentMatch): RecentList {
    let list = this.#lists.get(match.name)
    if (list === undefined) {
      list = new RecentList()
      this.#lists.set(match.name, list)
    }
    let capacity = 1
    while (capacity < (match.hitcount ?? 0)) capacity *= 2
    if (capacity > list.capacity) {
      list.capacity = capacity
      list.entries.clear()
    }
    return list
  }
}

/** recent_mt(). `address` as masked by the rule, times in ns; `ttl` as it was before forwarding. */
export function matchRecent(list: RecentList, match: RecentMatch, address: number, ttl: number, now: number): boolean {
  const entry = list.entries.get(address)
  if (entry === undefined || (match.ttl && entry.ttl !== ttl)) {
    if (match.operation !== 'set') return match.invert
    list.add(address, ttl, now)
    return !match.invert
  }
  let hit = match.invert
  if (match.operation === 'set') hit = !hit
  else if (match.operation === 'remove') {
    list.entries.delete(address)
    hit = !hit
  } else {
    const since = now - (match.seconds ?? 0) * 1e9
    let hits = 0
    for (const stamp of entry.stamps) {
      if (match.seconds !== undefined && match.seconds > 0 && stamp < since) continue
      hits++
      if (!match.hitcount || hits >= match.hitcount) {
        hit = !hit
        break
      }
    }
    if (match.reap) list.reap(since, entry, match.operation === 'update' && hit)
  }
  if (match.operation === 'set' || (match.operation === 'update' && hit)) {
    list.touch(address, entry, now)
    entry.ttl = ttl
  }
  return hit
}
