import { ok } from '../../base/result.ts'
import { parseIpv4 } from '../../net/address.ts'
import { NcRun, SILENCE } from './nc-client.ts'
import { type NcClient, parseNc } from './nc-options.ts'
import { listenNc } from './nc-server.ts'
import { failed, type Process } from './process.ts'
import type { Program } from './program.ts'

/** nc of OpenBSD, as Debian ships it. */
export const nc: Program = {
  name: 'nc',
  usage:
    'nc [-uvznkN] [-w SECONDS] [-q SECONDS] [-p PORT] [-s ADDRESS] HOST PORT[-PORT] [-- TEXT], nc -l [-ukv] [-p] PORT; echo TEXT | nc …',
  prepare(argv, stdin) {
    const options = parseNc(argv, stdin)
    if (!options.ok) return options
    const o = options.value
    if (o.kind === 'server') {
      return ok({
        role: 'server',
        notes: [],
        listens: { protocol: o.udp ? 'udp' : 'tcp', port: o.port, backlog: o.udp ? 0 : 1 },
        start: (process, cause) => listenNc(process, o, cause),
      })
    }
    const endless = o.timeout === undefined && !o.scan && !(o.shutdown && !o.udp)
    const notes = endless ? [`nc without -w waits for ever; here it gives up after ${SILENCE} seconds of silence`] : []
    return ok({ role: 'client', notes, start: (process, cause) => connect(process, o, cause) })
  },
}

function connect(process: Process, options: NcClient, cause: number): void {
  const literal = parseIpv4(options.host)
  const address = literal.ok ? literal.value : options.numeric ? undefined : process.resolve(process.ns, options.host)
  if (address === undefined) {
    process.print(`nc: getaddrinfo for host "${options.host}" port ${options.ports[0]}: Name or service not known`, cause)
    process.exit(1, failed('EAI_NONAME'), cause)
    return
  }
  new NcRun(process, options, address).next(cause)
}
