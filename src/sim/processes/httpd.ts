import { ok, type Result } from '../../base/result.ts'
import { formatIpv4 } from '../../net/address.ts'
import { HTTP_BACKLOG, PLAIN_TEXT, type Respond, serveHttp } from './http-server.ts'
import { type CommandError, commandError, numberOption, parseOptions } from './options.ts'
import type { Process } from './process.ts'
import type { Program } from './program.ts'

interface HttpdOptions {
  readonly port: number
}

function parse(argv: readonly string[]): Result<HttpdOptions, CommandError> {
  const options = parseOptions('httpd', argv, [{ name: 'port', short: 'p', long: 'port', value: true }])
  if (!options.ok) return options
  const port = numberOption('httpd', options.value, { name: 'port', flag: '-p', min: 1, max: 65535 })
  if (!port.ok) return port
  if (options.value.operands.length > 0) return commandError('httpd: takes no operands; httpd [-p PORT]')
  return ok({ port: port.value ?? 80 })
}

/** An HTTP/1.1 server for tests, of the kind of agnhost's netexec or echoserver: the answer says who answered, and whom it saw. */
export const httpd: Program = {
  name: 'httpd',
  usage: 'httpd [-p PORT]',
  prepare(argv) {
    const options = parse(argv)
    if (!options.ok) return options
    const { port } = options.value
    return ok({
      role: 'server',
      notes: [],
      listens: { protocol: 'tcp', port, backlog: HTTP_BACKLOG },
      start: (process, cause) => serveHttp(process, { port, name: 'httpd', respond: echoes(process) }, cause),
    })
  },
}

/** Who answers, whom it sees, and what proxies on the way say of the client. */
const echoes =
  (process: Process): Respond =>
  (request, { remote }) => {
    const lines = [
      `Hostname: ${process.hostname}`,
      `RemoteAddr: ${formatIpv4(remote.address)}:${remote.port}`,
      `Request: ${request.startLine}`,
      ...request.headers.flatMap(({ name, value }) => (/^x-/i.test(name) ? [`${name}: ${value}`] : [])),
    ]
    return { status: '200 OK', headers: [PLAIN_TEXT], body: `${lines.join('\n')}\n` }
  }
