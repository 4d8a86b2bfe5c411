/** The helper's DNS server: it repeats what the engine's did (see dns.ts), with the ids of the questions that come. */
export const DNS_SERVER = `
class Dns:
    def __init__(self, config):
        self.config, self.turns, self.idle, self.lock = config, {}, {}, threading.Lock()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((config['address'], 53))

    def serve(self):
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

    def take(self, query, peer, before):
        end = 12
        while end < len(query) and query[end]:
            end += query[end] + 1
        end += 5
        if len(query) < end or query[2] & 0x80:
            return before
        key = (query[12:end - 4].lower() + query[end - 4:end]).hex()
        runs = self.config['answers'].get(key)
        if not runs:
            return before
        turn = self.turns.get(key, 0)
        self.turns[key] = turn + 1
        actions = runs[min(turn, len(runs) - 1)]
        work = threading.Thread(target=self.answer, args=(query, end, peer, actions, before), daemon=True)
        work.start()
        return work

    def answer(self, query, end, peer, actions, before):
        opt = query[end:]
        for a in actions:
            message = bytes.fromhex(a['message'])
            if a['opt'] and opt:
                message = message[:len(message) - len(opt)] + opt
            if 'ask' in a:
                self.ask(a['ask'], message)
            else:
                # Answers leave in the order in which the questions came.
                if before:
                    before.join()
                self.socket.sendto(query[:2] + message[2:], peer)

    def ask(self, to, message):
        key = (to['from'], to['port'], to['to'])
        with self.lock:
            s, timer = self.idle.pop(key, (None, None))
        if timer:
            timer.cancel()
        own = os.urandom(2)
        try:
            if s is None:
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                s.bind((to['from'], to['port']))
                s.connect((to['to'], 53))
            s.settimeout(2)
            s.send(own + message[2:])
            while s.recv(65536)[:2] != own:
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
