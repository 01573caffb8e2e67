"""The agent as a service: what it tells systemd, the sockets it is given, its log, its user and its
limits, and the change to another binary under traffic."""
import grp
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

import client
import harness
import spop
from harness import Traffic, chat, prompt, wait_for
from test_failure import hits_again, running


class Manager:
    """What systemd is to a service: a socket for its states. `said` are those so far."""

    def __init__(self, directory):
        self.path = str(directory / 'notify.sock')
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.setblocking(False)
        self.said = []

    def heard(self, state):
        """Whether a state that begins so was told since the last time that this was true."""
        while True:
            try:
                self.said += self.socket.recv(4096).decode().splitlines()
            except BlockingIOError:
                break
        found = next((n for n, line in enumerate(self.said) if line.startswith(state)), None)
        if found is None:
            return None
        line = self.said[found]
        del self.said[:found + 1]
        return line

    def wait(self, state):
        return wait_for(lambda: self.heard(state), f'the manager hears {state}')


@pytest.fixture
def manager(tmp_path):
    part = Manager(tmp_path)
    yield part
    part.socket.close()


class Activated(harness.Agent):
    """An agent that is given listening sockets, as systemd does; all are called "it"."""

    def __init__(self, sockets, *words, **more):
        super().__init__(*words, **more)
        self.sockets = sockets

    def start(self):
        fds = [s.fileno() for s in self.sockets]
        moves = ''.join(f'exec {3 + n}<&{fd} {fd}<&-; ' for n, fd in enumerate(fds))
        self.spawn(['bash', '-c', moves + 'LISTEN_PID=$$ exec "$@"', 'bash', self.binary, '-c',
                    self.config], fds, LISTEN_FDS=str(len(fds)),
                   LISTEN_FDNAMES=':'.join('it' for _ in fds), **self.environment)
        wait_for(self.listens, 'the agent listens')


def listening(path):
    """A socket on a path, or on a free port without one."""
    s = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
    s.bind(str(path) if path else ('127.0.0.1', 0))
    s.listen(128)
    return s


def log_of(part):
    return part.output.read_text()


def test_the_manager_is_told_what_happens(manager):
    with harness.Agent(binary=harness.SANITIZED, NOTIFY_SOCKET=manager.path) as agent:
        manager.wait('READY=1')
        manager.wait('STATUS=serving')
        before = time.monotonic_ns() // 1000
        agent.process.send_signal(signal.SIGHUP)
        manager.wait('RELOADING=1')
        moment = int(manager.wait('MONOTONIC_USEC=').partition('=')[2])
        assert before <= moment <= time.monotonic_ns() // 1000
        manager.wait('READY=1')
        agent.config.write_text('[agent]\nno-such-key = 1\n')
        agent.process.send_signal(signal.SIGHUP)
        manager.wait('RELOADING=1')
        manager.wait('READY=1')  # with the old configuration
        agent.process.terminate()
        manager.wait('STOPPING=1')
        assert agent.process.wait(10) == 0


def test_the_status_says_when_requests_are_not_cached(manager):
    nowhere = f'[key]\nsecret = one secret of many\n[redis]\naddress = {harness.free_address()}\n'
    with harness.Agent(nowhere, NOTIFY_SOCKET=manager.path):
        assert 'not ready' in manager.wait('STATUS=')


def test_the_watchdog_hears_nothing_of_an_agent_that_stands_still(manager):
    with harness.Agent(NOTIFY_SOCKET=manager.path, WATCHDOG_USEC='200000') as agent:
        for _ in range(3):
            manager.wait('WATCHDOG=1')
        agent.process.send_signal(signal.SIGSTOP)
        try:
            wait_for(lambda: stands_still(agent.process.pid), 'it stands still')
            manager.heard('nothing')
            manager.said.clear()
            with pytest.raises(AssertionError):
                wait_for(lambda: manager.heard('WATCHDOG=1'), 'a sign of life', 0.5)
        finally:
            agent.process.send_signal(signal.SIGCONT)
        manager.wait('WATCHDOG=1')


def stands_still(pid):
    with open(f'/proc/{pid}/stat') as stat:
        return stat.read().rsplit(')', 1)[1].split()[0] == 'T'


def test_sockets_of_systemd_serve_and_stay(tmp_path):
    """TCP, unix and the HTTP door; the path stays when the agent ends, and its successor serves
    whoever connected in between."""
    path, door = tmp_path / 'given.sock', tmp_path / 'door.sock'
    with listening(None) as tcp, listening(path) as unix, listening(door) as status:
        port = '127.0.0.1:%d' % tcp.getsockname()[1]
        words = {'binary': harness.SANITIZED, 'listen': [port, f'unix:{path}'],
                 'SPOA_CACHE_AGENT_STATUS': f'unix:{door}'}
        with Activated([tcp, status, unix], **words) as agent:
            question = chat(prompt())
            for address in (port, f'unix:{path}'):
                with spop.Connection(address) as connection:
                    spop.look_and_store(connection, question)
            assert agent.ask(question)['status'] == 'HIT'
            assert client.request(f'unix:{door}', 'GET', '/readyz', {'Host': 'x'}).status == 200
            assert 'not used' not in log_of(agent)
        assert path.exists() and door.exists()
        early = client.connect(f'unix:{path}')
        with Activated([tcp, status, unix], **words):
            early.sendall(spop.hello())
            assert early.recv(1)
        early.close()


def test_a_socket_that_is_no_listener_is_said_and_closed(tmp_path):
    with listening(tmp_path / 'other.sock') as other:
        with Activated([other]) as agent:
            said = wait_for(lambda: [line for line in log_of(agent).splitlines()
                                     if 'not used' in line], 'it is said')
            assert 'socket 1 of systemd (it)' in said[0] and 'level=warning' in said[0]
            assert not still_open(agent.process.pid, other)


def still_open(pid, listener):
    inode = os.fstat(listener.fileno()).st_ino
    return any(f'socket:[{inode}]' == os.readlink(f'/proc/{pid}/fd/{fd}')
               for fd in os.listdir(f'/proc/{pid}/fd'))


def test_each_event_is_one_line_of_logfmt_or_json():
    with harness.Agent('[agent]\nlog-format = json\n') as agent:
        agent.config.write_text('[agent]\nno-such-key = 1\nlog-level = loud\n')
        agent.process.send_signal(signal.SIGHUP)
        wait_for(lambda: 'not reloaded' in log_of(agent), 'it is refused')
        agent.config.write_text('[agent]\nlog-format = logfmt\nmax-connections = 9\n')
        agent.process.send_signal(signal.SIGHUP)
        wait_for(lambda: 'configuration reloaded' in log_of(agent), 'it is reloaded')
        lines = log_of(agent).splitlines()
    first = [json.loads(line) for line in lines if line.startswith('{')]
    for text in ('serves from memory', 'no-such-key', 'log-level: ', 'not reloaded'):
        assert any(text in line['msg'] for line in first), text
    assert len(first) + 1 == len(lines)
    assert all(set(line) == {'time', 'level', 'msg'} for line in first)
    assert re.fullmatch(r'time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=info '
                        r'msg="configuration reloaded"', lines[-1])


@pytest.mark.skipif(os.path.exists('/dev/log'), reason='there is a syslog')
def test_without_a_syslog_the_log_goes_to_stderr():
    with harness.Agent('[agent]\nlog = syslog\n') as agent:
        wait_for(lambda: 'serves from memory' in log_of(agent), 'it is said')


def test_a_level_hides_what_is_below_it():
    with harness.Agent('[agent]\nlog-level = error\n') as agent:
        agent.process.terminate()
        assert agent.process.wait(10) == 0
        assert log_of(agent) == ''


def test_the_journal_is_told_the_level_and_adds_the_time(tmp_path):
    """JOURNAL_STREAM is the device and inode of what systemd connected; the file of the harness is
    made to look like it."""
    class Journalled(harness.Agent):
        def start(self):
            self.output = self.dir / 'agent.out'
            self.output.touch()
            about = self.output.stat()
            self.environment['JOURNAL_STREAM'] = f'{about.st_dev}:{about.st_ino}'
            super().start()

    with Journalled() as agent:
        serves = wait_for(lambda: [line for line in log_of(agent).splitlines()
                                   if 'serves from' in line], 'it serves')
        assert re.fullmatch(r'<6>level=info msg="spoa-cache \S+ serves from memory"', serves[0])


def test_a_flood_of_one_message_is_some_lines_and_its_number():
    """Three hundred connections that say nonsense: at most ten lines now, and the rest as a number
    at the end."""
    with harness.Agent(binary=harness.SANITIZED) as agent:
        for _ in range(300):
            with client.connect(agent.address) as stream:
                stream.sendall(b'\0\0\0\7GET / H')
                stream.recv(4096)
        agent.process.terminate()
        assert agent.process.wait(10) == 0
        lines = [line for line in log_of(agent).splitlines() if 'closing a connection' in line]
    assert len(lines) == 11
    assert int(re.search(r'suppressed=(\d+)$', lines[-1])[1]) + len(lines) == 300


def test_a_log_that_nobody_reads_stops_nothing_and_the_loss_is_said():
    """A pipe that is full: requests go on, and when it is read again the log says what is
    missing."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(writer, b'x' * 4096)

    class Piped(harness.Agent):
        def start(self):
            self.spawn(['bash', '-c', f'exec "$@" 2>&{writer}', 'bash', self.binary, '-c',
                        self.config], [writer], **self.environment)
            wait_for(self.listens, 'the agent listens')

    with Piped('[agent]\nlog-level = debug\n') as agent:
        for _ in range(3):
            agent.ask(chat(prompt()))
        os.set_blocking(reader, False)
        with pytest.raises(BlockingIOError):
            while True:
                os.read(reader, 65536)
        agent.process.send_signal(signal.SIGHUP)
        said = b''

        def told():
            nonlocal said
            try:
                said += os.read(reader, 65536)
            except BlockingIOError:
                pass
            return b'configuration reloaded' in said
        wait_for(told, 'the log goes on')
    os.close(reader)
    os.close(writer)
    assert re.search(rb'level=warning msg="[1-9]\d* lines of this log were lost', said)


as_root = pytest.mark.skipif(os.geteuid() != 0, reason='only root becomes another user')


class OwnedBy(harness.Agent):
    """An agent whose directory is somebody's."""

    def __init__(self, user, *words, **more):
        super().__init__(*words, **more)
        shutil.chown(self.dir, user)


@as_root
def test_root_becomes_a_user_before_it_opens_anything():
    nobody, mail = pwd.getpwnam('nobody'), grp.getgrnam('mail')
    with OwnedBy('nobody', '[agent]\nuser = nobody\ngroup = mail\n') as agent:
        uids, gids, capabilities = identity(agent.process.pid)
        assert uids == [str(nobody.pw_uid)] * 4 and gids == [str(mail.gr_gid)] * 4
        assert capabilities == '0' * 16
        made = os.stat(agent.address[len('unix:'):])
        assert (made.st_uid, made.st_gid, made.st_mode & 0o777) == \
            (nobody.pw_uid, mail.gr_gid, 0o660)
        assert agent.ask(chat(prompt()))['status'] == 'MISS'
        agent.process.send_signal(signal.SIGHUP)
        wait_for(lambda: 'configuration reloaded' in log_of(agent), 'it reloads as that user')
        assert 'running as root' not in log_of(agent)


@as_root
def test_root_without_a_user_is_warned_of():
    with harness.Agent() as agent:
        assert 'level=warning msg="running as root' in log_of(agent)


@pytest.mark.parametrize('keys, why', [
    ('user = no-such-user', 'no such user'),
    pytest.param('user = nobody\ngroup = no-such-group', 'no such group', marks=as_root)])
def test_a_user_that_it_cannot_become_stops_it(tmp_path, keys, why):
    file = tmp_path / 'agent.ini'
    file.write_text(f'[agent]\nlisten = unix:{tmp_path}/agent.sock\n{keys}\n')
    done = subprocess.run([harness.AGENT, '-c', file], capture_output=True, text=True, timeout=10)
    assert done.returncode == 1 and why in done.stderr


def test_files_are_as_many_as_connections_need_and_no_core_is_left():
    with Limited('ulimit -Sn 256', '[agent]\nmax-connections = 2000\n') as agent:
        assert int(limits(agent.process.pid)['Max open files'][0]) >= 2000
        assert limits(agent.process.pid)['Max core file size'] == ['0', '0']
        assert 'open files' not in log_of(agent)


def test_core_files_are_left_when_wanted():
    with Limited('ulimit -Sc 0', '[agent]\ncore-dumps = yes\n') as agent:
        soft, hard = limits(agent.process.pid)['Max core file size']
        assert soft == hard


def test_too_few_files_are_warned_of():
    """A hard limit below what is needed; root may raise its own, so it is another user's."""
    user = 'user = nobody\n' if os.geteuid() == 0 else ''
    with Limited('ulimit -n 700', f'[agent]\n{user}max-connections = 2000\n') as agent:
        warning = [line for line in log_of(agent).splitlines() if 'open files' in line]
        assert 'needs 2512 open files, and no more than 700 are allowed' in warning[0]


class Limited(harness.Agent):
    """An agent under a limit of a shell."""

    def __init__(self, limit, *words):
        super().__init__(*words)
        self.limit = limit
        if os.geteuid() == 0:
            shutil.chown(self.dir, 'nobody')

    def start(self):
        self.spawn(['bash', '-c', f'{self.limit}; exec "$@"', 'bash', self.binary, '-c',
                    self.config], **self.environment)
        wait_for(self.listens, 'the agent listens')


def identity(pid):
    with open(f'/proc/{pid}/status') as status:
        fields = dict(line.split(':\t', 1) for line in status if ':\t' in line)
    return fields['Uid'].split(), fields['Gid'].split(), fields['CapEff'].strip()


def limits(pid):
    with open(f'/proc/{pid}/limits') as text:
        rows = (re.split(r'  +', line.strip()) for line in text)
        return {row[0]: row[1:3] for row in rows}


@pytest.fixture
def upgraded(origin, tmp_path):
    """A stack whose agent is a copy that may be replaced; it drains as a real one does."""
    binary = tmp_path / 'spoa-cache'
    shutil.copy(harness.AGENT, binary)
    options = ['--agent', binary, '--keep-going']
    with harness.Stack(origin, options=options, SPOA_CACHE_AGENT_DRAIN_DELAY='1500ms') as part:
        part.binary = binary
        yield part


def replace(file, by):
    """As a package manager does: the old file lives on in the process that runs it."""
    new = file.with_suffix('.new')
    shutil.copy(by, new)
    new.rename(file)


def test_upgrade_under_traffic_loses_no_request(upgraded, capsys):
    """Another binary in its place and a restart, HAProxy reloaded, the configuration reloaded."""
    stack = upgraded
    with Traffic(stack) as traffic:
        traffic.wait(50, 'HIT')
        replace(stack.binary, harness.SANITIZED)
        old = stack.pid('agent')
        stack.signal('agent', signal.SIGTERM)
        wait_for(lambda: not running(old), 'the old agent ended', 15)
        stack.signal_stack(signal.SIGUSR1)
        wait_for(lambda: stack.pid('agent') != old, 'a new agent')
        hits_again(stack)
        traffic.wait(50, 'HIT')
        before = stack.pid('haproxy')
        stack.signal_stack(signal.SIGHUP)
        wait_for(lambda: stack.pid('haproxy') != before, 'a new HAProxy', 15)
        wait_for(lambda: not running(before), 'the old HAProxy ended', 15)
        stack.config.write_text('[policy llm]\nttl = 1h\n')
        stack.signal('agent', signal.SIGHUP)
        wait_for(lambda: 'configuration reloaded' in (stack.dir / 'agent.log').read_text(),
                 'the configuration is reloaded')
        traffic.wait(100, 'HIT')
    report(capsys, traffic, 'agent replaced, HAProxy and configuration reloaded')
    assert os.readlink(f'/proc/{stack.pid("agent")}/exe') == str(stack.binary)
    assert traffic.failures == []
    assert traffic.slowest < 2000


def report(capsys, traffic, what):
    with capsys.disabled():
        print(f'\n  {what}: {len(traffic.done)} answers, {len(traffic.failures)} failures, '
              f'the slowest took {traffic.slowest:.0f} ms')


def test_a_socket_of_systemd_outlives_its_agents_under_traffic(origin, tmp_path, capsys):
    """The manager holds the socket: between two agents a connection waits instead of failing."""
    path = tmp_path / 'given.sock'
    with harness.RedisServer() as redis, listening(path) as given:
        words = {'config': f'[key]\nsecret = one secret of many\n'
                           f'[redis]\naddress = {redis.address}\n',
                 'listen': [f'unix:{path}'], 'SPOA_CACHE_AGENT_DRAIN_DELAY': '1500ms'}
        with Activated([given], **words) as first, \
                harness.HAProxy(origin, [f'unix@{path}']) as haproxy:
            with Traffic(haproxy) as traffic:
                traffic.wait(50, 'HIT')
                first.process.terminate()
                assert first.process.wait(15) == 0
                with Activated([given], binary=harness.SANITIZED, **words):
                    hits_again(haproxy)
                    traffic.wait(100, 'HIT')
            report(capsys, traffic, 'agent replaced behind the socket of systemd')
            assert traffic.failures == []
            assert traffic.slowest < 2000


def test_requests_are_in_the_log_of_haproxy(stack):
    """One line each: status, what the cache said and why, its key, and the timings."""
    question = chat(prompt())
    answers = [stack.post(question), wait_for(lambda: hit(stack, question), 'a hit'),
               stack.post(b'{"a": 1, "a": 2}')]
    wanted = [f'{{}} 200 .*cache=MISS reason=absent key={answers[0].header("x-cache-key")} ',
              f'{{}} 200 .*cache=HIT reason=\\S* key={answers[1].header("x-cache-key")} ',
              '{} 200 .*cache=BYPASS reason=request-json ']
    for pattern in wanted:
        line = pattern.format(r'(-?\d+/){4}-?\d+') + r'.*agent_ms=\d'
        wait_for(lambda line=line: re.search(line, (stack.dir / 'haproxy.log').read_text()), line)


def hit(stack, question):
    answer = stack.post(question)
    return answer if answer.cache == 'HIT' else None
