/* How often values were in which range, over fixed bounds: counting costs a few comparisons. */
#ifndef CORE_HISTOGRAM_H
#define CORE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum { HISTOGRAM_BOUNDS_MAX = 16 };

/* Bounds, rising, and how much of what is counted makes one of the unit that is shown. */
struct histogram_scale {
    uint64_t bounds[HISTOGRAM_BOUNDS_MAX];
    size_t count;
    uint64_t unit;
};

extern const struct histogram_scale histogram_times; /* nanoseconds, shown in seconds */
extern const struct histogram_scale histogram_ages;  /* milliseconds, shown in seconds */
extern const struct histogram_scale histogram_sizes; /* bytes */

/* Starts as {0}. */
struct histogram {
    uint64_t counts[HISTOGRAM_BOUNDS_MAX + 1]; /* up to each bound; last, above all of them */
    uint64_t sum;
};

/* Counts a value in the first range whose bound it does not pass. */
static inline void histogram_count(struct histogram *h, const struct histogram_scale *scale,
                                   uint64_t value)
{
    size_t i = 0;

    while (i < scale->count && value > scale->bounds[i])
        i++;
    h->counts[i]++;
    h->sum += value;
}

#endif
