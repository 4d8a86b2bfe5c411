"""Runs fuzz cases on this machine's kernel: one plan (JSON) a line on standard input, one result a line on standard output.

Every case gets fresh network namespaces that have no name: only this process holds them, so they are gone with it, however
it ends. One process does one case at a time; throughput comes from several processes, as most of a case is waiting.
"""
import base64, ctypes, errno, fcntl, json, mmap, os, signal, socket, struct, subprocess, sys, threading, time

from tracing import LogTracer, NftTracer, TRACE_RULES

libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS, SIOCETHTOOL = 0x8913, 0x8946
# ETHTOOL_SRXCSUM, STXCSUM, SSG, STSO, SGSO, SGRO
OFFLOADS = (0x15, 0x17, 0x19, 0x1F, 0x24, 0x2C)
IFF_RUNNING = 0x40
PACKET_OUTGOING, ETH_P_ALL = 4, 3
SOL_PACKET, PACKET_RX_RING, PACKET_STATISTICS, PACKET_VERSION, TPACKET_V2, TP_STATUS_USER = 263, 5, 6, 10, 1, 1
BLOCK, FRAME = 65536, 4096
ENV = {'PATH': os.environ.get('PATH', '/usr/sbin:/usr/bin:/sbin:/bin'), 'LC_ALL': 'C',
       'XTABLES_LOCKFILE': '/tmp/hf-xtables-%d.lock' % os.getpid()}


class Failed(Exception):
    pass


class TooSmall(Failed):
    """A capture or a trace was longer than the room made for it."""


def check(status, what):
    if status != 0:
        raise Failed('%s: %s' % (what, os.strerror(ctypes.get_errno())))


def enter(fd):
    check(libc.setns(fd, CLONE_NEWNET), 'setns')


def tool(words, text='', may_fail=False):
    ran = subprocess.run(words, input=text, capture_output=True, text=True, env=ENV, timeout=20)
    if ran.returncode != 0 and not may_fail:
        raise Failed('%s: %s' % (' '.join(words), ran.stderr.strip()[:400]))
    return ran.stdout


def sysctl(line, optional=False):
    key, _, value = line.partition('=')
    parts = key.split('.')
    try:
        with open('/proc/sys/' + '/'.join(parts), 'w') as f:
            f.write(value)
    except OSError as e:
        if not optional:
            raise Failed('%s: %s' % (line, e.strerror))


class Case:
    def __init__(self, plan):
        self.plan = plan
        self.fds = {}
        self.captures = {}
        self.tracers = {}
        self.server = 0

    def run(self):
        self.build()
        self.serve()
        self.wait_links()
        self.trace()
        self.capture()
        journeys = [self.journey(j) for j in self.plan['journeys']]
        return {'journeys': journeys, 'tables': self.tables(), 'frames': self.frames(), 'traces': self.traces()}

    def batch(self, words, lines):
        if lines:
            text = '\n'.join(lines) + '\n'
            for name, fd in self.fds.items():
                text = text.replace('@%s@' % name, '/proc/%d/fd/%d' % (os.getpid(), fd))
            tool(words, text)

    def build(self):
        spaces = self.plan['namespaces']
        for ns in spaces:
            check(libc.unshare(CLONE_NEWNET), 'unshare')
            self.fds[ns['name']] = os.open('/proc/thread-self/ns/net', os.O_RDONLY)
            for line in ns['early']:
                sysctl(line)
            for line in ns['optional']:
                sysctl(line, True)
        for ns in spaces:
            enter(self.fds[ns['name']])
            self.batch(['ip', '-batch', '-'], ns['links'])
        self.batch(['ip', '-batch', '-'], self.plan['cables'])
        for ns in spaces:
            enter(self.fds[ns['name']])
            self.batch(['ip', '-batch', '-'], ns['up'])
            self.offloads(ns['devices'])
        for ns in spaces:
            enter(self.fds[ns['name']])
            for line in ns['late']:
                sysctl(line)
            self.batch(['ip', '-batch', '-'], ns['layer3'])
            self.batch(['bridge', '-batch', '-'], ns['bridge'])
            if ns['sets']:
                tool(['ipset', 'restore'], '\n'.join(ns['sets']) + '\n')
            if ns['iptables']:
                tool(['iptables-%s-restore' % self.plan['iptables']], ns['iptables'])

    # Checksums and segmentation in software, so that a capture holds what a wire would; lo cannot be told.
    def offloads(self, devices):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            for dev in devices:
                if dev == 'lo':
                    continue
                for command in OFFLOADS:
                    value = ctypes.create_string_buffer(struct.pack('II', command, 0))
                    ifreq = struct.pack('16sP', dev.encode(), ctypes.addressof(value))
                    try:
                        fcntl.ioctl(s, SIOCETHTOOL, ifreq)
                    except OSError as e:
                        if e.errno != errno.EOPNOTSUPP:
                            raise

    # A new cable passes nothing until linkwatch has noticed its carrier.
    def wait_links(self):
        end = time.monotonic() + 15
        for ns in self.plan['namespaces']:
            enter(self.fds[ns['name']])
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                for dev in ns['running']:
                    while True:
                        got = fcntl.ioctl(s, SIOCGIFFLAGS, struct.pack('16s24x', dev.encode()))
                        if struct.unpack_from('H', got, 16)[0] & IFF_RUNNING:
                            break
                        if time.monotonic() > end:
                            raise Failed('%s of %s does not come up' % (dev, ns['name']))
                        time.sleep(0.02)
        time.sleep(0.05)

    def serve(self):
        servers = self.plan['servers']
        if not servers:
            return
        sys.stdout.flush()
        self.server = os.fork()
        if self.server == 0:
            self.server_process(servers)
        end = time.monotonic() + 10
        for s in servers:
            enter(self.fds[s['netns']])
            table = '/proc/thread-self/net/' + ('udp' if s['kind'] == 'udp-echo' else 'tcp')
            while ' 00000000:%04X ' % s['port'] not in open(table).read():
                if time.monotonic() > end:
                    raise Failed('nothing listens on port %d of %s' % (s['port'], s['netns']))
                time.sleep(0.005)

    def server_process(self, servers):
        libc.prctl(1, signal.SIGKILL)
        # A server that gets its turn late acknowledges apart from its answer, which the engine's never does.
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(2))
        scope = {}
        exec(self.plan['helper'], scope)

        def one(s):
            enter(self.fds[s['netns']])
            if s['kind'] == 'httpd':
                scope['httpd'](s['name'], s['port'])
            else:
                scope['udp_echo'](s['port'])

        for s in servers:
            threading.Thread(target=one, args=(s,), daemon=True).start()
        while True:
            signal.pause()

    def capture(self):
        for ns in self.plan['namespaces']:
            name, frames = ns['name'], -(-ns['frames'] * FRAME // BLOCK) * BLOCK // FRAME
            enter(self.fds[name])
            # A ring, as it copies at once: a socket's queue would hold clones, in which br_netfilter goes on writing.
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            s.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V2)
            s.setsockopt(SOL_PACKET, PACKET_RX_RING, struct.pack('IIII', BLOCK, frames * FRAME // BLOCK, FRAME, frames))
            ring = mmap.mmap(s.fileno(), frames * FRAME)
            self.captures[name] = (s, ring)

    def trace(self):
        for ns in self.plan['namespaces']:
            if not (self.plan['trace'] and ns['iptables']):
                continue
            enter(self.fds[ns['name']])
            tool(['nft', '-f', '-'], TRACE_RULES)
            self.tracers[ns['name']] = LogTracer() if self.plan['iptables'] == 'legacy' else NftTracer()

    def traces(self):
        out = {}
        try:
            for name, tracer in self.tracers.items():
                enter(self.fds[name])
                out[name] = tracer.result()
                if 'text' in out[name]:
                    out[name]['ruleset'] = tool(['nft', '-a', 'list', 'ruleset'])
        except OSError as e:
            if e.errno != errno.ENOBUFS:
                raise
            raise TooSmall('a trace lost events')
        return out

    def journey(self, j):
        enter(self.fds[j['netns']])
        p = subprocess.Popen(['sh', '-c', j['command']], env=ENV, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, start_new_session=True)
        try:
            output, _ = p.communicate(timeout=j['limit'])
            status = p.returncode
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGKILL)
            output, _ = p.communicate()
            status = 124
        time.sleep(j['settle'])
        return {'exit': status, 'output': output}

    def tables(self):
        out = {}
        for ns in self.plan['namespaces']:
            enter(self.fds[ns['name']])
            sections = {'ip neigh': tool(['ip', '-4', 'neigh', 'show']),
                        'ip link': tool(['ip', '-s', 'link', 'show']),
                        'ss': tool(['ss', '-Htuna4'])}
            if any(' type bridge ' in line for line in ns['links']):
                sections['bridge fdb'] = tool(['bridge', 'fdb', 'show'])
            if ns['iptables']:
                sections['conntrack'] = tool(['conntrack', '-L'], may_fail=True)
                sections['iptables-save'] = tool(['iptables-%s-save' % self.plan['iptables'], '-c'])
            out[ns['name']] = sections
        return out

    def frames(self):
        out = {}
        for name, (s, ring) in self.captures.items():
            enter(self.fds[name])
            dropped = struct.unpack('II', s.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]
            if dropped:
                raise TooSmall('the capture of %s lost %d frames' % (name, dropped))
            names = {}
            for at in range(0, len(ring), FRAME):
                # struct tpacket2_hdr, and behind it struct sockaddr_ll.
                status, _, length, mac = struct.unpack_from('IIIH', ring, at)
                if not status & TP_STATUS_USER:
                    break
                index, = struct.unpack_from('i', ring, at + 36)
                if index not in names:
                    names[index] = socket.if_indextoname(index)
                dev = names[index]
                # As libpcap: lo shows every frame once.
                if dev == 'lo' and ring[at + 42] == PACKET_OUTGOING:
                    continue
                data = ring[at + mac:at + mac + length]
                out.setdefault('%s/%s' % (name, dev), []).append(base64.b64encode(data).decode())
        return out

    def close(self):
        if self.server:
            os.kill(self.server, signal.SIGKILL)
            os.waitpid(self.server, 0)
        for s, ring in self.captures.values():
            ring.close()
            s.close()
        for tracer in self.tracers.values():
            tracer.socket.close()
        for fd in self.fds.values():
            os.close(fd)


def main():
    # Gone with whoever started it: PR_SET_PDEATHSIG.
    libc.prctl(1, signal.SIGTERM)
    home = os.open('/proc/self/ns/net', os.O_RDONLY)

    def over(*_):
        raise Failed('it took too long')

    signal.signal(signal.SIGALRM, over)
    for line in sys.stdin:
        case = Case(json.loads(line))
        # What else the machine does must not come between a packet and its answer; the work itself is little.
        urgent = case.plan['urgent']
        os.sched_setscheduler(0, os.SCHED_RR if urgent else os.SCHED_OTHER, os.sched_param(1 if urgent else 0))
        began = time.monotonic()
        signal.alarm(60)
        try:
            result = case.run()
        except (Failed, OSError, subprocess.SubprocessError) as e:
            result = {'error': str(e), 'small': isinstance(e, TooSmall)}
        finally:
            signal.alarm(0)
            case.close()
            enter(home)
        result['seconds'] = time.monotonic() - began
        sys.stdout.write(json.dumps(result) + '\n')
        sys.stdout.flush()
    try:
        os.unlink(ENV['XTABLES_LOCKFILE'])
    except OSError:
        pass


main()
