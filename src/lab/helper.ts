import { DNS_SERVER } from './helper-dns.ts'
import { HOLD } from './helper-hold.ts'
import { PROXIES } from './helper-proxies.ts'
import { SPEAKER } from './helper-speaker.ts'

/**
 * The program that a lab script carries with it: the servers that the engine's own programs are modelled on (src/sim/processes),
 * with the same reads, writes and closes, and so the same segments. Python 3.6 or later, standard library only.
 *
 *   hs.py httpd NAME PORT      hs.py udp-echo PORT      hs.py health NAMESPACE NAME COUNT PORT NODE
 *        hs.py reverse-proxy JSON      hs.py userspace-proxy JSON      hs.py dns JSON      hs.py speaker FILE      hs.py hold QUEUE MS CLASH MARK
 */
export const HELPER = String.raw`import json, os, re, select, signal, socket, struct, sys, threading, time

def keeps_alive(start, headers):
    connection = headers.get('connection', '').lower()
    if 'close' in connection:
        return False
    return 'HTTP/1.0' not in start or 'keep-alive' in connection

def answer(conn, peer, name, start, pairs):
    words = start.split(' ')
    fine = len(words) > 2 and words[2] in ('HTTP/1.0', 'HTTP/1.1')
    keep = fine and keeps_alive(start, {k.lower(): v for k, v in reversed(pairs)})
    status, kind, body = '400 Bad Request', ['Content-Type: text/plain; charset=utf-8'], 'Bad Request\n'
    if fine and callable(name):
        status, kind, body = name()
    elif fine:
        status = '200 OK'
        body = 'Hostname: %s\nRemoteAddr: %s:%d\nRequest: %s\n' % (name, peer[0], peer[1], start)
        body += ''.join('%s: %s\n' % p for p in pairs if p[0].lower().startswith('x-'))
    head = ['HTTP/1.1 ' + status] + kind + ['Content-Length: %d' % len(body.encode())]
    if not keep:
        head.append('Connection: close')
    text = '\r\n'.join(head) + '\r\n\r\n' + ('' if words[0] == 'HEAD' else body)
    conn.sendall(text.encode())
    return keep

def serve(conn, peer, name):
    data, pending = b'', None
    try:
        while True:
            got = conn.recv(65536)
            if not got:
                return
            data += got
            while True:
                if pending is None:
                    end = data.find(b'\r\n\r\n')
                    if end < 0:
                        break
                    lines = data[:end].decode(errors='replace').split('\r\n')
                    data = data[end + 4:]
                    cut = [line.partition(':') for line in lines[1:]]
                    pending = (lines[0], [(key, value.strip()) for key, _, value in cut])
                length = next((v for k, v in pending[1] if k.lower() == 'content-length'), '')
                length = int(length) if length.isdigit() else 0
                if len(data) < length:
                    break
                data = data[length:]
                start, pairs = pending
                pending = None
                if not answer(conn, peer, name, start, pairs):
                    return
    except OSError:
        pass
    finally:
        conn.close()

def httpd(name, port):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(('0.0.0.0', port))
    listener.listen(4096)
    while True:
        conn, peer = listener.accept()
        conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=serve, args=(conn, peer, name), daemon=True).start()

def health(namespace, service, first, port, node):
    body = '{\n\t"service": {\n\t\t"namespace": "%s",\n\t\t"name": "%s"\n\t},\n\t"localEndpoints": %d,\n\t"serviceProxyHealthy": true\n}'
    changed = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'health-%s-%s-%s' % (node, namespace, service))
    def respond():
        count = first
        if os.path.exists(changed):
            with open(changed) as f:
                count = int(f.read())
        kind = ['Content-Type: application/json', 'X-Content-Type-Options: nosniff', 'X-Load-Balancing-Endpoint-Weight: %d' % count]
        return '200 OK' if count > 0 else '503 Service Unavailable', kind, body % (namespace, service, count)
    httpd(respond, port)

def udp_echo(port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(('0.0.0.0', port))
    while True:
        try:
            data, peer = s.recvfrom(65536)
            s.sendto(data, peer)
        except OSError:
            pass
${PROXIES}${DNS_SERVER}${SPEAKER}${HOLD}
if sys.argv[1] == 'httpd':
    httpd(sys.argv[2], int(sys.argv[3]))
elif sys.argv[1] == 'health':
    health(sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]), sys.argv[6])
elif sys.argv[1] == 'speaker':
    speaker(sys.argv[2])
elif sys.argv[1] == 'udp-echo':
    udp_echo(int(sys.argv[2]))
elif sys.argv[1] == 'reverse-proxy':
    reverse_proxy(json.loads(sys.argv[2]))
elif sys.argv[1] == 'dns':
    Dns(json.loads(sys.argv[2])).serve()
elif sys.argv[1] == 'hold':
    hold(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], int(sys.argv[5]))
elif sys.argv[1] == 'userspace-proxy':
    userspace_proxy(json.loads(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None)
else:
    sys.exit('hs.py: httpd NAME PORT | udp-echo PORT')
`
