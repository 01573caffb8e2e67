#include "core_fixture.h"

#include "unit.h"
#include <stdlib.h>

void wire_varint(struct buf *out, uint64_t value)
{
    if (value < 240) {
        buf_append_byte(out, (uint8_t)value);
        return;
    }
    buf_append_byte(out, (uint8_t)(0xf0 | (value & 0x0f)));
    for (value = (value - 240) / 16; value >= 128; value = (value - 128) / 128)
        buf_append_byte(out, (uint8_t)(0x80 | (value & 0x7f)));
    buf_append_byte(out, (uint8_t)value);
}

void wire_string(struct buf *out, struct str bytes)
{
    wire_varint(out, bytes.len);
    buf_append(out, bytes);
}

void wire_item_null(struct buf *out, const char *name)
{
    wire_string(out, str_of(name));
    buf_append_byte(out, SPOP_NULL);
}

void wire_item_bool(struct buf *out, const char *name, bool value)
{
    wire_string(out, str_of(name));
    buf_append_byte(out, value ? 0x11 : 0x01);
}

void wire_item_number(struct buf *out, const char *name, enum spop_type type, uint64_t value)
{
    wire_string(out, str_of(name));
    buf_append_byte(out, (uint8_t)type);
    wire_varint(out, value);
}

void wire_item_bytes(struct buf *out, const char *name, enum spop_type type, struct str value)
{
    wire_string(out, str_of(name));
    buf_append_byte(out, (uint8_t)type);
    if (type == SPOP_IPV4 || type == SPOP_IPV6)
        buf_append(out, value);
    else
        wire_string(out, value);
}

void wire_message(struct buf *out, const char *name, unsigned args)
{
    wire_string(out, str_of(name));
    buf_append_byte(out, (uint8_t)args);
}

void wire_frame(struct buf *out, uint8_t type, uint32_t flags, uint64_t stream_id,
                uint64_t frame_id, struct str payload)
{
    size_t start = out->len;
    const char head[] = {0,
                         0,
                         0,
                         0,
                         (char)type,
                         (char)(flags >> 24),
                         (char)(flags >> 16),
                         (char)(flags >> 8),
                         (char)flags};

    buf_append(out, (struct str){head, sizeof head});
    wire_varint(out, stream_id);
    wire_varint(out, frame_id);
    buf_append(out, payload);
    size_t len = out->len - start - 4;
    for (size_t i = 0; i < 4; i++)
        out->ptr[start + i] = (char)(len >> (8 * (3 - i)));
}

void wire_hello(struct buf *out)
{
    wire_item_bytes(out, "supported-versions", SPOP_STRING, STR("2.0"));
    wire_item_number(out, "max-frame-size", SPOP_UINT32, 16380);
    wire_item_bytes(out, "capabilities", SPOP_STRING, STR("pipelining,async"));
    wire_item_bytes(out, "engine-id", SPOP_STRING, STR("0f8fad5b-d9cb-469f-a165-70867728950e"));
}

void wire_lookup(struct buf *out)
{
    wire_message(out, "lookup", 13);
    wire_item_bytes(out, "policy", SPOP_STRING, STR("llm"));
    wire_item_bytes(out, "tenant", SPOP_STRING, STR("acme"));
    wire_item_null(out, "upstream");
    wire_item_number(out, "ttl", SPOP_INT64, 60);
    wire_item_null(out, "mode");
    wire_item_bytes(out, "method", SPOP_STRING, STR("POST"));
    wire_item_bytes(out, "scheme", SPOP_STRING, STR("https"));
    wire_item_bytes(out, "host", SPOP_STRING, STR("api.example"));
    wire_item_bytes(out, "target", SPOP_STRING, STR("/v1/chat/completions?a=b"));
    wire_item_bytes(out, "headers", SPOP_BINARY, block_of("content-type: application/json\n"));
    wire_item_bool(out, "whole", true);
    wire_item_bytes(out, "body", SPOP_BINARY, STR("{\"model\":\"m\",\"messages\":[]}"));
    wire_item_bool(out, "exact", true);
}

void wire_store(struct buf *out)
{
    wire_message(out, "store", 6);
    wire_item_bytes(out, "ticket", SPOP_STRING, STR("1 opaque"));
    wire_item_number(out, "code", SPOP_INT64, 200);
    wire_item_bytes(out, "connection", SPOP_STRING, STR("close"));
    wire_item_bytes(out, "headers", SPOP_BINARY, block_of("content-type: application/json\n"));
    wire_item_bool(out, "whole", true);
    wire_item_bytes(out, "body", SPOP_BINARY, STR("{\"id\":1}"));
}

struct str block_of(const char *lines)
{
    struct str rest = str_of(lines);
    struct buf block = buf_new(1 << 20);

    while (rest.len) {
        struct str value = str_split(&rest, '\n'), name = str_split(&value, ':');
        wire_string(&block, name);
        wire_string(&block, value);
    }
    buf_append(&block, STR("\0\0"));
    struct str guarded = unit_guard(buf_str(&block));
    buf_free(&block);
    return guarded;
}

const struct headers *headers_in(struct str block)
{
    static struct headers pool[16];
    static size_t next;
    struct headers *headers = &pool[next++ % 16];

    headers_read(headers, unit_guard(block));
    return headers;
}

const struct headers *headers_of(const char *lines)
{
    return headers_in(block_of(lines));
}

/* SPOE.txt 3.4: set-var is action 1 with 3 arguments: scope (2: transaction), name, value. */
static void read_action(struct str *in, struct str *name, struct spop_data *value)
{
    ck_assert_uint_ge(in->len, 3);
    ck_assert_mem_eq(in->ptr, "\1\3\2", 3);
    *in = str_from(*in, 3);
    ck_assert(spop_read_string(in, name));
    ck_assert(spop_read_data(in, value));
}

void ack_read(struct ack_reader *out, struct str bytes)
{
    struct str in;

    *out = (struct ack_reader){.count = 0};
    ck_assert_int_eq(spop_frame_read(unit_guard(bytes), SIZE_MAX, &out->frame),
                     (ptrdiff_t)bytes.len);
    ck_assert_uint_eq(out->frame.type, SPOP_ACK);
    ck_assert_uint_eq(out->frame.flags, SPOP_FIN);
    for (in = out->frame.payload; in.len; out->count++) {
        ck_assert_uint_lt(out->count, sizeof out->variables / sizeof *out->variables);
        read_action(&in, &out->variables[out->count].name, &out->variables[out->count].value);
    }
}

static const struct spop_data *find_variable(const struct ack_reader *ack, struct str name)
{
    for (size_t i = 0; i < ack->count; i++)
        if (str_eq(ack->variables[i].name, name))
            return &ack->variables[i].value;
    return NULL;
}

const struct spop_data *ack_variable(const struct ack_reader *ack, const char *name)
{
    const struct spop_data *value = find_variable(ack, str_of(name));

    ck_assert_msg(value != NULL, "the ACK does not set %s", name);
    return value;
}

void ack_names_are(const struct ack_reader *ack, const char *names)
{
    struct str_list wanted = list_of(names);

    for (size_t i = 0; i < wanted.count; i++)
        ck_assert_msg(find_variable(ack, wanted.items[i]) != NULL, "the ACK does not set %.*s",
                      STR_ARGS(wanted.items[i]));
    for (size_t i = 0; i < ack->count; i++) {
        struct str name = ack->variables[i].name;
        ck_assert_msg(str_list_has(&wanted, name), "the ACK sets %.*s", STR_ARGS(name));
        ck_assert_msg(find_variable(ack, name) == &ack->variables[i].value,
                      "the ACK sets %.*s twice", STR_ARGS(name));
    }
}

struct str_list list_of(const char *words)
{
    static struct str items[512];
    static size_t used;
    struct str rest = str_of(words);
    struct str_list list = {&items[used], 0};

    while (rest.len) {
        if (used == sizeof items / sizeof *items)
            abort();
        items[used++] = str_split(&rest, ' ');
        list.count++;
    }
    return list;
}

struct policy sample_policy(void)
{
    return (struct policy){
        .name = STR("llm"),
        .methods = list_of("POST"),
        .statuses = list_of("200 404"),
        .content_types = list_of("application/json text/plain"),
        .vary = list_of("openai-beta x-version"),
        .ignore_vary = list_of("accept-encoding origin"),
        .ignore_query = {NULL, 0},
        .replay = list_of("openai-model content-language"),
        .emit = list_of("x-cache-status x-cache-key age cache-status"),
        .ttl = 60000,
        .api = STR("auto"),
        .store_tool_calls = true,
        .max_request = 1000,
        .max_body = 5000,
        .json = true,
    };
}

struct request sample_request(void)
{
    return (struct request){
        .policy = STR("llm"),
        .tenant = STR("acme"),
        .method = STR("POST"),
        .scheme = STR("https"),
        .host = STR("api.example"),
        .target = STR("/v1/chat/completions"),
        .headers = headers_of("content-type: application/json\n"),
        .body = STR("{\"model\":\"m\",\"messages\":[]}"),
        .whole = true,
        .exact = true,
    };
}

struct scope sample_scope(const struct policy *policy, const struct request *request)
{
    struct scope scope = {.policy = policy, .identity = request->tenant};

    if (!policy)
        return scope;
    scope.owner = (struct key_owner){.kind = policy->shared ? STR("shared") : STR("tenant"),
                                     .name = policy->shared ? STR("") : request->tenant};
    scope.ttl = policy->ttl;
    scope.max_request = policy->max_request;
    scope.max_body = policy->max_body;
    scope.allow_controls = policy->allow_controls;
    return scope;
}

struct response sample_response(void)
{
    return (struct response){
        .code = 200,
        .headers = headers_of("content-type: application/json\nopenai-model: m-1\n"),
        .body = STR("{\"id\":1}"),
        .whole = true,
    };
}

struct key_secret sample_secret(void)
{
    struct key_secret secret;

    key_secret_derive(&secret, STR("the secret of the tests"));
    return secret;
}
