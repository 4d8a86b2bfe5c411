import { header, type MessageHead } from './http.ts'

// Heads as proxies write them. There is no wall clock here, so no Date (RFC 9110 section 6.6.1 lets a server without one).

export type HeaderList = readonly (readonly [name: string, value: string])[]

export const messageHead = (startLine: string, headers: HeaderList): string =>
  `${[startLine, ...headers.map(([name, value]) => `${name}: ${value}`)].join('\r\n')}\r\n\r\n`

export interface ForwardedRequest {
  readonly head: MessageHead
  /** Address of the other end of the client's connection. */
  readonly client: string
  /** The port that the proxy listens on. */
  readonly port: number
  /** 32 hexadecimal digits. */
  readonly id: string
}

/** RFC 9110 section 7.6.1: what concerns one connection alone goes no further. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'upgrade', 'proxy'])

const others = (head: MessageHead, written: HeaderList): HeaderList => {
  const names = new Set(written.map(([name]) => name.toLowerCase()))
  return head.headers.flatMap(({ name, value }) => {
    const lower = name.toLowerCase()
    return names.has(lower) || HOP_BY_HOP.has(lower) ? [] : [[name, value] as const]
  })
}

/** Nothing for a header that the client did not send. */
const given = (name: string, value: string | undefined): HeaderList =>
  value === undefined || value === '' ? [] : [[name, value]]

/**
 * The proxy_set_header lines of ingress-nginx's template with its default configuration, then the client's other headers:
 * what the client itself says of its address is not believed (use-forwarded-headers is off).
 */
export function nginxRequest({ head, client, port, id }: ForwardedRequest): string {
  const host = header(head, 'host') ?? ''
  const set: HeaderList = [
    ['Host', host],
    ['X-Request-ID', header(head, 'x-request-id') ?? id],
    ['X-Real-IP', client],
    ['X-Forwarded-For', client],
    ['X-Forwarded-Host', host],
    ['X-Forwarded-Port', String(port)],
    ['X-Forwarded-Proto', 'http'],
    ['X-Forwarded-Scheme', 'http'],
    ['X-Scheme', 'http'],
    ...given('X-Original-Forwarded-For', header(head, 'x-forwarded-for')),
  ]
  return messageHead(requestLine(head), [...set, ...others(head, set)])
}

/** An application load balancer of AWS: appends the client to X-Forwarded-For, and traces the request. */
export function albRequest({ head, client, port, id }: ForwardedRequest): string {
  const before = header(head, 'x-forwarded-for')
  const set: HeaderList = [
    ['X-Forwarded-For', before === undefined ? client : `${before}, ${client}`],
    ['X-Forwarded-Proto', 'http'],
    ['X-Forwarded-Port', String(port)],
    ['Host', header(head, 'host') ?? ''],
    ['X-Amzn-Trace-Id', header(head, 'x-amzn-trace-id') ?? `Root=1-${id.slice(0, 8)}-${id.slice(8)}`],
  ]
  return messageHead(requestLine(head), [...set, ...others(head, set)])
}

/** Both proxies speak HTTP/1.1 to what is behind them, whatever the client speaks. */
const requestLine = (head: MessageHead): string => head.startLine.replace(/HTTP\/1\.0$/, 'HTTP/1.1')

/** The order of ngx_http_header_filter(): what nginx knows of a response first, then the rest as it came. */
export function nginxResponse(head: MessageHead, more: { readonly chunked: boolean; readonly keep: boolean }): string {
  const known: HeaderList = [
    ...given('Content-Type', header(head, 'content-type')),
    ...given('Content-Length', header(head, 'content-length')),
    ...given('Last-Modified', header(head, 'last-modified')),
    ...given('Location', header(head, 'location')),
    ...given('Transfer-Encoding', more.chunked ? 'chunked' : undefined),
    ['Connection', more.keep ? 'keep-alive' : 'close'],
  ]
  const hidden = new Set(['date', 'server', 'transfer-encoding', 'x-pad'])
  const rest = others(head, known).filter(([name]) => !hidden.has(name.toLowerCase()))
  return messageHead(statusLine(head), [...known, ...rest])
}

/** A load balancer of AWS passes a response on as it is. */
export function albResponse(head: MessageHead, more: { readonly chunked: boolean; readonly keep: boolean }): string {
  const lines = others(head, [['Transfer-Encoding', '']])
  return messageHead(statusLine(head), [
    ...lines,
    ...given('Transfer-Encoding', more.chunked ? 'chunked' : undefined),
    ['Connection', more.keep ? 'keep-alive' : 'close'],
  ])
}

const statusLine = (head: MessageHead): string => head.startLine.replace(/^HTTP\/1\.0/, 'HTTP/1.1')

/** As nginx's ngx_http_special_response.c has them. */
const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  404: 'Not Found',
  502: 'Bad Gateway',
  503: 'Service Temporarily Unavailable',
  504: 'Gateway Time-out',
}

export interface OwnAnswer {
  readonly status: number
  readonly headers: HeaderList
  readonly body: string
}

const page = (status: number, tail: string): string => {
  const title = `${status} ${REASONS[status] ?? ''}`
  return ['<html>', `<head><title>${title}</title></head>`, '<body>', `<center><h1>${title}</h1></center>`, tail, '']
    .filter((line, i) => i !== 4 || line !== '')
    .join('\r\n')
}

/** An error page of nginx without a version (server_tokens off). */
export const nginxError = (status: number): OwnAnswer => {
  const body = page(status, '<hr><center>nginx</center>\r\n</body>\r\n</html>')
  return { status, headers: [['Content-Type', 'text/html']], body }
}

/** A load balancer of AWS: where no rule fits, the controller has it answer 404 without a word. */
export const albError = (status: number): OwnAnswer => {
  if (status === 404)
    return {
      status,
      headers: [
        ['Server', 'awselb/2.0'],
        ['Content-Type', 'text/plain; charset=utf-8'],
      ],
      body: '',
    }
  const body = page(status, '</body>\r\n</html>')
  return {
    status,
    headers: [
      ['Server', 'awselb/2.0'],
      ['Content-Type', 'text/html'],
    ],
    body,
  }
}

export const ownHead = (answer: OwnAnswer, length: number, keep: boolean): string =>
  messageHead(`HTTP/1.1 ${answer.status} ${REASONS[answer.status] ?? ''}`, [
    ...answer.headers,
    ['Content-Length', String(length)],
    ['Connection', keep ? 'keep-alive' : 'close'],
  ])
