/* How long the worst bodies hold the loop: what the agent does with a request body before it asks
 * the store, on bodies made to take long.
 *
 * usage: key_worst SIZE ROUNDS
 *
 * Prints a line "name, tab, milliseconds" for each, the least of ROUNDS. */
#include "../hostile_json.h"
#include "core/meaning.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double milliseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
    size_t size = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
    unsigned rounds = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    struct buf body = buf_new(size + (1 << 16)), canonical = buf_new(8 * body.max);
    struct policy policy = {.json = true};
    struct json_doc doc = {0};
    struct key_secret secret;

    if (size == 0 || rounds == 0)
        return fprintf(stderr, "usage: key_worst SIZE ROUNDS\n"), 2;
    key_secret_derive(&secret, STR("only for the bench"));
    for (size_t i = 0; i < HOSTILE_BODIES; i++) {
        const struct hostile_body *hostile = &hostile_bodies[i];
        struct meaning meaning;
        double least = 0;
        hostile_write(&body, hostile, size);
        for (unsigned round = 0; round < rounds; round++) {
            double start = milliseconds();
            meaning_read(&meaning, &doc, &canonical, &secret, &policy,
                         api_named(str_of(hostile->api)), buf_str(&body));
            double took = milliseconds() - start;
            least = round == 0 || took < least ? took : least;
        }
        if (!buf_ok(&body) || meaning.reason != REASON_NONE)
            return fprintf(stderr, "%s: %s\n", hostile->name, reason_name(meaning.reason)), 1;
        printf("%s\t%.2f\n", hostile->name, least);
    }
    json_free(&doc);
    buf_free(&body);
    buf_free(&canonical);
    return 0;
}
