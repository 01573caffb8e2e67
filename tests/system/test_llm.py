"""What makes it a cache for LLM APIs: which fields count, which answers are kept, what a request
may ask for, and what would have been saved."""
import json
import subprocess

import pytest

import harness
from harness import CHAT, metrics, prompt, total

GEMINI = '/v1beta/models/gemini-2.5-flash:generateContent'
CONTROLS = '''
[policy llm]
allow-controls = yes
'''


@pytest.fixture(scope='module')
def controlled(origin):
    with harness.Stack(origin, CONTROLS, ['--redis', 'none']) as stack:
        yield stack


def ask(stack, members, target=CHAT, **how):
    body = {'model': 'gpt-4', **members}
    return stack.request(target=target, body=json.dumps(body).encode(), **how)


def chat(text, **members):
    return {'messages': [{'role': 'user', 'content': text}], **members}


@pytest.mark.parametrize('target, one, other', [
    (CHAT, {'user': 'a'}, {'user': 'b', 'metadata': {'x': '1'}}),
    (CHAT, {'temperature': 0}, {'temperature': 0.0}),
    (CHAT, {'stream': False, 'n': 1, 'seed': None}, {}),
    ('/v1/messages', {'max_tokens': 9, 'metadata': {'user_id': '1'}}, {'max_tokens': 9}),
    (GEMINI, {'generationConfig': {'temperature': 0}}, {'generationConfig': {'temperature': 0.0}}),
    ('/model/anthropic.claude-v2%3A1/invoke', {'max_tokens': 9}, {'max_tokens': 9}),
])
def test_fields_that_change_nothing_share(stack, target, one, other):
    question = prompt()
    assert ask(stack, chat(question, **one), target).cache == 'MISS'
    assert ask(stack, chat(question, **other), target).cache == 'HIT'


@pytest.mark.parametrize('one, other', [
    ({'temperature': 0}, {'temperature': 0.1}),
    ({'seed': 1}, {'seed': 2}),
    ({'unheard_of': 1}, {'unheard_of': 2}),
    ({'tools': [{'type': 'function', 'function': {'name': 'f', 'parameters': {'a': 1, 'b': 2}}}]},
     {'tools': [{'type': 'function', 'function': {'name': 'f', 'parameters': {'b': 2, 'a': 1}}}]}),
])
def test_fields_that_may_change_an_answer_do_not_share(stack, one, other):
    question = prompt()
    assert ask(stack, chat(question, **one)).cache == 'MISS'
    assert ask(stack, chat(question, **other)).cache == 'MISS'


@pytest.mark.parametrize('target, members', [
    (CHAT, {'web_search_options': {}}),
    (CHAT, {'store': True}),
    ('/v1/responses', {'previous_response_id': 'resp_1'}),
    ('/v1/responses', {'tools': [{'type': 'web_search_preview'}]}),
    ('/v1/messages', {'mcp_servers': [{'type': 'url'}]}),
    ('/v1/messages', {'max_tokens': 0}),
    (CHAT, {'model': 'gpt-4o-search-preview'}),
    ('/openai/deployments/gpt-4o-search-preview/chat/completions', {}),
    ('/v1/responses', {'input': [{'id': 'msg_1'}]}),
    (GEMINI, {'tools': [{'whateverSearch': {}}]}),
    ('/api/generate', {'stream': False, 'keep_alive': 0, 'messages': []}),
])
def test_requests_whose_answer_depends_on_more_are_bypassed(stack, target, members):
    answers = [ask(stack, chat(prompt(), **members), target) for _ in range(2)]
    assert [answer.cache for answer in answers] == ['BYPASS', 'BYPASS']
    assert 'detail=field' in answers[0].header('cache-status')


@pytest.mark.parametrize('target, orders', [
    (CHAT, 'error'), (CHAT, 'finish=length'), (CHAT, 'finish=content_filter'), (CHAT, 'finish='),
    (CHAT, 'finish=something-new'), ('/v1/messages', 'finish=max_tokens'),
    ('/v1/messages', 'finish=pause_turn'), ('/v1/messages', 'finish=refusal'),
    ('/model/m/invoke', 'finish=max_tokens'), ('/model/m/invoke', 'finish='),
])
def test_answers_that_are_no_good_are_not_kept(stack, target, orders):
    members = chat(prompt())
    answers = [ask(stack, members, target, headers={'X-Fake': orders}) for _ in range(2)]
    assert [answer.cache for answer in answers] == ['MISS', 'MISS']
    assert ask(stack, members, target).cache == 'MISS'
    assert ask(stack, members, target).cache == 'HIT'


@pytest.mark.parametrize('target, one, two', [
    ('/v1/completions', {'prompt': ['a']}, {'prompt': ['a', 'b']}),
    ('/v1/completions', {'prompt': 'a', 'n': 1}, {'prompt': 'a', 'n': 2}),
    (GEMINI, {}, {'generationConfig': {'candidateCount': 2}}),
])
def test_fewer_answers_than_asked_for_are_not_kept(stack, target, one, two):
    """The origin gives one, whatever is asked."""
    for members, caches in ((one, ['MISS', 'HIT']), (two, ['MISS', 'MISS'])):
        members = {**chat(prompt()), **members}
        assert [ask(stack, members, target).cache for _ in range(2)] == caches


def test_fewer_vectors_than_texts_are_not_kept(stack):
    """The origin gives one, whatever is asked."""
    for texts, caches in (([prompt()], ['MISS', 'HIT']), ([prompt(), 'b'], ['MISS', 'MISS'])):
        answers = [ask(stack, {'input': texts}, '/v1/embeddings') for _ in range(2)]
        assert [answer.cache for answer in answers] == caches


def test_a_policy_may_keep_what_was_cut(origin):
    config = '[policy llm]\nstore-finish = length\nmax-temperature = 0.5\n'
    with harness.Stack(origin, config, ['--redis', 'none']) as stack:
        members = chat(prompt(), temperature=0.5)
        cut = {'X-Fake': 'finish=length'}
        assert [ask(stack, members, headers=cut).cache for _ in range(2)] == ['MISS', 'HIT']
        for temperature in ({'temperature': 0.6}, {}):
            answer = ask(stack, chat(prompt(), **temperature))
            assert answer.cache == 'BYPASS'
            assert 'detail=temperature' in answer.header('cache-status')


def test_only_answers_that_depend_on_a_temperature_need_one(origin):
    config = '[policy llm]\ndeterministic-only = yes\n'
    zero = {'generationConfig': {'temperature': 0}}
    with harness.Stack(origin, config, ['--redis', 'none']) as stack:
        for target, members, cache in (('/v1/embeddings', {'input': prompt()}, 'HIT'),
                                       (GEMINI, chat(prompt(), **zero), 'HIT'),
                                       (GEMINI, chat(prompt(), temperature=0), 'BYPASS')):
            ask(stack, members, target)
            assert ask(stack, members, target).cache == cache


def test_controls_are_obeyed_where_the_policy_allows_it(controlled):
    members = chat(prompt())

    def said(headers):
        return ask(controlled, members, headers=headers)

    absent = said({'Cache-Control': 'only-if-cached'})
    assert (absent.status, absent.cache) == (504, 'MISS')
    assert said({'Cache-Control': 'no-store'}).cache == 'BYPASS'
    assert said({}).cache == 'MISS'
    first = said({'Cache-Control': 'only-if-cached'})
    assert (first.status, first.cache) == (200, 'HIT')
    assert said({'X-Cache-Control': 'max-age=0'}).cache == 'MISS'
    fresh = said({'Cache-Control': 'no-cache'})
    assert fresh.cache == 'MISS' and fresh.call != first.call
    assert said({}).call == fresh.call
    assert said({'X-Cache-Namespace': 'trial'}).cache == 'MISS'
    assert said({'X-Cache-Namespace': 'trial'}).cache == 'HIT'
    assert said({'X-Cache-Namespace': 'other'}).cache == 'MISS'
    both = said({'X-Cache-Namespace': 'trial', 'x-cache-namespace': 'other'})
    assert both.cache == 'BYPASS' and 'detail=control' in both.header('cache-status')


def test_controls_are_ignored_otherwise(stack):
    members = chat(prompt())
    for headers, cache in (({'Cache-Control': 'no-store'}, 'MISS'),
                           ({'Cache-Control': 'no-cache, only-if-cached'}, 'HIT'),
                           ({'X-Cache-Namespace': 'trial'}, 'HIT')):
        answer = ask(stack, members, headers=headers)
        assert (answer.status, answer.cache) == (200, cache)


def test_shadow_mode_counts_and_serves_nothing(origin):
    with harness.Stack(origin, '[policy llm]\nmode = shadow\n', ['--redis', 'none']) as stack:
        members = chat(prompt())
        answers = [ask(stack, members) for _ in range(3)]
        assert [answer.cache for answer in answers] == ['MISS'] * 3
        assert len({answer.call for answer in answers}) == 3
        assert total(metrics(stack.status), 'lookup_reasons_total', reason='shadow') == 2


NORMALIZED = r'''
[policy llm]
normalize = trim collapse-space nfc
mask = Today is \K\d{4}-\d{2}-\d{2}
    request [0-9a-f]{8} of
'''


def test_normalised_text_shares_and_nothing_else_does(origin):
    def texts(question, system='You help.', name='f  x'):
        return {'messages': [{'role': 'system', 'content': system},
                             {'role': 'user', 'content': question}],
                'tools': [{'type': 'function', 'function': {'name': name}}]}

    question = prompt()
    with harness.Stack(origin, NORMALIZED, ['--redis', 'none']) as stack:
        def cache(*words, **named):
            return ask(stack, texts(*words, **named)).cache
        assert cache(question, 'Today is 2026-11-22, request 01234567 of 2. caf\u00e9') == 'MISS'
        assert cache(f' {question}\n ',
                     'Today is 2026-11-23, request 89abcdef of  2. cafe\u0301') == 'HIT'
        assert cache(question, 'Today is Sunday, request 01234567 of 2. caf\u00e9') == 'MISS'
        assert cache(question + ' 2026-11-22') == 'MISS'
        assert cache(question + ' 2026-11-23') == 'MISS'
        assert cache(question, name='f x') == 'MISS'
        assert cache(question, name='f  x') == 'MISS'


def test_a_mask_that_is_no_expression_is_an_error_with_its_place(tmp_path):
    config = tmp_path / 'agent.ini'
    config.write_text('[policy llm]\nmask = fine\n    broken(\n')
    run = subprocess.run([harness.AGENT, '--check', '-c', config], capture_output=True, text=True)
    assert run.returncode == 2
    assert f'{config}:2: [policy llm] mask: ' in run.stderr
    assert 'broken(' in run.stderr
