#include "cipher_keys.h"

#include "decimal.h"
#include <openssl/evp.h>

enum { BASE64_OF_KEY = 44, DECODED = BASE64_OF_KEY / 4 * 3 }; /* 43 characters and one '=' */

static bool read_key(struct str text, unsigned char key[CIPHER_KEY])
{
    unsigned char decoded[DECODED];
    const char *padding = text.len ? memchr(text.ptr, '=', text.len) : NULL;
    bool good = text.len == BASE64_OF_KEY && padding == text.ptr + BASE64_OF_KEY - 1 &&
                EVP_DecodeBlock(decoded, (const unsigned char *)text.ptr, BASE64_OF_KEY) == DECODED;

    if (good)
        memcpy(key, decoded, CIPHER_KEY);
    explicit_bzero(decoded, sizeof decoded);
    return good;
}

static bool has_id(const struct cipher_keys *keys, uint32_t id)
{
    for (size_t i = 0; i < keys->count; i++)
        if (keys->all[i].id == id)
            return true;
    return false;
}

/* Adds the key in a line; or says what is wrong with it. */
static const char *add_line(struct cipher_keys *keys, struct str line)
{
    struct str id = str_split(&line, ' ');
    struct cipher_key *key = &keys->all[keys->count];
    int64_t number;

    if (keys->count == CIPHER_KEYS_MAX)
        return "more than 16 keys";
    if (!decimal_read(id, &number) || number > UINT32_MAX)
        return "does not begin with a number from 0 to 4294967295, the key's id, and a space";
    if (has_id(keys, (uint32_t)number))
        return "the id has a key already";
    key->id = (uint32_t)number;
    if (!read_key(str_trim(line), key->bytes))
        return "no key behind the id, which is 32 bytes in base64; head -c 32 /dev/urandom | "
               "base64 makes one";
    keys->count++;
    return NULL;
}

bool cipher_keys_read(struct cipher_keys *out, struct str text, const char *file,
                      struct buf *errors)
{
    bool good = true;

    *out = (struct cipher_keys){.count = 0};
    for (size_t number = 1; text.len; number++) {
        struct str line = str_trim(str_split(&text, '\n'));
        const char *mistake = line.len && line.ptr[0] != '#' ? add_line(out, line) : NULL;
        if (mistake) {
            buf_printf(errors, "%s:%zu: %s\n", file, number, mistake);
            good = false;
        }
    }
    if (good && out->count == 0)
        buf_printf(errors, "%s: holds no key\n", file);
    return good && out->count > 0;
}

void cipher_keys_wipe(struct cipher_keys *keys)
{
    explicit_bzero(keys, sizeof *keys);
}
