/* Any JSON as the answer of any API, which the first byte names: the body of a hit for it is JSON
 * that differs in usage and id alone, and is the same each time. The second byte is the nonce. */
#include "../hit_oracle.h"
#include "core/entry.h"
#include "core/usage.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void write_hit(struct buf *out, struct str body, const struct json_doc *doc,
                      enum api_gate gate, const struct hit_body_options *options)
{
    *out = buf_new(body.len);
    hit_body_write(out, body, doc, gate, options);
    require(buf_ok(out), "it is longer than what is stored");
}

static void check_usage(enum api_gate gate, struct json_doc *doc, struct str body, bool zeroed)
{
    require(json_read(doc, body) == JSON_OK, "what is JSON for jansson is none for us");
    struct usage usage = usage_read(gate, doc);
    require(usage.input >= -1 && usage.output >= -1, "fewer tokens than none");
    require(!zeroed || (usage.input <= 0 && usage.output <= 0), "a hit that cost tokens");
}

static void check_hit(enum api_gate gate, struct str body, const struct hit_body_options *options)
{
    static struct json_doc doc; /* kept, so that reuse is tried as well */
    struct buf once, twice;

    if (json_read(&doc, body) != JSON_OK)
        return;
    write_hit(&once, body, &doc, gate, options);
    write_hit(&twice, body, &doc, gate, options);
    require(str_eq(buf_str(&once), buf_str(&twice)), "one nonce, two results");
    const char *wrong = oracle_hit(body, buf_str(&once), gate, options);
    require(!wrong, wrong);
    require(entry_body_is_clean(body) == entry_body_is_clean(buf_str(&once)),
            "it is as clean as what is stored no more");
    check_usage(gate, &doc, buf_str(&once), options->zero_usage);
    buf_free(&once);
    buf_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    enum api_gate gate = data[0] % (GATE_COHERE_RERANK + 1);
    struct str body = {(const char *)data + 2, size - 2};
    for (unsigned i = 0; i < 4; i++) {
        struct hit_body_options options = {i & 1, i & 2, {data[1], size}};
        check_hit(gate, body, &options);
    }
    return 0;
}
