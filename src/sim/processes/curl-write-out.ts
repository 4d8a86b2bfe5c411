import type { CurlUrl } from './curl-options.ts'
import type { TransferEnd } from './curl-transfer.ts'

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' }
const seconds = (ns: number | undefined): string => ((ns ?? 0) / 1e9).toFixed(6)

/** `curl -w FORMAT`: variables as `%{name}`, `\n` and `\t`. A variable that curl does not know prints as curl says it. */
export function writeOut(format: string, url: CurlUrl, method: string, end: TransferEnd): string {
  const variables: Readonly<Record<string, string>> = {
    http_code: String(end.status ?? 0).padStart(3, '0'),
    response_code: String(end.status ?? 0).padStart(3, '0'),
    exitcode: String(end.exitCode),
    errormsg: end.message ?? '',
    method,
    url: url.text,
    url_effective: `http://${url.host}${url.port === 80 ? '' : `:${url.port}`}${url.path}`,
    remote_ip: end.remoteIp ?? '',
    remote_port: String(end.remotePort ?? 0),
    local_ip: end.localIp ?? '',
    local_port: String(end.localPort ?? 0),
    num_connects: String(end.connects ?? 0),
    size_download: String(end.received ?? 0),
    content_type: end.contentType ?? '',
    http_version: end.status === undefined ? '0' : '1.1',
    scheme: 'HTTP',
    time_namelookup: seconds(end.times?.lookup),
    time_connect: seconds(end.times?.connect),
    time_appconnect: seconds(0),
    time_pretransfer: seconds(end.times?.connect),
    time_starttransfer: seconds(end.times?.firstByte),
    time_total: seconds(end.times?.total),
  }
  return format
    .replace(/%\{([^}]*)\}/g, (_, name: string) => variables[name] ?? `curl: unknown --write-out variable: '${name}'\n`)
    .replace(/%%/g, '%')
    .replace(/\\(.)/g, (whole, c: string) => ESCAPES[c] ?? whole)
}
