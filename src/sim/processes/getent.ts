import { ok } from '../../base/result.ts'
import { formatIpv4, parseIpv4 } from '../../net/address.ts'
import { commandError } from './options.ts'
import { ANSWERED, failed, type Process } from './process.ts'
import type { Program } from './program.ts'
import { type GaiError, getaddrinfo, gethostbyname2, getnameinfo } from './resolver.ts'

/** getent's status for a key that is not found. */
const NOT_FOUND = 2

/** getent of glibc, the databases of host names. */
export const getent: Program = {
  name: 'getent',
  usage: 'getent hosts|ahosts|ahostsv4 NAME|ADDRESS',
  prepare(argv) {
    const [, database, key, ...more] = argv
    if (database !== 'hosts' && database !== 'ahosts' && database !== 'ahostsv4') {
      return commandError(`getent: the databases here are hosts, ahosts and ahostsv4, not "${database ?? ''}"`, 1)
    }
    if (key === undefined || more.length > 0) return commandError(`getent: getent ${database} wants one name or address`, 1)
    const start = database === 'hosts' ? hosts : ahosts
    return ok({ role: 'client', notes: [], start: (process, cause) => start(process, key, cause) })
  },
}

function give(process: Process, error: GaiError, decidedBy: number, cause: number): void {
  process.exit(NOT_FOUND, failed(error, decidedBy), cause)
}

/** hosts_keys(): gethostbyaddr(3) for an address; for a name gethostbyname2(3), IPv6 first and then IPv4. */
function hosts(process: Process, key: string, cause: number): void {
  const address = parseIpv4(key)
  if (address.ok) {
    getnameinfo(process, address.value, cause, (name, seq) => {
      if (name === undefined) {
        give(process, 'EAI_NONAME', seq, seq)
        return
      }
      process.print(`${key.padEnd(15)} ${name}`, seq)
      process.exit(0, ANSWERED, seq)
    })
    return
  }
  const print = (lines: readonly string[], seq: number) => {
    for (const line of lines) process.print(line, seq)
    process.exit(0, ANSWERED, seq)
  }
  gethostbyname2(process, { name: key, family: 'inet6' }, cause, (six, seq) => {
    if (six.kind === 'found') {
      print(
        six.addresses.map((a) => `${a.padEnd(15)} ${six.canonicalName}`),
        seq,
      )
      return
    }
    gethostbyname2(process, { name: key, family: 'inet' }, seq, (four, at) => {
      if (four.kind === 'found')
        print(
          four.addresses.map((a) => `${a.padEnd(15)} ${four.canonicalName}`),
          at,
        )
      else give(process, four.error, four.decidedBy, at)
    })
  })
}

/**
 * ahosts_keys_int(): every address once for each kind of socket, the canonical name beside the first. It asks with AI_ADDRCONFIG,
 * and no interface here has an IPv6 address: for A records alone.
 */
function ahosts(process: Process, key: string, cause: number): void {
  getaddrinfo(process, { name: key, family: 'inet' }, cause, (resolved, seq) => {
    if (resolved.kind === 'failed') {
      give(process, resolved.error, resolved.decidedBy, seq)
      return
    }
    let first = true
    for (const a of resolved.addresses) {
      for (const kind of ['STREAM', 'DGRAM', 'RAW']) {
        process.print(`${formatIpv4(a).padEnd(15)} ${kind.padEnd(6)} ${first ? resolved.canonicalName : ''}`, seq)
        first = false
      }
    }
    process.exit(0, ANSWERED, seq)
  })
}
