#include "explain_subject.h"

#include "api_read.h"
#include "canonical.h"
#include "credential.h"
#include "decimal.h"
#include "show.h"
#include <stdlib.h>

enum { PLACES_SHOWN = 20 }; /* behind a number's point */

/* Reads the body as JSON, when the plan did not come so far. */
static void read_body(struct subject *s)
{
    const struct api *api = s->plan.api;
    struct json_doc *doc = &s->scratch.doc;

    if (!api)
        return;
    s->json = doc->count ? JSON_OK : json_read(doc, s->request->body);
    if (s->json != JSON_OK || !(s->notes = calloc(doc->count, 1)))
        return;
    s->has_form = canonical_annotate(&s->form, doc, api->request, s->scope.policy->normalizer,
                                     s->notes) == REASON_NONE;
    struct str in_body = api_model_in_body(doc);
    if (doc->nodes[0].type == JSON_OBJECT)
        s->model = api_model(api, doc, s->request->target);
    s->rules = scope_model(&s->scope, api, in_body, s->request->target);
}

void subject_open(struct subject *out, const struct config *config, const struct key_secret *secret,
                  const struct request *request)
{
    *out = (struct subject){
        .config = config,
        .secret = secret,
        .request = request,
        .form = buf_new(PLAN_CANONICAL_MAX),
    };
    plan_scratch_init(&out->scratch);
    control_read(&out->control, request->headers);
    scope_find(&out->scope, config, secret, request, &out->scratch.fields);
    plan_request(&out->plan, &out->scratch, secret, &out->scope, request,
                 (size_t)config->max_frame_size);
    read_body(out);
}

void subject_close(struct subject *subject)
{
    plan_scratch_free(&subject->scratch);
    buf_free(&subject->form);
    free(subject->notes);
}

struct str subject_form(const struct subject *subject)
{
    const struct normalizer *normalizer = subject->scope.policy->normalizer;

    return str_from(buf_str(&subject->form), normalizer ? normalizer_identity(normalizer).len : 0);
}

void subject_show_request(const struct subject *subject, struct buf *out)
{
    const struct request *request = subject->request;

    show_text(out, request->method, SHOW_SHORT);
    buf_append_byte(out, ' ');
    show_text(out, request->scheme, SHOW_SHORT);
    buf_append(out, STR("://"));
    show_text(out, request->host, SIZE_MAX);
    credential_show_target(out, request->target);
}

/* A tenant may be what a header says, and that header one that holds a credential. */
static void show_identity(const struct subject *subject, struct str name, struct buf *out)
{
    struct str source = subject->scope.source;

    if (str_starts(source, STR("header:")) &&
        credential_name(str_from(source, sizeof "header:" - 1)))
        buf_append(out, STR("***"));
    else
        show_text(out, name, SIZE_MAX);
}

void subject_show_tenant(const struct subject *subject, struct buf *out)
{
    const struct scope *scope = &subject->scope;

    if (scope->identity.len == 0) {
        buf_append(out, STR("none"));
        return;
    }
    show_identity(subject, scope->identity, out);
    if (str_eq(scope->source, STR("variable")))
        buf_append(out, STR(" (txn.cache.tenant)"));
    else if (str_eq(scope->source, STR("credential")))
        buf_append(out, STR(" (a digest of the credentials)"));
    else
        buf_printf(out, " (%.*s)", STR_ARGS(scope->source));
}

void subject_show_owner(const struct subject *subject, struct buf *out)
{
    const struct key_owner *owner = &subject->scope.owner;

    if (str_eq(owner->kind, STR("shared")))
        buf_append(out, STR("all tenants"));
    else if (str_eq(owner->kind, STR("section")))
        buf_printf(out, "[tenant %.*s] alone", STR_ARGS(owner->name));
    else if (str_eq(owner->kind, STR("group")))
        buf_printf(out, "the tenants of group %.*s", STR_ARGS(owner->name));
    else if (owner->name.len == 0)
        buf_append(out, STR("nobody"));
    else {
        buf_append(out, STR("tenant "));
        show_identity(subject, owner->name, out);
        buf_append(out, STR(" alone"));
    }
}

void subject_show_header(const struct subject *subject, struct str name, struct buf *out)
{
    const struct headers *headers = subject->request->headers;
    const char *separator = "";

    if (headers_count(headers, name) == 0)
        buf_append_byte(out, '-');
    else if (credential_name(name))
        buf_append(out, STR("***"));
    else
        for (size_t i = 0; i < headers->count; i++)
            if (str_eq(headers->items[i].name, name)) {
                buf_append(out, str_of(separator));
                show_text(out, headers->items[i].value, SHOW_SHORT);
                separator = ", ";
            }
}

void subject_show_bypass(const struct subject *subject, struct buf *out)
{
    enum reason reason = subject->plan.reason;

    buf_printf(out, "BYPASS, reason %s: %s", reason_name(reason), reason_help(reason));
}

/* As people write it: the canonical form has 7e-1 for 0.7. */
static void show_number(struct buf *out, struct str number)
{
    struct str exponent = number, digits = str_split(&exponent, 'e');
    int64_t places;

    if (!str_starts(exponent, STR("-")) || !decimal_read(str_from(exponent, 1), &places) ||
        places > PLACES_SHOWN || memchr(digits.ptr, '.', digits.len)) {
        show_text(out, number, SHOW_SHORT);
        return;
    }
    if (str_starts(digits, STR("-")))
        buf_append_byte(out, '-');
    digits = str_from(digits, str_starts(digits, STR("-")));
    size_t whole = digits.len > (size_t)places ? digits.len - (size_t)places : 0;
    buf_append(out, whole ? (struct str){digits.ptr, whole} : STR("0"));
    buf_append_byte(out, '.');
    for (size_t zeros = digits.len; zeros < (size_t)places; zeros++)
        buf_append_byte(out, '0');
    buf_append(out, str_from(digits, whole));
}

void explain_value(const struct json_node *value, struct buf *out)
{
    static const char *const words[] = {
        [JSON_NULL] = "null", [JSON_FALSE] = "false", [JSON_TRUE] = "true"};

    switch (value->type) {
    case JSON_NULL:
    case JSON_FALSE:
    case JSON_TRUE:
        buf_append(out, str_of(words[value->type]));
        break;
    case JSON_NUMBER:
        show_number(out, value->text);
        break;
    case JSON_STRING:
        show_quoted(out, value->text, SHOW_SHORT);
        break;
    case JSON_ARRAY:
        buf_append(out, STR("an array"));
        break;
    case JSON_OBJECT:
        buf_append(out, STR("an object"));
        break;
    }
}

void explain_line(struct buf *out, const char *label)
{
    if (out->len && out->ptr[out->len - 1] != '\n')
        buf_append_byte(out, '\n');
    buf_printf(out, "%-*s ", EXPLAIN_LABEL, label);
}
