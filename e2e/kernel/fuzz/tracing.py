"""Which rules a packet fits, as netlink tells it in the namespace that the thread is in."""
import base64, socket, struct

SO_RCVBUFFORCE, NETLINK_NETFILTER = 33, 12
NFULNL_MSG_PACKET, NFULNL_MSG_CONFIG = 0x400, 0x401
NFT_MSG_TRACE, NFNLGRP_NFTRACE = 0xA11, 9
SOL_NETLINK, NETLINK_ADD_MEMBERSHIP = 270, 1
TCP_FLAGS = ('FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR')
NFULNL_CFG_CMD_BIND, NFULNL_CFG_CMD_PF_BIND = 1, 3
# Sets the mark on which every table reports each rule that fits: of iptables-legacy too, and without a rule of its own there.
TRACE_RULES = '''table ip hopscope_trace {
  chain prerouting { type filter hook prerouting priority -310; meta nftrace set 1; }
  chain output { type filter hook output priority -310; meta nftrace set 1; }
}
'''


def attribute(kind, value):
    return struct.pack('HH', 4 + len(value), kind) + value + b'\0' * (-len(value) % 4)


def attributes(data):
    found, at = {}, 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from('HH', data, at)
        found[kind & 0x3fff] = data[at + 4:at + length]
        at += (length + 3) & ~3
    return found


class Tracer:
    """Netlink messages of one type, of the namespace that the thread is in. The room is Root's to take."""

    def __init__(self, kind):
        self.kind = kind
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 26)
        self.socket.bind((0, 0))

    def messages(self):
        """Attributes by number, message by message."""
        while True:
            try:
                data = self.socket.recv(1 << 18, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            at = 0
            while at + 16 <= len(data):
                length, kind = struct.unpack_from('IH', data, at)
                if kind == self.kind:
                    yield attributes(data[at + 20:at + length])
                at += (length + 3) & ~3


class LogTracer(Tracer):
    """What nf_log says (nfnetlink_log, group 0): of iptables-legacy."""

    def __init__(self):
        super().__init__(NFULNL_MSG_PACKET)
        self.configure(socket.AF_INET, attribute(1, struct.pack('B', NFULNL_CFG_CMD_PF_BIND)))
        self.configure(socket.AF_UNSPEC, attribute(1, struct.pack('B', NFULNL_CFG_CMD_BIND)))
        # A header's worth of each packet; many messages in one, which goes off after a tenth of a second.
        self.configure(socket.AF_UNSPEC, attribute(2, struct.pack('>IBx', 100, 2)) + attribute(3, struct.pack('>I', 16384)) +
                       attribute(4, struct.pack('>I', 10)) + attribute(5, struct.pack('>I', 64)))

    def configure(self, family, attributes):
        body = struct.pack('>BBH', family, 0, 0) + attributes
        self.socket.send(struct.pack('IHHII', 16 + len(body), NFULNL_MSG_CONFIG, 5, 0, 0) + body)
        status, = struct.unpack_from('i', self.socket.recv(4096), 16)
        if status != 0:
            raise OSError(-status, 'nfnetlink_log')

    def result(self):
        return {'events': [self.event(m) for m in self.messages()]}

    @staticmethod
    def event(found):
        devices = [struct.unpack('>I', found[k])[0] if k in found else 0 for k in (4, 5, 6, 7)]
        return {'prefix': found.get(10, b'').rstrip(b'\0').decode(), 'hook': found[1][2], 'devices': devices,
                'packet': base64.b64encode(found.get(9, b'')).decode()}


class NftTracer(Tracer):
    """What nftables says of iptables-nft's tables, in the words of xtables-monitor."""

    def __init__(self):
        super().__init__(NFT_MSG_TRACE)
        self.socket.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, NFNLGRP_NFTRACE)

    def result(self):
        lines = [line for m in self.messages() for line in self.lines(m)]
        return {'text': '\n'.join(lines)}

    @staticmethod
    def lines(found):
        packet = found[6].hex()
        if 8 in found:
            yield 'PACKET: 2 %s %s' % (packet, NftTracer.header(found[8], found.get(9, b'')))
        where = ':'.join(found[k].rstrip(b'\0').decode() for k in (1, 2))
        kind = struct.unpack('>I', found[4])[0]
        if kind == 1:
            verdict = struct.unpack('>I', found[16])[0]
            yield ' TRACE: 2 %s %s:policy:%s' % (packet, where, 'ACCEPT' if verdict else 'DROP')
        elif 3 in found:
            # A RETURN that is written is a rule like any other; one at a chain's end has no handle.
            yield ' TRACE: 2 %s %s:rule:0x%x:' % (packet, where, struct.unpack('>Q', found[3])[0])

    @staticmethod
    def header(ip, transport):
        words = ['SRC=' + socket.inet_ntoa(ip[12:16]), 'DST=' + socket.inet_ntoa(ip[16:20]),
                 'LEN=%d' % struct.unpack_from('>H', ip, 2), 'TTL=%d' % ip[8]]
        if ip[9] in (socket.IPPROTO_TCP, socket.IPPROTO_UDP) and len(transport) >= 4:
            words += ['SPORT=%d' % struct.unpack_from('>H', transport), 'DPORT=%d' % struct.unpack_from('>H', transport, 2)]
        if ip[9] == socket.IPPROTO_TCP and len(transport) >= 14:
            words += [name for i, name in enumerate(TCP_FLAGS) if transport[13] & 1 << i]
        return ' '.join(words) + ' '
