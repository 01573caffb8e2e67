"""Real parts for the tests: an origin, Redis, the agent, a whole stack; traffic to disturb."""
import contextlib
import csv
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path

import client
import fake_llm
import spop

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get('BUILD', 'build')
AGENT = BUILD / 'spoa-cache'
SANITIZED = BUILD / 'spoa-cache-sanitized'
HAPROXY = os.environ.get('HAPROXY', 'haproxy')
REDIS_SERVER = os.environ.get('REDIS_SERVER', 'redis-server')  # or valkey-server
CHAT = '/v1/chat/completions'
# Every process that a test starts carries this in its environment, with a value of its own.
MARK = 'TEST_OF_SPOA_CACHE'
REPORTS = ('ERROR: AddressSanitizer', 'LeakSanitizer', 'runtime error:', 'SUMMARY: ')

running = []  # the parts that stand, for the logs of a test that failed


def haproxy_version():
    text = subprocess.run([HAPROXY, '-v'], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in text.split('version ')[1].split('-')[0].split('.')[:2])


def free_address():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return '127.0.0.1:%d' % probe.getsockname()[1]


def wait_for(condition, what, seconds=10, pause=0.02):
    """Waits until condition() is true, and returns what it gave."""
    end = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > end:
            raise AssertionError(f'not within {seconds} s: {what}')
        time.sleep(pause)
    return result


def prompt():
    """A text that no other test asks about."""
    return f'prompt {uuid.uuid4()}'


def chat(text, **members):
    """The body of a chat completion."""
    return json.dumps({'model': 'gpt-4', 'messages': [{'role': 'user', 'content': text}],
                       **members}).encode()


class Part:
    """A process in a directory of its own, which logs there and leaves nothing behind."""

    name = 'part'

    def __init__(self):
        self.dir = Path(tempfile.mkdtemp(prefix='spoa-'))
        self.mark = str(uuid.uuid4())
        self.process = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.say_logs()
            self.stop()
            self.orphans()
            shutil.rmtree(self.dir)
            raise
        return self

    def __exit__(self, *_):
        self.finish()

    def spawn(self, command, fds=(), **environment):
        self.output = self.dir / f'{self.name}.out'
        variables = {**os.environ, 'ASAN_OPTIONS': 'abort_on_error=0', MARK: self.mark,
                     **environment}
        with open(self.output, 'ab') as output:
            self.process = subprocess.Popen([str(word) for word in command], env=variables,
                                            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                            pass_fds=fds)
        if self not in running:
            running.append(self)

    def said(self, text):
        """The rest of the line of output that begins with the text, or None."""
        assert self.process.poll() is None, f'{self.name} ended: {self.output.read_text()}'
        lines = self.output.read_text().splitlines()
        return next((line[len(text):] for line in lines if line.startswith(text)), None)

    def finish(self):
        """Stops it and asserts that it ended well, without a sanitizer's report or an orphan."""
        status = self.stop()
        logs = {path: path.read_text(errors='replace') for path in self.logs()}
        orphans = self.orphans()
        shutil.rmtree(self.dir)
        for path, text in logs.items():
            for report in REPORTS:
                assert report not in text, f'{path.name}: {text[text.index(report):][:3000]}'
        assert not orphans, f'{self.name} left {orphans}'
        assert status == self.good_status, f'{self.name} ended with {status}'

    good_status = 0

    def stop(self):
        if self in running:
            running.remove(self)
        if self.process is None:
            return self.good_status
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return 'SIGKILL, after 20 s'

    def orphans(self):
        """What still carries the mark, after the time that a dying process takes; killed."""
        try:
            wait_for(lambda: not marked(self.mark), 'no orphan', 3)
            return []
        except AssertionError:
            left = marked(self.mark)
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            return list(left.items())

    def logs(self):
        return [*self.dir.glob('*.log'), *self.dir.glob('*.out')]

    def say_logs(self):
        for path in self.logs():
            lines = path.read_text(errors='replace').splitlines()
            print(f'--- {self.name} {path.name}', *lines[-40:], sep='\n', file=sys.stderr)


def marked(mark):
    """The processes whose environment carries the mark: {pid: name}."""
    found = {}
    for entry in Path('/proc').iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if f'{MARK}={mark}'.encode() in (entry / 'environ').read_bytes().split(b'\0'):
                found[int(entry.name)] = (entry / 'comm').read_text().strip()
        except OSError:
            pass  # it ended, or belongs to another user
    return found


class Origin(Part):
    """The fake LLM."""

    name = 'origin'
    good_status = -signal.SIGTERM

    def start(self):
        self.spawn([sys.executable, '-B', Path(fake_llm.__file__), '--listen', '127.0.0.1:0'])
        self.address = wait_for(lambda: self.said('ready http://'), 'the origin listens')

    def calls(self):
        return client.request(self.address, 'GET', '/calls', {'Host': 'x'}).json['total']

    @contextlib.contextmanager
    def held(self):
        """An order for answers that come when this context ends."""
        name = str(uuid.uuid4())
        try:
            yield f'hold={name}'
        finally:
            client.request(self.address, 'POST', f'/release?{name}', {'Host': 'x'})


class RedisError(Exception):
    """An error that Redis answered."""


class Redis:
    """A client: redis('GET', key) as Redis answers it, in bytes, numbers and lists."""

    def __init__(self, address):
        self.stream = client.connect(address, 10)
        self.file = self.stream.makefile('rb')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.stream.close()

    def __call__(self, *words):
        words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        self.stream.sendall(b'*%d\r\n' % len(words)
                            + b''.join(b'$%d\r\n%b\r\n' % (len(word), word) for word in words))
        return self.reply()

    def reply(self):
        line = self.file.readline().rstrip(b'\r\n')
        if not line:
            raise ConnectionError('Redis closed the connection')
        kind, rest = line[:1], line[1:]
        if kind == b'-':
            raise RedisError(rest.decode())
        if kind == b':':
            return int(rest)
        if kind == b'$':
            return None if rest == b'-1' else self.file.read(int(rest) + 2)[:-2]
        if kind == b'*':
            return [self.reply() for _ in range(int(rest))]
        return rest

    def entries(self):
        """Every answer stored: {key: value}."""
        return {key: self('GET', key) for key in self.keys()}

    def keys(self):
        """Of answers: neither leases nor what was purged."""
        return [key for key in self('KEYS', '*')
                if not key.startswith(b'sc:lease:') and key != b'sc:purges']


class RedisServer(Part):
    """A Redis of our own, on TCP."""

    name = 'redis'

    def start(self):
        self.address = free_address()
        self.spawn([REDIS_SERVER, '--bind', '127.0.0.1', '--save', '', '--dir', self.dir,
                    '--port', self.address.split(':')[1]])
        wait_for(self.answers, 'Redis answers')

    def answers(self):
        try:
            with Redis(self.address) as redis:
                return redis('PING') == b'PONG'
        except OSError:
            return False


class Agent(Part):
    """An agent alone, for tests that speak SPOP to it. `config` is the text of its file;
    `listen` are addresses beside the one of its own."""

    name = 'agent'

    def __init__(self, config='', binary=AGENT, listen=(), **environment):
        super().__init__()
        self.binary = binary
        self.address = f'unix:{self.dir}/agent.sock'
        self.status = f'unix:{self.dir}/status.sock'
        self.config = self.dir / 'agent.ini'
        self.environment = {'SPOA_CACHE_AGENT_LISTEN': ' '.join([*listen, self.address]),
                            'SPOA_CACHE_AGENT_STATUS': self.status,
                            'SPOA_CACHE_AGENT_DRAIN_DELAY': '0', **environment}
        self.config.write_text(config)

    def start(self):
        self.spawn([self.binary, '-c', self.config], **self.environment)
        wait_for(self.listens, 'the agent listens')

    def ask(self, body, **changes):
        """What a lookup gives; an answer is stored when it is wanted."""
        with spop.Connection(self.address) as connection:
            return spop.look_and_store(connection, body, **changes)

    def listens(self):
        assert self.process.poll() is None, f'the agent ended: {self.output.read_text()}'
        try:
            client.connect(self.address).close()
            return True
        except OSError:
            return False


class Client:
    """Asks an HAProxy at `address`, whose command line is in `dir`."""

    def request(self, method='POST', target=CHAT, headers=None, body=b'', **how):
        """One request. A header given as None is left out."""
        whole = {'Host': 'llm.example', 'Content-Type': 'application/json',
                 'X-Tenant-Id': 'acme', **(headers or {})}
        whole = {name: value for name, value in whole.items() if value is not None}
        return client.request(self.address, method, target, whole, body, **how)

    def post(self, body, fake=None, headers=None, **how):
        """A POST of a body, or of a chat completion about a text; `fake` orders the origin."""
        body = chat(body) if isinstance(body, str) else body
        return self.request(headers={'X-Fake': fake, **(headers or {})}, body=body, **how)

    def haproxy_says(self, command):
        """What HAProxy's command line answers."""
        with client.connect(f'unix:{self.dir}/haproxy.sock', 5) as stream:
            stream.sendall(command.encode() + b'\n')
            with stream.makefile() as answer:
                return answer.read()

    def stats(self, proxy):
        """The rows about a proxy of HAProxy's: {server, FRONTEND or BACKEND: {column: value}}."""
        rows = csv.DictReader(self.haproxy_says('show stat').lstrip('# ').splitlines())
        return {row['svname']: row for row in rows if row['pxname'] == proxy}

    def sessions(self):
        """How many requests the frontend is about."""
        return int(self.stats('api')['FRONTEND']['scur'])

    def has_agent(self):
        """Whether an agent passes its checks."""
        return self.stats('spoa-cache')['BACKEND']['status'] == 'UP'


class HAProxy(Part, Client):
    """HAProxy alone, with the shipped configuration, in front of agents that run already."""

    name = 'haproxy'
    good_status = -signal.SIGTERM

    def __init__(self, origin, agents):
        super().__init__()
        self.origin, self.agents = origin, agents

    def start(self):
        self.address = free_address()
        text = (ROOT / 'haproxy/haproxy.cfg').read_text()
        for line in [line for line in text.splitlines() if '${CACHE_AGENT' in line]:
            rest = line.split('" ', 1)[1]
            servers = [f'    server agent{n} {address} ' + rest.replace('/agent', f'/agent{n}')
                       for n, address in enumerate(self.agents)]
            text = text.replace(line, '\n'.join(servers))
        (self.dir / 'haproxy.cfg').write_text(text)
        self.spawn([HAPROXY, '-db', '-f', self.dir / 'haproxy.cfg'], CACHE_LISTEN=self.address,
                   CACHE_ORIGIN=self.origin.address, CACHE_SPOE=str(ROOT / 'spoe/cache.conf'),
                   CACHE_SOCKET=str(self.dir / 'haproxy.sock'), CACHE_TENANT_HEADER='trusted')
        wait_for(self.serves, 'HAProxy serves')

    def serves(self):
        assert self.process.poll() is None, f'HAProxy ended: {self.output.read_text()}'
        try:
            return self.request('GET', '/').status == 200
        except OSError:
            return False


class Stack(Part, Client):
    """scripts/stack around an origin. `config` is the text of the agent's file; `options` are
    words for its command line."""

    name = 'stack'

    def __init__(self, origin, config='', options=(), **environment):
        super().__init__()
        self.origin = origin
        self.options = options
        self.environment = environment
        self.config = self.dir / 'agent.ini'
        self.config.write_text(config)

    def start(self):
        self.spawn([ROOT / 'scripts/stack', '--listen', '127.0.0.1:0', '--dir', self.dir,
                    '--origin', self.origin.address, '--agent', AGENT, '-c', self.config,
                    *self.options], **self.environment)
        self.address = wait_for(lambda: self.said('ready http://'), 'the stack serves', 30)
        self.status = f'unix:{self.dir}/status.sock'
        self.redis_address = f'unix:{self.dir}/redis.sock'

    def redis(self):
        return Redis(self.redis_address)

    def pid(self, part):
        return int((self.dir / f'{part}.pid').read_text())

    def signal(self, part, number):
        os.kill(self.pid(part), number)

    def signal_stack(self, number):
        self.process.send_signal(number)


def metrics(status):
    """The counters at an agent's HTTP door: {name without prefix, with labels: value}."""
    text = client.request(status, 'GET', '/metrics', {'Host': 'x'}).body.decode()
    lines = (line.rsplit(' ', 1) for line in text.splitlines() if line and line[0] != '#')
    return {name.removeprefix('spoa_cache_'): float(value) for name, value in lines}


def total(metrics_, name, **labels):
    """The sum of a counter over everything but these labels."""
    wanted = [f'{label}="{value}"' for label, value in labels.items()]
    return sum(value for key, value in metrics_.items()
               if key.split('{')[0] == name and all(text in key for text in wanted))


class Traffic:
    """Clients that ask the same questions without end, each as a tenant of its own. Each answer is
    checked: the right status, whole, and made for this request of this tenant. As a context: it
    runs inside, and the answers are in `done`, the failures in `failures`, afterwards."""

    def __init__(self, stack, clients=3, questions=4, pause=0.004, fake=None):
        self.stack, self.pause, self.fake = stack, pause, fake
        self.bodies = [chat(prompt()) for _ in range(questions)]
        self.over = threading.Event()
        self.done, self.failures = [], []
        self.threads = [threading.Thread(target=self.run, args=(n,)) for n in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def run(self, number):
        tenant = {'X-Tenant-Id': f'tenant {number}'}
        for body in itertools.cycle(self.bodies):
            if self.over.wait(self.pause):
                return
            self.ask(body, tenant)

    def ask(self, body, tenant):
        """One request; its answer, or None when that was a failure."""
        started = time.monotonic()
        try:
            answer = self.stack.post(body, self.fake, tenant)
            right = (answer.status == 200 and answer.complete
                     and self.is_answer(answer, body, tenant))
            problem = None if right else repr(answer)
        except Exception as error:  # whatever a client would see
            answer, problem = None, repr(error)
        if problem:
            self.failures.append((started, problem))
            return None
        self.done.append((time.monotonic() - started, answer.cache))
        return answer

    @staticmethod
    def is_answer(answer, body, tenant):
        headers = {'host': 'llm.example', 'x-tenant-id': tenant['X-Tenant-Id']}
        return answer.json['fake']['digest'] == fake_llm.request_digest('POST', CHAT, headers, body)

    def wait(self, count, status=None, seconds=20):
        """Waits for so many more answers, of one cache status if it is given."""
        goal = self.count(status) + count
        wait_for(lambda: self.count(status) >= goal, f'{count} answers {status or ""}', seconds)

    def count(self, status):
        return sum(1 for _, cache in list(self.done) if status in (None, cache))

    @property
    def slowest(self):
        """The longest time that an answer took, in ms."""
        return max(seconds for seconds, _ in self.done) * 1000
