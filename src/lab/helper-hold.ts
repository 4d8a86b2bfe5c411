/**
 * The helper's part of a stalled CPU: it holds the first packet of each flow that the queue gives it, for so many milliseconds, and
 * lets every other one go on at once. `clash`: whose packets go on when two of a flow have an entry each: `both`, those of `alike`
 * entries, the `first` that is confirmed; the others come back with a mark, to be dropped. Netlink by hand (include/uapi/linux/netfilter/nfnetlink_queue.h), for want of a library.
 */
export const HOLD = `
def attributes(data):
    found = {}
    while len(data) >= 4:
        length, kind = struct.unpack_from('=HH', data)
        if length < 4:
            break
        found[kind & 0x3fff] = data[4:length]
        data = data[length + 3 & ~3:]
    return found

def hold(queue, milliseconds, clash, mark):
    # NFNL_SUBSYS_QUEUE; NFQNL_MSG_PACKET, _VERDICT, _CONFIG
    s, sub = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12), 3 << 8
    s.bind((0, 0))
    def send(kind, flags, *pairs):
        body = struct.pack('>BBH', 0, 0, queue)
        for number, value in pairs:
            body += struct.pack('=HH', 4 + len(value), number) + value + bytes(-len(value) % 4)
        s.send(struct.pack('=IHHII', 16 + len(body), sub | kind, 1 | flags, 0, 0) + body)
    # NFQA_CFG_CMD: bind; NFQA_CFG_PARAMS: the first bytes of each packet.
    for pair in ((1, struct.pack('>BBH', 1, 0, socket.AF_INET)), (2, struct.pack('>IB', 128, 2))):
        send(2, 4, pair)
        error = struct.unpack_from('=i', s.recv(65536), 16)[0]
        if error:
            sys.exit('hold: nfnetlink_queue: ' + os.strerror(-error))
    print('holding', flush=True)
    held, overtaken = {}, {}
    def verdict(packet, *more):
        # NF_ACCEPT
        send(1, 0, (2, struct.pack('>II', 1, packet)), *more)
    def release(packet, flow, old):
        first, second = held[flow], overtaken.get(flow)
        late = second is not None and (clash == 'first' or clash == 'alike' and first != second)
        verdict(packet, *([(3, struct.pack('>I', old | mark))] if late else []))
    while True:
        data = s.recv(65536)
        while len(data) >= 16:
            length, kind = struct.unpack_from('=IH', data)
            if kind == sub:
                found = attributes(data[20:length])
                # NFQA_PACKET_HDR, NFQA_MARK, NFQA_PAYLOAD
                packet, ip = struct.unpack_from('>I', found[1])[0], found[10]
                at = (ip[0] & 15) * 4
                flow, to = ip[12:16] + ip[at:at + 2], ip[16:20] + ip[at + 2:at + 4]
                if flow in held:
                    overtaken[flow] = to
                    verdict(packet)
                else:
                    held[flow] = to
                    old = struct.unpack('>I', found[3])[0] if 3 in found else 0
                    threading.Timer(milliseconds / 1000, release, [packet, flow, old]).start()
            data = data[length + 3 & ~3:]
`
