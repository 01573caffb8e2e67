/* Two requests share when they have one key. What keeps them apart is found by giving the first one
 * what the second has, one thing at a time: a thing that changes the key is a difference. */
#include "credential.h"
#include "explain_subject.h"
#include "json_diff.h"
#include "show.h"

enum { DIFFERENCES_SHOWN = 8 };

/* What a key is made of. */
struct parts {
    const struct policy *policy;
    struct request request;
    struct key_body body;
    struct key_context context;
};

struct pair {
    struct subject first, second;
    struct parts one, other;
    struct buf *out;
    size_t count; /* differences */
};

static struct parts parts_of(const struct subject *s)
{
    struct parts parts = {
        .policy = s->scope.policy,
        .request = *s->request,
        .context = {.owner = s->scope.owner,
                    .api = s->plan.api ? str_of(s->plan.api->name) : STR(""),
                    .namespace = s->scope.allow_controls ? s->control.space : STR("")},
    };

    key_body_hash(&parts.body, s->secret, s->plan.api ? buf_str(&s->form) : s->request->body);
    return parts;
}

/* Whether the first request, changed so, has another key. */
static bool matters(struct pair *p, const struct parts *changed)
{
    struct key key;

    return key_derive(&key, p->first.secret, changed->policy, &changed->request, &changed->body,
                      &changed->context, &p->first.scratch.fields) &&
           !str_eq(key_text(&key), key_text(&p->first.plan.key));
}

/* Begins the line of a difference. */
static void differ(struct pair *p, const char *what)
{
    explain_line(p->out, "");
    buf_printf(p->out, "%s: ", what);
    p->count++;
}

static void say_texts(struct pair *p, const char *what, struct str one, struct str other)
{
    differ(p, what);
    show_quoted(p->out, one, SHOW_SHORT);
    buf_append(p->out, STR(" and "));
    show_quoted(p->out, other, SHOW_SHORT);
}

static void compare_policy(struct pair *p)
{
    struct parts changed = p->one;

    changed.policy = p->other.policy;
    if (matters(p, &changed))
        say_texts(p, "policy", p->one.policy->name, p->other.policy->name);
}

static void compare_owner(struct pair *p)
{
    struct parts changed = p->one;

    changed.context.owner = p->other.context.owner;
    if (!matters(p, &changed))
        return;
    differ(p, "shared by");
    subject_show_owner(&p->first, p->out);
    buf_append(p->out, STR(" and "));
    subject_show_owner(&p->second, p->out);
}

static void compare_texts(struct pair *p)
{
    struct parts changed = p->one;
    const struct {
        const char *name;
        struct str *here, other;
    } texts[] = {
        {"api", &changed.context.api, p->other.context.api},
        {"X-Cache-Namespace", &changed.context.namespace, p->other.context.namespace},
        {"upstream", &changed.request.upstream, p->other.request.upstream},
        {"backend", &changed.request.backend, p->other.request.backend},
        {"method", &changed.request.method, p->other.request.method},
        {"scheme", &changed.request.scheme, p->other.request.scheme},
        {"host", &changed.request.host, p->other.request.host},
    };

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct str one = *texts[i].here;
        *texts[i].here = texts[i].other;
        if (matters(p, &changed))
            say_texts(p, texts[i].name, one, texts[i].other);
        *texts[i].here = one;
    }
}

static void compare_target(struct pair *p)
{
    struct parts changed = p->one;

    changed.request.target = p->other.request.target;
    if (!matters(p, &changed))
        return;
    differ(p, "target");
    credential_show_target(p->out, p->one.request.target);
    buf_append(p->out, STR(" and "));
    credential_show_target(p->out, p->other.request.target);
}

/* The headers of one request, but those of a name are those of another. */
static void exchange(struct headers *out, const struct headers *one, const struct headers *other,
                     struct str name)
{
    *out = (struct headers){.lengths = one->lengths | other->lengths};
    for (size_t i = 0; i < one->count; i++)
        if (!str_eq(one->items[i].name, name))
            out->items[out->count++] = one->items[i];
    for (size_t i = 0; i < other->count && out->count < HEADERS_MAX; i++)
        if (str_eq(other->items[i].name, name))
            out->items[out->count++] = other->items[i];
}

static void compare_headers(struct pair *p)
{
    const struct str_list *vary = &p->one.policy->vary;
    struct headers headers;

    for (size_t i = 0; i < vary->count; i++) {
        struct parts changed = p->one;
        struct str name = vary->items[i];
        exchange(&headers, p->one.request.headers, p->other.request.headers, name);
        changed.request.headers = &headers;
        if (!matters(p, &changed))
            continue;
        differ(p, "header");
        buf_printf(p->out, "%.*s: ", STR_ARGS(name));
        subject_show_header(&p->first, name, p->out);
        buf_append(p->out, STR(" and "));
        subject_show_header(&p->second, name, p->out);
    }
}

static void say_difference(struct pair *p, const struct json_diff *diff)
{
    differ(p, "body");
    json_walk_path(diff->found == JSON_ONLY_SECOND ? &diff->second : &diff->first, p->out);
    switch (diff->found) {
    case JSON_ONLY_FIRST:
        buf_append(p->out, STR(": in the first alone, "));
        explain_value(diff->first.node, p->out);
        break;
    case JSON_ONLY_SECOND:
        buf_append(p->out, STR(": in the second alone, "));
        explain_value(diff->second.node, p->out);
        break;
    case JSON_ORDER:
        buf_append(p->out, STR(" and what follows it: in another order"));
        break;
    default:
        buf_append(p->out, STR(": "));
        explain_value(diff->first.node, p->out);
        buf_append(p->out, STR(" and "));
        explain_value(diff->second.node, p->out);
        break;
    }
}

/* Where the canonical forms differ, which are JSON too. */
static void compare_forms(struct pair *p)
{
    struct json_doc first = {.count = 0}, second = {.count = 0};
    struct json_diff diff;
    size_t shown = 0;

    if (json_read(&first, subject_form(&p->first)) == JSON_OK &&
        json_read(&second, subject_form(&p->second)) == JSON_OK) {
        json_diff_begin(&diff, &first, &second);
        while (json_diff_next(&diff) != JSON_SAME && shown++ < DIFFERENCES_SHOWN)
            say_difference(p, &diff);
        if (diff.found != JSON_SAME) {
            explain_line(p->out, "");
            buf_append(p->out, STR("body: and more"));
        }
    }
    json_free(&first);
    json_free(&second);
}

static void compare_bytes(struct pair *p)
{
    struct str one = p->one.request.body, other = p->other.request.body;
    size_t at = 0;

    while (at < one.len && at < other.len && one.ptr[at] == other.ptr[at])
        at++;
    differ(p, "body");
    buf_printf(p->out, "from byte %zu on, of %zu and %zu", at, one.len, other.len);
}

static void compare_bodies(struct pair *p)
{
    struct parts changed = p->one;
    size_t before = p->count;

    changed.body = p->other.body;
    if (!matters(p, &changed))
        return;
    if (p->first.plan.api && p->second.plan.api)
        compare_forms(p);
    if (p->count == before)
        compare_bytes(p);
}

static void say_differences(struct pair *p)
{
    p->one = parts_of(&p->first);
    p->other = parts_of(&p->second);
    compare_policy(p);
    compare_owner(p);
    compare_texts(p);
    compare_target(p);
    compare_headers(p);
    compare_bodies(p);
    if (p->count == 0) {
        explain_line(p->out, "");
        buf_append(p->out, STR("by what is not shown here"));
    }
}

static void say_subject(const struct subject *s, const char *label, struct buf *out)
{
    explain_line(out, label);
    subject_show_request(s, out);
    explain_line(out, "");
    if (s->scope.policy)
        buf_printf(out, "policy %.*s, tenant ", STR_ARGS(s->scope.policy->name));
    if (s->scope.policy)
        subject_show_tenant(s, out);
    if (s->plan.api)
        buf_printf(out, ", api %s", s->plan.api->name);
    if (s->model.len)
        buf_append(out, STR(", model "));
    show_text(out, s->model, SHOW_SHORT);
    explain_line(out, "");
    if (s->plan.has_key)
        buf_append(out, key_text(&s->plan.key));
    else
        subject_show_bypass(s, out);
}

static bool say_verdict(struct pair *p)
{
    const struct plan *first = &p->first.plan, *second = &p->second.plan;

    explain_line(p->out, "verdict");
    if (!first->has_key || !second->has_key) {
        buf_printf(p->out, "they do not share: %s cached",
                   first->has_key    ? "the second is not"
                   : second->has_key ? "the first is not"
                                     : "neither is");
        return false;
    }
    if (str_eq(key_text(&first->key), key_text(&second->key))) {
        buf_append(p->out, STR("they share"));
        return true;
    }
    buf_append(p->out, STR("they do not share:"));
    say_differences(p);
    return false;
}

bool explain_two(struct buf *out, const struct config *config, const struct key_secret *secret,
                 const struct request requests[2])
{
    struct pair pair = {.out = out};
    size_t from = out->len;

    subject_open(&pair.first, config, secret, &requests[0]);
    subject_open(&pair.second, config, secret, &requests[1]);
    say_subject(&pair.first, "first", out);
    say_subject(&pair.second, "second", out);
    bool share = say_verdict(&pair);
    buf_append_byte(out, '\n');
    subject_close(&pair.first);
    subject_close(&pair.second);
    credential_hide(out, from, &requests[0]);
    credential_hide(out, from, &requests[1]);
    return share;
}
