import { utf8 } from '../../base/bytes.ts'
import type { CurlOptions, CurlUrl } from './curl-options.ts'

/** The request head as curl writes it: Host, User-Agent, Accept, the user's own, then what the body needs. */
export function curlRequest(options: CurlOptions, url: CurlUrl): { readonly startLine: string; readonly head: string } {
  const own = options.headers.map((line) => {
    const colon = line.indexOf(':')
    return { name: (colon < 0 ? line : line.slice(0, colon)).toLowerCase(), line, empty: line.slice(colon + 1).trim() === '' }
  })
  const startLine = `${options.method} ${url.path} HTTP/1.1`
  const lines = [startLine]
  const standard = (name: string, value: string) => {
    const mine = own.find((h) => h.name === name.toLowerCase())
    if (mine === undefined) lines.push(`${name}: ${value}`)
    else if (name === 'Host' && !mine.empty) lines.push(mine.line)
  }
  standard('Host', url.port === 80 ? url.host : `${url.host}:${url.port}`)
  standard('User-Agent', options.userAgent)
  standard('Accept', '*/*')
  // `-H Name:` removes a header instead of sending it empty.
  for (const h of own) if (!h.empty && h.name !== 'host') lines.push(h.line)
  if (options.data !== undefined) {
    standard('Content-Length', String(utf8(options.data).length))
    standard('Content-Type', 'application/x-www-form-urlencoded')
  }
  return { startLine, head: `${lines.join('\r\n')}\r\n\r\n` }
}
