#include "core/units.h"
#include "unit.h"

START_TEST(units_are_read)
{
    static const struct {
        enum units units;
        const char *text;
        int64_t value; /* -1: refused */
    } table[] = {
        {UNITS_NONE, "0", 0},
        {UNITS_NONE, "007", 7},
        {UNITS_NONE, "", -1},
        {UNITS_NONE, "-1", -1},
        {UNITS_NONE, "+1", -1},
        {UNITS_NONE, "1k", -1},
        {UNITS_NONE, "0x10", -1},
        {UNITS_NONE, "99999999999999999999", -1},
        {UNITS_DURATION, "0", 0},
        {UNITS_DURATION, "1", -1},
        {UNITS_DURATION, "1ms", 1},
        {UNITS_DURATION, "2s", 2000},
        {UNITS_DURATION, "3m", 180000},
        {UNITS_DURATION, "24h", 86400000},
        {UNITS_DURATION, "24H", 86400000},
        {UNITS_DURATION, "7d", 604800000},
        {UNITS_DURATION, "1.5h", -1},
        {UNITS_DURATION, "5 s", -1},
        {UNITS_DURATION, "5sec", -1},
        {UNITS_DURATION, "s", -1},
        {UNITS_DURATION, "999999999999999999d", -1},
        {UNITS_SIZE, "512", 512},
        {UNITS_SIZE, "512b", 512},
        {UNITS_SIZE, "64kb", 65536},
        {UNITS_SIZE, "64MB", 67108864},
        {UNITS_SIZE, "2gb", 2147483648},
        {UNITS_SIZE, "64m", -1},
        {UNITS_MONEY, "0", 0},
        {UNITS_MONEY, "2", 2000000},
        {UNITS_MONEY, "2.5", 2500000},
        {UNITS_MONEY, "0.075", 75000},
        {UNITS_MONEY, "0.000001", 1},
        {UNITS_MONEY, "10.0", 10000000},
        {UNITS_MONEY, "0.0000001", -1},
        {UNITS_MONEY, "2.", -1},
        {UNITS_MONEY, ".5", -1},
        {UNITS_MONEY, "1.2.3", -1},
        {UNITS_MONEY, "-1", -1},
        {UNITS_MONEY, "1e3", -1},
        {UNITS_MONEY, "$1", -1},
        {UNITS_MONEY, "", -1},
        {UNITS_MONEY, "99999999999999", -1},
        {UNITS_SIZE, "999999999999gb", -1},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int64_t value = -1;
        bool read = units_parse(table[i].units, unit_guard(str_of(table[i].text)), &value);
        ck_assert_msg(read == (table[i].value >= 0), "%s", table[i].text);
        if (read)
            ck_assert_int_eq(value, table[i].value);
    }
}
END_TEST

START_TEST(units_are_written_as_they_are_read)
{
    static const struct {
        enum units units;
        int64_t value;
        const char *text;
    } table[] = {
        {UNITS_NONE, 1024, "1024"},         {UNITS_DURATION, 0, "0"},
        {UNITS_DURATION, 1500, "1500ms"},   {UNITS_DURATION, 60000, "1m"},
        {UNITS_DURATION, 86400000, "24h"},  {UNITS_DURATION, 172800000, "2d"},
        {UNITS_DURATION, 129600000, "36h"}, {UNITS_SIZE, 0, "0"},
        {UNITS_SIZE, 1025, "1025b"},        {UNITS_SIZE, 1 << 20, "1mb"},
        {UNITS_SIZE, 3LL << 30, "3gb"},     {UNITS_MONEY, 0, "0"},
        {UNITS_MONEY, 2500000, "2.5"},      {UNITS_MONEY, 75000, "0.075"},
        {UNITS_MONEY, 10000000, "10"},      {UNITS_MONEY, 1, "0.000001"},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct buf out = buf_new(64);
        int64_t value = -1;
        units_format(table[i].units, table[i].value, &out);
        ck_assert_str_is(buf_str(&out), table[i].text);
        ck_assert(units_parse(table[i].units, buf_str(&out), &value));
        ck_assert_int_eq(value, table[i].value);
        buf_free(&out);
    }
}
END_TEST

Suite *suite_units(void)
{
    Suite *suite = suite_create("units");
    TCase *tests = tcase_create("units");

    tcase_add_test(tests, units_are_read);
    tcase_add_test(tests, units_are_written_as_they_are_read);
    suite_add_tcase(suite, tests);
    return suite;
}
