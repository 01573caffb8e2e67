#!/usr/bin/python3
"""Writes chat completions, one in each line, always the same ones.

usage: answers.py prose|salad SIZE

The text of the second half has no paragraph of the first half's.
"""
import itertools
import json
import random
import string
import sys


def prose():
    """Paragraphs of English with code between: what Python says of itself, some 700 KB."""
    from pydoc_data.topics import topics
    return [paragraph for name in sorted(topics) for paragraph in topics[name].split("\n\n")]


def salad():
    """Paragraphs of words that follow each other by chance, common ones more often: no phrases,
    but fewer words than people use, so what is made of them is no measure of real answers."""
    chance = random.Random(1)
    words = sorted({word for text in prose() for word in text.split() if word.isalpha()})
    weights = [1 / (rank + 1) for rank in range(len(words))]
    chance.shuffle(words)
    drawn = iter(chance.choices(words, weights, k=120000))
    return [" ".join(itertools.islice(drawn, chance.randint(20, 90))) for _ in range(2000)]


def answers(paragraphs, size, count, chance):
    """Up to `count` chat completions of about `size` bytes, no paragraph twice in one of them."""
    paragraphs = list(paragraphs)
    for number in range(count):
        chance.shuffle(paragraphs)
        text, rest = "", iter(paragraphs)
        while len(text) < size - 600 and (more := next(rest, None)) is not None:
            text += more + "\n\n"
        tokens = chance.randint(9, 2000), len(text) // 4
        yield json.dumps({
            "id": "chatcmpl-" + "".join(chance.choices(string.ascii_letters + string.digits, k=29)),
            "object": "chat.completion", "created": 1700000000 + number * 37,
            "model": "gpt-4o-mini-2024-07-18", "choices": [{
                "index": 0, "message": {"role": "assistant", "content": text[:max(size - 600, 50)],
                                        "refusal": None, "annotations": []},
                "logprobs": None, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": tokens[0], "completion_tokens": tokens[1],
                      "total_tokens": sum(tokens),
                      "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
                      "completion_tokens_details": {
                          "reasoning_tokens": 0, "audio_tokens": 0,
                          "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}},
            "service_tier": "default",
            "system_fingerprint": f"fp_{chance.getrandbits(40):010x}"}, separators=(",", ":"))


def main():
    paragraphs = {"prose": prose, "salad": salad}[sys.argv[1]]()
    size, chance = int(sys.argv[2]), random.Random(2)
    chance.shuffle(paragraphs)
    half = len(paragraphs) // 2
    for part in (paragraphs[:half], paragraphs[half:]):
        for answer in answers(part, size, min(200, 8000000 // size), chance):
            print(answer)


main()
