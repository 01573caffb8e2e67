#include "cipher.h"

#include <endian.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdlib.h>

#define MAGIC "spoa-sealed/1 "
#define LABEL "spoa-cache value 1"

enum { BOUND = 1 }; /* flags */
enum {
    FLAGS_AT = sizeof MAGIC - 1,
    ID_AT = FLAGS_AT + 1,
    SALT_AT = ID_AT + 4,
    TEXT_AT = SALT_AT + CIPHER_SALT,
    TAG = 16,
    NONCE = 12,
};
_Static_assert(TEXT_AT + TAG == CIPHER_OVERHEAD, "what stands around the text");

struct cipher {
    EVP_CIPHER_CTX *aes;
    size_t count;
    struct {
        uint32_t id;
        EVP_MAC_CTX *mac; /* HMAC under this key */
    } keys[CIPHER_KEYS_MAX];
};

/* HMAC with SHA-256 under the key. */
static EVP_MAC_CTX *mac_new(EVP_MAC *hmac, const struct cipher_key *key)
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC_CTX *mac = EVP_MAC_CTX_new(hmac);

    if (mac && EVP_MAC_init(mac, key->bytes, sizeof key->bytes, params))
        return mac;
    EVP_MAC_CTX_free(mac);
    return NULL;
}

static bool add_keys(struct cipher *c, const struct cipher_keys *keys)
{
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);

    for (; hmac && c->count < keys->count; c->count++) {
        c->keys[c->count].id = keys->all[c->count].id;
        c->keys[c->count].mac = mac_new(hmac, &keys->all[c->count]);
        if (!c->keys[c->count].mac)
            break;
    }
    EVP_MAC_free(hmac);
    return c->count == keys->count;
}

/* A context to which each value gives a key. */
static EVP_CIPHER_CTX *aes_new(void)
{
    EVP_CIPHER *aes = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool good = aes && context && EVP_CipherInit_ex(context, aes, NULL, NULL, NULL, 1);

    EVP_CIPHER_free(aes); /* the context holds it */
    if (good)
        return context;
    EVP_CIPHER_CTX_free(context);
    return NULL;
}

struct cipher *cipher_new(const struct cipher_keys *keys)
{
    struct cipher *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->aes = aes_new();
    if (!c->aes || !add_keys(c, keys)) {
        cipher_free(c);
        return NULL;
    }
    return c;
}

void cipher_free(struct cipher *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->count; i++)
        EVP_MAC_CTX_free(c->keys[i].mac);
    EVP_CIPHER_CTX_free(c->aes);
    free(c);
}

bool cipher_begins(struct str value)
{
    return str_starts(value, STR(MAGIC));
}

static bool mac_update(EVP_MAC_CTX *mac, const void *bytes, size_t len)
{
    return EVP_MAC_update(mac, bytes, len);
}

/* The key of one entry: the first block of HKDF-Expand. `head` is the entry's. */
static bool derive(EVP_MAC_CTX *mac, const struct key *key, const unsigned char *head,
                   unsigned char out[CIPHER_KEY])
{
    const uint64_t request[] = {htole64(key->digest.high), htole64(key->digest.low),
                                htole64(key->length)};
    size_t len;

    return EVP_MAC_init(mac, NULL, 0, NULL) && mac_update(mac, LABEL, sizeof LABEL - 1) &&
           mac_update(mac, head + FLAGS_AT, 1) && mac_update(mac, head + SALT_AT, CIPHER_SALT) &&
           (!(head[FLAGS_AT] & BOUND) || mac_update(mac, request, sizeof request)) &&
           mac_update(mac, "\1", 1) && EVP_MAC_final(mac, out, &len, CIPHER_KEY);
}

/* Keys the context for one entry, and tells it what is authenticated besides the text. */
static bool begin(struct cipher *c, EVP_MAC_CTX *mac, const struct key *key,
                  const unsigned char *head, bool encrypt)
{
    static const unsigned char nonce[NONCE];
    unsigned char derived[CIPHER_KEY];
    struct str text = key_text(key);
    int len;
    bool good =
        derive(mac, key, head, derived) &&
        EVP_CipherInit_ex(c->aes, NULL, NULL, derived, nonce, encrypt) &&
        EVP_CipherUpdate(c->aes, NULL, &len, head, TEXT_AT) &&
        EVP_CipherUpdate(c->aes, NULL, &len, (const unsigned char *)text.ptr, (int)text.len);

    explicit_bzero(derived, sizeof derived);
    return good;
}

static void write_head(unsigned char *head, uint32_t id, bool bind,
                       const unsigned char salt[CIPHER_SALT])
{
    const uint32_t little = htole32(id);

    memcpy(head, MAGIC, sizeof MAGIC - 1);
    head[FLAGS_AT] = bind ? BOUND : 0;
    memcpy(head + ID_AT, &little, sizeof little);
    memcpy(head + SALT_AT, salt, CIPHER_SALT);
}

bool cipher_write(struct cipher *c, const struct key *key, bool bind,
                  const unsigned char salt[CIPHER_SALT], struct str plain, struct buf *out)
{
    int len, rest;

    buf_clear(out);
    if (plain.len > INT_MAX || !buf_reserve(out, plain.len + CIPHER_OVERHEAD))
        return false;
    unsigned char *head = (unsigned char *)out->ptr, *text = head + TEXT_AT;
    write_head(head, c->keys[0].id, bind, salt);
    if (!begin(c, c->keys[0].mac, key, head, true) ||
        !EVP_CipherUpdate(c->aes, text, &len, (const unsigned char *)plain.ptr, (int)plain.len) ||
        !EVP_CipherFinal_ex(c->aes, text + len, &rest) ||
        !EVP_CIPHER_CTX_ctrl(c->aes, EVP_CTRL_AEAD_GET_TAG, TAG, text + plain.len))
        return false;
    out->len = plain.len + CIPHER_OVERHEAD;
    return true;
}

static EVP_MAC_CTX *find_key(const struct cipher *c, const unsigned char *head)
{
    uint32_t id;

    memcpy(&id, head + ID_AT, sizeof id);
    for (size_t i = 0; i < c->count; i++)
        if (c->keys[i].id == le32toh(id))
            return c->keys[i].mac;
    return NULL;
}

bool cipher_read(struct cipher *c, const struct key *key, struct str value, struct buf *out)
{
    const unsigned char *head = (const unsigned char *)value.ptr;
    int len, rest;

    buf_clear(out);
    if (value.len < CIPHER_OVERHEAD || value.len > INT_MAX || !cipher_begins(value) ||
        head[FLAGS_AT] & ~BOUND)
        return false;
    size_t text_len = value.len - CIPHER_OVERHEAD;
    const unsigned char *text = head + TEXT_AT;
    unsigned char tag[TAG];
    EVP_MAC_CTX *mac = find_key(c, head);

    memcpy(tag, text + text_len, TAG);
    if (!mac || !buf_reserve(out, text_len + 1) || !begin(c, mac, key, head, false) ||
        !EVP_CipherUpdate(c->aes, (unsigned char *)out->ptr, &len, text, (int)text_len) ||
        !EVP_CIPHER_CTX_ctrl(c->aes, EVP_CTRL_AEAD_SET_TAG, TAG, tag) ||
        EVP_CipherFinal_ex(c->aes, (unsigned char *)out->ptr + len, &rest) <= 0)
        return false;
    out->len = text_len;
    return true;
}
