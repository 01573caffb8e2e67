"""The README says what the program does."""
import os
import re
import subprocess

import pytest

import harness
import spop
from harness import ROOT, chat, metrics, prompt, wait_for

README = (ROOT / 'README.md').read_text()
CFG = (ROOT / 'haproxy/haproxy.cfg').read_text()


def squeezed(text):
    return [' '.join(line.split()) for line in text.splitlines() if line.strip()]


def test_reasons_and_configuration_are_the_programs_own():
    subprocess.run([ROOT / 'scripts/readme', '--check', harness.AGENT], check=True)


def test_its_agent_configuration_is_right(tmp_path):
    text = re.search(r'```\n(\[agent\].*?)```', README, re.S)[1]
    secret = tmp_path / 'secret'
    secret.write_text('0123456789abcdef0123456789abcdef')
    file = tmp_path / 'agent.ini'
    file.write_text(text.replace('/etc/spoa-cache/secret ', f'{secret} '))
    done = subprocess.run([harness.AGENT, '--check', '-c', file], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_its_backend_is_that_of_the_shipped_haproxy_cfg():
    shipped = squeezed(re.sub(r'"\$\{\w+-([^}]*)\}"', r'\1', CFG))
    snippet = squeezed(re.search(r'```\n(backend llm from cached.*?)```', README, re.S)[1])
    for line in snippet[:5]:
        assert line in shipped


def test_every_api_is_named():
    names = re.findall(r'X\("([a-z-]+)"', (ROOT / 'agent/core/api.c').read_text())
    assert 'openai-chat' in names and 'generic' in names
    for name in names:
        assert f'`{name}`' in README, name


def test_every_make_target_it_names_exists():
    makefile = (ROOT / 'Makefile').read_text()
    targets = set(re.findall(r'`(?:KEEP=1 )?make ([a-z]+)`', README)) | {'demo', 'test'}
    for target in targets:
        assert re.search(f'^{target}:', makefile, re.M), target


def test_every_alert_has_its_place_in_the_runbook():
    rules = (ROOT / 'haproxy/monitoring/rules.yaml').read_text()
    anchors = re.findall(r'runbook: README.md#(\S+)', rules)
    headings = {'-'.join(re.sub(r'[^\w -]', '', line).lower().split())
                for line in re.findall(r'^#+ (.*)$', README, re.M)}
    assert len(anchors) == len(re.findall(r'- alert: ', rules)) > 5
    assert set(anchors) <= headings


# What scripts/fresh does not run, it being no part of an installation.
RUN_ELSEWHERE = re.sub(r'<!-- (first-h\w+) -->.*?<!-- /\1 -->', '', README, flags=re.S)
COMMANDS = [re.sub(r' +#.*', '', line) for line in
            re.findall(r'^ {4}(?:\$ )?((?:spoa-cache|curl) .*)', RUN_ELSEWHERE, re.M)
            if 'explain --' not in line]


@pytest.fixture(scope='module')
def known(tmp_path_factory):
    """Where an agent serves that knows one answer, and what stands there for the README's words."""
    body = chat(prompt())
    with harness.RedisServer() as redis:
        config = ('[key]\nsecret = 0123456789abcdef0123456789abcdef\n'
                  f'[redis]\naddress = {redis.address}\n')
        with harness.Agent(config) as agent:
            wait_for(lambda: metrics(agent.status)['redis_up'] == 1, 'Redis is connected')
            agent.ask(body, tenant='acme')
            with spop.Connection(agent.address) as connection:
                wait_for(lambda: connection.ask(spop.lookup(body, tenant='acme')).get('hit'), 'a hit')
                key = connection.ask(spop.lookup(body, tenant='acme'))['key']
            request = tmp_path_factory.mktemp('request') / 'request.http'
            request.write_bytes(b'POST /v1/chat/completions HTTP/1.1\r\nHost: llm.example\r\n'
                                b'Content-Type: application/json\r\n\r\n' + body)
            yield agent, {'FILE': str(agent.config), '/etc/spoa-cache/agent.ini': str(agent.config),
                          'KEY': key, '@request.http': f'@{request}',
                          '/run/spoa-cache/status.sock': agent.status.removeprefix('unix:')}


def test_the_commands_that_look_at_an_agent_are_there():
    assert {line.split()[1] for line in COMMANDS if line.startswith('spoa-cache')} == {
        'status', 'top', 'inspect', 'config', 'purge'}


@pytest.mark.parametrize('command', sorted(COMMANDS, key=lambda line: 'purge' in line))
def test_its_commands_do_what_they_say(known, command):
    """`top` goes on without end; so here it ends after one look."""
    agent, words = known
    if ' top ' in command:
        command += ' -n 1 -d 0.1'
    for word, value in words.items():
        command = re.sub(rf'(?<![\w/]){re.escape(word)}(?!\w)', value, command)
    environment = {**os.environ, 'PATH': f'{harness.BUILD}:{os.environ["PATH"]}',
                   'SPOA_CACHE_AGENT_STATUS': agent.status}
    done = subprocess.run(command, shell=True, env=environment, capture_output=True, text=True,
                          timeout=30)
    assert done.returncode == 0 and done.stdout, done.stderr
