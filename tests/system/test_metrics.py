"""The agent's HTTP door."""
import re
import subprocess

import client
import harness
from harness import chat, metrics, prompt, total


def get(address, path, method='GET'):
    return client.request(address, method, path, {'Host': 'x'})


def sums(status):
    now = metrics(status)
    return [total(now, 'lookups_total', result=result) for result in ('hit', 'miss', 'bypass')]


def test_hits_misses_and_bypasses_are_the_requests_made(stack):
    before = sums(stack.status)
    questions = [prompt() for _ in range(5)]
    for question in questions * 3:
        stack.post(question)
    for _ in range(4):
        stack.post(prompt(), headers={'X-Tenant-Id': None})
    stack.post(chat(prompt(), stream=True))
    after = sums(stack.status)
    assert [b - a for a, b in zip(before, after)] == [10, 5, 5]


def test_answers_stored_and_refused_are_counted(stack):
    before = metrics(stack.status)
    stack.post(prompt())
    stack.post(prompt(), 'notjson')
    after = metrics(stack.status)
    assert total(after, 'stored_total') - total(before, 'stored_total') == 1
    assert (total(after, 'refused_total', reason='json')
            - total(before, 'refused_total', reason='json')) == 1


def test_connections_from_haproxy_are_kept(stack):
    """One after the other, requests need no connection of their own; with `mode tcp` they would
    from HAProxy 3.1 on."""
    before = metrics(stack.status)['spop_accepted_total']
    for _ in range(30):
        stack.post(prompt())
    assert metrics(stack.status)['spop_accepted_total'] - before < 15


def promtool_finds_nothing(page):
    promtool = subprocess.run(['promtool', 'check', 'metrics'], input=page, capture_output=True)
    assert (promtool.returncode, promtool.stdout, promtool.stderr) == (0, b'', b'')


def test_metrics_are_what_prometheus_advises(stack):
    """Also those with labels, of which none is there before it has counted something."""
    question = prompt()
    for fake in (None, None, 'notjson'):
        stack.post(question if fake is None else prompt(), fake)
    answer = get(stack.status, '/metrics')
    assert answer.status == 200 and answer.header('content-type').startswith('text/plain')
    for name in ('lookups_total', 'lookup_reasons_total', 'stored_total', 'refused_total'):
        assert f'spoa_cache_{name}{{' in answer.body.decode()
    promtool_finds_nothing(answer.body)


def test_health_and_readiness(stack):
    assert get(stack.status, '/healthz').status == 200
    assert get(stack.status, '/readyz').status == 200


def test_a_credential_names_nobody_in_metrics_or_status(origin):
    config = '[agent]\nmetrics-tenants = 10\n[policy llm]\ntenant-from = header:x-api-key\n'
    with harness.Stack(origin, config) as stack:
        for _ in range(2):
            assert stack.post(prompt(), headers={'X-Api-Key': 'sk-very-secret'}).status == 200
        page = get(stack.status, '/metrics').body.decode()
        said = get(stack.status, '/status').body.decode()
    assert len(set(re.findall('tenant="(tenant:[0-9a-f]{16})"', page))) == 1
    assert 'very-secret' not in page + said and 'tenant:' in said


def test_the_door_knows_nothing_else(stack):
    assert get(stack.status, '/').status in (200, 404)
    assert get(stack.status, '/nothing').status == 404
    assert get(stack.status, '/metrics', 'POST').status in (404, 405)


def test_the_door_on_tcp_is_closed_by_default():
    address = harness.free_address()
    with harness.Agent(SPOA_CACHE_AGENT_STATUS=address):
        assert get(address, '/healthz').status == 200
    with harness.Agent(SPOA_CACHE_AGENT_STATUS='') as agent:
        assert agent.ask(chat(prompt()))['status'] == 'MISS'
