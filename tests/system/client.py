"""An HTTP/1.1 client for tests: exact bytes out; status, headers, body and times in."""
import http.client
import json
import socket
import time


def connect(address, timeout=30):
    """A stream to "ADDR:PORT" or "unix:PATH"."""
    if address.startswith('unix:'):
        stream = socket.socket(socket.AF_UNIX)
        stream.settimeout(timeout)
        stream.connect(address[5:])
    else:
        host, _, port = address.rpartition(':')
        stream = socket.create_connection((host, int(port)), timeout)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return stream


class Answer:
    """What came back. `complete` says that the body ended where its framing says so; `pieces`
    are (seconds since the request was sent, bytes)."""

    def __init__(self, response, method, started):
        self.status = response.status
        self.headers = [(name.lower(), value) for name, value in response.getheaders()]
        self.head_time = time.monotonic() - started
        self.pieces = []
        self.complete = True
        try:
            while piece := response.read1(1 << 16):
                self.pieces.append((time.monotonic() - started, piece))
        except (http.client.HTTPException, OSError, ValueError):
            self.complete = False
        self.body = b''.join(piece for _, piece in self.pieces)
        # read1() takes a body that is shorter than announced for a whole one.
        length = response.getheader('content-length')
        if length and method != 'HEAD' and len(self.body) != int(length):
            self.complete = False
        self.time = time.monotonic() - started

    def header(self, name):
        """The value of a header; None without it, an error when it comes twice."""
        values = [value for key, value in self.headers if key == name]
        assert len(values) <= 1, f'{name} comes {len(values)} times'
        return values[0] if values else None

    @property
    def cache(self):
        return self.header('x-cache-status')

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def call(self):
        """Which call to the origin made this answer."""
        return self.json['fake']['call']

    def __repr__(self):
        told = dict(self.headers).get('cache-status')
        return f'<{self.status} {self.cache} "{told}" {self.body[:80]!r} {self.headers}>'


def chunks(body, size):
    """The body in chunked coding."""
    pieces = (body[at:at + size] for at in range(0, len(body), size))
    return b''.join(b'%x\r\n%b\r\n' % (len(piece), piece) for piece in pieces) + b'0\r\n\r\n'


def request(address, method, target, headers, body=b'', chunk=None, pieces=1, pause=0, timeout=30):
    """One request on a connection of its own. `chunk` sends the body chunked, in chunks of that
    size; `pieces` and `pause` send it slowly."""
    head = [f'{method} {target} HTTP/1.1', *(f'{name}: {value}' for name, value in headers.items())]
    if chunk:
        head.append('Transfer-Encoding: chunked')
        body = chunks(body, chunk)
    elif body or method in ('POST', 'PUT', 'PATCH'):
        head.append(f'Content-Length: {len(body)}')
    whole = '\r\n'.join([*head, 'Connection: close', '', '']).encode('latin-1') + body
    with connect(address, timeout) as stream:
        step = -(-len(whole) // pieces)
        for at in range(0, len(whole), step):
            if at:
                time.sleep(pause)
            stream.sendall(whole[at:at + step])
        started = time.monotonic()
        response = http.client.HTTPResponse(stream, method=method)
        try:
            response.begin()
            return Answer(response, method, started)
        finally:
            response.close()
