"""The command line, the configuration file, the environment, and SIGHUP."""
import os
import re
import signal
import subprocess

import pytest

import harness
import spop
from harness import chat, prompt, wait_for


def run(*words, **environment):
    return subprocess.run([harness.AGENT, *words], capture_output=True, text=True, timeout=10,
                          env={**os.environ, **environment}, check=False)


@pytest.fixture
def check(tmp_path):
    """Runs --check on a text and returns its exit status and its messages."""
    def checked(text, **environment):
        path = tmp_path / 'agent.ini'
        path.write_text(text)
        result = run('-c', path, '--check', **environment)
        return result.returncode, result.stdout + result.stderr
    return checked


def test_version():
    result = run('--version')
    assert result.returncode == 0 and result.stdout.startswith('spoa-cache ')


def test_help():
    result = run('--help')
    assert result.returncode == 0 and result.stderr == ''
    for option in ('-c', '--check', '--print-config', '--version', '--help'):
        assert option in result.stdout


@pytest.mark.parametrize('words', [['--no-such-option'], ['word'], ['-c']])
def test_a_wrong_command_line_is_refused(words):
    result = run(*words)
    assert result.returncode not in (0, None) and result.stderr


def test_a_missing_file_is_named():
    result = run('-c', '/no/such/file.ini', '--check')
    assert result.returncode != 0 and '/no/such/file.ini' in result.stderr


def test_print_config_is_a_configuration_with_every_default(check):
    text = run('--print-config').stdout
    assert '[agent]' in text and '[redis]' in text and '[policy llm]' in text
    assert check(text)[0] == 0
    keys = re.findall(r'^[;# ]*([a-z-]+) *=', text, re.M)
    assert {'listen', 'status', 'secret', 'address', 'ttl', 'replay', 'emit'} <= set(keys)


def test_print_config_shows_what_is_set_but_no_secret(tmp_path):
    path = tmp_path / 'agent.ini'
    path.write_text('[key]\nsecret = hush-hush-hush-hush\n[policy llm]\nttl = 90s\n')
    result = run('-c', path, '--print-config', SPOA_CACHE_REDIS_PASSWORD='whisper')
    assert result.returncode == 0
    assert 'hush' not in result.stdout and 'whisper' not in result.stdout
    assert re.search(r'^ttl *= *90s', result.stdout, re.M)


def test_the_empty_configuration_is_good(check):
    assert check('') == (0, '') or check('')[0] == 0


@pytest.mark.parametrize('text, line, word', [
    ('[agent]\nlisten = here\n', 2, 'listen'),
    ('[agent]\nnonsense = 1\n', 2, 'nonsense'),
    ('\n[nonsense]\nkey = 1\n', 2, 'nonsense'),
    ('[redis]\n\ntimeout = soon\n', 3, 'timeout'),
    ('[redis]\ntimeout = -1s\n', 2, 'timeout'),
    ('[redis]\ndatabase = many\n', 2, 'database'),
    ('[policy llm]\nttl = 24 parsecs\n', 2, 'ttl'),
    ('[policy llm]\nemit = x-cache-status everything\n', 2, 'emit'),
    ('[agent]\nno equals sign\n', 2, ''),
    ('[tenant]\nttl = 1h\n', 1, '[tenant NAME]'),
    ('[tenant a b]\n', 1, "a tenant's name"),
    ('[tenant a]\ncahce = off\n', 2, 'did you mean "cache"'),
    ('[tenant a]\n\npolicy = other\n', 3, 'no [policy other]'),
    ('[tenant a]\nmatch = x\n[tenant b]\nmatch = y x\n', 4, 'matched by [tenant a]'),
    ('[tenant a]\nttl = 1h\n[tenant b]\n[tenant a]\nttl = 2h\n', 5, 'on line 2 already'),
    ('[model gpt-4*]\n', 1, "a model's name"),
    ('[model m]\nmatch = g*t\n', 2, '"g*t"'),
    ('[policy llm]\ntenant-from = cookie\n', 2, 'header:NAME'),
    ('[policy llm]\nnormalize = upper\n', 2, 'normalize'),
    ('[policy llm]\nmask = a ;b\n  # c\nttl-jitter = 99\n', 4, 'ttl-jitter'),
])
def test_a_mistake_is_named_with_file_and_line(check, text, line, word):
    status, messages = check(text)
    assert status != 0
    assert f'agent.ini:{line}:' in messages and word in messages


def test_a_file_with_tenants_and_models_is_good(check):
    text = ('[policy llm]\nmask = on [0-9]+ of\n  at [0-9]+\n'
            '[tenant Acme.eu]\nmatch = id:acme-eu acme\npolicy = llm\n'
            '[model anthropic.claude-3-5:0]\n[model all]\nmatch = *\n')
    assert check(text, SPOA_CACHE_TENANT_ACME_EU_TTL='1h')[0] == 0
    status, messages = check(text, SPOA_CACHE_TENANT_ACME_TTL='1h')
    assert status != 0 and 'SPOA_CACHE_TENANT_ACME_TTL' in messages and '[tenant NAME]' in messages


def test_what_is_printed_of_as_many_tenants_as_there_may_be_is_read_again(tmp_path):
    path = tmp_path / 'agent.ini'
    path.write_text('[policy llm]\nmask = [a]\\d+ b\n  =x\n  [y]\n  :z\n' + ''.join(
        f'[tenant {n:032}]\nmatch = {" ".join(f"identity-{n}-{i}" for i in range(8))}\n'
        for n in range(4096)))
    first = run('-c', path, '--print-config').stdout
    assert first.count('\n[tenant ') == 4096
    path.write_text(first)
    assert run('-c', path, '--print-config').stdout == first


def test_print_config_explains_the_keys_of_sections_that_are_not_there(tmp_path):
    path = tmp_path / 'agent.ini'
    path.write_text('[tenant acme]\ncache = off\n')
    for text, ours in ((run('--print-config').stdout, '# cache = on'),
                       (run('-c', path, '--print-config').stdout, 'cache = off')):
        tenant = text[text.index('[tenant '):text.index('[model NAME]')]
        assert ours in tenant.splitlines()
        assert set(re.findall(r'^(?:# )?([a-z-]+) =', tenant, re.M)) == {
            'match', 'cache', 'ttl', 'policy', 'group', 'max-request', 'max-body',
            'allow-controls', 'generation'}


def test_every_mistake_is_named(check):
    status, messages = check('[agent]\nbad = 1\n[redis]\nworse = 2\n')
    assert status != 0
    assert 'agent.ini:2:' in messages and 'agent.ini:4:' in messages


def test_the_environment_goes_over_the_file(check):
    assert check('[policy llm]\nttl = 1h\n', SPOA_CACHE_POLICY_LLM_TTL='2h')[0] == 0
    status, messages = check('', SPOA_CACHE_REDIS_TIMEOUT='soon')
    assert status != 0 and 'SPOA_CACHE_REDIS_TIMEOUT' in messages
    status, messages = check('', SPOA_CACHE_NO_SUCH_KEY='1')
    assert status != 0 and 'SPOA_CACHE_NO_SUCH_KEY' in messages


def test_a_secret_file_that_is_missing_is_named(check):
    status, messages = check('[key]\nsecret-file = /no/such/secret\n')
    assert status != 0 and '/no/such/secret' in messages


def test_an_agent_does_not_start_with_a_bad_configuration(tmp_path):
    path = tmp_path / 'agent.ini'
    path.write_text('[agent]\nnonsense = 1\n')
    result = run('-c', path)
    assert result.returncode not in (0, None) and 'agent.ini:2:' in result.stderr


# SIGHUP.

FIRST = '[policy llm]\nttl = 1s\nemit = x-cache-status\n'
SECOND = '[policy llm]\nttl = 1h\nemit = x-cache-status, x-cache-key, age\n'


def reload(stack, text):
    stack.config.write_text(text)
    stack.signal('agent', signal.SIGHUP)


def test_ttl_emit_and_reload(origin):
    with harness.Stack(origin, FIRST, ['--redis', 'none']) as stack:
        # A short TTL, and nothing emitted but the status.
        question = prompt()
        first, second = stack.post(question), stack.post(question)
        assert (first.cache, second.cache) == ('MISS', 'HIT')
        for name in ('age', 'x-cache-key', 'cache-status'):
            assert second.header(name) is None
        later = wait_for(lambda: fresh(stack, question), 'the entry expires', 4, 0.1)
        assert later.call != first.call

        # A good configuration is applied.
        reload(stack, SECOND)
        wait_for(lambda: stack.post(prompt()).header('x-cache-key'), 'emit has changed')
        question = prompt()
        first, second = stack.post(question), stack.post(question)
        assert second.cache == 'HIT' and second.header('age') == '0'
        assert second.header('cache-status') is None

        # A bad one is refused, by file and line, and the old one stays.
        log = (stack.dir / 'agent.log').stat().st_size
        reload(stack, '[policy llm]\nemit = x-cache-status\nttl = never\n')
        wait_for(lambda: 'agent.ini:3:' in (stack.dir / 'agent.log').read_text()[log:],
                 'the mistake is logged')
        assert stack.post(question).header('x-cache-key')
        # With the TTL of one second it would be gone.
        wait_for(lambda: int(stack.post(question).header('age')) >= 2, 'Age: 2', 5, 0.1)

        # A policy that emits nothing.
        reload(stack, '[policy llm]\nemit =\n')
        wait_for(lambda: stack.post(question).cache is None, 'nothing is emitted')
        silent = stack.post(question)
        assert silent.call == first.call
        for name in ('age', 'x-cache-key', 'cache-status'):
            assert silent.header(name) is None


def fresh(stack, question):
    answer = stack.post(question)
    return answer if answer.cache == 'MISS' else None


def test_reload_under_traffic_loses_nothing(origin):
    with harness.Stack(origin, FIRST, ['--redis', 'none', '--agent', harness.SANITIZED]) as stack:
        with harness.Traffic(stack) as traffic:
            for n in range(10):
                traffic.wait(10)
                reload(stack, (FIRST, SECOND)[n % 2])
            traffic.wait(30)
        assert traffic.failures == []


# Listeners.

def test_several_listeners_on_tcp_and_unix_share_one_cache():
    listen = [harness.free_address(), harness.free_address()]
    with harness.Agent(listen=listen) as agent:
        body = chat(prompt())
        assert agent.ask(body)['status'] == 'MISS'
        for address in [*listen, agent.address]:
            with spop.Connection(address) as connection:
                assert connection.ask(spop.lookup(body))['status'] == 'HIT'


def test_an_address_in_use_is_named(tmp_path):
    with harness.Agent(listen=[harness.free_address()]) as agent:
        address = agent.environment['SPOA_CACHE_AGENT_LISTEN'].split()[0]
        path = tmp_path / 'agent.ini'
        path.write_text(f'[agent]\nlisten = {address}\n')
        result = run('-c', path)
        assert result.returncode not in (0, None) and address in result.stderr


def test_a_socket_left_by_a_dead_agent_is_taken_over():
    with harness.Agent() as agent:
        agent.process.kill()
        agent.process.wait()
        agent.start()
        assert agent.ask(chat(prompt()))['status'] == 'MISS'
