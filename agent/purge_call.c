#include "purge_call.h"

#include "core/json_write.h"
#include "core/scope.h"
#include "net/log.h"
#include <stdlib.h>

enum { TEXT_MAX = 64 << 10 };

/* A purge that the store has not answered yet. */
struct purge {
    struct purge_order order;
    struct http_client *client;
    bool json;
    struct buf scope;
};

/* "KIND:" and the name as purge.h has it. */
static const char *set_name(struct buf *scope, const char *kind, struct str name)
{
    if (name.len == 0)
        return "the name is missing";
    buf_append(scope, str_of(kind));
    purge_name(scope, name);
    return NULL;
}

static const char *set_policy(struct buf *scope, const struct config *config, struct str name)
{
    return config_policy(config, name) ? set_name(scope, "policy:", name)
                                       : "there is no policy of that name";
}

static const char *set_tenant(struct buf *scope, const struct config *config, struct str name)
{
    struct key_owner owner = scope_owner_of(config, name);
    struct buf scratch = buf_new(TEXT_MAX);
    struct key_secret secret;

    if (name.len == 0)
        return "the name is missing";
    key_secret_derive(&secret, config->secret);
    buf_append(scope, STR("tenant:"));
    hex64_append(scope, key_owner_digest(&secret, &owner, &scratch));
    bool fits = buf_ok(&scratch);
    buf_free(&scratch);
    return fits ? NULL : "the name is too long";
}

static const char *set_key(struct buf *scope, struct str name)
{
    uint64_t half;

    if (name.len != HEX128 || !hex64_read((struct str){name.ptr, HEX64}, &half) ||
        !hex64_read(str_from(name, HEX64), &half))
        return "a key is 32 hex digits, as X-Cache-Key says it";
    return set_name(scope, "key:", name);
}

/* Writes the scope; NULL, or what is wrong. */
static const char *set_scope(struct buf *scope, const struct config *config, struct str kind,
                             struct str name)
{
    if (str_eq(kind, STR("all"))) {
        buf_append(scope, STR("all"));
        return name.len ? "all has no name" : NULL;
    }
    if (str_eq(kind, STR("policy")))
        return set_policy(scope, config, name);
    if (str_eq(kind, STR("tenant")))
        return set_tenant(scope, config, name);
    if (str_eq(kind, STR("model")))
        return set_name(scope, "model:", name);
    if (str_eq(kind, STR("tag")))
        return set_name(scope, "tag:", name);
    if (str_eq(kind, STR("key")))
        return set_key(scope, name);
    return "what can be purged is all, policy, tenant, model, tag or key";
}

static void say_purged(struct buf *out, const struct purge *purge, int64_t epoch)
{
    struct str scope = buf_str(&purge->scope);

    log_write(LOG_LEVEL_INFO, "purged %.*s: epoch %lld", STR_ARGS(scope), (long long)epoch);
    if (!purge->json) {
        buf_printf(out, "purged %.*s: epoch %lld\n", STR_ARGS(scope), (long long)epoch);
        return;
    }
    buf_append(out, STR("{\"purged\":"));
    json_write_string(out, scope);
    buf_printf(out, ",\"epoch\":%lld}\n", (long long)epoch);
}

/* Appends why it is not known that it was purged; returns the status. */
static unsigned say_failed(struct buf *out, enum store_result result, struct str error)
{
    buf_append(out, STR("perhaps not purged: "));
    if (result == STORE_ERROR)
        buf_printf(out, "Redis said: %.*s", STR_ARGS(error));
    else
        buf_append(out, result == STORE_SLOW ? STR("Redis did not answer in time")
                                             : STR("Redis is not connected, or busy"));
    buf_append(out, STR("\ntry again: to purge twice does no harm\n"));
    return result == STORE_ERROR  ? HTTP_BAD_GATEWAY
           : result == STORE_SLOW ? HTTP_LATE
                                  : HTTP_UNAVAILABLE;
}

static void on_done(struct purge_order *order, enum store_result result, int64_t epoch,
                    struct str error)
{
    struct purge *purge = (struct purge *)(void *)((char *)order - offsetof(struct purge, order));
    struct buf text = buf_new(TEXT_MAX);
    unsigned code = HTTP_OK;

    if (result == STORE_HIT)
        say_purged(&text, purge, epoch);
    else
        code = say_failed(&text, result, error);
    http_door_answer(purge->client, code, buf_str(&text));
    buf_free(&text);
    buf_free(&purge->scope);
    free(purge);
}

/* The value of an argument; false when there is another one than these. */
static bool read_arguments(const struct http_call *call, struct str *kind, struct str *name,
                           struct str *format)
{
    *kind = *name = *format = STR("");
    for (size_t i = 0; i < call->count; i++) {
        struct str argument = call->arguments[i].name;
        struct str *field = str_eq(argument, STR("kind"))     ? kind
                            : str_eq(argument, STR("name"))   ? name
                            : str_eq(argument, STR("format")) ? format
                                                              : NULL;
        if (!field)
            return false;
        *field = call->arguments[i].value;
    }
    return true;
}

unsigned purge_call(void *ctx, const struct http_call *call, struct buf *out)
{
    struct purge_target *target = ctx;
    struct str kind, name, format;
    struct purge *purge;

    if (!read_arguments(call, &kind, &name, &format) || !(purge = calloc(1, sizeof *purge))) {
        buf_append(out, STR("the arguments are kind, name and format\n"));
        return HTTP_BAD_REQUEST;
    }
    purge->scope = buf_new(PURGE_SCOPE_MAX);
    purge->client = call->client;
    purge->json = str_eq(format, STR("json"));
    purge->order.done = on_done;
    const char *wrong = set_scope(&purge->scope, *target->config, kind, name);
    if (wrong || !buf_ok(&purge->scope)) {
        buf_printf(out, "%s\n", wrong ? wrong : "no memory");
        buf_free(&purge->scope);
        free(purge);
        return HTTP_BAD_REQUEST;
    }
    purge_book_purge(target->book, buf_str(&purge->scope), &purge->order);
    return 0;
}
