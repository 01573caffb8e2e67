/* Shared by the tests of explain. */
#ifndef TESTS_UNIT_EXPLAIN_FIXTURE_H
#define TESTS_UNIT_EXPLAIN_FIXTURE_H

#include "core/explain.h"
#include "core/plan.h"
#include "core_fixture.h"
#include "unit.h"
#include <stdio.h>

#define HELLO "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}"

static struct config *config;
static struct key_secret secret;
static struct request request;
static struct buf out;

static inline void configure(const char *text)
{
    struct buf errors = buf_new(4096);

    config_unref(config);
    config = config_read(str_of(text), "test", &errors);
    ck_assert_msg(config && config_validate(config, &errors), "%.*s", STR_ARGS(buf_str(&errors)));
    buf_free(&errors);
}

static inline void setup(void)
{
    secret = sample_secret();
    out = buf_new(EXPLAIN_MAX);
    request = sample_request();
    request.backend = STR("llm");
    request.body = STR(HELLO);
    configure("");
}

static inline void teardown(void)
{
    config_unref(config);
    config = NULL;
    buf_free(&out);
    unit_guard_release();
}

static inline void explain(bool full)
{
    const struct explain_options options = {.full = full};

    buf_clear(&out);
    explain_one(&out, config, &secret, &request, &options);
    ck_assert(buf_ok(&out));
}

static inline bool says(const char *text)
{
    return memmem(out.ptr, out.len, text, strlen(text)) != NULL;
}

#define ck_assert_says(text)                                                                       \
    ck_assert_msg(says(text), "no \"%s\" in\n%.*s", text, STR_ARGS(buf_str(&out)))

#endif
