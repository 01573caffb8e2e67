/* Shared by the unit tests. */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include "core/str.h"
#include <check.h>

/* A copy of the bytes that ends exactly at an unreadable page: reading one byte too far is a
 * crash. Lives until unit_guard_release(), which every test's teardown may call. */
struct str unit_guard(struct str bytes);
void unit_guard_release(void);

/* The same for JSON that is written with ' for ". */
struct str unit_json(const char *text);

/* Compares slices and says both when they differ. */
#define ck_assert_str_is(actual, literal)                                                          \
    do {                                                                                           \
        struct str actual_ = (actual), want_ = str_of(literal);                                    \
        ck_assert_msg(str_eq(actual_, want_), "got \"%.*s\", want \"%.*s\"", STR_ARGS(actual_),    \
                      STR_ARGS(want_));                                                            \
    } while (0)

/* Each file's tests; a new file adds a line here and nothing else. */
#define UNIT_SUITES(X)                                                                             \
    X(json)                                                                                        \
    X(json_memory)                                                                                 \
    X(json_names)                                                                                  \
    X(hostile)                                                                                     \
    X(json_diff)                                                                                   \
    X(canonical)                                                                                   \
    X(canonical_kinds)                                                                             \
    X(nfc)                                                                                         \
    X(normalize)                                                                                   \
    X(normalize_api)                                                                               \
    X(api)                                                                                         \
    X(api_read)                                                                                    \
    X(config)                                                                                      \
    X(config_sections)                                                                             \
    X(config_use)                                                                                  \
    X(settings)                                                                                    \
    X(status)                                                                                      \
    X(units)                                                                                       \
    X(log)                                                                                         \
    X(memo)                                                                                        \
    X(memory)                                                                                      \
    X(flight)                                                                                      \
    X(resolver)                                                                                    \
    X(redis)                                                                                       \
    X(redis_faults)                                                                                \
    X(redis_errors)                                                                                \
    X(redis_route)                                                                                 \
    X(redis_watch)                                                                                 \
    X(tier)                                                                                        \
    X(spop)                                                                                        \
    X(core)                                                                                        \
    X(metrics)                                                                                     \
    X(spop_write)                                                                                  \
    X(notify)                                                                                      \
    X(key)                                                                                         \
    X(property)                                                                                    \
    X(ticket)                                                                                      \
    X(entry)                                                                                       \
    X(cipher)                                                                                      \
    X(seal)                                                                                        \
    X(scope)                                                                                       \
    X(policy)                                                                                      \
    X(gate)                                                                                        \
    X(usage)                                                                                       \
    X(hit_body)                                                                                    \
    X(control)                                                                                     \
    X(plan)                                                                                        \
    X(purge)                                                                                       \
    X(purge_book)                                                                                  \
    X(purge_script)                                                                                \
    X(coherence)                                                                                   \
    X(plan_answer)                                                                                 \
    X(message)                                                                                     \
    X(explain)                                                                                     \
    X(explain_two)                                                                                 \
    X(plan_rules)                                                                                  \
    X(answer)

#define X(name) Suite *suite_##name(void);
UNIT_SUITES(X)
#undef X

#endif
