/* The reader agrees with jansson on what is JSON; the canonical form of a text is JSON, is its own
 * canonical form, and where nothing is dropped means the same. */
#include "../jansson_oracle.h"
#include "core/canonical.h"

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

static void check_canonical(struct json_doc *doc, struct str text,
                            const struct api_object *envelope, bool whole)
{
    struct buf once = buf_new(8 * text.len), twice = buf_new(8 * text.len);

    require(json_read(doc, text) == JSON_OK, "a text is JSON only the first time");
    enum reason reason = canonical_write(&once, doc, envelope, NULL);
    require(reason != REASON_INTERNAL, "the canonical form is too long");
    /* a sorted object refuses names that differ in case alone */
    require(reason == REASON_NONE || !whole || envelope, "a bypass that nothing asks for");
    if (reason != REASON_NONE) {
        buf_free(&once);
        return;
    }
    require(json_read(doc, buf_str(&once)) == JSON_OK, "the canonical form is not JSON");
    reason = canonical_write(&twice, doc, envelope, NULL);
    require(reason == REASON_NONE && str_eq(buf_str(&once), buf_str(&twice)),
            "the canonical form of the canonical form differs");
    require(!whole || oracle_equal(text, buf_str(&once)),
            "the canonical form means something else");
    buf_free(&once);
    buf_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct json_doc doc; /* kept, so that reuse is tried as well */
    struct str text = {(const char *)data, size};
    enum json_error error = json_read(&doc, text);
    const char *wrong = oracle_verdict(text, error);

    require(!wrong, wrong);
    require(error == JSON_OK || doc.count == 0, "a refused text left nodes");
    if (error == JSON_OK) {
        for (const char *const *name = api_names(); *name; name++)
            check_canonical(&doc, text, api_named(str_of(*name))->request, false);
        check_canonical(&doc, text, api_generic()->request, true);
        check_canonical(&doc, text, NULL, true);
    }
    return 0;
}
