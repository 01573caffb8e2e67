#include "meaning.h"

#include "canonical.h"
#include <math.h>
#include <stdlib.h>

/* Whether the request asks for a stream, or may. */
static bool wants_stream(const struct api *api, const struct json_node *stream)
{
    if (!stream || stream->type == JSON_NULL)
        return api->stream_by_default;
    return stream->type != JSON_FALSE;
}

/* A number's value; `otherwise` when it is none, or too long to be meant. */
static double number_or(const struct json_node *node, double otherwise)
{
    char text[64];

    if (!node || node->type != JSON_NUMBER || node->text.len >= sizeof text)
        return otherwise;
    memcpy(text, node->text.ptr, node->text.len);
    text[node->text.len] = '\0';
    return strtod(text, NULL);
}

static bool temperature_is_kept(const struct policy *policy, const struct json_node *temperature)
{
    double value = number_or(temperature, HUGE_VAL);

    if (policy->deterministic_only && value != 0)
        return false;
    /* a configured text has a NUL behind it; a request that does not say is at the model's own */
    return policy->max_temperature.len == 0 || value <= strtod(policy->max_temperature.ptr, NULL);
}

enum { ANSWERS_MAX = 1 << 20 }; /* more than any API gives */

/* How many answers the request asks for: a number says so itself, a list of texts has one each, a
 * text or a list of tokens has one. */
static int64_t answers_wanted(const struct json_doc *doc, const struct json_node *field)
{
    if (!field || field->type == JSON_NULL)
        return 1;
    if (field->type == JSON_NUMBER) {
        double n = number_or(field, 0);
        return n >= 1 && n <= ANSWERS_MAX ? (int64_t)n : 0;
    }
    if (field->type == JSON_ARRAY && field->count)
        return doc->nodes[field - doc->nodes + 1].type == JSON_NUMBER ? 1 : field->count;
    return field->type == JSON_STRING ? 1 : 0;
}

/* Keeps the model's name. False when it is longer than any: nobody could have a rule for it. */
static bool keep_model(struct meaning *out, const struct json_node *model)
{
    if (!model || model->type != JSON_STRING)
        return true;
    if (model->text.len > sizeof out->model)
        return false;
    memcpy(out->model, model->text.ptr, model->text.len);
    out->model_len = model->text.len;
    return true;
}

static enum reason judge(struct meaning *out, const struct json_doc *doc,
                         const struct policy *policy, const struct api *api)
{
    const struct json_node *root = &doc->nodes[0];

    if (root->type != JSON_OBJECT)
        return REASON_REQUEST_JSON;
    if (wants_stream(api, json_member(doc, root, STR("stream"))))
        return REASON_STREAM;
    if (!temperature_is_kept(policy, json_member(doc, root, STR("temperature"))))
        return REASON_TEMPERATURE;
    if (!keep_model(out, json_member(doc, root, STR("model"))))
        return REASON_FIELD;
    if (api->count_field)
        out->count = answers_wanted(doc, json_member(doc, root, str_of(api->count_field)));
    return REASON_NONE;
}

void meaning_read(struct meaning *out, struct json_doc *doc, struct buf *canonical,
                  const struct key_secret *secret, const struct policy *policy,
                  const struct api *api, struct str body)
{
    out->count = 0;
    out->model_len = 0;
    buf_clear(canonical);
    out->reason =
        json_read(doc, body) == JSON_OK ? judge(out, doc, policy, api) : REASON_REQUEST_JSON;
    if (out->reason == REASON_NONE)
        out->reason = canonical_write(canonical, doc, api->request);
    if (out->reason == REASON_NONE)
        key_body_hash(&out->body, secret, buf_str(canonical));
}
