#include "notify.h"

#include "decimal.h"

/* A name is bytes too, but true is nobody's name: a condition set where a tenant was meant. */
enum field_type { FIELD_BYTES, FIELD_NAME, FIELD_BOOL, FIELD_NUMBER, FIELD_SECONDS, FIELD_HEADERS };

struct field {
    struct str name;
    enum field_type type;
    size_t offset; /* in struct notify */
};

#define FIELD(name, type, member)                                                                  \
    {                                                                                              \
        {name, sizeof name - 1}, type, offsetof(struct notify, member)                             \
    }

/* In the order in which cache.conf sends them, which is the order they are looked for. */
static const struct field lookup_fields[] = {
    FIELD("policy", FIELD_BYTES, request.policy),
    FIELD("tenant", FIELD_NAME, request.tenant),
    FIELD("upstream", FIELD_BYTES, request.upstream),
    FIELD("backend", FIELD_BYTES, request.backend),
    FIELD("ttl", FIELD_SECONDS, request.ttl),
    FIELD("mode", FIELD_BYTES, request.mode),
    FIELD("method", FIELD_BYTES, request.method),
    FIELD("scheme", FIELD_BYTES, request.scheme),
    FIELD("host", FIELD_BYTES, request.host),
    FIELD("target", FIELD_BYTES, request.target),
    FIELD("headers", FIELD_HEADERS, headers),
    FIELD("whole", FIELD_BOOL, request.whole),
    FIELD("body", FIELD_BYTES, request.body),
    FIELD("exact", FIELD_BOOL, request.exact),
};

static const struct field store_fields[] = {
    FIELD("ticket", FIELD_BYTES, ticket),
    FIELD("code", FIELD_NUMBER, response.code),
    FIELD("connection", FIELD_BYTES, response.connection),
    FIELD("headers", FIELD_HEADERS, headers),
    FIELD("whole", FIELD_BOOL, response.whole),
    FIELD("body", FIELD_BYTES, response.body),
};

static const struct field wait_fields[] = {
    FIELD("ticket", FIELD_BYTES, ticket),
    FIELD("exact", FIELD_BOOL, request.exact),
};

static const struct field release_fields[] = {
    FIELD("ticket", FIELD_BYTES, ticket),
};

static const struct message {
    struct str name;
    enum notify_kind kind;
    const struct field *fields;
    size_t count;
} messages[] = {
    {{"lookup", 6}, NOTIFY_LOOKUP, lookup_fields, sizeof lookup_fields / sizeof *lookup_fields},
    {{"store", 5}, NOTIFY_STORE, store_fields, sizeof store_fields / sizeof *store_fields},
    {{"wait", 4}, NOTIFY_WAIT, wait_fields, sizeof wait_fields / sizeof *wait_fields},
    {{"release", 7},
     NOTIFY_RELEASE,
     release_fields,
     sizeof release_fields / sizeof *release_fields},
};

static const struct message *find_message(struct str name)
{
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++)
        if (str_eq(messages[i].name, name))
            return &messages[i];
    return NULL;
}

/* The field called `name`; the search begins at *next, where it stands when the arguments come in
 * the usual order. */
static const struct field *find_field(const struct message *m, struct str name, size_t *next)
{
    for (size_t i = 0; i < m->count; i++) {
        size_t at = (*next + i) % m->count;
        if (str_eq(m->fields[at].name, name)) {
            *next = at + 1;
            return &m->fields[at];
        }
    }
    return NULL;
}

static bool is_integer(const struct spop_data *value)
{
    return value->type >= SPOP_INT32 && value->type <= SPOP_UINT64;
}

/* Seconds to milliseconds; -1 when they are not positive, or too many. */
static int64_t milliseconds(int64_t seconds)
{
    return seconds > 0 && seconds < INT64_MAX / 1000 ? seconds * 1000 : -1;
}

int64_t notify_ttl(struct str text)
{
    int64_t seconds;

    return decimal_read(str_trim(text), &seconds) ? milliseconds(seconds) : -1;
}

static void set_field(struct notify *out, const struct field *f, const struct spop_data *value)
{
    char *at = (char *)out + f->offset;

    switch (f->type) {
    case FIELD_BYTES:
        *(struct str *)(void *)at = value->bytes;
        break;
    case FIELD_NAME:
        *(struct str *)(void *)at = value->type == SPOP_BOOL ? (struct str){NULL, 0} : value->bytes;
        break;
    case FIELD_BOOL:
        *(bool *)(void *)at = value->type == SPOP_BOOL && value->number != 0;
        break;
    case FIELD_NUMBER:
        *(int64_t *)(void *)at = is_integer(value) ? (int64_t)value->number : 0;
        break;
    case FIELD_SECONDS:
        if (is_integer(value))
            *(int64_t *)(void *)at = milliseconds((int64_t)value->number);
        else if (value->bytes.len)
            *(int64_t *)(void *)at = notify_ttl(value->bytes);
        break;
    case FIELD_HEADERS:
        headers_read((struct headers *)(void *)at, value->bytes);
        break;
    }
}

bool notify_read(struct str payload, struct notify *out)
{
    struct spop_message head;
    struct spop_arg arg;

    /* member by member: the array of headers is large, and its count says what counts */
    out->kind = NOTIFY_NOTHING;
    out->request = (struct request){.headers = &out->headers};
    out->response = (struct response){.headers = &out->headers};
    out->ticket = (struct str){NULL, 0};
    headers_read(&out->headers, STR(""));
    while (payload.len) {
        size_t next = 0;
        if (!spop_message_next(&payload, &head))
            return false;
        const struct message *m = out->kind == NOTIFY_NOTHING ? find_message(head.name) : NULL;
        if (m)
            out->kind = m->kind;
        for (unsigned i = 0; i < head.args; i++) {
            if (!spop_arg_next(&payload, &arg))
                return false;
            const struct field *f = m ? find_field(m, arg.name, &next) : NULL;
            if (f)
                set_field(out, f, &arg.value);
        }
    }
    return true;
}
