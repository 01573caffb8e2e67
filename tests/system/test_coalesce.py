"""Identical requests at once: one goes to the origin, the others wait for its answer."""
import collections
import contextlib
import signal
import threading
import time

import pytest

import client
import harness
import spop
from harness import CHAT, chat, metrics, prompt, wait_for

SECRET = '[key]\nsecret = of the agents of these tests\n'


class Crowd:
    """Requests sent at once, each on a connection and a thread of its own. A context: it leaves
    none behind."""

    def __init__(self, count, ask):
        self.answers, self.failures = [], []
        self.threads = [threading.Thread(target=self.run, args=(ask, n)) for n in range(count)]

    def begin(self):
        for thread in self.threads:
            thread.start()
        return self

    __enter__ = begin

    def __exit__(self, *_):
        for thread in self.threads:
            thread.join()

    def run(self, ask, number):
        try:
            self.answers.append(ask(number))
        except Exception as error:  # whatever a client would see
            self.failures.append(repr(error))

    def statuses(self):
        """Of all answers, when they are there: no request has failed."""
        self.__exit__()
        assert self.failures == []
        return collections.Counter(answer.status for answer in self.answers)

    def whole(self):
        """How the answers came, which are all whole."""
        self.statuses()
        assert all(answer.status == 200 and answer.complete for answer in self.answers)
        return collections.Counter(answer.cache for answer in self.answers)

    def bodies(self):
        return {answer.body for answer in self.answers}

    def slowest(self):
        return max(answer.time for answer in self.answers)


def waiting(*statuses):
    return sum(metrics(status)['waiting'] for status in statuses)


def all_wait(count, *statuses):
    wait_for(lambda: waiting(*statuses) == count, f'{count} wait', 30)


def purge(*statuses):
    """Purges everything, and waits until all agents know."""
    answer = client.request(statuses[0], 'POST', '/purge?kind=all&format=json', {'Host': 'x'})
    wait_for(lambda: all(metrics(status)['purge_epoch'] >= answer.json['epoch']
                         for status in statuses), 'all know of the purge')


def no_agent(haproxy):
    """HAProxy 2.6 holds an answer that it offers to an agent that is gone and not yet noticed."""
    wait_for(lambda: not haproxy.has_agent(), 'HAProxy has noticed')


def all_called(origin, calls):
    wait_for(lambda: origin.calls() == calls, f'{calls} calls to the origin')


def alone(origin, policy='', binary=harness.SANITIZED):
    """A stack on the agent's memory."""
    config = f'[policy llm]\n{policy}'
    return harness.Stack(origin, config, ['--agent', binary, '--redis', 'none', '--keep-going'])


@pytest.fixture(scope='module')
def memory(origin):
    """Whose lease ends soon: for what happens when nothing comes."""
    with alone(origin, 'coalesce-lease = 2s\ncoalesce-wait = 6s\n') as part:
        yield part


@pytest.fixture(scope='module')
def pair(origin):
    """Two HAProxies before two agents over one Redis."""
    with together(origin) as parts:
        yield parts


class Pair:
    def __init__(self, redis, agents, haproxies):
        self.redis, self.agents, self.haproxies = redis, agents, haproxies
        self.statuses = [agent.status for agent in agents]

    def post(self, number, *arguments, **how):
        return self.haproxies[number % 2].post(*arguments, **how)

    def settle(self):
        """Waits until both agents follow what the other one does."""
        wait_for(lambda: all(metrics(s)['redis_watched'] > 0 for s in self.statuses), 'both watch')


@contextlib.contextmanager
def together(origin, policy='coalesce-lease = 3s\ncoalesce-wait = 8s\n', binary=harness.SANITIZED,
             apart=False):
    """Both HAProxies use both agents; `apart`, each uses one of its own."""
    with contextlib.ExitStack() as stack:
        redis = stack.enter_context(harness.RedisServer())
        config = (f'{SECRET}[redis]\naddress = {redis.address}\ntimeout = 300ms\n'
                  f'[policy llm]\n{policy}')
        agents = [stack.enter_context(harness.Agent(config, binary=binary))
                  for _ in range(2)]
        sockets = ['unix@' + agent.address.removeprefix('unix:') for agent in agents]
        haproxies = [stack.enter_context(harness.HAProxy(origin, [own] if apart else sockets))
                     for own in sockets]
        parts = Pair(redis, agents, haproxies)
        parts.settle()
        yield parts


def test_one_request_goes_to_the_origin(memory, origin):
    question, calls = prompt(), origin.calls()
    with Crowd(50, lambda _: memory.post(question, 'delay=700')) as crowd:
        pass
    assert crowd.whole() == {'MISS': 1, 'COALESCED': 49}
    assert origin.calls() == calls + 1
    assert len(crowd.bodies()) == 1
    assert crowd.slowest() < 2
    told = next(a for a in crowd.answers if a.cache == 'COALESCED').header('cache-status')
    assert 'hit' in told and 'detail=coalesced' in told
    assert memory.post(question).cache == 'HIT'


def test_one_request_goes_to_the_origin_from_two_haproxies_and_two_agents(pair, origin):
    question, calls = prompt(), origin.calls()
    with origin.held() as fake:
        crowd = Crowd(50, lambda n: pair.post(n, question, fake)).begin()
        all_wait(49, *pair.statuses)
    assert crowd.whole() == {'MISS': 1, 'COALESCED': 49}
    assert origin.calls() == calls + 1
    assert len(crowd.bodies()) == 1


def test_a_thousand_at_once(origin):
    """Through two HAProxies, each with an agent of its own: as many as may wait without a line of
    configuration."""
    with together(origin, '', binary=harness.AGENT, apart=True) as pair:
        question, calls = prompt(), origin.calls()
        with origin.held() as fake:
            leader = Crowd(1, lambda n: pair.post(n, question, fake)).begin()
            all_called(origin, calls + 1)
            crowd = Crowd(999, lambda n: pair.post(n + 1, question, fake)).begin()
            all_wait(999, *pair.statuses)
            assert [waiting(status) for status in pair.statuses] == [499, 500]
            other = pair.post(0, prompt())
        assert leader.whole() == {'MISS': 1}
        assert crowd.whole() == {'COALESCED': 999}
        assert origin.calls() == calls + 2
        assert crowd.bodies() == leader.bodies()
        assert other.time < 0.5


@pytest.mark.parametrize('where', ['memory', 'pair'])
def test_what_is_there_and_of_no_use_makes_nobody_go(request, origin, where):
    """What was purged stays in Redis for a while: it is not what those who ask again wait for."""
    part = request.getfixturevalue(where)
    statuses = part.statuses if where == 'pair' else [part.status]
    ask = part.post if where == 'pair' else lambda _, *arguments: part.post(*arguments)
    question = prompt()
    assert ask(0, question).cache == 'MISS'
    purge(*statuses)
    calls = origin.calls()
    with origin.held() as fake:
        crowd = Crowd(20, lambda n: ask(n, question, fake)).begin()
        all_wait(19, *statuses)
    assert crowd.whole() == {'MISS': 1, 'COALESCED': 19}
    assert origin.calls() == calls + 1


@pytest.mark.parametrize('where', ['memory', 'pair'])
def test_a_purge_while_they_wait(request, origin, where):
    """The answer under way is not stored: one of them asks anew, and the others wait for that."""
    part = request.getfixturevalue(where)
    statuses = part.statuses if where == 'pair' else [part.status]
    ask = part.post if where == 'pair' else lambda _, *arguments: part.post(*arguments)
    question, calls = prompt(), origin.calls()
    with origin.held() as fake:
        crowd = Crowd(20, lambda n: ask(n, question, fake)).begin()
        all_wait(19, *statuses)
        purge(*statuses)
    assert crowd.whole() == {'MISS': 2, 'COALESCED': 18}
    assert origin.calls() == calls + 2
    assert len(crowd.bodies()) == 2


def test_different_tenants_never_wait_for_each_other(pair, origin):
    question, calls = prompt(), origin.calls()

    def ask(number):
        return pair.post(number, question, 'delay=600', {'X-Tenant-Id': f'tenant {number % 5}'})
    with Crowd(30, ask) as crowd:
        pass
    assert crowd.whole() == {'MISS': 5, 'COALESCED': 25}
    assert origin.calls() == calls + 5
    assert len(crowd.bodies()) == 5


def test_requests_that_differ_never_wait_for_each_other(memory, origin):
    calls = origin.calls()
    with Crowd(10, lambda n: memory.post(prompt(), 'delay=300')) as crowd:
        pass
    assert crowd.whole() == {'MISS': 10}
    assert origin.calls() == calls + 10


@pytest.mark.parametrize('fake', ['finish=length', 'status=500', 'html', 'huge=80000', 'error'])
@pytest.mark.parametrize('where', ['memory', 'pair'])
def test_a_refused_answer_sends_all_to_the_origin_at_once(request, where, fake):
    """Also one that HAProxy never offers: what is no JSON, or is too large."""
    part = request.getfixturevalue(where)
    ask = part.post if where == 'pair' else lambda _, *arguments: part.post(*arguments)
    question = prompt()
    with Crowd(20, lambda n: ask(n, question, f'delay=500,{fake}')) as crowd:
        pass
    crowd.statuses()
    assert collections.Counter(a.cache for a in crowd.answers) == {'MISS': 20}
    assert len(crowd.bodies()) == 20
    assert crowd.slowest() < 1.6, 'nobody waits for the end of the lease'


def abandon(address, question, fake):
    """A request whose client leaves before there is an answer."""
    body = chat(question)
    stream = client.connect(address)
    stream.sendall(f'POST {CHAT} HTTP/1.1\r\nHost: llm.example\r\nContent-Type: application/json\r\n'
                   f'X-Tenant-Id: acme\r\nX-Fake: {fake}\r\n'
                   f'Content-Length: {len(body)}\r\n\r\n'.encode() + body)
    return stream


@pytest.mark.parametrize('where', ['memory', 'pair'])
def test_when_its_client_leaves_the_next_one_leads(request, origin, where):
    """An answer that does not come costs those who wait the time of the lease, and the origin one
    more request."""
    part = request.getfixturevalue(where)
    address = part.haproxies[0].address if where == 'pair' else part.address
    statuses = part.statuses if where == 'pair' else [part.status]
    ask = part.post if where == 'pair' else lambda _, *arguments: part.post(*arguments)
    question, calls = prompt(), origin.calls()
    with abandon(address, question, 'delay=8000') as leader:
        all_called(origin, calls + 1)
        with Crowd(20, lambda n: ask(n, question, 'delay=200')) as crowd:
            all_wait(20, *statuses)
            leader.close()
    assert crowd.whole() == {'MISS': 1, 'COALESCED': 19}
    assert origin.calls() == calls + 2
    assert crowd.slowest() < 6


def test_an_answer_outlives_its_client(memory, origin):
    """Also from HAProxy 3.3 on, which would drop the request of a client that leaves, and send one
    that waits to the origin."""
    question, calls = prompt(), origin.calls()
    with origin.held() as fake:
        with abandon(memory.address, question, fake):
            all_called(origin, calls + 1)
            with abandon(memory.address, question, fake):
                all_wait(1, memory.status)
        crowd = Crowd(10, lambda _: memory.post(question, fake)).begin()
        all_wait(11, memory.status)
    assert crowd.whole() == {'COALESCED': 10}
    assert origin.calls() == calls + 1


def ask_and_wait(connection, body):
    """A request that finds the lease taken, and waits."""
    found = connection.ask(spop.lookup(body))
    assert found['wait']
    connection.notify(spop.message('wait', {'ticket': found['ticket'], 'exact': True}))


@pytest.mark.parametrize('where', ['memory', 'redis'])
def test_who_has_gone_does_not_lead(where):
    """HAProxy ended the connection of the next in line: another one gets the lease at once."""
    config = SECRET + '[policy llm]\ncoalesce-lease = 1s\n'
    with contextlib.ExitStack() as stack:
        if where == 'redis':
            redis = stack.enter_context(harness.RedisServer())
            config += f'[redis]\naddress = {redis.address}\ntimeout = 300ms\n'
        agent = stack.enter_context(harness.Agent(config, binary=harness.SANITIZED))
        if where == 'redis':
            wait_for(lambda: metrics(agent.status)['redis_watched'] == 1, 'it watches')
        leader, gone, left = (stack.enter_context(spop.Connection(agent.address))
                              for _ in range(3))
        body, started = chat(prompt()), time.monotonic()
        assert leader.ask(spop.lookup(body))['lead']
        ask_and_wait(left, body)
        all_wait(1, agent.status)
        ask_and_wait(gone, body)
        all_wait(2, agent.status)
        gone.socket.close()
        answer = spop.actions(left.read())
        assert answer['lead'] and answer['reason'] == 'wait-led'
        assert time.monotonic() - started < 1.8
        assert metrics(agent.status)['leases_ended_total'] == 2


def reload(agent, config):
    said = agent.output.read_text().count('configuration reloaded')
    agent.config.write_text(config)
    agent.process.send_signal(signal.SIGHUP)
    wait_for(lambda: agent.output.read_text().count('configuration reloaded') > said, 'reloaded')


@pytest.mark.parametrize('policy, served', [('emit =', True), ('min-output-tokens = 1', False),
                                            ('mode = shadow', False), ('coalesce-wait = 0', False)])
def test_reload_between_a_lookup_and_its_wait(policy, served):
    """By other rules nobody is served what those of the lookup kept: what the lookup said stands."""
    with harness.Agent(SECRET, binary=harness.SANITIZED) as agent, \
            spop.Connection(agent.address) as one, spop.Connection(agent.address) as two:
        body = chat(prompt())
        leads, waits = one.ask(spop.lookup(body)), two.ask(spop.lookup(body))
        assert one.ask(spop.store(leads['ticket'], '{"answer": 1}'))['stored']
        reload(agent, f'{SECRET}[policy llm]\n{policy}\n')
        answer = two.ask(spop.message('wait', {'ticket': waits['ticket'], 'exact': True}))
        assert answer.get('hit', False) == served
        assert answer or not served


def test_reload_while_they_wait():
    """Requests in flight end by the configuration they began with."""
    with harness.Agent(SECRET, binary=harness.SANITIZED) as agent, \
            spop.Connection(agent.address) as one, spop.Connection(agent.address) as two:
        body = chat(prompt())
        leads = one.ask(spop.lookup(body))
        ask_and_wait(two, body)
        all_wait(1, agent.status)
        reload(agent, f'{SECRET}[agent]\nmax-waiting = 0\n[policy llm]\nttl = 1h\n')
        assert one.ask(spop.store(leads['ticket'], '{"answer": 1}'))['stored']
        assert spop.actions(two.read())['status'] == 'COALESCED'


def test_an_agent_that_ends_at_once_while_they_wait():
    """Redis owes it an answer then."""
    with harness.RedisServer() as redis:
        config = (f'{SECRET}[redis]\naddress = {redis.address}\ntimeout = 10s\n'
                  '[policy llm]\ncoalesce-lease = 100ms\n')
        with harness.Agent(config, binary=harness.SANITIZED) as agent, \
                spop.Connection(agent.address) as one, spop.Connection(agent.address) as two:
            wait_for(lambda: metrics(agent.status)['redis_watched'] == 1, 'it watches')
            body = chat(prompt())
            assert one.ask(spop.lookup(body))['lead']
            ask_and_wait(two, body)
            all_wait(1, agent.status)
            redis.process.send_signal(signal.SIGSTOP)
            wait_for(lambda: metrics(agent.status)['redis_pending'] > 0, 'it looks')
            agent.process.terminate()
            assert spop.actions(two.read())['reason'] == 'wait-ended'
            agent.process.terminate()
            assert agent.process.wait(10) == 0
        redis.process.send_signal(signal.SIGCONT)


def test_idle_connections_make_way():
    """HAProxy keeps those on which many waited for longer than it should: lookups need room."""
    config = '[agent]\nmax-connections = 6\n[policy llm]\ncoalesce-wait = 3s\n'
    with contextlib.ExitStack() as stack:
        agent = stack.enter_context(harness.Agent(config, binary=harness.SANITIZED))
        waits, *idle = (stack.enter_context(spop.Connection(agent.address)) for _ in range(6))
        body = chat(prompt())
        assert idle[0].ask(spop.lookup(body))['lead']
        ask_and_wait(waits, body)
        assert [connection.refused() for connection in idle] == [spop.NORMAL] * 5
        assert waiting(agent.status) == 1
        assert waits.read().type == spop.ACK


def test_a_wait_ends(origin):
    """An origin that is slower than a wait gets the requests, and each client its answer."""
    with alone(origin, 'coalesce-lease = 10s\ncoalesce-wait = 500ms\n') as stack:
        question = prompt()
        with Crowd(5, lambda _: stack.post(question, 'delay=1500')) as crowd:
            pass
        assert crowd.whole() == {'MISS': 5}
        assert metrics(stack.status)['wait_reasons_total{reason="wait-over"}'] == 4
        assert crowd.slowest() < 3


def test_an_origin_that_is_not_there():
    """HAProxy's own answers are not seen by the agent: they cost a wait, and no more."""
    class Nobody:
        address = harness.free_address()
    config = '[policy llm]\ncoalesce-lease = 500ms\ncoalesce-wait = 1s\n'
    with harness.Stack(Nobody, config, ['--redis', 'none']) as stack:
        question = prompt()
        with Crowd(5, lambda _: stack.post(question)) as crowd:
            pass
        assert crowd.statuses() == {503: 5}
        assert crowd.slowest() < 7


def test_who_asks_again_after_an_error_of_haproxy_does_not_wait(origin):
    """It answered 502 itself, which the agent cannot know: the lease is still there."""
    with alone(origin, 'coalesce-lease = 3s') as stack:
        question = prompt()
        assert stack.post(question, 'drop').status == 502
        again = stack.post(question)
        assert (again.status, again.cache) == (200, 'MISS') and again.time < 2
        assert stack.post(question).cache == 'HIT'
        purge(stack.status)
        with Crowd(5, lambda _: stack.post(question, 'delay=300')) as crowd:
            pass
        assert crowd.whole() == {'MISS': 1, 'COALESCED': 4}, 'the first answer makes up for it'


def test_nor_after_an_error_of_the_origin_that_follows_it(origin):
    """The lease of the first request is still there: what is not stored ends no lease of another."""
    with alone(origin, 'coalesce-lease = 5s') as stack:
        question = prompt()
        assert stack.post(question, 'drop').status == 502
        assert stack.post(question, 'status=503').status == 503
        again = stack.post(question)
        assert (again.status, again.cache) == (200, 'MISS') and again.time < 2


def test_an_error_of_haproxy_ends_no_later_wait(origin):
    """As soon as the lease is another's, there is an answer to wait for again."""
    with harness.Stack(origin, '[policy llm]') as stack, stack.redis() as redis:
        wait_for(lambda: metrics(stack.status)['redis_watched'] == 1, 'it watches')
        question = prompt()
        assert stack.post(question, 'drop').status == 502
        assert redis('DEL', *redis('KEYS', 'sc:lease:*')) == 1
        with Crowd(1, lambda _: stack.post(question, 'delay=1000')) as leader:
            wait_for(lambda: stack.stats('llm')['origin']['scur'] == '1', 'one leads')
            with Crowd(4, lambda _: stack.post(question)) as crowd:
                pass
        assert (leader.whole(), crowd.whole()) == ({'MISS': 1}, {'COALESCED': 4})


@pytest.mark.parametrize('policy', ['coalesce-wait = 0', 'coalesce-methods =', 'mode = shadow'])
def test_it_can_be_switched_off(origin, policy):
    with alone(origin, policy) as stack:
        question, calls = prompt(), origin.calls()
        with Crowd(5, lambda _: stack.post(question, 'delay=400')) as crowd:
            pass
        assert crowd.whole() == {'MISS': 5}
        assert origin.calls() == calls + 5


def test_without_the_second_engine_nothing_waits(origin, tmp_path):
    text = (harness.ROOT / 'haproxy/haproxy.cfg').read_text()
    (tmp_path / 'haproxy.cfg').write_text(''.join(
        line for line in text.splitlines(True) if 'filter spoe engine cache-wait' not in line))
    options = ['--redis', 'none', '--haproxy-cfg', tmp_path / 'haproxy.cfg']
    with harness.Stack(origin, '', options) as stack:
        question = prompt()
        with Crowd(5, lambda _: stack.post(question, 'delay=400')) as crowd:
            pass
        assert crowd.whole() == {'MISS': 5}
        assert stack.post(question).cache == 'HIT'


def test_others_are_not_held_up(origin):
    """100 wait: more than the 20 that one SPOP connection takes."""
    with alone(origin, binary=harness.AGENT) as stack:
        known = prompt()
        stack.post(known)
        question = prompt()
        with origin.held() as fake:
            crowd = Crowd(101, lambda _: stack.post(question, fake)).begin()
            all_wait(100, stack.status)
            times = sorted(stack.post(known).time for _ in range(50))
            fresh = stack.post(prompt())
            assert waiting(stack.status) == 100
        assert fresh.cache == 'MISS'
        assert times[25] < 0.05 and fresh.time < 0.5
        assert crowd.whole() == {'MISS': 1, 'COALESCED': 100}


def test_more_than_may_wait_go_to_the_origin(origin):
    config = '[agent]\nmax-waiting = 10\n[policy llm]\ncoalesce-max = 6\n'
    with harness.Stack(origin, config, ['--redis', 'none']) as stack:
        questions, calls = [prompt(), prompt()], origin.calls()
        with origin.held() as fake:
            crowd = Crowd(40, lambda n: stack.post(questions[n % 2], fake)).begin()
            all_called(origin, calls + 30)
            assert waiting(stack.status) == 10
        assert crowd.whole() == {'MISS': 30, 'COALESCED': 10}


def test_large_answers_reach_all(memory):
    question = prompt()
    with Crowd(60, lambda _: memory.post(question, 'delay=600,huge=50000')) as crowd:
        pass
    assert crowd.whole() == {'MISS': 1, 'COALESCED': 59}
    assert len(crowd.bodies()) == 1


def test_an_agent_that_stops_sends_them_on(origin):
    with alone(origin) as stack:
        question, calls = prompt(), origin.calls()
        with origin.held() as fake:
            crowd = Crowd(10, lambda _: stack.post(question, fake)).begin()
            all_wait(9, stack.status)
            stack.signal('agent', signal.SIGTERM)
            all_called(origin, calls + 10)
            no_agent(stack)
        assert crowd.statuses() == {200: 10}


@pytest.mark.parametrize('number', [signal.SIGKILL, signal.SIGSTOP])
def test_an_agent_that_dies_or_freezes_sends_them_on(origin, number):
    with alone(origin, binary=harness.AGENT) as stack:
        question, calls = prompt(), origin.calls()
        with origin.held() as fake:
            crowd = Crowd(10, lambda _: stack.post(question, fake)).begin()
            all_wait(9, stack.status)
            stack.signal('agent', number)
            all_called(origin, calls + 10)
            no_agent(stack)
        assert crowd.statuses() == {200: 10}
        assert crowd.slowest() < 6
        stack.signal('agent', signal.SIGCONT) if number == signal.SIGSTOP else None


def kill(part):
    part.process.kill()
    part.good_status = -signal.SIGKILL


def test_redis_dies_while_they_wait(origin):
    with together(origin) as pair:
        question, calls = prompt(), origin.calls()
        with origin.held() as fake:
            crowd = Crowd(30, lambda n: pair.post(n, question, fake)).begin()
            all_wait(29, *pair.statuses)
            kill(pair.redis)
            all_called(origin, calls + 30)
        assert crowd.statuses() == {200: 30}
        assert crowd.slowest() < 5


@contextlib.contextmanager
def led(origin, pair, number, count, fake):
    """`count` requests through each HAProxy wait for one through the HAProxy of that number. Gives
    the leader and all who wait."""
    question, calls = prompt(), origin.calls()
    leader = Crowd(1, lambda _: pair.post(number, question, fake)).begin()
    all_called(origin, calls + 1)
    crowd = Crowd(2 * count, lambda n: pair.post(n, question, fake)).begin()
    all_wait(2 * count, *pair.statuses)
    yield leader, crowd


@pytest.mark.parametrize('leads', ['the other', 'it'])
def test_one_of_two_agents_dies(origin, leads):
    """Who waited there goes to the origin at once. Who waits at the other one is answered as soon
    as the leader is, or, when it was the leader's agent, by the end of the lease."""
    policy = f'coalesce-lease = {15 if leads == "the other" else 2}s\n'
    with together(origin, policy, apart=True) as pair:
        calls = origin.calls()
        with origin.held() as fake, led(origin, pair, leads == 'the other', 10, fake) as crowds:
            kill(pair.agents[0])
            wait_for(lambda: origin.calls() >= calls + 11, 'who waited there is at the origin')
            no_agent(pair.haproxies[0])
        leader, crowd = crowds
        assert leader.statuses() == {200: 1}
        assert crowd.statuses() == {200: 20}
        came = collections.Counter(answer.cache for answer in crowd.answers)
        assert came['COALESCED'] == (10 if leads == 'the other' else 9)
        assert crowd.slowest() < 6


def test_the_leaders_haproxy_dies(origin):
    """Who waits at the other one is answered after the end of the lease."""
    with together(origin, apart=True) as pair:
        question, calls = prompt(), origin.calls()
        with origin.held() as fake:
            leader = Crowd(1, lambda _: pair.post(0, question, fake)).begin()
            all_called(origin, calls + 1)
            crowd = Crowd(200, lambda _: pair.post(1, question)).begin()
            all_wait(200, *pair.statuses)
            kill(pair.haproxies[0])
            assert crowd.whole() == {'MISS': 1, 'COALESCED': 199}
        leader.__exit__()
        assert len(leader.failures) == 1
        assert origin.calls() == calls + 2
        assert crowd.slowest() < 6


def test_a_lease_is_no_answer(pair):
    """Anybody may write a lease: it can make others wait, and go, but not be served."""
    question = prompt()
    assert pair.post(0, question).cache == 'MISS'
    with harness.Redis(pair.redis.address) as redis:
        key = redis.keys()[0]
        redis('FLUSHALL')
        for text in ('taken', 'refused', 'anything'):
            redis('SET', b'sc:lease:{%b}' % key, text, 'PX', 700)
            answer = pair.post(1, question)
            assert (answer.status, answer.cache) == (200, 'MISS')
            redis('FLUSHALL')


def test_leases_leave_nothing_behind(pair):
    with harness.Redis(pair.redis.address) as redis:
        redis('FLUSHALL')
        assert pair.post(0, prompt()).cache == 'MISS'
        assert pair.post(0, prompt(), 'finish=length').cache == 'MISS'
        wait_for(lambda: len([key for key in redis('KEYS', '*') if key != b'sc:purges']) == 1,
                 'only the answer is left')
