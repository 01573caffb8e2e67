/* What stays in a cache: hit ratios of the memory store, of the policies it was chosen from, and of
 * one that knows the future. Each is asked for the objects of a trace in turn, and given what it
 * does not have.
 *
 * usage: tier [REQUESTS]
 */
#include "store/memory.h"
#include "trace.h"

#include <stdio.h>

enum { REQUESTS = 400000, LEAST_REQUESTS = 10000, NONE = TRACE_NEVER };
enum { KEY = 60, OVERHEAD = 136 }; /* bytes: a key, and what the store takes besides the value */

/* An object, by its number. */
struct object {
    uint32_t bytes, newer, older;
    uint32_t next; /* when it is asked for again, or where it stands, as a policy needs it */
    uint8_t queue; /* 0: not in the cache */
    uint8_t uses;
};

struct queue {
    uint32_t newest, oldest;
    uint64_t bytes;
};

static struct object *objects;
static uint32_t object_count, queued;
static struct queue queues[4];
static uint64_t max;

static void leave(uint32_t i)
{
    struct object *o = &objects[i];
    struct queue *q = &queues[o->queue];

    *(o->newer == NONE ? &q->newest : &objects[o->newer].older) = o->older;
    *(o->older == NONE ? &q->oldest : &objects[o->older].newer) = o->newer;
    q->bytes -= o->bytes;
    o->queue = 0;
    queued--;
}

static void enter(uint32_t i, uint8_t queue)
{
    struct object *o = &objects[i];
    struct queue *q = &queues[queue];

    o->newer = NONE;
    o->older = q->newest;
    *(q->newest == NONE ? &q->oldest : &objects[q->newest].newer) = i;
    q->newest = i;
    q->bytes += o->bytes;
    o->queue = queue;
    queued++;
}

static bool full(uint32_t i)
{
    return queues[1].bytes + queues[2].bytes + queues[3].bytes + objects[i].bytes > max;
}

/* Least recently used out first. */
static bool ask_lru(uint32_t i, uint32_t now)
{
    bool hit = objects[i].queue;

    (void)now;
    if (hit)
        leave(i);
    while (full(i))
        leave(queues[1].oldest);
    enter(i, 1);
    return hit;
}

/* SIEVE (Zhang et al., NSDI 2024): a hand goes from the oldest to the newest and takes what was
 * not asked for since it came by. */
static uint32_t hand;

static uint32_t hand_at(uint32_t i)
{
    return i == NONE ? queues[1].oldest : i;
}

static bool ask_sieve(uint32_t i, uint32_t now)
{
    (void)now;
    if (objects[i].queue) {
        objects[i].uses = 1;
        return true;
    }
    while (full(i)) {
        for (hand = hand_at(hand); objects[hand].uses; hand = hand_at(objects[hand].newer))
            objects[hand].uses = 0;
        uint32_t victim = hand;
        hand = objects[victim].newer;
        leave(victim);
    }
    enter(i, 1);
    return false;
}

/* W-TinyLFU (Einziger et al., ACM TOS 2017): a window of 1 %, then in only what was asked for more
 * often than what would have to go. Counts exactly, which a real one only estimates. */
enum { WINDOW = 1, PROBATION, PROTECTED };
static uint32_t counted;

static void count(uint32_t i)
{
    if (objects[i].uses < 15)
        objects[i].uses++;
    if (++counted < 10 * queued)
        return;
    counted = 0;
    for (uint32_t k = 0; k < object_count; k++)
        objects[k].uses /= 2;
}

static void admit(uint32_t i)
{
    while (full(i)) {
        uint32_t victim = queues[PROBATION].oldest;
        if (victim == NONE)
            victim = queues[PROTECTED].oldest;
        if (victim == NONE || objects[i].uses <= objects[victim].uses)
            return;
        leave(victim);
    }
    enter(i, PROBATION);
}

static void move(uint32_t i, uint8_t queue)
{
    leave(i);
    enter(i, queue);
}

static bool ask_tinylfu(uint32_t i, uint32_t now)
{
    uint8_t queue = objects[i].queue;

    (void)now;
    count(i);
    if (queue == WINDOW)
        move(i, WINDOW);
    else if (queue)
        move(i, PROTECTED);
    else
        enter(i, WINDOW);
    while (queues[PROTECTED].bytes > max / 100 * 79)
        move(queues[PROTECTED].oldest, PROBATION);
    while (queues[WINDOW].bytes > max / 100) {
        uint32_t candidate = queues[WINDOW].oldest;
        leave(candidate);
        admit(candidate);
    }
    return queue;
}

/* Near to the optimum for hits of objects (Belady, for sizes): of 64 at random the one goes that
 * takes most bytes for the longest time to its next use. What is never asked for stays out. */
static const struct trace *future;
static uint32_t *inside, inside_count;
static uint64_t inside_bytes, dice;

static double burden(uint32_t i, uint32_t now)
{
    return (double)(future->next[objects[i].next] - now) * objects[i].bytes;
}

static uint32_t pick_burden(uint32_t now)
{
    uint32_t worst = 0;

    for (int k = 0; k < 64; k++) {
        uint32_t at = (uint32_t)(trace_random(&dice) * inside_count);
        if (k == 0 || burden(inside[at], now) > burden(inside[worst], now))
            worst = at;
    }
    return worst;
}

static bool ask_future(uint32_t i, uint32_t now)
{
    bool hit = objects[i].queue;

    objects[i].next = now;
    if (hit || future->next[now] == TRACE_NEVER)
        return hit;
    inside[inside_count++] = i;
    inside_bytes += objects[i].bytes;
    objects[i].queue = 1;
    while (inside_bytes > max) {
        uint32_t at = pick_burden(now);
        inside_bytes -= objects[inside[at]].bytes;
        objects[inside[at]].queue = 0;
        inside[at] = inside[--inside_count];
    }
    return false;
}

/* The store itself. */
static struct store *store;
static struct metrics metrics;

struct look {
    struct store_read read; /* first */
    bool hit;
};

static void looked(struct store_read *read, enum store_result result, struct str value)
{
    (void)value;
    ((struct look *)read)->hit = result == STORE_HIT;
}

static bool ask_store(uint32_t i, uint32_t now)
{
    static const char value[64 << 10];
    char key[KEY + 1];
    struct str name = {key, KEY};
    struct look look = {.read.done = looked};

    snprintf(key, sizeof key, "sc:bench:0123456789abcdef:%034x", i);
    store->ops->get(store, name, now, &look.read);
    if (!look.hit)
        store->ops->put(store, name, (struct str){value, objects[i].bytes - OVERHEAD}, now,
                        1 << 30);
    return look.hit;
}

static const struct policy {
    const char *name;
    bool (*ask)(uint32_t object, uint32_t now);
} policies[] = {
    {"LRU", ask_lru},
    {"SIEVE", ask_sieve},
    {"W-TinyLFU", ask_tinylfu},
    {"store: S3-FIFO", ask_store},
    {"near optimum", ask_future},
};

enum { POLICIES = sizeof policies / sizeof *policies, LRU = 0, STORE = 3 };

/* The bars: points the store has to have more than LRU, on average and where it has least. */
static const double enough = 5, least = -3;

struct ratio {
    double objects, bytes; /* per cent */
};

static void empty_cache(const struct trace *t)
{
    for (uint32_t i = 0; i < t->objects; i++)
        objects[i] = (struct object){.bytes = t->bytes[i]};
    for (int i = 0; i < 4; i++)
        queues[i] = (struct queue){NONE, NONE, 0};
    object_count = t->objects;
    hand = NONE;
    future = t;
    queued = counted = inside_count = 0;
    inside_bytes = dice = 0;
}

/* The first fifth only fills the cache. */
static struct ratio run(const struct policy *policy, const struct trace *t)
{
    struct ratio hits = {0}, all = {0};

    empty_cache(t);
    store = memory_new(max, &metrics);
    if (!store)
        abort();
    for (uint32_t now = 0; now < t->len; now++) {
        uint32_t i = t->object[now];
        bool hit = policy->ask(i, now), counts = now >= t->len / 5;
        all.objects += counts;
        all.bytes += counts * t->bytes[i];
        hits.objects += counts && hit;
        hits.bytes += (counts && hit) * t->bytes[i];
    }
    store->ops->free(store);
    return (struct ratio){100 * hits.objects / all.objects, 100 * hits.bytes / all.bytes};
}

/* Prints a row; the result is what the store has more than LRU, in points. */
static double row(const struct trace_kind *kind, const struct trace *t, int percent)
{
    struct ratio ratios[POLICIES];

    max = t->footprint / 100 * (unsigned)percent;
    printf("  %-22s %4d %%", kind->name, percent);
    for (int i = 0; i < POLICIES; i++) {
        char cell[32];
        ratios[i] = run(&policies[i], t);
        snprintf(cell, sizeof cell, "%.1f / %.1f", ratios[i].objects, ratios[i].bytes);
        printf("  %14s", cell);
    }
    printf("  %+5.1f\n", ratios[STORE].objects - ratios[LRU].objects);
    fflush(stdout);
    return ratios[STORE].objects - ratios[LRU].objects;
}

static void prepare(uint32_t requests)
{
    objects = calloc(TRACE_KEYS + requests, sizeof *objects);
    inside = calloc(TRACE_KEYS + requests, sizeof *inside);
    if (!objects || !inside)
        abort();
    printf("  %-22s %6s", "trace", "cache");
    for (int i = 0; i < POLICIES; i++)
        printf("  %14s", policies[i].name);
    printf("  - LRU\n");
}

static void print_rows(uint32_t requests)
{
    static const struct trace_kind kinds[] = {
        {.name = "Zipf 0.8", .skew = 0.8},
        {.name = "Zipf 0.9", .skew = 0.9},
        {.name = "Zipf 1.0", .skew = 1.0},
        {.name = "Zipf 0.9 and sweeps", .skew = 0.9, .sweeps = true},
        {.name = "Zipf 0.9, shifting", .skew = 0.9, .shifts = true},
    };
    static const int percents[] = {1, 5, 20};
    double total = 0, smallest = 100;
    int rows = 0;

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct trace t = trace_make(&kinds[i], requests, OVERHEAD);
        for (size_t k = 0; k < sizeof percents / sizeof *percents; k++, rows++) {
            double more = row(&kinds[i], &t, percents[k]);
            total += more;
            smallest = fmin(smallest, more);
        }
        trace_free(&t);
    }
    printf("  more than LRU: %+.1f points on average, %+.1f at least; bars %+.0f, %+.0f: %s\n",
           total / rows, smallest, enough, least,
           total / rows >= enough && smallest >= least ? "pass" : "MISSED");
}

int main(int argc, char **argv)
{
    long requests = argc > 1 ? strtol(argv[1], NULL, 10) : REQUESTS;

    if (requests < LEAST_REQUESTS)
        requests = LEAST_REQUESTS;
    prepare((uint32_t)requests);
    print_rows((uint32_t)requests);
    free(objects);
    free(inside);
    return 0;
}
