#include "spop.h"

enum { TYPE_MASK = 0x0f, BOOL_TRUE = 0x10 };
enum { ACTION_SET_VAR = 1, SET_VAR_ARGS = 3, SCOPE_TXN = 2 };

static uint32_t read_be32(const char *at)
{
    const uint8_t *b = (const uint8_t *)at;

    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static void write_be32(char *at, uint32_t value)
{
    at[0] = (char)(value >> 24);
    at[1] = (char)(value >> 16);
    at[2] = (char)(value >> 8);
    at[3] = (char)value;
}

static bool take(struct str *in, size_t len, struct str *out)
{
    if (in->len < len)
        return false;
    *out = (struct str){in->ptr, len};
    in->ptr += len;
    in->len -= len;
    return true;
}

static bool take_byte(struct str *in, uint8_t *out)
{
    if (in->len == 0)
        return false;
    *out = (uint8_t)in->ptr[0];
    in->ptr++;
    in->len--;
    return true;
}

/* SPOE.txt 3.1: the first byte holds 0 .. 239, or 240 and four bits; each further one seven. */
bool spop_read_long_varint(struct str *in, uint64_t *out)
{
    uint8_t byte;

    if (!take_byte(in, &byte))
        return false;
    *out = byte;
    if (byte < 240)
        return true;
    for (unsigned shift = 4;; shift += 7) {
        if (shift >= 64 || !take_byte(in, &byte))
            return false;
        *out += (uint64_t)byte << shift;
        if (byte < 128)
            return true;
    }
}

bool spop_read_string(struct str *in, struct str *out)
{
    uint64_t len;

    return spop_read_varint(in, &len) && len <= in->len && take(in, (size_t)len, out);
}

bool spop_read_data(struct str *in, struct spop_data *out)
{
    const char *start = in->ptr;
    uint8_t head;

    if (!take_byte(in, &head))
        return false;
    *out = (struct spop_data){.type = head & TYPE_MASK, .bytes = {start, 0}};
    switch (out->type) {
    case SPOP_NULL:
        return true;
    case SPOP_BOOL:
        out->number = (head & BOOL_TRUE) != 0;
        break;
    case SPOP_INT32:
    case SPOP_UINT32:
    case SPOP_INT64:
    case SPOP_UINT64:
        if (!spop_read_varint(in, &out->number))
            return false;
        break;
    case SPOP_IPV4:
        return take(in, 4, &out->bytes);
    case SPOP_IPV6:
        return take(in, 16, &out->bytes);
    case SPOP_STRING:
    case SPOP_BINARY:
        return spop_read_string(in, &out->bytes);
    default:
        return false;
    }
    out->bytes.len = (size_t)(in->ptr - start);
    return true;
}

bool spop_message_next(struct str *in, struct spop_message *out)
{
    uint8_t args;

    if (!spop_read_string(in, &out->name) || !take_byte(in, &args))
        return false;
    out->args = args;
    return true;
}

bool spop_arg_next(struct str *in, struct spop_arg *out)
{
    return spop_read_string(in, &out->name) && spop_read_data(in, &out->value);
}

size_t spop_frame_length(struct str in)
{
    return in.len < SPOP_LENGTH_PREFIX ? 0 : SPOP_LENGTH_PREFIX + (size_t)read_be32(in.ptr);
}

ptrdiff_t spop_frame_read(struct str in, size_t max, struct spop_frame *out)
{
    struct str body, flags;

    if (in.len < SPOP_LENGTH_PREFIX)
        return 0;
    size_t len = read_be32(in.ptr);
    if (len == 0)
        return -SPOP_INVALID;
    if (len > max)
        return -SPOP_TOO_BIG;
    if (in.len - SPOP_LENGTH_PREFIX < len)
        return 0;
    body = (struct str){in.ptr + SPOP_LENGTH_PREFIX, len};
    if (!take_byte(&body, &out->type) || !take(&body, 4, &flags) ||
        !spop_read_varint(&body, &out->stream_id) || !spop_read_varint(&body, &out->frame_id))
        return -SPOP_INVALID;
    out->flags = read_be32(flags.ptr);
    out->payload = body;
    return (ptrdiff_t)(SPOP_LENGTH_PREFIX + len);
}

/* The words of a list as HELLO has them: separated by commas, with spaces around. */
static bool list_has(struct str list, struct str word)
{
    while (list.len)
        if (str_eq(str_trim(str_split(&list, ',')), word))
            return true;
    return false;
}

static bool list_has_version_2(struct str list)
{
    while (list.len)
        if (str_starts(str_trim(str_split(&list, ',')), STR("2.")))
            return true;
    return false;
}

/* Which type a known item of HELLO must have; SPOP_NULL for an item we do not know. */
static enum spop_type hello_item_type(struct str name)
{
    if (str_eq(name, STR("supported-versions")) || str_eq(name, STR("capabilities")))
        return SPOP_STRING;
    if (str_eq(name, STR("max-frame-size")))
        return SPOP_UINT32;
    return str_eq(name, STR("healthcheck")) ? SPOP_BOOL : SPOP_NULL;
}

enum spop_error spop_hello_read(struct str payload, struct spop_hello *out)
{
    struct str versions = {NULL, 0}, capabilities = {NULL, 0};
    uint64_t size = 0;
    bool has_size = false;
    struct spop_arg item;

    *out = (struct spop_hello){0};
    while (payload.len) {
        if (!spop_arg_next(&payload, &item))
            return SPOP_INVALID;
        enum spop_type type = hello_item_type(item.name);
        if (type != SPOP_NULL && item.value.type != type)
            return SPOP_INVALID;
        if (str_eq(item.name, STR("supported-versions")))
            versions = item.value.bytes;
        else if (str_eq(item.name, STR("capabilities")))
            capabilities = item.value.bytes;
        else if (type == SPOP_UINT32)
            size = item.value.number, has_size = true;
        else if (type == SPOP_BOOL)
            out->healthcheck = item.value.number != 0;
    }
    if (!versions.ptr)
        return SPOP_NO_VERSION;
    if (!list_has_version_2(versions))
        return SPOP_BAD_VERSION;
    if (!has_size)
        return SPOP_NO_FRAME_SIZE;
    if (size < SPOP_MIN_FRAME_SIZE || size > UINT32_MAX)
        return SPOP_BAD_FRAME_SIZE;
    if (!capabilities.ptr)
        return SPOP_NO_CAPABILITIES;
    out->max_frame_size = (uint32_t)size;
    out->pipelining = list_has(capabilities, STR("pipelining"));
    out->async = list_has(capabilities, STR("async"));
    return SPOP_NORMAL;
}

uint64_t spop_disconnect_read(struct str payload)
{
    struct spop_arg item;

    while (spop_arg_next(&payload, &item))
        if (str_eq(item.name, STR("status-code")))
            return item.value.number;
    return SPOP_UNKNOWN;
}

static void write_varint(struct buf *out, uint64_t value)
{
    if (value < 240) {
        buf_append_byte(out, (uint8_t)value);
        return;
    }
    buf_append_byte(out, (uint8_t)(value | 240));
    value = (value - 240) >> 4;
    while (value >= 128) {
        buf_append_byte(out, (uint8_t)(value | 128));
        value = (value - 128) >> 7;
    }
    buf_append_byte(out, (uint8_t)value);
}

void spop_write_string(struct buf *out, struct str bytes)
{
    write_varint(out, bytes.len);
    buf_append(out, bytes);
}

static void write_typed_bytes(struct buf *out, enum spop_type type, struct str bytes)
{
    buf_append_byte(out, (uint8_t)type);
    spop_write_string(out, bytes);
}

static void write_typed_number(struct buf *out, enum spop_type type, uint64_t number)
{
    buf_append_byte(out, (uint8_t)type);
    write_varint(out, number);
}

/* Head of a frame whose length is filled in by end_frame(). */
static size_t begin_frame(struct buf *out, enum spop_frame_type type, uint64_t stream_id,
                          uint64_t frame_id)
{
    size_t start = out->len;
    const char head[] = {0, 0, 0, 0, (char)type, 0, 0, 0, SPOP_FIN};

    buf_append(out, (struct str){head, sizeof head});
    write_varint(out, stream_id);
    write_varint(out, frame_id);
    return start;
}

static void end_frame(struct buf *out, size_t start)
{
    if (buf_ok(out))
        write_be32(out->ptr + start, (uint32_t)(out->len - start - SPOP_LENGTH_PREFIX));
}

void spop_hello_write(struct buf *out, uint32_t max_frame_size, bool pipelining)
{
    size_t start = begin_frame(out, SPOP_AGENT_HELLO, 0, 0);

    spop_write_string(out, STR("version"));
    write_typed_bytes(out, SPOP_STRING, STR("2.0"));
    spop_write_string(out, STR("max-frame-size"));
    write_typed_number(out, SPOP_UINT32, max_frame_size);
    spop_write_string(out, STR("capabilities"));
    write_typed_bytes(out, SPOP_STRING, pipelining ? STR("pipelining") : STR(""));
    end_frame(out, start);
}

void spop_disconnect_write(struct buf *out, enum spop_error status)
{
    size_t start = begin_frame(out, SPOP_AGENT_DISCONNECT, 0, 0);

    spop_write_string(out, STR("status-code"));
    write_typed_number(out, SPOP_UINT32, status);
    spop_write_string(out, STR("message"));
    write_typed_bytes(out, SPOP_STRING, str_of(spop_error_name(status)));
    end_frame(out, start);
}

const char *spop_error_name(enum spop_error error)
{
    static const char *const names[] = {
        [SPOP_NORMAL] = "normal",
        [SPOP_IO] = "I/O error",
        [SPOP_TIMEOUT] = "a timeout occurred",
        [SPOP_TOO_BIG] = "frame is too big",
        [SPOP_INVALID] = "invalid frame received",
        [SPOP_NO_VERSION] = "version value not found",
        [SPOP_NO_FRAME_SIZE] = "max-frame-size value not found",
        [SPOP_NO_CAPABILITIES] = "capabilities value not found",
        [SPOP_BAD_VERSION] = "unsupported version",
        [SPOP_BAD_FRAME_SIZE] = "max-frame-size too big or too small",
        [SPOP_FRAGMENTED] = "payload fragmentation is not supported",
        [SPOP_INTERLACED] = "invalid interlaced frames",
        [SPOP_NO_FRAME_ID] = "frame-id not found",
        [SPOP_RESOURCES] = "resource allocation error",
    };

    return (uint64_t)error < sizeof names / sizeof *names ? names[error]
                                                          : "an unknown error occurred";
}

void spop_ack_begin(struct spop_ack *ack, struct buf *out, size_t max, uint64_t stream_id,
                    uint64_t frame_id)
{
    *ack = (struct spop_ack){.out = out, .max = max};
    ack->start = begin_frame(out, SPOP_ACK, stream_id, frame_id);
    ack->body = out->len;
    ack->begun = buf_ok(out);
}

static void set_variable(struct spop_ack *ack, struct str name)
{
    const char head[] = {ACTION_SET_VAR, SET_VAR_ARGS, SCOPE_TXN};

    buf_append(ack->out, (struct str){head, sizeof head});
    spop_write_string(ack->out, name);
}

void spop_ack_bool(struct spop_ack *ack, struct str name, bool value)
{
    set_variable(ack, name);
    buf_append_byte(ack->out, (uint8_t)(SPOP_BOOL | (value ? BOOL_TRUE : 0)));
}

void spop_ack_int(struct spop_ack *ack, struct str name, int64_t value)
{
    set_variable(ack, name);
    write_typed_number(ack->out, SPOP_INT64, (uint64_t)value);
}

void spop_ack_string(struct spop_ack *ack, struct str name, struct str value)
{
    set_variable(ack, name);
    write_typed_bytes(ack->out, SPOP_STRING, value);
}

void spop_ack_binary(struct spop_ack *ack, struct str name, struct str value)
{
    set_variable(ack, name);
    write_typed_bytes(ack->out, SPOP_BINARY, value);
}

void spop_ack_reset(struct spop_ack *ack)
{
    if (ack->begun)
        buf_truncate(ack->out, ack->body);
}

bool spop_ack_fits(const struct spop_ack *ack)
{
    return buf_ok(ack->out) && ack->out->len - ack->start - SPOP_LENGTH_PREFIX <= ack->max;
}

bool spop_ack_end(struct spop_ack *ack)
{
    bool fits = spop_ack_fits(ack);

    if (!ack->begun)
        return false;
    if (!fits)
        spop_ack_reset(ack);
    end_frame(ack->out, ack->start);
    return fits;
}
