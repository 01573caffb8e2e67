#include "seal.h"

#include "compress.h"
#include <stdlib.h>

enum { VALUE_MAX = 64 << 20 };

struct seal {
    struct seal_options options;
    struct compressor *compressor;
    struct cipher *cipher;    /* NULL: nothing is encrypted */
    struct buf small, secret; /* compressed or not, decrypted or encrypted */
};

struct seal *seal_new(const struct seal_options *options)
{
    struct seal *s = malloc(sizeof *s);
    bool encrypts = options->keys && options->keys->count;

    if (!s)
        return NULL;
    *s = (struct seal){.options = *options,
                       .compressor = compressor_new(options->level, options->dictionaries,
                                                    options->dictionary_count),
                       .cipher = encrypts ? cipher_new(options->keys) : NULL,
                       .small = buf_new(VALUE_MAX),
                       .secret = buf_new(VALUE_MAX)};
    s->options.keys = NULL;
    s->options.dictionaries = NULL;
    if (s->compressor && !s->cipher == !encrypts)
        return s;
    seal_free(s);
    return NULL;
}

void seal_free(struct seal *s)
{
    if (!s)
        return;
    compressor_free(s->compressor);
    cipher_free(s->cipher);
    buf_free(&s->small);
    buf_free(&s->secret);
    free(s);
}

bool seal_needs_salt(const struct seal *s)
{
    return s->cipher != NULL;
}

bool seal_write(struct seal *s, const struct key *key, const unsigned char salt[CIPHER_SALT],
                struct str entry, struct str *value)
{
    *value = entry;
    if (s->options.compress && entry.len > s->options.above &&
        compress_write(s->compressor, entry, &s->small))
        *value = buf_str(&s->small);
    if (!s->cipher)
        return true;
    if (!cipher_write(s->cipher, key, s->options.bind, salt, *value, &s->secret))
        return false;
    *value = buf_str(&s->secret);
    return true;
}

enum reason seal_read(struct seal *s, const struct key *key, size_t max, struct str value,
                      struct str *entry)
{
    *entry = value;
    if (s->cipher) {
        if (value.len > CIPHER_OVERHEAD && value.len - CIPHER_OVERHEAD > max)
            return REASON_FRAME_SMALL;
        if (!cipher_read(s->cipher, key, value, &s->secret))
            return REASON_CORRUPT;
        *entry = buf_str(&s->secret);
    }
    if (!compress_begins(*entry))
        return REASON_NONE;
    enum reason reason = compress_read(s->compressor, *entry, max, &s->small);
    *entry = buf_str(&s->small);
    return reason;
}
