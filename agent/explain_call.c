#include "explain_call.h"

#include "core/explain.h"
#include "core/message.h"
#include <stdlib.h>

static unsigned bad(struct buf *out, const char *why)
{
    buf_printf(out, "%s\n", why);
    return HTTP_BAD_REQUEST;
}

/* Sets the arguments of both requests, or those of the second alone. */
static bool set_arguments(struct request requests[2], const struct http_call *call, bool both)
{
    const struct str alone = STR("vs-");

    for (size_t i = 0; i < call->count; i++) {
        struct str name = call->arguments[i].name, value = call->arguments[i].value;
        if (str_starts(name, alone) == both || str_eq(name, STR("format")))
            continue;
        if (!both)
            name = str_from(name, alone.len);
        if (!explain_set(&requests[1], name, value) ||
            (both && !explain_set(&requests[0], name, value)))
            return false;
    }
    return true;
}

static void explain(struct buf *out, const struct config *config, const struct request *requests,
                    size_t count, bool json)
{
    const struct explain_options options = {.full = false};
    struct buf text = buf_new(out->max);
    struct key_secret secret;

    key_secret_derive(&secret, config->secret);
    if (count == 1)
        explain_one(&text, config, &secret, requests, &options);
    else
        explain_two(&text, config, &secret, requests);
    if (!buf_ok(&text))
        out->failed = true;
    else if (json)
        explain_json(out, buf_str(&text));
    else
        buf_append(out, buf_str(&text));
    buf_free(&text);
}

unsigned explain_call(void *ctx, const struct http_call *call, struct buf *out)
{
    const struct config *config = *(struct config *const *)ctx;
    const struct request usual = {
        .policy = STR("llm"), .backend = STR("llm"), .scheme = STR("http")};
    struct request requests[2] = {usual, usual};
    struct message *messages = calloc(2, sizeof *messages);
    struct str format;
    size_t count = 2;

    if (!messages)
        return bad(out, "no memory");
    const char *wrong = "the arguments are tenant policy backend upstream ttl mode scheme, "
                        "vs- before one of them, and format";
    if (set_arguments(requests, call, true) && set_arguments(requests, call, false))
        wrong = message_read_all(messages, requests, &count, call->body);
    if (!wrong)
        explain(out, config, requests, count,
                http_call_has(call, STR("format"), &format) && str_eq(format, STR("json")));
    message_free(&messages[0]);
    message_free(&messages[1]);
    free(messages);
    return wrong ? bad(out, wrong) : HTTP_OK;
}
