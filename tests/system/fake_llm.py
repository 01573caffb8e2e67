#!/usr/bin/python3
"""A fake LLM API: an origin that counts its calls and misbehaves on request.

    fake_llm.py [--listen ADDR:PORT] [--delay MS]

It prints `ready http://ADDR:PORT` once it listens (port 0 takes a free one). The path decides
the shape of the answer: .../chat/completions, .../completions, .../embeddings, .../responses
(OpenAI), .../messages (Anthropic), ...:generateContent (Gemini), .../invoke (Anthropic's on
Bedrock); any other path gets a plain object. `"stream": true` in the
request makes it a stream of server-sent events.

Every answer is new: it holds the number of the call, and a digest of the request it answers, so
that a stored answer differs from a fresh one and a wrong one from a right one:

    "fake": {"call": 17, "digest": "<request_digest()>", "length": <bytes of the request body>}

The headers X-Fake-Call and X-Fake-Sha256 (of the body, before a cut) say the same outside the
body.

    GET  /calls   {"total": N, "paths": {"/v1/...": N, ...}}
    POST /reset   counts from 0 again
    POST /release?NAME   lets answers go that were ordered with hold=NAME, now and later

Orders come in the header `X-Fake: order,order=value,...`, in the query parameter `fake`, or in
the JSON member `fake` of the request:

    delay=MS         wait before the head of the answer
    hold=NAME        wait until it is released, a minute at most
    parts=N gap=MS   send the body in N pieces (10), wait between them (streams: between events)
    events=N         of a stream: that many pieces of text (5)
    chunked          Transfer-Encoding: chunked instead of Content-Length
    close            neither: the body ends where the connection does
    cut=BYTES        close after so many bytes of the body, whatever was announced
    reset            with cut or drop: end the connection with RST instead of FIN
    drop             close without an answer
    huge=BYTES       a body of exactly so many bytes (if it is that long at least)
    pretty           JSON with newlines and indentation
    del              a raw 0x7f in a JSON string
    gzip             Content-Encoding: gzip
    binary           application/octet-stream with every byte value
    html             text/html
    notjson          application/json whose body is not JSON
    trailing         application/json with a second document behind the first
    empty            no body
    error            an error object in a 200
    finish=VALUE     that finish_reason or stop_reason
    status=CODE      that status, with an error object
    type=VALUE       that Content-Type ("type=" for none)
    vary=NAME        that Vary
    odd              Set-Cookie (twice), x-request-id, rate-limit headers, a header named by
                     Connection, a header that comes twice, and OpenAI-Model: call N
    hdr=NAME:VALUE   one more header (may be repeated)
"""
import argparse
import collections
import gzip
import hashlib
import json
import random
import socket
import struct
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

IDENTITY = ('host', 'x-tenant-id', 'authorization', 'x-api-key', 'api-key', 'x-variant')


def request_digest(method, target, headers, body):
    """What identifies a request to the tests: its line, who asks, and its body."""
    whole = hashlib.sha256(f'{method} {target}\n'.encode())
    for name in IDENTITY:
        whole.update(f'{name}: {headers.get(name, "")}\n'.encode())
    whole.update(body)
    return whole.hexdigest()


def read_orders(text):
    orders = {'hdr': []}
    for order in filter(None, (part.strip() for part in text.split(','))):
        name, _, value = order.partition('=')
        if name == 'hdr':
            orders['hdr'].append(tuple(part.strip() for part in value.split(':', 1)))
        else:
            orders[name] = value
    return orders


def chat(text, model):
    return {'id': 'chatcmpl-FaKe0123456789aBcDeF', 'object': 'chat.completion', 'created': 1700000000,
            'model': model,
            'choices': [{'index': 0, 'message': {'role': 'assistant', 'content': text},
                         'finish_reason': 'stop'}],
            'usage': {'prompt_tokens': 9, 'completion_tokens': 12, 'total_tokens': 21}}


def completion(text, model):
    return {'id': 'cmpl-fake', 'object': 'text_completion', 'created': 1700000000, 'model': model,
            'choices': [{'index': 0, 'text': text, 'finish_reason': 'stop'}],
            'usage': {'prompt_tokens': 9, 'completion_tokens': 12, 'total_tokens': 21}}


def embeddings(text, model):
    return {'object': 'list', 'model': model,
            'data': [{'object': 'embedding', 'index': 0, 'embedding': [0.25, -0.5, 1e-07]}],
            'usage': {'prompt_tokens': 9, 'total_tokens': 9}, 'note': text}


def response(text, model):
    return {'id': 'resp_fake', 'object': 'response', 'created_at': 1700000000, 'model': model,
            'status': 'completed', 'error': None, 'incomplete_details': None,
            'output': [{'type': 'message', 'role': 'assistant', 'status': 'completed',
                        'content': [{'type': 'output_text', 'text': text, 'annotations': []}]}],
            'usage': {'input_tokens': 9, 'output_tokens': 12, 'total_tokens': 21}}


def message(text, model):
    return {'id': 'msg_fake', 'type': 'message', 'role': 'assistant', 'model': model,
            'content': [{'type': 'text', 'text': text}], 'stop_reason': 'end_turn',
            'stop_sequence': None, 'usage': {'input_tokens': 9, 'output_tokens': 12}}


def content(text, model):
    return {'candidates': [{'content': {'role': 'model', 'parts': [{'text': text}]},
                            'finishReason': 'STOP', 'index': 0}],
            'usageMetadata': {'promptTokenCount': 9, 'candidatesTokenCount': 12},
            'modelVersion': model}


def plain(text, model):
    return {'object': 'fake', 'model': model, 'text': text}


def chat_events(pieces, model, fake):
    base = {'id': 'chatcmpl-FaKe0123456789aBcDeF', 'object': 'chat.completion.chunk', 'created': 1700000000,
            'model': model}
    for number, piece in enumerate(pieces):
        yield None, dict(base, choices=[{'index': 0, 'finish_reason': None,
                                         'delta': {'role': 'assistant', 'content': piece}}],
                         fake=dict(fake, event=number))
    yield None, dict(base, choices=[{'index': 0, 'delta': {}, 'finish_reason': 'stop'}])
    yield None, '[DONE]'


def response_events(pieces, model, fake):
    for number, piece in enumerate(pieces):
        kind = 'response.output_text.delta'
        yield kind, {'type': kind, 'delta': piece, 'fake': dict(fake, event=number)}
    whole = dict(response(''.join(pieces), model), fake=fake)
    yield 'response.completed', {'type': 'response.completed', 'response': whole}


def message_events(pieces, model, fake):
    start = dict(message('', model), content=[], stop_reason=None)
    yield 'message_start', {'type': 'message_start', 'message': start, 'fake': fake}
    for piece in pieces:
        yield 'content_block_delta', {'type': 'content_block_delta', 'index': 0,
                                      'delta': {'type': 'text_delta', 'text': piece}}
    yield 'message_delta', {'type': 'message_delta', 'delta': {'stop_reason': 'end_turn'}}
    yield 'message_stop', {'type': 'message_stop'}


SHAPES = (('/chat/completions', chat, chat_events), ('/completions', completion, chat_events),
          ('/embeddings', embeddings, None), ('/responses', response, response_events),
          ('/messages', message, message_events), (':generateContent', content, None),
          ('/invoke', message, None), ('', plain, chat_events))

ODD_HEADERS = (('Set-Cookie', 'session=secret; Path=/'), ('Set-Cookie', 'other=1'),
               ('X-Request-Id', 'req-of-call'), ('OpenAI-Processing-Ms', '17'),
               ('X-RateLimit-Remaining-Requests', '41'), ('Retry-After', '7'),
               ('Anthropic-RateLimit-Tokens-Remaining', '5'), ('Connection', 'X-Hop'),
               ('X-Hop', 'for one hop'), ('X-Twice', 'one'), ('X-Twice', 'two'))


class Calls:
    """The counters, shared by the threads."""

    def __init__(self):
        self.lock = threading.Lock()
        self.reset()

    def reset(self):
        with self.lock:
            self.total = 0
            self.paths = collections.Counter()

    def count(self, path):
        with self.lock:
            self.total += 1
            self.paths[path] += 1
            return self.total

    def report(self):
        with self.lock:
            return {'total': self.total, 'paths': dict(self.paths)}


class Holds:
    """Events by name."""

    def __init__(self):
        self.events = collections.defaultdict(threading.Event)
        self.lock = threading.Lock()

    def __getitem__(self, name):
        with self.lock:
            return self.events[name]


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True

    def handle(self):
        try:
            super().handle()
        except OSError:
            self.close_connection = True

    def log_message(self, *args):
        pass

    def answer(self):
        body = self.read_body()
        if body is None:
            self.close_connection = True
            return
        url = urllib.parse.urlsplit(self.path)
        if (self.command, url.path) == ('GET', '/calls'):
            self.send_json(self.server.calls.report())
        elif (self.command, url.path) == ('POST', '/reset'):
            self.server.calls.reset()
            self.send_json({})
        elif (self.command, url.path) == ('POST', '/release'):
            self.server.holds[url.query].set()
            self.send_json({})
        else:
            self.answer_call(url, body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = answer

    def read_body(self):
        """The whole request body; None when the client went away before its end."""
        if 'chunked' not in self.headers.get('Transfer-Encoding', '').lower():
            length = int(self.headers.get('Content-Length') or 0)
            body = self.rfile.read(length)
            return body if len(body) == length else None
        body = b''
        while True:
            line = self.rfile.readline()
            if not line.strip():
                return None
            size = int(line.split(b';')[0], 16)
            if not size:
                while self.rfile.readline().strip():
                    pass
                return body
            body += self.rfile.read(size)
            self.rfile.readline()

    def answer_call(self, url, body):
        call = self.server.calls.count(url.path)
        try:
            request = json.loads(body)
        except (ValueError, RecursionError):
            request = None
        if not isinstance(request, dict):
            request = {}
        orders = self.orders(url, request)
        fake = {'call': call, 'length': len(body),
                'digest': request_digest(self.command, self.path, self.headers, body)}
        time.sleep(int(orders.get('delay') or self.server.delay) / 1000)
        if 'hold' in orders:
            self.server.holds[orders['hold']].wait(60)
        if 'drop' in orders:
            self.hang_up('reset' in orders)
        elif request.get('stream') is True and 'status' not in orders:
            self.send_stream(url.path, request, orders, fake)
        else:
            self.send_answer(url.path, request, orders, fake)

    def orders(self, url, request):
        given = [*self.headers.get_all('X-Fake', []),
                 *urllib.parse.parse_qs(url.query).get('fake', [])]
        if isinstance(request.get('fake'), str):
            given.append(request['fake'])
        return read_orders(','.join(given))

    # The body of an answer.

    def send_answer(self, path, request, orders, fake):
        status = int(orders.get('status', 200))
        kind, body = self.body(path, request, orders, fake, status)
        headers = [('X-Fake-Call', str(fake['call']))]
        if 'gzip' in orders:
            body = gzip.compress(body, mtime=0)
            headers.append(('Content-Encoding', 'gzip'))
        headers.append(('X-Fake-Sha256', hashlib.sha256(body).hexdigest()))
        kind = orders.get('type', kind)
        if kind:
            headers.append(('Content-Type', kind))
        if 'vary' in orders:
            headers.append(('Vary', orders['vary']))
        if 'odd' in orders:
            headers += [*ODD_HEADERS, ('OpenAI-Model', f'call {fake["call"]}')]
        parts = int(orders.get('parts', 10 if 'gap' in orders else 1))
        step = max(1, -(-len(body) // parts))
        pieces = [body[at:at + step] for at in range(0, len(body), step)]
        self.send(status, headers + orders['hdr'], pieces, orders)

    def body(self, path, request, orders, fake, status):
        if 'binary' in orders:
            return 'application/octet-stream', bytes(range(256)) * 4 + str(fake).encode()
        if 'html' in orders:
            return 'text/html', f'<html>{fake}</html>'.encode()
        if 'notjson' in orders:
            return 'application/json', f'<html>{fake}</html>'.encode()
        if 'empty' in orders:
            return 'application/json', b''
        body = self.json_body(path, request, orders, fake, status, '')
        missing = int(orders.get('huge', 0)) - len(body)
        if missing > 0:
            filler = random.Random(fake['call']).randbytes(missing // 2 + 1).hex()[:missing]
            body = self.json_body(path, request, orders, fake, status, filler)
        if 'trailing' in orders:
            body += b'{"second": true}'
        return 'application/json', body

    def json_body(self, path, request, orders, fake, status, filler):
        text = f'Answer {fake["call"]} to {fake["digest"][:16]}.{filler}'
        if status >= 400 or 'error' in orders:
            answer = {'error': {'message': text, 'type': 'server_error', 'code': None}}
        else:
            make = next(make for suffix, make, _ in SHAPES if path.endswith(suffix))
            answer = make(text, request.get('model', 'fake'))
        if 'finish' in orders:
            for part, name in ((answer.get('choices', [{}])[0], 'finish_reason'),
                               (answer, 'stop_reason')):
                if name in part:
                    part[name] = orders['finish'] or None
        answer['fake'] = fake
        if 'del' in orders:
            answer['del'] = 'a\x7fb'
        body = json.dumps(answer, indent=2 if 'pretty' in orders else None, ensure_ascii=False)
        return body.encode('utf-8', 'surrogatepass')

    def send_stream(self, path, request, orders, fake):
        make = next(events for suffix, _, events in SHAPES if path.endswith(suffix) and events)
        pieces = [f'piece {n} of call {fake["call"]} ' for n in range(int(orders.get('events', 5)))]
        events = []
        for name, data in make(pieces, request.get('model', 'fake'), fake):
            text = data if isinstance(data, str) else json.dumps(data)
            events.append(((f'event: {name}\n' if name else '') + f'data: {text}\n\n').encode())
        headers = [('Content-Type', orders.get('type', 'text/event-stream; charset=utf-8')),
                   ('Cache-Control', 'no-cache'), ('X-Fake-Call', str(fake['call'])),
                   ('X-Fake-Sha256', hashlib.sha256(b''.join(events)).hexdigest())]
        self.send(200, headers, events, dict(orders, chunked=''))

    # The wire.

    def send_json(self, value):
        self.send(200, [('Content-Type', 'application/json')], [json.dumps(value).encode()], {})

    def send(self, status, headers, pieces, orders):
        """Writes the head and the pieces as the orders say; a single piece in one write."""
        chunked = 'chunked' in orders
        bodyless = self.command == 'HEAD' or status in (204, 304)
        if chunked:
            headers.append(('Transfer-Encoding', 'chunked'))
        elif 'close' in orders:
            headers.append(('Connection', 'close'))
            self.close_connection = True
        elif status not in (204, 304):
            headers.append(('Content-Length', str(sum(map(len, pieces)))))
        head = f'HTTP/1.1 {status} {self.responses.get(status, ("Fake",))[0]}\r\n'
        out = (head + ''.join(f'{n}: {v}\r\n' for n, v in headers) + '\r\n').encode('latin-1')
        left = int(orders['cut']) if 'cut' in orders else None
        gap = int(orders.get('gap', 0)) / 1000
        for number, piece in enumerate(() if bodyless else pieces):
            if number and gap:
                self.wfile.write(out)
                out = b''
                time.sleep(gap)
            piece = piece if left is None else piece[:left]
            left = None if left is None else left - len(piece)
            if piece:
                out += b'%x\r\n%b\r\n' % (len(piece), piece) if chunked else piece
        self.wfile.write(out + (b'0\r\n\r\n' if chunked and left is None and not bodyless else b''))
        if left is not None:
            self.hang_up('reset' in orders)

    def hang_up(self, reset):
        self.close_connection = True
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))


class Server(ThreadingHTTPServer):
    request_queue_size = 1024
    daemon_threads = True
    block_on_close = False

    def __init__(self, address, delay=0):
        self.calls = Calls()
        self.holds = Holds()
        self.delay = delay
        super().__init__(address, Handler)

    def server_bind(self):
        # The standard library's looks the name of the address up, which can take seconds.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.server_address[:2]

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def main():
    parser = argparse.ArgumentParser(description='A fake LLM API; orders stand in the source.')
    parser.add_argument('--listen', default='127.0.0.1:8081', metavar='ADDR:PORT')
    parser.add_argument('--delay', default=0, type=int, metavar='MS',
                        help='wait before every answer that orders no delay of its own')
    options = parser.parse_args()
    address, _, port = options.listen.rpartition(':')
    server = Server((address, int(port)), options.delay)
    print('ready http://%s:%d' % server.server_address, flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == '__main__':
    main()
