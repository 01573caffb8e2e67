"""A SPOP 2.0 client for tests: it speaks as HAProxy does, or as HAProxy never would.

Values: None, bool, int, str (STRING), bytes (BINARY), and Typed for anything else.
"""
import collections
import itertools
import struct

import client

HAPROXY_HELLO, HAPROXY_DISCONNECT, NOTIFY = 1, 2, 3
AGENT_HELLO, AGENT_DISCONNECT, ACK = 101, 102, 103
FIN, ABORT = 1, 2
NORMAL, TOO_BIG, INVALID, NO_VERSION, NO_FRAME_SIZE, NO_CAPABILITIES = 0, 3, 4, 5, 6, 7
BAD_VERSION, BAD_FRAME_SIZE, FRAGMENTED = 8, 9, 10
MAX_FRAME_SIZE = 16380

Frame = collections.namedtuple('Frame', 'type flags stream frame payload')
Typed = collections.namedtuple('Typed', 'type bytes')


class Closed(Exception):
    """The agent ended the connection."""


def varint(number):
    if number < 240:
        return bytes([number])
    out = [number & 15 | 240]
    number = number - 240 >> 4
    while number >= 128:
        out.append(number & 127 | 128)
        number = number - 128 >> 7
    return bytes(out + [number])


def read_varint(data, at):
    number, shift = data[at], 4
    at += 1
    if number < 240:
        return number, at
    while True:
        number += data[at] << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return number, at


def string(text):
    data = text.encode() if isinstance(text, str) else text
    return varint(len(data)) + data


def typed(value):
    if value is None:
        return b'\0'
    if isinstance(value, bool):
        return bytes([0x11 if value else 0x01])
    if isinstance(value, int):
        return b'\4' + varint(value % (1 << 64))
    if isinstance(value, str):
        return b'\x08' + string(value)
    if isinstance(value, bytes):
        return b'\x09' + string(value)
    return bytes([value.type]) + value.bytes


def read_typed(data, at):
    kind, at = data[at], at + 1
    if kind & 15 == 0:
        return None, at
    if kind & 15 == 1:
        return bool(kind & 0x10), at
    if kind & 15 in (2, 3, 4, 5):
        number, at = read_varint(data, at)
        return number - (1 << 64) if number >> 63 else number, at
    assert kind & 15 in (8, 9), f'type {kind:#x} in an ACK'
    length, at = read_varint(data, at)
    value = data[at:at + length]
    assert len(value) == length
    return value.decode() if kind & 15 == 8 else value, at + length


def pairs(items):
    return b''.join(string(name) + typed(value) for name, value in items.items())


def frame(kind, payload, stream=0, number=0, flags=FIN):
    content = bytes([kind]) + struct.pack('>I', flags) + varint(stream) + varint(number) + payload
    return struct.pack('>I', len(content)) + content


def hello(healthcheck=None, **changes):
    """HAPROXY-HELLO. A change to None leaves the item out; `_` in a name is `-`."""
    items = {'supported-versions': '2.0', 'max-frame-size': Typed(3, varint(MAX_FRAME_SIZE)),
             'capabilities': 'pipelining'}
    items.update((name.replace('_', '-'), value) for name, value in changes.items())
    if isinstance(items['max-frame-size'], int):
        items['max-frame-size'] = Typed(3, varint(items['max-frame-size']))
    if healthcheck is not None:
        items['healthcheck'] = healthcheck
    return frame(HAPROXY_HELLO, pairs({n: v for n, v in items.items() if v is not None}))


def message(name, arguments, count=None):
    count = len(arguments) if count is None else count
    return string(name) + bytes([count]) + pairs(arguments)


def header_block(headers):
    return b''.join(string(n) + string(v) for n, v in headers) + b'\0\0'


def lookup(body, /, **changes):
    """The message `lookup` for a chat completion."""
    body = body.encode() if isinstance(body, str) else body
    headers = [('content-type', 'application/json'), ('content-length', str(len(body)))]
    arguments = {'policy': 'llm', 'tenant': 'acme', 'upstream': None, 'ttl': None, 'mode': None,
                 'method': 'POST', 'scheme': 'http', 'host': 'llm.example',
                 'target': '/v1/anything', 'headers': header_block(headers),
                 'exact': True, 'whole': True, 'body': body}
    arguments.update(changes)
    return message('lookup', arguments)


def store(ticket, body, /, **changes):
    """The message `store` for an answer in JSON."""
    body = body.encode() if isinstance(body, str) else body
    headers = [('content-type', 'application/json')]
    arguments = {'ticket': ticket, 'code': 200, 'headers': header_block(headers), 'whole': True,
                 'body': body}
    arguments.update(changes)
    return message('store', arguments)


def look_and_store(connection, body, answer='{"answer": 1}', **changes):
    """The variables that a lookup gives. An answer is stored when it is wanted, and
    `store_reason` is then there when it was refused."""
    found = connection.ask(lookup(body, **changes))
    if found.get('store'):
        found.update(connection.ask(store(found['ticket'], answer)))
    return found


def disconnect_code(reply):
    """The status code that an AGENT-DISCONNECT gives; it must carry a message too."""
    assert reply.type == AGENT_DISCONNECT, reply
    items, at = {}, 0
    while at < len(reply.payload):
        length, at = read_varint(reply.payload, at)
        name = reply.payload[at:at + length].decode()
        items[name], at = read_typed(reply.payload, at + length)
    assert isinstance(items['message'], str)
    return items['status-code']


def read_hello(reply):
    assert reply.type == AGENT_HELLO and reply.flags == FIN, reply
    assert (reply.stream, reply.frame) == (0, 0)
    items, at = {}, 0
    while at < len(reply.payload):
        length, at = read_varint(reply.payload, at)
        name = reply.payload[at:at + length].decode()
        items[name], at = read_typed(reply.payload, at + length)
    return items


def actions(reply):
    """The variables that an ACK sets."""
    assert reply.type == ACK and reply.flags == FIN, reply
    data, at, variables = reply.payload, 0, {}
    while at < len(data):
        kind, count, scope = data[at:at + 3]
        assert (kind, count, scope) == (1, 3, 2), 'not "set a variable of the transaction"'
        length, at = read_varint(data, at + 3)
        name = data[at:at + length].decode()
        variables[name], at = read_typed(data, at + length)
    return variables


class Connection:
    """One connection to an agent. As a context it is closed at the end."""

    def __init__(self, address, greet=True, timeout=5, **changes):
        self.socket = client.connect(address, timeout)
        self.pending = b''
        self.streams = itertools.count(1, 2)
        self.limit = None
        if greet:
            self.send(hello(**changes))
            self.agent = read_hello(self.read())
            self.limit = self.agent['max-frame-size']

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def read(self):
        """The next frame; Closed at the end of the connection, TimeoutError on silence."""
        while True:
            if len(self.pending) >= 4:
                length, = struct.unpack('>I', self.pending[:4])
                if len(self.pending) >= 4 + length:
                    content = self.pending[4:4 + length]
                    self.pending = self.pending[4 + length:]
                    return self.parse(content)
            try:
                data = self.socket.recv(1 << 16)
            except (ConnectionResetError, BrokenPipeError):
                data = b''
            if not data:
                assert not self.pending, 'the connection ended inside a frame'
                raise Closed
            self.pending += data

    def parse(self, content):
        assert self.limit is None or len(content) <= self.limit, 'longer than negotiated'
        flags, = struct.unpack('>I', content[1:5])
        stream, at = read_varint(content, 5)
        number, at = read_varint(content, at)
        return Frame(content[0], flags, stream, number, content[at:])

    def notify(self, *messages, number=1):
        """Sends a NOTIFY and returns the stream id."""
        stream = next(self.streams)
        self.send(frame(NOTIFY, b''.join(messages), stream, number))
        return stream

    def ask(self, *messages):
        """Sends a NOTIFY and returns the variables of its ACK."""
        stream = self.notify(*messages)
        reply = self.read()
        assert (reply.stream, reply.frame) == (stream, 1), reply
        return actions(reply)

    def refused(self):
        """The code of the AGENT-DISCONNECT that comes next; the connection ends behind it."""
        code = disconnect_code(self.read())
        assert self.closed()
        return code

    def closed(self):
        """Whether the agent ends the connection without another frame."""
        try:
            self.read()
        except Closed:
            return True
        return False

    def end(self):
        """Ends the connection as HAProxy does; returns the code of the answer."""
        self.send(frame(HAPROXY_DISCONNECT, pairs({'status-code': Typed(3, b'\0'),
                                                   'message': 'normal'})))
        return self.refused()
