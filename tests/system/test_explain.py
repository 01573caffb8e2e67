"""spoa-cache explain, on the command line and at the HTTP door."""
import json
import os
import re
import subprocess

import pytest

import client
import harness
from harness import AGENT, CHAT, ROOT, chat, prompt

SECRET = 'sk-proj-0123456789abcdef'
URL = f'http://llm.example{CHAT}'
BODY = chat('Why is the sky blue?').decode()
BYPASS = json.dumps({'messages': [{'role': 'user', 'content': [
    {'type': 'text', 'text': 'What is in it?'},
    {'type': 'file', 'file': {'file_id': 'file-1'}}]}]})


def explain(*words, status=0, binary=harness.SANITIZED, **how):
    """What is printed; the exit status is the one given."""
    done = subprocess.run([binary, 'explain', *map(str, words)], capture_output=True, text=True,
                          timeout=30, check=False, **how)
    assert done.returncode == status, done.stdout + done.stderr
    for report in harness.REPORTS:
        assert report not in done.stderr
    return done.stdout if status != 2 else done.stderr


def line(text, label):
    """What stands beside a label."""
    return re.search(f'^{label} +(.*)$', text, re.M)[1]


def raw(body, target=CHAT, **headers):
    """A request message."""
    head = [f'POST {target} HTTP/1.1', 'Host: llm.example', 'Content-Type: application/json',
            f'Content-Length: {len(body)}', *(f'{name}: {value}' for name, value in headers.items())]
    return '\r\n'.join([*head, '', body])


# The command line.

def test_it_explains_and_prints_no_credential():
    text = explain('--tenant', 'acme', '-H', f'Authorization: Bearer {SECRET}', '-d', BODY,
                   f'{URL}?key={SECRET}')
    assert SECRET not in text
    assert line(text, 'request') == f'POST {URL}?key=***'
    assert line(text, 'tenant') == 'acme (txn.cache.tenant), no section'
    assert line(text, 'api') == 'openai-chat (by the path)'
    assert re.fullmatch('sc:llm:[0-9a-f]{16}:[0-9a-f]{32}', line(text, 'key'))
    assert line(text, 'result') == ('would be looked up under this key; '
                                    'a miss would be stored for 24h')


def test_a_bypass_names_the_field():
    text = explain('--tenant', 'a', '-d', BYPASS, URL)
    assert line(text, 'result').startswith('BYPASS, reason field: ')
    assert '\n           messages[0].content[1].file.file_id = "file-1"\n' in text


def test_two_that_share():
    request = json.loads(BODY)
    other = json.dumps({'user': 'joe', **dict(reversed(request.items()))}, indent=1)
    text = explain('--tenant', 'a', '-d', BODY, URL, '--vs', '-d', other, URL)
    assert line(text, 'verdict') == 'they share'


def test_json_has_the_same_lines():
    words = ['--tenant', 'acme', '-H', 'X-Variant: ü"\\', '-d', BODY, URL]
    for more, status in ([], 0), (['--vs', '-d', BODY, '--tenant', 'b', URL], 1):
        text, said = (explain(*extra, *words, *more, status=status) for extra in ([], ['--json']))
        rows = []
        for label, lines in json.loads(said).items():
            rows += [f'{label if n == 0 else "":10} {row}' for n, row in enumerate(lines)]
        assert '\n'.join(rows) + '\n' == text


def test_two_that_do_not():
    one, other = (json.dumps({**json.loads(BODY), 'temperature': t}) for t in (0, 1))
    text = explain('--tenant', 'a', '-d', one, URL, '--vs', '-d', other, '--tenant', 'b', URL,
                   status=1)
    assert line(text, 'verdict') == 'they do not share:'
    assert '           shared by: tenant a alone and tenant b alone\n' in text
    assert '           body: temperature: 0 and 1\n' in text


def test_a_message_in_a_file_is_the_same_request(tmp_path):
    file, body = tmp_path / 'request', tmp_path / 'body'
    file.write_text(raw(BODY))
    body.write_text(BODY)
    text = explain('--tenant', 'a', '--raw', file)
    assert text == explain('--tenant', 'a', '-d', f'@{body}', URL)
    assert text == explain('--tenant', 'a', '-d', '@-', URL, input=BODY)
    assert text == explain('--tenant', 'a', '--raw', '-', input=raw(BODY))
    assert text == explain('--tenant', 'a', '-X', 'POST', '-H', 'content-type: application/json',
                           '-d', BODY, f'{URL}#part')
    pair = explain('--tenant', 'a', '--raw', file, '--vs', '-d', BODY, URL)
    assert line(pair, 'verdict') == 'they share'
    assert pair == explain('--tenant', 'a', '--raw', '-', input=raw(BODY) + raw(BODY))
    file.write_text('POST http://elsewhere/ HTTP/1.1\n\n')
    assert 'target' in explain('--raw', file, status=2)


def test_the_configuration_counts(tmp_path):
    file = tmp_path / 'agent.ini'
    file.write_text('[policy llm]\nttl = 2h\n[tenant acme]\nttl = 1h\n')
    for words in (['-c', file], []):
        text = explain(*words, '--tenant', 'acme', '-d', BODY, URL,
                       env={**os.environ, 'SPOA_CACHE_CONFIG': str(file)})
        assert line(text, 'ttl') == '1h: policy 2h, tenant 1h'
    file.write_text('[policy llm]\nttl = never\n')
    assert 'agent.ini:2:' in explain('-c', file, '-d', BODY, URL, status=2)
    done = subprocess.run([AGENT, '-c', file, 'explain', '-d', BODY, URL], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 2 and 'agent.ini:2:' in done.stderr


@pytest.mark.parametrize('words', [
    [], [URL, URL], ['--vs', URL], [URL, '--vs', URL, '--vs', URL], ['--no-such-option', URL],
    ['-H', 'no colon', URL], ['-H', f'{SECRET} {SECRET}: x', URL], ['-d', 'a', '-d', 'b', URL],
    ['ftp://x/'], ['http://'], [f'http://joe:{SECRET}@x/'], ['http://x?a=b'], ['http://x/ y'],
    ['-d', '@/no/such/file', URL], ['--raw', '/no/such/file'], ['--raw', '/dev/null'],
    ['--raw', '/dev/null', URL], ['-H', 'Host: a', '-H', 'Host: b', URL],
], ids=range(18))
def test_what_is_wrong_is_said_without_a_credential(words):
    said = explain(*words, status=2)
    assert said.startswith('spoa-cache explain: ') or 'try spoa-cache explain --help' in said
    assert SECRET not in said


def test_help():
    text = explain('--help')
    for option in ('--json', '-X', '-H', '-d', '--raw', '--tenant', '--policy', '--vs', '--full', '--ttl',
                   '--mode', '--backend', '--upstream', '--scheme', '-c'):
        assert option in text
    done = subprocess.run([AGENT, '--help'], capture_output=True, text=True, check=True)
    assert re.search('^  explain  ', done.stdout, re.M)


# The key is the one that HAProxy's clients see.

@pytest.mark.parametrize('target, members, headers', [
    (CHAT, {'temperature': 0.70, 'user': 'joe'}, {'X-Variant': '2'}),
    ('/v1/messages?beta=true&trace=9', {'max_tokens': 5}, {'Anthropic-Version': '2023-06-01'}),
    ('/v1/responses', {'b': {'d': 1, 'c': 2}, 'store': False}, {'Authorization': f'Bearer {SECRET}'}),
])
def test_the_key_is_that_of_real_traffic(stack, tmp_path, target, members, headers):
    body = json.dumps({'model': 'gpt-4', 'input': prompt(), **members})
    answer = stack.request(target=target, body=body.encode(), headers=headers)
    file = tmp_path / 'body'
    file.write_text(body)
    words = [word for name, value in headers.items() for word in ('-H', f'{name}: {value}')]
    text = explain('-c', stack.config, '--tenant', 'acme', *words, '-d', f'@{file}',
                   f'http://llm.example{target}',
                   env={**os.environ, 'SPOA_CACHE_KEY_SECRET_FILE': str(stack.dir / 'secret')})
    assert answer.cache == 'MISS'
    assert line(text, 'key').rsplit(':', 1)[1] == answer.header('x-cache-key')
    door = post(stack.status, raw(body, target, **headers), tenant='acme')
    assert door.body.decode() == text


# The HTTP door.

def post(address, body, method='POST', how=None, **arguments):
    query = '&'.join(f'{name.replace("_", "-")}={value}' for name, value in arguments.items())
    body = body if isinstance(body, bytes) else body.encode()
    return client.request(address, method, f'/explain?{query}', {'Host': 'x'}, body, **(how or {}))


@pytest.fixture(scope='module')
def door():
    with harness.Agent('[tenant acme]\nttl = 1h\n', harness.SANITIZED) as agent:
        yield agent


def test_the_door_explains(door):
    answer = post(door.status, raw(BODY, Authorization=f'Bearer {SECRET}'), tenant='acme')
    text = answer.body.decode()
    assert answer.status == 200 and answer.header('content-type').startswith('text/plain')
    assert line(text, 'tenant') == 'acme (txn.cache.tenant), [tenant acme]'
    assert line(text, 'ttl') == '1h: policy 24h, tenant 1h'
    assert SECRET not in text
    assert post(door.status, raw(BODY, Authorization='x'), how={'chunk': 7}, tenant='acme').body == answer.body


def test_the_door_explains_in_json(door):
    answer = post(door.status, raw(BODY), tenant='acme', format='json')
    assert answer.header('content-type') == 'application/json'
    assert answer.json['tenant'] == ['acme (txn.cache.tenant), [tenant acme]']


def test_the_door_compares_two(door):
    answer = post(door.status, raw(BODY) + raw(BODY), tenant='a')
    assert answer.status == 200 and line(answer.body.decode(), 'verdict') == 'they share'
    answer = post(door.status, raw(BODY) + raw(BODY), vs_tenant='b', tenant='a')
    assert 'shared by: tenant a alone and tenant b alone' in answer.body.decode()


@pytest.mark.parametrize('body, arguments, status', [
    ('hello', {}, 400), ('', {}, 400), (raw(BODY), {'tennant': 'a'}, 400),
    (raw(BODY), {'vs-tennant': 'a'}, 400), (raw(BODY), {f'tenant{n}': n for n in range(20)}, 400),
    (b'x' * (1 << 20) + b'x', {}, 413),
], ids=range(6))
def test_the_door_refuses_what_it_cannot_read(door, body, arguments, status):
    answer = post(door.status, body, **arguments)
    assert answer.status == status
    assert answer.body.decode().count('\n') == 1


def test_the_door_takes_posts_up_to_its_bound(door):
    assert post(door.status, '', 'GET').status == 405
    body = raw(json.dumps({'a': 'x' * 1_000_000}))
    assert post(door.status, body, tenant='a').status == 200
    assert post(door.status, b'x' * (3 << 20), how={'chunk': 65536}).status == 413


def test_on_tcp_the_door_does_not_explain():
    address = harness.free_address()
    with harness.Agent(SPOA_CACHE_AGENT_STATUS=address):
        answer = post(address, raw(BODY), tenant='a')
        assert answer.status == 403 and b'unix socket' in answer.body
        assert client.request(address, 'GET', '/healthz', {'Host': 'x'}).status == 200


# The README.

def masked(text):
    return re.sub(r'[0-9a-f]{16}([0-9a-f]{16})?(?![0-9a-f])', 'HEX', text)


def test_the_examples_of_the_readme_are_what_is_printed(tmp_path):
    readme = (ROOT / 'README.md').read_text()
    examples = re.findall(r'^    \$ (spoa-cache explain (?:.*\\\n)*.*\n)((?:    .*\n)+)', readme, re.M)
    assert len(examples) == 2
    (tmp_path / 'spoa-cache').symlink_to(AGENT)
    for command, output in examples:
        done = subprocess.run(['sh', '-c', command], cwd=tmp_path, capture_output=True, text=True,
                              env={**os.environ, 'PATH': f'{tmp_path}:{os.environ["PATH"]}',
                                   'SPOA_CACHE_KEY_SECRET': '0123456789abcdef'}, check=False)
        assert masked(done.stdout) == masked(re.sub('^    ', '', output, flags=re.M))
