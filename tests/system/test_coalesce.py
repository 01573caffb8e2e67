"""Identical requests at once: one goes to the origin, the others wait for its answer."""
import collections
import threading
import time

import pytest

import harness
from harness import chat, prompt


class Crowd:
    """Requests sent at once, each on a connection and a thread of its own."""

    def __init__(self, ask, count):
        self.answers, self.failures = [], []
        self.threads = [threading.Thread(target=self.run, args=(ask, n)) for n in range(count)]
        for thread in self.threads:
            thread.start()

    def run(self, ask, number):
        try:
            self.answers.append(ask(number))
        except Exception as error:  # whatever a client would see
            self.failures.append(repr(error))

    def join(self):
        for thread in self.threads:
            thread.join()
        assert not self.failures, self.failures
        assert all(answer.status == 200 and answer.complete for answer in self.answers)
        return self.answers

    def statuses(self):
        return collections.Counter(answer.cache for answer in self.join())


def test_one_request_goes_to_the_origin(sanitized_stack, origin):
    question, calls = prompt(), origin.calls()
    crowd = Crowd(lambda _: sanitized_stack.post(question, "delay=700"), 50)
    assert crowd.statuses() == {'MISS': 1, 'COALESCED': 49}
    assert origin.calls() == calls + 1
    assert len({answer.body for answer in crowd.answers}) == 1
