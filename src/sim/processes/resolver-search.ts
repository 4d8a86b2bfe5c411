import { DNS_TYPES, type DnsMessage, RCODE } from '../../net/dns-message.ts'
import { ResolverSend, type ResolverState, type Sent } from './resolver-send.ts'

/** h_errno of netdb.h. */
export type HostError = 'HOST_NOT_FOUND' | 'TRY_AGAIN' | 'NO_RECOVERY' | 'NO_DATA'

export type Found =
  | { readonly kind: 'found'; readonly answers: readonly (DnsMessage | undefined)[] }
  | { readonly kind: 'missing'; readonly error: HostError; readonly errno?: 'ETIMEDOUT' | 'ECONNREFUSED' }

export interface SearchParts {
  readonly state: ResolverState
  /** As the program was given it: a dot at the end keeps it from the search list. */
  readonly name: string
  readonly types: readonly number[]
  readonly done: (found: Found, cause: number) => void
}

/**
 * __res_context_search(): the name as it is when it has at least `ndots` dots, else first with each suffix of the search list.
 * What does not exist leads on to the next suffix; a server that does not answer ends the list.
 */
export class ResolverSearch {
  readonly #p: SearchParts
  readonly #dots: number
  readonly #trailing: boolean
  /** Names still to be tried. */
  readonly #names: string[] = []
  #triedAsIs = false
  #asIsError: HostError | undefined
  #gotNodata = false
  #gotServfail = false
  #last: Found & { kind: 'missing' } = { kind: 'missing', error: 'HOST_NOT_FOUND' }

  constructor(parts: SearchParts) {
    this.#p = parts
    this.#dots = parts.name.split('.').length - 1
    this.#trailing = parts.name.endsWith('.')
  }

  start(cause: number): void {
    const { conf } = this.#p.state
    // A suffix `.` is the root: the name as it is.
    if (!this.#trailing) this.#names.push(...conf.search.map((s) => (s === '' ? this.#p.name : `${this.#p.name}.${s}`)))
    if (this.#dots >= conf.ndots || this.#trailing) {
      this.#triedAsIs = true
      this.#query(this.#p.name, cause, (found, seq) => {
        if (this.#trailing) this.#p.done(found, seq)
        else {
          this.#asIsError = found.error
          this.#next(seq)
        }
      })
    } else this.#next(cause)
  }

  #next(cause: number): void {
    const name = this.#names.shift()
    if (name === undefined) {
      this.#asIs(cause)
      return
    }
    this.#query(name, cause, (found, seq, servfail) => {
      if (found.errno === 'ECONNREFUSED') {
        this.#p.done(found, seq)
        return
      }
      if (found.error === 'NO_DATA') this.#gotNodata = true
      else if (found.error === 'TRY_AGAIN' && servfail) this.#gotServfail = true
      else if (found.error !== 'HOST_NOT_FOUND') this.#names.length = 0
      this.#next(seq)
    })
  }

  #asIs(cause: number): void {
    const rootListed = this.#p.state.conf.search.includes('')
    if (this.#triedAsIs || rootListed) {
      this.#giveUp(cause)
      return
    }
    this.#triedAsIs = true
    this.#query(this.#p.name, cause, (_, seq) => this.#giveUp(seq))
  }

  #giveUp(cause: number): void {
    const error = this.#asIsError ?? (this.#gotNodata ? 'NO_DATA' : this.#gotServfail ? 'TRY_AGAIN' : this.#last.error)
    this.#p.done({ ...this.#last, error }, cause)
  }

  /** __res_context_query(): what the response codes of one name mean. */
  #query(
    name: string,
    cause: number,
    missing: (found: Found & { kind: 'missing' }, cause: number, servfail: boolean) => void,
  ): void {
    const { state, types, done } = this.#p
    const absolute = name.endsWith('.') ? name : `${name}.`
    new ResolverSend({
      state,
      name: absolute,
      types,
      done: (sent, seq) => {
        const found = meaning(sent)
        if (found.kind === 'found') {
          done(found, seq)
          return
        }
        this.#last = found
        missing(found, seq, sent.kind === 'failed' && sent.servfail)
      },
    }).start(cause)
  }
}

function meaning(sent: Sent): Found {
  if (sent.kind === 'failed') return { kind: 'missing', error: 'TRY_AGAIN', errno: sent.errno }
  const { answers } = sent
  if (answers.some((m) => m !== undefined && m.rcode === RCODE.NOERROR && m.answers.length > 0)) return { kind: 'found', answers }
  const first = answers.find((m) => m !== undefined && m.rcode !== RCODE.NOERROR) ?? answers.find((m) => m !== undefined)
  switch (first?.rcode) {
    case RCODE.NXDOMAIN:
      return { kind: 'missing', error: 'HOST_NOT_FOUND' }
    case RCODE.SERVFAIL:
      return { kind: 'missing', error: 'TRY_AGAIN' }
    case RCODE.NOERROR:
      return { kind: 'missing', error: 'NO_DATA' }
    default:
      return { kind: 'missing', error: 'NO_RECOVERY' }
  }
}

export const A_AND_AAAA = [DNS_TYPES.A, DNS_TYPES.AAAA]
