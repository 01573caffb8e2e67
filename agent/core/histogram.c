#include "histogram.h"

#define US UINT64_C(1000)
#define MS (1000 * US)
#define S UINT64_C(1000)
#define MINUTE (60 * S)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define KB UINT64_C(1024)

const struct histogram_scale histogram_times = {
    {20 * US, 50 * US, 100 * US, 200 * US, 500 * US, 1 * MS, 2 * MS, 5 * MS, 10 * MS, 20 * MS,
     50 * MS, 100 * MS, 200 * MS, 500 * MS, 1000 * MS},
    15,
    1000 * MS,
};

const struct histogram_scale histogram_ages = {
    {1 * S, 10 * S, 1 * MINUTE, 5 * MINUTE, 15 * MINUTE, 1 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR,
     1 * DAY, 2 * DAY, 7 * DAY, 30 * DAY},
    13,
    1 * S,
};

const struct histogram_scale histogram_sizes = {
    {256, 512, 1 * KB, 2 * KB, 4 * KB, 8 * KB, 16 * KB, 32 * KB, 64 * KB, 128 * KB, 256 * KB,
     512 * KB, 1024 * KB},
    13,
    1,
};
