"""What a reviewer broke once: each test is a way in which a hit would have been wrong, or a
request slower or failed for the cache."""
import fcntl
import json
import os
import signal
import socket
import subprocess
import types

import pytest

import client
import harness
import spop
from harness import ROOT, chat, prompt, wait_for

def variant(tmp_path, *changes):
    """The shipped haproxy.cfg with each (line that contains, lines in its place)."""
    text = (ROOT / 'haproxy/haproxy.cfg').read_text()
    for anchor, lines in changes:
        line = next(line for line in text.splitlines() if anchor in line)
        text = text.replace(line, lines.replace('@', line))
    path = tmp_path / 'haproxy.cfg'
    path.write_text(text)
    return path


@pytest.fixture(scope='module')
def plain_stack(origin):
    """The agent with its defaults."""
    with harness.Stack(origin, '', ['--redis', 'none']) as stack:
        yield stack


def test_two_cached_backends_share_nothing(origin, tmp_path):
    cfg = variant(tmp_path, ('    default_backend llm', '    use_backend llm2 if { req.hdr(x-pool) 2 }\n@'))
    text = cfg.read_text()
    backend = text[text.index('backend llm from cached'):]
    cfg.write_text(text + backend.replace('backend llm ', 'backend llm2 '))
    with harness.Stack(origin, '', ['--redis', 'none', '--haproxy-cfg', cfg]) as stack:
        question = prompt()
        assert [stack.post(question).cache for _ in range(2)] == ['MISS', 'HIT']
        other = [stack.post(question, headers={'X-Pool': '2'}) for _ in range(2)]
        assert [answer.cache for answer in other] == ['MISS', 'HIT']
        assert other[0].call != stack.post(question).call


@pytest.mark.parametrize('name', ['X-Amzn-Bedrock-GuardrailIdentifier', 'X-Goog-FieldMask', 'Origin'])
def test_headers_that_change_an_answer_are_in_the_key(plain_stack, name):
    stack, body = plain_stack, chat(prompt())
    assert stack.post(body).cache == 'MISS'
    assert stack.post(body, headers={name: 'a'}).cache == 'MISS'
    assert stack.post(body, headers={name: 'b'}).cache == 'MISS'
    assert stack.post(body, headers={name: 'b'}).cache == 'HIT'


@pytest.mark.parametrize('name', ['X-HTTP-Method-Override', 'If-Match', 'If-Range', 'Range'])
def test_requests_for_something_else_are_not_looked_up(stack, name):
    body = chat(prompt())
    stack.post(body)
    assert stack.post(body, headers={name: 'DELETE'}).cache == 'BYPASS'


def test_a_part_of_an_answer_is_not_stored(stack):
    question = prompt()
    answers = [stack.post(question, 'hdr=Content-Range:bytes 0-9/100') for _ in range(2)]
    assert [answer.cache for answer in answers] == ['MISS', 'MISS']


def test_a_reload_applies_to_what_is_stored_already(origin):
    config = '[policy llm]\nstatuses = 200 404\n'
    with harness.Stack(origin, config, ['--redis', 'none']) as stack:
        missing, found = prompt(), prompt()
        assert [stack.post(missing, 'status=404').cache for _ in range(2)] == ['MISS', 'HIT']
        assert [stack.post(found).cache for _ in range(2)] == ['MISS', 'HIT']
        stack.config.write_text('')
        stack.signal('agent', signal.SIGHUP)
        wait_for(lambda: stack.post(missing, 'status=404').cache == 'MISS', '404 is not served')
        assert stack.post(found).cache == 'HIT'


def test_a_request_may_ask_for_nothing_older_than_its_ttl():
    with harness.Agent() as agent:
        with spop.Connection(agent.address) as connection:
            body = chat(prompt())
            spop.look_and_store(connection, body)
            assert connection.ask(spop.lookup(body, ttl=3600))['status'] == 'HIT'
            wait_for(lambda: connection.ask(spop.lookup(body))['age'] >= 1, 'it is a second old')
            found = connection.ask(spop.lookup(body, ttl=1))
            assert (found['status'], found['reason']) == ('MISS', 'expired')


def test_ignored_parameters_are_part_of_the_key():
    """Else a parameter that counts today would find what was stored when it did not."""
    with harness.Agent('[policy llm]\nignore-query = user\n') as agent:
        with spop.Connection(agent.address) as connection:
            body = chat(prompt())
            spop.look_and_store(connection, body, target='/x?a=1&user=bob')
            assert connection.ask(spop.lookup(body, target='/x?a=1'))['status'] == 'HIT'
            agent.config.write_text('[policy llm]\nignore-query = trace\n')
            agent.process.send_signal(signal.SIGHUP)
            wait_for(lambda: 'configuration reloaded' in agent.output.read_text(), 'it is reloaded')
            assert connection.ask(spop.lookup(body, target='/x?a=1'))['status'] == 'MISS'


@pytest.mark.parametrize('control', ['private', 'no-store', 'max-age=60, Private="x"'])
def test_what_is_shared_is_not_private(control):
    with harness.Agent('[policy llm]\nscope = shared\n') as agent:
        with spop.Connection(agent.address) as connection:
            found = connection.ask(spop.lookup(chat(prompt())))
            headers = spop.header_block([('content-type', 'application/json'),
                                         ('cache-control', control)])
            answer = connection.ask(spop.store(found['ticket'], '{}', headers=headers))
            assert (answer['stored'], answer['store_reason']) == (False, 'private')


def test_numbers_of_an_upstream_are_told_apart():
    with harness.Agent() as agent:
        body = chat(prompt())
        assert [agent.ask(body, upstream=n)['status'] for n in (1, 2, 1)] == ['MISS', 'MISS', 'HIT']


def test_a_client_cannot_choose_its_tenant(origin, tmp_path):
    """Unless the proxy in front is trusted, which scripts/stack says and the file does not."""
    cfg = variant(tmp_path, ('CACHE_TENANT_HEADER-', '.if streq(a,a)'))
    with harness.Stack(origin, '', ['--redis', 'none', '--haproxy-cfg', cfg]) as stack:
        body = chat(prompt())
        good = {'Authorization': 'Bearer good', 'X-Tenant-Id': 'acme'}
        assert [stack.post(body, headers=good).cache for _ in range(2)] == ['MISS', 'HIT']
        assert stack.post(body, headers={'X-Tenant-Id': 'acme'}).cache == 'BYPASS'
        assert stack.post(body, headers={**good, 'Authorization': 'Bearer bad'}).cache == 'MISS'


def test_headers_of_the_operator_never_make_a_large_answer_fail(origin, tmp_path):
    policy = 'x' * 1500
    cfg = variant(tmp_path, ('    # What the client is told',
                             f'    http-after-response set-header X-Policy {policy}\n@'))
    with harness.Stack(origin, '', ['--redis', 'none', '--haproxy-cfg', cfg]) as stack:
        for size in (58000, 60000, 61000, 62000, 65000, 200000):
            question = prompt()
            for _ in range(2):
                answer = stack.post(question, f'huge={size}')
                assert (answer.status, len(answer.body)) == (200, size)
                assert answer.header('x-policy') == policy


def test_requests_without_a_policy_are_not_held():
    """An upload whose end is far away reaches the origin at once, as it does without the cache."""
    with socket.create_server(('127.0.0.1', 0)) as server:
        server.settimeout(5)
        origin = types.SimpleNamespace(address=f'127.0.0.1:{server.getsockname()[1]}')
        with harness.Stack(origin, '', ['--redis', 'none']) as stack:
            with client.connect(stack.address) as upload:
                upload.sendall(b'POST /v1/files HTTP/1.1\r\nHost: x\r\n'
                               b'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n')
                with server.accept()[0] as seen:
                    seen.settimeout(5)
                    assert seen.recv(5) == b'POST '


@pytest.mark.parametrize('kind', ['text/plain', 'application/jsonl', 'application/stream+json',
                                  'text/event-stream', 'application/x-ndjson'])
def test_an_answer_that_may_be_a_stream_is_not_held(stack, kind):
    answer = stack.post(prompt(), f'chunked,parts=4,gap=300,type={kind}')
    assert answer.complete and answer.cache == 'MISS'
    assert answer.pieces[0][0] < answer.time - 0.5, 'it was held until its end'


def test_an_agent_whose_log_nobody_reads_goes_on(tmp_path):
    """A pipe that is full must not stop the loop."""
    address = f'unix:{tmp_path}/agent.sock'
    environment = {**os.environ, 'SPOA_CACHE_AGENT_LISTEN': address,
                   'SPOA_CACHE_AGENT_DRAIN_DELAY': '0'}
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    with subprocess.Popen([harness.AGENT], env=environment, stderr=writer) as agent:
        try:
            wait_for(lambda: os.path.exists(f'{tmp_path}/agent.sock'), 'the agent listens')
            for _ in range(200):
                with client.connect(address) as peer:
                    peer.sendall(bytes(4))
                    peer.recv(4096)
            with spop.Connection(address) as connection:
                assert connection.ask(spop.lookup(chat(prompt())))['status'] == 'MISS'
        finally:
            agent.terminate()
    assert agent.returncode == 0
    os.close(reader)
    os.close(writer)


def test_health_checks_are_answered_at_the_limit_of_connections():
    with harness.Agent('[agent]\nmax-connections = 4\n') as agent:
        held = [spop.Connection(agent.address) for _ in range(4)]
        with spop.Connection(agent.address, greet=False) as check:
            check.send(spop.hello(healthcheck=True))
            assert spop.read_hello(check.read())['version'] == '2.0'
        with spop.Connection(agent.address, greet=False) as fifth:
            fifth.send(spop.hello())
            assert spop.disconnect_code(fifth.read()) == 13
        for connection in held:
            connection.socket.close()
        wait_for(lambda: agent.ask(chat(prompt()))['status'] == 'MISS', 'there is room again')


def test_an_old_agent_leaves_the_socket_of_its_successor():
    with harness.Agent() as old:
        path = old.address.removeprefix('unix:')
        os.unlink(path)
        with harness.Agent(listen=[old.address]) as successor:
            old.stop()
            assert os.path.exists(path)
            successor.address = old.address
            assert successor.ask(chat(prompt()))['status'] == 'MISS'


def test_the_agents_socket_is_for_its_group():
    with harness.Agent() as agent:
        assert os.stat(agent.address.removeprefix('unix:')).st_mode & 0o777 == 0o660


def test_agents_with_one_secret_never_give_the_same_id():
    config = '[key]\nsecret = the same for both of them\n[policy llm]\nhit-id = new\n'
    answer = json.dumps({'id': 'chatcmpl-' + 'a' * 24, 'choices': [
        {'finish_reason': 'stop', 'message': {'content': 'Hi'}}]})
    body, path, seen = chat(prompt()), '/v1/chat/completions', []
    with harness.Agent(config) as one, harness.Agent(config) as other:
        with spop.Connection(one.address) as first, spop.Connection(other.address) as second:
            for connection in (first, second):
                spop.look_and_store(connection, body, answer, target=path)
            for _ in range(50):
                for connection in (first, second):
                    connection.notify(spop.lookup(body, target=path))
                for connection in (first, second):
                    seen.append(json.loads(spop.actions(connection.read())['body'])['id'])
    assert len(set(seen)) == 100
