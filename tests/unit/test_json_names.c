#include "core/json_names.h"
#include "spelling.h"
#include "unit.h"

#include <stdlib.h>

enum { MOST = 400, ROUNDS = 3000 };

static struct json_node nodes[MOST];
static uint32_t order[MOST];

static void teardown(void)
{
    unit_guard_release();
}

/* The plain way to compare names, which the sort is held against. */
static int compare(struct str a, struct str b, bool fold)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int result = fold ? strncasecmp(a.ptr, b.ptr, n) : memcmp(a.ptr, b.ptr, n);

    return result ? result : (a.len > b.len) - (a.len < b.len);
}

static int compare_bytes(const void *a, const void *b)
{
    return compare(((const struct json_node *)a)->name, ((const struct json_node *)b)->name, false);
}

static int compare_folded(const void *a, const void *b)
{
    return compare(((const struct json_node *)a)->name, ((const struct json_node *)b)->name, true);
}

static enum json_error sort(uint32_t count, bool fold)
{
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    return json_names_sort(nodes, order, count, fold);
}

START_TEST(names_in_order)
{
    static const char *const cases[] = {
        "|a",
        "a|b",
        "B|a",
        "Z|_",
        "a|a\x01",
        "abcdefgh|abcdefghi",
        "abcdefg|abcdefgh",
        "abcdefghijklmnop|abcdefghijklmnopA",
        "abcdefghA|abcdefgha",
        "abcdefghijklmnoP|abcdefghijklmnop",
        "z|\xc3\xa9",
        "\xef\xbf\xbf|\xf0\x9f\x98\x80",
        /* the second part of one is the first part of the next */
        "aaaaaaaab|aaaaaaaax|x",
        "aaaaaaaaa|aaaaaaaabbbbbbbba|aaaaaaaabbbbbbbbb|b|bbbbbbbb|bbbbbbbbb",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str rest = unit_guard(str_of(cases[i]));
        uint32_t count = 0;
        for (bool more = true; more; count++) {
            more = memchr(rest.ptr, '|', rest.len);
            nodes[MOST - 1 - count].name = str_split(&rest, '|');
        }
        memmove(nodes, nodes + MOST - count, count * sizeof *nodes);
        ck_assert_int_eq(sort(count, false), JSON_OK);
        for (uint32_t j = 0; j < count; j++)
            ck_assert_msg(order[j] == count - 1 - j, "%s", cases[i]);
    }
}
END_TEST

START_TEST(case_counts_or_not)
{
    static const struct {
        const char *a, *b;
        enum json_error bytes, folded;
    } cases[] = {
        {"", "", JSON_DUPLICATE, JSON_DUPLICATE},
        {"abc", "abc", JSON_DUPLICATE, JSON_DUPLICATE},
        {"abcdefgh", "abcdefgh", JSON_DUPLICATE, JSON_DUPLICATE},
        {"abcdefghijklm", "abcdefghijklm", JSON_DUPLICATE, JSON_DUPLICATE},
        {"aBc", "Abc", JSON_OK, JSON_DUPLICATE},
        {"abcdefghijklm", "abcdefghijklM", JSON_OK, JSON_DUPLICATE},
        /* bytes that only look like letters in the other case */
        {"[", "{", JSON_OK, JSON_OK},
        {"@", "`", JSON_OK, JSON_OK},
        {"\xc3\x89", "\xc3\xa9", JSON_OK, JSON_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nodes[0].name = unit_guard(str_of(cases[i].a));
        nodes[1].name = unit_guard(str_of(cases[i].b));
        ck_assert_msg(sort(2, false) == cases[i].bytes, "%s, %s", cases[i].a, cases[i].b);
        ck_assert_msg(sort(2, true) == cases[i].folded, "%s, %s", cases[i].a, cases[i].b);
    }
}
END_TEST

/* Names of two letters in either case, many with a long beginning in common or twice. */
static void random_names(struct buf *text, uint32_t count)
{
    uint32_t longest = 1 + random_below(30), letters = 1 + random_below(4);

    buf_clear(text);
    ck_assert(buf_reserve(text, (size_t)MOST * 64));
    for (uint32_t i = 0; i < count; i++) {
        size_t start = text->len;
        uint32_t same = random_below(2) ? random_below(longest) : longest;
        for (uint32_t j = 0; j < same; j++)
            buf_append_byte(text, 'a');
        for (uint32_t j = random_below(longest); j > 0; j--)
            buf_append_byte(text, (uint8_t) "aAbB"[random_below(letters)]);
        if (random_below(8))
            buf_printf(text, "%u", i);
        nodes[i].name = str_from(buf_str(text), start);
    }
}

START_TEST(as_sorted_plainly)
{
    static struct json_node plain[MOST];
    struct buf text = buf_new(1 << 20);
    int duplicates[2] = {0};

    for (int round = 0; round < ROUNDS; round++) {
        bool fold = round & 1, twice = false;
        uint32_t count = random_below(round % 3 ? 24 : MOST);
        random_names(&text, count);
        memcpy(plain, nodes, count * sizeof *plain);
        qsort(plain, count, sizeof *plain, fold ? compare_folded : compare_bytes);
        for (uint32_t i = 1; i < count; i++)
            twice |= compare(plain[i - 1].name, plain[i].name, fold) == 0;
        ck_assert_int_eq(sort(count, fold), twice ? JSON_DUPLICATE : JSON_OK);
        duplicates[fold] += twice;
        for (uint32_t i = 0; !twice && i < count; i++)
            ck_assert(plain[i].name.ptr == nodes[order[i]].name.ptr);
    }
    for (int fold = 0; fold < 2; fold++)
        ck_assert(duplicates[fold] > ROUNDS / 20 && duplicates[fold] < ROUNDS / 2 - ROUNDS / 20);
    buf_free(&text);
}
END_TEST

Suite *suite_json_names(void)
{
    Suite *s = suite_create("json_names");
    TCase *t = tcase_create("json_names");
    const TTest *const tests[] = {names_in_order, case_counts_or_not, as_sorted_plainly};

    tcase_add_checked_fixture(t, NULL, teardown);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(t, tests[i]);
    suite_add_tcase(s, t);
    return s;
}
