"""Two agents, each behind an HAProxy of its own, over one Redis: both keep in memory what they read,
and whatever happens in Redis, neither serves what is over for longer than 100 ms. The longest that
was seen is printed."""
import random
import threading
import time

import pytest

import harness
import spop
from harness import prompt, wait_for
from redis_parts import TIER, USER, USER_PASSWORD, Node, user

BOUND = 0.1
CONFIG = f"""
[key]
secret = of the agents of this test
[redis]
user = {USER}
password = {USER_PASSWORD}
address = """


class Pair:
    """The parts; `proxies` are the HAProxies, `agents` the agents."""

    def __init__(self, origin):
        self.redis = Node(*user(*TIER))
        self.agents, self.proxies, self.parts = [], [], []
        self.origin = origin

    def __enter__(self):
        self.add(self.redis)
        for _ in range(2):
            agent = self.add(harness.Agent(CONFIG + self.redis.address, harness.SANITIZED))
            self.agents.append(agent)
            address = 'unix@' + agent.address.removeprefix('unix:')
            self.proxies.append(self.add(harness.HAProxy(self.origin, [address])))
        return self

    def add(self, part):
        self.parts.append(part.__enter__())
        return part

    def __exit__(self, *_):
        for part in reversed(self.parts):
            part.finish()

    def metric(self, name):
        """Of each agent."""
        return [harness.metrics(agent.status)[name] for agent in self.agents]

    def wait_until_watched(self):
        wait_for(lambda: self.metric('redis_watched') == [1, 1], 'both agents follow changes')


@pytest.fixture(scope='module')
def pair(origin):
    with Pair(origin) as parts:
        yield parts


@pytest.fixture(autouse=True)
def every_part_runs(pair):
    if not pair.redis.answers():
        pair.redis.start()
    pair.wait_until_watched()
    wait_for(lambda: pair.metric('redis_up') == [1, 1], 'both agents are connected')


@pytest.fixture
def readers(pair):
    """Functions that look something up at one agent each: the answer's body, or None."""
    connections = [spop.Connection(agent.address) for agent in pair.agents]

    def reader(connection):
        def read(question):
            found = connection.ask(spop.lookup(harness.chat(question)))
            return bytes(found['body']) if found.get('hit') else None
        return read
    yield [reader(connection) for connection in connections]
    for connection in connections:
        connection.__exit__()


def store(pair, question, answer):
    """Stores an answer, and returns its key in Redis."""
    before = set(pair.redis('KEYS', 'sc:llm:*'))
    pair.agents[0].ask(harness.chat(question), answer=answer)
    wait_for(lambda: set(pair.redis('KEYS', 'sc:llm:*')) - before, 'it is stored')
    return (set(pair.redis('KEYS', 'sc:llm:*')) - before).pop()


def wait_until_kept(pair, readers, question, body):
    """Until both agents serve the body from memory."""
    for number, read in enumerate(readers):
        def kept(number=number, read=read):
            before = pair.metric('tier_hits_total')[number]
            return read(question) == body and pair.metric('tier_hits_total')[number] > before
        wait_for(kept, 'it is served from memory')


def served_after(moment, readers, question, body):
    """For how long after the moment anybody who began to read was still given the body."""
    longest = 0
    while time.monotonic() < moment + 3 * BOUND:
        for read in readers:
            began = time.monotonic()
            if read(question) == body:
                longest = max(longest, began - moment)
    return longest


def deleted(redis, key, _):
    redis('DEL', key)
    return 0


def overwritten(redis, key, other):
    redis('SET', key, other)
    return 0


def expired(redis, key, _):
    redis('PEXPIRE', key, 50)
    return 0.05


def flushed(redis, *_):
    redis('FLUSHDB')
    return 0


@pytest.mark.parametrize('change', [deleted, overwritten, expired, flushed])
def test_what_changed_in_redis_is_gone_from_both_memories(pair, readers, change, capsys):
    worst = 0
    with harness.Redis(pair.redis.address) as redis:
        for number in range(10):
            question = prompt()
            key = store(pair, question, '{"answer": "other"}')
            other = redis('GET', key)
            redis('DEL', key)
            store(pair, question, '{"answer": "%d"}' % number)
            body = b'{"answer": "%d"}' % number
            wait_until_kept(pair, readers, question, body)
            later = change(redis, key, other)
            worst = max(worst, served_after(time.monotonic() + later, readers, question, body))
    with capsys.disabled():
        print(f'\n  {change.__name__}: served for {worst * 1000:.1f} ms at most')
    assert worst < BOUND


class Readers:
    """Clients of both HAProxies that ask the same questions without end. `answers` are (when the
    request began, the number of the origin's call, the cache's status)."""

    def __init__(self, pair, questions):
        self.over = threading.Event()
        self.answers, self.failures = [], []
        self.questions = questions
        self.threads = [threading.Thread(target=self.run, args=(proxy,))
                        for proxy in pair.proxies * 2]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def run(self, proxy):
        while not self.over.wait(0.002):
            began = time.monotonic()
            try:
                answer = proxy.post(random.choice(self.questions))
                self.answers.append((began, answer.json['fake']['call'], answer.cache))
            except Exception as error:  # whatever a client would see
                self.failures.append(repr(error))

    def hits(self):
        return sum(1 for _, _, cache in list(self.answers) if cache == 'HIT')

    def wait_for_hits(self, count):
        goal = self.hits() + count
        wait_for(lambda: self.hits() >= goal, 'hits', 20)

    def served_late(self, dead):
        """By how much a request began after the answer it got was gone; `dead` says when each was,
        by the number of its call."""
        return max((began - dead[call] for began, call, cache in self.answers
                    if cache == 'HIT' and dead.get(call, began) < began), default=0)


def call_of(value):
    """The number of the origin's call, of an entry in Redis."""
    return int(value.split(b'"call":')[1].split(b',')[0])


def test_clients_of_two_proxies_never_see_what_is_over(pair, capsys):
    dead = {}
    before = pair.metric('tier_hits_total')
    with harness.Redis(pair.redis.address) as redis, \
            Readers(pair, [prompt() for _ in range(3)]) as readers:
        for number in range(40):
            readers.wait_for_hits(10)
            if number % 4 == 0:
                redis('CLIENT', 'KILL', 'TYPE', 'pubsub')
            value = redis('GETDEL', random.choice(redis.keys()))
            if value:
                dead[call_of(value)] = time.monotonic()
    assert readers.failures == []
    assert all(after > earlier for after, earlier in zip(pair.metric('tier_hits_total'), before))
    with capsys.disabled():
        print(f'\n  {len(readers.answers)} answers, {readers.hits()} hits, {len(dead)} deleted: '
              f'served for {readers.served_late(dead) * 1000:.1f} ms at most')
    assert len(dead) > 20
    assert readers.served_late(dead) < BOUND


def test_redis_killed_and_restarted_takes_everything_along(pair):
    with Readers(pair, [prompt() for _ in range(3)]) as readers:
        readers.wait_for_hits(50)
        pair.redis.kill()
        killed = time.monotonic()
        time.sleep(3 * BOUND)  # what is served in that time is the test
        pair.redis.start()
        readers.wait_for_hits(50)
    assert readers.failures == []
    late = [cache for began, _, cache in readers.answers
            if killed + BOUND < began < killed + 3 * BOUND]
    assert late and 'HIT' not in late
    old = {call: killed for began, call, _ in readers.answers if began < killed}
    assert readers.served_late(old) < BOUND


def test_a_frozen_redis_is_not_waited_for_with_old_answers(pair, readers):
    question = prompt()
    store(pair, question, '{"answer": 1}')
    wait_until_kept(pair, readers, question, b'{"answer": 1}')
    pair.redis.freeze()
    try:
        assert served_after(time.monotonic(), readers, question, b'{"answer": 1}') < BOUND
        assert [read(question) for read in readers] == [None, None]
    finally:
        pair.redis.thaw()
    wait_until_kept(pair, readers, question, b'{"answer": 1}')


def test_without_the_tier_redis_is_asked_each_time(pair):
    with harness.Agent(CONFIG + pair.redis.address + '\n[memory]\ntier = off\n') as agent:
        wait_for(lambda: harness.metrics(agent.status)['redis_up'], 'it is connected')
        question = harness.chat(prompt())
        agent.ask(question)
        wait_for(lambda: agent.ask(question).get('hit'), 'a hit')
        before, asked = harness.metrics(agent.status), pair.redis.calls('get')
        for _ in range(5):
            assert agent.ask(question)['hit']
        after = harness.metrics(agent.status)
    assert pair.redis.calls('get') == asked + 5
    assert after['redis_commands_total'] >= before['redis_commands_total'] + 5
    assert after['tier_hits_total'] == after['memory_entries'] == 0


def test_a_user_without_the_rights_does_without_the_tier(pair):
    redis = Node(*user())
    with redis, harness.Agent(CONFIG + redis.address, harness.SANITIZED) as agent:
        wait_for(lambda: harness.metrics(agent.status)['redis_up'], 'it is connected')
        question = harness.chat(prompt())
        agent.ask(question)
        wait_for(lambda: agent.ask(question).get('hit'), 'a hit')
        assert agent.ask(question)['hit']
        assert harness.metrics(agent.status)['tier_hits_total'] == 0
        assert 'does not report changes' in agent.output.read_text()
