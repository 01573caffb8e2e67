/* Counts of durations in buckets of 1/32 of their power of two: quantiles within 3 %. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum { HISTOGRAM_BITS = 5, HISTOGRAM_BUCKETS = (64 - HISTOGRAM_BITS + 1) << HISTOGRAM_BITS };

struct histogram {
    uint64_t total, counts[HISTOGRAM_BUCKETS];
};

static inline size_t histogram_bucket(uint64_t value)
{
    unsigned top = 63 - (unsigned)__builtin_clzll(value | 1);
    unsigned shift = top > HISTOGRAM_BITS ? top - HISTOGRAM_BITS : 0;

    return ((size_t)shift << HISTOGRAM_BITS) + (size_t)(value >> shift);
}

static inline void histogram_add(struct histogram *h, uint64_t value)
{
    h->counts[histogram_bucket(value)]++;
    h->total++;
}

/* The upper bound of the bucket that holds the q-th part of all values; 0 when there is none. */
static inline double histogram_quantile(const struct histogram *h, double q)
{
    uint64_t seen = 0;

    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        size_t shift = i >> HISTOGRAM_BITS > 1 ? (i >> HISTOGRAM_BITS) - 1 : 0;

        seen += h->counts[i];
        if (h->total && (double)seen >= q * (double)h->total)
            return (double)((i - (shift << HISTOGRAM_BITS) + 1) << shift);
    }
    return 0;
}

#endif
