import { type Token, tokens } from './lex.ts'

/** What a text does not say as nft expects it; caught where a rule or the whole text is read, and never leaves this folder. */
export class Unreadable extends Error {
  readonly token: Token
  readonly expected: string

  constructor(token: Token, expected: string) {
    super(expected)
    this.token = token
    this.expected = expected
  }
}

/** A text's tokens, one after the other. */
export class NftReader {
  readonly source: string
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(source: string) {
    this.source = source
    this.#tokens = tokens(source)
  }

  get position(): number {
    return this.#at
  }

  back(position: number): void {
    this.#at = position
  }

  peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)] as Token
  }

  take(): Token {
    const t = this.peek()
    if (t.kind !== 'end') this.#at++
    return t
  }

  /** The end of the token before the next one. */
  get consumed(): number {
    return this.#at === 0 ? 0 : (this.#tokens[this.#at - 1] as Token).end
  }

  is(text: string, ahead = 0): boolean {
    const t = this.peek(ahead)
    return t.text === text && (t.kind === 'word' || t.kind === 'sign')
  }

  accept(text: string): boolean {
    if (!this.is(text)) return false
    this.#at++
    return true
  }

  expect(text: string): void {
    if (!this.accept(text)) throw this.unreadable(text)
  }

  word(expected: string): string {
    const t = this.peek()
    if (t.kind !== 'word') throw this.unreadable(expected)
    this.#at++
    return t.text
  }

  /** A name, quoted or not. */
  name(expected: string): string {
    const t = this.peek()
    if (t.kind !== 'word' && t.kind !== 'string') throw this.unreadable(expected)
    this.#at++
    return t.text
  }

  string(): string {
    const t = this.peek()
    if (t.kind !== 'string') throw this.unreadable('a quoted text')
    this.#at++
    return t.text
  }

  number(expected: string): number {
    const t = this.peek()
    if (t.kind !== 'word' || !/^(\d+|0x[0-9a-fA-F]+)$/.test(t.text)) throw this.unreadable(expected)
    this.#at++
    return Number(t.text)
  }

  /** End of a statement line: where a rule stops. */
  get atStop(): boolean {
    const { kind, text } = this.peek()
    return kind === 'newline' || kind === 'end' || kind === 'handle' || (kind === 'sign' && (text === ';' || text === '}'))
  }

  skipNewlines(): void {
    while (this.peek().kind === 'newline') this.#at++
  }

  /** Line ends and semicolons. */
  skipStops(): void {
    while (this.peek().kind === 'newline' || this.is(';')) this.#at++
  }

  /** `# handle 7` of the line, when nft -a printed it. */
  handle(): number | undefined {
    if (this.peek().kind !== 'handle') return undefined
    return Number(this.take().text)
  }

  unreadable(expected: string): Unreadable {
    return new Unreadable(this.peek(), expected)
  }
}
