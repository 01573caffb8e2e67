"""haproxy/redis-tls.cfg: Redis speaks TLS alone, and the agent none."""
import subprocess

import pytest

import client
import harness
from harness import REDIS_SERVER, ROOT, Part, chat, free_address, metrics, prompt, wait_for
from redis_parts import Node, port

NAME = 'redis.example'


@pytest.fixture(scope='module')
def certificates(tmp_path_factory):
    """An authority, a certificate of Redis and one of the agent's HAProxy; another authority."""
    folder = tmp_path_factory.mktemp('certificates')

    def openssl(*words):
        subprocess.run(['openssl', *words], cwd=folder, check=True, capture_output=True)

    def authority(name):
        openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout',
                f'{name}.key', '-out', f'{name}.pem', '-subj', f'/CN={name}')

    def certificate(name, common_name):
        openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', f'{name}.key', '-out',
                f'{name}.csr', '-subj', f'/CN={common_name}')
        openssl('x509', '-req', '-in', f'{name}.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key',
                '-CAcreateserial', '-days', '2', '-out', f'{name}.crt')
        (folder / f'{name}.pem').write_bytes((folder / f'{name}.crt').read_bytes()
                                             + (folder / f'{name}.key').read_bytes())

    authority('ca')
    authority('other')
    certificate('redis', NAME)
    certificate('agent', 'spoa-cache')
    return folder


class TlsRedis(Node):
    """It has no port without TLS, and asks for a certificate. The tests look at it over a unix
    socket."""

    def __init__(self, certificates):
        self.tls_address = free_address()
        super().__init__('--port', '0', '--tls-port', port(self.tls_address),
                         '--tls-cert-file', certificates / 'redis.crt',
                         '--tls-key-file', certificates / 'redis.key',
                         '--tls-ca-cert-file', certificates / 'ca.pem')
        self.address = f'unix:{self.dir}/socket'
        self.words += ('--unixsocket', self.dir / 'socket')

    def start(self):
        self.spawn([REDIS_SERVER, '--save', '', '--dir', self.dir, *self.words])
        wait_for(self.answers, 'Redis answers')


class Tunnel(Part):
    """HAProxy with haproxy/redis-tls.cfg."""

    name = 'tunnel'
    good_status = -15

    def __init__(self, redis, certificates, ca='ca.pem', cert='agent.pem', name=NAME):
        super().__init__()
        self.address = f'unix:{self.dir}/redis.sock'
        self.variables = {'REDIS_TLS_LISTEN': f'unix@{self.dir}/redis.sock',
                          'REDIS_TLS_SERVER': redis.tls_address, 'REDIS_TLS_NAME': name,
                          'REDIS_TLS_CA': str(certificates / ca)}
        if cert:
            self.variables['REDIS_TLS_CERT'] = str(certificates / cert)

    def start(self):
        self.spawn([harness.HAPROXY, '-db', '-dW', '-f', ROOT / 'haproxy/redis-tls.cfg'],
                   **self.variables)
        wait_for(lambda: (self.dir / 'redis.sock').exists(), 'it listens')


@pytest.fixture(scope='module')
def redis(certificates):
    with TlsRedis(certificates) as part:
        yield part


def agent_behind(tunnel):
    return harness.Agent('[key]\nsecret = 0123456789abcdef\n[redis]\n'
                         f'address = {tunnel.address}\n')


def test_entries_are_kept_over_tls(redis, certificates):
    with Tunnel(redis, certificates) as tunnel, agent_behind(tunnel) as agent:
        wait_for(lambda: metrics(agent.status)['redis_up'] == 1, 'connected over TLS')
        question = chat(prompt())
        assert agent.ask(question)['status'] == 'MISS'
        wait_for(lambda: redis('DBSIZE') == 2, 'it is stored, beside sc:purges')
        assert agent.ask(question)['status'] == 'HIT'
        redis.kill()
        wait_for(lambda: metrics(agent.status)['redis_up'] == 0, 'it is noticed')
        assert agent.ask(question)['status'] == 'BYPASS'
        redis.start()
        wait_for(lambda: metrics(agent.status)['redis_up'] == 1, 'connected again', 15)
        assert agent.ask(question)['status'] == 'MISS'


@pytest.mark.parametrize('wrong', [{'ca': 'other.pem'}, {'name': 'another.example'},
                                   {'cert': None}])
def test_nothing_is_said_to_whom_is_not_proved(redis, certificates, wrong):
    with Tunnel(redis, certificates, **wrong) as tunnel, agent_behind(tunnel) as agent:
        wait_for(lambda: metrics(agent.status)['redis_failures_total'] >= 3, 'it is refused')
        assert metrics(agent.status)['redis_connects_total'] == 0
        assert agent.ask(chat(prompt()))['status'] == 'BYPASS'
        assert client.request(agent.status, 'GET', '/readyz', {'Host': 'x'}).status == 503
