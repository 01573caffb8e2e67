/* Any bytes as an entry. An odd first byte asks for a right checksum, so that what stands behind
 * it is read too. What is accepted is written and read again, and is the same. */
#include "core/entry.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { CHECKSUM_AT = 13, CHECKED_FROM = CHECKSUM_AT + HEX64 };

static void require(bool ok)
{
    if (!ok)
        abort();
}

static void check_lines(struct str lines)
{
    struct str name, value;

    while (lines.len) {
        size_t before = lines.len;
        require(entry_header_next(&lines, &name, &value));
        require(lines.len < before && name.len + value.len < before);
    }
}

static void check_clean(const struct entry *e)
{
    struct buf clean = buf_new(6 * e->body.len + 1);
    struct str body = e->body;
    bool dirty = false;

    entry_body_clean(&clean, body);
    require(buf_ok(&clean));
    for (size_t i = 0; i < body.len; i++) {
        unsigned char c = (unsigned char)body.ptr[i];
        dirty |= c < 0x20 && c != '\t' && c != '\r' && c != '\n';
    }
    require(entry_body_is_clean(buf_str(&clean)) == !dirty);
    if (entry_body_is_clean(body))
        require(str_eq(body, buf_str(&clean)));
    buf_free(&clean);
}

static void check_again(const struct entry *e)
{
    struct buf written = buf_new(e->body.len + e->headers.len + e->content_type.len +
                                 e->models.len + e->tags.len + 1000);
    struct entry in = *e, back;

    in.flags &= ENTRY_JSON; /* the writer works the other one out */
    entry_write(&written, &in);
    require(buf_ok(&written) && entry_read(buf_str(&written), &back));
    require(back.created == e->created && back.fresh_until == e->fresh_until &&
            back.usable_until == e->usable_until);
    require(back.digest.high == e->digest.high && back.digest.low == e->digest.low);
    require(back.length == e->length && back.tenant == e->tenant && back.code == e->code &&
            back.epoch == e->epoch);
    require(str_eq(back.models, e->models) && str_eq(back.tags, e->tags));
    require(back.prompt_tokens == e->prompt_tokens &&
            back.completion_tokens == e->completion_tokens);
    require(str_eq(back.content_type, e->content_type) && str_eq(back.headers, e->headers) &&
            str_eq(back.body, e->body));
    require(back.sum == entry_sum(e->body));
    require((back.flags & ENTRY_JSON) == (e->flags & ENTRY_JSON));
    require(!!(back.flags & ENTRY_CLEAN) == entry_body_is_clean(e->body));
    buf_free(&written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct entry entry, head;

    if (size == 0)
        return 0;
    /* an exact copy: the sanitizer sees a byte read too far */
    size_t len = size - 1;
    char *stored = malloc(len ? len : 1);
    require(stored != NULL);
    memcpy(stored, data + 1, len);
    if (data[0] & 1 && len > CHECKED_FROM)
        hex64_write(stored + CHECKSUM_AT, XXH3_64bits(stored + CHECKED_FROM, len - CHECKED_FROM));
    if (entry_read((struct str){stored, len}, &entry)) {
        require(entry_read_head((struct str){stored, len}, &head) && head.epoch == entry.epoch &&
                str_eq(head.models, entry.models) && str_eq(head.tags, entry.tags));
        check_lines(entry.headers);
        check_clean(&entry);
        check_again(&entry);
    }
    free(stored);
    return 0;
}
