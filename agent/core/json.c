#include "json.h"

#include "hex.h"
#include "json_names.h"
#include "json_scan.h"
#include <assert.h>
#include <stdlib.h>

enum {
    FIRST_NODES = 64,
    /* larger arrays are given back before the next document */
    KEEP_NODES = 1 << 13,
    KEEP_DECODED = 1 << 18,
    /* members of an object whose names are compared each with each */
    FEW_MEMBERS = 8,
};

struct reader {
    struct json_doc *doc;
    const char *at, *end; /* what is left of the text */
    size_t len;           /* of the whole text */
    size_t depth;
    uint32_t open[JSON_MAX_DEPTH]; /* nodes of the arrays and objects around `at` */
};

/* The next byte that is not white space, not taken; -1 at the end. */
static int next_byte(struct reader *r)
{
    const char *at = r->at;

    while (at < r->end && str_is_space(*at))
        at++;
    r->at = at;
    return at < r->end ? (uint8_t)*at : -1;
}

/* Steps over one character of several bytes: the table of RFC 3629 section 4. */
static enum json_error skip_character(const char **at, const char *end)
{
    const uint8_t *bytes = (const uint8_t *)*at, lead = bytes[0];
    size_t have = (size_t)(end - *at), need = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;

    if (lead < 0xc2 || lead > 0xf4)
        return JSON_ENCODING;
    for (size_t i = 1; i < need; i++) {
        if (i == have)
            return JSON_CUT;
        if (bytes[i] < low || bytes[i] > high)
            return JSON_ENCODING;
        low = 0x80, high = 0xbf;
    }
    *at += need;
    return JSON_OK;
}

/* Moves to the quote or backslash that ends a run of characters which stand for themselves. */
static enum json_error skip_run(struct reader *r)
{
    const char *at = r->at, *end = r->end;
    enum json_error error = JSON_OK;

    while (!error) {
        at = json_scan(at, end, true);
        if (at == end)
            error = JSON_CUT;
        else if (*at == '"' || *at == '\\')
            break;
        else if ((uint8_t)*at < 0x20)
            error = JSON_SYNTAX;
        while (!error && at < end && (uint8_t)*at >= 0x80)
            error = skip_character(&at, end);
    }
    r->at = at;
    return error;
}

/* The four digits of an \u escape. */
static enum json_error read_hex(struct reader *r, uint32_t *unit)
{
    *unit = 0;
    for (int i = 0; i < 4; i++) {
        if (r->at == r->end)
            return JSON_CUT;
        int value = hex_digit(*r->at);
        if (value < 0)
            return JSON_SYNTAX;
        *unit = *unit << 4 | (uint32_t)value;
        r->at++;
    }
    return JSON_OK;
}

/* The second half of a surrogate pair, from its backslash on; makes *code the character. */
static enum json_error read_low_surrogate(struct reader *r, uint32_t *code)
{
    uint32_t low;

    for (const char *want = "\\u"; *want; want++, r->at++) {
        if (r->at == r->end)
            return JSON_CUT;
        if (*r->at != *want)
            return JSON_ENCODING;
    }
    enum json_error error = read_hex(r, &low);
    if (error)
        return error;
    if (low < 0xdc00 || low > 0xdfff)
        return JSON_ENCODING;
    *code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);
    return JSON_OK;
}

/* Writes a code point as UTF-8 and returns the end of it. */
static char *put_character(char *to, uint32_t code)
{
    if (code < 0x80) {
        *to++ = (char)code;
        return to;
    }
    if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
    } else {
        if (code < 0x10000) {
            *to++ = (char)(0xe0 | code >> 12);
        } else {
            *to++ = (char)(0xf0 | code >> 18);
            *to++ = (char)(0x80 | (code >> 12 & 0x3f));
        }
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
    }
    *to++ = (char)(0x80 | (code & 0x3f));
    return to;
}

/* An escape after its "\u". */
static enum json_error read_code_point(struct reader *r, char **to)
{
    uint32_t code;
    enum json_error error = read_hex(r, &code);

    if (!error && (code == 0 || (code >= 0xdc00 && code <= 0xdfff)))
        return JSON_ENCODING;
    if (!error && code >= 0xd800 && code <= 0xdbff)
        error = read_low_surrogate(r, &code);
    if (!error)
        *to = put_character(*to, code);
    return error;
}

/* An escape after its backslash. */
static enum json_error read_escape(struct reader *r, char **to)
{
    static const char letters[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";

    if (r->at == r->end)
        return JSON_CUT;
    char c = *r->at++;
    if (c == 'u')
        return read_code_point(r, to);
    const char *letter = memchr(letters, c, sizeof letters - 1);
    if (!letter)
        return JSON_SYNTAX;
    *(*to)++ = values[letter - letters];
    return JSON_OK;
}

/* Room for every string of the text at once, since a decoded one is never longer than it was
 * and slices into a block that grows would be lost. */
static bool reserve_decoded(struct json_doc *doc, size_t len)
{
    if (doc->decoded_cap >= len)
        return true;
    assert(doc->decoded_len == 0);
    free(doc->decoded);
    doc->decoded = malloc(len);
    doc->decoded_cap = doc->decoded ? len : 0;
    return doc->decoded != NULL;
}

/* A string from its first escape on; `run` is where it began. */
static enum json_error read_escaped(struct reader *r, const char *run, struct str *out)
{
    struct json_doc *doc = r->doc;

    if (!reserve_decoded(doc, r->len))
        return JSON_MEMORY;
    char *start = doc->decoded + doc->decoded_len, *to = start;
    for (;;) {
        size_t len = (size_t)(r->at - run);
        memcpy(to, run, len);
        to += len;
        if (*r->at++ == '"')
            break;
        enum json_error error = read_escape(r, &to);
        run = r->at;
        if (!error)
            error = skip_run(r);
        if (error)
            return error;
    }
    *out = (struct str){start, (size_t)(to - start)};
    doc->decoded_len += out->len;
    return JSON_OK;
}

/* A string after its opening quote. */
static enum json_error read_string(struct reader *r, struct str *out)
{
    const char *start = r->at;
    enum json_error error = skip_run(r);

    if (error)
        return error;
    if (*r->at == '\\')
        return read_escaped(r, start, out);
    *out = (struct str){start, (size_t)(r->at - start)};
    r->at++;
    return JSON_OK;
}

/* One digit or more. */
static enum json_error skip_digits(struct reader *r)
{
    const char *start = r->at;

    while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
        r->at++;
    if (r->at > start)
        return JSON_OK;
    return r->at == r->end ? JSON_CUT : JSON_SYNTAX;
}

/* RFC 8259 section 6. */
static enum json_error read_number(struct reader *r, struct str *out)
{
    const char *start = r->at;
    enum json_error error = JSON_OK;

    if (*r->at == '-')
        r->at++;
    if (r->at < r->end && *r->at == '0')
        r->at++;
    else
        error = skip_digits(r);
    if (!error && r->at < r->end && *r->at == '.') {
        r->at++;
        error = skip_digits(r);
    }
    if (!error && r->at < r->end && (*r->at == 'e' || *r->at == 'E')) {
        r->at++;
        if (r->at < r->end && (*r->at == '+' || *r->at == '-'))
            r->at++;
        error = skip_digits(r);
    }
    *out = (struct str){start, (size_t)(r->at - start)};
    return error;
}

static enum json_error read_word(struct reader *r, struct str word)
{
    size_t left = (size_t)(r->end - r->at), len = left < word.len ? left : word.len;

    if (memcmp(r->at, word.ptr, len) != 0)
        return JSON_SYNTAX;
    r->at += len;
    return len == word.len ? JSON_OK : JSON_CUT;
}

static enum json_error grow_nodes(struct json_doc *doc)
{
    size_t cap = doc->cap ? doc->cap * 2 : FIRST_NODES;

    if (doc->cap == JSON_MAX_NODES)
        return JSON_SIZE;
    struct json_node *nodes = realloc(doc->nodes, cap * sizeof *nodes);
    if (nodes)
        doc->nodes = nodes;
    uint32_t *order = realloc(doc->order, cap * sizeof *order);
    if (order)
        doc->order = order;
    if (!nodes || !order)
        return JSON_MEMORY;
    doc->cap = cap;
    return JSON_OK;
}

static enum json_error open_container(struct reader *r)
{
    if (r->depth == JSON_MAX_DEPTH)
        return JSON_DEPTH;
    r->open[r->depth++] = (uint32_t)(r->doc->count - 1);
    r->at++;
    return JSON_OK;
}

static enum json_error read_content(struct reader *r, struct json_node *node, int first)
{
    switch (first) {
    case '"':
        node->type = JSON_STRING;
        r->at++;
        return read_string(r, &node->text);
    case '{':
        node->type = JSON_OBJECT;
        return open_container(r);
    case '[':
        node->type = JSON_ARRAY;
        return open_container(r);
    case 't':
        node->type = JSON_TRUE;
        return read_word(r, STR("true"));
    case 'f':
        node->type = JSON_FALSE;
        return read_word(r, STR("false"));
    case 'n':
        node->type = JSON_NULL;
        return read_word(r, STR("null"));
    default:
        node->type = JSON_NUMBER;
        return read_number(r, &node->text);
    }
}

/* Appends the node of the next value. Of an array or object it only takes the opening. */
static enum json_error read_value(struct reader *r, struct str name)
{
    struct json_doc *doc = r->doc;
    int first = next_byte(r);

    if (first < 0)
        return JSON_CUT;
    if (doc->count == doc->cap) {
        enum json_error error = grow_nodes(doc);
        if (error)
            return error;
    }
    if (r->depth)
        doc->nodes[r->open[r->depth - 1]].count++;
    struct json_node *node = &doc->nodes[doc->count++];
    *node = (struct json_node){.name = name, .next = (uint32_t)doc->count};
    return read_content(r, node, first);
}

/* A member's name and its colon. */
static enum json_error read_name(struct reader *r, struct str *name)
{
    int c = next_byte(r);

    if (c != '"')
        return c < 0 ? JSON_CUT : JSON_SYNTAX;
    r->at++;
    enum json_error error = read_string(r, name);
    if (error)
        return error;
    c = next_byte(r);
    if (c != ':')
        return c < 0 ? JSON_CUT : JSON_SYNTAX;
    r->at++;
    return JSON_OK;
}

/* Whether no two members have one name. */
static enum json_error check_names(struct json_doc *doc, const struct json_node *object)
{
    uint32_t *order = doc->order, count = object->count;
    uint32_t child = (uint32_t)(object - doc->nodes) + 1;

    for (uint32_t i = 0; i < count; i++, child = doc->nodes[child].next)
        order[i] = child;
    if (count > FEW_MEMBERS)
        return json_names_sort(doc->nodes, order, count, false);
    for (uint32_t i = 1; i < count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            if (str_eq(doc->nodes[order[i]].name, doc->nodes[order[j]].name))
                return JSON_DUPLICATE;
        }
    }
    return JSON_OK;
}

static enum json_error close_container(struct reader *r)
{
    struct json_node *node = &r->doc->nodes[r->open[--r->depth]];

    node->next = (uint32_t)r->doc->count;
    r->at++;
    return node->type == JSON_OBJECT ? check_names(r->doc, node) : JSON_OK;
}

/* Inside an array or object: its end, or one more value. */
static enum json_error read_next(struct reader *r)
{
    const struct json_node *parent = &r->doc->nodes[r->open[r->depth - 1]];
    struct str name = {0};
    int c = next_byte(r);

    if (c < 0)
        return JSON_CUT;
    if (c == (parent->type == JSON_OBJECT ? '}' : ']'))
        return close_container(r);
    if (parent->count) {
        if (c != ',')
            return JSON_SYNTAX;
        r->at++;
    }
    if (parent->type == JSON_OBJECT) {
        if (parent->count == JSON_MAX_MEMBERS)
            return JSON_SIZE;
        enum json_error error = read_name(r, &name);
        if (error)
            return error;
    }
    return read_value(r, name);
}

/* Empties the document, and gives back what an unusually large one took. */
static void recycle(struct json_doc *doc)
{
    if (doc->cap > KEEP_NODES || doc->decoded_cap > KEEP_DECODED)
        json_free(doc);
    doc->count = 0;
    doc->decoded_len = 0;
}

enum json_error json_read(struct json_doc *doc, struct str text)
{
    struct reader r = {.doc = doc, .at = text.ptr, .end = text.ptr + text.len, .len = text.len};
    enum json_error error;

    recycle(doc);
    if (str_starts(text, STR("\xef\xbb\xbf")))
        return JSON_ENCODING;
    error = read_value(&r, (struct str){0});
    while (!error && r.depth)
        error = read_next(&r);
    if (!error && next_byte(&r) >= 0)
        error = JSON_TRAILING;
    if (error)
        doc->count = 0;
    return error;
}

const char *json_error_name(enum json_error error)
{
    static const char *const names[] = {
        [JSON_OK] = "valid",
        [JSON_SYNTAX] = "not JSON",
        [JSON_CUT] = "ends inside the value",
        [JSON_TRAILING] = "something follows the value",
        [JSON_ENCODING] = "not strict UTF-8",
        [JSON_DUPLICATE] = "a name stands twice in an object",
        [JSON_DEPTH] = "nested too deep",
        [JSON_SIZE] = "too many values",
        [JSON_MEMORY] = "no memory",
    };
    return names[error];
}

const struct json_node *json_member(const struct json_doc *doc, const struct json_node *object,
                                    struct str name)
{
    const struct json_node *child = object + 1;

    for (uint32_t i = 0; object->type == JSON_OBJECT && i < object->count; i++) {
        if (str_eq(child->name, name))
            return child;
        child = &doc->nodes[child->next];
    }
    return NULL;
}

void json_free(struct json_doc *doc)
{
    free(doc->nodes);
    free(doc->decoded);
    free(doc->order);
    *doc = (struct json_doc){0};
}
