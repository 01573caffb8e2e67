#include "explain.h"

#include "api_read.h"
#include "credential.h"
#include "explain_subject.h"
#include "notify.h"
#include "show.h"
#include "units.h"
#include <inttypes.h>

static void say_request(const struct subject *s, struct buf *out)
{
    const struct request *request = s->request;

    explain_line(out, "request");
    subject_show_request(s, out);
    explain_line(out, "");
    buf_append(out, STR("backend "));
    show_text(out, request->backend, SHOW_SHORT);
    if (request->upstream.len) {
        buf_append(out, STR(", upstream "));
        show_text(out, request->upstream, SHOW_SHORT);
    }
    buf_printf(out, ", a body of %zu bytes", request->body.len);
}

static void say_policy(const struct subject *s, struct buf *out)
{
    const struct policy *policy = s->scope.policy;

    explain_line(out, "policy");
    if (!policy) {
        buf_append(out, STR("none is called "));
        show_quoted(out, s->request->policy, SHOW_SHORT);
        return;
    }
    show_text(out, policy->name, SHOW_SHORT);
    if (!str_eq(policy->name, s->request->policy))
        buf_append(out, STR(" (by the tenant's section)"));
    if (policy->generation)
        buf_printf(out, ", generation %" PRId64, policy->generation);
}

static void say_tenant(const struct subject *s, struct buf *out)
{
    const struct tenant *tenant = s->scope.tenant;

    explain_line(out, "tenant");
    subject_show_tenant(s, out);
    if (tenant)
        buf_printf(out, ", [tenant %.*s]", STR_ARGS(tenant->name));
    else if (s->scope.identity.len)
        buf_append(out, STR(", no section"));
    explain_line(out, "shared by");
    subject_show_owner(s, out);
    if (tenant && tenant->generation)
        buf_printf(out, ", generation %" PRId64, tenant->generation);
}

static const char *how_api(const struct subject *s)
{
    if (api_named(s->scope.policy->api))
        return "by the policy";
    return s->plan.api == api_generic() ? "no other is known by this path" : "by the path";
}

static void say_api(const struct subject *s, struct buf *out)
{
    explain_line(out, "api");
    if (!s->plan.api) {
        buf_append(out, STR("none: the policy's request-body is any, and each byte counts"));
        return;
    }
    buf_printf(out, "%s (%s)", s->plan.api->name, how_api(s));
    if (s->model.len == 0)
        return;
    explain_line(out, "model");
    show_text(out, s->model, SHOW_SHORT);
    if (s->rules)
        buf_printf(out, ", [model %.*s]", STR_ARGS(s->rules->name));
    else
        buf_append(out, STR(", no section"));
}

/* A line for each header that is there. False when there is none. */
static bool say_headers(const struct subject *s, const char *label, const struct str *names,
                        size_t count, struct buf *out)
{
    bool any = false;

    for (size_t i = 0; i < count; i++) {
        if (headers_count(s->request->headers, names[i]) == 0)
            continue;
        explain_line(out, any ? "" : label);
        buf_printf(out, "%.*s: ", STR_ARGS(names[i]));
        subject_show_header(s, names[i], out);
        any = true;
    }
    return any;
}

/* What the client says to the cache. */
static void say_controls(const struct subject *s, struct buf *out)
{
    static const struct str names[] = {{"cache-control", 13},
                                       {"x-cache-control", 15},
                                       {"x-cache-ttl", 11},
                                       {"x-cache-namespace", 17}};

    if (!s->control.any)
        return;
    say_headers(s, "controls", names, sizeof names / sizeof *names, out);
    explain_line(out, "");
    buf_append(out, s->scope.allow_controls ? STR("obeyed, as allow-controls is yes")
                                            : STR("not obeyed, as allow-controls is no"));
}

/* Those that are part of the key. */
static void say_vary(const struct subject *s, struct buf *out)
{
    const struct str_list *vary = &s->scope.policy->vary;

    if (say_headers(s, "headers", vary->items, vary->count, out))
        return;
    explain_line(out, "headers");
    buf_append(out, STR("none of those in the policy's vary"));
}

static void show_time(struct buf *out, const char *name, int64_t ms)
{
    buf_append(out, str_of(name));
    /* a jitter leaves milliseconds that nobody needs */
    units_format(UNITS_DURATION, ms > 1000 ? ms - ms % 1000 : ms, out);
}

static void show_limit(struct buf *out, const char *whose, int64_t ms)
{
    if (ms > 0)
        show_time(out, whose, ms);
}

/* The shortest of those that are said counts. */
static void say_ttl(const struct subject *s, struct buf *out)
{
    const struct scope *scope = &s->scope;

    explain_line(out, "ttl");
    show_time(out, "", s->plan.ttl);
    show_time(out, ": policy ", scope->policy->ttl);
    show_limit(out, ", tenant ", scope->tenant ? scope->tenant->ttl : 0);
    show_limit(out, ", model ", s->rules ? s->rules->ttl : 0);
    show_limit(out, ", txn.cache.ttl ", s->request->ttl);
    show_limit(out, ", X-Cache-TTL ", scope->allow_controls ? s->control.ttl : 0);
    if (scope->policy->ttl_jitter)
        buf_printf(out, ", jitter up to %" PRId64 " %%", scope->policy->ttl_jitter);
}

static void say_key(const struct subject *s, bool no_secret, struct buf *out)
{
    explain_line(out, "key");
    buf_append(out, key_text(&s->plan.key));
    if (no_secret) {
        explain_line(out, "");
        buf_append(out, STR("the configuration has no secret: an agent makes its own, and other "
                            "keys"));
    }
}

static void show_storing(const struct plan *plan, struct buf *out)
{
    if (plan->store)
        show_time(out, "would be stored for ", plan->ttl);
    else
        buf_append(out, STR("would not be stored (txn.cache.mode)"));
}

/* What would become of a request that has a key. */
static void say_lookup(const struct subject *s, struct buf *out)
{
    const struct plan *plan = &s->plan;

    if (plan->look)
        buf_append(out, STR("would be looked up under this key; a miss "));
    else
        buf_printf(out, "would not be looked up, reason %s; the answer ",
                   reason_name(plan->reason));
    show_storing(plan, out);
    if (plan->policy->shadow) {
        explain_line(out, "");
        buf_append(out, STR("a hit would only be counted: the policy's mode is shadow"));
    }
    if (plan->max_age < plan->ttl) {
        explain_line(out, "");
        show_time(out, "nothing would be served after ", plan->max_age);
    }
    if (plan->only) {
        explain_line(out, "");
        buf_append(out, STR("a miss would be answered with 504: only-if-cached"));
    }
}

static void say_sizes(const struct subject *s, struct buf *out)
{
    explain_line(out, "");
    units_format(UNITS_SIZE, (int64_t)s->request->body.len, out);
    buf_append(out, STR(", and max-request is "));
    units_format(UNITS_SIZE, s->scope.max_request, out);
}

static void say_stream(const struct subject *s, struct buf *out)
{
    if (!api_streams_path(s->plan.api, s->request->target)) {
        explain_members(s, STR("stream"), out);
        return;
    }
    explain_line(out, "");
    buf_append(out, STR("the path asks for it"));
}

/* Where the reason of a bypass lies. */
static void say_where(const struct subject *s, struct buf *out)
{
    static const struct str content_type = {"content-type", 12};

    switch (s->plan.reason) {
    case REASON_FIELD:
        explain_bypasses(s, out);
        break;
    case REASON_STREAM:
        say_stream(s, out);
        break;
    case REASON_TEMPERATURE:
        explain_members(s, STR("temperature"), out);
        break;
    case REASON_REQUEST_JSON:
        explain_line(out, "");
        buf_append(out, s->json ? str_of(json_error_name(s->json)) : STR("not an object"));
        break;
    case REASON_REQUEST_TYPE:
        say_headers(s, "", &content_type, 1, out);
        break;
    case REASON_REQUEST_LARGE:
        say_sizes(s, out);
        break;
    case REASON_OFF:
        explain_line(out, "");
        buf_printf(out, "cache = off in the section of the %s",
                   s->scope.tenant && !s->scope.tenant->cache ? "tenant" : "model");
        break;
    default:
        break;
    }
}

static void say_result(const struct subject *s, struct buf *out)
{
    explain_line(out, "result");
    if (s->plan.has_key) {
        say_lookup(s, out);
        return;
    }
    subject_show_bypass(s, out);
    say_where(s, out);
    if (s->plan.only) {
        explain_line(out, "");
        buf_append(out, STR("it would be answered with 504: only-if-cached"));
    }
}

static void say_all(const struct subject *s, const struct explain_options *options, struct buf *out)
{
    say_request(s, out);
    say_policy(s, out);
    if (s->scope.policy) {
        say_tenant(s, out);
        say_api(s, out);
        say_controls(s, out);
        say_vary(s, out);
        explain_fields(s, options->full, out);
        explain_form(s, options->full, out);
    }
    if (s->plan.has_key) {
        say_ttl(s, out);
        say_key(s, options->no_secret, out);
    }
    say_result(s, out);
    buf_append_byte(out, '\n');
}

void explain_one(struct buf *out, const struct config *config, const struct key_secret *secret,
                 const struct request *request, const struct explain_options *options)
{
    struct subject subject;
    size_t from = out->len;

    subject_open(&subject, config, secret, request);
    say_all(&subject, options, out);
    subject_close(&subject);
    credential_hide(out, from, request);
}

bool explain_set(struct request *request, struct str name, struct str value)
{
    const struct {
        struct str name, *field;
    } fields[] = {
        {STR("policy"), &request->policy},     {STR("tenant"), &request->tenant},
        {STR("upstream"), &request->upstream}, {STR("backend"), &request->backend},
        {STR("mode"), &request->mode},         {STR("scheme"), &request->scheme},
    };

    if (str_eq(name, STR("ttl"))) {
        request->ttl = value.len ? notify_ttl(value) : 0;
        return true;
    }
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (str_eq(name, fields[i].name)) {
            *fields[i].field = value;
            return true;
        }
    return false;
}
