// What a packet that has not left yet takes up of its socket's send buffer (net/core/skbuff.c, x86-64).

/** sizeof(struct sk_buff) and of struct skb_shared_info, in cache lines. */
const SK_BUFF = 256
const SHARED_INFO = 320
/** SKB_SMALL_HEAD_CACHE_SIZE */
const SMALL_HEAD = 576
/** LL_RESERVED_SPACE() of Ethernet, and the 15 that __ip_append_data() asks for beside it. */
const LINK_LAYER = 16 + 15
/** SOCK_MIN_SNDBUF: two of TCP_SKB_MIN_TRUESIZE. */
const MIN_SEND_BUFFER = 2 * (2048 + SK_BUFF)

const cacheLines = (bytes: number): number => (bytes + 63) & ~63

/** skb->truesize of an IP packet of `length` bytes: kmalloc() rounds its head up to the next power of two. */
export function truesize(length: number): number {
  const head = cacheLines(length + LINK_LAYER) + SHARED_INFO
  return (head <= SMALL_HEAD ? SMALL_HEAD : 2 ** Math.ceil(Math.log2(head))) + SK_BUFF
}

/** SO_SNDBUF: sk_sndbuf is twice what was asked for, and never too small for two frames. */
export const sendBufferOf = (asked: number): number => Math.max(2 * asked, MIN_SEND_BUFFER)
