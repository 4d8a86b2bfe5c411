import type { Timer } from '../../kernel/types.ts'
import type { Ipv4 } from '../../net/address.ts'
import type { CurlOptions } from './curl-options.ts'
import type { TransferEnd } from './curl-transfer.ts'
import { failed, type Process } from './process.ts'
import { getaddrinfo } from './resolver.ts'

const MS = 1_000_000
const SECOND = 1_000_000_000

export interface CurlResolveParts {
  readonly process: Process
  readonly options: CurlOptions
  readonly host: string
  readonly onResolved: (addresses: readonly Ipv4[], cause: number) => void
  readonly onFailed: (end: TransferEnd, cause: number) => void
}

/** The part of a transfer before its first address is known: curl's threaded resolver asks getaddrinfo(3), and may wait too long for it. */
export class CurlResolve {
  readonly #p: CurlResolveParts
  #over = false

  constructor(parts: CurlResolveParts) {
    this.#p = parts
  }

  start(cause: number): void {
    const { process, options, host } = this.#p
    const begun = process.now
    const limit = Math.min(options.connectTimeout ?? Number.POSITIVE_INFINITY, options.maxTime ?? Number.POSITIVE_INFINITY)
    let timer: Timer | undefined
    const end = (then: () => void) => {
      if (this.#over) return
      this.#over = true
      timer?.cancel()
      then()
    }
    getaddrinfo(process, { name: host, family: options.family }, cause, (resolved, seq) => {
      end(() => {
        if (resolved.kind === 'found') this.#p.onResolved(resolved.addresses, seq)
        else {
          const message = `Could not resolve host: ${host}`
          this.#p.onFailed({ exitCode: 6, verdict: failed(resolved.error, resolved.decidedBy), message }, seq)
        }
      })
    })
    if (this.#over || !Number.isFinite(limit)) return
    timer = process.after(limit * SECOND + MS, 'curl resolve', cause, (seq) => {
      end(() => {
        const message = `Resolving timed out after ${Math.floor((process.now - begun) / MS)} milliseconds`
        this.#p.onFailed({ exitCode: 28, verdict: failed('no answer'), message }, seq)
      })
    })
  }
}
