"""Parts that die, freeze, return and reload while clients ask. No client may see a failure, and
what a request loses is printed and bounded (the deadline of a command to Redis; the second that
HAProxy's check needs; `timeout processing`)."""
import os
import signal
import threading

import pytest

import client
import harness
import spop
from harness import Traffic, chat, prompt, wait_for


@pytest.fixture(scope='module')
def stack(origin):
    """A stack whose parts may die. The agent runs under ASan and UBSan: reconnecting is where
    lifetimes go wrong."""
    options = ['--agent', harness.SANITIZED, '--keep-going']
    with harness.Stack(origin, options=options) as part:
        yield part


@pytest.fixture(autouse=True)
def every_part_runs(stack):
    """Before each test, whatever the one before it left."""
    stack.signal_stack(signal.SIGUSR1)
    hits_again(stack)


@pytest.fixture
def lost(record_property, capsys):
    """Prints what the slowest request of a disturbance lost."""
    def say(traffic, what):
        with capsys.disabled():
            print(f'\n  {what}: {len(traffic.done)} answers, {len(traffic.failures)} failures, '
                  f'the slowest took {traffic.slowest:.0f} ms')
    return say


def hits_again(stack):
    question = prompt()

    def hit():
        return stack.post(question).cache == 'HIT'
    wait_for(hit, 'hits', 15, 0.05)


def revive(stack, part):
    stack.signal_stack(signal.SIGUSR1)
    wait_for(lambda: alive(stack, part), f'{part} is back')


def alive(stack, part):
    return running(stack.pid(part))


def kill(stack, part):
    pid = stack.pid(part)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not running(pid), f'{part} is dead')


def running(pid):
    try:
        with open(f'/proc/{pid}/stat') as stat:
            return stat.read().rsplit(')', 1)[1].split()[0] != 'Z'
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_redis_killed_and_restarted_under_traffic(stack, lost):
    with Traffic(stack) as traffic:
        traffic.wait(30, 'HIT')
        kill(stack, 'redis')
        traffic.wait(100)
        revive(stack, 'redis')
        hits_again(stack)
        traffic.wait(30, 'HIT')
    lost(traffic, 'Redis killed and restarted')
    assert traffic.failures == []
    assert traffic.slowest < 500


def test_redis_frozen_under_traffic(stack, lost):
    with Traffic(stack) as traffic:
        traffic.wait(30, 'HIT')
        stack.signal('redis', signal.SIGSTOP)
        try:
            traffic.wait(150)
        finally:
            stack.signal('redis', signal.SIGCONT)
        hits_again(stack)
        traffic.wait(30, 'HIT')
    lost(traffic, 'Redis frozen')
    assert traffic.failures == []
    assert traffic.slowest < 500


def test_redis_absent_is_a_bypass_with_its_reason(stack):
    kill(stack, 'redis')
    try:
        question = prompt()
        answers = [stack.post(question) for _ in range(2)]
        assert [answer.status for answer in answers] == [200, 200]
        assert answers[0].call != answers[1].call
        assert all('store-down' in answer.header('cache-status') for answer in answers)
        assert client.request(stack.status, 'GET', '/readyz', {'Host': 'x'}).status == 503
        assert client.request(stack.status, 'GET', '/healthz', {'Host': 'x'}).status == 200
    finally:
        revive(stack, 'redis')
    wait_for(lambda: client.request(stack.status, 'GET', '/readyz', {'Host': 'x'}).status == 200,
             'ready again', 15)
    hits_again(stack)


def test_redis_full_refuses_and_requests_go_on(stack):
    with stack.redis() as redis:
        redis('CONFIG', 'SET', 'maxmemory', '1')
        try:
            question = prompt()
            answers = [stack.post(question) for _ in range(3)]
        finally:
            redis('CONFIG', 'SET', 'maxmemory', '0')
    assert [answer.status for answer in answers] == [200] * 3
    assert len({answer.call for answer in answers}) == 3
    hits_again(stack)


def test_agent_killed_and_restarted_under_traffic(stack, lost):
    with Traffic(stack) as traffic:
        traffic.wait(30, 'HIT')
        kill(stack, 'agent')
        traffic.wait(100)
        revive(stack, 'agent')
        hits_again(stack)
        traffic.wait(30, 'HIT')
    lost(traffic, 'agent killed and restarted')
    assert traffic.failures == []
    assert traffic.slowest < 2000


def test_agent_frozen_under_traffic(stack, lost):
    """Until HAProxy's check fails, each request waits for `timeout processing`, and on 2.6 one
    that waits for the ACK of its answer for `timeout idle`."""
    with Traffic(stack) as traffic:
        traffic.wait(30, 'HIT')
        stack.signal('agent', signal.SIGSTOP)
        try:
            traffic.wait(150)
        finally:
            stack.signal('agent', signal.SIGCONT)
        hits_again(stack)
        traffic.wait(30, 'HIT')
    lost(traffic, 'agent frozen')
    assert traffic.failures == []
    assert traffic.slowest < 4000


def test_agent_drains_under_traffic(stack, lost):
    """SIGTERM: what is in flight is answered, HAProxy goes elsewhere, nobody notices."""
    with Traffic(stack) as traffic:
        traffic.wait(30, 'HIT')
        pid = stack.pid('agent')
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not running(pid), 'the agent ended', 15)
        traffic.wait(50)
        revive(stack, 'agent')
        hits_again(stack)
        traffic.wait(30, 'HIT')
    lost(traffic, 'agent drained and restarted')
    assert traffic.failures == []
    assert traffic.slowest < 2000


def test_haproxy_reloads_under_traffic(stack, lost):
    with Traffic(stack) as traffic:
        for _ in range(2):
            traffic.wait(30, 'HIT')
            before = stack.pid('haproxy')
            stack.signal_stack(signal.SIGHUP)
            wait_for(lambda: stack.pid('haproxy') != before, 'a new HAProxy', 15)
            wait_for(lambda: not running(before), 'the old HAProxy ended', 15)
        traffic.wait(50, 'HIT')
    lost(traffic, 'HAProxy reloaded twice')
    assert traffic.failures == []
    assert traffic.slowest < 2000


def test_a_slow_origin_loses_nothing_when_the_agent_dies_in_between(stack):
    """The lookup was answered, the answer cannot be stored: it is forwarded all the same."""
    answers = []
    question = prompt()
    asking = threading.Thread(target=lambda: answers.append(stack.post(question, 'delay=700')))
    calls = stack.origin.calls()
    asking.start()
    wait_for(lambda: stack.origin.calls() > calls, 'the origin was asked')
    kill(stack, 'agent')
    asking.join()
    revive(stack, 'agent')
    assert answers[0].status == 200 and answers[0].complete
    hits_again(stack)


def test_drain_answers_what_is_in_flight_and_ends_with_0():
    """Ten lookups wait for a frozen Redis when SIGTERM comes: each gets its answer, then
    AGENT-DISCONNECT says that this is the end."""
    with harness.RedisServer() as redis:
        config = ('[key]\nsecret = one secret of many\n'
                  f'[redis]\naddress = {redis.address}\ntimeout = 1s\n')
        with harness.Agent(config, harness.SANITIZED) as agent:
            wait_for(lambda: agent.ask(chat(prompt()))['status'] == 'MISS', 'Redis is connected')
            connection = spop.Connection(agent.address, capabilities='pipelining,async')
            redis.process.send_signal(signal.SIGSTOP)
            streams = [connection.notify(spop.lookup(chat(prompt()))) for _ in range(10)]
            wait_for(lambda: harness.metrics(agent.status)['spop_inflight'] == 10, 'ten wait')
            agent.process.terminate()
            replies = [connection.read() for _ in streams]
            redis.process.send_signal(signal.SIGCONT)
            assert sorted(reply.stream for reply in replies) == streams
            assert {spop.actions(reply)['reason'] for reply in replies} == {'store-slow'}
            assert connection.refused() == spop.NORMAL
            connection.socket.close()
            assert agent.process.wait(10) == 0
