"""spoa-cache purge: what it takes back, how soon everywhere, what survives, what space returns."""
import base64
import collections
import contextlib
import json
import os
import signal
import subprocess
import threading
import time

import pytest

import client
import harness
import spop
from harness import (AGENT, Agent, HAProxy, Redis, RedisServer, chat, metrics, prompt, total,
                     wait_for)
from redis_parts import MASTER, SENTINEL_PASSWORD, USER, USER_PASSWORD, Cluster, Node, Replicated

CONFIG = '''
[key]
secret = one secret of many
[redis]
address = {}
timeout = 300ms
[policy llm]
tag-header = x-tags
[policy other]
tag-header = x-tags
[tenant acme]
[tenant red]
group = colours
[tenant blue]
group = colours
'''


class Durable(Node):
    """A Redis that keeps what it has over a restart."""

    def restart(self):
        self('SAVE')
        self.kill()
        self.start()


def agent_of(redis, **how):
    return Agent(CONFIG.format(redis.address), **how)


def run(agent, *words):
    """spoa-cache purge through that agent."""
    return subprocess.run([AGENT, 'purge', '--door', agent.status, *words], text=True,
                          capture_output=True, timeout=30)


def purge(agent, *words):
    """The same, done; the new epoch."""
    done = run(agent, '--json', *words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)['epoch']


def reclaim(agent, *words):
    return subprocess.run([AGENT, 'purge', '-c', agent.config, '--reclaim', *words], text=True,
                          capture_output=True, timeout=60)


@pytest.fixture(scope='module')
def redis():
    with Durable() as part:
        yield part


@pytest.fixture(scope='module')
def one(redis):
    with agent_of(redis) as part:
        wait_for(lambda: metrics(part.status)['redis_up'] == 1, 'Redis is connected')
        yield part


@pytest.fixture(scope='module')
def other(redis):
    with agent_of(redis, binary=harness.SANITIZED) as part:
        wait_for(lambda: metrics(part.status)['redis_up'] == 1, 'Redis is connected')
        yield part


@pytest.fixture(scope='module')
def memory():
    """An agent on its own memory."""
    with Agent('[policy llm]\ntag-header = x-tags\n[policy other]\ntag-header = x-tags\n'
               '[tenant acme]\n[tenant red]\ngroup = colours\n[tenant blue]\ngroup = colours\n',
               binary=harness.SANITIZED) as part:
        yield part


Asked = collections.namedtuple('Asked', 'body tags arguments')


def question(tags='', model='gpt-4o', **arguments):
    return Asked(chat(prompt(), model=model), tags, arguments)


def fill(agent, asked):
    """Asks when Redis is connected, and has the answer stored; returns the variables."""
    wait_for(lambda: look(agent, question())['status'] == 'MISS', 'Redis is connected')
    with spop.Connection(agent.address) as connection:
        found = connection.ask(spop.lookup(asked.body, **asked.arguments))
        assert found['status'] == 'MISS', found
        headers = [('content-type', 'application/json'), ('x-tags', asked.tags)]
        stored = connection.ask(spop.store(found['ticket'], '{"answer": 1}',
                                           headers=spop.header_block(headers)))
    assert stored['stored'], stored
    return found


def look(agent, asked):
    with spop.Connection(agent.address) as connection:
        return connection.ask(spop.lookup(asked.body, **asked.arguments))


def outcome(agent, asked):
    """HIT, or why not."""
    found = look(agent, asked)
    return found['status'] if found['status'] == 'HIT' else found['reason']


QUESTIONS = {
    'plain': {},
    'tagged': {'tags': 'prices, docs'},
    'mini': {'model': 'gpt-4o-mini'},
    'policy': {'policy': 'other'},
    'tenant': {'tenant': 'zeta'},
    'red': {'tenant': 'red'},
    'odd': {'model': 'a model with ä', 'tags': 'ä'},
}


@pytest.mark.parametrize('where', ['redis', 'memory'])
@pytest.mark.parametrize('words, hits', [
    (('all',), 'plain tagged mini policy tenant red odd'),
    (('policy', 'other'), 'policy'),
    (('tenant', 'acme'), 'plain tagged mini policy odd'),
    (('tenant', 'zeta'), 'tenant'),
    (('tenant', 'blue'), 'red'),
    (('tenant', 'nobody'), ''),
    (('model', 'gpt-4o'), 'plain tagged policy tenant red'),
    (('model', 'gpt-4o-mini'), 'mini'),
    (('model', 'a model with ä'), 'odd'),
    (('model', 'gpt'), ''),
    (('tag', 'docs'), 'tagged'),
    (('tag', 'doc'), ''),
    (('tag', 'ä'), 'odd'),
    (('key', None), 'plain'),
], ids=lambda value: ' '.join(map(str, value)) if isinstance(value, tuple) else '')
def test_each_scope_hits_what_it_should(request, where, words, hits):
    agents = [request.getfixturevalue('memory')] if where == 'memory' else \
        [request.getfixturevalue('one'), request.getfixturevalue('other')]
    asked = {name: question(**arguments) for name, arguments in QUESTIONS.items()}
    found = {name: fill(agents[0], each) for name, each in asked.items()}
    assert all(wait_for(lambda each=each: outcome(agent, each) == 'HIT', 'a hit')
               for each in asked.values() for agent in agents)
    words = [found['plain']['key'] if word is None else word for word in words]
    purge(agents[-1], *words)
    for agent in agents:
        wait_for(lambda agent=agent: look(agent, question())['status'] == 'MISS', 'it serves')
        time.sleep(0.1)  # the bound, within which the other agent may not know
        for name, each in asked.items():
            want = 'purged' if name in hits.split() else 'HIT'
            assert outcome(agent, each) == want, name
    refilled = {name: question(**QUESTIONS[name]) for name in QUESTIONS}
    for each in refilled.values():
        fill(agents[0], each)
        wait_for(lambda each=each: outcome(agents[-1], each) == 'HIT', 'stored after the purge')


def test_what_it_prints(one, memory):
    done = run(one, 'model', 'gpt-4o')
    text, number = done.stdout.rsplit(' ', 1)
    assert (done.returncode, text, done.stderr) == (0, 'purged model:gpt-4o: epoch', '')
    done = run(one, '--json', 'tag', 'a"b\\c')
    answer = json.loads(done.stdout)
    assert answer == {'purged': 'tag:a"b\\c', 'epoch': answer['epoch']}
    assert answer['epoch'] > int(number)
    assert metrics(one.status)['purge_epoch'] == answer['epoch']
    assert purge(memory, 'all') < purge(memory, 'all')
    assert 'purged model:gpt-4o: epoch' in one.output.read_text()


@pytest.mark.parametrize('words', [
    (), ('everything',), ('all', 'x'), ('model',), ('model', ''), ('tag', 'a', 'b'),
    ('policy', 'missing'), ('key', 'abc'), ('key', 'g' * 32), ('key', 'A' * 32),
    ('--rate', '0', 'all'), ('--unknown', 'all'), ('--reclaim', 'all'), ('tenant', 'x' * 100000)],
    ids=lambda words: ' '.join(words)[:20])
def test_what_it_refuses(one, words):
    before = metrics(one.status)['purge_epoch']
    done = run(one, *words)
    assert done.returncode == 2 and not done.stdout and 'spoa-cache purge' in done.stderr, done
    assert metrics(one.status)['purge_epoch'] == before


def test_the_socket_is_that_of_the_configuration(one, tmp_path):
    config = tmp_path / 'agent.ini'
    for text, code in (f'[agent]\nstatus = {one.status}\n', 0), ('', 2), ('oops\n', 2), \
            ('[agent]\nstatus = unix:/nowhere/at.all\n', 1):
        config.write_text(text)
        for words in (['-c', config, 'purge', 'all'], ['purge', '-c', config, 'all']):
            done = subprocess.run([AGENT, *words], capture_output=True, text=True, timeout=30)
            assert done.returncode == code, done


def test_only_a_unix_socket_takes_it():
    address = harness.free_address()
    with Agent(SPOA_CACHE_AGENT_STATUS=address) as agent:
        asked = question()
        fill(agent, asked)
        answer = client.request(address, 'POST', '/purge?kind=all', {'Host': 'x'})
        assert answer.status == 403
        assert outcome(agent, asked) == 'HIT'


# How soon.

def test_the_other_agent_misses_within_100_ms(one, other):
    """The time from the end of the purge to the first lookup that misses, under traffic and after
    a rest; and that no later one hits."""
    times = []
    for turn in range(20):
        asked = question()
        fill(one, asked)
        with spop.Connection(other.address) as connection:
            ask = spop.lookup(asked.body)
            wait_for(lambda: connection.ask(ask)['status'] == 'HIT', 'a hit')
            if turn % 2:
                time.sleep(0.12)
            purge(one, 'key', connection.ask(ask)['key'])
            done = time.monotonic()
            while connection.ask(ask)['status'] == 'HIT':
                assert time.monotonic() - done < 0.1
            times.append(time.monotonic() - done)
            while time.monotonic() - done < 0.15:
                assert connection.ask(ask)['reason'] == 'purged'
    print(f'\n  purged on one agent: the other missed after {max(times) * 1000:.0f} ms at most, '
          f'{sum(times) / len(times) * 1000:.0f} ms on average')


def test_an_answer_in_flight_is_not_stored(one, other, origin):
    """Through HAProxy: asked before the purge, answered after it; and again, which is stored."""
    with HAProxy(origin, [f'unix@{one.dir}/agent.sock']) as haproxy:
        text = prompt()

        def refused():
            return total(metrics(one.status), 'refused_total', reason='purged')

        before = refused()
        answers = []
        asking = threading.Thread(
            target=lambda: answers.append(haproxy.post(text, 'delay=600')))
        calls = origin.calls()
        asking.start()
        wait_for(lambda: origin.calls() == calls + 1, 'the origin works on it')
        purge(one, 'model', 'gpt-4')
        asking.join()
        assert answers[0].status == 200 and answers[0].cache == 'MISS'
        wait_for(lambda: refused() == before + 1, 'it is refused')
        again = haproxy.post(text)
        assert again.cache == 'MISS' and again.body != answers[0].body
        wait_for(lambda: haproxy.post(text).cache == 'HIT', 'it is stored now')
        assert haproxy.post(text).body == again.body


def test_an_answer_in_flight_at_an_agent_that_rests(one, other):
    """It may store what it should not, and nobody serves that."""
    asked = question()
    with spop.Connection(other.address) as connection:
        found = connection.ask(spop.lookup(asked.body))
        purge(one, 'tenant', 'acme')
        connection.ask(spop.store(found['ticket'], '{"answer": 1}'))
    assert look(one, asked)['status'] == 'MISS'
    time.sleep(0.1)  # the bound, within which the other agent may not know
    assert look(other, asked)['status'] == 'MISS'


def test_a_refresh_after_a_purge_is_stored(one, other):
    """By an agent that has not looked at Redis since: it compares before it gives the ticket."""
    asked = question(mode='refresh')
    purge(one, 'tenant', 'acme')
    time.sleep(0.15)
    with spop.Connection(other.address) as connection:
        found = connection.ask(spop.lookup(asked.body, mode='refresh'))
        assert connection.ask(spop.store(found['ticket'], '{"answer": 1}'))['stored']
    wait_for(lambda: outcome(one, asked._replace(arguments={})) == 'HIT', 'a hit')


# What survives.

def test_restarts_keep_it(redis):
    with agent_of(redis) as agent:
        wait_for(lambda: metrics(agent.status)['redis_up'] == 1, 'Redis is connected')
        gone, kept = question(tags='gone'), question()
        fill(agent, gone)
        fill(agent, kept)
        epoch = purge(agent, 'tag', 'gone')
        redis.restart()
        wait_for(lambda: outcome(agent, kept) == 'HIT', 'Redis is back')
        assert outcome(agent, gone) == 'purged'
    with agent_of(redis) as agent:
        wait_for(lambda: outcome(agent, kept) == 'HIT', 'the new agent serves')
        assert outcome(agent, gone) == 'purged'
        assert metrics(agent.status)['purge_epoch'] >= epoch


@pytest.mark.parametrize('loss', ['deleted', 'older', 'of another type'])
def test_a_hash_that_is_lost_purges_everything(one, other, redis, loss):
    asked = question()
    fill(one, asked)
    wait_for(lambda: outcome(other, asked) == 'HIT', 'a hit')
    if loss == 'older':  # a failover that lost the last purge
        redis('HSET', 'sc:purges', 'epoch', 1)
    else:
        redis('DEL', 'sc:purges')
    if loss == 'of another type':
        redis('SET', 'sc:purges', 'oops')
        wait_for(lambda: outcome(one, asked) == 'store-error', 'nothing is served')
        assert run(one, 'all').returncode == 1
        redis('DEL', 'sc:purges')
    for agent in (one, other):
        wait_for(lambda agent=agent: outcome(agent, asked) == 'purged', 'nothing is served')
    wait_for(lambda: fill(one, question()), 'an answer is stored')
    fresh = question()
    fill(other, fresh)
    wait_for(lambda: outcome(one, fresh) == 'HIT', 'a hit')


def wait_until_sure(agent):
    """It has compared its book, and what was held back is served again."""
    def serves():
        fill(agent, known := question())
        return outcome(agent, known) == 'HIT'

    wait_for(serves, 'it serves')


@contextlib.contextmanager
def filled_pair(config):
    """Two agents on one Redis, and two questions that the first has stored: one to be purged with
    the tag "gone", and one that is kept."""
    with Agent(config) as one, Agent(config) as other:
        gone, kept = question(tags='gone'), question()
        wait_until_sure(one)
        wait_until_sure(other)
        fill(one, gone)
        fill(one, kept)
        yield one, other, gone, kept


class Past(Durable):
    """A Redis that can go back to what it was, as a replica that lags or an old snapshot does."""

    def remember(self):
        self('SAVE')

    def go_back(self):
        self.kill()
        self.start()


@pytest.fixture
def past():
    with Past() as redis:
        yield redis


def pause(agent):
    agent.process.send_signal(signal.SIGSTOP)


def go_on(agent):
    agent.process.send_signal(signal.SIGCONT)


def test_a_purge_that_redis_lost_is_purged_again(past):
    """The agent that made it knows it, and tells the others, who have never heard of it."""
    with filled_pair(CONFIG.format(past.address)) as (one, other, gone, kept):
        wait_for(lambda: outcome(other, gone) == 'HIT', 'a hit')
        past.remember()
        pause(other)
        purge(one, 'tag', 'gone')
        past.go_back()
        go_on(other)
        seen = {outcome(other, gone)}
        wait_for(lambda: seen.add(outcome(other, gone)) or outcome(other, kept) == 'HIT',
                 'it serves')
        assert 'HIT' not in seen
        assert outcome(other, gone) == 'purged'
        wait_for(lambda: outcome(one, kept) == 'HIT', 'it serves')
        assert outcome(one, gone) == 'purged'
        assert metrics(one.status)['purge_repairs_total'] == 1
        assert 'has lost what was purged' in one.output.read_text()
    with agent_of(past) as late:
        wait_for(lambda: outcome(late, kept) == 'HIT', 'it serves')
        assert outcome(late, gone) == 'purged'


def test_what_is_asked_after_a_failover_is_served_at_once(past):
    """Older answers wait until every agent could say what was lost."""
    with agent_of(past) as agent:
        wait_until_sure(agent)
        fill(agent, kept := question())
        past.remember()
        past.go_back()
        began = time.monotonic()
        wait_until_sure(agent)
        assert time.monotonic() - began < 2
        assert outcome(agent, kept) == 'purged'
        wait_for(lambda: outcome(agent, kept) == 'HIT', 'it is served again')
        assert time.monotonic() - began > 2.5


def test_a_later_purge_does_not_hide_a_lost_one(past):
    """Nobody but an agent that cannot speak knows the first; then another is purged."""
    with filled_pair(CONFIG.format(past.address)) as (one, other, gone, kept):
        past.remember()
        pause(other)
        purge(one, 'tag', 'gone')
        pause(one)
        past.go_back()
        go_on(other)
        wait_for(lambda: run(other, 'tag', 'hides it').returncode == 0, 'it is purged')
        go_on(one)
        for agent in (one, other):
            wait_for(lambda agent=agent: outcome(agent, kept) == 'HIT', 'it serves')
            assert outcome(agent, gone) == 'purged'
    with agent_of(past) as late:
        wait_until_sure(late)
        assert outcome(late, gone) == 'purged'


def test_what_nobody_can_know(past):
    """Redis is back with an old copy, and all agents are new: everything counts as purged."""
    gone, kept = question(tags='gone'), question()
    with agent_of(past) as agent:
        wait_until_sure(agent)
        fill(agent, gone)
        fill(agent, kept)
        past.remember()
        purge(agent, 'tag', 'gone')
    past.go_back()
    with agent_of(past) as agent:
        wait_until_sure(agent)
        assert outcome(agent, gone) == outcome(agent, kept) == 'purged'
        assert metrics(agent.status)['purge_unknowns_total'] == 1
        assert 'nobody knows what was purged' in agent.output.read_text()
    with agent_of(past) as agent:
        wait_until_sure(agent)
        assert metrics(agent.status)['purge_unknowns_total'] == 0


@pytest.mark.parametrize('command', ['FLUSHALL', 'FLUSHDB', 'SWAPDB 0 1'])
def test_what_somebody_does_by_hand(past, command):
    with filled_pair(CONFIG.format(past.address)) as (one, other, gone, kept):
        past(*command.split())
        wait_for(lambda: outcome(other, kept) != 'HIT', 'it is gone')
        purge(one, 'tag', 'gone')
        if command.startswith('SWAPDB'):  # and back, to what knows nothing of that purge
            past(*command.split())
        for agent in (one, other):
            wait_until_sure(agent)
            assert outcome(agent, gone) != 'HIT'
            assert outcome(agent, kept) != 'HIT'


def test_a_purge_costs_the_same_however_many_there_were(one, other, redis):
    """No agent reads the whole hash for it."""
    for number in range(300):
        purge(one, 'tag', f'one of many {number}')
    wait_until_sure(other)
    before, text = redis.calls('hgetall'), question(tags='gone')
    fill(one, text)
    for number in range(40):
        purge(one, 'tag', f'another {number}')
        assert outcome(other, text) == 'HIT'
    purge(one, 'tag', 'gone')
    wait_until_sure(other)
    assert outcome(other, text) == 'purged'
    assert redis.calls('hgetall') == before


def test_a_full_table_is_no_secret(past):
    with agent_of(past) as agent, Redis(past.address) as connection:
        wait_until_sure(agent)
        old = question()
        fill(agent, old)
        epoch = metrics(agent.status)['purge_epoch']
        connection('HSET', 'sc:purges', *[word for n in range(4096)
                                          for word in (f'tag:{n}', epoch + 1 + n)])
        connection('HSET', 'sc:purges', 'epoch', epoch + 4096, 'serial', 4097)
        purge(agent, 'tag', 'one too many')
        assert metrics(agent.status)['purge_folds_total'] == 1
        assert 'too many different things' in agent.output.read_text()
        wait_until_sure(agent)
        assert outcome(agent, old) == 'purged'
        assert 3000 < connection('HLEN', 'sc:purges') < 3200


def test_without_redis_it_says_that_it_is_not_done():
    with RedisServer() as server, agent_of(server) as agent:
        wait_for(lambda: metrics(agent.status)['redis_up'] == 1, 'Redis is connected')
        server.process.kill()
        server.process.wait()
        server.good_status = -9
        wait_for(lambda: metrics(agent.status)['redis_up'] == 0, 'Redis is gone')
        done = run(agent, 'all')
        assert done.returncode == 1 and not done.stdout and 'perhaps not purged' in done.stderr
        assert metrics(agent.status)['purges_total'] == 0


def test_a_frozen_redis_is_not_waited_for(redis):
    """The call ends by the deadline; and an agent that is stopped meanwhile ends well."""
    with agent_of(redis, binary=harness.SANITIZED) as agent:
        asked = question()
        wait_for(lambda: look(agent, question())['reason'] == 'absent', 'Redis is connected')
        fill(agent, asked)
        redis.freeze()
        try:
            done = run(agent, 'all')
            assert done.returncode == 1 and 'in time' in done.stderr
            assert look(agent, asked)['status'] == 'BYPASS'
        finally:
            redis.thaw()
    config = CONFIG.format(redis.address).replace('timeout = 300ms', 'timeout = 10s')
    with Agent(config, binary=harness.SANITIZED) as agent:
        wait_for(lambda: look(agent, question())['reason'] == 'absent', 'Redis is connected')
        redis.freeze()
        try:
            call = subprocess.Popen([AGENT, 'purge', '--door', agent.status, 'all'],
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            wait_for(lambda: metrics(agent.status)['redis_pending'], 'it is under way')
            agent.process.terminate()
            assert agent.process.wait(10) == 0
            assert call.wait(10) == 1
            call.communicate()
        finally:
            redis.thaw()


@pytest.mark.parametrize('purged', [False, True])
def test_values_that_wait_to_be_judged_are_bounded(redis, purged):
    """Redis says too late what was purged: values wait until it is asked again, behind them all. Of
    more than 32 MB the rest goes to the origin, and so do they when that takes too long as well."""
    size, count = 900_000, 50
    room = (32 << 20) // size
    config = CONFIG.format(redis.address).replace('timeout = 300ms', 'timeout = 10s')
    asked, answer = question(), json.dumps('x' * (size - 2))

    def held(agent, connections):
        """What lookups give that Redis answers late, and all at once."""
        redis.freeze()
        try:
            wait_for(lambda: metrics(agent.status)['redis_pending'], 'purges are asked about first')
            for connection in connections:
                connection.notify(spop.lookup(asked.body))
            wait_for(lambda: metrics(agent.status)['redis_pending'] > count, 'all are asked')
            if purged:
                call = subprocess.Popen([AGENT, 'purge', '--door', agent.status, 'all'],
                                        stdout=subprocess.DEVNULL)
                wait_for(lambda: metrics(agent.status)['redis_pending'] > count + 1, 'and this')
            time.sleep(0.1)  # then the answer about purges comes too late
        finally:
            redis.thaw()
        found = [spop.actions(connection.read()) for connection in connections]
        assert not purged or call.wait(10) == 0
        assert all(each['body'] == answer.encode() for each in found if each['status'] == 'HIT')
        return collections.Counter(each.get('reason', 'HIT') for each in found)

    with Agent(config + '[memory]\ntier = off\n') as agent, contextlib.ExitStack() as stack:
        connections = [stack.enter_context(spop.Connection(agent.address, max_frame_size=1 << 20))
                       for _ in range(count)]

        def hits():
            found = spop.look_and_store(connections[0], asked.body, answer)
            return found['status'] == 'HIT' and found['body'] == answer.encode()

        wait_for(hits, 'it is stored')
        for _ in range(2):
            found = held(agent, connections)
            assert found['store-busy'] == count - room
            assert found['store-slow'] + found['purged' if purged else 'HIT'] == room
            assert not purged or connections[0].ask(spop.lookup(asked.body))['status'] != 'HIT'
            wait_for(hits, 'it is stored')


def test_a_user_that_may_not_serves_nothing(redis):
    redis('ACL', 'SETUSER', 'weak', 'on', '>weak', '~sc:*', '+get', '+set')
    config = CONFIG.format(redis.address).replace('[redis]', '[redis]\nuser = weak\npassword = weak')
    with Agent(config) as agent:
        wait_for(lambda: metrics(agent.status)['redis_up'] == 1, 'Redis is connected')
        asked = question()
        fill(agent, asked)
        assert outcome(agent, asked) == 'store-error'
        assert 'does not say what was purged' in agent.output.read_text()
        assert run(agent, 'all').returncode == 1


def test_a_full_redis_serves_and_purges(one, redis):
    asked, tagged = question(), question(tags='full')
    for each in (asked, tagged):
        fill(one, each)
        wait_for(lambda each=each: outcome(one, each) == 'HIT', 'a hit')
    redis('CONFIG', 'SET', 'maxmemory', 1)
    try:
        time.sleep(0.1)
        assert outcome(one, asked) == outcome(one, tagged) == 'HIT'
        purge(one, 'tag', 'full')
        assert (outcome(one, asked), outcome(one, tagged)) == ('HIT', 'purged')
        purge(one, 'all')
        assert outcome(one, asked) == 'purged'
    finally:
        redis('CONFIG', 'SET', 'maxmemory', 0)


def test_the_hash_is_bounded(one, other, redis):
    asked = question()
    redis('HSET', 'sc:purges', *(word for n in range(5000) for word in (f'tag:t{n}', n + 1)))
    purge(one, 'tag', 'the last')
    assert redis('HLEN', 'sc:purges') < 5010
    for _ in range(3):
        purge(one, 'tag', prompt())
    fill(one, asked)
    wait_for(lambda: outcome(other, asked) == 'HIT', 'a hit')
    redis('DEL', 'sc:purges')


# The space.

def used(redis, pattern='sc:*'):
    return sorted(key for key in redis('KEYS', pattern)
                  if key != b'sc:purges' and not key.startswith(b'sc:lease:'))


def knows_all(agent, redis):
    """Whether the agent knows of every purge that Redis knows of."""
    look(agent, question())
    epoch = redis('HGET', 'sc:purges', 'epoch')
    return epoch and metrics(agent.status)['purge_epoch'] == int(epoch)


def test_reclaim_unlinks_what_was_purged_and_nothing_else(one, redis):
    with Redis(redis.address) as connection:
        connection('FLUSHALL')
        wait_for(lambda: knows_all(one, connection), 'the agent has seen that all is gone')
        foreign = {b'other': b'1', b'sc': b'2', b'sc:': b'3', b'sc:llm:text': b'no entry',
                   b'xsc:llm': b'4'}
        for name, value in foreign.items():
            connection('SET', name, value)
        connection('RPUSH', 'sc:list', 'x')
        connection('SELECT', 1)
        connection('SET', 'sc:of another database', 'x')
        connection('SELECT', 0)
        gone = [question(tags='gone') for _ in range(300)]
        kept = [question() for _ in range(200)]
        for each in gone + kept:
            fill(one, each)
        before = used(redis)
        done = reclaim(one)
        assert (done.returncode, used(redis)) == (0, before), done.stderr
        purge(one, 'tag', 'gone')
        assert used(redis) == before
        memory = redis.info('memory')['used_memory']
        done = reclaim(one, '--json')
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)['unlinked'] == 300
        assert len(used(redis)) == len(before) - 300
        assert int(redis.info('memory')['used_memory']) < int(memory)
        for name, value in foreign.items():
            assert connection('GET', name) == value
        assert connection('LRANGE', 'sc:list', 0, -1) == [b'x']
        connection('SELECT', 1)
        assert connection('DBSIZE') == 1
    assert all(outcome(one, each) == 'HIT' for each in kept)


@pytest.mark.parametrize('values, unlinked', [
    ('compress = zstd\ncompress-above = 0', 30), ('key-file = {}', 30),
    ('compress = zstd\ncompress-above = 0\nkey-file = {}', 30),
    ('key-file = {}\nbind-to-request = yes', 0)], ids=['compressed', 'encrypted', 'both', 'bound'])
def test_reclaim_opens_what_it_can(redis, tmp_path, values, unlinked):
    redis('FLUSHALL')
    keys = tmp_path / 'keys'
    keys.write_text(f'1 {base64.b64encode(os.urandom(32)).decode()}\n')
    keys.chmod(0o600)
    with agent_of(redis) as plain, \
            Agent(CONFIG.format(redis.address) + f'[values]\n{values.format(keys)}\n') as agent:
        for part in (plain, agent):
            wait_for(lambda part=part: metrics(part.status)['redis_up'] == 1, 'Redis is connected')
        wait_for(lambda: knows_all(plain, redis) and knows_all(agent, redis), 'both know the purges')
        asked = [question(tags='gone' if n < 30 else '') for n in range(50)]
        for each in asked:
            wait_for(lambda each=each: fill(agent, each), 'it is stored')
        fill(plain, question(tags='gone'))
        purge(agent, 'tag', 'gone')
        done = reclaim(agent, '--json')
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == {
            'scanned': 51, 'unlinked': unlinked + 1, 'unopened': 0 if unlinked else 50}
        assert len(used(redis)) == 51 - unlinked - 1
        assert all(outcome(agent, each) == 'HIT' for each in asked[30:])


def test_reclaim_keeps_its_pace(one, redis):
    redis('FLUSHALL')
    with Redis(redis.address) as connection:
        for number in range(2000):
            connection('SET', f'sc:llm:{number}', 'x')
    started = time.monotonic()
    done = reclaim(one, '--rate', '1000')
    assert done.returncode == 0 and time.monotonic() - started > 1.5
    assert 'looked at' in done.stderr and done.stdout.startswith('looked at 2000 keys')
    assert len(redis('KEYS', 'sc:llm:*')) == 2000
    redis('FLUSHALL')


def test_reclaim_without_redis():
    with Agent() as agent:
        assert reclaim(agent).returncode == 2
        agent.config.write_text('[key]\nsecret = one secret of many\n'
                                f'[redis]\naddress = {harness.free_address()}\n')
        done = reclaim(agent)
        assert done.returncode == 1 and done.stderr.startswith('spoa-cache purge: Redis at ')


# Where the hash is at a node that is lost.

def test_a_failover_to_replicas_that_lag():
    """They have not got the last purge: Sentinel makes one of them the master."""
    with Replicated() as redis:
        for sentinel in redis.sentinels:  # one failover: after two of them nobody can know
            sentinel('SENTINEL', 'SET', MASTER, 'down-after-milliseconds', 2000)
        login = f'user = {USER}\npassword = {USER_PASSWORD}\nmaster = {MASTER}\n' \
            f'sentinel-password = {SENTINEL_PASSWORD}\nsentinels ='
        config = CONFIG.replace('address =', login)
        addresses = ' '.join(sentinel.address for sentinel in redis.sentinels)
        with filled_pair(config.format(addresses)) as (one, other, gone, kept):
            master = redis.master()
            assert master('WAIT', 2, 5000) == 2
            for node in redis.nodes:
                if node is not master:
                    node.freeze()
            master('CLIENT', 'KILL', 'TYPE', 'replica')
            pause(other)
            purge(one, 'tag', 'gone')
            master.kill()
            for node in redis.nodes:
                if node is not master:
                    node.thaw()
            go_on(other)
            seen = set()
            wait_for(lambda: seen.add(outcome(other, gone)) or outcome(other, kept) == 'HIT',
                     'it serves', 30)
            assert 'HIT' not in seen and outcome(other, gone) == 'purged'
            wait_for(lambda: outcome(one, kept) == 'HIT', 'it serves')
            assert outcome(one, gone) == 'purged'
            assert metrics(one.status)['purge_repairs_total'] == 1
            master.start()


# A cluster, where the hash is at one node.

def test_in_a_cluster(origin):
    with Cluster() as cluster:
        config = CONFIG.replace('address = {}', f'cluster = {cluster.nodes[0].address} {cluster.nodes[3].address}')
        with Agent(config) as one, Agent(config) as other:
            asked = [question(tags='gone' if n % 2 else '') for n in range(24)]
            for agent in (one, other):
                wait_for(lambda agent=agent: look(agent, question())['status'] == 'MISS', 'it serves')
            for each in asked:
                wait_for(lambda each=each: fill(one, each), 'it is stored')
                wait_for(lambda each=each: outcome(other, each) == 'HIT', 'a hit')
            time.sleep(0.2)
            purge(one, 'tag', 'gone')
            time.sleep(0.1)
            for n, each in enumerate(asked):
                assert outcome(other, each) == ('purged' if n % 2 else 'HIT')
            done = reclaim(one, '--json')
            assert done.returncode == 0, done.stderr
            assert json.loads(done.stdout)['unlinked'] == 12
            for node in cluster.nodes:  # as behind a proxy: each says only its port
                node('CONFIG', 'SET', 'cluster-preferred-endpoint-type', 'unknown-endpoint')
            done = reclaim(one, '--json')
            assert done.returncode == 0, done.stderr
            assert json.loads(done.stdout)['scanned'] == 12
