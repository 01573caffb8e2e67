#include "meaning.h"

#include "api_read.h"
#include "canonical.h"
#include <stdlib.h>

/* Whether the request asks for a stream, or may. */
static bool wants_stream(const struct api *api, const struct json_node *stream)
{
    if (!stream || stream->type == JSON_NULL)
        return api->stream_by_default;
    return stream->type != JSON_FALSE;
}

/* A request that does not say is at the model's own temperature. */
static bool temperature_is_kept(const struct policy *policy, const struct api *api,
                                const struct json_doc *doc)
{
    double value;

    if (api_temperature(api, doc, &value) == API_NOT_ASKED)
        return true;
    if (policy->deterministic_only && value != 0)
        return false;
    /* a configured text has a NUL behind it */
    return policy->max_temperature.len == 0 || value <= strtod(policy->max_temperature.ptr, NULL);
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
    if (!temperature_is_kept(policy, api, doc))
        return REASON_TEMPERATURE;
    if (api_bypasses(api, doc) || !keep_model(out, json_member(doc, root, STR("model"))))
        return REASON_FIELD;
    out->count = api_answers_wanted(api, doc);
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
        out->reason = canonical_write(canonical, doc, api->request, policy->normalizer);
    if (out->reason == REASON_NONE)
        key_body_hash(&out->body, secret, buf_str(canonical));
}
