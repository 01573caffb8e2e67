"""The fault matrix: each error that Redis answers, by a server that follows a script, through the
real agent and HAProxy: what the client saw, what was counted, and that it passes."""
import contextlib
import socketserver
import tempfile
import threading
from pathlib import Path

import pytest

import harness
from harness import metrics, prompt, total, wait_for

TEXTS = {
    'READONLY': "READONLY You can't write against a read only replica.",
    'MASTERDOWN': "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is 'no'.",
    'LOADING': 'LOADING Redis is loading the dataset in memory',
    'BUSY': 'BUSY Redis is busy running a script.',
    'OOM': "OOM command not allowed when used memory > 'maxmemory'.",
    'MISCONF': 'MISCONF Redis is configured to save RDB snapshots, but it cannot.',
    'NOREPLICAS': 'NOREPLICAS Not enough good replicas to write.',
    'NOAUTH': 'NOAUTH Authentication required.',
    'WRONGPASS': 'WRONGPASS invalid username-password pair or user is disabled.',
    'NOPERM': "NOPERM this user has no permissions to run the 'get' command",
    'other': 'ERR something that nobody has seen yet',
}
WRONGTYPE = 'WRONGTYPE Operation against a key holding the wrong kind of value'
LEFT_ALONE = ('LOADING', 'BUSY')  # after some of them in a row the node is not asked
RENEWED = ('READONLY', 'MASTERDOWN', 'NOAUTH', 'WRONGPASS')  # the connection
READ, WRITE, LEASE, ALL = 'a read', 'a write', 'a lease', 'whatever'
# What it says to an agent that follows changes, without which no lease is taken.
FOLLOWED = {b'INFO server': b'$11\r\n\nrun_id:abc', b'CLIENT ID': b':1',
            b'CLIENT TRACKING': b'+OK'}


class ScriptedRedis(socketserver.ThreadingTCPServer):
    """Holds strings; answers what an entry or a lease is asked for with an error while `faults`
    says so: {what: code}. A context."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Conversation)
        self.address = '127.0.0.1:%d' % self.server_address[1]
        self.strings, self.faults, self.passwords, self.injected = {}, {}, [], 0
        self.thread = threading.Thread(target=self.serve_forever, args=(0.02,))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.thread.join()
        self.server_close()

    def answer(self, words):
        name, key = words[0].upper(), words[1] if len(words) > 1 else b''
        what = LEASE if key.startswith(b'sc:lease:') else {b'GET': READ, b'SET': WRITE}.get(name)
        code = self.faults.get(what) if name in (b'GET', b'SET') else None
        code = code or (self.faults.get(ALL) if name != b'AUTH' else None)
        if not code:
            return self.act(name, words)
        self.injected += 1
        return b'-' + TEXTS.get(code, WRONGTYPE).encode()

    def act(self, name, words):
        if name == b'PING':
            return b'+PONG'
        if name == b'AUTH':
            self.passwords.append(words[1].decode())
            return b'+OK'
        if name == b'GET':
            value = self.strings.get(words[1])
            return b'$-1' if value is None else b'$%d\r\n%b' % (len(value), value)
        if name == b'SET':
            if b'NX' in words[3:] and words[1] in self.strings:
                return b'$-1'
            self.strings[words[1]] = words[2]
            return b'+OK'
        if name == b'DEL':
            return b':%d' % (self.strings.pop(words[1], None) is not None)
        if name == b'EVAL':  # what was purged since an epoch: everything, once
            known = words[5] if words[5] != b'0' else words[7]
            news = b'epoch %b\nserial 1\nterm 1\nheld 0\n' % known
            if words[5] == b'0':
                news += b'all %b\n' % known
            return b'$%d\r\n%b' % (len(news), news)
        if name == b'SUBSCRIBE':
            return b'*3\r\n$9\r\nsubscribe\r\n$%d\r\n%b\r\n:1' % (len(words[1]), words[1])
        return FOLLOWED.get(b' '.join(words[:2]), b'-ERR unknown command')


class Conversation(socketserver.StreamRequestHandler):
    def handle(self):
        with contextlib.suppress(OSError):
            while line := self.rfile.readline():
                words = []
                for _ in range(int(line[1:])):
                    size = int(self.rfile.readline()[1:])
                    words.append(self.rfile.read(size + 2)[:-2])
                self.wfile.write(self.server.answer(words) + b'\r\n')


class Stand:
    """HAProxy before an agent under ASan before the scripted server. A context; the agent's
    memory is off, so each lookup is a read."""

    def __init__(self, origin):
        self.origin, self.parts = origin, contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as parts:
            self.redis = parts.enter_context(ScriptedRedis())
            folder = Path(parts.enter_context(tempfile.TemporaryDirectory()))
            self.password = folder / 'password'
            self.password.write_text('the first\n')
            config = ('[key]\nsecret = of the agent of these tests\n[memory]\ntier = off\n[redis]\n'
                      f'address = {self.redis.address}\ntimeout = 500ms\n'
                      f'password-file = {self.password}\n')
            self.agent = parts.enter_context(harness.Agent(config, harness.SANITIZED))
            address = 'unix@' + self.agent.address.removeprefix('unix:')
            self.haproxy = parts.enter_context(harness.HAProxy(self.origin, [address]))
            wait_for(lambda: self.metric('redis_watched') == 1, 'the agent follows changes')
            self.parts = parts.pop_all()
        return self

    def __exit__(self, *_):
        self.parts.close()

    def metric(self, name):
        return metrics(self.agent.status).get(name, 0)

    def store_errors(self):
        return total(metrics(self.agent.status), 'lookup_reasons_total', reason='store-error')

    def errors(self, code):
        return self.metric(f'redis_errors_total{{code="{code}"}}')

    def inject(self, what, code):
        self.redis.injected = 0
        self.redis.faults[what] = code

    def ask(self, question):
        """How the cache took the question; the client has a whole answer in any case."""
        answer = self.haproxy.post(question)
        assert answer.status == 200 and answer.complete, answer
        return answer

    def heal(self):
        """Ends all faults, and waits until a new question is stored and hits."""
        self.redis.faults.clear()
        wait_for(lambda: self.ask(prompt()).cache == 'MISS', 'Redis is asked again', 15)
        self.known()

    def known(self):
        """A question whose answer is stored, with that answer."""
        question = prompt()
        first = self.ask(question)
        wait_for(lambda: self.ask(question).cache == 'HIT', 'a hit', 15)
        return question, first


@pytest.fixture(scope='module')
def standing(origin):
    with Stand(origin) as stand:
        yield stand


@pytest.fixture
def stand(standing):
    standing.heal()
    return standing


def reason(answer):
    return answer.header('cache-status').rpartition('detail=')[2].split(';')[0].strip('"')


@pytest.mark.parametrize('code', TEXTS)
def test_a_read_that_is_refused_is_a_bypass(stand, code):
    question, first = stand.known()
    counted = stand.errors(code)
    bypassed = stand.store_errors()
    stand.inject(READ, code)
    answer = stand.ask(question)
    stand.redis.faults.clear()
    assert answer.call > first.call
    assert (answer.cache, reason(answer)) == ('BYPASS', 'store-error')
    assert stand.redis.injected == 1 and stand.errors(code) == counted + 1
    assert stand.store_errors() == bypassed + 1
    wait_for(lambda: stand.ask(question).cache == 'HIT', 'a hit', 15)


def test_a_key_of_another_type_is_a_miss_and_replaced(stand):
    question, first = stand.known()
    counted = stand.errors('WRONGTYPE')
    stand.inject(READ, 'WRONGTYPE')
    answer = stand.ask(question)
    stand.redis.faults.clear()
    assert (answer.cache, reason(answer)) == ('MISS', 'absent')
    assert stand.errors('WRONGTYPE') == counted + 1
    wait_for(lambda: stand.ask(question).body == answer.body != first.body, 'it is replaced')


@pytest.mark.parametrize('code', [*TEXTS, 'WRONGTYPE'])
def test_a_write_that_is_refused_is_not_stored(stand, code):
    question = prompt()
    counted = stand.errors(code)
    stand.inject(WRITE, code)
    first = stand.ask(question)
    wait_for(lambda: stand.errors(code) == counted + 1, 'it is counted')
    second = stand.ask(question)
    stand.redis.faults.clear()
    assert first.cache == 'MISS' and second.cache != 'HIT' and first.call < second.call
    wait_for(lambda: stand.errors(code) == counted + stand.redis.injected, 'all are counted')
    stand.heal()
    wait_for(lambda: stand.ask(question).cache == 'HIT', 'it is stored after all')


@pytest.mark.parametrize('code', [*TEXTS, 'WRONGTYPE'])
def test_a_lease_that_is_refused_costs_nothing(stand, code):
    question = prompt()
    counted = stand.errors(code)
    stand.inject(LEASE, code)
    answer = stand.ask(question)
    stand.redis.faults.clear()
    assert answer.cache == 'MISS'
    assert stand.redis.injected > 0
    wait_for(lambda: stand.errors(code) == counted + stand.redis.injected, 'it is counted')


@pytest.mark.parametrize('code', LEFT_ALONE)
def test_a_node_that_is_not_ready_is_left_alone(stand, code):
    question, _ = stand.known()
    opened, lookups = stand.metric('redis_breaker_opens_total'), 0
    stand.inject(ALL, code)
    while stand.metric('redis_breaker_opens_total') == opened:
        assert stand.ask(question).cache == 'BYPASS'
        lookups += 1
        assert lookups < 10
    commands = stand.metric('redis_commands_total')
    for _ in range(10):
        answer = stand.ask(question)
        assert (answer.cache, reason(answer)) == ('BYPASS', 'store-down')
    assert stand.metric('redis_commands_total') == commands
    stand.heal()
    assert stand.ask(question).cache == 'HIT'
    assert stand.metric('redis_breaker_open') == 0


@pytest.mark.parametrize('what', [READ, WRITE])
@pytest.mark.parametrize('code', RENEWED)
def test_a_connection_that_leads_astray_is_renewed(origin, code, what):
    """And the password is read from its file again."""
    with Stand(origin) as stand:
        question, _ = stand.known()
        stand.password.write_text('the second\n')
        before = stand.metric('redis_connects_total')
        stand.inject(what, code)
        stand.ask(prompt())
        wait_for(lambda: stand.metric('redis_connects_total') > before, 'a new connection')
        stand.redis.faults.clear()
        wait_for(lambda: stand.ask(question).cache == 'HIT', 'a hit', 15)
        assert stand.metric('redis_up') == 1
        assert stand.redis.passwords[0] == 'the first'
        assert stand.redis.passwords[-1] == 'the second'
