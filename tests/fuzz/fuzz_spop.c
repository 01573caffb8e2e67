/* Any bytes as frames from HAProxy, each payload as everything a payload can be; and what was read
 * of them written into an ACK, which must be read back as it was. */
#include "core/notify.h"

#include <stdlib.h>

enum { MAX = 1 << 16 };

static void require(bool ok)
{
    if (!ok)
        abort();
}

static bool inside(struct str part, struct str whole)
{
    return part.len == 0 || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

static void check_variable(struct str *in, struct str name, const struct spop_data *want)
{
    struct spop_data value;
    struct str got;

    require(in->len > 3 && memcmp(in->ptr, "\1\3\2", 3) == 0);
    *in = str_from(*in, 3);
    require(spop_read_string(in, &got) && str_eq(got, name));
    require(spop_read_data(in, &value) && value.type == want->type && value.number == want->number);
    require(want->type < SPOP_STRING || str_eq(value.bytes, want->bytes));
}

/* An ACK with one variable of each type. */
static void check_ack(const struct spop_frame *notify, struct str bytes, size_t max)
{
    const struct spop_data values[] = {
        {.type = SPOP_BOOL, .number = bytes.len & 1},
        {.type = SPOP_INT64, .number = notify->stream_id},
        {.type = SPOP_STRING, .bytes = bytes},
        {.type = SPOP_BINARY, .bytes = bytes},
    };
    struct buf out = buf_new(4 * MAX);
    struct spop_frame frame;
    struct spop_ack ack;

    spop_ack_begin(&ack, &out, max, notify->stream_id, notify->frame_id);
    spop_ack_bool(&ack, STR("b"), values[0].number != 0);
    spop_ack_int(&ack, STR("i"), (int64_t)values[1].number);
    spop_ack_string(&ack, bytes, values[2].bytes);
    spop_ack_binary(&ack, STR("bin"), values[3].bytes);
    bool fits = spop_ack_end(&ack);
    require(buf_ok(&out));
    require(spop_frame_read(buf_str(&out), SIZE_MAX, &frame) == (ptrdiff_t)out.len);
    require(!fits || out.len - SPOP_LENGTH_PREFIX <= max);
    require(frame.type == SPOP_ACK && frame.flags == SPOP_FIN);
    require(frame.stream_id == notify->stream_id && frame.frame_id == notify->frame_id);
    if (fits) {
        check_variable(&frame.payload, STR("b"), &values[0]);
        check_variable(&frame.payload, STR("i"), &values[1]);
        check_variable(&frame.payload, bytes, &values[2]);
        check_variable(&frame.payload, STR("bin"), &values[3]);
    }
    require(frame.payload.len == 0);
    buf_free(&out);
}

static void check_payload(struct str payload, const struct spop_frame *frame)
{
    static struct notify notify; /* kept, so that reuse is tried as well */
    struct spop_hello hello;

    if (spop_hello_read(payload, &hello) == SPOP_NORMAL)
        require(hello.max_frame_size >= SPOP_MIN_FRAME_SIZE);
    (void)spop_disconnect_read(payload);
    if (!notify_read(payload, &notify))
        return;
    const struct request *r = &notify.request;
    const struct str parts[] = {r->policy,
                                r->tenant,
                                r->upstream,
                                r->mode,
                                r->method,
                                r->scheme,
                                r->host,
                                r->target,
                                r->body,
                                notify.ticket,
                                notify.response.body,
                                notify.response.connection};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        require(inside(parts[i], payload));
    for (size_t i = 0; i < notify.headers.count; i++)
        require(inside(notify.headers.items[i].name, payload) &&
                inside(notify.headers.items[i].value, payload));
    require(r->ttl >= -1 && r->ttl % 1000 != 1);
    require(notify.kind == NOTIFY_LOOKUP || (!r->policy.ptr && !r->body.ptr));
    require(notify.kind == NOTIFY_STORE || (!notify.ticket.ptr && !notify.response.body.ptr));
    check_ack(frame, notify.kind == NOTIFY_STORE ? notify.response.body : r->body, 300);
    check_ack(frame, r->target, MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str in = {(const char *)data, size};
    struct spop_frame frame = {.type = 0};
    ptrdiff_t taken;

    check_payload(in, &frame);
    while ((taken = spop_frame_read(in, MAX, &frame)) > 0) {
        require((size_t)taken == spop_frame_length(in) && (size_t)taken <= in.len);
        require(inside(frame.payload, (struct str){in.ptr, (size_t)taken}));
        check_payload(frame.payload, &frame);
        in = str_from(in, (size_t)taken);
    }
    require(taken == 0 || taken == -SPOP_INVALID || taken == -SPOP_TOO_BIG);
    return 0;
}
