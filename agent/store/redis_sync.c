#include "redis_sync.h"

#include "core/decimal.h"
#include "net/address.h"
#include "redis_slot.h"
#include "redis_words.h"

#include <stdio.h>
#include <stdlib.h>

enum { WAIT_SECONDS = 5 };

static bool fail(struct redis_sync *r, struct str address, const char *why)
{
    snprintf(r->error, sizeof r->error, "Redis at %.*s: %s", STR_ARGS(address), why);
    return false;
}

/* "HOST:PORT", "[V6]:PORT" or "unix:PATH", of less than REDIS_ADDRESS_MAX bytes. *host is then what
 * TLS has to prove, in `text`. */
static redisContext *connect_to(struct str address, char text[static REDIS_ADDRESS_MAX],
                                char **host)
{
    const struct timeval wait = {.tv_sec = WAIT_SECONDS};

    snprintf(text, REDIS_ADDRESS_MAX, "%.*s", STR_ARGS(address));
    *host = text;
    if (str_starts(address, STR("unix:")))
        return redisConnectUnixWithTimeout(text + 5, wait);
    struct str port, name = address_host(str_of(text), &port);
    if (name.len == 0)
        return NULL;
    *host = text + (name.ptr - text);
    (*host)[name.len] = '\0';
    return redisConnectWithTimeout(*host, atoi(port.ptr), wait);
}

/* Has the connection wait no longer than a while, and speak TLS where it has to. */
static bool prepare(const struct redis_sync *r, redisContext *node, const char *host,
                    char why[static REDIS_TLS_WHY])
{
    const struct timeval wait = {.tv_sec = WAIT_SECONDS};

    snprintf(why, REDIS_TLS_WHY, "its timeout cannot be set");
    return redisSetTimeout(node, wait) == REDIS_OK &&
           (!r->tls || redis_tls_begin(r->tls, node, host, why));
}

/* Whether a command was answered with anything but an error. */
static bool succeeds(redisContext *node, int argc, const char **argv, const size_t *lengths)
{
    redisReply *reply = redisCommandArgv(node, argc, argv, lengths);
    bool good = reply && reply->type != REDIS_REPLY_ERROR;

    if (reply)
        freeReplyObject(reply);
    return good;
}

static bool log_in(redisContext *node, struct str user, struct str password)
{
    const char *argv[] = {"AUTH", user.ptr, password.ptr};
    const size_t lengths[] = {4, user.len, password.len};

    if (password.len == 0)
        return true;
    if (user.len)
        return succeeds(node, 3, argv, lengths);
    argv[1] = password.ptr;
    return succeeds(node, 2, argv, (const size_t[]){4, password.len});
}

/* A connection that is logged in, or NULL with the error set. */
static redisContext *open_node(struct redis_sync *r, struct str address, struct str user,
                               struct str password)
{
    char text[REDIS_ADDRESS_MAX], why[REDIS_TLS_WHY], *host;
    redisContext *node = connect_to(address, text, &host);

    if (!node || node->err)
        fail(r, address, node ? node->errstr : "not an address");
    else if (!prepare(r, node, host, why))
        fail(r, address, why);
    else if (!log_in(node, user, password))
        fail(r, address, node->err ? node->errstr : "the login was refused");
    else
        return node;
    if (node)
        redisFree(node);
    return NULL;
}

static bool add_node(struct redis_sync *r, const struct config *c, struct str address)
{
    struct decimal_text text;
    struct str database = decimal_write(&text, c->redis_database);
    const char *argv[] = {"SELECT", database.ptr};
    const size_t lengths[] = {6, database.len};

    if (r->count == REDIS_SYNC_NODES)
        return fail(r, address, "too many nodes");
    redisContext *node = open_node(r, address, c->redis_user, c->redis_password);
    if (!node)
        return false;
    r->nodes[r->count++] = node;
    if (c->redis_database && !succeeds(node, 2, argv, lengths))
        return fail(r, address, "SELECT was refused");
    return true;
}

static bool add_master_of(struct redis_sync *r, const struct config *c, redisContext *sentinel)
{
    redisReply *reply = redisCommand(sentinel, "SENTINEL get-master-addr-by-name %b",
                                     c->redis_master.ptr, c->redis_master.len);
    char address[REDIS_ADDRESS_MAX];
    bool good = false;

    if (reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
        redis_slot_address(address, redis_words_string(reply->element[0]),
                           redis_words_string(reply->element[1]), STR("")))
        good = add_node(r, c, str_of(address));
    else
        snprintf(r->error, sizeof r->error, "a Sentinel does not know the master");
    if (reply)
        freeReplyObject(reply);
    return good;
}

static bool open_by_sentinel(struct redis_sync *r, const struct config *c)
{
    bool good = false;

    for (size_t i = 0; i < c->redis_sentinels.count && !good; i++) {
        redisContext *sentinel = open_node(r, c->redis_sentinels.items[i], c->redis_sentinel_user,
                                           c->redis_sentinel_password);
        if (!sentinel)
            continue;
        good = add_master_of(r, c, sentinel);
        redisFree(sentinel);
    }
    return good;
}

static bool has_node(const struct redis_sync *r, const char *address)
{
    for (size_t i = 0; i < r->count; i++) {
        char known[REDIS_ADDRESS_MAX];
        struct decimal_text port;
        if (redis_slot_address(known, str_of(r->nodes[i]->tcp.host),
                               decimal_write(&port, r->nodes[i]->tcp.port), STR("")) &&
            strcmp(known, address) == 0)
            return true;
    }
    return false;
}

/* The master of one range of slots: [first, last, [host, port, ...], replicas ...]. */
static bool add_range(struct redis_sync *r, const struct config *c, struct str asked,
                      const redisReply *range)
{
    char address[REDIS_ADDRESS_MAX];
    struct decimal_text port;

    if (range->type != REDIS_REPLY_ARRAY || range->elements < 3 ||
        range->element[2]->type != REDIS_REPLY_ARRAY || range->element[2]->elements < 2)
        return false;
    const redisReply *host = range->element[2]->element[0], *number = range->element[2]->element[1];
    if (number->type != REDIS_REPLY_INTEGER ||
        !redis_slot_address(address, redis_words_string(host),
                            decimal_write(&port, number->integer), asked))
        return false;
    return has_node(r, address) || add_node(r, c, str_of(address));
}

static bool add_masters(struct redis_sync *r, const struct config *c, struct str asked,
                        redisContext *node)
{
    redisReply *reply = redisCommand(node, "CLUSTER SLOTS");
    bool good = reply && reply->type == REDIS_REPLY_ARRAY && reply->elements;

    snprintf(r->error, sizeof r->error, "CLUSTER SLOTS has no masters");
    for (size_t i = 0; good && i < reply->elements; i++)
        good = add_range(r, c, asked, reply->element[i]);
    if (reply)
        freeReplyObject(reply);
    return good;
}

static void close_nodes(struct redis_sync *r)
{
    while (r->count)
        redisFree(r->nodes[--r->count]);
}

static bool open_by_cluster(struct redis_sync *r, const struct config *c)
{
    bool good = false;

    for (size_t i = 0; i < c->redis_cluster.count && !good; i++) {
        redisContext *node =
            open_node(r, c->redis_cluster.items[i], c->redis_user, c->redis_password);
        if (!node)
            continue;
        close_nodes(r);
        good = add_masters(r, c, c->redis_cluster.items[i], node);
        redisFree(node);
    }
    return good;
}

static bool open_tls(struct redis_sync *r, const struct redis_tls_options *options)
{
    r->tls = options->on ? redis_tls_new(options, r->error) : NULL;
    return r->tls || !options->on;
}

static bool open_nodes(struct redis_sync *r, const struct config *config)
{
    if (config->redis_cluster.count)
        return open_by_cluster(r, config);
    if (config->redis_sentinels.count)
        return open_by_sentinel(r, config);
    return add_node(r, config, config->redis_address);
}

bool redis_sync_open(struct redis_sync *r, const struct config *config,
                     const struct redis_tls_options *tls)
{
    r->count = 0;
    snprintf(r->error, sizeof r->error, "no Redis is configured");
    if (open_tls(r, tls) && open_nodes(r, config))
        return true;
    redis_sync_close(r);
    return false;
}

void redis_sync_close(struct redis_sync *r)
{
    close_nodes(r);
    redis_tls_free(r->tls);
    r->tls = NULL;
}
