/* Any bytes as a block of headers: what is accepted lies inside the block, agrees with what the
 * look-ups say, and gives the policy nothing to stumble over. */
#include "core/policy.h"
#include "core/spop.h"

#include <stdint.h>
#include <stdlib.h>

static void require(bool ok)
{
    if (!ok)
        abort();
}

static void check_lookups(const struct headers *headers, struct str block)
{
    for (size_t i = 0; i < headers->count; i++) {
        const struct header *h = &headers->items[i];
        size_t count = 0, first = headers->count;
        require(h->name.len > 0);
        require(h->name.ptr >= block.ptr && h->value.ptr >= h->name.ptr + h->name.len &&
                h->value.ptr + h->value.len <= block.ptr + block.len);
        require(str_trim(h->value).len == h->value.len);
        for (size_t j = headers->count; j-- > 0;)
            if (str_eq(headers->items[j].name, h->name))
                count++, first = j;
        require(headers_count(headers, h->name) == count);
        require(headers_get(headers, h->name).ptr == headers->items[first].value.ptr);
        (void)header_replayable(h->name);
    }
    require(headers_get(headers, STR("")).ptr == NULL);
}

/* What is stored has one content type that the policy takes, and varies on nothing else. */
static void check_policy(const struct headers *headers)
{
    struct str methods[] = {STR("POST")}, statuses[] = {STR("200")};
    struct str types[] = {STR("application/json")}, names[] = {STR("accept")};
    const struct policy policy = {
        .name = STR("fuzz"),
        .methods = {methods, 1},
        .statuses = {statuses, 1},
        .content_types = {types, 1},
        .vary = {names, 1},
        .max_request = 100,
        .max_body = 100,
        .json = true,
        .shared = true,
    };
    struct request request = {.method = STR("POST"), .headers = headers, .whole = true};
    struct response response = {.code = 200, .headers = headers, .body = STR("{}"), .whole = true};
    struct str type = headers_get(headers, STR("content-type"));

    if (policy_may_lookup(&policy, &request) == REASON_NONE)
        require(media_type_is_json(type) && headers_count(headers, STR("content-type")) == 1 &&
                headers_count(headers, STR("range")) == 0);
    if (policy_may_store(&policy, &response) == REASON_NONE)
        require(media_type_is_json(type) && headers_count(headers, STR("content-type")) == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct headers headers; /* kept, so that reuse is tried as well */
    struct str block = {(const char *)data, size};

    headers_read(&headers, block);
    require(!headers.malformed || headers.count == 0);
    require(headers.count <= HEADERS_MAX);
    check_lookups(&headers, block);
    check_policy(&headers);
    return 0;
}
