"""What stands in Redis: shared between agents, readable, without secrets, never trusted."""
import subprocess

import pytest

import spop
from harness import (Agent, HAProxy, Redis, RedisServer, chat, free_address, metrics, prompt, total,
                     wait_for)


@pytest.fixture(scope='module')
def redis_server():
    with RedisServer() as part:
        yield part


@pytest.fixture
def redis(redis_server):
    with Redis(redis_server.address) as connection:
        connection('FLUSHALL')
        yield connection


def agent(server, secret='one secret of many', config='', **environment):
    return Agent(f'[key]\nsecret = {secret}\n[redis]\naddress = {server.address}\n{config}',
                 **environment)


def settled(agent, body):
    """Asks until the agent is connected to Redis, then for the first time about `body`."""
    wait_for(lambda: agent.ask(chat(prompt()))['status'] == 'MISS', 'Redis is connected')
    return agent.ask(body)


def test_two_agents_over_one_redis_share(redis_server, redis):
    body = chat(prompt())
    with agent(redis_server) as one, agent(redis_server) as other:
        assert settled(one, body)['stored']
        settled(other, chat(prompt()))
        found = other.ask(body)
        assert found['status'] == 'HIT' and found['body'] == b'{"answer": 1}'


def test_a_ticket_of_one_agent_is_taken_by_its_twin(redis_server, redis):
    body = chat(prompt())
    with agent(redis_server) as one, agent(redis_server) as other:
        settled(one, chat(prompt()))
        settled(other, chat(prompt()))
        with spop.Connection(one.address) as first, spop.Connection(other.address) as second:
            ticket = first.ask(spop.lookup(body))['ticket']
            assert second.ask(spop.store(ticket, '{"by": "twin"}'))['stored']
            wait_for(lambda: first.ask(spop.lookup(body))['status'] == 'HIT', 'a hit')


def test_haproxy_over_tcp_with_two_agents(redis_server, redis, origin):
    """HAProxy takes them in turn; the lookup, the store and the hit may each be of another."""
    addresses = [free_address(), free_address()]
    with agent(redis_server, listen=addresses[:1]) as one, \
            agent(redis_server, listen=addresses[1:]) as other:
        for part in (one, other):
            settled(part, chat(prompt()))
        with HAProxy(origin, addresses) as haproxy:
            questions = [prompt() for _ in range(10)]
            for cache in ('MISS', 'HIT', 'HIT'):
                assert [haproxy.post(question).cache for question in questions] == [cache] * 10
        for part in (one, other):
            assert total(metrics(part.status), 'lookups_total', result='hit') > 0


def test_agents_with_other_secrets_do_not_share(redis_server, redis):
    body = chat(prompt())
    with agent(redis_server) as one, agent(redis_server, 'another secret, of many') as other:
        assert settled(one, body)['stored']
        found = settled(other, body)
        assert found['status'] == 'MISS'
        with spop.Connection(one.address) as connection:
            ticket = connection.ask(spop.lookup(chat(prompt())))['ticket']
        with spop.Connection(other.address) as connection:
            refused = connection.ask(spop.store(ticket, '{"answer": 1}'))
            assert refused == {'stored': False, 'store_reason': 'ticket'}


def test_login_with_user_password_and_database(redis_server, redis):
    redis('ACL', 'SETUSER', 'cache', 'on', '>open sesame', '~sc:*', '+get', '+set', '+del',
          '+eval', '+@hash', '+info', '+time', '+select', '+ping')
    body = chat(prompt())
    with agent(redis_server, config='user = cache\npassword = open sesame\ndatabase = 3\n') as one:
        assert settled(one, body)['stored']
        assert one.ask(body)['status'] == 'HIT'
    assert redis.entries() == {}
    redis('SELECT', 3)
    assert redis.entries()


@pytest.mark.parametrize('config', ['user = cache\npassword = wrong\n', 'password = wrong\n',
                                    'user = nobody\npassword = open sesame\n',
                                    'database = 9999\n'])
def test_a_refused_login_is_a_bypass_and_not_a_failure(redis_server, redis, config):
    redis('ACL', 'SETUSER', 'cache', 'on', '>open sesame', '~*', '+@all')
    with agent(redis_server, config=config) as one:
        for _ in range(20):
            found = one.ask(chat(prompt()))
            assert found['status'] in ('MISS', 'BYPASS') and found['reason'] == 'store-down'
        assert 'open sesame' not in one.output.read_text()
    assert redis.entries() == {}


def test_a_password_file_with_a_newline(redis_server, redis, tmp_path):
    redis('ACL', 'SETUSER', 'filed', 'on', '>from a file', '~*', '+@all')
    path = tmp_path / 'password'
    path.write_text('from a file\n')
    with agent(redis_server, config=f'user = filed\npassword-file = {path}\n') as one:
        assert settled(one, chat(prompt()))['stored']


def test_redis_that_denies_writing_is_no_failure(redis_server, redis):
    redis('ACL', 'SETUSER', 'reader', 'on', '>reader', '~*', '+@all', '-set')
    with agent(redis_server, config='user = reader\npassword = reader\n') as one:
        body = chat(prompt())
        settled(one, body)
        assert one.ask(body)['status'] == 'MISS'


# Entries, through HAProxy.

def stored(stack, fake=None):
    """A question whose answer is stored; with its key and the answer."""
    question = prompt()
    with stack.redis() as redis:
        before = set(redis.entries())
        answer = stack.post(question, fake)
        key, = wait_for(lambda: set(redis.entries()) - before, 'the entry')
    return question, key, answer


def assert_missed(stack, question, answer):
    """The damaged entry is not served; the fresh answer takes its place."""
    fresh = stack.post(question)
    assert (fresh.status, fresh.cache) == (200, 'MISS'), fresh
    assert fresh.call > answer.call
    again = stack.post(question)
    assert again.cache == 'HIT' and again.body == fresh.body


def test_entry_is_readable_with_redis_cli_and_expires(stack):
    question, key, answer = stored(stack)
    socket = stack.redis_address.removeprefix('unix:')
    shown = subprocess.run(['redis-cli', '-s', socket, '--raw', 'GET', key], capture_output=True,
                           check=True).stdout
    head, _, body = shown.partition(b'\r\n\r\n')
    lines = head.splitlines()
    assert lines[0].startswith(b'spoa-cache/2 ')
    assert lines[1:3] == [b'models: gpt-4 ', b'tags: ']
    assert lines[3] == b'tokens: 9 12'
    assert lines[4].split()[:2] == [b'HTTP/1.1', b'200']
    assert b'content-type: application/json' in [line.lower() for line in lines]
    assert body.removesuffix(b'\n') == answer.body
    with stack.redis() as redis:
        assert 23 * 3600 * 1000 < redis('PTTL', key) <= 24 * 3600 * 1000
    assert answer.header('x-cache-key').encode() in key


def test_nothing_that_identifies_anybody_stands_in_redis_or_in_the_log(stack):
    question = 'where is the treasure ' + prompt()
    secrets = ['tenant-of-treasure', 'Bearer sk-treasure', 'key-of-treasure', 'treasure']
    for headers in ({'X-Tenant-Id': secrets[0]},
                    {'X-Tenant-Id': None, 'Authorization': secrets[1]},
                    {'X-Tenant-Id': None, 'x-api-key': secrets[2]}):
        assert stack.post(question, 'odd', headers=headers).cache == 'MISS'
        assert stack.post(question, headers=headers).cache == 'HIT'
    with stack.redis() as redis:
        entries = redis.entries()
    everything = b'\n'.join([*entries, *entries.values()])
    assert b'llm.example' not in everything and b'session=secret' not in everything
    log = (stack.dir / 'agent.log').read_text()
    for secret in secrets:
        assert secret.encode() not in everything
        assert secret not in log


def test_an_entry_with_any_byte_flipped_is_a_miss(stack):
    question, key, answer = stored(stack)
    with stack.redis() as redis:
        good = redis('GET', key)
        body_at = good.index(b'\r\n\r\n') + 4
        places = [0, 11, 12, 20, *range(30, body_at, 17), body_at, body_at + 40, len(good) - 1]
        for place in places:
            redis('SETRANGE', key, place, bytes([good[place] ^ 1]))
            fresh = stack.post(question)
            assert fresh.status == 200 and fresh.cache == 'MISS', f'byte {place}'
            assert fresh.call != answer.call
            redis('SET', key, good, 'KEEPTTL')
    assert stack.post(question).body == answer.body


@pytest.mark.parametrize('damage', [
    lambda value: b'', lambda value: value[:-1], lambda value: value + b'x',
    lambda value: value[:20], lambda value: b'text', lambda value: b'\0' * 100,
    lambda value: value.replace(b'spoa-cache/2', b'spoa-cache/1'),
    lambda value: value * 2], ids=['empty', 'short', 'long', 'head', 'text', 'zeros', 'version',
                                   'twice'])
def test_a_damaged_entry_is_a_miss_and_replaced(stack, damage):
    question, key, answer = stored(stack)
    with stack.redis() as redis:
        redis('SET', key, damage(redis('GET', key)), 'KEEPTTL')
    assert_missed(stack, question, answer)


def test_an_entry_of_another_type_is_a_miss_and_replaced(stack):
    question, key, answer = stored(stack)
    with stack.redis() as redis:
        redis('DEL', key)
        redis('RPUSH', key, 'a list')
    assert_missed(stack, question, answer)


def test_an_entry_copied_under_another_key_is_a_miss(stack):
    question, key, answer = stored(stack)
    other, other_key, other_answer = stored(stack)
    with stack.redis() as redis:
        redis('SET', key, redis('GET', other_key), 'KEEPTTL')
    assert_missed(stack, question, answer)
    assert stack.post(other).body == other_answer.body


def test_an_entry_of_another_tenant_copied_under_the_key_is_a_miss(stack):
    question, key, answer = stored(stack)
    with stack.redis() as redis:
        before = set(redis.entries())
        stack.post(question, headers={'X-Tenant-Id': 'other'})
        other_key, = wait_for(lambda: set(redis.entries()) - before, 'the entry')
        redis('SET', key, redis('GET', other_key), 'KEEPTTL')
    assert_missed(stack, question, answer)


def test_an_entry_deleted_is_a_miss(stack):
    question, key, answer = stored(stack)
    with stack.redis() as redis:
        redis('DEL', key)
    assert_missed(stack, question, answer)
