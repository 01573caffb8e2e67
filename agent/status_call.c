#include "door.h"

#include "core/json_write.h"
#include "store/redis.h"
#include <unistd.h>

enum { NODES_MAX = 64 };

static void put_words(struct buf *out, const char *name, const struct str_list *words)
{
    json_write_name(out, name);
    buf_append_byte(out, '[');
    for (size_t i = 0; i < words->count; i++) {
        json_write_item(out);
        json_write_foreign(out, words->items[i]);
    }
    buf_append_byte(out, ']');
}

/* Where entries are kept; addresses, and nothing that lets in there. */
static void put_store(struct buf *out, const struct config *c)
{
    struct str_list one = {(struct str *)(uintptr_t)&c->redis_address, c->redis_address.len > 0};
    bool redis = config_uses_redis(c);

    json_write_name(out, "store");
    buf_append_byte(out, '{');
    json_write_named_foreign(out, "kind",
                             !redis                     ? STR("memory")
                             : c->redis_cluster.count   ? STR("cluster")
                             : c->redis_sentinels.count ? STR("sentinel")
                                                        : STR("redis"));
    put_words(out, "addresses",
              c->redis_cluster.count     ? &c->redis_cluster
              : c->redis_sentinels.count ? &c->redis_sentinels
                                         : &one);
    json_write_named_bool(out, "tier", redis && c->memory_tier);
    json_write_named_integer(out, "memory_size", c->memory_size);
    buf_append_byte(out, '}');
}

static void put_nodes(struct buf *out, const struct store *redis)
{
    struct redis_state nodes[NODES_MAX];
    size_t count = redis ? redis_states(redis, nodes, NODES_MAX) : 0;

    json_write_name(out, "nodes");
    buf_append_byte(out, '[');
    for (size_t i = 0; i < count && i < NODES_MAX; i++) {
        json_write_item(out);
        buf_append_byte(out, '{');
        json_write_named_foreign(out, "address", nodes[i].address);
        json_write_named_foreign(out, "state",
                                 nodes[i].left_alone ? STR("left alone")
                                 : nodes[i].up       ? STR("up")
                                                     : STR("down"));
        json_write_named_integer(out, "waiting", (int64_t)nodes[i].waiting);
        buf_append_byte(out, '}');
    }
    buf_append_byte(out, ']');
}

static void put_policy(struct buf *out, const struct policy *policy)
{
    json_write_item(out);
    buf_append_byte(out, '{');
    json_write_named_foreign(out, "name", policy->name);
    json_write_named_foreign(out, "mode", policy->shadow ? STR("shadow") : STR("serve"));
    json_write_named_foreign(out, "scope", policy->shared ? STR("shared") : STR("tenant"));
    json_write_named_integer(out, "ttl", policy->ttl / 1000);
    buf_append_byte(out, '}');
}

static void put_policies(struct buf *out, const struct config *c)
{
    const struct config_sections *policies = &c->sections[CONFIG_POLICY];

    json_write_name(out, "policies");
    buf_append_byte(out, '[');
    for (size_t i = 0; i < policies->count; i++)
        put_policy(out, policies->all[i]->item);
    buf_append_byte(out, ']');
}

/* What the reasons that were counted mean. */
static void put_reasons(struct buf *out)
{
    json_write_name(out, "reasons");
    buf_append_byte(out, '{');
    for (int reason = REASON_NONE + 1; reason < REASON_COUNT; reason++)
        json_write_named_foreign(out, reason_name((enum reason)reason),
                                 str_of(reason_help((enum reason)reason)));
    buf_append_byte(out, '}');
}

unsigned status_call(void *ctx, const struct http_call *call, struct buf *out)
{
    const struct door *door = ctx;
    const struct door_subject *s = &door->subject;
    const struct config *c = *s->config;
    struct str ignored;

    metrics_render_json(s->metrics, s->version, door_is_ready(door), out);
    if (!buf_ok(out))
        return HTTP_OK;
    out->len--; /* the object goes on */
    json_write_named_bool(out, "draining", *s->draining);
    json_write_named_integer(out, "pid", getpid());
    json_write_named_integer(out, "time", door_now(door));
    json_write_named_integer(out, "uptime", (door_now(door) - door->started) / 1000);
    json_write_named_foreign(out, "config", str_of(s->config_path ? s->config_path : ""));
    put_store(out, c);
    put_nodes(out, s->redis);
    put_policies(out, c);
    json_write_named_integer(out, "tenants", (int64_t)c->sections[CONFIG_TENANT].count);
    json_write_named_integer(out, "models", (int64_t)c->sections[CONFIG_MODEL].count);
    if (http_call_has(call, STR("history"), &ignored)) {
        json_write_name(out, "history");
        history_render(&door->history, out);
        put_reasons(out);
    }
    buf_append(out, STR("}\n"));
    return HTTP_OK;
}
