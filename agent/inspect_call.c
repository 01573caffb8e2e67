/* What is stored under a key, without the request that it answers: so it can be looked at, and not
 * be proved to be the right answer to anything. */
#include "cache_private.h"
#include "door.h"

#include "core/cipher.h"
#include "core/compress.h"
#include "core/entry.h"
#include "core/json_write.h"
#include "core/scope.h"
#include "core/show.h"
#include "core/units.h"
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <time.h>

enum {
    ENTRY_MAX = 64 << 20,
    TEXT_MAX = 128 << 20,
    NAME_BYTES = 64 << 10,
};

/* A look that the store has not answered yet. */
struct inspection {
    struct store_read read;
    struct http_client *client;
    const struct door *door;
    struct key key;
    bool json, body;
};

struct inspected {
    const struct inspection *how;
    struct str stored; /* as the store has it */
    struct str opened; /* the entry in it */
    struct entry entry;
    int64_t now;
};

static bool is_key_hash(struct str text)
{
    uint64_t half;

    return text.len == HEX128 && hex64_read((struct str){text.ptr, HEX64}, &half) &&
           hex64_read(str_from(text, HEX64), &half);
}

/* sc:POLICY:OWNER:HASH */
static bool is_whole_key(struct str text)
{
    uint64_t owner;

    if (!str_starts(text, STR(KEY_PREFIX)))
        return false;
    struct str rest = str_from(text, sizeof KEY_PREFIX - 1), policy = str_split(&rest, ':');
    return policy.len > 0 && policy.len <= KEY_POLICY_MAX &&
           hex64_read(str_split(&rest, ':'), &owner) && is_key_hash(rest);
}

static void set_key(struct key *key, struct str text)
{
    *key = (struct key){.text_len = text.len};
    memcpy(key->text, text.ptr, text.len);
}

/* The owner as it stands in a key; NULL, or what is wrong. */
static const char *append_owner(struct buf *out, const struct config *config,
                                const struct policy *policy, struct str tenant)
{
    struct key_owner owner = scope_owner_of(config, tenant);
    struct buf scratch = buf_new(NAME_BYTES);
    struct key_secret secret;
    uint64_t digest = 0;

    if (!policy->shared) {
        if (tenant.len == 0)
            return "a key without its first parts needs a tenant, and perhaps a policy";
        key_secret_derive(&secret, config->secret);
        digest = key_owner_digest(&secret, &owner, &scratch);
    }
    hex64_append(out, digest);
    bool fits = buf_ok(&scratch);
    buf_free(&scratch);
    return fits ? NULL : "the tenant's name is too long";
}

/* Makes the whole key of its last part; NULL, or what is wrong. */
static const char *complete_key(struct key *key, const struct config *config, struct str hash,
                                struct str policy, struct str tenant)
{
    const struct policy *rules = config_policy(config, policy);
    struct buf text = buf_new(KEY_TEXT_MAX);

    if (!rules)
        return "there is no policy of that name";
    buf_append(&text, STR(KEY_PREFIX));
    buf_append(&text, rules->name);
    buf_append_byte(&text, ':');
    const char *wrong = append_owner(&text, config, rules, tenant);
    buf_append_byte(&text, ':');
    buf_append(&text, hash);
    if (!wrong && buf_ok(&text))
        set_key(key, buf_str(&text));
    else if (!wrong)
        wrong = "the policy's name is too long";
    buf_free(&text);
    return wrong;
}

static const char *read_arguments(struct inspection *how, const struct http_call *call)
{
    struct str key = STR(""), policy = STR("llm"), tenant = STR(""), word = STR("");

    http_call_has(call, STR("key"), &key);
    http_call_has(call, STR("policy"), &policy);
    http_call_has(call, STR("tenant"), &tenant);
    how->json = http_call_has(call, STR("format"), &word) && str_eq(word, STR("json"));
    how->body = http_call_has(call, STR("body"), &word) && str_eq(word, STR("yes"));
    if (is_key_hash(key))
        return complete_key(&how->key, *how->door->subject.config, key, policy, tenant);
    if (!is_whole_key(key))
        return "a key is 32 hex digits, as X-Cache-Key says it, or sc:POLICY:OWNER:DIGITS";
    set_key(&how->key, key);
    return NULL;
}

/* RFC 3339, UTC. */
static void put_time(struct buf *out, int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    char text[32];
    struct tm parts;

    if (gmtime_r(&seconds, &parts) && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts))
        buf_append(out, str_of(text));
}

/* To the second, above one. */
static void put_duration(struct buf *out, int64_t ms)
{
    int64_t s = ms / 1000;

    if (s < 60)
        buf_printf(out, "%" PRId64 "s", s);
    else if (s < 3600)
        buf_printf(out, "%" PRId64 "m %" PRId64 "s", s / 60, s % 60);
    else
        buf_printf(out, "%" PRId64 "h %" PRId64 "m", s / 3600, s / 60 % 60);
}

static void put_label(struct buf *out, const char *label)
{
    buf_printf(out, "%s%-9s ", out->len ? "\n" : "", label);
}

static struct str policy_of(const struct inspected *i)
{
    struct str rest = str_from(key_text(&i->how->key), sizeof KEY_PREFIX - 1);

    return str_split(&rest, ':');
}

static bool is_shared(const struct inspected *i)
{
    return i->entry.tenant == 0;
}

static void say_times(struct buf *out, const struct inspected *i)
{
    const struct entry *e = &i->entry;

    put_label(out, "stored");
    put_time(out, e->created);
    buf_append(out, STR(", "));
    put_duration(out, i->now - e->created);
    buf_append(out, STR(" ago"));
    put_label(out, "fresh");
    buf_append(out, e->fresh_until > i->now ? STR("for ") : STR("not any more, since "));
    put_duration(out, llabs(e->fresh_until - i->now));
}

static bool is_purged(const struct inspected *i)
{
    const struct purge_subject subject =
        entry_subject(&i->entry, policy_of(i), key_hash(&i->how->key));

    return !purges_serve(purge_book_purges(i->how->door->subject.book), &subject);
}

static void say_names(struct buf *out, const char *label, struct str names)
{
    if (names.len == 0)
        return;
    put_label(out, label);
    show_text(out, str_trim(names), SIZE_MAX);
}

static void say_size(struct buf *out, const struct inspected *i)
{
    put_label(out, "size");
    buf_printf(out, "body %zu bytes, entry %zu bytes", i->entry.body.len, i->opened.len);
    if (i->stored.len != i->opened.len)
        buf_printf(out, ", in the store %zu bytes", i->stored.len);
    if (!i->how->door->subject.store->own && cipher_begins(i->stored))
        buf_append(out, STR(", encrypted"));
}

static void say_headers(struct buf *out, const struct inspected *i)
{
    struct str rest = i->entry.headers, name, value;

    put_label(out, "headers");
    buf_append(out, STR("content-type: "));
    show_text(out, i->entry.content_type, SIZE_MAX);
    while (entry_header_next(&rest, &name, &value)) {
        put_label(out, "");
        show_text(out, name, SIZE_MAX);
        buf_append(out, STR(": "));
        show_text(out, value, SIZE_MAX);
    }
}

static void say(struct buf *out, const struct inspected *i)
{
    put_label(out, "key");
    buf_append(out, key_text(&i->how->key));
    put_label(out, "policy");
    buf_append(out, policy_of(i));
    put_label(out, "owner");
    if (is_shared(i))
        buf_append(out, STR("all tenants"));
    else
        hex64_append(out, i->entry.tenant);
    put_label(out, "status");
    buf_printf(out, "%u", i->entry.code);
    say_times(out, i);
    if (is_purged(i))
        buf_append(out, STR("; but it was purged, and is not served"));
    say_names(out, "models", i->entry.models);
    say_names(out, "tags", i->entry.tags);
    say_size(out, i);
    say_headers(out, i);
    buf_append_byte(out, '\n');
    if (i->how->body) {
        buf_append_byte(out, '\n');
        buf_append(out, i->entry.body);
    }
}

static void put_headers(struct buf *out, const struct inspected *i)
{
    struct str rest = i->entry.headers, name, value;

    json_write_name(out, "headers");
    buf_append(out, STR("[[\"content-type\","));
    json_write_foreign(out, i->entry.content_type);
    while (entry_header_next(&rest, &name, &value)) {
        buf_append(out, STR("],["));
        json_write_foreign(out, name);
        buf_append_byte(out, ',');
        json_write_foreign(out, value);
    }
    buf_append(out, STR("]]"));
}

/* As it is where it is JSON, hence UTF-8, else in base64 (RFC 4648 4). */
static void put_body(struct buf *out, const struct entry *e)
{
    if (e->flags & ENTRY_JSON) {
        json_write_name(out, "body");
        json_write_string(out, e->body);
        return;
    }
    json_write_name(out, "body_base64");
    buf_append_byte(out, '"');
    if (buf_reserve(out, e->body.len / 3 * 4 + 5))
        out->len += (size_t)EVP_EncodeBlock((unsigned char *)out->ptr + out->len,
                                            (const unsigned char *)e->body.ptr, (int)e->body.len);
    buf_append_byte(out, '"');
}

static void say_json(struct buf *out, const struct inspected *i)
{
    const struct entry *e = &i->entry;

    buf_append(out, STR("{\"key\":"));
    json_write_string(out, key_text(&i->how->key));
    json_write_name(out, "policy");
    json_write_string(out, policy_of(i));
    json_write_name(out, "owner");
    buf_append_byte(out, '"');
    if (is_shared(i))
        buf_append(out, STR("shared"));
    else
        hex64_append(out, e->tenant);
    buf_append_byte(out, '"');
    json_write_named_integer(out, "status", e->code);
    json_write_named_integer(out, "created", e->created);
    json_write_named_integer(out, "age", (i->now - e->created) / 1000);
    json_write_named_integer(out, "ttl", (e->fresh_until - i->now) / 1000);
    json_write_named_bool(out, "purged", is_purged(i));
    json_write_named_foreign(out, "models", str_trim(e->models));
    json_write_named_foreign(out, "tags", str_trim(e->tags));
    json_write_named_integer(out, "body_bytes", (int64_t)e->body.len);
    json_write_named_integer(out, "entry_bytes", (int64_t)i->opened.len);
    json_write_named_integer(out, "stored_bytes", (int64_t)i->stored.len);
    put_headers(out, i);
    if (i->how->body)
        put_body(out, e);
    buf_append(out, STR("}\n"));
}

/* The entry in what the store has; NULL, or why there is none. */
static const char *open_entry(struct inspected *i)
{
    struct cache *cache = i->how->door->subject.cache;

    i->opened = i->stored;
    if (cache->store->own)
        return entry_read_own(i->stored, &i->entry) ? NULL : "what is stored is not an entry";
    switch (seal_read(cache->seal, &i->how->key, ENTRY_MAX, i->stored, &i->opened)) {
    case REASON_NONE:
        return entry_read(i->opened, &i->entry)
                   ? NULL
                   : "what is stored is damaged, or of another version: it is not served";
    case REASON_CORRUPT:
        return "what is stored is encrypted with a key that is not here, or bound to its request, "
               "or damaged";
    default:
        return "what is stored is too large to be looked at";
    }
}

static unsigned judge(struct buf *out, const struct inspection *how, struct str value)
{
    struct inspected i = {.how = how, .stored = value, .now = door_now(how->door)};
    const char *wrong = open_entry(&i);

    if (wrong) {
        buf_printf(out, "%s\n", wrong);
        return HTTP_BAD_GATEWAY;
    }
    if (how->json)
        say_json(out, &i);
    else
        say(out, &i);
    return HTTP_OK;
}

static unsigned say_absent(struct buf *out, enum store_result result)
{
    switch (result) {
    case STORE_MISS:
        buf_append(out, STR("nothing is stored under this key\n"));
        return HTTP_NOT_FOUND;
    case STORE_SLOW:
        buf_append(out, STR("the store did not answer in time\n"));
        return HTTP_LATE;
    case STORE_ERROR:
        buf_append(out, STR("the store answered with an error\n"));
        return HTTP_BAD_GATEWAY;
    default:
        buf_append(out, STR("the store is not connected, or busy\n"));
        return HTTP_UNAVAILABLE;
    }
}

static void on_read(struct store_read *read, enum store_result result, struct str value)
{
    struct inspection *how = (struct inspection *)read;
    struct buf text = buf_new(TEXT_MAX);
    unsigned code = result == STORE_HIT ? judge(&text, how, value) : say_absent(&text, result);

    if (!buf_ok(&text)) {
        buf_clear(&text);
        buf_append(&text, STR("no memory\n"));
        code = HTTP_BAD_GATEWAY;
    }
    http_door_answer(how->client, code, buf_str(&text));
    buf_free(&text);
    free(how);
}

unsigned inspect_call(void *ctx, const struct http_call *call, struct buf *out)
{
    const struct door *door = ctx;
    struct inspection *how = calloc(1, sizeof *how);
    const char *wrong = "no memory";

    if (how) {
        *how = (struct inspection){.read.done = on_read, .client = call->client, .door = door};
        wrong = read_arguments(how, call);
    }
    if (wrong) {
        buf_printf(out, "%s\n", wrong);
        free(how);
        return HTTP_BAD_REQUEST;
    }
    struct store *store = door->subject.store;
    store->ops->get(store, key_text(&how->key), door_now(door), &how->read);
    return 0;
}
