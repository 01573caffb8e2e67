/* What the options do to a text, and that no text makes them slow. */
#include "core/normalize.h"
#include "unit.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <utf8proc.h>

#define E_ACUTE "\xc3\xa9"
#define ACUTE "\xcc\x81"
#define A_MASK                                                                                     \
    "\xff"                                                                                         \
    "A"
#define B_MASK                                                                                     \
    "\xff"                                                                                         \
    "B"

enum { MEGABYTE = 1000000, MAX_MASKS = 3 };

struct asked {
    bool nfc, collapse, trim;
    const char *masks[MAX_MASKS + 1];
};

static struct normalizer *n;
static struct buf out, text;
static char error[MASK_ERROR_MAX];

static void setup(void)
{
    out = buf_new(8 * MEGABYTE);
    text = buf_new(8 * MEGABYTE);
}

static void teardown(void)
{
    normalizer_free(n);
    n = NULL;
    buf_free(&out);
    buf_free(&text);
    unit_guard_release();
}

static bool create(const struct asked *asked)
{
    struct str masks[MAX_MASKS];
    struct normalize_options options = {
        .nfc = asked->nfc, .collapse_space = asked->collapse, .trim = asked->trim, .masks = masks};

    for (; asked->masks[options.mask_count]; options.mask_count++)
        masks[options.mask_count] = unit_guard(str_of(asked->masks[options.mask_count]));
    normalizer_free(n);
    return normalizer_new(&n, &options, error);
}

static void start(const struct asked *asked)
{
    ck_assert_msg(create(asked), "%s", error);
    ck_assert_ptr_nonnull(n);
    normalizer_begin(n);
}

static struct str normalized(struct str in)
{
    ck_assert_msg(normalize_text(n, unit_guard(in), &out), "%.*s", STR_ARGS(in));
    return buf_str(&out);
}

struct row {
    struct asked asked;
    const char *text, *want;
};

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        start(&rows[i].asked);
        ck_assert_str_is(normalized(str_of(rows[i].text)), rows[i].want);
    }
}

START_TEST(space)
{
    static const struct row rows[] = {
        {{.trim = true}, "", ""},
        {{.trim = true}, " \t\r\n\v\f", ""},
        {{.trim = true}, "a", "a"},
        {{.trim = true}, "\n a \n\n b \t", "a \n\n b"},
        /* what is no white space of ASCII stays */
        {{.trim = true},
         "\xc2\xa0"
         "a\xe2\x80\xa8",
         "\xc2\xa0"
         "a\xe2\x80\xa8"},
        {{.collapse = true}, "", ""},
        {{.collapse = true}, "a b", "a b"},
        {{.collapse = true}, " \n\na\t\tb\r\nc\vd\f ", " a b c d "},
        {{.collapse = true}, "a\nb", "a b"},
        {{.collapse = true}, "\xc2\xa0 \xc2\xa0", "\xc2\xa0 \xc2\xa0"},
        {{.collapse = true, .trim = true}, "\n a \n\n b \t", "a b"},
        {{.collapse = true, .trim = true}, "  ", ""},
    };
    check_rows(rows, sizeof rows / sizeof *rows);
}
END_TEST

START_TEST(composition)
{
    static const struct row rows[] = {
        {{.nfc = true}, "", ""},
        {{.nfc = true}, " a  b ", " a  b "},
        {{.nfc = true}, "cafe" ACUTE, "caf" E_ACUTE},
        {{.nfc = true}, "caf" E_ACUTE "s", "caf" E_ACUTE "s"},
        {{.nfc = true}, "e" ACUTE "e" ACUTE " e", E_ACUTE E_ACUTE " e"},
        {{.nfc = true}, ACUTE "e", ACUTE "e"},
        /* the order of marks, several of them, a letter that has one already */
        {{.nfc = true}, "q\xcc\x87\xcc\xa3", "q\xcc\xa3\xcc\x87"},
        {{.nfc = true}, "e\xcc\x82" ACUTE, "\xe1\xba\xbf"},
        {{.nfc = true}, "\xc3\xaa" ACUTE, "\xe1\xba\xbf"},
        {{.nfc = true}, "\xe1\xba\xbf", "\xe1\xba\xbf"},
        /* Hangul, Angstrom and Ohm, one that is excluded, kana, a mark that is spacing */
        {{.nfc = true}, "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8", "\xea\xb0\x81"},
        {{.nfc = true}, "\xea\xb0\x80\xe1\x86\xa8", "\xea\xb0\x81"},
        {{.nfc = true}, "\xe2\x84\xab\xe2\x84\xa6", "\xc3\x85\xce\xa9"},
        {{.nfc = true}, "\xe0\xa5\x98", "\xe0\xa4\x95\xe0\xa4\xbc"},
        {{.nfc = true}, "\xe3\x81\x8b\xe3\x82\x99", "\xe3\x81\x8c"},
        {{.nfc = true}, "\xe0\xa7\x87\xe0\xa6\xbe", "\xe0\xa7\x8b"},
        /* compatibility is another matter */
        {{.nfc = true}, "\xef\xac\x81\xc2\xb2", "\xef\xac\x81\xc2\xb2"},
        /* and not without being asked */
        {{.trim = true, .collapse = true}, "e" ACUTE, "e" ACUTE},
    };
    check_rows(rows, sizeof rows / sizeof *rows);
}
END_TEST

START_TEST(masks)
{
    static const struct row rows[] = {
        {{.masks = {"\\d{4}-\\d{2}-\\d{2}"}}, "Today is 2026-11-22.", "Today is " A_MASK "."},
        {{.masks = {"\\d{4}-\\d{2}-\\d{2}"}}, "26-11-22 or 2026-1-2", "26-11-22 or 2026-1-2"},
        {{.masks = {"\\d{4}-\\d{2}-\\d{2}"}}, "2026-11-222026-11-23", A_MASK A_MASK},
        {{.masks = {"req_[0-9a-f]+"}}, "req_1a2, req_, req_ff", A_MASK ", req_, " A_MASK},
        /* what surrounds it */
        {{.masks = {"Today is \\K\\S+"}}, "Today is Mon, no Mon", "Today is " A_MASK " no Mon"},
        {{.masks = {"(?<=id=)\\w+(?=;)"}},
         "id=a; id=b id=c;",
         "id=" A_MASK "; id=b id=" A_MASK ";"},
        {{.masks = {"^a"}}, "aa\na", A_MASK "a\na"},
        {{.masks = {"(?m)^a$"}}, "a\naa\na", A_MASK "\naa\n" A_MASK},
        {{.masks = {"."}}, "a\n" E_ACUTE, A_MASK "\n" A_MASK},
        {{.masks = {"(?i)" E_ACUTE}}, "x\xc3\x89", "x" A_MASK},
        /* several: the one that begins first, then the one named first; none sees a marker */
        {{.masks = {"b", "abc"}}, "abc b", B_MASK " " A_MASK},
        {{.masks = {"a", "ab"}}, "ab", A_MASK "b"},
        {{.masks = {"ab", "a"}}, "aba", A_MASK B_MASK},
        {{.masks = {"b", "A|ac"}}, "bac", A_MASK B_MASK},
        {{.masks = {"ab", "bc", "c"}},
         "abc",
         A_MASK "\xff"
                "C"},
        {{.masks = {"(?<=a)b", "a"}}, "ab", B_MASK A_MASK},
        /* a match of nothing is none */
        {{.masks = {"x*"}}, "axxb", "a" A_MASK "b"},
        {{.masks = {"$|^|\\b"}}, "a b", "a b"},
        {{.masks = {"|a"}}, "aa", A_MASK A_MASK},
        {{.masks = {"a\\K"}}, "aa", "aa"},
        /* space goes after the masks, composition before */
        {{.trim = true, .masks = {"^ *\\d+"}}, "  1 a", A_MASK " a"},
        {{.trim = true, .masks = {"^ *\\d+|x"}}, " x ", A_MASK},
        {{.collapse = true, .masks = {"\n"}}, "a \n b", "a " A_MASK " b"},
        {{.nfc = true, .masks = {E_ACUTE}}, "e" ACUTE, A_MASK},
        {{.masks = {E_ACUTE}}, "e" ACUTE, "e" ACUTE},
    };
    check_rows(rows, sizeof rows / sizeof *rows);
}
END_TEST

START_TEST(a_marker_is_no_text)
{
    static const char *const texts[] = {
        "\x01"
        "A",
        "\xc3\xbf"
        "A",
        "\\xffA",
        "\\u00ffA",
        "\xef\xbf\xbf"
        "A",
        "A",
        "",
    };

    start(&(struct asked){.masks = {"secret"}});
    ck_assert_str_is(normalized(STR("secret")), A_MASK);
    ck_assert_int_lt(utf8proc_iterate((const utf8proc_uint8_t *)out.ptr, 2, &(utf8proc_int32_t){0}),
                     0);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        ck_assert_str_is(normalized(str_of(texts[i])), texts[i]);
}
END_TEST

START_TEST(nothing_asked_is_no_normalizer)
{
    ck_assert(create(&(struct asked){0}));
    ck_assert_ptr_null(n);
    normalizer_free(NULL);
    masks_free(NULL);
}
END_TEST

/* No two of these do the same. */
START_TEST(identities)
{
    static const struct asked asked[] = {
        {.trim = true},
        {.collapse = true},
        {.nfc = true},
        {.nfc = true, .collapse = true, .trim = true},
        {.masks = {"a"}},
        {.masks = {"b"}},
        {.masks = {"a", "b"}},
        {.masks = {"b", "a"}},
        {.masks = {"a 1:b"}},
        {.masks = {"ab"}},
        {.trim = true, .masks = {"a"}},
    };
    enum { COUNT = sizeof asked / sizeof *asked };
    struct buf seen[COUNT];

    for (size_t i = 0; i < COUNT; i++) {
        seen[i] = buf_new(1000);
        start(&asked[i]);
        buf_append(&seen[i], normalizer_identity(n));
        ck_assert_int_eq((uint8_t)seen[i].ptr[0], 0xff);
        for (size_t j = 0; j < i; j++)
            ck_assert(!str_starts(buf_str(&seen[i]), buf_str(&seen[j])));
        start(&asked[i]);
        ck_assert(str_eq(buf_str(&seen[i]), normalizer_identity(n)));
    }
    for (size_t i = 0; i < COUNT; i++)
        buf_free(&seen[i]);
}
END_TEST

START_TEST(expressions_that_are_refused)
{
    static const struct {
        const char *expression, *why;
    } cases[] = {
        {"(\\d+", "missing closing parenthesis at offset 4 of (\\d+"},
        {"ab*c**", "quantifier does not follow a repeatable item at offset 5 of ab*c**"},
        {"[a", "missing terminating ] for character class at offset 2"},
        {"\xff", "UTF-8 error"},
        {"a\\Cb", "using \\C is disabled by the application at offset 3"},
        {"(a)\\1", "back reference"},
        {"(?<x>a)\\k<x>", "back reference"},
        {"a\\Xb", "\\X: a\\Xb"},
        {"(*UTF)a", "(*"},
        {"(*sr:\\w+)", "(*"},
    };
    static const struct asked fine = {.masks = {"fine"}};
    char longest[MASK_EXPRESSION_MAX + 2];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_msg(!create(&(struct asked){.masks = {"fine", cases[i].expression, "("}}), "%s",
                      cases[i].expression);
        ck_assert_ptr_null(n);
        ck_assert_msg(strstr(error, cases[i].why) != NULL, "%s: %s", cases[i].expression, error);
    }
    memset(longest, 'a', sizeof longest);
    longest[MASK_EXPRESSION_MAX + 1] = '\0';
    ck_assert(!create(&(struct asked){.masks = {longest}}));
    longest[MASK_EXPRESSION_MAX] = '\0';
    ck_assert(create(&(struct asked){.masks = {longest}}));
    ck_assert(create(&fine));
}
END_TEST

START_TEST(as_many_masks_as_there_may_be)
{
    struct str names[MASKS_MAX + 1];
    char letters[MASKS_MAX + 1], want[2 * MASKS_MAX + 1] = "";
    struct normalize_options options = {.masks = names};

    for (int i = 0; i <= MASKS_MAX; i++) {
        letters[i] = (char)('a' + i);
        names[i] = (struct str){&letters[i], 1};
    }
    for (int i = 0; i < MASKS_MAX; i++)
        snprintf(want + 2 * i, 3, "\xff%c", 'A' + i);
    options.mask_count = MASKS_MAX + 1;
    ck_assert(!normalizer_new(&n, &options, error));
    ck_assert_str_eq(error, "more than 16 masks");
    options.mask_count = MASKS_MAX;
    ck_assert(normalizer_new(&n, &options, error));
    normalizer_begin(n);
    ck_assert_str_is(normalized((struct str){letters, MASKS_MAX}), want);
}
END_TEST

/* A text of that length, written again and again. */
static struct str repeated(const char *part, size_t len)
{
    buf_clear(&text);
    while (text.len < len)
        buf_append(&text, str_of(part));
    return buf_str(&text);
}

/* Processor time in milliseconds: other programs do not count. */
static double processor_time(void)
{
    return 1e3 * (double)clock() / CLOCKS_PER_SEC;
}

enum { FEW_MS = 150 }; /* with sanitizers; without them no row takes 10 */

START_TEST(nothing_takes_long)
{
    static const struct {
        struct asked asked;
        const char *part;
    } cases[] = {
        {{.masks = {"(a+)+$"}}, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaab"},
        {{.masks = {"(a|aa)+$"}}, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaab"},
        {{.masks = {"(?:\\w+\\s?)+[!?]"}}, "ab ab "},
        {{.masks = {"(?:a?){20}a{20}[xy]"}}, "a"},
        {{.masks = {"(.|\\n)*?[%&]"}}, "a"},
        /* as many steps as the square of the length */
        {{.masks = {"a*[bc]"}}, "a"},
        {{.masks = {"[^x]*+[yz]"}}, "a"},
        {{.masks = {"\\d+(?:ms|h)"}}, "1"},
        {{.masks = {"\\d{1000,}[xy]"}}, "1"},
        {{.masks = {"(?:\\d{60000})?+x|\\d{60000}y"}}, "1"},
        {{.masks = {"(?=.*[xy])q"}}, "q"},
        {{.masks = {".*?[xy]"}}, "a"},
        {{.masks = {"[\\p{L}\\p{N}_]+[!?]"}}, E_ACUTE},
        {{.masks = {"(?<=[\\p{L}]{100})[ab]"}}, "a"},
        {{.masks = {"(?i)a", "b+[xy]", "c"}}, "ab"},
        {{.masks = {"a"}}, "a"},
        /* as many marks on one character as there is text, and in the wrong order */
        {{.nfc = true}, "\xcc\x95\xcc\x80"},
        {{.nfc = true}, "e\xcc\x95\xcc\x80\xcc\x95\xcc\x80\xcc\x95\xcc\x80\xcc\x95\xcc\x80"},
        {{.nfc = true}, "\xf0\x9d\x85\xa0"},
        {{.nfc = true}, "e" ACUTE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        start(&cases[i].asked);
        struct str in = repeated(cases[i].part, MEGABYTE);
        double before = processor_time();
        ck_assert_msg(!normalize_text(n, in, &out), "row %zu", i);
        double took = processor_time() - before;
        ck_assert_msg(took < FEW_MS, "row %zu: %.0f ms", i, took);
        /* of use again */
        normalizer_begin(n);
        ck_assert_str_is(normalized(STR("1")), "1");
    }
}
END_TEST

START_TEST(texts_of_a_request_share_its_allowance)
{
    static const struct asked slow = {.masks = {"(a+)+[bc]"}};
    struct str in = STR("aaaaaaaaaaaa");
    size_t count = 0;

    start(&slow);
    while (normalize_text(n, in, &out) && count < MEGABYTE)
        count++;
    ck_assert_uint_gt(count, 10);
    ck_assert_uint_lt(count, 10000);
    ck_assert(!normalize_text(n, in, &out));
    normalizer_begin(n);
    ck_assert(normalize_text(n, in, &out));
}
END_TEST

START_TEST(large_texts_as_people_write_them)
{
    static const struct {
        struct asked asked;
        const char *part;
        size_t len;
    } cases[] = {
        {{.nfc = true,
          .collapse = true,
          .trim = true,
          .masks = {"\\d{4}-\\d{2}-\\d{2}", "req_\\w+"}},
         "The quick brown fox jumps over the lazy dog 12 times on 2026-11-22, says req_8f3a.\n",
         MEGABYTE},
        {{.nfc = true, .masks = {"[0-9a-f]{8}-[0-9a-f]{4}"}}, "deadbeef cafe 0123 ", MEGABYTE / 4},
        {{.nfc = true}, "\xd0\xb9\xd0\xbe\xd0\xb4 ", MEGABYTE},             /* Russian */
        {{.nfc = true}, "\xe6\xbc\xa2\xe5\xad\x97\xe3\x81\x8c", MEGABYTE},  /* Japanese */
        {{.nfc = true}, "\xed\x95\x9c\xea\xb5\xad\xec\x96\xb4 ", MEGABYTE}, /* Korean */
        {{.nfc = true}, "ti\xe1\xba\xbfng Vi\xe1\xbb\x87t ", MEGABYTE},     /* Vietnamese */
        {{.nfc = true}, "e" ACUTE "te" ACUTE " ", MEGABYTE / 8},            /* decomposed */
        {{.nfc = true},
         "\xe0\xa4\xa8\xe0\xa4\xae\xe0\xa4\xb8\xe0\xa5\x8d\xe0\xa4\xa4\xe0\xa5\x87 ",
         MEGABYTE / 4}, /* Hindi */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        start(&cases[i].asked);
        ck_assert_msg(normalize_text(n, repeated(cases[i].part, cases[i].len), &out), "row %zu", i);
    }
}
END_TEST

START_TEST(what_does_not_fit_is_a_failure)
{
    static const struct asked all = {
        .nfc = true, .collapse = true, .trim = true, .masks = {"\\d+"}};
    struct str in = STR(" a\n 1 e" ACUTE " b ");

    start(&all);
    ck_assert_str_is(normalized(in), "a " A_MASK " " E_ACUTE " b");
    for (size_t max = 0; max < in.len; max++) {
        struct buf small = buf_new(max);
        if (normalize_text(n, in, &small))
            ck_assert(str_eq(buf_str(&small), buf_str(&out)));
        else
            ck_assert_uint_lt(max, 14);
        buf_free(&small);
    }
}
END_TEST

Suite *suite_normalize(void)
{
    Suite *s = suite_create("normalize");
    TCase *t = tcase_create("normalize");
    const TTest *const tests[] = {
        space,
        composition,
        masks,
        a_marker_is_no_text,
        nothing_asked_is_no_normalizer,
        identities,
        expressions_that_are_refused,
        as_many_masks_as_there_may_be,
        nothing_takes_long,
        texts_of_a_request_share_its_allowance,
        large_texts_as_people_write_them,
        what_does_not_fit_is_a_failure,
    };

    tcase_add_checked_fixture(t, setup, teardown);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(t, tests[i]);
    suite_add_tcase(s, t);
    return s;
}
