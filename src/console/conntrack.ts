import { conntrackSummary, printConntrack } from '../linux/conntrack.ts'
import { PROTOCOLS } from '../linux/iptables/names.ts'
import { contains, parsePrefix } from '../net/address.ts'
import type { ConntrackRecord } from '../world/records.ts'
import { type ConsoleCommand, failed, printed } from './command.ts'

const say = (message: string): string =>
  `conntrack v1.4.7 (conntrack-tools): ${message}\nTry \`conntrack -h' or 'conntrack --help' for more information.\n`

type Test = (e: ConntrackRecord) => boolean
const COMMANDS: Readonly<Record<string, string>> = {
  '-L': 'list',
  '--dump': 'list',
  '-C': 'count',
  '--count': 'count',
  '-G': 'list',
  '--get': 'list',
}
const WRITES = new Set(['-D', '--delete', '-F', '--flush', '-I', '--create', '-U', '--update', '-E', '--event'])

/** Tests that take an argument, undefined for one that does not fit. */
const WITH_ARGUMENT: Readonly<Record<string, (value: string) => Test | undefined>> = {
  '-p': (v) => {
    const n = PROTOCOLS.get(v.toLowerCase()) ?? (/^\d+$/.test(v) ? Number(v) : undefined)
    return n === undefined ? undefined : (e) => e.protocol === n
  },
  '-s': address((e) => e.original.src),
  '-d': address((e) => e.original.dst),
  '-r': address((e) => e.reply.src),
  '-q': address((e) => e.reply.dst),
  '--sport': port((e) => e.original.sport),
  '--dport': port((e) => e.original.dport),
  '--reply-port-src': port((e) => e.reply.sport),
  '--reply-port-dst': port((e) => e.reply.dport),
  '--state': (v) => (e) => e.tcpState === v.toUpperCase(),
  '-m': (v) => {
    const [value, mask] = v.split('/').map(Number)
    return value === undefined || Number.isNaN(value)
      ? undefined
      : (e) => (mask === undefined ? e.mark === value : (e.mark & mask) >>> 0 === value)
  },
  '-w': (v) => (e) => e.zone === Number(v),
  '-f': (v) => (v === 'ipv4' ? () => true : v === 'ipv6' ? () => false : undefined),
  '-u': (v) => {
    const tests = v.split(',').map((s) => STATUSES[s.toUpperCase()])
    return tests.some((t) => t === undefined) ? undefined : (e) => tests.every((t) => t?.(e))
  },
}
const STATUSES: Readonly<Record<string, Test | undefined>> = {
  ASSURED: (e) => e.assured,
  SEEN_REPLY: (e) => e.seenReply,
  UNREPLIED: (e) => !e.seenReply,
  UNSET: () => true,
  FIXED_TIMEOUT: () => false,
  EXPECTED: (e) => e.master !== undefined,
  CONFIRMED: (e) => e.confirmed,
}
const LONG: Readonly<Record<string, string>> = {
  '--proto': '-p',
  '--protonum': '-p',
  '--src': '-s',
  '--orig-src': '-s',
  '--dst': '-d',
  '--orig-dst': '-d',
  '--reply-src': '-r',
  '--reply-dst': '-q',
  '--orig-port-src': '--sport',
  '--orig-port-dst': '--dport',
  '--mark': '-m',
  '--zone': '-w',
  '--family': '-f',
  '--status': '-u',
  '--src-nat': '-n',
  '--dst-nat': '-g',
  '--any-nat': '-j',
  '--output': '-o',
}
/** nfct_filter(): the address has to differ between the directions, whatever the status bits say. */
const NAT: Readonly<Record<string, Test>> = {
  '-n': (e) => e.reply.dst !== e.original.src || e.srcNat,
  '-g': (e) => e.reply.src !== e.original.dst || e.dstNat,
  '-j': (e) => e.reply.dst !== e.original.src || e.reply.src !== e.original.dst || e.srcNat || e.dstNat,
}

function address(of: (e: ConntrackRecord) => number): (value: string) => Test | undefined {
  return (value) => {
    const p = parsePrefix(value)
    return p.ok ? (e) => contains(p.value, of(e)) : undefined
  }
}
function port(of: (e: ConntrackRecord) => number): (value: string) => Test | undefined {
  return (value) => (/^\d+$/.test(value) ? (e) => of(e) === Number(value) : undefined)
}

export const conntrack: ConsoleCommand = {
  names: ['conntrack'],
  usage:
    'conntrack -L|-C [-p PROTO] [-s ADDR] [-d ADDR] [-r ADDR] [-q ADDR] [--sport N] [--dport N] [--state S] [-m MARK] [-u STATUS] [-n|-g|-j] [-o extended]',
  run({ view, netns, args }) {
    let command: string | undefined
    let extended = false
    const tests: Test[] = []
    for (let i = 0; i < args.length; i++) {
      const [given = '', inline] = (args[i] as string).startsWith('--') ? (args[i] as string).split('=') : [args[i] as string]
      const a = LONG[given] ?? given
      const test = WITH_ARGUMENT[a]
      const nat = NAT[a]
      if (COMMANDS[a] !== undefined) {
        command = COMMANDS[a]
        if (args[i + 1] === 'conntrack') i++
        else if (args[i + 1] === 'expect')
          return { stdout: '', stderr: 'conntrack v1.4.7 (conntrack-tools): 0 expectations have been shown.\n', exitCode: 0 }
      } else if (WRITES.has(a)) return failed('conntrack v1.4.7 (conntrack-tools): Operation failed: Operation not permitted\n')
      else if (test !== undefined) {
        const value = inline ?? args[++i]
        if (value === undefined) return failed(say(`option \`${given}' requires an argument`), 2)
        const made = test(value)
        if (made === undefined)
          return failed(say(a === '-p' ? `\`${value}' unsupported protocol` : `Invalid argument \`${value}' of ${given}`), 2)
        tests.push(made)
      } else if (nat !== undefined) tests.push(nat)
      else if (a === '-o') {
        const outputs = (inline ?? args[++i] ?? '').split(',')
        extended = outputs.includes('extended')
      } else return failed(say(a.startsWith('-') ? `unknown option \`${given}'` : `Bad parameter \`${a}'`), 2)
    }
    if (command === undefined) return failed('conntrack: one of -L and -C is needed here\n', 2)
    const { text, count } = printConntrack(view, netns, { extended, select: (e) => tests.every((t) => t(e)) })
    if (command === 'count') return printed(`${count}\n`)
    return { stdout: text, stderr: conntrackSummary(count), exitCode: 0 }
  },
}
