import { ok } from '../../base/result.ts'
import { NcRun, SILENCE } from './nc-client.ts'
import { parseNc } from './nc-options.ts'
import { listenNc } from './nc-server.ts'
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
    return ok({ role: 'client', notes, start: (process, cause) => new NcRun(process, o).next(cause) })
  },
}
