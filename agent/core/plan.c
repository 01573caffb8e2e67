#include "plan.h"

#include "api_read.h"
#include "control.h"
#include "gate.h"

void plan_scratch_init(struct plan_scratch *scratch)
{
    *scratch = (struct plan_scratch){.canonical = buf_new(PLAN_CANONICAL_MAX),
                                     .fields = buf_new(PLAN_CANONICAL_MAX),
                                     .body = buf_new(PLAN_CANONICAL_MAX)};
}

void plan_scratch_free(struct plan_scratch *scratch)
{
    json_free(&scratch->doc);
    buf_free(&scratch->canonical);
    buf_free(&scratch->fields);
    buf_free(&scratch->body);
    memo_clear(&scratch->memo);
}

void plan_scratch_forget(struct plan_scratch *scratch)
{
    memo_clear(&scratch->memo);
}

/* Whose request it is: what the policy says, or what the path tells. NULL for no JSON. */
static const struct api *api_of(const struct policy *policy, const struct request *request)
{
    const struct api *named = api_named(policy->api);

    if (!policy->json)
        return NULL;
    return named ? named : api_of_path(request->target);
}

/* What the body means, read or remembered. */
static void understand(struct meaning *out, struct plan_scratch *scratch,
                       const struct key_secret *secret, const struct policy *policy,
                       const struct api *api, struct str body)
{
    struct memo_key key = {.policy = policy, .api = api};
    const struct meaning *known;

    key_body_hash(&key.bytes, secret, body);
    known = memo_find(&scratch->memo, &key);
    if (known) {
        *out = *known;
        return;
    }
    meaning_read(out, &scratch->doc, &scratch->canonical, secret, policy, api, body);
    if (out->reason != REASON_INTERNAL)
        memo_add(&scratch->memo, &key, out);
}

static enum reason derive_key(struct plan *plan, struct plan_scratch *scratch,
                              const struct key_secret *secret, const struct policy *policy,
                              const struct request *request, struct str space)
{
    struct key_context context = {plan->api ? str_of(plan->api->name) : STR(""), space};
    struct meaning meaning = {.reason = REASON_NONE};

    if (plan->api && api_streams_path(plan->api, request->target))
        return REASON_STREAM;
    if (plan->api)
        understand(&meaning, scratch, secret, policy, plan->api, request->body);
    else
        key_body_hash(&meaning.body, secret, request->body);
    if (meaning.reason != REASON_NONE)
        return meaning.reason;
    if (plan->api && api_bypasses_path(plan->api, request->target))
        return REASON_FIELD;
    plan->count = meaning.count;
    return key_derive(&plan->key, secret, policy, request, &meaning.body, &context,
                      &scratch->fields)
               ? REASON_NONE
               : REASON_INTERNAL;
}

static int64_t shorter_ttl(int64_t policy, int64_t request)
{
    return request > 0 && request < policy ? request : policy;
}

static size_t room_for_body(const struct policy *policy, size_t frame_size)
{
    size_t room = frame_size > PLAN_REPLY_MARGIN ? frame_size - PLAN_REPLY_MARGIN : 0;

    return room < (uint64_t)policy->max_body ? room : (size_t)policy->max_body;
}

/* What the request's own headers change, where the policy obeys them. */
static void obey(struct plan *plan, const struct control *control)
{
    plan->ttl = shorter_ttl(plan->ttl, control->ttl);
    plan->max_age = plan->ttl;
    if (control->max_age >= 0 && control->max_age < plan->max_age)
        plan->max_age = control->max_age;
    if (control->no_cache) {
        plan->look = false;
        plan->reason = REASON_CONTROL;
    }
}

void plan_request(struct plan *out, struct plan_scratch *scratch, const struct key_secret *secret,
                  const struct policy *policy, const struct request *request, size_t frame_size)
{
    struct control control = {.max_age = -1};

    *out =
        (struct plan){.status = PLAN_BYPASS, .reason = REASON_NO_POLICY, .exact = request->exact};
    if (!policy)
        return;
    if (policy->allow_controls)
        control_read(&control, request->headers);
    /* but never where the operator has decided that nothing is served */
    out->only =
        control.only_if_cached && !policy->shadow && policy_mode(request->mode) != MODE_BYPASS;
    out->api = api_of(policy, request);
    out->reason = policy_may_lookup(policy, request);
    if (out->reason == REASON_NONE && control.no_store)
        out->reason = REASON_CONTROL;
    if (out->reason == REASON_NONE)
        out->reason = derive_key(out, scratch, secret, policy, request, control.space);
    if (out->reason != REASON_NONE)
        return;
    enum policy_mode mode = policy_mode(request->mode);
    out->has_key = true;
    out->status = PLAN_MISS;
    out->look = mode != MODE_REFRESH;
    out->store = mode != MODE_READONLY;
    out->reason = mode == MODE_REFRESH ? REASON_MODE : REASON_ABSENT;
    out->ttl = shorter_ttl(policy->ttl, request->ttl);
    out->room = room_for_body(policy, frame_size);
    obey(out, &control);
}

static bool same_request(const struct entry *e, const struct key *key)
{
    return e->digest.high == key->digest.high && e->digest.low == key->digest.low &&
           e->length == key->length && e->tenant == key->tenant;
}

/* The body as an HAProxy <= 3.0 returns it unchanged. */
static enum reason make_clean(struct plan_scratch *scratch, struct entry *e)
{
    if (e->flags & ENTRY_CLEAN)
        return REASON_NONE;
    if (!(e->flags & ENTRY_JSON))
        return REASON_UNSAFE_BYTES;
    buf_clear(&scratch->body);
    entry_body_clean(&scratch->body, e->body);
    if (!buf_ok(&scratch->body))
        return REASON_INTERNAL;
    e->body = buf_str(&scratch->body);
    e->sum = entry_sum(e->body);
    return REASON_NONE;
}

static enum reason judge_found(const struct plan *plan, struct plan_scratch *scratch,
                               const struct policy *policy, struct str stored, int64_t now,
                               struct entry *e)
{
    if (!(plan->own ? entry_read_own(stored, e) : entry_read(stored, e)))
        return REASON_CORRUPT;
    if (!same_request(e, &plan->key))
        return REASON_MISMATCH;
    if (now >= e->fresh_until || now - e->created >= plan->max_age)
        return REASON_EXPIRED;
    if (!policy_stores_status(policy, e->code))
        return REASON_STATUS;
    if (!policy_stores_type(policy, e->content_type))
        return REASON_TYPE;
    enum reason reason = plan->exact ? REASON_NONE : make_clean(scratch, e);
    if (reason != REASON_NONE)
        return reason;
    return e->body.len > plan->room ? REASON_FRAME_SMALL : REASON_NONE;
}

void plan_found(struct plan *plan, struct plan_scratch *scratch, const struct policy *policy,
                struct str stored, int64_t now, struct entry *entry)
{
    plan->reason = judge_found(plan, scratch, policy, stored, now, entry);
    plan->status = plan->reason == REASON_NONE ? PLAN_HIT : PLAN_MISS;
    if (plan->status == PLAN_HIT && policy->shadow) {
        plan->status = PLAN_MISS;
        plan->reason = REASON_SHADOW;
        plan->store = false;
    }
    if (plan->reason == REASON_NONE || plan->reason == REASON_UNSAFE_BYTES ||
        plan->reason == REASON_FRAME_SMALL)
        plan->store = false; /* what would be stored is there already */
}

/* Whether a header may be written into an entry as a line. */
static bool printable(struct str value)
{
    for (size_t i = 0; i < value.len; i++)
        if (((unsigned char)value.ptr[i] < 0x20 && value.ptr[i] != '\t') || value.ptr[i] == 0x7f)
            return false;
    return true;
}

/* Whether the Connection header names the field (RFC 9110 7.6.1). */
static bool is_hop_by_hop(struct str connection, struct str name)
{
    while (connection.len)
        if (str_eq_nocase(str_trim(str_split(&connection, ',')), name))
            return true;
    return false;
}

/* Whether field i of the response is one to keep. */
static bool is_kept(const struct policy *policy, const struct response *response, size_t i)
{
    const struct header *h = &response->headers->items[i];

    return str_list_has(&policy->replay, h->name) && header_replayable(h->name) &&
           printable(h->value) && !is_hop_by_hop(response->connection, h->name);
}

/* The value of the fields called `name`, joined as RFC 9110 5.3 allows. */
static void append_joined(struct buf *out, const struct policy *policy,
                          const struct response *response, struct str name)
{
    const char *separator = ": ";

    buf_append(out, name);
    for (size_t i = 0; i < response->headers->count; i++) {
        const struct header *h = &response->headers->items[i];
        if (!str_eq(h->name, name) || !is_kept(policy, response, i))
            continue;
        buf_append(out, str_of(separator));
        buf_append(out, h->value);
        separator = ", ";
    }
    buf_append(out, STR("\r\n"));
}

/* The headers that the policy replays, each name once. */
static void append_headers(struct buf *out, const struct policy *policy,
                           const struct response *response)
{
    for (size_t i = 0; i < response->headers->count; i++) {
        size_t first = 0;
        while (!str_eq(response->headers->items[first].name, response->headers->items[i].name))
            first++;
        if (first == i && is_kept(policy, response, i))
            append_joined(out, policy, response, response->headers->items[i].name);
    }
}

static enum reason judge_json(struct plan_scratch *scratch, const struct policy *policy,
                              const struct ticket *ticket, const struct response *response)
{
    const struct api *api = api_named(ticket->api);
    struct gate_options options = {
        .finish_length = str_list_has(&policy->store_finish, STR("length")),
        .finish_filter = str_list_has(&policy->store_finish, STR("content_filter")),
        .finish_refusal = str_list_has(&policy->store_finish, STR("refusal")),
        .tool_calls = policy->store_tool_calls,
        .min_output_tokens = policy->min_output_tokens,
    };

    if (json_read(&scratch->doc, response->body) != JSON_OK)
        return REASON_JSON;
    if (ticket->api.len == 0 || response->code >= 300)
        return REASON_NONE;
    return api ? gate_judge(api->gate, &scratch->doc, (uint32_t)ticket->count, &options)
               : REASON_TICKET;
}

static enum reason judge_answer(struct plan_scratch *scratch, const struct policy *policy,
                                const struct ticket *ticket, const struct response *response,
                                struct str content_type)
{
    enum reason reason = policy_may_store(policy, response);

    if (reason != REASON_NONE)
        return reason;
    if (!printable(content_type))
        return REASON_TYPE;
    return media_type_is_json(content_type) ? judge_json(scratch, policy, ticket, response)
                                            : REASON_NONE;
}

enum reason plan_answer(struct plan_scratch *scratch, const struct policy *policy,
                        const struct ticket *ticket, const struct response *response, int64_t now,
                        struct buf *stored)
{
    if (!policy)
        return REASON_NO_POLICY;
    struct str content_type = headers_get(response->headers, STR("content-type"));
    enum reason reason = judge_answer(scratch, policy, ticket, response, content_type);
    if (reason != REASON_NONE)
        return reason;
    buf_clear(&scratch->fields);
    append_headers(&scratch->fields, policy, response);
    if (content_type.len + scratch->fields.len > PLAN_HEADERS_MAX)
        return REASON_LARGE;
    struct entry entry = {
        .created = now,
        .fresh_until = now + ticket->ttl,
        .usable_until = now + ticket->ttl,
        .digest = ticket->key.digest,
        .length = ticket->key.length,
        .tenant = ticket->key.tenant,
        .flags = media_type_is_json(content_type) ? ENTRY_JSON : 0,
        .code = (unsigned)response->code,
        .content_type = content_type,
        .headers = buf_str(&scratch->fields),
        .body = response->body,
    };
    buf_clear(stored);
    entry_write(stored, &entry);
    return buf_ok(&scratch->fields) && buf_ok(stored) ? REASON_NONE : REASON_INTERNAL;
}
