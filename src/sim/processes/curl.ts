import { ok } from '../../base/result.ts'
import { formatIpv4, type Ipv4 } from '../../net/address.ts'
import type { CurlOptions, CurlUrl } from './curl-options.ts'
import { connectedUrl, parseCurl } from './curl-options.ts'
import { CurlResolve } from './curl-resolve.ts'
import { type Connection, CurlTransfer, type TransferEnd } from './curl-transfer.ts'
import { writeOut } from './curl-write-out.ts'
import { ANSWERED, type Process } from './process.ts'
import type { Program } from './program.ts'

/** curl 8.5.0 on a terminal: its messages, its exit codes, its way of keeping one connection for several URLs. */
export const curl: Program = {
  name: 'curl',
  usage:
    'curl [-sSvifI] [-o FILE] [-m SECONDS] [--connect-timeout SECONDS] [-X METHOD] [-d DATA] [-H HEADER] [--local-port PORT] [--rate N/UNIT] [--resolve HOST:PORT:ADDRESS] [--connect-to HOST1:PORT1:HOST2:PORT2] [-w FORMAT] URL…',
  prepare(argv) {
    const options = parseCurl(argv)
    if (!options.ok) return options
    return ok({ role: 'client', notes: [], start: (process, cause) => new CurlRun(process, options.value).next(cause) })
  },
}

const MS = 1_000_000

/** The URLs one after the other. */
class CurlRun {
  readonly #process: Process
  readonly #options: CurlOptions
  /** Connections that may serve again, by host and port. */
  readonly #pool = new Map<string, Connection>()
  #index = 0
  /** When the transfer under way began, ns. */
  #begun = 0
  #connections = 0
  #last: TransferEnd | undefined

  constructor(process: Process, options: CurlOptions) {
    this.#process = process
    this.#options = options
    process.atExit((cause) => {
      for (const c of this.#pool.values()) c.socket.close(cause)
    })
  }

  next(cause: number): void {
    const url = this.#options.urls[this.#index]
    if (url === undefined) {
      this.#finish(cause)
      return
    }
    const begun = this.#process.now
    this.#begun = begun
    const via = connectedUrl(url, this.#options.connectTo)
    if (via !== url && this.#options.verbose) {
      this.#process.print(`* Connecting to hostname: ${via.host}`, cause)
      this.#process.print(`* Connecting to port: ${via.port}`, cause)
    }
    const fixed = this.#fixed(via, cause)
    const kept = this.#pool.get(`${via.host}:${via.port}`)
    if (fixed !== undefined) this.#transfer(url, fixed, begun, cause)
    else if (kept !== undefined && kept.socket.state === 'ESTABLISHED') this.#transfer(url, kept.addresses, begun, cause)
    else {
      const resolve = new CurlResolve({
        process: this.#process,
        options: this.#options,
        host: via.host,
        onResolved: (addresses, seq) => this.#transfer(url, addresses, begun, seq),
        onFailed: (end, seq) => this.#ended(url, end, seq),
      })
      resolve.start(cause)
    }
  }

  #transfer(url: CurlUrl, addresses: readonly Ipv4[], begun: number, cause: number): void {
    const via = connectedUrl(url, this.#options.connectTo)
    const key = `${via.host}:${via.port}`
    const transfer = new CurlTransfer({
      process: this.#process,
      options: this.#options,
      url,
      via,
      addresses,
      begun,
      toTerminal: (this.#options.outputs[this.#index] ?? '-') === '-',
      reuse: this.#pool.get(key),
      nextConnection: () => this.#connections++,
      onEnd: (end, seq) => {
        if (end.kept === undefined) this.#pool.delete(key)
        else this.#pool.set(key, end.kept)
        this.#ended(url, end, seq)
      },
    })
    transfer.start(cause)
  }

  /** What `--resolve` says. */
  #fixed(url: CurlUrl, cause: number): readonly Ipv4[] | undefined {
    const fixed = this.#options.resolve.get(`${url.host}:${url.port}`)
    if (fixed !== undefined) {
      if (this.#options.verbose) {
        if (this.#index === 0) this.#process.print(`* Added ${url.host}:${url.port}:${formatIpv4(fixed)} to DNS cache`, cause)
        this.#process.print(`* Hostname ${url.host} was found in DNS cache`, cause)
      }
    }
    return fixed === undefined ? undefined : [fixed]
  }

  #ended(url: CurlUrl, end: TransferEnd, cause: number): void {
    const { silent, showError, verbose, writeOut: format } = this.#options
    if (end.message !== undefined) {
      if (verbose) {
        this.#process.print(`* ${end.message}`, cause)
        this.#process.print('* Closing connection', cause)
      }
      if (!silent || showError) this.#process.print(`curl: (${end.exitCode}) ${end.message}`, cause)
    }
    if (format !== undefined) this.#process.write(writeOut(format, url, this.#options.method, end), cause)
    this.#last = end
    this.#index++
    this.#pace(cause)
  }

  /** --rate: the next transfer begins no sooner than the rate allows after this one began. */
  #pace(cause: number): void {
    const { interval, urls, verbose } = this.#options
    const wait = interval === undefined || this.#index >= urls.length ? 0 : this.#begun + interval - this.#process.now
    if (wait <= 0) {
      this.next(cause)
      return
    }
    const took = Math.floor((this.#process.now - this.#begun) / MS)
    if (verbose) this.#process.print(`Note: Transfer took ${took} ms, waits ${Math.ceil(wait / MS)}ms as set by --rate`, cause)
    this.#process.after(wait, 'curl --rate', cause, (seq) => this.next(seq))
  }

  /** The last transfer's result is the command's. */
  #finish(cause: number): void {
    const end = this.#last
    this.#process.exit(end?.exitCode ?? 0, end?.verdict ?? ANSWERED, cause)
  }
}
