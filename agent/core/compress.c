#include "compress.h"

#include <stdlib.h>
#include <zstd.h>

#define MAGIC "\x28\xb5\x2f\xfd" /* RFC 8878 3.1.1 */

struct compressor {
    int level;
    ZSTD_CCtx *out;
    ZSTD_DCtx *in;
    ZSTD_CDict *first; /* NULL: compresses without */
    size_t count;
    ZSTD_DDict *dictionaries[COMPRESS_DICTIONARIES_MAX];
};

bool compress_is_dictionary(struct str bytes)
{
    ZSTD_DDict *made = NULL;

    /* one that is damaged cannot be loaded */
    if (ZSTD_getDictID_fromDict(bytes.ptr, bytes.len) != 0)
        made = ZSTD_createDDict(bytes.ptr, bytes.len);
    ZSTD_freeDDict(made);
    return made != NULL;
}

static bool add_dictionaries(struct compressor *c, const struct str *dictionaries, size_t count)
{
    for (; c->count < count; c->count++) {
        struct str bytes = dictionaries[c->count];
        if (!compress_is_dictionary(bytes) ||
            !(c->dictionaries[c->count] = ZSTD_createDDict(bytes.ptr, bytes.len)))
            return false;
    }
    if (count)
        c->first = ZSTD_createCDict(dictionaries[0].ptr, dictionaries[0].len, c->level);
    return !count == !c->first;
}

struct compressor *compressor_new(int level, const struct str *dictionaries, size_t count)
{
    struct compressor *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->level = level;
    c->out = ZSTD_createCCtx();
    c->in = ZSTD_createDCtx();
    if (!c->out || !c->in || count > COMPRESS_DICTIONARIES_MAX ||
        !add_dictionaries(c, dictionaries, count)) {
        compressor_free(c);
        return NULL;
    }
    return c;
}

void compressor_free(struct compressor *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->count; i++)
        ZSTD_freeDDict(c->dictionaries[i]);
    ZSTD_freeCDict(c->first);
    ZSTD_freeCCtx(c->out);
    ZSTD_freeDCtx(c->in);
    free(c);
}

bool compress_begins(struct str value)
{
    return str_starts(value, STR(MAGIC));
}

bool compress_write(struct compressor *c, struct str plain, struct buf *out)
{
    buf_clear(out);
    if (plain.len == 0 || !buf_reserve(out, plain.len))
        return false;
    size_t room = plain.len - 1; /* what does not fit is not smaller */
    size_t len =
        c->first ? ZSTD_compress_usingCDict(c->out, out->ptr, room, plain.ptr, plain.len, c->first)
                 : ZSTD_compressCCtx(c->out, out->ptr, room, plain.ptr, plain.len, c->level);
    if (ZSTD_isError(len))
        return false;
    out->len = len;
    return true;
}

/* The dictionary of that ID, or NULL. */
static const ZSTD_DDict *find_dictionary(const struct compressor *c, unsigned id)
{
    for (size_t i = 0; i < c->count; i++)
        if (ZSTD_getDictID_fromDDict(c->dictionaries[i]) == id)
            return c->dictionaries[i];
    return NULL;
}

enum reason compress_read(struct compressor *c, struct str frame, size_t max, struct buf *out)
{
    unsigned long long said = ZSTD_getFrameContentSize(frame.ptr, frame.len);
    unsigned id = ZSTD_getDictID_fromFrame(frame.ptr, frame.len); /* 0: none */
    const ZSTD_DDict *dictionary = find_dictionary(c, id);

    buf_clear(out);
    if (said == ZSTD_CONTENTSIZE_ERROR || said == ZSTD_CONTENTSIZE_UNKNOWN || (id && !dictionary))
        return REASON_CORRUPT;
    if (said > max)
        return REASON_FRAME_SMALL;
    if (!buf_reserve(out, (size_t)said))
        return REASON_INTERNAL;
    size_t len =
        ZSTD_decompress_usingDDict(c->in, out->ptr, (size_t)said, frame.ptr, frame.len, dictionary);
    if (ZSTD_isError(len) || len != said)
        return REASON_CORRUPT;
    out->len = len;
    return REASON_NONE;
}
