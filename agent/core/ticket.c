/* 6 <key text> <digest> <length> <tenant> <rules> <ttl> <max age> <api> <count> <room> <lease>
 *   <deaf> <epoch> <seen> <models> <mac of all before it>
 * all on one line, with a space after each of the models */
#include "ticket.h"

#include "decimal.h"

#define TICKET_VERSION "6 "

void ticket_write(struct buf *out, const struct key_secret *secret, const struct ticket *ticket)
{
    size_t start = out->len;

    buf_append(out, STR(TICKET_VERSION));
    buf_append(out, key_text(&ticket->key));
    buf_append(out, STR(" "));
    hex64_append(out, ticket->key.digest.high);
    hex64_append(out, ticket->key.digest.low);
    buf_printf(out, " %llu ", (unsigned long long)ticket->key.length);
    hex64_append(out, ticket->key.tenant);
    buf_append(out, STR(" "));
    hex64_append(out, ticket->key.rules);
    buf_printf(out, " %lld %lld ", (long long)ticket->ttl, (long long)ticket->max_age);
    buf_append(out, ticket->api);
    buf_printf(out, " %lld %lld %lld %d %lld ", (long long)ticket->count, (long long)ticket->room,
               (long long)ticket->lease, ticket->deaf, (long long)ticket->epoch);
    hex64_append(out, ticket->seen);
    buf_append(out, STR(" "));
    buf_append(out, ticket->models);
    if (buf_ok(out))
        hex64_append(out, key_mac(secret, str_from(buf_str(out), start)));
}

static bool authentic(struct str text, const struct key_secret *secret)
{
    uint64_t mac;

    return text.len > HEX64 && hex64_read(str_from(text, text.len - HEX64), &mac) &&
           mac == key_mac(secret, (struct str){text.ptr, text.len - HEX64});
}

/* sc:<policy>:<tenant>:<hash> */
static bool read_key_text(struct str text, struct ticket *out)
{
    struct str rest = text;

    if (text.len > KEY_TEXT_MAX || !str_eq(str_split(&rest, ':'), STR("sc")))
        return false;
    out->policy = str_split(&rest, ':');
    if (rest.len != HEX64 + 1 + HEX128)
        return false;
    memcpy(out->key.text, text.ptr, text.len);
    out->key.text_len = text.len;
    return true;
}

bool ticket_read(struct str text, const struct key_secret *secret, struct ticket *out)
{
    struct str digest;
    int64_t length, deaf;

    *out = (struct ticket){.ttl = 0};
    if (text.len > TICKET_MAX || !authentic(text, secret) || !str_starts(text, STR(TICKET_VERSION)))
        return false;
    text = str_from(text, sizeof TICKET_VERSION - 1);
    if (!read_key_text(str_split(&text, ' '), out))
        return false;
    digest = str_split(&text, ' ');
    if (digest.len != HEX128 ||
        !hex64_read((struct str){digest.ptr, HEX64}, &out->key.digest.high) ||
        !hex64_read(str_from(digest, HEX64), &out->key.digest.low) ||
        !decimal_read(str_split(&text, ' '), &length) ||
        !hex64_read(str_split(&text, ' '), &out->key.tenant) ||
        !hex64_read(str_split(&text, ' '), &out->key.rules) ||
        !decimal_read(str_split(&text, ' '), &out->ttl) ||
        !decimal_read(str_split(&text, ' '), &out->max_age))
        return false;
    out->api = str_split(&text, ' ');
    if (!decimal_read(str_split(&text, ' '), &out->count) ||
        !decimal_read(str_split(&text, ' '), &out->room) ||
        !decimal_read(str_split(&text, ' '), &out->lease) ||
        !decimal_read(str_split(&text, ' '), &deaf) ||
        !decimal_read(str_split(&text, ' '), &out->epoch) ||
        !hex64_read(str_split(&text, ' '), &out->seen) || text.len < HEX64)
        return false;
    out->deaf = deaf != 0;
    out->models = (struct str){text.ptr, text.len - HEX64};
    out->key.length = (uint64_t)length;
    return out->ttl > 0;
}
