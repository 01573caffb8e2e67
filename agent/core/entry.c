#include "entry.h"

#include "decimal.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define MAGIC "spoa-cache/2 "
#define MODELS "models: "
#define TAGS "tags: "
#define TOKENS "tokens: "
#define STATUS_LINE "HTTP/1.1 "
#define CONTENT_TYPE "content-type: "

enum { CHECKSUM_AT = sizeof MAGIC - 1, CHECKED_FROM = CHECKSUM_AT + HEX64 };

uint64_t entry_sum(struct str body)
{
    return XXH3_64bits(body.ptr, body.len);
}

bool entry_body_is_clean(struct str body)
{
    unsigned dirty = 0;

    /* no early exit: the loop becomes vector instructions */
    for (size_t i = 0; i < body.len; i++) {
        unsigned char c = (unsigned char)body.ptr[i];
        dirty |= (unsigned)((c < 0x20) & (c != '\t')) | (unsigned)(c == 0x7f);
    }
    return !dirty;
}

void entry_body_clean(struct buf *out, struct str body)
{
    struct str rest = body;

    while (rest.len) {
        struct str run = str_split(&rest, 0x7f);
        bool delete_follows = run.ptr + run.len < body.ptr + body.len;
        buf_append(out, run);
        if (!buf_ok(out))
            return;
        for (size_t i = out->len - run.len; i < out->len; i++)
            if (out->ptr[i] == '\r' || out->ptr[i] == '\n')
                out->ptr[i] = ' ';
        if (delete_follows)
            buf_append(out, STR("\\u007f"));
    }
}

static void write_tokens(struct buf *out, const struct entry *e)
{
    if (e->prompt_tokens || e->completion_tokens)
        buf_printf(out, TOKENS "%lld %lld\r\n", (long long)e->prompt_tokens,
                   (long long)e->completion_tokens);
}

void entry_write(struct buf *out, const struct entry *e)
{
    size_t start = out->len;
    unsigned flags = e->flags | (entry_body_is_clean(e->body) ? ENTRY_CLEAN : 0);

    buf_append(out, STR(MAGIC));
    hex64_append(out, 0);
    buf_printf(out, " %lld %lld %lld ", (long long)e->created, (long long)e->fresh_until,
               (long long)e->usable_until);
    hex64_append(out, e->digest.high);
    hex64_append(out, e->digest.low);
    buf_printf(out, " %llu ", (unsigned long long)e->length);
    hex64_append(out, e->tenant);
    buf_append(out, STR(" "));
    hex64_append(out, entry_sum(e->body));
    buf_printf(out, " %u %lld\r\n" MODELS, flags, (long long)e->epoch);
    buf_append(out, e->models);
    buf_append(out, STR("\r\n" TAGS));
    buf_append(out, e->tags);
    buf_append(out, STR("\r\n"));
    write_tokens(out, e);
    buf_printf(out, STATUS_LINE "%u \r\n" CONTENT_TYPE, e->code);
    buf_append(out, e->content_type);
    buf_append(out, STR("\r\n"));
    buf_append(out, e->headers);
    buf_append(out, STR("\r\n"));
    buf_append(out, e->body);
    if (!buf_ok(out))
        return;
    struct str checked = str_from(buf_str(out), start + CHECKED_FROM);
    hex64_write(out->ptr + start + CHECKSUM_AT, XXH3_64bits(checked.ptr, checked.len));
}

/* Takes a line, without its CR LF, off the front; false when there is no whole line. */
static bool take_line(struct str *in, struct str *line)
{
    struct str rest = *in;

    *line = str_split(&rest, '\n');
    if (line->len + 1 + rest.len != in->len || line->len == 0 || line->ptr[line->len - 1] != '\r')
        return false;
    line->len--;
    *in = rest;
    return true;
}

static bool read_decimal(struct str *line, int64_t *out)
{
    return decimal_read(str_split(line, ' '), out);
}

static bool read_hex(struct str *line, uint64_t *out)
{
    return hex64_read(str_split(line, ' '), out);
}

static bool read_metadata(struct str line, struct entry *e)
{
    struct str digest;
    int64_t length, flags;

    if (!read_decimal(&line, &e->created) || !read_decimal(&line, &e->fresh_until) ||
        !read_decimal(&line, &e->usable_until))
        return false;
    digest = str_split(&line, ' ');
    if (digest.len != HEX128 || !hex64_read((struct str){digest.ptr, HEX64}, &e->digest.high) ||
        !hex64_read((struct str){digest.ptr + HEX64, HEX64}, &e->digest.low))
        return false;
    if (!read_decimal(&line, &length) || !read_hex(&line, &e->tenant) ||
        !read_hex(&line, &e->sum) || !read_decimal(&line, &flags) ||
        flags > (ENTRY_JSON | ENTRY_CLEAN) || !decimal_read(line, &e->epoch))
        return false;
    e->length = (uint64_t)length;
    e->flags = (unsigned)flags;
    return true;
}

struct purge_subject entry_subject(const struct entry *entry, struct str policy, struct str hash)
{
    return (struct purge_subject){
        .epoch = entry->epoch,
        .policy = policy,
        .models = entry->models,
        .tags = entry->tags,
        .key = hash,
        .tenant = entry->tenant,
    };
}

bool entry_header_next(struct str *headers, struct str *name, struct str *value)
{
    if (headers->len == 0 || !take_line(headers, value))
        return false;
    *name = str_split(value, ':');
    *value = str_trim(*value);
    return true;
}

/* Takes the line that begins so, and gives what follows. */
static bool take_value(struct str *in, struct str name, struct str *value)
{
    struct str line;

    if (!take_line(in, &line) || !str_starts(line, name))
        return false;
    *value = str_from(line, name.len);
    return true;
}

/* Takes the line of tokens, if there is one. */
static bool take_tokens(struct str *in, struct entry *e)
{
    struct str line;

    e->prompt_tokens = e->completion_tokens = 0;
    if (!str_starts(*in, STR(TOKENS)))
        return true;
    return take_value(in, STR(TOKENS), &line) && read_decimal(&line, &e->prompt_tokens) &&
           decimal_read(line, &e->completion_tokens) && e->prompt_tokens <= ENTRY_TOKENS_MAX &&
           e->completion_tokens <= ENTRY_TOKENS_MAX;
}

/* The lines up to the empty one; what follows it is the body. */
static bool read_message(struct str in, struct entry *e)
{
    struct str line;
    int64_t code;

    if (!take_tokens(&in, e) || !take_value(&in, STR(STATUS_LINE), &line))
        return false;
    if (!decimal_read(str_split(&line, ' '), &code) || code < 200 || code > 599)
        return false;
    e->code = (unsigned)code;
    if (!take_value(&in, STR(CONTENT_TYPE), &e->content_type))
        return false;
    e->headers = (struct str){in.ptr, 0};
    while (take_line(&in, &line)) {
        if (line.len == 0) {
            e->body = in;
            return true;
        }
        e->headers.len = (size_t)(in.ptr - e->headers.ptr);
    }
    return false;
}

/* Takes the lines before the answer off the front. */
static bool take_head(struct str *in, struct entry *e)
{
    struct str line;

    if (!str_starts(*in, STR(MAGIC)))
        return false;
    *in = str_from(*in, CHECKED_FROM + 1);
    return take_line(in, &line) && read_metadata(line, e) &&
           take_value(in, STR(MODELS), &e->models) && take_value(in, STR(TAGS), &e->tags);
}

bool entry_read_head(struct str stored, struct entry *out)
{
    return take_head(&stored, out);
}

bool entry_read_own(struct str stored, struct entry *out)
{
    return take_head(&stored, out) && read_message(stored, out);
}

bool entry_read(struct str stored, struct entry *out)
{
    uint64_t checksum;

    if (stored.len <= CHECKED_FROM || stored.ptr[CHECKED_FROM] != ' ' ||
        !hex64_read((struct str){stored.ptr + CHECKSUM_AT, HEX64}, &checksum))
        return false;
    struct str checked = str_from(stored, CHECKED_FROM);
    return checksum == XXH3_64bits(checked.ptr, checked.len) && entry_read_own(stored, out);
}
