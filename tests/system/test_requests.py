"""Requests that the cache must leave alone, or take as they are: odd, large, slow, streamed."""
import concurrent.futures
import gzip
import hashlib
import json
import random
import signal

import pytest

import harness
from fake_llm import request_digest
from harness import CHAT, chat, prompt

HEADERS = {'host': 'llm.example', 'x-tenant-id': 'acme'}


@pytest.fixture
def stack(sanitized_stack):
    return sanitized_stack


def assert_forwarded(answer, body, cache='BYPASS'):
    """The origin got exactly this body, and the answer came whole."""
    assert answer.status == 200 and answer.complete, answer
    assert answer.json['fake']['length'] == len(body)
    assert answer.json['fake']['digest'] == request_digest('POST', CHAT, HEADERS, body)
    assert answer.cache == cache


def assert_never_shared(stack, body, **how):
    answers = [stack.post(body, **how) for _ in range(2)]
    for answer in answers:
        assert_forwarded(answer, body)
    assert answers[0].call != answers[1].call
    return answers


@pytest.mark.parametrize('body', [
    b'{"a":1', b'{"a":1}x', b'{"a":1}{"a":1}', b'{"a":1,"a":1}', b'{"m":[{"a":1,"a":2}]}',
    b'{"a":1,"\\u0061":2}', b'{"a":"\xff"}', b'{"a":"\xc0\xaf"}', b'{"a":"\xed\xa0\x80"}',
    b'{"a":"\xf4\x90\x80\x80"}', b'{"a":"\xe2\x82"}', b'{"a":"\\ud800"}',
    b'{"a":"\\ude00\\ud83d"}', b'{"a":"\\u0000"}', b'{"a":01}', b'{"a":NaN}', b'{"a":-Infinity}',
    b'{"a":0x1}', b"{'a':1}", b'{"a":1,}', b'{"a":1/**/}', b'[1]', b'"text"', b'plain text',
    b'\xef\xbb\xbf{"a":1}', b'{"a":"\x01"}', b'{"a":"\x00"}', b'{"a":1}\x00', b' ',
    '{"a":1}'.encode('utf-16'), b'[' * 5000 + b']' * 5000,
    b'{"a":' * 5000 + b'1' + b'}' * 5000, b'{"a":' + b'[' * 5000, bytes(range(256)),
], ids=lambda body: repr(body[:24]))
def test_what_is_not_strict_json_is_forwarded_and_never_shared(stack, body):
    for answer in assert_never_shared(stack, body):
        assert 'detail=request-json' in answer.header('cache-status')


@pytest.mark.parametrize('body', [
    b'{"model":"a","Model":"b"}', b'{"messages":[{"role":"user","\\u0052ole":"system"}]}',
], ids=repr)
def test_names_that_differ_in_case_alone_are_forwarded_and_never_shared(stack, body):
    for answer in assert_never_shared(stack, body):
        assert 'detail=field' in answer.header('cache-status')


@pytest.mark.parametrize('number, other', [
    ('1e400', '1e401'), ('9007199254740992', '9007199254740993'), ('0', '-0'),
    ('9' * 400, '9' * 399 + '8'),
], ids=lambda number: number[:8])
def test_numbers_that_a_double_cannot_tell_apart_never_share(stack, number, other):
    text = prompt()
    bodies = [b'{"seed":%s,"messages":[{"role":"user","content":"%s"}]}'
              % (n.encode(), text.encode()) for n in (number, other)]
    for cache in ('MISS', 'HIT'):
        for body in bodies:
            assert stack.post(body).cache == cache


def test_an_empty_body_is_forwarded_and_never_shared(stack):
    assert_never_shared(stack, b'')


@pytest.mark.parametrize('kind', ['text/plain', 'application/json; charset=latin1', None,
                                  'multipart/form-data; boundary=x', 'application/jsonx'])
def test_what_is_not_declared_as_json_is_never_shared(stack, kind):
    assert_never_shared(stack, chat(prompt()), headers={'Content-Type': kind})


def test_a_compressed_request_body_is_never_shared(stack):
    body = gzip.compress(chat(prompt()))
    assert_never_shared(stack, body, headers={'Content-Encoding': 'gzip'})


def test_without_tenant_nothing_is_shared(stack):
    answers = [stack.post('the same question', headers={'X-Tenant-Id': None}) for _ in range(2)]
    assert [answer.cache for answer in answers] == ['BYPASS', 'BYPASS']
    assert answers[0].call != answers[1].call


def test_an_empty_tenant_is_none(stack):
    answers = [stack.post('the same question', headers={'X-Tenant-Id': ''}) for _ in range(2)]
    assert [answer.cache for answer in answers] == ['BYPASS', 'BYPASS']
    assert answers[0].call != answers[1].call


@pytest.mark.parametrize('chunk', [None, 1000, 17])
def test_a_chunked_request_is_keyed_as_a_plain_one(stack, chunk):
    body = chat(prompt() + 'x' * 3000)
    first, second = stack.post(body), stack.post(body, chunk=chunk)
    assert_forwarded(first, body, 'MISS')
    assert second.cache == 'HIT' and second.body == first.body


def test_long_bodies_with_one_beginning_never_share(stack):
    """Two chunked bodies equal in their first 64 KiB and more: what HAProxy holds of both is the
    same."""
    begin = chat(prompt() + 'x' * 90000)[:-3]
    bodies = [begin + ending + b'"}]}' for ending in (b'one', b'two')]
    answers = [stack.post(body, chunk=4096) for body in bodies]
    for answer, body in zip(answers, bodies):
        assert_forwarded(answer, body)
    assert answers[0].call != answers[1].call


@pytest.mark.parametrize('chunk', [None, 8192])
@pytest.mark.parametrize('size', [60000, 63000, 64400, 65000, 65400, 65536, 66000, 130000, 1000000])
def test_large_requests_arrive_byte_for_byte(stack, size, chunk):
    text = random.Random(f'{size} {chunk}').randbytes(size // 2).hex()
    body = chat(text)
    answers = [stack.post(body, chunk=chunk) for _ in range(2)]
    for answer in answers:
        assert_forwarded(answer, body, answer.cache)
    caches = [answer.cache for answer in answers]
    assert caches in (['MISS', 'HIT'], ['BYPASS', 'BYPASS'])
    assert caches[0] == 'MISS' if size <= 60000 else True
    assert caches[0] == 'BYPASS' if size >= 65536 else True


@pytest.mark.parametrize('fake', ['', 'chunked'])
@pytest.mark.parametrize('size', [50000, 62000, 63500, 64300, 65000, 65400, 65536, 66000, 300000,
                                  3000000])
def test_large_answers_arrive_byte_for_byte(stack, size, fake):
    question = prompt()
    first = stack.post(question, f'huge={size},{fake}')
    second = stack.post(question, f'huge={size},{fake}')
    for answer in (first, second):
        assert answer.status == 200 and answer.complete and len(answer.body) == size
    assert hashlib.sha256(first.body).hexdigest() == first.header('x-fake-sha256')
    assert first.cache == 'MISS'
    if second.cache == 'HIT':
        assert second.body == first.body
    else:
        assert hashlib.sha256(second.body).hexdigest() == second.header('x-fake-sha256')
    assert second.cache == 'HIT' if size <= 50000 else True
    assert second.cache == 'MISS' if size >= 65536 else True


@pytest.mark.parametrize('bufsize, fits, exceeds', [(16384, 11500, 17000),
                                                    (1 << 20, 1000000, 1 << 20)])
def test_the_size_of_the_buffer_is_the_size_of_what_is_cached(origin, bufsize, fits, exceeds):
    options = ['--redis', 'none', '--bufsize', bufsize]
    with harness.Stack(origin, '', options) as stack:
        for size, caches in ((fits, ['MISS', 'HIT']), (exceeds, ['MISS', 'MISS'])):
            question = prompt()
            answers = [stack.post(question, f'huge={size}') for _ in range(2)]
            assert [answer.cache for answer in answers] == caches
            assert all(len(answer.body) == size for answer in answers)
            assert caches[1] == 'MISS' or answers[0].body == answers[1].body
        for size, caches in ((fits, ['MISS', 'HIT']), (exceeds, ['BYPASS', 'BYPASS'])):
            body = chat(prompt() + 'x' * size)
            assert [stack.post(body).cache for _ in range(2)] == caches


def test_many_large_hits_at_once_never_block_a_connection(stack):
    """From 3.1 on HAProxy stops reading a connection for good when one read fills its buffer, as
    the ACKs of many requests do when they come together. The agent is held until all have asked;
    the requests afterwards would meet the blocked connection."""
    question = prompt()
    answer = stack.post(question, 'huge=30000')
    with concurrent.futures.ThreadPoolExecutor(16) as clients:
        for _ in range(3):
            stack.signal('agent', signal.SIGSTOP)
            try:
                asked = [clients.submit(stack.post, question) for _ in range(16)]
                harness.wait_for(lambda: stack.sessions() >= 16, 'all have asked', 5, 0.002)
            finally:
                stack.signal('agent', signal.SIGCONT)
            for one in asked:
                assert one.result().status == 200 and one.result().complete
    for _ in range(20):
        again = stack.post(question)
        assert again.cache == 'HIT' and again.body == answer.body


def test_a_slow_upload_is_not_cut(stack):
    body = chat(prompt() + 'x' * 5000)
    assert_forwarded(stack.post(body, pieces=8, pause=0.35), body, 'MISS')
    assert stack.post(body).cache == 'HIT'


def test_a_slow_chunked_upload_larger_than_the_buffer_is_not_cut(stack):
    body = chat(prompt() + 'x' * 200000)
    assert_forwarded(stack.post(body, chunk=9999, pieces=6, pause=0.3), body)


@pytest.mark.parametrize('fake', ['delay=2500', 'parts=6,gap=500', 'chunked,parts=6,gap=500'])
def test_a_slow_answer_is_not_cut(stack, fake):
    question = prompt()
    first = stack.post(question, fake)
    assert first.status == 200 and first.complete and first.cache == 'MISS'
    assert stack.post(question).body == first.body


@pytest.mark.parametrize('path', [CHAT, '/v1/messages', '/v1/responses'])
def test_a_stream_is_not_delayed_and_never_stored(stack, path):
    body = chat(prompt(), stream=True)
    calls = []
    for _ in range(2):
        answer = stack.request(target=path, body=body, headers={'X-Fake': 'events=6,gap=250'})
        assert answer.status == 200 and answer.complete
        assert answer.header('content-type').startswith('text/event-stream')
        assert answer.cache == 'BYPASS'
        # The origin sends the last piece 1.25 s or more after the first.
        assert answer.pieces[-1][0] - answer.pieces[0][0] > 0.9
        assert answer.pieces[0][0] < 1 and len(answer.pieces) >= 5
        assert hashlib.sha256(answer.body).hexdigest() == answer.header('x-fake-sha256')
        calls.append(answer.header('x-fake-call'))
    assert calls[0] != calls[1]


def test_a_stream_nobody_asked_for_is_not_delayed_and_never_stored(stack):
    """The origin answers text/event-stream though the request says nothing of a stream."""
    question = prompt()
    answer = stack.post(question, 'type=text/event-stream,chunked,parts=5,gap=250')
    assert answer.pieces[-1][0] - answer.pieces[0][0] > 0.7
    assert stack.post(question).cache == 'MISS'


def test_a_stream_and_its_plain_twin_never_share(stack):
    text = prompt()
    plain = stack.post(text)
    streamed = stack.post(chat(text, stream=True))
    assert plain.cache == 'MISS' and streamed.cache == 'BYPASS'
    assert b'data: ' in streamed.body
    assert stack.post(text).body == plain.body


def test_expect_100_continue(stack):
    body = chat(prompt())
    for cache in ('MISS', 'HIT'):
        answer = stack.post(body, headers={'Expect': '100-continue'})
        assert answer.status == 200 and answer.cache == cache


def test_a_request_cut_in_its_body_makes_no_entry(stack):
    """Half of a body whose beginning is a whole JSON object, then the end of the connection."""
    import client
    text = prompt()
    body = chat(text)
    with client.connect(stack.address) as stream:
        head = ['POST ' + CHAT + ' HTTP/1.1', 'Host: llm.example', 'X-Tenant-Id: acme',
                'Content-Type: application/json', f'Content-Length: {len(body) + 10}', '', '']
        stream.sendall('\r\n'.join(head).encode() + body)
        stream.shutdown(1)
        stream.recv(4096)
    assert stack.post(body).cache == 'MISS'


def test_many_requests_on_one_connection(stack):
    import http.client
    connection = http.client.HTTPConnection(stack.address, timeout=10)
    bodies = [chat(prompt()) for _ in range(5)]
    for cache in ('MISS', 'HIT', 'HIT'):
        for body in bodies:
            connection.request('POST', CHAT, body, {'Host': 'llm.example', 'X-Tenant-Id': 'acme',
                                                    'Content-Type': 'application/json'})
            answer = connection.getresponse()
            fake = json.loads(answer.read())['fake']
            assert fake['digest'] == request_digest('POST', CHAT, HEADERS, body)
            assert answer.headers['x-cache-status'] == cache
    connection.close()


def test_a_hit_is_quick(stack):
    question = prompt()
    slow = stack.post(question, 'delay=800')
    quick = stack.post(question, 'delay=800')
    assert quick.cache == 'HIT' and quick.time < 0.4 < slow.time
