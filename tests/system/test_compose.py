"""haproxy/compose.yaml and agent/Dockerfile, as far as they can be looked at without containers;
scripts/image builds and runs the image."""
import os
import re
import subprocess

import pytest
import yaml

import harness
from harness import ROOT

FILE = ROOT / 'haproxy/compose.yaml'
COMPOSE = yaml.safe_load(FILE.read_text())
SERVICES = COMPOSE['services']
DOCKERFILE = (ROOT / 'agent/Dockerfile').read_text()


def plain(value):
    """The value with the defaults of its variables."""
    return re.sub(r'\$\{\w+(?::-([^}]*)|[^}]*)\}', lambda m: m[1] or '0123456789abcdef', str(value))


def environment(service):
    return {name: plain(value) for name, value in SERVICES[service]['environment'].items()}


def mounts():
    for name, service in SERVICES.items():
        for volume in service.get('volumes', []):
            source, _, rest = volume.partition(':')
            if source.startswith('.'):
                yield name, source, rest.partition(':')[0]


@pytest.mark.parametrize('name, source, target', mounts())
def test_every_file_that_is_mounted_exists(name, source, target):
    assert (FILE.parent / source).exists()


def test_every_name_within_is_known():
    for name, service in SERVICES.items():
        for other in service.get('depends_on', []):
            assert other in SERVICES, name
        for config in service.get('configs', []):
            assert config['source'] in COMPOSE['configs'], name
    for text in (config['content'] for config in COMPOSE['configs'].values()):
        yaml.safe_load(text)


def test_prometheus_is_configured_as_without_containers():
    """But for where the agent is."""
    within = yaml.safe_load(COMPOSE['configs']['prometheus']['content'])
    shipped = yaml.safe_load((FILE.parent / 'monitoring/prometheus.yaml').read_text())
    shipped['scrape_configs'][0]['static_configs'][0]['targets'] = ['agent:9202']
    assert within == shipped


def test_the_agent_takes_its_environment():
    image = dict(re.findall(r'(SPOA_CACHE_\w+)=(\S+)', DOCKERFILE))
    assert image['SPOA_CACHE_AGENT_LISTEN'] == '*:9201'
    done = subprocess.run([harness.AGENT, '--check'], capture_output=True, text=True,
                          env={**image, **environment('agent')})
    assert done.returncode == 0, done.stderr


def test_haproxy_takes_its_environment_and_asks_the_agent(tmp_path):
    variables = environment('haproxy')
    assert variables['CACHE_AGENT'] == 'agent:9201'
    inside = {target: source for name, source, target in mounts() if name == 'haproxy'}
    assert variables['CACHE_SPOE'] in inside
    known = {**variables, 'CACHE_AGENT': '127.0.0.1:9201', 'CACHE_ORIGIN': '127.0.0.1:8000',
             'CACHE_SPOE': str(FILE.parent / inside[variables['CACHE_SPOE']]),
             'CACHE_SOCKET': str(tmp_path / 'admin.sock')}
    done = subprocess.run([harness.HAPROXY, '-c', '-f', ROOT / 'haproxy/haproxy.cfg'],
                          capture_output=True, text=True, env={**os.environ, **known})
    assert done.returncode == 0, done.stderr


def test_the_image_has_no_root_and_asks_the_agent_how_it_does():
    final = DOCKERFILE.rpartition('\nFROM ')[2]
    assert final.startswith('scratch\n')
    assert re.search(r'^USER [1-9]\d*:[1-9]\d*$', final, re.M)
    check = re.search(r'^HEALTHCHECK .*CMD \["/usr/bin/spoa-cache", "(\w+)"\]$', final, re.M)[1]
    subprocess.run([harness.AGENT, check, '--help'], check=True, stdout=subprocess.DEVNULL)
    assert 'sh"' not in final and 'RUN' not in final


def test_the_image_is_built_from_the_libraries_of_the_makefile():
    """A library that the Makefile asks pkg-config for is installed for the build."""
    wanted = re.search(r'^PACKAGES := (.*)$', (ROOT / 'Makefile').read_text(), re.M)[1].split()
    package = {'inih': 'libinih-dev', 'libcrypto': 'libssl-dev', 'libpcre2-8': 'libpcre2-dev',
               'hiredis': 'libhiredis-dev'}
    control = (ROOT / 'scripts/debian/control').read_text()
    for name in wanted:
        debian = package.get(name, f'{name}-dev')
        assert re.search(rf'\s{debian}\s', DOCKERFILE), debian
        assert re.search(rf'\s{debian}[,\n]', control), debian
