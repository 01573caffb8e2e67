"""SPOP as HAProxy speaks it, and as it never would: the agent under ASan and UBSan answers as the
specification says, whatever comes, and goes on."""
import random
import re
import socket
import struct
import time
from pathlib import Path

import pytest

import client
import harness
import spop
from harness import chat, prompt
from spop import Connection, Typed, frame, hello, pairs, varint


@pytest.fixture(autouse=True)
def good_client_afterwards(agent):
    """Whatever a test sent, the agent lives and serves the next client."""
    yield
    body = chat(prompt())
    assert [agent.ask(body)['status'] for _ in range(2)] == ['MISS', 'HIT']


@pytest.fixture
def raw(agent):
    """A connection that has said nothing yet."""
    with Connection(agent.address, greet=False) as connection:
        yield connection


def answered(connection):
    """Whether a NOTIFY is answered as it should be."""
    return connection.ask(spop.lookup(chat(prompt())))['status'] == 'MISS'


# HELLO.

def test_hello(conn):
    assert conn.agent['version'] == '2.0'
    assert conn.agent['max-frame-size'] == spop.MAX_FRAME_SIZE
    assert isinstance(conn.agent['capabilities'], str)
    assert answered(conn)


def test_hello_byte_by_byte(raw):
    for byte in hello():
        raw.send(bytes([byte]))
        time.sleep(0.0005)  # so that most of them arrive alone
    assert spop.read_hello(raw.read())['version'] == '2.0'
    assert answered(raw)


def test_hello_is_answered_in_one_segment(agent):
    """HAProxy 3.2 to 3.2.22 resets a connection whose AGENT-HELLO comes in pieces."""
    address = harness.free_address()
    with harness.Agent(listen=[address]) as tcp:
        for where in (agent.address, address, tcp.address):
            with client.connect(where, 5) as stream:
                stream.sendall(hello())
                data = stream.recv(65536)
                assert len(data) == 4 + struct.unpack('>I', data[:4])[0]


@pytest.mark.parametrize('size', [256, 257, 1024, 16380, 65532])
def test_frame_size_is_the_lower_of_both(agent, size):
    with Connection(agent.address, max_frame_size=size) as connection:
        assert connection.agent['max-frame-size'] == size


def test_frame_size_is_never_above_our_own(agent):
    with Connection(agent.address, max_frame_size=0xffffffff) as connection:
        assert connection.agent['max-frame-size'] <= 8 << 20


@pytest.mark.parametrize('versions', ['2.0', '1.0,2.0', '2.0, 1.0', '1.0 , 2.0', '2.0,3.0',
                                      ' 2.0 '])
def test_versions_taken(agent, versions):
    with Connection(agent.address, supported_versions=versions) as connection:
        assert connection.agent['version'] == '2.0'


@pytest.mark.parametrize('change, code', [
    ({'supported_versions': None}, spop.NO_VERSION),
    ({'supported_versions': '1.0'}, spop.BAD_VERSION),
    ({'supported_versions': '3.0'}, spop.BAD_VERSION),
    ({'supported_versions': '12.0'}, spop.BAD_VERSION),
    ({'supported_versions': '2'}, spop.BAD_VERSION),
    ({'supported_versions': ''}, spop.BAD_VERSION),
    ({'supported_versions': 2}, spop.INVALID),
    ({'supported_versions': True}, spop.INVALID),
    ({'max_frame_size': None}, spop.NO_FRAME_SIZE),
    ({'max_frame_size': 10}, spop.BAD_FRAME_SIZE),
    ({'max_frame_size': 255}, spop.BAD_FRAME_SIZE),
    ({'max_frame_size': 0}, spop.BAD_FRAME_SIZE),
    ({'max_frame_size': '16380'}, spop.INVALID),
    ({'capabilities': None}, spop.NO_CAPABILITIES),
    ({'capabilities': 1}, spop.INVALID),
    ({'healthcheck': 'true'}, spop.INVALID),
    ({'healthcheck': 1}, spop.INVALID),
], ids=str)
def test_hello_refused(raw, change, code):
    raw.send(hello(**change))
    assert raw.refused() == code


@pytest.mark.parametrize('payload', [
    b'\x05hel', pairs({'supported-versions': '2.0'})[:-1], b'\xff' * 12, b'\x01a\x0f', b'\x01a',
    b'\x01a\x08\xf0\xff\x7f', b'\0\0'], ids=repr)
def test_hello_malformed(raw, payload):
    raw.send(frame(spop.HAPROXY_HELLO, payload))
    assert raw.refused() in (spop.INVALID, spop.NO_VERSION)


def test_hello_with_unknown_items(agent):
    with Connection(agent.address, engine_id='x' * 36, unknown=None, other=Typed(6, b'\1\2\3\4'),
                    more=b'\0\xff', big=-1) as connection:
        assert answered(connection)


@pytest.mark.parametrize('offered, announced', [('', ''), ('pipelining,async', 'pipelining'),
                                                ('async', ''), ('fragmentation', ''),
                                                ('pipeliningx', ''), ('xpipelining', '')])
def test_only_what_was_offered_is_announced(agent, offered, announced):
    with Connection(agent.address, capabilities=offered) as connection:
        assert connection.agent['capabilities'] in ('', announced)
        assert answered(connection)


def test_pipelining_is_announced_to_the_old_engine_only(agent):
    """From 3.1 on, a burst of ACKs that fills HAProxy's buffer blocks the connection for good."""
    with Connection(agent.address, capabilities='pipelining,async') as old, \
            Connection(agent.address, capabilities='pipelining') as new:
        assert old.agent['capabilities'] == 'pipelining'
        assert new.agent['capabilities'] == ''


def test_health_check_gets_a_hello_and_the_end(raw):
    raw.send(hello(healthcheck=True, capabilities=''))
    assert spop.read_hello(raw.read())['version'] == '2.0'
    assert raw.closed()


def test_health_check_false_is_none(raw):
    raw.send(hello(healthcheck=False))
    assert spop.read_hello(raw.read())['version'] == '2.0'
    assert answered(raw)


def test_second_hello_is_refused(conn):
    conn.send(hello())
    assert conn.refused() == spop.INVALID


def test_notify_before_hello(raw):
    raw.send(frame(spop.NOTIFY, spop.lookup(chat(prompt())), 1, 1))
    assert raw.refused() == spop.INVALID


def test_haproxy_disconnect_before_hello(raw):
    raw.send(frame(spop.HAPROXY_DISCONNECT, pairs({'status-code': 0, 'message': 'bye'})))
    try:
        assert raw.refused() in (spop.NORMAL, spop.INVALID)
    except spop.Closed:
        pass


def test_haproxy_disconnect_is_answered(conn):
    assert answered(conn)
    assert conn.end() == spop.NORMAL


@pytest.mark.parametrize('payload', [b'', b'\xff', pairs({'status-code': 'zero'})])
def test_an_odd_haproxy_disconnect_is_answered_too(conn, payload):
    conn.send(frame(spop.HAPROXY_DISCONNECT, payload))
    assert spop.disconnect_code(conn.read()) in (spop.NORMAL, spop.INVALID)
    assert conn.closed()


# Frames.

@pytest.mark.parametrize('greeted', [False, True])
@pytest.mark.parametrize('length, code', [(0, spop.INVALID), (1, spop.INVALID), (6, spop.INVALID),
                                          (0xffffffff, spop.TOO_BIG), (0x7fffffff, spop.TOO_BIG)])
def test_impossible_length(agent, greeted, length, code):
    with Connection(agent.address, greet=greeted) as connection:
        connection.send(struct.pack('>I', length) + b'\3\0\0\0\1\1'[:length])
        assert connection.refused() == code


@pytest.mark.parametrize('length', [16381, 70000])
def test_longer_than_negotiated(conn, length):
    """Refused by its length alone: nobody waits for the rest."""
    conn.send(struct.pack('>I', length))
    assert conn.refused() == spop.TOO_BIG


def test_exactly_as_long_as_negotiated(conn):
    message = spop.lookup(b'', unknown='')
    missing = spop.MAX_FRAME_SIZE - len(frame(spop.NOTIFY, message, 1, 1)) + 4
    message = spop.lookup(b'', unknown='x' * (missing - 2))
    data = frame(spop.NOTIFY, message, 1, 1)
    assert len(data) == 4 + spop.MAX_FRAME_SIZE
    conn.send(data)
    assert spop.actions(conn.read())['status'] == 'BYPASS'


def test_frame_without_fin(conn):
    conn.send(frame(spop.NOTIFY, spop.lookup(chat(prompt())), 1, 1, flags=0))
    assert conn.refused() == spop.FRAGMENTED


def test_unset_frame(conn):
    """What HAProxy up to 3.0 sends for the rest of a fragmented NOTIFY."""
    conn.send(frame(0, b'rest of something', 1, 1, flags=0))
    assert conn.refused() in (spop.INVALID, spop.FRAGMENTED)


def test_aborted_notify(conn):
    """ABORT: HAProxy has given this stream up. The next one is answered."""
    conn.send(frame(spop.NOTIFY, b'', 1, 1, flags=spop.FIN | spop.ABORT))
    stream = conn.notify(spop.lookup(chat(prompt())), number=2)
    reply = conn.read()
    if (reply.stream, reply.frame) == (1, 1):
        reply = conn.read()
    assert (reply.stream, reply.frame) == (stream, 2)


@pytest.mark.parametrize('kind', [0, 4, 50, 100, 200, 255])
def test_unknown_frame_type_is_skipped_or_refused(agent, kind):
    with Connection(agent.address) as connection:
        connection.send(frame(kind, b'whatever', 1, 1))
        stream = connection.notify(spop.lookup(chat(prompt())))
        reply = connection.read()
        if reply.type == spop.ACK:
            assert reply.stream == stream
        else:
            assert spop.disconnect_code(reply) == spop.INVALID and connection.closed()


@pytest.mark.parametrize('kind', [101, 102, 103])
def test_our_own_frame_types_are_refused_or_skipped(conn, kind):
    conn.send(frame(kind, b'', 1, 1))
    conn.notify(spop.lookup(chat(prompt())))
    reply = conn.read()
    assert reply.type == spop.ACK or spop.disconnect_code(reply) == spop.INVALID


# NOTIFY.

@pytest.mark.parametrize('body', [
    b'', spop.message('', {}), spop.message('look', {'body': b'{}'}),
    spop.message('lookup2', {'body': b'{}'}), spop.message('unknown', {'a': 1, 'b': None})],
    ids=['nothing', 'empty name', 'prefix', 'longer', 'unknown'])
def test_messages_we_do_not_know_get_an_empty_ack(conn, body):
    assert conn.ask(body) == {}
    assert answered(conn)


@pytest.mark.parametrize('body', [
    spop.message('lookup', {'method': 'POST'}, count=5),
    spop.message('lookup', {}, count=255),
    spop.string('lookup'),
    spop.string('lookup') + b'\1' + spop.string('body') + b'\x09' + varint(1 << 20) + b'x',
    spop.string('lookup') + b'\1' + spop.string('body') + b'\x09' + b'\xff' * 10,
    spop.string('lookup') + b'\1' + varint(100000) + b'body',
    spop.string('lookup') + b'\1' + spop.string('body') + b'\x0f',
    spop.string('lookup') + b'\1' + spop.string('body'),
    varint(1 << 40) + b'lookup', b'\xff', b'\xff' * 30, b'\xf0' + b'\x80' * 20 + b'\1',
], ids=lambda body: repr(body[:30]))
def test_a_malformed_notify_gets_one_ack_or_a_refusal(agent, body):
    """Never silence: the client would wait for `timeout processing`. And never a hit."""
    with Connection(agent.address) as connection:
        stream = connection.notify(body)
        reply = connection.read()
        if reply.type == spop.ACK:
            assert (reply.stream, reply.frame) == (stream, 1)
            assert not {'hit', 'store'} & set(spop.actions(reply))
            assert answered(connection)
        else:
            assert spop.disconnect_code(reply) == spop.INVALID and connection.closed()


def test_an_ack_never_exceeds_the_frame(agent):
    """An entry stored over a large frame, asked for over small ones."""
    body, answer = chat(prompt()), '{"a":"' + 'x' * 9000 + '"}'
    with Connection(agent.address) as connection:
        assert spop.look_and_store(connection, body, answer)['stored']
    for size in (12000, 11000, 9200, 9020, 5000, 1000):
        with Connection(agent.address, max_frame_size=size) as connection:
            found = connection.ask(spop.lookup(body))
            if found.get('status') != 'HIT':
                assert found.get('reason') == 'frame-small' and not found.get('store'), size
    with Connection(agent.address) as connection:
        assert connection.ask(spop.lookup(body))['body'] == answer.encode()


def test_a_frame_of_the_least_size_is_answered(agent):
    with Connection(agent.address, max_frame_size=256) as connection:
        stream = connection.notify(spop.message('lookup', {'policy': 'llm', 'whole': True}))
        assert connection.read().stream == stream


# Streams of frames.

def test_frames_split_at_every_byte(agent):
    data = hello() + frame(spop.NOTIFY, spop.lookup(chat('split')), 1, 1)
    for at in range(1, len(data)):
        with Connection(agent.address, greet=False) as connection:
            connection.send(data[:at])
            connection.send(data[at:])
            spop.read_hello(connection.read())
            assert spop.actions(connection.read())['status'] == 'MISS'


def test_many_frames_in_one_write(agent):
    with Connection(agent.address, greet=False) as connection:
        count = 200
        notifies = [frame(spop.NOTIFY, spop.lookup(chat(prompt())), n, 1)
                    for n in range(1, count + 1)]
        connection.send(hello(capabilities='pipelining,async') + b''.join(notifies))
        spop.read_hello(connection.read())
        replies = [connection.read() for _ in range(count)]
        assert sorted(reply.stream for reply in replies) == list(range(1, count + 1))
        assert all(spop.actions(reply)['status'] == 'MISS' for reply in replies)


def test_each_frame_gets_its_own_answer(agent):
    """Hits of different bodies, pipelined: each ACK carries the body of its question."""
    bodies = {n: chat(prompt()) for n in range(1, 60)}
    with Connection(agent.address, capabilities='pipelining,async') as connection:
        for n, body in bodies.items():
            assert spop.look_and_store(connection, body, '{"n": %d}' % n)['stored']
        connection.send(b''.join(frame(spop.NOTIFY, spop.lookup(body), 1000 + n, n)
                                 for n, body in bodies.items()))
        for _ in bodies:
            reply = connection.read()
            assert reply.stream == 1000 + reply.frame
            assert spop.actions(reply)['body'] == '{"n": %d}' % reply.frame


def test_large_ids_come_back(conn):
    for stream, number in ((1 << 31, 1), ((1 << 32) - 1, 1 << 31), ((1 << 63) - 1, 7)):
        conn.send(frame(spop.NOTIFY, spop.lookup(chat(prompt())), stream, number))
        reply = conn.read()
        assert (reply.stream, reply.frame) == (stream, number)


def test_a_reader_that_does_not_read_is_bounded(agent):
    """The agent stops reading from who does not take its answers, and serves the others."""
    body = chat(prompt())
    with Connection(agent.address) as connection:
        spop.look_and_store(connection, body, '{"a":"' + 'x' * 9000 + '"}')
    with Connection(agent.address, timeout=1, capabilities='pipelining,async') as slow:
        sent, data = 0, frame(spop.NOTIFY, spop.lookup(body), 1, 1) * 50
        try:
            while sent < 200000 * len(data):
                slow.send(data)
                sent += 50
        except TimeoutError:
            pass
        assert sent < 100000, 'it reads without end'
        assert answered(Connection(agent.address))


def peak_kb(part):
    """The most memory that a process ever had."""
    status = Path(f'/proc/{part.process.pid}/status').read_text()
    return int(re.search(r'VmHWM:\s+(\d+)', status)[1])


def test_a_reader_that_is_always_behind_is_bounded():
    """There is always more to write to it than its socket takes: what was written is not kept."""
    body, count = chat(prompt()), 30
    question = frame(spop.NOTIFY, spop.lookup(body), 1, 1)
    with harness.Agent() as agent, Connection(agent.address, max_frame_size=131068,
                                              capabilities='pipelining,async') as behind:
        assert spop.look_and_store(behind, body, '"' + 'x' * 100000 + '"')['stored']
        behind.send(question * count)
        before = peak_kb(agent)
        for _ in range(4000):
            assert spop.actions(behind.read())['hit']
            behind.send(question)
        for _ in range(count):
            assert spop.actions(behind.read())['hit']
        assert peak_kb(agent) - before < 8 << 10


def test_connections_that_end_anywhere(agent):
    data = hello() + frame(spop.NOTIFY, spop.lookup(chat(prompt())), 1, 1)
    for at in range(0, len(data), 7):
        for reset in (False, True):
            stream = client.connect(agent.address)
            stream.sendall(data[:at])
            if reset:
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            stream.close()


def mutated(rng, data):
    """A frame with some bytes changed, cut, doubled, or with another length."""
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        at = rng.randrange(len(data))
        how = rng.randrange(6)
        if how == 0:
            data[at] = rng.randrange(256)
        elif how == 1:
            data[at] ^= 1 << rng.randrange(8)
        elif how == 2:
            del data[at:at + rng.choice((1, 2, 8))]
        elif how == 3:
            data[at:at] = rng.randbytes(rng.choice((1, 2, 8)))
        elif how == 4:
            data[at:at] = data[at:at + rng.randrange(64)]
        else:
            data[at] = rng.choice((0, 1, 127, 128, 239, 240, 241, 255))
        data = data or bytearray(b'\0')
    if rng.random() < 0.8 and len(data) > 4:
        data[:4] = struct.pack('>I', len(data) - 4)
    return bytes(data)


def test_ten_thousand_mutations_of_valid_frames(agent):
    rng = random.Random(20260101)
    with Connection(agent.address) as connection:
        ticket = connection.ask(spop.lookup(chat('mutations')))['ticket']
    valid = [frame(spop.NOTIFY, spop.lookup(chat('mutations')), 1, 1),
             frame(spop.NOTIFY, spop.store(ticket, '{"answer": [1, "text", {"a": null}]}'), 3, 1),
             hello(engine_id='x' * 36), hello(healthcheck=True),
             frame(spop.HAPROXY_DISCONNECT, pairs({'status-code': 0, 'message': 'normal'}))]
    weights = (5, 5, 2, 1, 1)
    for _ in range(10000):
        # One to a connection, since most of them end it; a valid frame may follow.
        stream = client.connect(agent.address, 5)
        try:
            begin = b'' if rng.random() < 0.1 else hello(capabilities='pipelining,async')
            stream.sendall(begin + mutated(rng, rng.choices(valid, weights)[0])
                           + rng.choice((b'', valid[0])))
            stream.shutdown(socket.SHUT_WR)
            while stream.recv(65536):
                pass
        except (BrokenPipeError, ConnectionResetError):
            pass
        finally:
            stream.close()
        assert agent.process.poll() is None, agent.output.read_text()[-3000:]
