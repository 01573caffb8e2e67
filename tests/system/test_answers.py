"""Answers that must not be stored, and what of an answer comes back."""
import pytest

from harness import prompt


@pytest.fixture
def stack(sanitized_stack):
    return sanitized_stack


def assert_not_stored(stack, fake):
    """The order spoils the first answer; the next good one must be fresh, and the one behind it
    a hit."""
    question = prompt()
    spoilt = stack.post(question, fake)
    good, hit = stack.post(question), stack.post(question)
    assert (good.status, good.cache) == (200, 'MISS'), good
    assert hit.cache == 'HIT' and hit.body == good.body
    return spoilt


@pytest.mark.parametrize('fake', [
    'cut=100', 'cut=0', 'cut=1', 'cut=100,reset', 'chunked,cut=100', 'chunked,cut=100,reset',
    'chunked,cut=9999', 'close', 'close,cut=100', 'huge=40000,cut=39999',
    'huge=40000,chunked,cut=39000', 'huge=300000,cut=299999', 'huge=300000,chunked,cut=200000'])
def test_a_cut_answer_is_never_stored(stack, fake):
    import http.client
    question = prompt()
    try:
        spoilt = stack.post(question, fake)
        # What is cut must not look whole. `close` has no end that could be missed.
        assert fake.startswith('close') or not spoilt.complete or spoilt.status >= 500, spoilt
    except (http.client.HTTPException, OSError):
        pass  # HAProxy 3.0 and later end the connection without a byte
    good, hit = stack.post(question), stack.post(question)
    assert (good.status, good.cache) == (200, 'MISS'), good
    assert hit.cache == 'HIT' and hit.body == good.body


@pytest.mark.parametrize('fake', ['drop', 'drop,reset'])
def test_no_answer_is_never_stored(stack, fake):
    assert assert_not_stored(stack, fake).status == 502


@pytest.mark.parametrize('status', [201, 202, 301, 400, 401, 404, 429, 500, 502, 503, 529])
def test_other_statuses_are_never_stored(stack, status):
    assert assert_not_stored(stack, f'status={status}').status == status


def test_no_content_is_never_stored(stack):
    assert assert_not_stored(stack, 'status=204,empty').status == 204


@pytest.mark.parametrize('fake', ['html', 'notjson', 'trailing', 'empty', 'empty,chunked', 'binary',
                                  'binary,type=application/json', 'type=', 'type=text/plain',
                                  'type=application/jsonp', 'gzip', 'gzip,chunked',
                                  'hdr=Content-Encoding:br'])
def test_unfit_answers_are_forwarded_and_never_stored(stack, fake):
    import hashlib
    spoilt = assert_not_stored(stack, fake)
    assert spoilt.status == 200 and spoilt.complete and spoilt.cache == 'MISS'
    assert hashlib.sha256(spoilt.body).hexdigest() == spoilt.header('x-fake-sha256')


@pytest.mark.parametrize('vary', ['*', 'X-Other', 'X-Variant, X-Other', 'Cookie'])
def test_an_answer_that_varies_on_what_is_not_in_the_key_is_never_stored(stack, vary):
    question = prompt()
    fake = f'hdr=Vary:{vary.split(",")[0]}'
    if ',' in vary:
        fake += f',hdr=Vary:{vary.split(",")[1].strip()}'
    assert [stack.post(question, fake).cache for _ in range(2)] == ['MISS', 'MISS']


@pytest.mark.parametrize('vary', ['X-Variant', 'Accept-Encoding', 'x-variant'])
def test_an_answer_that_varies_on_what_is_in_the_key_is_stored(stack, vary):
    question = prompt()
    assert [stack.post(question, f'vary={vary}').cache for _ in range(2)] == ['MISS', 'HIT']


def test_headers_of_one_exchange_are_not_replayed(stack):
    """Not even those that the policy lists (x-request-id, a rate limit, one that Connection
    names)."""
    question = prompt()
    first, second = stack.post(question, 'odd'), stack.post(question)
    assert (first.cache, second.cache) == ('MISS', 'HIT')
    there = {name for name, _ in first.headers}
    assert {'set-cookie', 'x-request-id', 'x-ratelimit-remaining-requests', 'retry-after',
            'openai-processing-ms', 'openai-model'} <= there
    replayed = {name for name, _ in second.headers}
    for name in ('set-cookie', 'x-request-id', 'x-ratelimit-remaining-requests', 'retry-after',
                 'anthropic-ratelimit-tokens-remaining', 'openai-processing-ms', 'x-hop',
                 'x-fake-call', 'x-fake-sha256'):
        assert name not in replayed, name


def test_a_configured_header_that_connection_names_is_not_replayed(stack):
    question = prompt()
    stack.post(question, 'hdr=Connection:OpenAI-Version,hdr=OpenAI-Version:1,hdr=OpenAI-Model:2')
    hit = stack.post(question)
    assert hit.cache == 'HIT' and hit.header('openai-model') == '2'
    assert hit.header('openai-version') is None


def test_configured_headers_are_replayed(stack):
    question = prompt()
    first = stack.post(question, 'odd,hdr=OpenAI-Version:2020-10-01,hdr=Content-Language:de')
    second = stack.post(question)
    assert second.cache == 'HIT'
    assert second.header('openai-model') == first.header('openai-model') == f'call {first.call}'
    assert second.header('openai-version') == '2020-10-01'
    assert second.header('content-language') == 'de'


def test_a_configured_header_that_came_twice_keeps_both_values(stack):
    question = prompt()
    stack.post(question, 'hdr=Content-Language:de,hdr=Content-Language:fr')
    hit = stack.post(question)
    values = ', '.join(value for name, value in hit.headers if name == 'content-language')
    assert hit.cache == 'HIT' and values == 'de, fr'


def test_a_header_that_came_with_one_answer_does_not_stick_to_another(stack):
    one, other = prompt(), prompt()
    stack.post(one, 'hdr=OpenAI-Model:here')
    stack.post(other)
    assert stack.post(one).header('openai-model') == 'here'
    assert stack.post(other).header('openai-model') is None


@pytest.mark.parametrize('kind', ['application/json', 'application/json; charset=utf-8',
                                  'application/json;charset=UTF-8', 'Application/JSON'])
def test_the_content_type_comes_back_as_it_was(stack, kind):
    question = prompt()
    first, second = stack.post(question, f'type={kind}'), stack.post(question)
    assert (first.cache, second.cache) == ('MISS', 'HIT')
    assert second.header('content-type') == first.header('content-type') == kind


def test_the_origin_is_asked_for_identity(stack):
    """The fake does not compress by itself; what matters is that a client's wish for gzip gets
    a body that it can read."""
    question = prompt()
    for cache in ('MISS', 'HIT'):
        answer = stack.post(question, headers={'Accept-Encoding': 'gzip, br'})
        assert answer.cache == cache and answer.header('content-encoding') is None
        assert answer.json['fake']['call']
