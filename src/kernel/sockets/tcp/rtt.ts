import { RTO_MAX, RTO_MIN, TIMEOUT_INIT } from './constants.ts'
import type { TcpSock } from './sock.ts'

/** tcp_rtt_estimator(), tcp_set_rto(): RFC 6298 with Linux's floor of 200 ms under the variance. All times in ns. */
export function sampleRtt(sk: TcpSock, rtt: number): void {
  const m = Math.max(rtt, 1)
  sk.minRtt = Math.min(sk.minRtt, m)
  if (sk.srtt === 0) {
    sk.srtt = m
    sk.mdev = m / 2
    // Three round trips to begin with.
    sk.rttvar = Math.max(sk.mdev * 4, RTO_MIN)
  } else {
    const delta = m - sk.srtt
    sk.srtt += delta / 8
    sk.mdev += (Math.abs(delta) - sk.mdev) / 4
    sk.rttvar = Math.max(sk.mdev * 4, RTO_MIN)
  }
  sk.rto = currentRto(sk)
  // Only what was really measured ends the doubling (RFC 6298).
  sk.backoff = 0
}

/**
 * tcp_ack_update_rtt(): `measured` (ns) is of segments that went out once. Where all that was acknowledged went out more often
 * (Karn), the echoed timestamp tells how old what the other end answers is, in whole milliseconds and one at least.
 */
export function updateRtt(sk: TcpSock, measured: number | undefined, timestamps: { readonly echo: number } | undefined): void {
  if (measured !== undefined) {
    sampleRtt(sk, measured)
    return
  }
  if (!sk.tsOk || timestamps === undefined || timestamps.echo === 0) return
  const age = (sk.timestamp() - timestamps.echo) >>> 0
  if (age < OLDEST_ECHO) sampleRtt(sk, Math.max(age, 1) * 1_000_000)
}

/** INT_MAX / (USEC_PER_SEC / TCP_TS_HZ) */
const OLDEST_ECHO = Math.floor(0x7fffffff / 1000)

/** The timeout without backoff. */
export function currentRto(sk: TcpSock): number {
  if (sk.srtt === 0) return TIMEOUT_INIT
  return Math.min(Math.round(sk.srtt + sk.rttvar), RTO_MAX)
}
