/** What a protocol's tracker says of a packet, for nf_conntrack_in(). */
export const TRACK = {
  ACCEPT: 0,
  /** -NF_ACCEPT: not part of the connection; the packet goes on without an entry. */
  INVALID: 1,
  /** -NF_REPEAT: the entry was of a connection that is over; remove it and look up again. */
  REPEAT: 2,
  /** nf_ct_kill: accepted, and the entry is removed. */
  KILL: 3,
} as const
export type Tracked = (typeof TRACK)[keyof typeof TRACK]
