"""The README says what the program does."""
import re
import subprocess

import harness
from harness import ROOT

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
