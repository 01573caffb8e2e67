"""The commands that ask a running agent: status, top, inspect, config; and shell completion."""
import contextlib
import http.server
import json
import os
import re
import subprocess
import threading

import pytest

import harness
from harness import ROOT, chat, prompt

TOKEN = 'correct-horse-battery-staple'
COMMANDS = ['status', 'top', 'inspect', 'config', 'purge']
KEY = 'sc:llm:' + '0' * 16 + ':' + 'a' * 32


def run(*words, status=0, binary=harness.SANITIZED, **variables):
    """What is printed; the exit status is the one given."""
    environment = {'PATH': os.environ['PATH'], **variables}
    done = subprocess.run([binary, *map(str, words)], capture_output=True, text=True, timeout=30,
                          check=False, env=environment)
    assert done.returncode == status, done.stdout + done.stderr
    for report in harness.REPORTS:
        assert report not in done.stderr
    assert bool(done.stderr) == (status != 0 and not done.stdout), done.stderr
    return done.stdout or done.stderr


def row(text, label):
    """The numbers behind a label at the start of a line, spaces in numbers taken out."""
    line = re.search(f'^ *{label}  +(.*)$', text, re.M)[1]
    return [word.replace(' ', '') for word in re.split(r'  +', line.strip())]


@pytest.fixture(scope='module')
def agent():
    """One with a file, which says where its door is; it had three lookups and one hit."""
    part = harness.Agent(binary=harness.SANITIZED)
    part.config.write_text(f'[agent]\nstatus = {part.status}\n[policy llm]\nttl = 2h\n')
    del part.environment['SPOA_CACHE_AGENT_STATUS']
    with part:
        part.ask(chat('stored'))
        part.ask(chat('stored'))
        part.ask(chat('x'), tenant='')
        yield part


# Where the door is, and who is let in.

@pytest.mark.parametrize('command', ['status', 'config', 'top'])
def test_the_door_is_found(agent, command):
    words = ['-n', 1, '-d', 0.1] if command == 'top' else []
    found = [run(command, '-c', agent.config, *words), run('-c', agent.config, command, *words),
             run(command, '--door', agent.status, *words),
             run(command, *words, SPOA_CACHE_CONFIG=str(agent.config)),
             run(command, *words, SPOA_CACHE_AGENT_STATUS=agent.status)]
    assert len({text.split()[0] for text in found}) == 1


@pytest.mark.parametrize('command', COMMANDS)
def test_what_cannot_be_reached_is_1_and_misuse_is_2(command, tmp_path):
    words = {'inspect': [KEY], 'purge': ['all']}.get(command, [])
    said = run(command, '--door', f'unix:{tmp_path}/none', *words, status=1)
    assert said == f'spoa-cache {command}: unix:{tmp_path}/none: No such file or directory\n'
    for wrong in (['--no-such-option'], ['a', 'b'], ['--door'], ['-c', '/no/such/file']):
        assert run(command, *wrong, *words, status=2)
    if not os.path.exists('/run/spoa-cache/status.sock'):
        assert 'HTTP door is' in run(command, *words, status=2)
    assert run(command, '--door', f'unix:{tmp_path}/none', '--token-file', '/no/such', *words,
               status=2)
    help_text = run(command, '--help')
    assert help_text.startswith(f'usage: spoa-cache {command} ')
    for word in ('--door', '--json', '--config', '--token-file', 'Exit status:'):
        assert word in help_text
    assert max(map(len, help_text.splitlines())) <= 96
    assert re.search(f'^  {command}  ', run('--help'), re.M)


def test_what_is_no_agent_is_told_apart(tmp_path):
    with harness.RedisServer() as redis:
        for command in ('status', 'config'):
            said = run(command, '--door', redis.address, status=1)
            assert said == f'spoa-cache {command}: {redis.address}: what answers there is no agent\n'


def test_over_tcp_the_token_lets_in(tmp_path):
    address, token, wrong = harness.free_address(), tmp_path / 'token', tmp_path / 'wrong'
    token.write_text(TOKEN + '\n')
    wrong.write_text('no-token-that-counts\n')
    part = harness.Agent(f'[agent]\nstatus = {address}\ndoor-token-file = {token}\n')
    del part.environment['SPOA_CACHE_AGENT_STATUS']
    with part:
        assert 'door-token = ***' in run('config', '--door', address, '--token-file', token)
        assert 'door-token = ***' in run('config', '-c', part.config)
        for words in ([], ['--token-file', wrong]):
            said = run('config', '--door', address, *words, status=1)
            assert 'Authorization: Bearer' in said and TOKEN not in said
        assert 'ready' in run('status', '--door', address)


# What they say.

def test_status(agent):
    text = run('status', '--door', agent.status)
    assert re.match(r'spoa-cache \S+, ready, up \d+m \d+s, pid \d+, ', text)
    assert row(text, 'lookups')[0] == '3'
    assert row(text, 'hit')[:2] == ['1', '33.3%']
    assert row(text, 'miss')[:2] == ['1', '33.3%']
    assert row(text, 'bypass')[:2] == ['1', '33.3%']
    assert row(text, 'answers stored')[0] == '1'
    assert re.search('^  .*no-tenant +1 ', text, re.M)
    assert max(map(len, text.splitlines()[2:])) <= 80
    said = json.loads(run('status', '--door', agent.status, '--json'))
    assert said['ready'] and said['pid'] == agent.process.pid


def test_status_of_an_agent_that_is_not_ready_is_1():
    config = f'[redis]\naddress = {harness.free_address()}\n[key]\nsecret = 0123456789abcdef\n'
    with harness.Agent(config) as part:
        assert 'NOT READY' in run('status', '--door', part.status, status=1)
        assert not json.loads(run('status', '--door', part.status, '--json', status=1))['ready']


@contextlib.contextmanager
def scripted_door(documents):
    """The address of a door whose /status says these, one after the other."""
    rest = iter(documents)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(next(rest)).encode())

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(('127.0.0.1', 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield '127.0.0.1:%d' % server.server_address[1]
        server.shutdown()
        thread.join()


def document(time_ms, hits, misses, pid=7, le_1ms=0):
    rows = [{'labels': {'policy': 'llm', 'result': result}, 'value': value}
            for result, value in (('hit', hits), ('miss', misses))]
    return {'version': '1', 'ready': True, 'pid': pid, 'uptime': 100, 'time': time_ms, 'metrics': {
        'lookups_total': rows, 'lookup_reasons_total': [
            {'labels': {'result': 'miss', 'reason': 'absent'}, 'value': misses}],
        'lookup_seconds': {'buckets': [[0.001, le_1ms], [0.002, hits + misses]], 'sum': 1,
                           'count': hits + misses}}}


def test_top_shows_what_happens_between_two_looks():
    said = [document(0, 1000, 1000), document(2000, 1030, 1010), document(4000, 1030, 1010),
            document(5000, 40, 10, pid=8)]
    with scripted_door(said) as address:
        text = run('top', '--door', address, '-n', 3, '-d', 0.1)
    assert '\033' not in text
    first, idle, restarted = text.split('spoa-cache ')[1:]
    assert row(first, 'hit') == ['1030', '75.0%', '15.0']
    assert row(first, 'miss') == ['1010', '25.0%', '5.00']
    assert row(first, 'miss absent') == ['1010', '5.00']
    assert row(first, 'llm') == ['2040', '75.0%', '20.0']
    assert row(first, 'lookup') == ['1.50ms', '1.90ms', '1.99ms']
    assert row(idle, 'hit') == ['1030', '-', '0.00'] and row(idle, 'lookup') == ['-'] * 3
    assert row(restarted, 'hit') == ['40', '80.0%', '0.40'], 'since its start'


def test_top_draws_over_itself_on_a_terminal(agent):
    command = f'{harness.SANITIZED} top --door {agent.status} -n 2 -d 0.1'
    done = subprocess.run(['script', '-qec', command, '/dev/null'], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=30, check=True)
    assert done.stdout.count('\033[H') == 2 and done.stdout.count('\033[2J') == 1


def test_top_in_json_is_a_line_for_each_view(agent):
    lines = run('top', '--door', agent.status, '-n', 3, '-d', 0.1, '--json').splitlines()
    assert [json.loads(line)['pid'] for line in lines] == [agent.process.pid] * 3


@pytest.mark.parametrize('words', [['-n', '0'], ['-n', 'x'], ['-d', '0'], ['-d', '1x'], ['-d', ''],
                                   ['-n', '-1'], ['-d', '99999']])
def test_top_takes_only_numbers_that_make_sense(agent, words):
    assert run('top', '--door', agent.status, *words, status=2)


def test_top_ends_when_the_agent_does():
    with harness.Agent() as part:
        words = [harness.SANITIZED, 'top', '--door', part.status, '-d', '0.1']
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as top:
            top.stdout.readline()
            part.process.terminate()
            part.process.wait()
            assert b'spoa-cache top: unix:' in top.communicate(timeout=10)[1]
            assert top.returncode == 1


def test_inspect(stack):
    question = prompt()
    body = stack.post(question).body.decode()
    key = stack.post(question).header('x-cache-key')
    words = ['inspect', '--door', stack.status, '--tenant', 'acme', key]
    text = run(*words)
    whole = row(text, 'key')[0]
    assert whole.startswith('sc:llm:') and whole.endswith(key)
    assert row(text, 'status') == ['200'] and body not in text
    assert run('inspect', '--door', stack.status, whole).splitlines()[0] == text.splitlines()[0]
    assert run(*words, '--body').endswith('\n\n' + body)
    assert json.loads(run(*words, '--json'))['key'] == whole
    assert json.loads(run(*words, '--json', '--body'))['body'] == body
    assert run('inspect', '--door', stack.status, '--tenant', 'globex', key, status=1) == \
        'spoa-cache inspect: nothing is stored under this key\n'
    assert run('inspect', '--door', stack.status, key, status=2).count('\n') == 1
    assert run('inspect', '--door', stack.status, 'nothing', status=2).count('\n') == 1
    assert run('inspect', '--door', stack.status, '--tenant', 'a b&c=ü', key, status=1)


def test_config(agent):
    text = run('config', '--door', agent.status)
    assert re.search(rf'^ttl = 2h +; {agent.config}:4$', text, re.M)
    assert re.search(r'^methods = POST +; default$', text, re.M)
    assert re.search(r'^# secret = \*\*\* +; made at the start$', text, re.M)
    changed = run('config', '--door', agent.status, '--changed')
    assert 'ttl = 2h' in changed and 'default' not in changed
    said = json.loads(run('config', '--door', agent.status, '--json', '--changed'))
    assert ('policy', 'llm', 'ttl', '2h') in [(r['section'], r.get('name'), r['key'], r['value'])
                                             for r in said['values']]


# Completion in a shell.

def completions(*words):
    """What bash offers for the last word."""
    quoted = ' '.join(f"'{word}'" for word in words)
    script = (f'source {ROOT}/agent/completion.bash; COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; '
              f'$(complete -p spoa-cache | sed -n "s/.*-F \\([^ ]*\\) .*/\\1/p") spoa-cache; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(['bash', '-c', script], capture_output=True, text=True, check=True,
                          timeout=10, cwd=ROOT / 'spoe')
    assert not done.stderr
    return done.stdout.split()


def test_completion_offers_commands_and_options():
    binary = str(harness.AGENT)
    assert set(completions(binary, '')) >= {*COMMANDS, 'explain'}
    assert completions(binary, 'insp') == ['inspect']
    assert set(completions(binary, '--')) >= {'--config', '--check', '--print-config', '--help'}
    assert set(completions(binary, 'inspect', '--t')) == {'--tenant', '--token-file'}
    assert set(completions(binary, 'top', '--')) == {
        '--config', '--count', '--delay', '--door', '--help', '--json', '--token-file'}
    assert completions(binary, '-c', 'cache.conf', 'stat') == ['status']
    assert completions(binary, 'status', '-c', 'cache.c') == ['cache.conf']
    assert completions('/no/such/binary', '') == []


def test_help_names_every_command_once():
    text = run('--help', binary=harness.AGENT)
    names = re.findall(r'^  ([a-z]+)  ', text.split('Commands')[1], re.M)
    assert len(names) == len(set(names)) and set(names) >= {*COMMANDS, 'explain'}
    for name in names:
        assert run(name, '--help', binary=harness.AGENT).startswith(f'usage: spoa-cache {name}')
