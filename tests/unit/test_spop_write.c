/* Writing SPOP: what leaves is a whole frame or nothing. */
#include "core_fixture.h"
#include "unit.h"

static struct buf out;

static void setup(void)
{
    out = buf_new(1 << 20);
}

static void teardown(void)
{
    buf_free(&out);
    unit_guard_release();
}

#define ck_assert_bytes(actual, literal) ck_assert(str_eq((actual), STR(literal)))

START_TEST(hello_bytes)
{
    spop_hello_write(&out, 16380, true);
    ck_assert_bytes(buf_str(&out), "\0\0\0\x40\x65\0\0\0\x01\0\0"
                                   "\x07version\x08\x03"
                                   "2.0"
                                   "\x0emax-frame-size\x03\xfc\xf0\x06"
                                   "\x0c"
                                   "capabilities\x08\x0apipelining");
    buf_clear(&out);
    spop_hello_write(&out, 256, false);
    ck_assert_bytes(buf_str(&out), "\0\0\0\x35\x65\0\0\0\x01\0\0"
                                   "\x07version\x08\x03"
                                   "2.0"
                                   "\x0emax-frame-size\x03\xf0\x01"
                                   "\x0c"
                                   "capabilities\x08\0");
}
END_TEST

START_TEST(disconnect_bytes)
{
    spop_disconnect_write(&out, SPOP_NORMAL);
    ck_assert_bytes(buf_str(&out), "\0\0\0\x25\x66\0\0\0\x01\0\0"
                                   "\x0bstatus-code\x03\0"
                                   "\x07message\x08\x06normal");
}
END_TEST

START_TEST(disconnect_says_every_code)
{
    for (int code = SPOP_NORMAL; code <= SPOP_UNKNOWN; code++) {
        struct spop_frame frame;

        buf_clear(&out);
        spop_disconnect_write(&out, (enum spop_error)code);
        ck_assert_int_eq(spop_frame_read(unit_guard(buf_str(&out)), 1000, &frame),
                         (ptrdiff_t)out.len);
        ck_assert_uint_eq(frame.type, SPOP_AGENT_DISCONNECT);
        ck_assert_uint_eq(spop_disconnect_read(frame.payload), (uint64_t)code);
        ck_assert_uint_gt(strlen(spop_error_name((enum spop_error)code)), 5);
    }
}
END_TEST

START_TEST(ack_bytes)
{
    struct spop_ack ack;

    buf_append(&out, STR("before"));
    spop_ack_begin(&ack, &out, 1000, 300, 1);
    spop_ack_bool(&ack, STR("hit"), true);
    spop_ack_bool(&ack, STR("no"), false);
    spop_ack_int(&ack, STR("code"), 200);
    spop_ack_int(&ack, STR("n"), -1);
    spop_ack_string(&ack, STR("key"), STR("k"));
    spop_ack_binary(&ack, STR("body"), STR("\0\xff"));
    ck_assert(spop_ack_end(&ack));
    ck_assert_bytes(buf_str(&out), "before"
                                   "\0\0\0\x47\x67\0\0\0\x01\xfc\x03\x01"
                                   "\x01\x03\x02\x03hit\x11"
                                   "\x01\x03\x02\x02no\x01"
                                   "\x01\x03\x02\x04"
                                   "code\x04\xc8"
                                   "\x01\x03\x02\x01n\x04\xff\xf0\xfe\xfe\xfe\xfe\xfe\xfe\xfe\x0e"
                                   "\x01\x03\x02\x03key\x08\x01k"
                                   "\x01\x03\x02\x04"
                                   "body\x09\x02\0\xff");
}
END_TEST

START_TEST(ack_without_variables)
{
    struct spop_ack ack;

    spop_ack_begin(&ack, &out, 1000, 0, UINT64_MAX);
    ck_assert(spop_ack_end(&ack));
    ck_assert_bytes(buf_str(&out), "\0\0\0\x10\x67\0\0\0\x01\0"
                                   "\xff\xf0\xfe\xfe\xfe\xfe\xfe\xfe\xfe\x0e");
}
END_TEST

START_TEST(ack_reset)
{
    struct ack_reader reader;
    struct spop_ack ack;

    spop_ack_begin(&ack, &out, 1000, 1, 1);
    spop_ack_string(&ack, STR("a"), STR("1"));
    spop_ack_reset(&ack);
    spop_ack_string(&ack, STR("b"), STR("2"));
    ck_assert(spop_ack_end(&ack));
    ack_read(&reader, buf_str(&out));
    ack_names_are(&reader, "b");
}
END_TEST

/* The longest frame is not passed by one byte, and what does not fit leaves without variables. */
START_TEST(ack_at_the_limit)
{
    static char body[1000];
    struct ack_reader reader;
    struct spop_ack ack;

    for (size_t max = 200; max < 300; max++) {
        /* head 7, action 3 + 5 + 1, and a length of one or two bytes */
        size_t head = 7 + 3 + 5 + 1, room = max - head - 1 < 240 ? max - head - 1 : max - head - 2;

        for (size_t extra = 0; extra < 2; extra++) {
            buf_clear(&out);
            spop_ack_begin(&ack, &out, max, 1, 1);
            spop_ack_binary(&ack, STR("body"), (struct str){body, room + extra});
            /* 240 is where the length itself grows: 239 fits below it, 240 not yet */
            bool fits = out.len - 4 <= max;
            ck_assert(fits == (extra == 0));
            ck_assert(spop_ack_fits(&ack) == fits);
            ck_assert(spop_ack_end(&ack) == fits);
            ck_assert_uint_le(out.len - 4, max);
            ack_read(&reader, buf_str(&out));
            ack_names_are(&reader, fits ? "body" : "");
        }
        unit_guard_release();
    }
}
END_TEST

/* Wherever memory ends: the buffer holds whole frames only, or says that it failed. */
START_TEST(no_half_frame_when_memory_ends)
{
    size_t refused = 0, empty = 0, full = 0;

    for (size_t max = 0; max < 200; max++) {
        struct buf small = buf_new(max);
        struct ack_reader reader;
        struct spop_ack ack;

        spop_ack_begin(&ack, &small, 1000, 300, 300);
        spop_ack_string(&ack, STR("status"), STR("HIT"));
        spop_ack_int(&ack, STR("code"), 200);
        spop_ack_binary(&ack, STR("body"), STR("0123456789012345678901234567890123456789"));
        bool whole = spop_ack_end(&ack);
        ck_assert(!whole || buf_ok(&small));
        if (buf_ok(&small)) {
            ack_read(&reader, buf_str(&small));
            ack_names_are(&reader, whole ? "status code body" : "");
        }
        refused += !buf_ok(&small);
        empty += buf_ok(&small) && !whole;
        full += whole;
        buf_free(&small);
    }
    ck_assert_uint_gt(refused, 0);
    ck_assert_uint_gt(empty, 0);
    ck_assert_uint_gt(full, 0);
}
END_TEST

/* A failed ACK does not let a later one through behind half a frame. */
START_TEST(failure_stays)
{
    struct buf small = buf_new(20);
    struct spop_ack ack;

    spop_ack_begin(&ack, &small, 1000, 1, 1);
    ck_assert(spop_ack_end(&ack));
    size_t whole = small.len;
    for (int again = 0; again < 3; again++) {
        spop_ack_begin(&ack, &small, 1000, 1, 1);
        spop_ack_bool(&ack, STR("hit"), true);
        spop_ack_reset(&ack);
        ck_assert(!spop_ack_fits(&ack));
        ck_assert(!spop_ack_end(&ack));
        ck_assert(!buf_ok(&small));
        ck_assert_uint_ge(small.len, whole);
    }
    buf_free(&small);
}
END_TEST

START_TEST(other_frames_when_memory_ends)
{
    for (size_t max = 0; max < 100; max++) {
        struct spop_frame frame;

        for (int kind = 0; kind < 2; kind++) {
            struct buf small = buf_new(max);
            if (kind)
                spop_hello_write(&small, 16380, true);
            else
                spop_disconnect_write(&small, SPOP_TOO_BIG);
            if (buf_ok(&small))
                ck_assert_int_eq(spop_frame_read(buf_str(&small), 1000, &frame),
                                 (ptrdiff_t)small.len);
            else
                ck_assert_uint_lt(max, 80);
            buf_free(&small);
        }
    }
}
END_TEST

Suite *suite_spop_write(void)
{
    Suite *suite = suite_create("spop_write");
    TCase *cases = tcase_create("spop_write");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, hello_bytes);
    tcase_add_test(cases, disconnect_bytes);
    tcase_add_test(cases, disconnect_says_every_code);
    tcase_add_test(cases, ack_bytes);
    tcase_add_test(cases, ack_without_variables);
    tcase_add_test(cases, ack_reset);
    tcase_add_test(cases, ack_at_the_limit);
    tcase_add_test(cases, no_half_frame_when_memory_ends);
    tcase_add_test(cases, failure_stays);
    tcase_add_test(cases, other_frames_when_memory_ends);
    suite_add_tcase(suite, cases);
    return suite;
}
