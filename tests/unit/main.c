/* Runs every suite; with arguments, only the suites named. `--list` prints their names. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static struct {
    void *ptr;
    size_t len;
} guards[256];
static size_t guard_count;

struct str unit_guard(struct str bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t room = (bytes.len / page + 1) * page;

    if (guard_count == sizeof guards / sizeof *guards)
        unit_guard_release();
    char *at = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED || mprotect(at + room, page, PROT_NONE) != 0)
        abort();
    guards[guard_count].ptr = at;
    guards[guard_count++].len = room + page;
    if (bytes.len)
        memcpy(at + room - bytes.len, bytes.ptr, bytes.len);
    return (struct str){at + room - bytes.len, bytes.len};
}

struct str unit_json(const char *text)
{
    struct str guarded = unit_guard(str_of(text));
    char *bytes = (char *)guarded.ptr;

    for (size_t i = 0; i < guarded.len; i++)
        if (bytes[i] == '\'')
            bytes[i] = '"';
    return guarded;
}

void unit_guard_release(void)
{
    while (guard_count)
        guard_count--, munmap(guards[guard_count].ptr, guards[guard_count].len);
}

/* A test may end while a thread of the resolver is inside getaddrinfo(), whose memory nobody but
 * that thread knows. LeakSanitizer asks for this by name. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:__res_context_send\nleak:getaddrinfo\n";
}

static const struct {
    const char *name;
    Suite *(*make)(void);
} suites[] = {
#define X(name) {#name, suite_##name},
    UNIT_SUITES(X)
#undef X
};

enum { SUITES = sizeof suites / sizeof *suites };

/* Which suite has the name; SUITES: none. */
static size_t find(const char *name)
{
    size_t i = 0;

    while (i < SUITES && strcmp(suites[i].name, name) != 0)
        i++;
    return i;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        for (size_t i = 0; i < SUITES; i++)
            puts(suites[i].name);
        return EXIT_SUCCESS;
    }
    for (int a = 1; a < argc; a++)
        if (find(argv[a]) == SUITES) {
            fprintf(stderr, "no suite '%s' (--list)\n", argv[a]);
            return 2;
        }
    /* a busy machine under sanitizers is no failure */
    setenv("CK_DEFAULT_TIMEOUT", "60", 0);
    SRunner *runner = srunner_create(NULL);

    for (size_t i = 0; argc == 1 && i < SUITES; i++)
        srunner_add_suite(runner, suites[i].make());
    for (int a = 1; a < argc; a++)
        srunner_add_suite(runner, suites[find(argv[a])].make());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    unit_guard_release();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
