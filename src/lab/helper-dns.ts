/** The helper's DNS server: it repeats what the engine's did (see dns.ts), with the ids of the questions that come. */
export const DNS_SERVER = `
class Dns:
    def __init__(self, config):
        self.config, self.turns, self.idle, self.lock = config, {}, {}, threading.Lock()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((config['address'], 53))
        self.listener.listen(config['backlog'])
        self.socket.bind((config['address'], 53))

    def accept(self):
        while True:
            conn, peer = self.listener.accept()
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.converse, args=(conn,), daemon=True).start()

    # One connection: its questions one after the other.
    def converse(self, conn):
        conn.settimeout(10)
        try:
            while True:
                query = self.frame(conn)
                if query is None:
                    return
                end, actions = self.find(query, 'tcp:')
                if actions:
                    answer = self.perform(query, end, actions)
                    conn.sendall(struct.pack('>H', len(answer)) + answer)
        except OSError:
            pass
        finally:
            conn.close()

    def frame(self, conn):
        data = b''
        while len(data) < 2 or len(data) < 2 + struct.unpack_from('>H', data)[0]:
            got = conn.recv(2 if not data else 2 + struct.unpack_from('>H', data)[0] - len(data)) if len(data) != 1 else conn.recv(1)
            if not got:
                return None
            data += got
        return data[2:]

    def serve(self):
        threading.Thread(target=self.accept, daemon=True).start()
        while True:
            try:
                batch = [self.socket.recvfrom(65536)]
            except OSError:
                continue
            # A resolver's second question is on its way behind the first one: neither is answered before both are here.
            time.sleep(0.04)
            while True:
                try:
                    batch.append(self.socket.recvfrom(65536, socket.MSG_DONTWAIT))
                except OSError:
                    break
            before = None
            for query, peer in batch:
                before = self.take(query, peer, before)

    # Where the question ends, and what to do for it this time.
    def find(self, query, transport=''):
        end = 12
        while end < len(query) and query[end]:
            end += query[end] + 1
        end += 5
        if len(query) < end or query[2] & 0x80:
            return end, None
        key = transport + (query[12:end - 4].lower() + query[end - 4:end]).hex()
        runs = self.config['answers'].get(key)
        if not runs:
            return end, None
        turn = self.turns.get(key, 0)
        self.turns[key] = turn + 1
        return end, runs[min(turn, len(runs) - 1)]

    def take(self, query, peer, before):
        end, actions = self.find(query)
        if not actions:
            return before
        work = threading.Thread(target=self.answer, args=(query, end, peer, actions, before), daemon=True)
        work.start()
        return work

    def answer(self, query, end, peer, actions, before):
        message = self.perform(query, end, actions)
        # Answers leave in the order in which the questions came.
        if before:
            before.join()
        self.socket.sendto(message, peer)

    # Asks whom it has to ask; the answer.
    def perform(self, query, end, actions):
        opt, answer = query[end:], b''
        for a in actions:
            message = bytes.fromhex(a['message'])
            if a['opt'] and opt:
                message = message[:len(message) - len(opt)] + opt
            if 'ask' in a:
                self.ask(a['ask'], message)
            else:
                answer = query[:2] + message[2:]
        return answer

    def ask(self, to, message):
        tcp = to['tcp']
        key = (to['from'], to['port'], to['to'], tcp)
        with self.lock:
            s, timer = self.idle.pop(key, (None, None))
        if timer:
            timer.cancel()
        own = os.urandom(2)
        try:
            if s is None:
                s = socket.socket(socket.AF_INET, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM)
                s.bind((to['from'], to['port']))
                s.connect((to['to'], 53))
            s.settimeout(2)
            data = own + message[2:]
            s.send(struct.pack('>H', len(data)) + data if tcp else data)
            while ((self.frame(s) or own) if tcp else s.recv(65536))[:2] != own:
                pass
        except OSError:
            pass
        if not self.config['keep']:
            s.close()
            return
        timer = threading.Timer(10, self.expire, [key])
        timer.daemon = True
        with self.lock:
            self.idle[key] = (s, timer)
        timer.start()

    def expire(self, key):
        with self.lock:
            s, timer = self.idle.pop(key, (None, None))
        if s:
            s.close()
`
