/** The errno names that sockets answer with. */
export type Errno =
  | 'EACCES'
  | 'EADDRINUSE'
  | 'EADDRNOTAVAIL'
  | 'EAGAIN'
  | 'EALREADY'
  | 'ECONNREFUSED'
  | 'ECONNRESET'
  | 'EHOSTDOWN'
  | 'EHOSTUNREACH'
  | 'EINVAL'
  | 'EISCONN'
  | 'EMSGSIZE'
  | 'ENETUNREACH'
  | 'ENODEV'
  | 'ENONET'
  | 'ENOPROTOOPT'
  | 'ENOTCONN'
  | 'EOPNOTSUPP'
  | 'EPERM'
  | 'EPIPE'
  | 'EPROTO'
  | 'EREMOTEIO'
  | 'ETIMEDOUT'

/** strerror(3) as glibc says it. */
const TEXTS: Record<Errno, string> = {
  EACCES: 'Permission denied',
  EADDRINUSE: 'Address already in use',
  EADDRNOTAVAIL: 'Cannot assign requested address',
  EAGAIN: 'Resource temporarily unavailable',
  EALREADY: 'Operation already in progress',
  ECONNREFUSED: 'Connection refused',
  ECONNRESET: 'Connection reset by peer',
  EHOSTDOWN: 'Host is down',
  EHOSTUNREACH: 'No route to host',
  EINVAL: 'Invalid argument',
  EISCONN: 'Transport endpoint is already connected',
  EMSGSIZE: 'Message too long',
  ENETUNREACH: 'Network is unreachable',
  ENODEV: 'No such device',
  ENONET: 'Machine is not on the network',
  ENOPROTOOPT: 'Protocol not available',
  ENOTCONN: 'Transport endpoint is not connected',
  EOPNOTSUPP: 'Operation not supported',
  EPERM: 'Operation not permitted',
  EPIPE: 'Broken pipe',
  EPROTO: 'Protocol error',
  EREMOTEIO: 'Remote I/O error',
  ETIMEDOUT: 'Connection timed out',
}
export const strerror = (e: Errno): string => TEXTS[e]

/** What a socket reports, and the seq of the step that decided it: the delivered reset or ICMP error, the last retransmission. */
export interface SocketError {
  readonly errno: Errno
  readonly decidedBy?: number
}

/** icmp_err_convert (net/ipv4/icmp.c): destination unreachable by code. `fatal` ends a connected datagram socket's wait. */
const UNREACHABLE: readonly { readonly errno: Errno; readonly fatal: boolean }[] = [
  { errno: 'ENETUNREACH', fatal: false }, // 0 net unreachable
  { errno: 'EHOSTUNREACH', fatal: false }, // 1 host unreachable
  { errno: 'ENOPROTOOPT', fatal: true }, // 2 protocol unreachable
  { errno: 'ECONNREFUSED', fatal: true }, // 3 port unreachable
  { errno: 'EMSGSIZE', fatal: false }, // 4 fragmentation needed
  { errno: 'EOPNOTSUPP', fatal: false }, // 5 source route failed
  { errno: 'ENETUNREACH', fatal: true }, // 6 net unknown
  { errno: 'EHOSTDOWN', fatal: true }, // 7 host unknown
  { errno: 'ENONET', fatal: true }, // 8 host isolated
  { errno: 'ENETUNREACH', fatal: true }, // 9 net prohibited
  { errno: 'EHOSTUNREACH', fatal: true }, // 10 host prohibited
  { errno: 'ENETUNREACH', fatal: false }, // 11 net unreachable for TOS
  { errno: 'EHOSTUNREACH', fatal: false }, // 12 host unreachable for TOS
  { errno: 'EHOSTUNREACH', fatal: true }, // 13 packet filtered
  { errno: 'EHOSTUNREACH', fatal: true }, // 14 precedence violation
  { errno: 'EHOSTUNREACH', fatal: true }, // 15 precedence cutoff
]
export const FRAG_NEEDED = 4

/** The errno of an ICMP error, undefined for types that report none (redirect, source quench, unknown codes). */
export function icmpErrno(type: number, code: number): { readonly errno: Errno; readonly fatal: boolean } | undefined {
  if (type === 3) return UNREACHABLE[code]
  if (type === 11) return { errno: 'EHOSTUNREACH', fatal: false }
  if (type === 12) return { errno: 'EPROTO', fatal: true }
  return undefined
}
