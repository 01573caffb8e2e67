"""What a real Prometheus sees of a running stack: the counts are those of the clients, the rules
load, and every query of the dashboard has an answer."""
import collections
import contextlib
import json
import re
import subprocess
import time
import urllib.parse

import pytest

import client
import harness
import spop
from harness import ROOT, Traffic, chat, metrics, prompt, total, wait_for
from test_coalesce import Crowd
from test_metrics import promtool_finds_nothing

MONITORING = ROOT / 'haproxy/monitoring'
RULES = MONITORING / 'rules.yaml'
RULES_TEST = ROOT / 'tests/system/rules_test.yaml'

CONFIG = """
[agent]
metrics-tenants = 2

[redis]
timeout = 300ms

[price gpt]
match = gpt-*
prompt = 2.5
completion = 10
"""


class Prometheus(harness.Part):
    """Scrapes one target five times a second, by the shipped configuration otherwise."""

    name = 'prometheus'

    def __init__(self, target):
        super().__init__()
        self.target = target
        self.address = harness.free_address()

    def start(self):
        text = (MONITORING / 'prometheus.yaml').read_text()
        for old, new in (('127.0.0.1:9202', self.target), ('rules.yaml', str(RULES)),
                         ('15s', '200ms')):
            assert old in text
            text = text.replace(old, new)
        (self.dir / 'prometheus.yaml').write_text(text)
        self.spawn(['prometheus', '--config.file', self.dir / 'prometheus.yaml',
                    '--storage.tsdb.path', self.dir / 'data', '--web.listen-address', self.address])
        wait_for(lambda: self.query('up == 1'), 'Prometheus has scraped', 30)

    def get(self, path, **arguments):
        target = f'/api/v1/{path}?{urllib.parse.urlencode(arguments)}'
        return client.request(self.address, 'GET', target, {'Host': 'x'}).json

    def query(self, expression):
        """What an instant query gives: [{"metric", "value"}]; None while it does not answer."""
        try:
            answer = self.get('query', query=expression)
        except (OSError, ValueError):
            return None
        assert answer['status'] == 'success', (expression, answer)
        return answer['data']['result']

    def counters(self):
        """What it has scraped, all of it after now: as harness.metrics()."""
        now = time.time()
        wait_for(lambda: float(self.query('timestamp(spoa_cache_ready)')[0]['value'][1]) > now,
                 'it scrapes')
        found = {}
        for sample in self.query('{__name__=~"spoa_cache_.*"}'):
            labels = {name: value for name, value in sample['metric'].items()
                      if name not in ('__name__', 'job', 'instance')}
            text = ','.join(f'{name}="{value}"' for name, value in labels.items())
            name = sample['metric']['__name__'].removeprefix('spoa_cache_')
            found[name + (f'{{{text}}}' if text else '')] = float(sample['value'][1])
        return found


@pytest.fixture(scope='module')
def watched(origin):
    with contextlib.ExitStack() as parts:
        stack = parts.enter_context(harness.Stack(origin, CONFIG, ['--status', '127.0.0.1:0']))
        stack.status = json.loads((stack.dir / 'stack.json').read_text())['status']
        stack.prometheus = parts.enter_context(Prometheus(stack.status))
        yield stack


def a_bit_of_everything(stack):
    """Requests of every kind; how often the clients saw which status."""
    seen = collections.Counter()

    def ask(body, fake=None, headers=None):
        seen[stack.post(body, fake, headers).cache] += 1

    questions = [prompt() for _ in range(5)]
    for question in questions * 3:
        ask(question)
    for number in range(6):
        ask(prompt(), headers={'X-Tenant-Id': f'tenant {number % 3}'})
    for _ in range(4):
        ask(prompt(), headers={'X-Tenant-Id': None})
    ask(chat(prompt(), stream=True))
    ask(prompt(), 'notjson')
    question = prompt()
    with Crowd(8, lambda _: stack.post(question, 'delay=500')) as crowd:
        pass
    return seen + crowd.whole()


def test_prometheus_counts_what_the_clients_saw(watched):
    before = watched.prometheus.counters()
    seen = a_bit_of_everything(watched)
    after = watched.prometheus.counters()

    def more(name, **labels):
        return total(after, name, **labels) - total(before, name, **labels)

    waited = more('coalesced_total')
    assert seen['COALESCED'] == waited == 7
    assert seen['HIT'] == more('lookups_total', result='hit') == 10
    assert seen['MISS'] == more('lookups_total', result='miss') - waited == 13
    assert seen['BYPASS'] == more('lookups_total', result='bypass') == 5
    assert sum(seen.values()) == more('lookups_total') == more('lookup_seconds_count')
    assert more('lookup_reasons_total', result='bypass', reason='no-tenant') == 4
    assert more('lookup_reasons_total', result='bypass', reason='stream') == 1
    assert more('lookup_reasons_total', result='miss') == 13 + waited
    assert more('stored_total', policy='llm', api='openai-chat') == 12
    assert more('stored_bytes_count') == 12
    assert more('refused_total', reason='json') == more('refused_total') == 1
    assert more('hit_age_seconds_count') == more('hit_bytes_count') == 10 + waited


def test_a_hit_saves_what_the_answer_says_it_cost(watched):
    before = watched.prometheus.counters()
    question = prompt()
    for _ in range(3):
        watched.post(question)
    with Crowd(3, lambda _: watched.post(chat('again' + question), 'delay=500')) as crowd:
        pass
    assert crowd.whole()['COALESCED'] == 2
    other = chat(prompt(), model='o3')  # which has no price
    for _ in range(2):
        watched.post(other)
    after = watched.prometheus.counters()

    def more(name, **labels):
        return total(after, name, **labels) - total(before, name, **labels)

    hits, priced = 5, 4
    assert more('saved_tokens_total', policy='llm', kind='prompt') == 9 * hits
    assert more('saved_tokens_total', policy='llm', kind='completion') == 12 * hits
    money = priced * (9 * 2.5 + 12 * 10) / 1e6
    assert more('saved_money_total', policy='llm') == pytest.approx(money, abs=1e-9)


def test_only_so_many_tenants_are_named(watched):
    before = watched.prometheus.counters()
    for number in range(5):
        for _ in range(2):
            watched.post('the same', headers={'X-Tenant-Id': f'who {number}'})
    after = watched.prometheus.counters()
    assert total(after, 'tenant_lookups_total') - total(before, 'tenant_lookups_total') == 10
    tenants = {re.search('tenant="([^"]*)"', key)[1] for key in after
               if key.startswith('tenant_lookups_total')}
    assert len(tenants) == 3 and '(other)' in tenants
    assert total(after, 'tenant_saved_tokens_total', tenant='(other)') >= 3 * 21
    promtool_finds_nothing(client.request(watched.status, 'GET', '/metrics', {'Host': 'x'}).body)


def make_trouble(stack):
    """An error of Redis and one of a connection from HAProxy; a bypass; waits, some in vain."""
    with stack.redis() as redis:
        redis('CONFIG', 'SET', 'maxmemory', '1')
        try:
            known = total(metrics(stack.status), 'redis_errors_total', code='OOM')
            stack.post(prompt())
            wait_for(lambda: total(metrics(stack.status), 'redis_errors_total', code='OOM') > known,
                     'Redis refuses')
        finally:
            redis('CONFIG', 'SET', 'maxmemory', '0')
    with spop.Connection(f'unix:{stack.dir}/agent.sock') as connection:
        connection.send(spop.frame(1, b'what?'))
        connection.closed()
    stack.post(chat(prompt(), stream=True))
    for fake in ('notjson,delay=300', 'delay=300'):
        question = prompt()
        with Crowd(3, lambda _: stack.post(question, fake)) as crowd:
            pass
        crowd.whole()


def queries():
    """Every query of the dashboard: (title of its panel, expression)."""
    dashboard = json.loads((MONITORING / 'dashboard.json').read_text())
    return [(panel['title'], target['expr']) for panel in dashboard['panels']
            for target in panel.get('targets', [])]


def filled(expression):
    """As Grafana would ask it."""
    for variable, value in (('$__rate_interval', '20s'), ('$__range', '60s'),
                            ('$instance', '.*'), ('$policy', '.*')):
        expression = expression.replace(variable, value)
    assert '$' not in expression
    return expression


def test_every_query_of_the_dashboard_has_an_answer(watched):
    left = queries()
    assert len(left) > 50

    def has_answer(expression):
        result = watched.prometheus.query(filled(expression))
        return result and all(sample['value'][1] != 'NaN' for sample in result)

    def all_answered():
        make_trouble(watched)
        left[:] = [query for query in left if not has_answer(query[1])]
        return not left

    with Traffic(watched) as traffic:
        with contextlib.suppress(AssertionError):
            wait_for(all_answered, 'answers', 30, 0.5)
    assert left == []
    assert traffic.failures == []


def test_the_rules_are_good_and_nothing_fires(watched):
    rules = watched.prometheus.get('rules')['data']['groups'][0]['rules']
    alerts = [rule for rule in rules if rule['type'] == 'alerting']
    assert len(alerts) > 8 and all(rule['health'] == 'ok' for rule in rules)
    for alert in alerts:
        assert alert['annotations']['runbook'] == 'README.md#alert-' + alert['name'].lower()
    assert not watched.prometheus.query('ALERTS{alertstate="firing",severity="critical"}')


def test_each_alert_fires_when_it_should():
    promtool = subprocess.run(['promtool', 'test', 'rules', RULES_TEST], capture_output=True,
                              text=True)
    assert promtool.returncode == 0, promtool.stdout + promtool.stderr


def test_each_alert_is_tested():
    named = set(re.findall(r'alert: (\w+)', RULES.read_text()))
    assert named == set(re.findall(r'alertname: (\w+)', RULES_TEST.read_text()))
