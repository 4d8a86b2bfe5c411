// kernel/time/timer.c: a timer is never early, and the further off it is, the later it may be. With CONFIG_HZ=250.

/** ns */
export const JIFFY = 4_000_000
/** LVL_START(1), in jiffies; each level reaches eight times as far as the one before. */
const FIRST_LEVEL = 63
const LEVEL_STEP = 8

/**
 * How much later than asked a timer goes off that is set for `delay` (ns from now): half of its level's granularity, for
 * where in a bucket it falls is chance. 16 ms at one second, 128 ms at five.
 */
export function wheelLateness(delay: number): number {
  let granularity = 1
  for (let reach = FIRST_LEVEL; delay / JIFFY >= reach; reach *= LEVEL_STEP) granularity *= LEVEL_STEP
  return (granularity * JIFFY) / 2
}
