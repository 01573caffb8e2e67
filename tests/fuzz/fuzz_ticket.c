/* Any bytes as a ticket. An odd first byte asks for a right signature, so that what stands before
 * it is read too. What is accepted is written and read again, and is the same. */
#include "core/ticket.h"

#include <stdlib.h>

static void require(bool ok)
{
    if (!ok)
        abort();
}

static void check_again(const struct ticket *t, const struct key_secret *secret)
{
    struct buf written = buf_new(TICKET_MAX + t->api.len + t->models.len);
    struct ticket back;

    require(t->ttl > 0 && t->key.text_len <= KEY_TEXT_MAX);
    require(key_hash(&t->key).len == HEX128);
    ticket_write(&written, secret, t);
    require(buf_ok(&written) && ticket_read(buf_str(&written), secret, &back));
    require(str_eq(key_text(&back.key), key_text(&t->key)) && str_eq(back.policy, t->policy));
    require(back.key.digest.high == t->key.digest.high &&
            back.key.digest.low == t->key.digest.low && back.key.length == t->key.length &&
            back.key.tenant == t->key.tenant && back.key.rules == t->key.rules &&
            back.ttl == t->ttl && back.max_age == t->max_age && back.lease == t->lease &&
            back.deaf == t->deaf && back.count == t->count && back.room == t->room &&
            str_eq(back.api, t->api) && back.epoch == t->epoch && back.seen == t->seen &&
            str_eq(back.models, t->models));
    buf_free(&written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct key_secret secret;
    struct ticket ticket;

    if (size == 0)
        return 0;
    key_secret_derive(&secret, STR("the secret of the fuzzer"));
    size_t len = size - 1;
    char *text = malloc(len ? len : 1);
    require(text != NULL);
    memcpy(text, data + 1, len);
    if (data[0] & 1 && len >= HEX64)
        hex64_write(text + len - HEX64, key_mac(&secret, (struct str){text, len - HEX64}));
    if (ticket_read((struct str){text, len}, &secret, &ticket)) {
        check_again(&ticket, &secret);
    }
    free(text);
    return 0;
}
