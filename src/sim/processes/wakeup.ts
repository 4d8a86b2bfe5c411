import type { Process } from './process.ts'

/**
 * From the moment that a socket has something until the process that waits for it in epoll_wait(2) runs, ns: a wakeup and a
 * context switch. A rough figure of a small server, like the other virtual durations.
 */
export const WAKEUP = 5_000

/** A socket's `onWake` for a process that pays for being woken. What happens in the meantime is handled in the same turn. */
export function wakingUp(process: Process, run: (cause: number) => void): (cause: number) => void {
  let pending: number | undefined
  return (cause) => {
    const waiting = pending !== undefined
    pending = cause
    if (waiting) return
    process.ns.kernel.schedule(WAKEUP, () => {
      const last = pending ?? cause
      pending = undefined
      if (!process.exited) run(last)
    })
  }
}
