/**
 * The part of the helper that stands for the engine's proxies (reverse-proxy*.ts, userspace-proxy*.ts): the same rules, heads,
 * pages and order of system calls. What the engine chose freely (ports, request ids, whose turn it is) comes with the configuration.
 */
export const PROXIES = String.raw`
def receive_head(conn, data):
    while True:
        end = data.find(b'\r\n\r\n')
        if end >= 0:
            lines = data[:end].decode(errors='replace').split('\r\n')
            pairs = [(l.partition(':')[0], l.partition(':')[2].strip()) for l in lines[1:]]
            return lines[0], pairs, data[end + 4:]
        got = conn.recv(65536)
        if not got:
            return None
        data += got

def value(pairs, name):
    return next((v for k, v in pairs if k.lower() == name.lower()), None)

def head_of(start, pairs):
    return ('\r\n'.join([start] + ['%s: %s' % p for p in pairs]) + '\r\n\r\n').encode()

HOP_BY_HOP = {'connection', 'keep-alive', 'proxy-connection', 'te', 'upgrade', 'proxy'}

def others(pairs, written, hidden=()):
    names = {k.lower() for k, _ in written} | HOP_BY_HOP | set(hidden)
    return [(k, v) for k, v in pairs if k.lower() not in names]

def given(name, v):
    return [(name, v)] if v else []

def prefix_matches(rule, path):
    prefix = rule.rstrip('/')
    return path == prefix or path.startswith(prefix + '/')

def host_matches(pattern, host):
    if not pattern.startswith('*.'):
        return pattern in ('', host)
    dot = host.find('.')
    return dot > 0 and host[dot + 1:] == pattern[2:]

def nginx_route(routes, host, path):
    rules = [r for r in routes if not r['isDefault']]
    hosts = [r['host'] for r in rules if r['host']]
    server = host if host in hosts else next((h for h in hosts if host_matches(h, host)), '')
    def matches(r):
        if r['type'] == 'Exact':
            return path == r['path']
        return prefix_matches(r['path'], path) if r['type'] == 'Prefix' else path.startswith(r['path'])
    found = [r for r in rules if r['host'] == server and matches(r)]
    if found:
        return min(found, key=lambda r: (r['type'] != 'Exact', -len(r['path'])))
    owners = {r['ingress'] for r in rules if r['host'] == server}
    return next((r for r in routes if r['isDefault'] and (server == '' or r['ingress'] in owners)), None)

def wildcard(pattern, text):
    return re.fullmatch(re.escape(pattern).replace(r'\*', '.*').replace(r'\?', '.'), text) is not None

def alb_route(routes, host, path):
    rules = [r for r in routes if not r['isDefault']]
    for h in dict.fromkeys(r['host'] for r in rules):
        if not wildcard(h or '*', host):
            continue
        own = [r for r in rules if r['host'] == h]
        ordered = [r for r in own if r['type'] == 'Exact']
        ordered += sorted((r for r in own if r['type'] == 'Prefix'), key=lambda r: -len(r['path']))
        ordered += [r for r in own if r['type'] == 'ImplementationSpecific']
        for r in ordered:
            t, p = r['type'], r['path']
            if path == p if t == 'Exact' else prefix_matches(p, path) if t == 'Prefix' else wildcard(p, path):
                return r
    return next((r for r in routes if r['isDefault']), None)

def nginx_request(start, pairs, client, port, rid):
    host = value(pairs, 'host') or ''
    out = [('Host', host), ('X-Request-ID', value(pairs, 'x-request-id') or rid), ('X-Real-IP', client),
           ('X-Forwarded-For', client), ('X-Forwarded-Host', host), ('X-Forwarded-Port', str(port)),
           ('X-Forwarded-Proto', 'http'), ('X-Forwarded-Scheme', 'http'), ('X-Scheme', 'http')]
    out += given('X-Original-Forwarded-For', value(pairs, 'x-forwarded-for'))
    return head_of(re.sub('HTTP/1.0$', 'HTTP/1.1', start), out + others(pairs, out))

def alb_request(start, pairs, client, port, rid):
    before = value(pairs, 'x-forwarded-for')
    out = [('X-Forwarded-For', client if before is None else before + ', ' + client), ('X-Forwarded-Proto', 'http'),
           ('X-Forwarded-Port', str(port)), ('Host', value(pairs, 'host') or ''),
           ('X-Amzn-Trace-Id', value(pairs, 'x-amzn-trace-id') or 'Root=1-%s-%s' % (rid[:8], rid[8:]))]
    return head_of(re.sub('HTTP/1.0$', 'HTTP/1.1', start), out + others(pairs, out))

def nginx_response(start, pairs, keep):
    known = []
    for name in ('Content-Type', 'Content-Length', 'Last-Modified', 'Location'):
        known += given(name, value(pairs, name))
    known.append(('Connection', 'keep-alive' if keep else 'close'))
    return head_of(start, known + others(pairs, known, ('date', 'server', 'transfer-encoding', 'x-pad')))

def alb_response(start, pairs, keep):
    return head_of(start, others(pairs, []) + [('Connection', 'keep-alive' if keep else 'close')])

REASONS = {400: 'Bad Request', 404: 'Not Found', 502: 'Bad Gateway', 503: 'Service Temporarily Unavailable',
           504: 'Gateway Time-out'}

def own_answer(flavour, status, keep):
    title = '%d %s' % (status, REASONS[status])
    lines = ['<html>', '<head><title>%s</title></head>' % title, '<body>', '<center><h1>%s</h1></center>' % title]
    lines += ['<hr><center>nginx</center>'] if flavour == 'nginx' else []
    body = '\r\n'.join(lines + ['</body>', '</html>', ''])
    pairs = [('Content-Type', 'text/html')]
    if flavour == 'alb':
        pairs = [('Server', 'awselb/2.0')] + pairs
        if status == 404:
            pairs, body = [('Server', 'awselb/2.0'), ('Content-Type', 'text/plain; charset=utf-8')], ''
    pairs += [('Content-Length', str(len(body))), ('Connection', 'keep-alive' if keep else 'close')]
    return head_of('HTTP/1.1 ' + title, pairs), body.encode()

class Upstreams:
    """Ports and idle connections that all of a proxy's connections share."""
    def __init__(self, config):
        self.ports, self.ids, self.turns, self.idle = list(config['ports']), list(config.get('ids', [])), {}, {}
        self.lock = threading.Lock()

    def connect(self, target, timeout):
        s = socket.socket()
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.lock:
            port = self.ports.pop(0) if self.ports else 0
        if port:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(('0.0.0.0', port))
        s.settimeout(timeout)
        try:
            s.connect(tuple(target))
        except OSError:
            s.close()
            raise
        return s

    def turn(self, key, targets):
        with self.lock:
            n = self.turns.get(key, 0)
            self.turns[key] = n + 1
            return targets[n % len(targets)]

def proxy_exchange(config, up, conn, client, start, pairs, content):
    flavour, keep = config['flavour'], keeps_alive(start, {k.lower(): v for k, v in pairs})
    words = start.split(' ')
    def answer(status, keep):
        head, body = own_answer(flavour, status, keep)
        conn.sendall(head if words[0] == 'HEAD' else head + body)
        return keep
    if len(words) != 3 or words[2] not in ('HTTP/1.0', 'HTTP/1.1') or (words[2] == 'HTTP/1.1' and value(pairs, 'host') is None):
        return answer(400, False)
    host = re.sub(r':\d*$', '', value(pairs, 'host') or '').lower()
    path = re.sub(r'[?#].*$', '', words[1])
    route = (nginx_route if flavour == 'nginx' else alb_route)(config['routes'], host, path if path.startswith('/') else '/')
    if route is None:
        return answer(404, keep)
    if not route['targets']:
        return answer(503, keep)
    rid = up.ids.pop(0) if up.ids else os.urandom(16).hex()
    text = (nginx_request if flavour == 'nginx' else alb_request)(start, pairs, client, config['port'], rid) + content
    tries, timed_out = 0, False
    while True:
        target = up.turn(route['service'], route['targets'])
        idle = up.idle.get(tuple(target), [])
        try:
            reused = bool(idle)
            if reused:
                s = idle.pop()
            else:
                tries += 1
                s = up.connect(target, config['connectTimeout'])
            s.settimeout(config['readTimeout'])
            s.sendall(text)
            got = receive_head(s, b'')
            if got is None:
                raise ConnectionResetError()
            break
        except OSError as e:
            timed_out = isinstance(e, socket.timeout)
            if tries >= config['tries']:
                return answer(504 if timed_out else 502, keep)
    status, headers, body = got
    head = (nginx_response if flavour == 'nginx' else alb_response)(status, headers, keep)
    length = 0 if words[0] == 'HEAD' else int(value(headers, 'content-length') or 0)
    conn.sendall(head + body)
    left = length - len(body)
    while left > 0:
        more = s.recv(65536)
        if not more:
            break
        conn.sendall(more)
        left -= len(more)
    if keeps_alive(status, {k.lower(): v for k, v in headers}):
        up.idle.setdefault(tuple(target), []).append(s)
    else:
        s.close()
    return keep

def proxy_connection(config, up, conn, peer):
    data = b''
    try:
        while True:
            got = receive_head(conn, data)
            if got is None:
                return
            start, pairs, data = got
            length = int(value(pairs, 'content-length') or 0)
            while len(data) < length:
                more = conn.recv(65536)
                if not more:
                    return
                data += more
            content, data = data[:length], data[length:]
            if not proxy_exchange(config, up, conn, peer[0], start, pairs, content):
                return
    except OSError:
        pass
    finally:
        conn.close()

def listening(port, backlog):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(('0.0.0.0', port))
    listener.listen(backlog)
    return listener

def reverse_proxy(config):
    up = Upstreams(config)
    listener = listening(config['port'], 511)
    while True:
        conn, peer = listener.accept()
        conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=proxy_connection, args=(config, up, conn, peer), daemon=True).start()

def copy_both(client, endpoint):
    sockets = [client, endpoint]
    other = {client: endpoint, endpoint: client}
    try:
        while True:
            for s in select.select(sockets, [], [])[0]:
                data = s.recv(32768)
                if not data:
                    raise OSError()
                other[s].sendall(data)
    except OSError:
        pass
    # The loop that came to an end closes where it wrote to, then where it read from.
    other[s].close()
    s.close()

DIAL_TIMEOUTS = (0.25, 0.5, 1, 2)

def userspace_tcp(portal, up, listener):
    while True:
        client, _ = listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        endpoint = None
        for timeout in DIAL_TIMEOUTS:
            if not portal['turns']:
                break
            try:
                endpoint = up.connect(up.turn(portal['port'], portal['turns']), timeout)
                break
            except OSError:
                pass
        if endpoint is None:
            client.close()
            continue
        endpoint.settimeout(None)
        threading.Thread(target=copy_both, args=(client, endpoint), daemon=True).start()

def userspace_udp(portal, up, s):
    clients = {}
    def answers(peer, out):
        out.settimeout(0.25)
        try:
            while True:
                s.sendto(out.recv(4096), peer)
        except OSError:
            pass
        clients.pop(peer, None)
        out.close()
    while True:
        data, peer = s.recvfrom(4096)
        out = clients.get(peer)
        if out is None:
            if not portal['turns']:
                continue
            out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            if up.ports:
                out.bind(('0.0.0.0', up.ports.pop(0)))
            out.connect(tuple(up.turn(portal['port'], portal['turns'])))
            clients[peer] = out
            threading.Thread(target=answers, args=(peer, out), daemon=True).start()
        try:
            out.send(data)
        except OSError:
            pass

def userspace_proxy(config, closed):
    up = Upstreams(config)
    held, last, sockets = [], None, {}
    def close(*_):
        for name in open(closed).read().split():
            s = sockets.pop(name, None)
            if s is not None:
                # Whoever waits in accept(2) or recvfrom(2) is woken.
                try:
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                s.close()
    signal.signal(signal.SIGUSR1, close)
    for portal in config['portals']:
        if portal['protocol'] == 'tcp':
            s = listening(portal['port'], 4096)
            serve_portal = userspace_tcp
        else:
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.bind(('0.0.0.0', portal['port']))
            serve_portal = userspace_udp
        held.append(s)
        sockets['%s/%d' % (portal['protocol'], portal['port'])] = s
        if not portal['held']:
            last = threading.Thread(target=serve_portal, args=(portal, up, s))
            last.start()
    while True:
        time.sleep(3600)
`
