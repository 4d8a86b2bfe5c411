/**
 * The part of the helper that stands for MetalLB's speaker in layer 2 mode (src/sim/processes/metallb-speaker.ts): packet sockets that
 * answer ARP for addresses which the node does not have, and gratuitous ARP for those that are new. SIGUSR1: another list is in the file.
 */
export const SPEAKER = String.raw`
def speaker(path):
    sockets = []
    for name in sorted(os.listdir('/sys/class/net')):
        base = '/sys/class/net/' + name + '/'
        flags = int(open(base + 'flags').read(), 16)
        # IFF_UP, IFF_BROADCAST and neither IFF_LOOPBACK nor IFF_NOARP; a bridge's ports are left out.
        if flags & 0x8b != 0x3 or os.path.exists(base + 'master'):
            continue
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806))
        s.bind((name, 0x0806))
        sockets.append((name, s, s.getsockname()[4]))
    def arp(op, mac, ip, target_mac, target_ip):
        return struct.pack('!HHBBH', 1, 0x0800, 6, 4, op) + mac + ip + target_mac + target_ip
    def read():
        with open(path) as f:
            return {socket.inet_aton(ip): names for ip, names in json.load(f).items()}
    announced = read()
    changed, spams = [], {}
    signal.signal(signal.SIGUSR1, lambda *_: changed.append(True))
    wake, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker)
    broadcast = b'\xff' * 6
    def gratuitous(ip):
        for name, s, mac in sockets:
            if not announced[ip] or name in announced[ip]:
                for op in (1, 2):
                    s.send(broadcast + mac + b'\x08\x06' + arp(op, mac, ip, broadcast, ip))
    open(path + '.ready', 'w').close()
    while True:
        now = time.monotonic()
        due = [t for t, _ in spams.values()]
        ready = select.select([s for _, s, _ in sockets] + [wake], [], [], max(0, min(due) - now) if due else None)[0]
        if wake in ready:
            os.read(wake, 64)
        for name, s, mac in sockets:
            if s not in ready:
                continue
            frame = s.recv(2048)
            op, ip = struct.unpack('!H', frame[20:22])[0], frame[38:42]
            if op == 1 and frame[:6] in (broadcast, mac) and ip in announced and (not announced[ip] or name in announced[ip]):
                s.send(frame[22:28] + mac + b'\x08\x06' + arp(2, mac, ip, frame[22:28], frame[28:32]))
        now = time.monotonic()
        if changed:
            changed.clear()
            before, announced = announced, read()
            for ip in announced:
                if ip not in before:
                    spams[ip] = (now, now + 5)
        for ip, (at, until) in list(spams.items()):
            if ip not in announced or at > until:
                del spams[ip]
            elif at <= now:
                gratuitous(ip)
                spams[ip] = (at + 1.1, until)
`
