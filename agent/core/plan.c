#include "plan.h"

#include "api_read.h"
#include "control.h"
#include "hit_body.h"

void plan_scratch_init(struct plan_scratch *scratch)
{
    *scratch = (struct plan_scratch){.canonical = buf_new(PLAN_CANONICAL_MAX),
                                     .fields = buf_new(PLAN_CANONICAL_MAX),
                                     .body = buf_new(PLAN_CANONICAL_MAX),
                                     .replay = buf_new(PLAN_CANONICAL_MAX),
                                     .tags = buf_new(PLAN_TAGS_MAX)};
}

void plan_scratch_free(struct plan_scratch *scratch)
{
    json_free(&scratch->doc);
    buf_free(&scratch->canonical);
    buf_free(&scratch->fields);
    buf_free(&scratch->body);
    buf_free(&scratch->replay);
    buf_free(&scratch->tags);
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

/* Keeps the names of the models that may answer, the one in the path and the one in the body: by
 * either the answer may be purged. */
static void keep_models(struct plan *plan, struct buf *scratch, struct str in_body,
                        struct str target)
{
    char decoded[API_MODEL_MAX];
    struct str raw = api_model_in_path(plan->api, target);
    struct str in_path = api_model_decoded(raw, decoded);

    buf_clear(scratch);
    purge_names_add(scratch, in_path.len ? in_path : raw);
    if (!str_eq(in_body, in_path))
        purge_names_add(scratch, in_body);
    plan->models_len = scratch->len;
    if (scratch->len)
        memcpy(plan->models, scratch->ptr, scratch->len);
}

static enum reason derive_key(struct plan *plan, struct plan_scratch *scratch,
                              const struct key_secret *secret, const struct scope *scope,
                              const struct request *request, struct str space)
{
    struct key_context context = {
        .owner = scope->owner,
        .api = plan->api ? str_of(plan->api->name) : STR(""),
        .namespace = space,
    };
    struct meaning meaning = {.reason = REASON_NONE};

    if (plan->api && api_streams_path(plan->api, request->target))
        return REASON_STREAM;
    if (plan->api)
        understand(&meaning, scratch, secret, scope->policy, plan->api, request->body);
    else
        key_body_hash(&meaning.body, secret, request->body);
    if (meaning.reason != REASON_NONE)
        return meaning.reason;
    if (plan->api && api_bypasses_path(plan->api, request->target))
        return REASON_FIELD;
    const struct model *model =
        plan->api ? scope_model(scope, plan->api, meaning_model(&meaning), request->target) : NULL;
    if (model && !model->cache)
        return REASON_OFF;
    if (plan->api) {
        keep_models(plan, &scratch->tags, meaning_model(&meaning), request->target);
        plan->price = scope_price(scope, plan->api, meaning_model(&meaning), request->target);
    }
    plan->ttl = scope_narrower(scope->ttl, model ? model->ttl : 0);
    plan->count = meaning.count;
    return key_derive(&plan->key, secret, scope->policy, request, &meaning.body, &context,
                      &scratch->fields)
               ? REASON_NONE
               : REASON_INTERNAL;
}

static size_t room_for_body(int64_t max_body, size_t frame_size)
{
    size_t room = frame_size > PLAN_REPLY_MARGIN ? frame_size - PLAN_REPLY_MARGIN : 0;

    return room < (uint64_t)max_body ? room : (size_t)max_body;
}

/* Shortens a time to live by up to `percent`, each key by a part of its own, so that what was
 * stored at once does not end at once. */
static int64_t jittered(int64_t ttl, int64_t percent, const struct key *key)
{
    int64_t part = (int64_t)(key->digest.high % 1024);

    return ttl - ttl * percent * part / (100 * 1024); /* no ttl is so long that it overflows */
}

/* What the request's own headers change, where they are obeyed. */
static void obey(struct plan *plan, const struct control *control)
{
    plan->ttl = scope_narrower(plan->ttl, control->ttl);
    plan->max_age = plan->ttl;
    if (control->max_age >= 0 && control->max_age < plan->max_age)
        plan->max_age = control->max_age;
    if (control->no_cache) {
        plan->look = false;
        plan->reason = REASON_CONTROL;
    }
}

/* The request's own headers, if they count. */
static struct control listen(struct plan *plan, const struct scope *scope,
                             const struct headers *headers)
{
    struct control control;

    control_read(&control, headers);
    if (scope->allow_controls)
        return control;
    plan->deaf = control.any;
    return (struct control){.max_age = -1};
}

/* Whether the request may be looked up, judged by everything but its body. */
static enum reason may_lookup(const struct scope *scope, const struct request *request)
{
    struct request named = *request;

    named.tenant = scope->identity;
    enum reason reason = policy_may_lookup(scope->policy, &named);
    if (reason == REASON_NONE && scope->tenant && !scope->tenant->cache)
        return REASON_OFF;
    if (reason == REASON_NONE && request->body.len > (uint64_t)scope->max_request)
        return REASON_REQUEST_LARGE;
    return reason;
}

void plan_request(struct plan *out, struct plan_scratch *scratch, const struct key_secret *secret,
                  const struct scope *scope, const struct request *request, size_t frame_size)
{
    enum policy_mode mode = policy_mode(request->mode);

    *out = (struct plan){.status = PLAN_BYPASS,
                         .reason = REASON_NO_POLICY,
                         .exact = request->exact,
                         .policy = scope->policy};
    if (!out->policy)
        return;
    struct control control = listen(out, scope, request->headers);
    /* but never where the operator has decided that nothing is served */
    out->only = control.only_if_cached && !out->policy->shadow && mode != MODE_BYPASS;
    out->api = api_of(out->policy, request);
    out->reason = may_lookup(scope, request);
    if (out->reason == REASON_NONE && control.no_store)
        out->reason = REASON_CONTROL;
    if (out->reason == REASON_NONE)
        out->reason = derive_key(out, scratch, secret, scope, request, control.space);
    out->only &= out->reason != REASON_OFF;
    if (out->reason != REASON_NONE)
        return;
    out->has_key = true;
    out->status = PLAN_MISS;
    out->coalesces = mode == MODE_NORMAL && policy_coalesces(out->policy, request->method);
    out->look = mode != MODE_REFRESH;
    out->store = mode != MODE_READONLY;
    out->reason = mode == MODE_REFRESH ? REASON_MODE : REASON_ABSENT;
    out->ttl = scope_narrower(out->ttl, request->ttl);
    out->room = room_for_body(scope->max_body, frame_size);
    obey(out, &control);
    out->ttl = jittered(out->ttl, out->policy->ttl_jitter, &out->key);
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

/* What the policy has a hit say otherwise than it was stored. */
static enum reason make_new(const struct plan *plan, struct plan_scratch *scratch,
                            struct hash128 nonce, struct entry *e)
{
    const struct hit_body_options options = {
        .zero_usage = plan->policy->zero_usage,
        .new_id = plan->policy->new_id,
        .nonce = {nonce.high, nonce.low},
    };

    if (!(options.zero_usage || options.new_id) || !plan->api || !(e->flags & ENTRY_JSON))
        return REASON_NONE;
    if (json_read(&scratch->doc, e->body) != JSON_OK)
        return REASON_CORRUPT;
    buf_clear(&scratch->replay);
    hit_body_write(&scratch->replay, e->body, &scratch->doc, plan->api->gate, &options);
    if (!buf_ok(&scratch->replay))
        return REASON_INTERNAL;
    e->body = buf_str(&scratch->replay);
    e->sum = entry_sum(e->body);
    return REASON_NONE;
}

/* Whether the entry may still be served to this request; until when it may is put into it. */
static bool is_fresh(const struct plan *plan, int64_t now, struct entry *e)
{
    int64_t age = now > e->created ? now - e->created : 0;

    if (e->fresh_until > e->created + plan->max_age)
        e->fresh_until = e->created + plan->max_age;
    return now < e->fresh_until && age < plan->max_age;
}

static enum reason judge_found(const struct plan *plan, struct plan_scratch *scratch,
                               const struct purges *purges, struct str stored, int64_t now,
                               struct hash128 nonce, struct entry *e)
{
    const struct policy *policy = plan->policy;

    if (!(plan->own ? entry_read_own(stored, e) : entry_read(stored, e)))
        return REASON_CORRUPT;
    if (!same_request(e, &plan->key))
        return REASON_MISMATCH;
    const struct purge_subject subject = entry_subject(e, policy->name, key_hash(&plan->key));
    if (!purges_serve(purges, &subject))
        return REASON_PURGED;
    if (!is_fresh(plan, now, e))
        return REASON_EXPIRED;
    if (!policy_stores_status(policy, e->code))
        return REASON_STATUS;
    if (!policy_stores_type(policy, e->content_type))
        return REASON_TYPE;
    enum reason reason = plan->exact ? REASON_NONE : make_clean(scratch, e);
    if (reason == REASON_NONE)
        reason = make_new(plan, scratch, nonce, e);
    if (reason != REASON_NONE)
        return reason;
    return e->body.len > plan->room ? REASON_FRAME_SMALL : REASON_NONE;
}

void plan_found(struct plan *plan, struct plan_scratch *scratch, const struct purges *purges,
                struct str stored, int64_t now, struct hash128 nonce, struct entry *entry)
{
    plan->reason = judge_found(plan, scratch, purges, stored, now, nonce, entry);
    plan->status = plan->reason == REASON_NONE ? PLAN_HIT : PLAN_MISS;
    if (plan->status == PLAN_HIT && plan->policy->shadow) {
        plan->status = PLAN_MISS;
        plan->reason = REASON_SHADOW;
        plan->store = false;
    }
    if (plan->reason == REASON_NONE || plan->reason == REASON_UNSAFE_BYTES ||
        plan->reason == REASON_FRAME_SMALL)
        plan->store = false; /* what would be stored is there already */
}

bool plan_coalesces(const struct plan *plan)
{
    return plan->coalesces && plan->status == PLAN_MISS && plan->store && !plan->only &&
           plan->max_age > 0;
}

bool plan_resume(struct plan *out, const struct policy *policy, const struct ticket *ticket,
                 bool exact, size_t frame_size)
{
    if (!policy || policy->shadow || policy->coalesce_wait == 0 ||
        policy->rules != ticket->key.rules || ticket->models.len > sizeof out->models)
        return false;
    *out = (struct plan){
        .status = PLAN_MISS,
        .reason = REASON_WAIT_ENDED,
        .look = true,
        .store = true,
        .has_key = true,
        .exact = exact,
        .deaf = ticket->deaf,
        .waited = true,
        .key = ticket->key,
        .ttl = ticket->ttl,
        .max_age = ticket->max_age,
        .policy = policy,
        .api = api_named(ticket->api),
        .count = ticket->count,
        .room = room_for_body(ticket->room, frame_size),
        .seen = ticket->seen,
        .models_len = ticket->models.len,
    };
    if (ticket->models.len)
        memcpy(out->models, ticket->models.ptr, ticket->models.len);
    return true;
}
