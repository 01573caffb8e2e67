/* The reader built a second time, on an allocator that fails when it is told to. */
#include "core/buf.h"
#include "unit.h"
#include <limits.h>
#include <stdlib.h>

static int allocations_left;

static void *scarce_malloc(size_t size)
{
    return allocations_left-- > 0 ? malloc(size) : NULL;
}

static void *scarce_realloc(void *old, size_t size)
{
    return allocations_left-- > 0 ? realloc(old, size) : NULL;
}

#define malloc scarce_malloc
#define realloc scarce_realloc
#define json_names_sort scarce_json_names_sort
#define json_read scarce_json_read
#define json_error_name scarce_json_error_name
#define json_member scarce_json_member
#define json_free scarce_json_free
#include "core/json.c"
#include "core/json_names.c"

START_TEST(every_allocation_fails_in_turn)
{
    struct buf text = buf_new(1 << 16);
    int failures = 0;

    buf_append(&text, STR("[\"\\n\",{"));
    for (int i = 0; i < 2 * FEW; i++)
        buf_printf(&text, "%s\"%d\":0", i ? "," : "", i);
    buf_append_byte(&text, '}');
    for (int i = 0; i < 2 * FIRST_NODES; i++)
        buf_append(&text, STR(",{}"));
    buf_append_byte(&text, ']');
    for (;; failures++) {
        struct json_doc doc = {0};
        allocations_left = failures;
        enum json_error error = json_read(&doc, buf_str(&text));
        if (error == JSON_OK) {
            json_free(&doc);
            break;
        }
        ck_assert_int_eq(error, JSON_MEMORY);
        ck_assert_uint_eq(doc.count, 0);
        /* what was got is of use to the next document */
        allocations_left = INT_MAX;
        ck_assert_int_eq(json_read(&doc, buf_str(&text)), JSON_OK);
        ck_assert_uint_eq(doc.nodes[0].count, 2 * FIRST_NODES + 2);
        json_free(&doc);
    }
    /* four sizes of two arrays, the decoded strings, and the names of the object in order */
    ck_assert_int_eq(failures, 10);
    buf_free(&text);
}
END_TEST

Suite *suite_json_memory(void)
{
    Suite *s = suite_create("json_memory");
    TCase *t = tcase_create("json_memory");

    tcase_add_test(t, every_allocation_fails_in_turn);
    suite_add_tcase(s, t);
    return s;
}
