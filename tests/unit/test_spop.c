/* Reading SPOP: numbers, typed data, frames, HELLO, and input that is hostile or broken. */
#include "core/notify.h"
#include "core_fixture.h"
#include "unit.h"

#include <stdlib.h>

static struct buf out, frame;

static void setup(void)
{
    out = buf_new(1 << 20);
    frame = buf_new(1 << 20);
}

static void teardown(void)
{
    buf_free(&out);
    buf_free(&frame);
    unit_guard_release();
}

START_TEST(varints)
{
    static const struct {
        struct str bytes;
        uint64_t value;
    } cases[] = {
        {STR("\0"), 0},
        {STR("\x7f"), 127},
        {STR("\xef"), 239},
        {STR("\xf0\0"), 240},
        {STR("\xf1\0"), 241},
        {STR("\xff\x7f"), 2287},
        {STR("\xf0\x80\0"), 2288},
        {STR("\xf1\x80\0"), 2289},
        {STR("\xff\xff\x7f"), 264431},
        {STR("\xf0\x80\x80\0"), 264432},
        {STR("\xff\xf0\xfe\xfe\x7e"), UINT32_MAX},
        {STR("\xf0\xf1\xfe\xfe\x7e"), (uint64_t)1 << 32},
        {STR("\xff\xf0\xfe\xfe\xfe\xfe\xfe\xfe\xfe\x0e"), UINT64_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str in = unit_guard(cases[i].bytes);
        uint64_t value;

        ck_assert(spop_read_varint(&in, &value));
        ck_assert_uint_eq(value, cases[i].value);
        ck_assert_uint_eq(in.len, 0);
        buf_clear(&out);
        wire_varint(&out, value);
        ck_assert(str_eq(buf_str(&out), cases[i].bytes));
        for (size_t len = 0; len < cases[i].bytes.len; len++) {
            in = unit_guard((struct str){cases[i].bytes.ptr, len});
            ck_assert(!spop_read_varint(&in, &value));
        }
    }
}
END_TEST

START_TEST(varints_too_long)
{
    struct str ten = unit_guard(STR("\xff\x80\x80\x80\x80\x80\x80\x80\x80\x00"));
    struct str eleven = unit_guard(STR("\xff\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"));
    struct str endless = unit_guard(STR("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"));
    uint64_t value;

    ck_assert(spop_read_varint(&ten, &value));
    ck_assert(!spop_read_varint(&eleven, &value));
    ck_assert(!spop_read_varint(&endless, &value));
}
END_TEST

START_TEST(typed_data)
{
    static const struct {
        struct str bytes;
        enum spop_type type;
        uint64_t number;
        struct str text;
    } cases[] = {
        {STR("\0"), SPOP_NULL, 0, {NULL, 0}},
        {STR("\x01"), SPOP_BOOL, 0, {NULL, 0}},
        {STR("\x11"), SPOP_BOOL, 1, {NULL, 0}},
        {STR("\xf1"), SPOP_BOOL, 1, {NULL, 0}}, /* flags we do not know */
        {STR("\x02\x2a"), SPOP_INT32, 42, {NULL, 0}},
        {STR("\x03\xf0\0"), SPOP_UINT32, 240, {NULL, 0}},
        {STR("\x04\xff\xf0\xfe\xfe\xfe\xfe\xfe\xfe\xfe\x0e"), SPOP_INT64, UINT64_MAX, {NULL, 0}},
        {STR("\x05\x07"), SPOP_UINT64, 7, {NULL, 0}},
        {STR("\x06\x7f\0\0\x01"), SPOP_IPV4, 0, {"\x7f\0\0\x01", 4}},
        {STR("\x07"
             "0123456789abcdef"),
         SPOP_IPV6,
         0,
         {"0123456789abcdef", 16}},
        {STR("\x08\x02hi"), SPOP_STRING, 0, {"hi", 2}},
        {STR("\x08\0"), SPOP_STRING, 0, {"", 0}},
        {STR("\x09\x03\0\xff\0"), SPOP_BINARY, 0, {"\0\xff\0", 3}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str in = unit_guard(cases[i].bytes);
        struct spop_data data;

        ck_assert(spop_read_data(&in, &data));
        ck_assert_uint_eq(in.len, 0);
        ck_assert_uint_eq(data.type, cases[i].type);
        ck_assert_uint_eq(data.number, cases[i].number);
        if (cases[i].text.ptr)
            ck_assert(str_eq(data.bytes, cases[i].text));
        for (size_t len = 0; len < cases[i].bytes.len; len++) {
            in = unit_guard((struct str){cases[i].bytes.ptr, len});
            ck_assert(!spop_read_data(&in, &data));
        }
    }
    for (unsigned type = 10; type < 16; type++) {
        char byte = (char)type;
        struct str in = unit_guard((struct str){&byte, 1});
        struct spop_data data;
        ck_assert(!spop_read_data(&in, &data));
    }
}
END_TEST

START_TEST(a_frame)
{
    struct spop_frame f;
    struct str bytes;

    wire_frame(&frame, SPOP_NOTIFY, SPOP_FIN, 300, 1, STR("payload"));
    wire_frame(&frame, 77, 0x80000003, 0, UINT64_MAX, STR(""));
    bytes = unit_guard(buf_str(&frame));
    ptrdiff_t first = spop_frame_read(bytes, 1000, &f);
    ck_assert_int_eq(first, 4 + 1 + 4 + 2 + 1 + 7);
    ck_assert_uint_eq(f.type, SPOP_NOTIFY);
    ck_assert_uint_eq(f.flags, SPOP_FIN);
    ck_assert_uint_eq(f.stream_id, 300);
    ck_assert_uint_eq(f.frame_id, 1);
    ck_assert_str_is(f.payload, "payload");
    ck_assert_uint_eq(spop_frame_length(bytes), (size_t)first);

    bytes = str_from(bytes, (size_t)first);
    ck_assert_int_eq(spop_frame_read(bytes, 1000, &f), (ptrdiff_t)bytes.len);
    ck_assert_uint_eq(f.type, 77);
    ck_assert_uint_eq(f.flags, 0x80000003);
    ck_assert_uint_eq(f.stream_id, 0);
    ck_assert_uint_eq(f.frame_id, UINT64_MAX);
    ck_assert_uint_eq(f.payload.len, 0);
}
END_TEST

START_TEST(frames_cut_anywhere_wait_for_more)
{
    struct spop_frame f;

    wire_lookup(&out);
    wire_frame(&frame, SPOP_NOTIFY, SPOP_FIN, 1, 1, buf_str(&out));
    for (size_t len = 0; len < frame.len; len++) {
        struct str cut = unit_guard((struct str){frame.ptr, len});
        ck_assert_int_eq(spop_frame_read(cut, frame.len - 4, &f), 0);
        ck_assert_uint_eq(spop_frame_length(cut), len < 4 ? 0 : frame.len);
        unit_guard_release();
    }
    ck_assert_int_eq(spop_frame_read(unit_guard(buf_str(&frame)), frame.len - 4, &f),
                     (ptrdiff_t)frame.len);
}
END_TEST

/* The rows of the hostile-input table that the length and the head of a frame decide. */
START_TEST(hostile_frames)
{
    static const struct {
        struct str bytes;
        ptrdiff_t want;
    } cases[] = {
        {STR("\0\0\0\0"), -SPOP_INVALID},
        {STR("\0\0\0\0garbage"), -SPOP_INVALID},
        {STR("\0\x01\x11\x70"), -SPOP_TOO_BIG}, /* 70 000, refused before a byte of it came */
        {STR("\xff\xff\xff\xff"), -SPOP_TOO_BIG},
        {STR("\x80\0\0\0\x01"), -SPOP_TOO_BIG},
        {STR("\0\0\x3f\xfd"), -SPOP_TOO_BIG}, /* one more than agreed */
        {STR("\0\0\x3f\xfc"), 0},
        {STR("\0\0\0\x01\x03"), -SPOP_INVALID},
        {STR("\0\0\0\x05\x03\0\0\0\x01"), -SPOP_INVALID},
        {STR("\0\0\0\x06\x03\0\0\0\x01\x01"), -SPOP_INVALID},
        {STR("\0\0\0\x07\x03\0\0\0\x01\xf0\x80"), -SPOP_INVALID},
        {STR("\0\0\0\x07\x03\0\0\0\x01\x01\xf0"), -SPOP_INVALID},
        {STR("\0\0\0\x07\x03\0\0\0\x01\x01\x01"), 11},
    };
    struct spop_frame f;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_int_eq(spop_frame_read(unit_guard(cases[i].bytes), 16380, &f), cases[i].want);
}
END_TEST

/* A HELLO made of these parts; NULL leaves one out. */
static enum spop_error hello(const char *versions, int64_t size, const char *capabilities,
                             struct spop_hello *h)
{
    buf_clear(&out);
    if (versions)
        wire_item_bytes(&out, "supported-versions", SPOP_STRING, str_of(versions));
    if (size >= 0)
        wire_item_number(&out, "max-frame-size", SPOP_UINT32, (uint64_t)size);
    if (capabilities)
        wire_item_bytes(&out, "capabilities", SPOP_STRING, str_of(capabilities));
    return spop_hello_read(unit_guard(buf_str(&out)), h);
}

START_TEST(hello_items)
{
    static const struct {
        const char *versions;
        int64_t size;
        const char *capabilities;
        enum spop_error want;
    } cases[] = {
        {"2.0", 16380, "pipelining,async", SPOP_NORMAL},
        {"2.0", 256, "", SPOP_NORMAL},
        {"2.0", UINT32_MAX, "", SPOP_NORMAL},
        {"1.0, 2.0", 256, "", SPOP_NORMAL},
        {" 2.1 ,3.0", 256, "", SPOP_NORMAL},
        {NULL, 16380, "pipelining", SPOP_NO_VERSION},
        {"", 16380, "pipelining", SPOP_BAD_VERSION},
        {"1.0", 16380, "pipelining", SPOP_BAD_VERSION},
        {"12.0,3.0,20", 16380, "pipelining", SPOP_BAD_VERSION},
        {"2", 16380, "pipelining", SPOP_BAD_VERSION},
        {"2.0", -1, "pipelining", SPOP_NO_FRAME_SIZE},
        {"2.0", 10, "pipelining", SPOP_BAD_FRAME_SIZE},
        {"2.0", 255, "pipelining", SPOP_BAD_FRAME_SIZE},
        {"2.0", (int64_t)UINT32_MAX + 1, "pipelining", SPOP_BAD_FRAME_SIZE},
        {"2.0", 16380, NULL, SPOP_NO_CAPABILITIES},
        {NULL, -1, NULL, SPOP_NO_VERSION},
    };
    struct spop_hello h;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_int_eq(hello(cases[i].versions, cases[i].size, cases[i].capabilities, &h),
                         cases[i].want);
    ck_assert_int_eq(spop_hello_read(unit_guard(STR("")), &h), SPOP_NO_VERSION);
}
END_TEST

START_TEST(hello_capabilities)
{
    static const struct {
        const char *text;
        bool pipelining, async;
    } cases[] = {
        {"", false, false},
        {"pipelining", true, false},
        {"pipelining,async", true, true},
        {" async , pipelining ", true, true},
        {"\tpipelining,,async\n", true, true},
        {"fragmentation,pipelining", true, false},
        {"pipelining2", false, false},
        {"pipe lining", false, false},
        {"pipelinin", false, false},
        {"PIPELINING;async", false, false},
        {",", false, false},
    };
    struct spop_hello h;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(hello("2.0", 300 + (int64_t)i, cases[i].text, &h), SPOP_NORMAL);
        ck_assert_uint_eq(h.max_frame_size, 300 + i);
        ck_assert_msg(h.pipelining == cases[i].pipelining, "%s", cases[i].text);
        ck_assert_msg(h.async == cases[i].async, "%s", cases[i].text);
        ck_assert(!h.healthcheck);
    }
}
END_TEST

START_TEST(hello_types_and_unknown_items)
{
    static const char *const names[] = {"supported-versions", "max-frame-size", "capabilities",
                                        "healthcheck"};
    static const enum spop_type right[] = {SPOP_STRING, SPOP_UINT32, SPOP_STRING, SPOP_BOOL};
    struct spop_hello h;

    for (size_t name = 0; name < 4; name++)
        for (enum spop_type type = SPOP_NULL; type <= SPOP_BINARY; type++) {
            buf_clear(&out);
            wire_hello(&out);
            if (type == SPOP_NULL)
                wire_item_null(&out, names[name]);
            else if (type == SPOP_BOOL)
                wire_item_bool(&out, names[name], true);
            else if (type <= SPOP_UINT64)
                wire_item_number(&out, names[name], type, 16380);
            else
                wire_item_bytes(&out, names[name], type,
                                type == SPOP_IPV4 ? STR("2.0,") : STR("2.0,2.0,2.0,2.0,"));
            ck_assert_int_eq(spop_hello_read(unit_guard(buf_str(&out)), &h),
                             type == right[name] ? SPOP_NORMAL : SPOP_INVALID);
        }

    buf_clear(&out);
    wire_item_number(&out, "max-frame", SPOP_INT64, 1);
    wire_item_bool(&out, "capabilities2", true);
    wire_item_null(&out, "");
    wire_item_bytes(&out, "supported-version", SPOP_IPV4, STR("9.9."));
    wire_hello(&out);
    ck_assert_int_eq(spop_hello_read(unit_guard(buf_str(&out)), &h), SPOP_NORMAL);
    ck_assert_uint_eq(h.max_frame_size, 16380);
}
END_TEST

START_TEST(hello_healthcheck)
{
    struct spop_hello h;

    for (int yes = 0; yes < 2; yes++) {
        buf_clear(&out);
        wire_item_bytes(&out, "supported-versions", SPOP_STRING, STR("2.0"));
        wire_item_number(&out, "max-frame-size", SPOP_UINT32, 16380);
        wire_item_bytes(&out, "capabilities", SPOP_STRING, STR(""));
        wire_item_bool(&out, "healthcheck", yes);
        ck_assert_int_eq(spop_hello_read(unit_guard(buf_str(&out)), &h), SPOP_NORMAL);
        ck_assert_int_eq(h.healthcheck, yes);
    }
}
END_TEST

/* A cut can only fall between items without being malformed. */
START_TEST(hello_cut_anywhere)
{
    struct spop_hello h;

    wire_hello(&out);
    for (size_t len = 0; len < out.len; len++) {
        enum spop_error error = spop_hello_read(unit_guard((struct str){out.ptr, len}), &h);
        bool whole = error == SPOP_NORMAL;
        ck_assert(error == SPOP_INVALID || error == SPOP_NO_VERSION ||
                  error == SPOP_NO_FRAME_SIZE || error == SPOP_NO_CAPABILITIES || whole);
        ck_assert_msg(!whole || len == out.len - 1 - 9 - 1 - 1 - 36, "whole at %zu", len);
        unit_guard_release();
    }
}
END_TEST

START_TEST(disconnect_of_haproxy)
{
    wire_item_bytes(&out, "message", SPOP_STRING, STR("a timeout occurred"));
    wire_item_number(&out, "status-code", SPOP_UINT32, SPOP_TIMEOUT);
    ck_assert_uint_eq(spop_disconnect_read(unit_guard(buf_str(&out))), SPOP_TIMEOUT);
    ck_assert_uint_eq(spop_disconnect_read(unit_guard(STR(""))), SPOP_UNKNOWN);
    for (size_t len = 0; len < out.len; len++)
        ck_assert_uint_eq(spop_disconnect_read(unit_guard((struct str){out.ptr, len})),
                          SPOP_UNKNOWN);
}
END_TEST

/* One mutation: a bit, a byte, a cut, or a piece copied elsewhere. */
static size_t mutate(char *bytes, size_t len)
{
    size_t at = (size_t)random() % len, to = (size_t)random() % len;
    size_t run = 1 + (size_t)random() % 8;

    switch (random() % 4) {
    case 0:
        bytes[at] = (char)(bytes[at] ^ (1 << random() % 8));
        return len;
    case 1:
        bytes[at] = (char)(random() % 2 ? random() : -1);
        return len;
    case 2:
        return at + 1;
    default:
        run = run < len - at ? run : len - at;
        run = run < len - to ? run : len - to;
        memmove(bytes + to, bytes + at, run);
        return len;
    }
}

START_TEST(random_mutations)
{
    enum { ROUNDS = 10000 };
    size_t frames = 0, waits = 0, errors = 0, hellos = 0, notifies = 0;

    srandom(20240712);
    for (int round = 0; round < ROUNDS; round++) {
        struct spop_frame f;
        struct spop_hello h;
        struct notify n;

        buf_clear(&out);
        buf_clear(&frame);
        int kind = round % 3;
        (kind == 0 ? wire_hello : kind == 1 ? wire_lookup : wire_store)(&out);
        wire_frame(&frame, kind ? SPOP_NOTIFY : SPOP_HAPROXY_HELLO, SPOP_FIN, 7, 1, buf_str(&out));
        size_t len = frame.len;
        for (long times = 1 + random() % 4; times; times--)
            len = mutate(frame.ptr, len);
        ptrdiff_t taken = spop_frame_read(unit_guard((struct str){frame.ptr, len}), 16380, &f);
        frames += taken > 0;
        waits += taken == 0;
        errors += taken < 0;
        if (taken > 0) {
            hellos += spop_hello_read(f.payload, &h) == SPOP_NORMAL;
            notifies += notify_read(f.payload, &n);
            (void)spop_disconnect_read(f.payload);
        }
        unit_guard_release();
    }
    ck_assert_uint_eq(frames + waits + errors, ROUNDS);
    /* neither everything nor nothing came through */
    ck_assert_uint_gt(frames, ROUNDS / 4);
    ck_assert_uint_gt(waits, ROUNDS / 20);
    ck_assert_uint_gt(errors, ROUNDS / 100);
    ck_assert_uint_gt(hellos, ROUNDS / 100);
    ck_assert_uint_gt(notifies, ROUNDS / 20);
    ck_assert_uint_lt(hellos + notifies, frames);
}
END_TEST

Suite *suite_spop(void)
{
    Suite *suite = suite_create("spop");
    TCase *cases = tcase_create("spop");

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, varints);
    tcase_add_test(cases, varints_too_long);
    tcase_add_test(cases, typed_data);
    tcase_add_test(cases, a_frame);
    tcase_add_test(cases, frames_cut_anywhere_wait_for_more);
    tcase_add_test(cases, hostile_frames);
    tcase_add_test(cases, hello_items);
    tcase_add_test(cases, hello_capabilities);
    tcase_add_test(cases, hello_types_and_unknown_items);
    tcase_add_test(cases, hello_healthcheck);
    tcase_add_test(cases, hello_cut_anywhere);
    tcase_add_test(cases, disconnect_of_haproxy);
    tcase_add_test(cases, random_mutations);
    suite_add_tcase(suite, cases);
    return suite;
}
