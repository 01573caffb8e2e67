/* Shared by the tests of the configuration. */
#ifndef TESTS_UNIT_CONFIG_FIXTURE_H
#define TESTS_UNIT_CONFIG_FIXTURE_H

#include "core/config.h"
#include "unit.h"

#include <stdlib.h>

static struct buf errors;

static inline void setup(void)
{
    errors = buf_new(1 << 16);
    arena_malloc = malloc;
}

static inline void teardown(void)
{
    buf_free(&errors);
    unit_guard_release();
}

/* The configuration in a text that has no mistake. */
static inline struct config *good_str(struct str text)
{
    struct config *c = config_read(unit_guard(text), "f", &errors);

    ck_assert_msg(c != NULL, "%.*s", STR_ARGS(buf_str(&errors)));
    ck_assert_uint_eq(errors.len, 0);
    return c;
}

static inline struct config *good(const char *text)
{
    return good_str(str_of(text));
}

static inline bool contains(const struct buf *text, const char *part)
{
    return memmem(text->ptr, text->len, part, strlen(part)) != NULL;
}

static inline void check_list(const struct str_list *list, const char *words)
{
    struct buf joined = buf_new(4096);

    for (size_t i = 0; i < list->count; i++) {
        if (i)
            buf_append_byte(&joined, ' ');
        buf_append(&joined, list->items[i]);
    }
    ck_assert_str_is(buf_str(&joined), words);
    buf_free(&joined);
}

#endif
