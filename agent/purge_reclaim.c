#include "purge_reclaim.h"

#include "core/compress.h"
#include "core/decimal.h"
#include "core/entry.h"
#include "core/plan.h"
#include "core/seal.h"
#include "net/clock.h"
#include "settings.h"
#include "store/lease.h"
#include "store/purge_script.h"
#include "store/redis_sync.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Keys that one SCAN looks at, of anybody. */
enum { SCAN_COUNT = 200, VALUE_MAX = 64 << 20 };

/* No value that this cache wrote is longer: the largest max-body, and what is around it. A part of
 * a longer one is none that opens. */
#define VALUE_END "16777215"

/* What of a value holds all that stands before the answer. */
#define HEAD_END "8191"
_Static_assert(512 + PURGE_NAME_MAX + PLAN_TAGS_MAX < 8191, "HEAD_END");

/* What becomes of a key. */
enum mark { FOUND, SEALED, PURGED, DONE };

struct reclaim {
    struct redis_sync redis;
    struct purges *purges; /* owned */
    int64_t rate, started, said;
    int64_t keys, scans, scanned, unlinked, unopened;
    struct seal *seal; /* owned, like the marks of the keys that are looked at */
    enum mark *marks;
    bool refused;
};

/* Remembers why it failed. */
static bool fail(struct reclaim *r, const redisContext *node, const redisReply *reply)
{
    snprintf(r->redis.error, sizeof r->redis.error, "Redis: %s",
             reply && reply->type == REDIS_REPLY_ERROR ? reply->str
             : node->err                               ? node->errstr
                                                       : "an answer that is none");
    return false;
}

/* Notes what the hash says: field, epoch, field, epoch. */
static void read_purges(struct purges *p, const redisReply *fields)
{
    int64_t epoch;

    for (size_t i = 0; i + 1 < fields->elements; i += 2) {
        struct str field = {fields->element[i]->str, fields->element[i]->len};
        struct str text = {fields->element[i + 1]->str, fields->element[i + 1]->len};
        if (purge_is_scope(field) && decimal_read(text, &epoch))
            purges_note(p, field, epoch);
    }
}

/* One node of a cluster has the hash, the others say MOVED. */
static bool find_purges(struct reclaim *r)
{
    bool found = false;

    purges_init(r->purges, 0);
    for (size_t i = 0; i < r->redis.count && !found; i++) {
        redisContext *node = r->redis.nodes[i];
        redisReply *reply = redisCommand(node, "HGETALL " PURGE_KEY);
        found = reply && reply->type == REDIS_REPLY_ARRAY;
        if (found)
            read_purges(r->purges, reply);
        else
            fail(r, node, reply);
        if (reply)
            freeReplyObject(reply);
    }
    return found;
}

/* About how many keys there are. */
static void count_keys(struct reclaim *r)
{
    for (size_t i = 0; i < r->redis.count; i++) {
        redisReply *reply = redisCommand(r->redis.nodes[i], "DBSIZE");
        if (reply && reply->type == REDIS_REPLY_INTEGER)
            r->keys += reply->integer;
        if (reply)
            freeReplyObject(reply);
    }
}

static void say_progress(const struct reclaim *r)
{
    fprintf(stderr,
            "looked at %" PRId64 " of our keys, unlinked %" PRId64 "; all keys: %" PRId64 "\n",
            r->scanned, r->unlinked, r->keys);
}

/* Says once a second how far it is, and waits when it is too fast. */
static void keep_pace(struct reclaim *r)
{
    int64_t now = clock_now(), due = r->started + r->scans * SCAN_COUNT * CLOCK_SECOND / r->rate;

    if (now - r->said >= CLOCK_SECOND) {
        say_progress(r);
        r->said = now;
    }
    if (due > now) {
        struct timespec pause = {(due - now) / CLOCK_SECOND, (due - now) % CLOCK_SECOND};
        nanosleep(&pause, NULL);
    }
}

/* Whether what begins so is an entry that was purged. The key is sc:<policy>:<tenant>:<hash>. */
static bool is_purged(const struct purges *purges, struct str key, struct str head)
{
    struct entry entry;

    if (key.len <= HEX128 || !entry_read_head(head, &entry))
        return false;
    struct str rest = str_from(key, sizeof KEY_PREFIX - 1);
    const struct purge_subject subject =
        entry_subject(&entry, str_split(&rest, ':'), str_from(key, key.len - HEX128));

    return !purges_allow(purges, &subject);
}

/* The entry in a value that is compressed or encrypted. One that only its request opens is none. */
static bool open_value(struct reclaim *r, struct str key, struct str value, struct str *entry)
{
    struct key of_value = {.text_len = key.len};

    if (key.len > sizeof of_value.text)
        return false;
    memcpy(of_value.text, key.ptr, key.len);
    return seal_read(r->seal, &of_value, VALUE_MAX, value, entry) == REASON_NONE;
}

/* Judges the answer to a command about a key. */
typedef enum mark judge_fn(struct reclaim *r, struct str key, const redisReply *reply);

/* What is asked about each key that is marked so. */
struct question {
    enum mark which;
    const char *command;
    size_t most; /* at once */
    judge_fn *judge;
};

/* What is no string is none of ours, or was unlinked meanwhile. */
static enum mark judge_head(struct reclaim *r, struct str key, const redisReply *reply)
{
    struct str head = {reply->str, reply->len};

    if (reply->type != REDIS_REPLY_STRING)
        return DONE;
    if (cipher_begins(head) || compress_begins(head))
        return SEALED;
    return is_purged(r->purges, key, head) ? PURGED : DONE;
}

static enum mark judge_sealed(struct reclaim *r, struct str key, const redisReply *reply)
{
    struct str entry;

    if (reply->type != REDIS_REPLY_STRING)
        return DONE;
    if (!open_value(r, key, (struct str){reply->str, reply->len}, &entry)) {
        r->unopened++;
        return DONE;
    }
    return is_purged(r->purges, key, entry) ? PURGED : DONE;
}

static enum mark count_unlinked(struct reclaim *r, struct str key, const redisReply *reply)
{
    (void)key;
    if (reply->type == REDIS_REPLY_INTEGER)
        r->unlinked += reply->integer;
    else
        r->refused = true;
    return DONE;
}

/* Sends a command about each of the next keys that are marked so, up to so many; *at is then behind
 * them. Returns how many. */
static size_t ask_some(struct reclaim *r, redisContext *node, const redisReply *keys, size_t *at,
                       const struct question *q)
{
    size_t asked = 0;

    for (; *at < keys->elements && asked < q->most; ++*at)
        if (r->marks[*at] == q->which) {
            redisAppendCommand(node, q->command, keys->element[*at]->str, keys->element[*at]->len);
            asked++;
        }
    return asked;
}

/* Reads the answers about the keys from `at` up to `end`, and marks them anew. */
static bool read_some(struct reclaim *r, redisContext *node, const redisReply *keys, size_t at,
                      size_t end, const struct question *q)
{
    for (; at < end; at++) {
        struct str key = {keys->element[at]->str, keys->element[at]->len};
        void *reply = NULL;
        if (r->marks[at] != q->which)
            continue;
        if (redisGetReply(node, &reply) != REDIS_OK)
            return fail(r, node, NULL);
        r->marks[at] = q->judge(r, key, reply);
        if (r->refused)
            fail(r, node, reply);
        freeReplyObject(reply);
        if (r->refused)
            return false;
    }
    return true;
}

static bool ask_about(struct reclaim *r, redisContext *node, const redisReply *keys,
                      const struct question *q)
{
    bool good = true;

    for (size_t at = 0; at < keys->elements && good;) {
        size_t from = at;
        if (ask_some(r, node, keys, &at, q))
            good = read_some(r, node, keys, from, at, q);
    }
    return good;
}

/* What is no answer: a lease, which goes by itself, or what was purged. */
static bool is_other(struct str key)
{
    return lease_subject(key).len || str_eq(key, STR(PURGE_KEY));
}

static void skip_others(struct reclaim *r, const redisReply *keys)
{
    for (size_t i = 0; i < keys->elements; i++)
        if (is_other((struct str){keys->element[i]->str, keys->element[i]->len}))
            r->marks[i] = DONE;
        else
            r->scanned++;
}

/* In this order. What is answered at once stays below 1 MB, or four values. */
static const struct question questions[] = {
    {FOUND, "GETRANGE %b 0 " HEAD_END, 128, judge_head},
    {SEALED, "GETRANGE %b 0 " VALUE_END, 4, judge_sealed},
    {PURGED, "UNLINK %b", 128, count_unlinked},
};

/* Looks at the keys that a SCAN found, and unlinks what was purged. What is written over in
 * between is lost as well, which costs one request. */
static bool look_at(struct reclaim *r, redisContext *node, const redisReply *keys)
{
    free(r->marks);
    r->marks = calloc(keys->elements + 1, sizeof *r->marks);
    if (!r->marks) {
        snprintf(r->redis.error, sizeof r->redis.error, "no memory");
        return false;
    }
    skip_others(r, keys);
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
        if (!ask_about(r, node, keys, &questions[i]))
            return false;
    return true;
}

static bool scan_node(struct reclaim *r, redisContext *node)
{
    char cursor[24] = "0";
    bool good;

    do {
        redisReply *reply =
            redisCommand(node, "SCAN %s MATCH " KEY_PREFIX "* COUNT %d", cursor, SCAN_COUNT);
        r->scans++;
        good = reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
               reply->element[0]->type == REDIS_REPLY_STRING &&
               reply->element[1]->type == REDIS_REPLY_ARRAY;
        if (good) {
            snprintf(cursor, sizeof cursor, "%s", reply->element[0]->str);
            good = look_at(r, node, reply->element[1]);
        } else {
            fail(r, node, reply);
        }
        if (reply)
            freeReplyObject(reply);
        keep_pace(r);
    } while (good && strcmp(cursor, "0") != 0);
    return good;
}

static void say_result(const struct reclaim *r, bool json)
{
    printf(json ? "{\"scanned\":%" PRId64 ",\"unlinked\":%" PRId64 ",\"unopened\":%" PRId64 "}\n"
                : "looked at %" PRId64 " keys, unlinked %" PRId64 ", could not open %" PRId64 "\n",
           r->scanned, r->unlinked, r->unopened);
}

static bool reclaim(struct reclaim *r)
{
    bool good = find_purges(r);

    count_keys(r);
    r->started = r->said = clock_now();
    for (size_t i = 0; i < r->redis.count && good; i++)
        good = scan_node(r, r->redis.nodes[i]);
    return good;
}

static bool begin(struct reclaim *r, const struct config *config)
{
    const struct seal_options options = {
        .level = (int)config->compress_level,
        .dictionaries = config->dictionaries.items,
        .dictionary_count = config->dictionaries.count,
        .keys = &config->cipher_keys,
    };
    const struct redis_options redis = settings_redis(config);

    r->purges = malloc(sizeof *r->purges);
    r->seal = seal_new(&options);
    if (r->purges && r->seal)
        return redis_sync_open(&r->redis, config, &redis.tls);
    snprintf(r->redis.error, sizeof r->redis.error, "no memory, or no such cipher");
    return false;
}

bool purge_reclaim(const struct config *config, int64_t rate, bool json)
{
    struct reclaim *r = calloc(1, sizeof *r);

    if (!r)
        return false;
    r->rate = rate;
    bool good = begin(r, config) && reclaim(r);
    if (good)
        say_result(r, json);
    else
        fprintf(stderr, "spoa-cache purge: %s\n", r->redis.error);
    redis_sync_close(&r->redis);
    seal_free(r->seal);
    free(r->purges);
    free(r->marks);
    free(r);
    return good && fflush(stdout) == 0;
}
