"""Redis speaks TLS alone: to an agent behind haproxy/redis-tls.cfg, and to one that does as well,
when its hiredis can."""
import shutil
import socket
import subprocess
import time

import pytest

import client
import harness
import spop
from harness import REDIS_SERVER, ROOT, Part, chat, free_address, metrics, prompt, wait_for
from redis_parts import MASTER, Node, port

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
        (folder / 'for').write_text(f'subjectAltName=DNS:{common_name},IP:127.0.0.1')
        openssl('x509', '-req', '-in', f'{name}.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key',
                '-CAcreateserial', '-days', '2', '-extfile', 'for', '-out', f'{name}.crt')
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

    def __init__(self, certificates, *words):
        self.tls_address = free_address()
        super().__init__('--port', '0', '--tls-port', port(self.tls_address),
                         '--tls-cert-file', certificates / 'redis.crt',
                         '--tls-key-file', certificates / 'redis.key',
                         '--tls-ca-cert-file', certificates / 'ca.pem', *words)
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


# An agent that speaks TLS itself.

def config(where, certificates, ca='ca.pem', name='', cert='agent'):
    text = (f'[key]\nsecret = 0123456789abcdef\n[redis]\n{where}\ntls = yes\n'
            f'tls-ca-file = {certificates / ca}\ntls-server-name = {name}\n')
    if cert:
        text += (f'tls-cert-file = {certificates / cert}.crt\n'
                 f'tls-key-file = {certificates / cert}.key\n')
    return text


def checked(text, tmp_path):
    """What the agent says of a configuration: its mistakes, or nothing."""
    path = tmp_path / 'agent.ini'
    path.write_text(text)
    done = subprocess.run([harness.SANITIZED, '--check', '-c', path], capture_output=True, text=True)
    assert (done.returncode != 0) == bool(done.stderr), done
    return done.stderr


@pytest.fixture(scope='module')
def has_tls(certificates, tmp_path_factory):
    said = checked(config('address = 127.0.0.1:1', certificates), tmp_path_factory.mktemp('agent'))
    return not said


@pytest.fixture
def native(has_tls):
    if not has_tls:
        pytest.skip('the agent was built with a hiredis that has no TLS')


def stores(agent, wanted=1):
    """Waits until it is connected; then an answer is stored and hits."""
    wait_for(lambda: metrics(agent.status)['redis_up'] == wanted, 'connected over TLS', 15)
    question, answer = chat(prompt()), '{"answer": "%s"}' % ('x' * 50000)
    with spop.Connection(agent.address, max_frame_size=1 << 17) as connection:
        def find():
            found = spop.look_and_store(connection, question, answer)
            return found['status'] == 'HIT' and found['body'] == answer.encode()
        assert not find()
        wait_for(find, 'a hit')


def test_without_tls_the_keys_are_refused(has_tls, certificates, tmp_path):
    if has_tls:
        pytest.skip('this agent has TLS')
    said = checked(config('address = 127.0.0.1:1', certificates), tmp_path)
    assert 'hiredis' in said and 'haproxy/redis-tls.cfg' in said


@pytest.mark.parametrize('key, file, why', [
    ('tls-ca-file', 'none', 'No such file'), ('tls-ca-file', 'redis.key', 'no certificate'),
    ('tls-cert-file', 'redis.key', 'no start line'), ('tls-cert-file', 'none', 'No such file'),
    ('tls-key-file', 'redis.key', 'mismatch'), ('tls-key-file', 'ca.pem', 'unsupported')])
def test_files_that_are_none_are_found_by_check(native, certificates, tmp_path, key, file, why):
    lines = [f'{key} = {certificates / file}' if line.startswith(key) else line
             for line in config('address = 127.0.0.1:1', certificates).splitlines()]
    said = checked('\n'.join(lines), tmp_path)
    assert f'[redis] tls: {key} {certificates / file}: ' in said and why in said


@pytest.mark.parametrize('name', ['', NAME])
def test_the_agent_speaks_tls(native, redis, certificates, name):
    text = config(f'address = {redis.tls_address}', certificates, name=name)
    with harness.Agent(text, harness.SANITIZED) as agent:
        stores(agent)
        wait_for(lambda: metrics(agent.status)['redis_watched'] == 1, 'it follows changes')
        redis.kill()
        assert agent.ask(chat(prompt()))['status'] == 'BYPASS'
        redis.start()
        stores(agent)


@pytest.mark.parametrize('wrong, why', [({'ca': 'other.pem'}, 'its certificate: '),
                                        ({'name': 'another.example'}, 'its certificate: '),
                                        # the reset of the connection may come before the alert
                                        ({'cert': None}, 'is not available: ')])
def test_nothing_is_said_by_the_agent_to_whom_is_not_proved(native, redis, certificates, wrong, why):
    text = config(f'address = {redis.tls_address}', certificates, **wrong)
    with harness.Agent(text, harness.SANITIZED) as agent:
        wait_for(lambda: metrics(agent.status)['redis_failures_total'] >= 3, 'it is refused')
        assert metrics(agent.status)['redis_connects_total'] == 0
        assert agent.ask(chat(prompt()))['status'] == 'BYPASS'
        assert why in agent.output.read_text()


def test_a_certificate_that_is_renewed_is_taken(native, redis, certificates, tmp_path):
    for kind in ('crt', 'key'):
        shutil.copy(certificates / f'agent.{kind}', tmp_path / f'agent.{kind}')
    (tmp_path / 'ca.pem').write_bytes((certificates / 'other.pem').read_bytes())
    with harness.Agent(config(f'address = {redis.tls_address}', tmp_path),
                       harness.SANITIZED) as agent:
        wait_for(lambda: metrics(agent.status)['redis_failures_total'] >= 2, 'it is refused')
        (tmp_path / 'ca.pem').write_text('half a certificate')
        failures = metrics(agent.status)['redis_failures_total']
        wait_for(lambda: metrics(agent.status)['redis_failures_total'] > failures, 'and again')
        (tmp_path / 'ca.pem').write_bytes((certificates / 'ca.pem').read_bytes())
        stores(agent)


def test_files_that_cannot_be_read_again_are_said_once(native, redis, certificates, tmp_path):
    for name in ('agent.crt', 'agent.key', 'ca.pem'):
        shutil.copy(certificates / name, tmp_path)

    def lines(agent):
        return [line for line in agent.output.read_text().splitlines() if '[redis] tls: ' in line]

    def connects_again(agent):
        before = metrics(agent.status)['redis_connects_total']
        redis.kill()
        redis.start()
        wait_for(lambda: metrics(agent.status)['redis_connects_total'] > before, 'again', 15)

    with harness.Agent(config(f'address = {redis.tls_address}', tmp_path),
                       harness.SANITIZED) as agent:
        stores(agent)
        assert not lines(agent)
        (tmp_path / 'agent.crt').write_text('half a certificate')
        for _ in range(2):
            connects_again(agent)
            assert len(lines(agent)) == 1, 'it was said once'
        assert 'warning' in lines(agent)[0] and 'no start line' in lines(agent)[0]
        assert f'tls-cert-file {tmp_path}/agent.crt: ' in lines(agent)[0]
        (tmp_path / 'agent.crt').unlink()
        connects_again(agent)
        assert len(lines(agent)) == 2 and 'No such file' in lines(agent)[1]
        shutil.copy(certificates / 'agent.crt', tmp_path / 'new')
        (tmp_path / 'new').rename(tmp_path / 'agent.crt')
        connects_again(agent)
        stores(agent)
        assert len(lines(agent)) == 3 and 'can be read again' in lines(agent)[2]


def test_a_handshake_without_an_answer_holds_nothing_up(native, certificates):
    with socket.create_server(('127.0.0.1', 0)) as silent:
        address = '127.0.0.1:%d' % silent.getsockname()[1]
        text = config(f'address = {address}\nconnect-timeout = 200ms', certificates)
        with harness.Agent(text, harness.SANITIZED) as agent:
            wait_for(lambda: 'in time to connect' in agent.output.read_text(), 'it is given up')
            began = time.monotonic()
            for _ in range(20):
                assert agent.ask(chat(prompt()))['reason'] == 'store-down'
            assert time.monotonic() - began < 1


def test_a_server_without_tls_is_refused(native, certificates):
    with harness.RedisServer() as plain:
        text = config(f'address = {plain.address}\nconnect-timeout = 200ms', certificates)
        with harness.Agent(text, harness.SANITIZED) as agent:
            wait_for(lambda: metrics(agent.status)['redis_failures_total'] >= 3, 'it is refused')
            assert metrics(agent.status)['redis_connects_total'] == 0


def reclaim(path):
    return subprocess.Popen([harness.SANITIZED, 'purge', '-c', path, '--reclaim'], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


class TlsSentinel(TlsRedis):
    """It speaks TLS to the master as well."""

    def __init__(self, certificates, master):
        super().__init__(certificates, '--tls-replication', 'yes')
        (self.dir / 'sentinel.conf').write_text(
            f'sentinel monitor {MASTER} 127.0.0.1 {port(master.tls_address)} 1\n')
        self.words = (self.dir / 'sentinel.conf', '--sentinel', *self.words)

    def start(self):
        self.spawn([REDIS_SERVER, *self.words, '--dir', self.dir])
        wait_for(self.answers, 'Sentinel answers')


def test_sentinels_are_asked_over_tls(native, redis, certificates):
    with TlsSentinel(certificates, redis) as sentinel:
        text = config(f'sentinels = {sentinel.tls_address}\nmaster = {MASTER}', certificates)
        with harness.Agent(text, harness.SANITIZED) as agent:
            stores(agent)


def test_a_cluster_is_followed_over_tls(native, certificates):
    """One node is known; the other, and the addresses of both, come from it."""
    buses = [port(free_address()) for _ in range(2)]
    words = ('--cluster-enabled', 'yes', '--tls-cluster', 'yes', '--cluster-port')
    with TlsRedis(certificates, *words, buses[0]) as one, \
            TlsRedis(certificates, *words, buses[1]) as other:
        one('CLUSTER', 'ADDSLOTSRANGE', 0, 8191)
        other('CLUSTER', 'ADDSLOTSRANGE', 8192, 16383)
        one('CLUSTER', 'MEET', '127.0.0.1', port(other.tls_address), buses[1])
        wait_for(lambda: all(b'cluster_state:ok' in node('CLUSTER', 'INFO')
                             for node in (one, other)), 'the nodes know each other', 20)
        text = config(f'cluster = {one.tls_address}', certificates, name=NAME)
        with harness.Agent(text, harness.SANITIZED) as agent:
            wait_for(lambda: metrics(agent.status)['redis_up'] == 2, 'both are connected')
            for _ in range(20):
                stores(agent, 2)
            assert one('DBSIZE') > 0 and other('DBSIZE') > 0
            said, wrong = reclaim(agent.config).communicate(timeout=20)
            assert 'unlinked 0' in said and 'looked at 0 ' not in said, wrong


def reclaimed(text):
    with harness.Agent(text, harness.SANITIZED) as agent:
        stores(agent)
        said, wrong = (command := reclaim(agent.config)).communicate(timeout=20)
    assert command.returncode == 0 and 'unlinked 0' in said, wrong
    return said


def test_what_was_purged_is_looked_for_over_tls(native, redis, certificates):
    where = f'address = {redis.tls_address}'
    assert 'looked at 0 ' not in reclaimed(config(where, certificates))
    with TlsSentinel(certificates, redis) as sentinel:
        where = f'sentinels = {sentinel.tls_address}\nmaster = {MASTER}'
        assert 'looked at 0 ' not in reclaimed(config(where, certificates, name=NAME))


@pytest.mark.parametrize('wrong', [{'ca': 'other.pem'}, {'name': 'another.example'}])
def test_it_is_not_looked_for_at_whom_is_not_proved(native, redis, certificates, tmp_path, wrong):
    path = tmp_path / 'agent.ini'
    path.write_text(config(f'address = {redis.tls_address}', certificates, **wrong))
    command = reclaim(path)
    assert 'its certificate: ' in command.communicate(timeout=20)[1] and command.returncode == 1


def test_a_password_is_not_sent_before_tls_has_begun(native, certificates, tmp_path):
    path = tmp_path / 'agent.ini'
    with socket.create_server(('127.0.0.1', 0)) as server:
        address = '127.0.0.1:%d' % server.getsockname()[1]
        path.write_text(config(f'address = {address}\npassword = hunter2', certificates))
        command = reclaim(path)
        connection, _ = server.accept()
        with connection:
            sent = connection.recv(4096)
    assert sent[:1] == b'\x16' and b'hunter2' not in sent  # a handshake, RFC 8446 5.1
    assert 'TLS' in command.communicate(timeout=20)[1] and command.returncode == 1
