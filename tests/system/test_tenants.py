"""Who shares with whom, for how long, and how an operator takes everything back."""
import json
import signal
import threading

import pytest

import fake_llm
import harness
from harness import CHAT, chat, metrics, prompt, wait_for

MESSAGES = '/v1/messages'
CONFIG = '''
[policy llm]
ttl = 1h

[policy brief]
ttl = 90s

[tenant fast]
ttl = 2s

[tenant red]
group = colours
[tenant blue]
group = colours

[tenant closed]
cache = off

[tenant brief]
policy = brief

[tenant steering]
allow-controls = yes

[tenant small]
max-body = 1kb
max-request = 1kb

[model shaky]
match = shaky*
ttl = 60s
[model never]
cache = off
'''


@pytest.fixture(scope='module')
def tenants(origin):
    with harness.Stack(origin, CONFIG) as stack:
        yield stack


def ask(stack, body, tenant, target=CHAT, **headers):
    return stack.request(target=target, body=body, headers={
        'X-Tenant-Id': tenant, **{name.replace('_', '-'): value for name, value in headers.items()}})


def seconds(answer):
    return int(answer.header('x-cache-ttl'))


def reload(stack, config):
    def count():
        return (stack.dir / 'agent.log').read_text().count('configuration reloaded')

    loaded = count()
    stack.config.write_text(config)
    stack.signal('agent', signal.SIGHUP)
    wait_for(lambda: count() > loaded, 'the agent reloads')


def test_two_tenants_two_apis_ttl_and_emergency_flush(origin):
    """The whole of a deployment's first day."""
    config = '[policy llm]\nttl = 1h\n[tenant fast]\nttl = 2s\n[tenant slow]\n'
    body = chat(prompt(), max_tokens=9)
    with harness.Stack(origin, config) as stack:
        with stack.redis() as redis:
            redis('SET', 'somebody:else', 'stays')
        for target in (CHAT, MESSAGES):
            for tenant in ('fast', 'slow'):
                first = ask(stack, body, tenant, target)
                again = ask(stack, body, tenant, target)
                assert (first.cache, again.cache) == ('MISS', 'HIT')
                assert again.body == first.body
        assert ask(stack, body, 'slow').header('x-cache-key') != ask(
            stack, body, 'fast').header('x-cache-key')
        assert 3500 < seconds(ask(stack, body, 'slow')) <= 3600

        # the short one ends, and the long one does not
        wait_for(lambda: ask(stack, body, 'fast').cache == 'MISS', 'the answer for fast ends', 4)
        assert ask(stack, body, 'slow').cache == 'HIT'

        # emergency: nothing that was stored is served from now on
        reload(stack, config.replace('ttl = 1h', 'ttl = 1h\ngeneration = 1'))
        for target in (CHAT, MESSAGES):
            assert ask(stack, body, 'slow', target).cache == 'MISS'
            assert ask(stack, body, 'slow', target).cache == 'HIT'
        with stack.redis() as redis:
            assert redis('GET', 'somebody:else') == b'stays'

        # and for one tenant alone
        reload(stack, config.replace('ttl = 1h', 'ttl = 1h\ngeneration = 1').replace(
            'ttl = 2s', 'generation = 1'))
        assert ask(stack, body, 'fast').cache == 'MISS'
        assert ask(stack, body, 'slow').cache == 'HIT'


def test_isolation_under_concurrency(tenants, origin):
    """Many tenants ask the same at once: each has its own misses, and only its own answers."""
    bodies, names = [chat(prompt()) for _ in range(6)], [f'tenant-{n}' for n in range(12)]
    together, wrong, seen = threading.Barrier(len(names)), [], {}

    def run(tenant):
        together.wait()
        for turn in range(4):
            for number, body in enumerate(bodies):
                answer = ask(tenants, body, tenant)
                identity = {'host': 'llm.example', 'x-tenant-id': tenant}
                right = fake_llm.request_digest('POST', CHAT, identity, body)
                if answer.status != 200 or answer.json['fake']['digest'] != right:
                    wrong.append((tenant, number, answer))
                # whether another tenant has asked before shows in nothing
                if answer.cache != ('HIT' if turn else 'MISS'):
                    wrong.append((tenant, number, turn, answer))
                seen.setdefault(answer.header('x-cache-key'), set()).add((tenant, number))

    before = origin.calls()
    threads = [threading.Thread(target=run, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert origin.calls() - before == len(names) * len(bodies)
    assert len(seen) == len(names) * len(bodies)
    assert all(len(who) == 1 for who in seen.values())


def test_a_group_shares(tenants):
    body = chat(prompt())
    first = ask(tenants, body, 'red')
    assert first.cache == 'MISS'
    assert ask(tenants, body, 'blue').body == first.body
    assert ask(tenants, body, 'blue').cache == 'HIT'
    assert ask(tenants, body, 'colours').cache == 'MISS'
    assert ask(tenants, body, 'green').cache == 'MISS'


@pytest.mark.parametrize('tenant, model', [('closed', 'gpt-4'), ('acme', 'never')])
def test_off(tenants, tenant, model):
    body = chat(prompt(), model=model)
    answers = [ask(tenants, body, tenant) for _ in range(2)]
    assert [answer.cache for answer in answers] == ['BYPASS', 'BYPASS']
    assert 'detail=off' in answers[0].header('cache-status')


@pytest.mark.parametrize('tenant, model, at_most', [
    ('acme', 'gpt-4', 3600), ('brief', 'gpt-4', 90), ('acme', 'shaky-1', 60),
    ('brief', 'shaky-1', 60), ('fast', 'shaky-1', 2)])
def test_ttl_is_the_shortest_of_all(tenants, tenant, model, at_most):
    body = chat(prompt(), model=model)
    assert ask(tenants, body, tenant).cache == 'MISS'
    assert at_most - 2 <= seconds(ask(tenants, body, tenant)) <= at_most
    with tenants.redis() as redis:
        key = ask(tenants, body, tenant).header('x-cache-key')
        name = next(entry for entry in redis('KEYS', f'sc:*:{key}'))
        assert redis('PTTL', name) <= at_most * 1000


def test_who_may_steer(tenants):
    """One tenant is obeyed; the others are told that they are not."""
    body = chat(prompt())
    for tenant in ('steering', 'acme'):
        assert ask(tenants, body, tenant).cache == 'MISS'
    fresh = ask(tenants, body, 'steering', Cache_Control='no-cache')
    assert fresh.cache == 'MISS'
    assert 'fwd=request; ' in fresh.header('cache-status')
    deaf = ask(tenants, body, 'acme', Cache_Control='no-cache')
    assert deaf.cache == 'HIT'
    assert deaf.header('cache-status').endswith('; detail=controls-ignored')
    other = ask(tenants, chat(prompt()), 'acme', X_Cache_TTL='5')
    assert other.header('cache-status').endswith('; detail=absent+controls-ignored')
    short = chat(prompt())
    assert ask(tenants, short, 'steering', X_Cache_TTL='5').cache == 'MISS'
    assert seconds(ask(tenants, short, 'steering')) <= 5


def test_limits_of_a_tenant(tenants):
    large = chat(prompt())
    assert [ask(tenants, large, 'small', X_Fake='huge=2000').cache for _ in range(2)] == [
        'MISS', 'MISS']
    assert [ask(tenants, large, 'acme', X_Fake='huge=2000').cache for _ in range(2)] == [
        'MISS', 'HIT']
    asked = ask(tenants, chat('x' * 1100 + prompt()), 'small')
    assert asked.cache == 'BYPASS'
    assert 'detail=request-large' in asked.header('cache-status')


def test_the_agent_takes_the_credential(origin):
    """Without a variable from HAProxy; and the credential is nowhere to be found."""
    config = '[policy llm]\ntenant-from = credential\n[agent]\nlog-level = debug\n'
    body, secret = chat(prompt()), 'sk-very-secret'
    with harness.Stack(origin, config) as stack:
        def bearer(token):
            return stack.request(body=body, headers={'Authorization': f'Bearer {token}'})
        first = bearer(secret)
        assert first.cache == 'MISS'
        assert bearer(secret).body == first.body
        assert bearer('sk-another').cache == 'MISS'
        with stack.redis() as redis:
            everything = b''.join(name + value for name, value in redis.entries().items())
        log = (stack.dir / 'agent.log').read_bytes()
        for place in (everything, log, json.dumps(metrics(stack.status)).encode()):
            assert b'very-secret' not in place


def test_hits_that_say_they_are(origin):
    config = '[policy llm]\nhit-usage = zero\nhit-id = new\n'
    with harness.Stack(origin, config, ['--redis', 'none']) as stack:
        body = chat(prompt())
        first, one, other = (ask(stack, body, 'acme') for _ in range(3))
    assert (first.cache, one.cache, other.cache) == ('MISS', 'HIT', 'HIT')
    assert first.json['usage']['total_tokens'] > 0
    assert set(one.json['usage'].values()) == {0}
    ids = {answer.json['id'] for answer in (first, one, other)}
    assert len(ids) == 3
    assert {len(name) for name in ids} == {len(first.json['id'])}
    same = [{name: value for name, value in answer.json.items() if name not in ('id', 'usage')}
            for answer in (first, one, other)]
    assert same[0] == same[1] == same[2]


def test_jitter(origin):
    config = '[policy llm]\nttl = 1000s\nttl-jitter = 50\n'
    with harness.Stack(origin, config, ['--redis', 'none']) as stack:
        ends = set()
        for _ in range(12):
            body = chat(prompt())
            ask(stack, body, 'acme')
            ends.add(seconds(ask(stack, body, 'acme')))
    assert 498 <= min(ends) and max(ends) <= 1000
    assert len(ends) > 4
