import type { Finding } from '../explain/service-check.ts'
import { formatIpv4, parseIpv4 } from '../net/address.ts'
import { type Asked, answered, check, errorOf, runOf, sameSet, stepOf } from './asked.ts'
import { readyOf } from './probes.ts'
import type { Check } from './report.ts'
import { hasClusterDns, type Subject } from './subject.ts'

/** Does the Service's name resolve, and to what it should? */
export function checkDns(asked: Asked, subject: Subject): Check {
  if (!hasClusterDns(asked.view)) return check('dns', 'not-needed', [{ code: 'no-dns' }], [])
  const [short, full] = asked.of('dns')
  if (short === undefined || full === undefined) return check('dns', 'unknown', [{ code: 'not-modelled', what: 'nslookup' }], [])
  const runs = [runOf(short), runOf(full)]
  const name = short.probe.about
  if (!answered(short)) {
    const finding: Finding = answered(full)
      ? { code: 'only-in-full', name, full: full.probe.about }
      : { code: 'not-resolved', name, error: errorOf(short) }
    return check('dns', 'failed', [finding], runs, stepOf(short))
  }
  const addresses = addressesIn(short.result.output)
  const expected = subject.clusterIP === undefined ? [...new Set(readyOf(subject).map((e) => e.address))] : [subject.clusterIP]
  const agrees = subject.type === 'ExternalName' || sameSet(addresses, expected)
  if (agrees) return check('dns', 'ok', [{ code: 'resolved', name, addresses }], runs, short.result.last)
  return check('dns', 'failed', [{ code: 'resolved-otherwise', name, addresses, expected }], runs, short.result.last)
}

/** The answers that nslookup prints: `Address: 10.96.0.10` after a name, not the server's `Address: 10.96.0.10#53`. */
const addressesIn = (output: string): string[] => [
  ...new Set(
    [...output.matchAll(/^Name:[^\n]*\nAddress: (\S+)$/gm)].flatMap((m) => {
      const parsed = parseIpv4(m[1] ?? '')
      return parsed.ok ? [formatIpv4(parsed.value)] : []
    }),
  ),
]
