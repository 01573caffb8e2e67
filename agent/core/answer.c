#include "answer.h"

/* HAProxy keeps no variable whose whole name has 64 characters or more: "txn.cache.h_" and this. */
enum { REPLAYED_NAME_MAX = 50 };

static const char *const status_names[] = {
    [PLAN_HIT] = "HIT",
    [PLAN_MISS] = "MISS",
    [PLAN_BYPASS] = "BYPASS",
};

/* What RFC 9211 2.2 calls the reason for going forward. */
static const char *forward_name(const struct plan *plan)
{
    if (plan->status == PLAN_BYPASS)
        return "bypass";
    if (plan->reason == REASON_EXPIRED)
        return "stale";
    return plan->reason == REASON_MODE || plan->reason == REASON_CONTROL ? "request" : "miss";
}

static int64_t seconds_left(const struct entry *entry, int64_t now)
{
    return (entry->fresh_until - now) / 1000;
}

static int64_t age(const struct entry *entry, int64_t now)
{
    return now > entry->created ? (now - entry->created) / 1000 : 0;
}

/* A short text under construction; what does not fit is left out. */
struct text {
    char bytes[192];
    size_t len;
};

static void text_add(struct text *t, struct str part)
{
    size_t room = sizeof t->bytes - t->len, len = part.len < room ? part.len : room;

    memcpy(t->bytes + t->len, part.ptr, len);
    t->len += len;
}

static void text_add_number(struct text *t, int64_t number)
{
    char digits[20];
    size_t at = sizeof digits;

    for (; at == sizeof digits || number > 0; number /= 10)
        digits[--at] = (char)('0' + number % 10);
    text_add(t, (struct str){digits + at, sizeof digits - at});
}

/* A hit needs none, but for what was not obeyed and when it was waited for. */
static bool has_reason(const struct plan *plan)
{
    return plan->status != PLAN_HIT || plan->deaf || plan->waited;
}

/* "absent", "absent+controls-ignored", "controls-ignored": a token of RFC 9110. */
static void text_add_reason(struct text *t, const struct plan *plan)
{
    if (plan->status != PLAN_HIT)
        text_add(t, str_of(reason_name(plan->reason)));
    else if (plan->waited)
        text_add(t, STR("coalesced"));
    if ((plan->status != PLAN_HIT || plan->waited) && plan->deaf)
        text_add(t, STR("+"));
    if (plan->deaf)
        text_add(t, STR("controls-ignored"));
}

/* The Cache-Status header, RFC 9211. */
static void set_cache_status(struct spop_ack *ack, const struct plan *plan,
                             const struct entry *entry, int64_t now)
{
    struct text t = {.len = 0};

    text_add(&t, STR("spoa-cache; "));
    if (plan->status == PLAN_HIT) {
        text_add(&t, STR("hit; ttl="));
        text_add_number(&t, seconds_left(entry, now));
    } else {
        text_add(&t, STR("fwd="));
        text_add(&t, str_of(forward_name(plan)));
    }
    if (plan->has_key) {
        text_add(&t, STR("; key=\""));
        text_add(&t, key_hash(&plan->key));
        text_add(&t, STR("\""));
    }
    if (has_reason(plan)) {
        text_add(&t, STR("; detail="));
        text_add_reason(&t, plan);
    }
    spop_ack_string(ack, STR("cache_status"), (struct str){t.bytes, t.len});
}

static void set_emit(struct spop_ack *ack, const struct plan *plan, const struct entry *entry,
                     int64_t now)
{
    const struct str_list *emit = &plan->policy->emit;
    struct text t = {.len = 0};

    for (size_t i = 0; i < emit->count; i++) {
        text_add(&t, i ? STR(" ") : STR(""));
        text_add(&t, emit->items[i]);
    }
    spop_ack_string(ack, STR("emit"), (struct str){t.bytes, t.len});
    if (str_list_has(emit, STR("cache-status")))
        set_cache_status(ack, plan, entry, now);
}

/* A replayed header as txn.cache.h_NAME. */
static void set_header(struct spop_ack *ack, struct str name, struct str value)
{
    char text[2 + REPLAYED_NAME_MAX] = "h_";

    if (name.len > REPLAYED_NAME_MAX)
        return;
    for (size_t i = 0; i < name.len; i++)
        text[2 + i] = name.ptr[i] == '-' ? '_' : name.ptr[i];
    spop_ack_string(ack, (struct str){text, 2 + name.len}, value);
}

/* Up to 3.0 HAProxy copies a BINARY variable byte by byte to make a text of it; and its text may
 * hold NUL. From 3.1 on only BINARY may. */
static void set_body(struct spop_ack *ack, struct str body, bool exact)
{
    if (exact)
        spop_ack_binary(ack, STR("body"), body);
    else
        spop_ack_string(ack, STR("body"), body);
}

static void set_hit(struct spop_ack *ack, const struct plan *plan, const struct entry *entry,
                    int64_t now)
{
    struct str headers = entry->headers, name, value;

    spop_ack_bool(ack, STR("hit"), true);
    spop_ack_int(ack, STR("code"), entry->code);
    spop_ack_string(ack, STR("ctype"), entry->content_type);
    spop_ack_int(ack, STR("age"), age(entry, now));
    spop_ack_int(ack, STR("ttl"), seconds_left(entry, now));
    while (entry_header_next(&headers, &name, &value))
        set_header(ack, name, value);
    spop_ack_int(ack, STR("sum"), (int64_t)entry->sum);
    set_body(ack, entry->body, plan->exact);
}

static void set_store(struct spop_ack *ack, const struct plan *plan,
                      const struct key_secret *secret)
{
    struct buf text = buf_new(TICKET_MAX);
    struct ticket ticket = {
        .key = plan->key,
        .ttl = plan->ttl,
        .max_age = plan->max_age,
        .api = plan->api ? str_of(plan->api->name) : STR(""),
        .count = plan->count,
        .room = (int64_t)plan->room,
        .lease = plan->lease,
        .deaf = plan->deaf,
        .epoch = plan->epoch,
        .seen = plan->seen,
        .models = {plan->models, plan->models_len},
    };

    ticket_write(&text, secret, &ticket);
    if (buf_ok(&text)) {
        spop_ack_bool(ack, STR("store"), true);
        spop_ack_int(ack, STR("room"), (int64_t)plan->room);
        spop_ack_string(ack, STR("ticket"), buf_str(&text));
        if (plan->lease)
            spop_ack_bool(ack, STR("lead"), true);
        if (plan->wait)
            spop_ack_bool(ack, STR("wait"), true);
    }
    buf_free(&text);
}

static void set_reason(struct spop_ack *ack, const struct plan *plan)
{
    struct text t = {.len = 0};

    text_add_reason(&t, plan);
    spop_ack_string(ack, STR("reason"), (struct str){t.bytes, t.len});
}

void answer_lookup(struct spop_ack *ack, const struct plan *plan, const struct entry *entry,
                   const struct key_secret *secret, int64_t now)
{
    spop_ack_string(ack, STR("status"),
                    plan->waited && plan->status == PLAN_HIT ? STR("COALESCED")
                                                             : str_of(status_names[plan->status]));
    if (has_reason(plan))
        set_reason(ack, plan);
    if (plan->policy)
        set_emit(ack, plan, entry, now);
    else
        spop_ack_string(ack, STR("emit"), STR(""));
    if (plan->has_key)
        spop_ack_string(ack, STR("key"), key_hash(&plan->key));
    if (plan->status == PLAN_HIT)
        set_hit(ack, plan, entry, now);
    else if (plan->store)
        set_store(ack, plan, secret);
    if (plan->waited && (plan->status == PLAN_HIT || !plan->store))
        spop_ack_bool(ack, STR("store"), false); /* it was true */
    if (plan->only && plan->status != PLAN_HIT)
        spop_ack_bool(ack, STR("only"), true);
}

void answer_store(struct spop_ack *ack, enum reason reason)
{
    spop_ack_bool(ack, STR("stored"), reason == REASON_NONE);
    if (reason != REASON_NONE)
        spop_ack_string(ack, STR("store_reason"), str_of(reason_name(reason)));
}
