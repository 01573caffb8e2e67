#include "plan.h"

#include "gate.h"
#include "usage.h"

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
           !str_has_control(h->value) && !is_hop_by_hop(response->connection, h->name);
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

/* The tags that the answer lists; false when they are too many. */
static bool take_tags(struct buf *tags, const struct policy *policy, const struct headers *headers)
{
    size_t count = 0;

    buf_clear(tags);
    if (policy->tag_header.len == 0)
        return true;
    for (size_t i = 0; i < headers->count && count <= PURGE_TAGS_MAX; i++)
        if (str_eq(headers->items[i].name, policy->tag_header))
            count += purge_tags(tags, headers->items[i].value);
    return count <= PURGE_TAGS_MAX && buf_ok(tags);
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
    if (str_has_control(content_type))
        return REASON_TYPE;
    if (media_type_is_json(content_type))
        return judge_json(scratch, policy, ticket, response);
    const struct api *api = api_named(ticket->api);
    return api && api->gate != GATE_NONE ? REASON_TYPE : REASON_NONE;
}

static int64_t believable(int64_t tokens)
{
    return tokens > 0 && tokens <= ENTRY_TOKENS_MAX ? tokens : 0;
}

/* Notes what the answer, which is JSON and has been read, says that it cost. */
static void note_tokens(struct entry *e, struct str api_name, const struct json_doc *answer)
{
    const struct api *api = api_named(api_name);
    struct usage usage = usage_read(api ? api->gate : GATE_NONE, answer);

    e->prompt_tokens = believable(usage.input);
    e->completion_tokens = believable(usage.output);
}

/* Collects the headers and tags to keep; false when the answer is too large for an entry. */
static bool collect(struct plan_scratch *scratch, const struct policy *policy,
                    const struct ticket *ticket, const struct response *response,
                    struct str content_type)
{
    buf_clear(&scratch->fields);
    append_headers(&scratch->fields, policy, response);
    return content_type.len + scratch->fields.len <= PLAN_HEADERS_MAX &&
           response->body.len <= (uint64_t)ticket->room &&
           take_tags(&scratch->tags, policy, response->headers);
}

/* The entry of an answer whose headers and tags are collected; it borrows all that it holds. */
static struct entry make_entry(const struct plan_scratch *scratch, const struct ticket *ticket,
                               const struct response *response, struct str content_type,
                               int64_t now)
{
    struct entry entry = {
        .created = now,
        .fresh_until = now + ticket->ttl,
        .usable_until = now + ticket->ttl,
        .digest = ticket->key.digest,
        .length = ticket->key.length,
        .tenant = ticket->key.tenant,
        .flags = media_type_is_json(content_type) ? ENTRY_JSON : 0,
        .epoch = ticket->epoch,
        .code = (unsigned)response->code,
        .models = ticket->models,
        .tags = buf_str(&scratch->tags),
        .content_type = content_type,
        .headers = buf_str(&scratch->fields),
        .body = response->body,
    };

    if (entry.flags & ENTRY_JSON)
        note_tokens(&entry, ticket->api, &scratch->doc);
    return entry;
}

enum reason plan_answer(struct plan_scratch *scratch, const struct policy *policy,
                        const struct purges *purges, const struct ticket *ticket,
                        const struct response *response, int64_t now, struct buf *stored)
{
    if (!policy)
        return REASON_NO_POLICY;
    if (policy->rules != ticket->key.rules)
        return REASON_TICKET;
    struct str content_type = headers_get(response->headers, STR("content-type"));
    enum reason reason = judge_answer(scratch, policy, ticket, response, content_type);
    if (reason != REASON_NONE)
        return reason;
    if (!collect(scratch, policy, ticket, response, content_type))
        return REASON_LARGE;
    const struct entry entry = make_entry(scratch, ticket, response, content_type, now);
    const struct purge_subject subject =
        entry_subject(&entry, policy->name, key_hash(&ticket->key));
    if (!purges_allow(purges, &subject))
        return REASON_PURGED;
    buf_clear(stored);
    entry_write(stored, &entry);
    return buf_ok(&scratch->fields) && buf_ok(stored) ? REASON_NONE : REASON_INTERNAL;
}
