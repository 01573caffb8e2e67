"""What stands in Redis when it is compressed or encrypted: smaller, unreadable, and never in the way
of a request."""
import base64
import ctypes
import json
import os
import signal

import pytest

import harness
from harness import (Agent, Redis, RedisServer, Stack, Traffic, chat, metrics, prompt, total,
                     wait_for)

SECRET = 'one secret of many'
TEXT = 'What the model said of it, in so many words that some of them come again. '
ANSWER = json.dumps({'id': 'x', 'text': ''.join(f'{n}: {TEXT}' for n in range(60))})


def new_key():
    return base64.b64encode(os.urandom(32)).decode()


class KeyFile:
    """A key file; `ids` are its keys, the first encrypts."""

    def __init__(self, path):
        self.path, self.keys = path, {}

    def write(self, *ids):
        for number in ids:
            self.keys.setdefault(number, new_key())
        self.path.write_text(''.join(f'{number} {self.keys[number]}\n' for number in ids))
        self.path.chmod(0o600)


@pytest.fixture(scope='module')
def redis_server():
    with RedisServer() as part:
        yield part


@pytest.fixture
def redis(redis_server):
    with Redis(redis_server.address) as connection:
        connection('FLUSHALL')
        yield connection


@pytest.fixture
def key_file(tmp_path):
    return KeyFile(tmp_path / 'keys')


def agent(server, values='', **how):
    return Agent(f'[key]\nsecret = {SECRET}\n[redis]\naddress = {server.address}\ntimeout = 300ms\n'
                 f'[values]\n{values}\n', **how)


def stored(part, answer=ANSWER):
    """A question whose answer the agent has stored, when it is connected."""
    wait_for(lambda: part.ask(chat(prompt()))['status'] == 'MISS', 'Redis is connected')
    body = chat(prompt())
    found = part.ask(body, answer=answer)
    assert found['status'] == 'MISS' and found['stored']
    return body


def value_of(redis, part, body):
    """What stands in Redis for a question."""
    key = part.ask(body)['key']
    name, = [name for name in redis.keys() if name.endswith(key.encode())]
    return redis('GET', name)


def assert_hit(part, body, answer=ANSWER):
    found = part.ask(body)
    assert (found['status'], found.get('body')) == ('HIT', answer.encode()), found


def assert_missed_and_replaced(part, body):
    found = part.ask(body, answer=ANSWER)
    assert (found['status'], found['reason'], found['stored']) == ('MISS', 'corrupt', True), found
    assert_hit(part, body)


# Through HAProxy.

@pytest.fixture(scope='module')
def sealed(origin, tmp_path_factory):
    """A stack whose agent, under ASan and UBSan, does everything; and its key file."""
    keys = KeyFile(tmp_path_factory.mktemp('values') / 'keys')
    keys.write(1)
    config = ('[redis]\ntimeout = 300ms\n[values]\ncompress = zstd\ncompress-above = 0\n'
              f'key-file = {keys.path}\nbind-to-request = yes\n')
    with Stack(origin, config, options=['--agent', harness.SANITIZED]) as part:
        part.keys = keys
        yield part


def reload(stack, *ids):
    """Writes the key file and has the agent read it."""
    def count():
        return (stack.dir / 'agent.log').read_text().count('configuration reloaded')
    before = count()
    stack.keys.write(*ids)
    stack.signal('agent', signal.SIGHUP)
    wait_for(lambda: count() > before, 'the agent has reloaded')


def asked(stack):
    """A question whose answer is stored; with its key in Redis and the answer."""
    question = prompt()
    with stack.redis() as redis:
        before = set(redis.keys())
        answer = stack.post(question)
        key, = wait_for(lambda: set(redis.keys()) - before, 'the entry')
    return question, key, answer


def test_redis_shows_nothing_of_question_and_answer(sealed):
    question, key, answer = asked(sealed)
    again = sealed.post(question)
    assert again.cache == 'HIT' and again.body == answer.body
    with sealed.redis() as redis:
        value = redis('GET', key)
        assert 23 * 3600 * 1000 < redis('PTTL', key) <= 24 * 3600 * 1000
    assert value.startswith(b'spoa-sealed/1 ')
    for text in [b'HTTP/1.1', b'application/json', b'choices', question.encode(),
                 answer.json['choices'][0]['message']['content'].encode()]:
        assert text not in value
    log = (sealed.dir / 'agent.log').read_text()
    assert not any(secret in log for secret in sealed.keys.keys.values())


def test_a_value_with_any_byte_changed_is_a_miss(sealed):
    question, key, answer = asked(sealed)
    with sealed.redis() as redis:
        good = redis('GET', key)
        for place in [0, 13, 14, 15, 18, 19, 34, 35, 36, len(good) // 2, len(good) - 17,
                      len(good) - 16, len(good) - 1]:
            before = metrics(sealed.status)['values_unopened_total']
            redis('SETRANGE', key, place, bytes([good[place] ^ 1]))
            fresh = sealed.post(question)
            assert (fresh.status, fresh.cache) == (200, 'MISS'), f'byte {place}'
            assert fresh.call > answer.call
            assert metrics(sealed.status)['values_unopened_total'] == before + 1
            redis('SET', key, good, 'KEEPTTL')
    assert sealed.post(question).body == answer.body


def test_a_value_under_another_key_is_a_miss(sealed):
    question, key, answer = asked(sealed)
    _, other_key, _ = asked(sealed)
    with sealed.redis() as redis:
        redis('SET', key, redis('GET', other_key), 'KEEPTTL')
    fresh = sealed.post(question)
    assert (fresh.status, fresh.cache) == (200, 'MISS') and fresh.call > answer.call
    assert sealed.post(question).body == fresh.body


def test_rotation_by_reload(sealed):
    reload(sealed, 1)
    old, old_key, old_answer = asked(sealed)
    reload(sealed, 2, 1)
    assert (hit := sealed.post(old)).cache == 'HIT' and hit.body == old_answer.body
    new, new_key, new_answer = asked(sealed)
    with sealed.redis() as redis:
        assert redis('GET', old_key)[15:19] == b'\1\0\0\0'
        assert redis('GET', new_key)[15:19] == b'\2\0\0\0'
    reload(sealed, 2)
    assert (hit := sealed.post(new)).cache == 'HIT' and hit.body == new_answer.body
    fresh = sealed.post(old)
    assert (fresh.status, fresh.cache) == (200, 'MISS')
    assert (hit := sealed.post(old)).cache == 'HIT' and hit.body == fresh.body


def test_a_bad_key_file_changes_nothing(sealed):
    reload(sealed, 1)
    question, _, answer = asked(sealed)
    sealed.keys.path.write_text('1 not-a-key\n')
    sealed.signal('agent', signal.SIGHUP)
    log = wait_for(lambda: (text := (sealed.dir / 'agent.log').read_text()).count('not reloaded')
                   and text, 'the agent says so')
    assert f'{sealed.keys.path}:1: ' in log and 'not-a-key' not in log
    assert (hit := sealed.post(question)).cache == 'HIT' and hit.body == answer.body


def test_rotation_under_traffic_loses_nothing(sealed):
    with Traffic(sealed) as traffic:
        traffic.wait(20, 'HIT')
        for ids in ((3, 1), (3,), (4, 3), (4,)):
            reload(sealed, *ids)
            traffic.wait(20, 'HIT')
    assert traffic.failures == []


# Agents alone.

def test_compressed_values_are_smaller_and_expire_as_ever(redis_server, redis):
    with agent(redis_server) as plain, \
            agent(redis_server, 'compress = zstd\ncompress-above = 1kb') as small:
        body = stored(plain)
        size = len(value_of(redis, plain, body))
        body = stored(small)
        value = value_of(redis, small, body)
        assert value[:4] == b'\x28\xb5\x2f\xfd' and len(value) < size / 2
        assert_hit(small, body)
        told = metrics(small.status)
        assert 0 < told['values_bytes_total'] < told['values_plain_bytes_total']
        short = stored(small, '{"answer": 1}')
        assert value_of(redis, small, short).startswith(b'spoa-cache/2 ')
        assert all(0 < redis('PTTL', key) <= 24 * 3600 * 1000 for key in redis.keys())
        # each reads what the other wrote
        assert_hit(plain, body)
        assert_hit(small, stored(plain))


@pytest.mark.parametrize('bind', ['no', 'yes'])
def test_two_agents_with_the_same_keys_share(redis_server, redis, key_file, bind):
    key_file.write(1)
    values = f'key-file = {key_file.path}\nbind-to-request = {bind}'
    with agent(redis_server, values) as one, agent(redis_server, values) as other:
        body = stored(one)
        stored(other)
        assert_hit(other, body)
        assert TEXT[:12].encode() not in value_of(redis, one, body)


def test_entries_outlive_a_restart_with_a_new_key_before_the_old(redis_server, redis, key_file):
    key_file.write(1)
    values = f'key-file = {key_file.path}'
    with agent(redis_server, values) as one:
        body = stored(one)
    key_file.write(2, 1)
    with agent(redis_server, values + '\nbind-to-request = yes') as one:
        stored(one)
        assert_hit(one, body)


def test_another_key_of_the_same_id_is_a_miss(redis_server, redis, key_file, tmp_path):
    other_file = KeyFile(tmp_path / 'other')
    key_file.write(1)
    other_file.write(1)
    with agent(redis_server, f'key-file = {key_file.path}') as one, \
            agent(redis_server, f'key-file = {other_file.path}') as other:
        body = stored(one)
        stored(other)
        assert_missed_and_replaced(other, body)
        assert_missed_and_replaced(one, body)
        assert total(metrics(one.status), 'lookup_reasons_total', reason='corrupt') == 1


def test_keys_and_no_keys_do_not_read_each_other(redis_server, redis, key_file):
    """Whoever can write to Redis could have put there what is not encrypted."""
    key_file.write(1)
    with agent(redis_server) as plain, agent(redis_server, 'compress = zstd') as small, \
            agent(redis_server, f'key-file = {key_file.path}') as sealed_one:
        bodies = [stored(plain), stored(small)]
        stored(sealed_one)
        for body in bodies:
            assert_missed_and_replaced(sealed_one, body)
            assert_missed_and_replaced(plain, body)


def test_a_bomb_is_a_miss(redis_server, redis):
    """Frames that say, or do not say, that they hold far more than they should."""
    with agent(redis_server, 'compress = zstd', binary=harness.SANITIZED) as one:
        body = stored(one)
        name, = [name for name in redis.keys()
                 if name.endswith(one.ask(body)['key'].encode())]
        good = redis('GET', name)
        magic = b'\x28\xb5\x2f\xfd'
        runs = b''.join([b'\x02\0\x10x'] * 8000 + [b'\x03\0\x10x'])  # a gigabyte of x
        for bomb in (magic + b'\xe0\0\0\0\x40\0\0\0\0' + runs, magic + b'\x20\x03' + runs,
                     magic + b'\0\x58' + runs):
            redis('SET', name, bomb)
            found = one.ask(body, mode='readonly')
            assert found['status'] == 'MISS' and found['reason'] in ('corrupt', 'frame-small')
        redis('SET', name, good)
        assert_hit(one, body)


def trained(path, count=300):
    """A dictionary made of entries such as the tests store."""
    zstd = ctypes.CDLL('libzstd.so.1')
    zstd.ZDICT_trainFromBuffer.restype = ctypes.c_size_t
    samples = [f'spoa-cache/2 {os.urandom(8).hex()} HTTP/1.1 200 \r\ncontent-type: application/json'
               f'\r\n\r\n{{"id": "{os.urandom(8).hex()}", "text": "{n}: {TEXT}'.encode()
               for n in range(count)]
    room = ctypes.create_string_buffer(4096)
    sizes = (ctypes.c_size_t * count)(*map(len, samples))
    size = zstd.ZDICT_trainFromBuffer(room, ctypes.c_size_t(len(room)), b''.join(samples), sizes,
                                      ctypes.c_uint(count))
    assert size <= len(room), 'no dictionary'
    path.write_bytes(room.raw[:size])
    return path


def test_a_dictionary_makes_small_values_smaller(redis_server, redis, tmp_path):
    one_file, new_file = trained(tmp_path / 'one'), trained(tmp_path / 'new')
    answer = json.dumps({'id': 'y', 'text': TEXT})
    values = 'compress = zstd\ncompress-above = 0\n'
    with agent(redis_server, values) as plain, \
            agent(redis_server, f'{values}dictionary-files = {one_file}') as one, \
            agent(redis_server, f'{values}dictionary-files = {new_file} {one_file}') as new:
        size = len(value_of(redis, plain, stored(plain, answer)))
        body = stored(one, answer)
        assert len(value_of(redis, one, body)) < size
        for part in (plain, new):
            stored(part)
        assert_hit(new, body, answer)
        body = stored(new, answer)
        assert_missed_and_replaced(one, body)


def test_a_key_file_for_everybody_is_warned_of(key_file, redis_server, redis):
    key_file.write(1)
    with agent(redis_server, f'key-file = {key_file.path}') as one:
        assert 'chmod 600' not in one.output.read_text()
    key_file.path.chmod(0o644)
    with agent(redis_server, f'key-file = {key_file.path}') as one:
        assert f'read or write {key_file.path}: chmod 600' in one.output.read_text()
