"""Which requests share an answer, and what a client sees of the cache."""
import json
import re

import pytest

import harness
from harness import CHAT, chat, prompt


def twice(stack, first, second):
    """Two requests, each the arguments of Stack.request; their answers."""
    return stack.request(**first), stack.request(**second)


def assert_shared(first, second):
    assert (first.status, first.cache) == (200, 'MISS'), first
    assert (second.status, second.cache) == (200, 'HIT'), second
    assert second.body == first.body


def assert_apart(first, second):
    assert first.cache == 'MISS', first
    assert second.cache != 'HIT', second
    assert second.json['fake'] != first.json['fake']


def test_miss_then_hit_is_equal_byte_for_byte_without_the_origin(stack, origin):
    question = prompt()
    first = stack.post(question)
    calls = origin.calls()
    second = stack.post(question)
    assert_shared(first, second)
    assert origin.calls() == calls
    assert second.header('content-type') == first.header('content-type') == 'application/json'


@pytest.mark.parametrize('path', [
    '/v1/chat/completions', '/v1/completions', '/v1/embeddings', '/v1/responses', '/v1/messages',
    '/openai/gpt4/chat/completions', '/openai/deployments/gpt-4/chat/completions?api-version=1'])
def test_llm_paths_are_cached(stack, path):
    asked = {'target': path, 'body': chat(prompt())}
    assert_shared(*twice(stack, asked, asked))


@pytest.mark.parametrize('fake', ['chunked', 'parts=4,gap=20', 'chunked,parts=4,gap=20',
                                  'type=application/json; charset=utf-8'])
def test_hit_whatever_the_framing_of_the_answer(stack, fake):
    question = prompt()
    first, second = stack.post(question, fake), stack.post(question)
    assert_shared(first, second)
    assert second.header('content-type') == first.header('content-type')


def test_pretty_printed_json_comes_back_whole(stack, exact):
    question = prompt()
    first, second = stack.post(question, 'pretty'), stack.post(question)
    assert (first.cache, second.cache) == ('MISS', 'HIT')
    assert b'\n' in first.body
    assert second.json == first.json
    if exact:
        assert second.body == first.body


def test_raw_del_in_a_json_string_comes_back(stack, exact):
    question = prompt()
    first, second = stack.post(question, 'del'), stack.post(question)
    assert (first.cache, second.cache) == ('MISS', 'HIT')
    assert second.json == first.json and second.json['del'] == 'a\x7fb'
    if exact:
        assert second.body == first.body


def test_unicode_and_percent_signs_come_back(stack):
    question = prompt()
    fake = 'hdr=OpenAI-Model:100%25 %[path] "q" \\n'
    first = stack.request(headers={'X-Fake': fake},
                          body=chat(question, model='modèle 模型 %0A %[var(txn.x)] \\ "'))
    second = stack.request(body=chat(question, model='modèle 模型 %0A %[var(txn.x)] \\ "'))
    assert_shared(first, second)
    assert 'modèle 模型 %0A' in second.json['model']
    assert second.header('openai-model') == first.header('openai-model')


def test_status_headers_of_miss_and_hit(stack):
    question = prompt()
    first, second = stack.post(question), stack.post(question)
    assert first.cache == 'MISS' and second.cache == 'HIT'
    assert re.fullmatch('[0-9a-f]{32}', first.header('x-cache-key'))
    assert second.header('x-cache-key') == first.header('x-cache-key')
    assert first.header('age') is None
    assert 0 <= int(second.header('age')) <= 5
    assert 'fwd=' in first.header('cache-status') and '; hit' not in first.header('cache-status')
    assert re.search(r'; ?hit', second.header('cache-status'))
    ttl = int(re.search(r'ttl=(\d+)', second.header('cache-status'))[1])
    assert 24 * 3600 - 60 <= ttl <= 24 * 3600


def test_age_grows(stack):
    question = prompt()
    stack.post(question)
    harness.wait_for(lambda: int(stack.post(question).header('age')) >= 1, 'Age: 1', 5, 0.1)


def test_bypass_says_so_and_why(stack):
    answer = stack.post(prompt(), headers={'X-Tenant-Id': None})
    assert answer.cache == 'BYPASS'
    assert 'no-tenant' in answer.header('cache-status')
    assert answer.header('age') is None


def base():
    return {'method': 'POST', 'target': CHAT, 'body': chat(prompt()), 'headers': {}}


@pytest.mark.parametrize('change', [
    {'headers': {'X-Tenant-Id': 'other'}},
    {'headers': {'X-Tenant-Id': 'acm'}},
    {'headers': {'X-Tenant-Id': 'ACME'}},
    {'headers': {'X-Tenant-Id': None, 'Authorization': 'Bearer acme'}},
    {'headers': {'Host': 'other.example'}},
    {'headers': {'Host': 'llm.example:8080'}},
    {'headers': {'X-Variant': 'b'}},
    {'headers': {'X-Variant': ''}},
    {'target': '/v2/chat/completions'},
    {'target': '/v1/chat/completions/'},
    {'target': '/V1/chat/completions'},
    {'target': CHAT + '?version=2'},
    {'method': 'PUT'},
], ids=str)
def test_a_difference_outside_the_body_never_shares(stack, change):
    first = base()
    assert_apart(*twice(stack, first, {**first, **change}))


@pytest.mark.parametrize('one, other', [
    ({'Authorization': 'Bearer one'}, {'Authorization': 'Bearer two'}),
    ({'x-api-key': 'one'}, {'x-api-key': 'two'}),
    ({'api-key': 'one'}, {'api-key': 'two'}),
    ({'api-key': 'one'}, {'x-api-key': 'one'}),
])
def test_a_different_credential_never_shares(stack, one, other):
    body = chat(prompt())
    one, other = {'X-Tenant-Id': None, **one}, {'X-Tenant-Id': None, **other}
    first = stack.request(body=body, headers=one)
    assert_apart(first, stack.request(body=body, headers=other))
    assert_shared(first, stack.request(body=body, headers=one))


@pytest.mark.parametrize('path', ['model', 'temperature', 'messages', 'unknown'])
def test_a_different_body_never_shares(stack, path):
    text = prompt()
    other = {'model': 'gpt-5', 'temperature': 0.5, 'unknown': [1],
             'messages': [{'role': 'user', 'content': text.upper()}]}[path]
    assert_apart(stack.post(chat(text)), stack.post(chat(text, **{path: other})))


@pytest.mark.parametrize('one, other', [
    ('"a b"', '"a  b"'), ('"a"', '"a "'), ('1', '1.0'), ('"1"', '1'), ('null', 'false'),
    ('[1,2]', '[2,1]'), ('[1,2]', '[12]'), ('""', 'null'), ('"é"', '"e\\u0301"'),
    ('12345678901234567890', '12345678901234567891'), ('"\\\\u0041"', '"A"'),
    ('{"b":1,"a":2}', '{"a":2,"b":1}'),
])
def test_values_that_differ_never_share(stack, one, other):
    text = prompt()
    bodies = [f'{{"messages":[],"prompt":"{text}","value":{v}}}'.encode() for v in (one, other)]
    assert_apart(stack.post(bodies[0]), stack.post(bodies[1]))


def test_order_of_messages_never_shares(stack):
    texts = [{'role': 'user', 'content': prompt()}, {'role': 'user', 'content': prompt()}]
    first = json.dumps({'model': 'm', 'messages': texts}).encode()
    second = json.dumps({'model': 'm', 'messages': texts[::-1]}).encode()
    assert_apart(stack.post(first), stack.post(second))


def test_order_of_a_schema_never_shares(stack):
    text = prompt()

    def body(names):
        properties = {name: {'type': 'string'} for name in names}
        tool = {'type': 'function', 'function': {'name': 'f', 'parameters': {
            'type': 'object', 'properties': properties}}}
        return chat(text, tools=[tool])
    assert_apart(stack.post(body('ab')), stack.post(body('ba')))


def test_white_space_and_escapes_and_member_order_do_share(stack):
    text = prompt()
    first = stack.post(f'{{"model":"m","messages":[{{"role":"user","content":"{text} A\u00e9/"}}]}}'
                       .encode())
    second = stack.post(f'\n{{ "messages" : [ {{"content":"{text} \\u0041\\u00e9\\/",\r\n'
                        f'\t"role":"user"}} ], "model":"m" }} '.encode())
    assert_shared(first, second)


def test_ignored_query_parameters_do_share(stack):
    asked = base()
    first = stack.request(**asked)
    second = stack.request(**{**asked, 'target': CHAT + '?utm_source=mail'})
    assert_shared(first, second)
    both = {**asked, 'target': CHAT + '?v=1&trace=2'}
    third, fourth = twice(stack, both, {**both, 'target': CHAT + '?trace=3&utm_source=x&v=1'})
    assert_shared(third, fourth)
    assert third.call != first.call


@pytest.mark.parametrize('headers', [
    {'User-Agent': 'other/2'}, {'Traceparent': '00-1-2-03'}, {'X-Request-Id': '17'},
    {'Content-Type': 'application/json; charset=utf-8'}, {'X-Variant': None}, {'Cookie': 'a=b'}])
def test_headers_that_change_nothing_do_share(stack, headers):
    asked = base()
    assert_shared(stack.request(**asked), stack.request(**{**asked, 'headers': headers}))


def test_same_variant_shares(stack):
    asked = {**base(), 'headers': {'X-Variant': 'b'}}
    assert_shared(*twice(stack, asked, asked))


def test_tenants_that_ask_the_same_at_once_get_their_own_answers(stack):
    with harness.Traffic(stack, clients=8, questions=2, pause=0) as traffic:
        traffic.wait(600)
    assert traffic.failures == []
    assert traffic.count('HIT') > 500


def test_get_is_left_alone(stack, origin):
    answers = [stack.request('GET', '/v1/models') for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200]
    assert answers[0].call != answers[1].call
    assert all(answer.cache in (None, 'BYPASS') for answer in answers)


def test_other_posts_are_left_alone(stack):
    body = chat(prompt())
    answers = [stack.request(target='/v1/files', body=body) for _ in range(2)]
    assert answers[0].call != answers[1].call
    assert all(answer.cache in (None, 'BYPASS') for answer in answers)


def test_clients_cannot_claim_what_the_cache_says(stack):
    """The headers of the cache are not taken from an origin."""
    question = prompt()
    fake = 'hdr=X-Cache-Status:HIT,hdr=X-Cache-Key:00,hdr=Age:9'
    assert stack.post(question, fake).cache == 'MISS'
    assert stack.post(question).cache == 'HIT'
