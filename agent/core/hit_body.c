#include "hit_body.h"

#include "usage.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
    ID_MAX = 256,  /* a longer text is no id */
    ID_RANDOM = 8, /* what follows a prefix is at least as long */
    UUID_LEN = 36,
    UUID_VERSION = 14, /* RFC 9562 section 4: characters that say what the others are */
    UUID_VARIANT = 19,
};

/* The member that is the id of the whole answer. */
static const char *const id_names[] = {
    [GATE_OPENAI_CHAT] = "id",      [GATE_OPENAI_COMPLETIONS] = "id",
    [GATE_OPENAI_RESPONSES] = "id", [GATE_OPENAI_EMBEDDINGS] = "id",
    [GATE_ANTHROPIC] = "id",        [GATE_GEMINI] = "responseId",
    [GATE_COHERE_CHAT] = "id",      [GATE_COHERE_EMBED] = "id",
    [GATE_COHERE_RERANK] = "id",
};

/* Where the copy of a slice of the body stands; NULL when the slice is not in the body but, as a
 * text that had escapes, in the document. */
static char *copy_of(char *copy, struct str body, struct str slice)
{
    size_t at = (size_t)((uintptr_t)slice.ptr - (uintptr_t)body.ptr);

    return at <= body.len && slice.len <= body.len - at ? copy + at : NULL;
}

static void zero_numbers(char *copy, struct str body, const struct json_doc *doc,
                         const struct json_node *all)
{
    for (const struct json_node *node = all; node < doc->nodes + all->next; node++) {
        char *digits = node->type == JSON_NUMBER ? copy_of(copy, body, node->text) : NULL;
        if (!digits)
            continue;
        memset(digits, ' ', node->text.len);
        digits[node->text.len - 1] = '0';
    }
}

static bool has(struct str set, char c)
{
    return memchr(set.ptr, c, set.len) != NULL;
}

static const struct str every_letter =
    STR("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

/* What an id is made of, by what one of them has; all else in it is punctuation. */
static struct str alphabet_of(struct str id)
{
    static const struct str alphabets[] = {
        STR("0123456789"),
        STR("0123456789abcdef"),
        STR("0123456789ABCDEF"),
        STR("0123456789abcdefghijklmnopqrstuvwxyz"),
        STR("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    };

    for (size_t i = 0; i < sizeof alphabets / sizeof *alphabets; i++) {
        size_t at = 0;
        while (at < id.len && (has(alphabets[i], id.ptr[at]) || !has(every_letter, id.ptr[at])))
            at++;
        if (at == id.len)
            return alphabets[i];
    }
    return every_letter;
}

static bool ends_in_uuid(struct str id)
{
    static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

    if (id.len < UUID_LEN)
        return false;
    for (size_t i = 0; i < UUID_LEN; i++) {
        char c = id.ptr[id.len - UUID_LEN + i];
        if (shape[i] == '-' ? c != '-' : !has(STR("0123456789abcdefABCDEF"), c))
            return false;
    }
    return true;
}

/* "chatcmpl-", "msg_bdrk_": up to the last separator that enough follows, or else, as some
 * servers give out "chatcmpl-742", a word and its separator. */
static size_t prefix_len(struct str id)
{
    size_t word = 0;

    for (size_t rest = ID_RANDOM; rest < id.len; rest++)
        if (has(STR("-_"), id.ptr[id.len - rest - 1]))
            return id.len - rest;
    while (word < id.len && id.ptr[word] >= 'a' && id.ptr[word] <= 'z')
        word++;
    return word < id.len && has(STR("-_"), id.ptr[word]) ? word + 1 : 0;
}

/* A number below `end`, one for each place; XXH3 in counter mode. */
static size_t draw(const uint64_t nonce[2], size_t place, size_t end)
{
    uint64_t random = XXH3_64bits_withSeed(nonce, 2 * sizeof *nonce, place);

    return (size_t)((random >> 32) * end >> 32);
}

static void renew(char *id, size_t len, const uint64_t nonce[2])
{
    struct str old = {id, len};
    bool uuid = ends_in_uuid(old);
    size_t from = uuid ? len - UUID_LEN : prefix_len(old);
    struct str alphabet = alphabet_of(str_from(old, from));

    for (size_t i = from; i < len; i++) {
        bool fixed = uuid && (i - from == UUID_VERSION || i - from == UUID_VARIANT);
        if (!fixed && has(every_letter, id[i]))
            id[i] = alphabet.ptr[draw(nonce, i, alphabet.len)];
    }
}

static void renew_id(char *copy, struct str body, const struct json_doc *doc, enum api_gate gate,
                     const uint64_t nonce[2])
{
    const char *name = gate < sizeof id_names / sizeof *id_names ? id_names[gate] : NULL;
    const struct json_node *id = name ? json_member(doc, doc->nodes, str_of(name)) : NULL;

    if (!id || id->type != JSON_STRING || id->text.len > ID_MAX)
        return;
    char *text = copy_of(copy, body, id->text);
    if (text)
        renew(text, id->text.len, nonce);
}

void hit_body_write(struct buf *out, struct str body, const struct json_doc *doc,
                    enum api_gate gate, const struct hit_body_options *options)
{
    size_t start = out->len;

    buf_append(out, body);
    if (!buf_ok(out) || !doc->count)
        return;
    char *copy = out->ptr + start;
    if (options->new_id)
        renew_id(copy, body, doc, gate, options->nonce);
    for (size_t i = 0; options->zero_usage && i < USAGE_PLACES; i++) {
        const struct json_node *place = usage_place(gate, doc, i);
        if (place)
            zero_numbers(copy, body, doc, place);
    }
}
