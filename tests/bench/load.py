#!/usr/bin/python3
"""Drive a cache with what users of an LLM API send, and draw what they saw.

usage: scripts/bench load [--url URL] [--seconds N] [--rate N] [--clients N] [--tenants N]
                          [--prompts N] [--zipf S] [--streams PERCENT] [--think MS] [--seed N]
                          [--svg FILE] [--json]

  --url      the stack to drive, http://ADDR:PORT (one of scripts/stack, started for this)
  --seconds  for how long (30)
  --rate     requests per second, sent whether or not answers come (200)
  --clients  connections; a request waits for a free one, and the wait counts (256)
  --tenants  who asks: as many as that, the first ones most (20)
  --prompts  different questions of each tenant (2000)
  --zipf     how much more often the first ones are asked: the exponent (0.9)
  --streams  of a hundred requests so many want a stream, which is not cached (10)
  --think    how long the fake LLM takes, milliseconds; a real one ignores it (300)
  --seed     the same seed, the same requests (1)
  --svg      also draw into this file
  --json     print figures instead of drawings

Times are from the moment a request was due, to the last byte of its answer. The exit status is
1 when a request failed, or was answered with another's answer (which only a fake LLM shows).
"""
import argparse
import asyncio
import bisect
import contextlib
import itertools
import json
import math
import os
import random
import signal
import subprocess
import sys
import time
import urllib.parse

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, f"{TOP}/tests/system")
from fake_llm import request_digest  # noqa: E402

PATH, HOST = "/v1/chat/completions", "api.example"
ANSWER_SECONDS = 60
KINDS = ("HIT", "COALESCED", "MISS", "BYPASS", "failed")
COLOURS = {"HIT": "#2f8f5b", "COALESCED": "#7cc49a", "MISS": "#d9a441", "BYPASS": "#9aa4b0",
           "failed": "#c8473d"}
BARS = " ▁▂▃▄▅▆▇█"
WORDS = ("order parcel invoice refund address label courier size colour return stock price "
         "warranty repair voucher account login delivery customs weight").split()


class Zipf:
    """Draws 0 .. count-1, the n-th in proportion to 1 / n^exponent."""

    def __init__(self, count, exponent):
        self.sums = list(itertools.accumulate(1 / n ** exponent for n in range(1, count + 1)))

    def draw(self, rng):
        return bisect.bisect(self.sums, rng.random() * self.sums[-1])


class Mix:
    """The requests, one after the other."""

    def __init__(self, o):
        self.rng = random.Random(o.seed)
        self.tenants, self.prompts = Zipf(o.tenants, 1), Zipf(o.prompts, o.zipf)
        self.streams = o.streams / 100

    def next(self):
        """The tenant and the body of a request."""
        tenant, prompt = self.tenants.draw(self.rng), self.prompts.draw(self.rng)
        body = {"model": "gpt-4o-mini", "messages": [
            {"role": "system", "content": "You are a support assistant. Answer briefly."},
            {"role": "user", "content": question(tenant, prompt)}]}
        if self.rng.random() < self.streams:
            body["stream"] = True
        return f"tenant-{tenant}", json.dumps(body).encode()


def question(tenant, prompt):
    """Always the same of a tenant and a number; some are short, a few are long."""
    rng = random.Random(tenant << 32 | prompt)
    words = int(rng.lognormvariate(math.log(60), 1))
    return f"Question {prompt}: " + " ".join(rng.choices(WORDS, k=min(max(words, 5), 2000)))


class Seen:
    """What became of one request: when it was due (seconds from the start), how long it took (ms)
    and what the cache said."""

    def __init__(self, due, ms, kind, error=""):
        self.due, self.ms, self.kind, self.error = due, ms, kind, error


class Client:
    """A connection that is kept, and one request at a time on it."""

    def __init__(self, host, port, think):
        self.host, self.port, self.think = host, port, think
        self.reader = self.writer = None

    async def ask(self, tenant, body):
        """Status, headers and body of the answer."""
        if not self.writer:
            self.reader, self.writer = await asyncio.open_connection(self.host, self.port,
                                                                     limit=1 << 20)
        self.writer.write(f"POST {PATH} HTTP/1.1\r\nHost: {HOST}\r\nX-Tenant-Id: {tenant}\r\n"
                          f"X-Fake: delay={self.think}\r\nContent-Type: application/json\r\n"
                          f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        head = await self.reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in
                   (line.partition(":") for line in lines[1:] if line)}
        return int(lines[0].split()[1]), headers, await self.rest(headers)

    async def rest(self, headers):
        if "content-length" in headers:
            return await self.reader.readexactly(int(headers["content-length"]))
        if headers.get("transfer-encoding") != "chunked":
            body = await self.reader.read()
            self.close()
            return body
        body = b""
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            body += (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readuntil(b"\r\n")
        return body

    def close(self):
        if self.writer:
            self.writer.close()
        self.reader = self.writer = None


def judged(status, headers, tenant, request, answer):
    """What the cache said of an answer, and what is wrong with it."""
    kind = headers.get("x-cache-status", "BYPASS")
    if status != 200:
        return "failed", f"status {status}"
    if headers.get("content-type", "").startswith("application/json"):
        fake = json.loads(answer).get("fake")
        asked = request_digest("POST", PATH, {"host": HOST, "x-tenant-id": tenant}, request)
        if fake and fake["digest"] != asked:
            return "failed", "the answer to another request"
    return (kind, "") if kind in KINDS else ("failed", f"X-Cache-Status: {kind}")


async def send(client, start, due, tenant, body):
    kind, error = "failed", ""
    try:
        status, headers, answer = await asyncio.wait_for(client.ask(tenant, body), ANSWER_SECONDS)
        kind, error = judged(status, headers, tenant, body, answer)
    except (OSError, EOFError, ValueError, LookupError, asyncio.TimeoutError) as e:
        error = str(e) or type(e).__name__
        client.close()
    return Seen(due, (time.monotonic() - start - due) * 1000, kind, error)


async def drive(o, url):
    """Everything seen, in the order in which it was due."""
    where, mix = urllib.parse.urlsplit(url), Mix(o)
    clients, idle, seen = [], asyncio.Queue(), []
    for _ in range(o.clients):
        clients.append(Client(where.hostname, where.port or 80, o.think))
        idle.put_nowait(clients[-1])
    start, tasks = time.monotonic(), []

    async def one(due, tenant, body):
        client = await idle.get()
        seen.append(await send(client, start, due, tenant, body))
        idle.put_nowait(client)

    for n in range(int(o.seconds * o.rate)):
        due = n / o.rate
        if (ahead := start + due - time.monotonic()) > 0:
            await asyncio.sleep(ahead)
        tasks.append(asyncio.ensure_future(one(due, *mix.next())))
        if n % o.rate == 0:
            progress(f"load: {n // o.rate} of {o.seconds} s, {len(seen)} answers")
    await asyncio.gather(*tasks)
    progress("")
    for client in clients:
        client.close()
    return sorted(seen, key=lambda one: one.due)


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


# What was seen, in figures

def percentile(values, part):
    values = sorted(values)
    return values[min(int(len(values) * part), len(values) - 1)] if values else 0.0


def times(seen, kind):
    return [one.ms for one in seen if one.kind == kind]


def summary(seen):
    rows = {}
    for kind in KINDS:
        if ms := times(seen, kind):
            rows[kind] = {"requests": len(ms), "share": len(ms) / len(seen),
                          **{f"p{p}_ms": round(percentile(ms, p / 100), 2) for p in (50, 90, 99)},
                          "max_ms": round(max(ms), 2)}
    return rows


def windows(seen, seconds, most=60):
    """The requests of each of at most so many equal windows of time, and how long one is."""
    width = max(1, math.ceil(seconds / most))
    out = [[] for _ in range(math.ceil(seconds / width))]
    for one in seen:
        out[int(one.due // width)].append(one)
    return out, width


def share_of_hits(window):
    hits = sum(one.kind in ("HIT", "COALESCED") for one in window)
    return hits / len(window) if window else 0.0


# As text

def draw_text(seen, o):
    print(f"\n{'':10} {'requests':>9} {'share':>7} {'p50 ms':>9} {'p90 ms':>9} {'p99 ms':>9} "
          f"{'max ms':>9}")
    for kind, row in summary(seen).items():
        print(f"{kind:10} {row['requests']:9} {row['share']:7.1%} {row['p50_ms']:9.2f} "
              f"{row['p90_ms']:9.2f} {row['p99_ms']:9.2f} {row['max_ms']:9.2f}")
    columns, width = windows(seen, o.seconds)
    print(f"\none column is {width} s")
    shares = [share_of_hits(window) for window in columns]
    print(f"hits, 0 to 100 %    {''.join(BARS[round(s * 8)] for s in shares)} "
          f"{shares[-1]:.0%} at the end")
    for part in (50, 99):
        ms = [percentile([one.ms for one in window], part / 100) for window in columns]
        print(f"p{part} ms, 0.1 to {10 ** math.ceil(math.log10(max(max(ms), 1))):<6} "
              f"{''.join(BARS[height(value, max(ms))] for value in ms)} {ms[-1]:.1f} at the end")


def height(value, most):
    """Of a bar, 1 to 8, in logarithmic steps from 0.1."""
    top = math.ceil(math.log10(max(most, 1))) + 1
    return min(max(1, round(8 * (math.log10(max(value, 0.1)) + 1) / top)), 8)


# As a picture

WIDE, HIGH, LEFT, TOP_EDGE = 720, 150, 60, 40


def draw_svg(seen, o):
    columns, width = windows(seen, o.seconds)
    most = 10 ** math.ceil(math.log10(max(max(one.ms for one in seen), 1)))
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE + LEFT + 20} '
             f'{2 * HIGH + 150}" font-family="sans-serif" font-size="12" fill="#333">',
             f'<rect width="100%" height="100%" fill="#fff"/>',
             f'<text x="{LEFT}" y="20">{len(seen)} requests, {o.rate} per second, {o.tenants} '
             f'tenants, {o.streams} % streams</text>']
    parts += answers_panel(columns, TOP_EDGE)
    parts += times_panel(columns, TOP_EDGE + HIGH + 50, most)
    parts.append(f'<text x="{LEFT}" y="{2 * HIGH + 135}">seconds: 0 to {len(columns) * width}</text>')
    parts.append("</svg>\n")
    return "\n".join(parts)


def axis(y, title, marks):
    """The frame of a panel; marks are (height from 0 to 1, text)."""
    out = [f'<text x="{LEFT}" y="{y - 6}" font-weight="bold">{title}</text>']
    for at, text in marks:
        line = y + HIGH * (1 - at)
        out += [f'<line x1="{LEFT}" x2="{LEFT + WIDE}" y1="{line:.1f}" y2="{line:.1f}" '
                'stroke="#ddd"/>',
                f'<text x="{LEFT - 6}" y="{line + 4:.1f}" text-anchor="end">{text}</text>']
    return out


def answers_panel(columns, y):
    """What became of the requests of each window, one on top of the other."""
    out = axis(y, "answers", [(0, "0 %"), (0.5, "50 %"), (1, "100 %")])
    step = WIDE / len(columns)
    for n, window in enumerate(columns):
        base = y + HIGH
        for kind in KINDS:
            tall = HIGH * sum(one.kind == kind for one in window) / max(len(window), 1)
            if tall:
                base -= tall
                out.append(f'<rect x="{LEFT + n * step:.1f}" y="{base:.1f}" width="{step:.1f}" '
                           f'height="{tall:.1f}" fill="{COLOURS[kind]}"/>')
    for n, kind in enumerate(KINDS):
        x = LEFT + 90 + 95 * n
        out += [f'<rect x="{x}" y="{y - 16}" width="10" height="10" fill="{COLOURS[kind]}"/>',
                f'<text x="{x + 15}" y="{y - 6}">{kind}</text>']
    return out


def times_panel(columns, y, most):
    """Percentiles of the time of all requests of each window, on a logarithmic scale."""
    decades = int(math.log10(most)) + 1
    out = axis(y, "time to the last byte, ms", [(n / decades, f"{10.0 ** (n - 1):g}")
                                                for n in range(decades + 1)])
    step = WIDE / len(columns)
    for n, (part, colour) in enumerate(((50, "#2f6fb0"), (90, "#8a6fc0"), (99, "#c8473d"))):
        points = []
        for column, window in enumerate(columns):
            if window:
                value = max(percentile([one.ms for one in window], part / 100), 0.1)
                points.append(f"{LEFT + (column + 0.5) * step:.1f},"
                              f"{y + HIGH * (1 - (math.log10(value) + 1) / decades):.1f}")
        out += [f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}" '
                'stroke-width="2"/>',
                f'<text x="{LEFT + 220 + 60 * n}" y="{y - 6}" fill="{colour}">p{part}</text>']
    return out


# The stack

@contextlib.contextmanager
def stack(o):
    """The URL to drive."""
    if o.url:
        yield o.url
        return
    process = subprocess.Popen([f"{TOP}/scripts/stack", "--listen", "127.0.0.1:0"],
                               stdout=subprocess.PIPE, text=True)
    try:
        ready = process.stdout.readline().split()
        if ready[:1] != ["ready"]:
            sys.exit("load: the stack did not start")
        yield ready[1]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def options():
    usage, _, rest = __doc__.partition("usage: ")[2].partition("\n\n")
    p = argparse.ArgumentParser(prog="scripts/bench load", usage=usage, epilog=rest,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    whole = [("seconds", 30), ("rate", 200), ("clients", 256), ("tenants", 20), ("prompts", 2000),
             ("seed", 1)]
    for name, default in whole:
        p.add_argument(f"--{name}", type=int, default=default, help=argparse.SUPPRESS)
    p.add_argument("--zipf", type=float, default=0.9, help=argparse.SUPPRESS)
    p.add_argument("--streams", type=float, default=10, help=argparse.SUPPRESS)
    p.add_argument("--think", type=int, default=300, help=argparse.SUPPRESS)
    for name in ("url", "svg"):
        p.add_argument(f"--{name}", help=argparse.SUPPRESS)
    p.add_argument("--json", action="store_true", help=argparse.SUPPRESS)
    o = p.parse_args()
    for name, _ in whole[:5]:
        if getattr(o, name) < 1:
            p.error(f"--{name} must be at least 1")
    return o


def main():
    o = options()
    with stack(o) as url:
        seen = asyncio.run(drive(o, url))
    if o.json:
        print(json.dumps({"requests": len(seen), "by": summary(seen)}))
    else:
        draw_text(seen, o)
    if o.svg:
        with open(o.svg, "w") as f:
            f.write(draw_svg(seen, o))
    errors = [one for one in seen if one.kind == "failed"]
    for one in errors[:5]:
        print(f"load: at {one.due:.3f} s: {one.error}", file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(1)
