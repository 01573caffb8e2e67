"""The late-ACK rule: HAProxy 3.1 and later stops a connection for good when answers that it no
longer waits for arrive with one that it does. A frozen Redis makes the agent's answers late."""
import os
import signal
import socket

import pytest

import harness
import spop
from harness import chat, prompt, wait_for
from spop import Connection

CONFIG = '''
[key]
secret = a secret for the tests of late answers
[redis]
address = {}
timeout = 300ms
'''
OLD_ENGINE = 'pipelining,async'


@pytest.fixture
def redis():
    with harness.RedisServer() as server:
        yield server
        server.process.send_signal(signal.SIGCONT)


@pytest.fixture
def agent(redis):
    """An agent whose Redis is frozen, and answered before."""
    with harness.Agent(CONFIG.format(redis.address), harness.SANITIZED) as part:
        wait_for(lambda: harness.metrics(part.status)['redis_up'] == 1, 'Redis is connected')
        redis.process.send_signal(signal.SIGSTOP)
        yield part


def test_without_pipelining_only_the_last_question_is_answered(agent):
    with Connection(agent.address, timeout=2) as haproxy:
        haproxy.notify(spop.lookup(chat(prompt())))
        wait_for(lambda: harness.metrics(agent.status)['spop_inflight'] == 1, 'it waits')
        last = haproxy.notify(spop.lookup(chat(prompt())))
        reply = haproxy.read()
        assert reply.stream == last
        assert spop.actions(reply)['reason'] == 'store-slow'
        haproxy.socket.settimeout(0.5)
        with pytest.raises(TimeoutError):
            haproxy.read()
        assert harness.metrics(agent.status)['spop_acks_dropped_total'] == 1


def test_with_pipelining_every_question_is_answered(agent):
    with Connection(agent.address, capabilities=OLD_ENGINE) as haproxy:
        asked = {haproxy.notify(spop.lookup(chat(prompt()))) for _ in range(5)}
        assert {haproxy.read().stream for _ in range(5)} == asked


def test_two_questions_in_one_piece_get_one_answer(agent):
    with Connection(agent.address, timeout=2) as haproxy:
        haproxy.ask(spop.lookup('[]'))  # answered at once: no JSON object
        haproxy.send(spop.frame(spop.NOTIFY, spop.lookup('[]'), 101, 1)
                     + spop.frame(spop.NOTIFY, spop.lookup('[]'), 103, 1))
        assert haproxy.read().stream == 103
        haproxy.socket.settimeout(0.3)
        with pytest.raises(TimeoutError):
            haproxy.read()


def test_a_question_behind_an_answer_not_read_closes_the_connection(agent):
    """On a unix socket the agent can see that HAProxy has not read the last answer."""
    with Connection(agent.address, timeout=2) as haproxy:
        haproxy.ask(spop.lookup('[]'))
        haproxy.notify(spop.lookup('[]'))
        wait_for(lambda: haproxy.socket.recv(1, socket.MSG_PEEK), 'the answer is there')
        haproxy.notify(spop.lookup('[]'))
        wait_for(lambda: harness.metrics(agent.status)['spop_connections'] == 0, 'it is closed')
        assert spop.actions(haproxy.read())['reason'] == 'request-json'
        with pytest.raises(spop.Closed):
            haproxy.read()


def test_a_connection_that_ends_while_its_question_waits_harms_nobody(agent, redis):
    for _ in range(20):
        with Connection(agent.address, capabilities=OLD_ENGINE) as haproxy:
            for _ in range(3):
                haproxy.notify(spop.lookup(chat(prompt())))
    redis.process.send_signal(signal.SIGCONT)
    wait_for(lambda: harness.metrics(agent.status)['redis_pending'] == 0, 'Redis has answered')
    assert harness.metrics(agent.status)['spop_inflight'] == 0
    assert agent.ask(chat(prompt()))['status'] == 'MISS'


def test_an_agent_that_was_frozen_answers_only_what_is_waited_for(redis):
    with harness.Agent('', harness.SANITIZED) as part:
        with Connection(part.address, timeout=2) as haproxy:
            haproxy.ask(spop.lookup('[]'))
            os.kill(part.process.pid, signal.SIGSTOP)
            haproxy.notify(spop.lookup('[]'))
            last = haproxy.notify(spop.lookup('[]'))
            os.kill(part.process.pid, signal.SIGCONT)
            assert haproxy.read().stream == last
