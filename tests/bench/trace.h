/* Made-up requests to measure a cache with: which object each asks for, and what it takes. The
 * same numbers make the same trace everywhere. */
#ifndef BENCH_TRACE_H
#define BENCH_TRACE_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

enum { TRACE_KEYS = 20000, TRACE_PHASES = 10, TRACE_NEVER = UINT32_MAX };

struct trace_kind {
    const char *name;
    double skew; /* of Zipf's law */
    bool sweeps; /* in every phase a fifth of the requests are for new keys, once, in a row */
    bool shifts; /* in every phase an eighth of the keys changes places with the others */
};

struct trace {
    uint32_t len, objects;
    uint32_t *object;   /* [len]: what is asked for */
    uint32_t *next;     /* [len]: when it is asked for again; TRACE_NEVER */
    uint32_t *bytes;    /* [objects] */
    uint64_t footprint; /* bytes of all objects but the swept ones */
};

/* splitmix64 (Vigna, public domain): the k-th number of a sequence. */
static inline double trace_random(uint64_t *k)
{
    uint64_t z = (*k += UINT64_C(0x9E3779B97F4A7C15));

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

/* A length as answers of LLMs have it: log-normal around 6 KiB, from 1 to 64 KiB. */
static inline uint32_t trace_length(uint64_t *random)
{
    double normal = -6;

    for (int i = 0; i < 12; i++)
        normal += trace_random(random);
    return (uint32_t)(1024 * fmin(fmax(6 * exp(normal), 1), 64));
}

/* cumulated[i]: the part of requests that go to the keys 0 .. i. */
static inline void trace_zipf(double *cumulated, double skew)
{
    double total = 0;

    for (int i = 0; i < TRACE_KEYS; i++)
        cumulated[i] = total += pow(i + 1, -skew);
    for (int i = 0; i < TRACE_KEYS; i++)
        cumulated[i] /= total;
}

static inline uint32_t trace_rank(const double *cumulated, double at)
{
    uint32_t low = 0, high = TRACE_KEYS - 1;

    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (cumulated[middle] < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static inline bool trace_is_swept(const struct trace_kind *kind, uint32_t i, uint32_t phase)
{
    return kind->sweeps && i % phase >= phase / 5 * 3 && i % phase < phase / 5 * 4;
}

static inline void trace_requests(struct trace *t, const struct trace_kind *kind, uint64_t *random)
{
    static double cumulated[TRACE_KEYS];
    uint32_t phase = t->len / TRACE_PHASES;

    trace_zipf(cumulated, kind->skew);
    for (uint32_t i = 0; i < t->len; i++) {
        uint32_t shift = kind->shifts ? i / phase * (TRACE_KEYS / 8) : 0;
        t->object[i] = trace_is_swept(kind, i, phase)
                           ? t->objects++
                           : (trace_rank(cumulated, trace_random(random)) + shift) % TRACE_KEYS;
    }
}

static inline void trace_look_ahead(struct trace *t)
{
    uint32_t *seen = malloc(t->objects * sizeof *seen);

    if (!seen)
        abort();
    for (uint32_t i = 0; i < t->objects; i++)
        seen[i] = TRACE_NEVER;
    for (uint32_t i = t->len; i-- > 0;) {
        t->next[i] = seen[t->object[i]];
        seen[t->object[i]] = i;
    }
    free(seen);
}

/* A trace of `len` requests, at least 1000; `overhead` is what a cache adds to an object's bytes.
 */
static inline struct trace trace_make(const struct trace_kind *kind, uint32_t len,
                                      uint32_t overhead)
{
    struct trace t = {.len = len, .objects = TRACE_KEYS};
    uint64_t random = 42, lengths = 43; /* objects are the same in every trace */

    t.object = calloc(len, sizeof *t.object);
    t.next = calloc(len, sizeof *t.next);
    t.bytes = calloc(TRACE_KEYS + len, sizeof *t.bytes);
    if (!t.object || !t.next || !t.bytes)
        abort();
    trace_requests(&t, kind, &random);
    trace_look_ahead(&t);
    for (uint32_t i = 0; i < t.objects; i++) {
        t.bytes[i] = trace_length(&lengths) + overhead;
        t.footprint += i < TRACE_KEYS ? t.bytes[i] : 0;
    }
    return t;
}

static inline void trace_free(struct trace *t)
{
    free(t->object);
    free(t->next);
    free(t->bytes);
}

#endif
