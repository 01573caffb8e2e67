/* Runs every suite; with arguments, only the suites named. */
#include "unit.h"

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

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        Suite *(*make)(void);
    } suites[] = {
#define X(name) {#name, suite_##name},
        UNIT_SUITES(X)
#undef X
    };
    /* a busy machine under sanitizers is no failure */
    setenv("CK_DEFAULT_TIMEOUT", "60", 0);
    SRunner *runner = srunner_create(NULL);

    for (size_t i = 0; i < sizeof suites / sizeof *suites; i++) {
        bool wanted = argc == 1;
        for (int a = 1; a < argc; a++)
            wanted |= strcmp(argv[a], suites[i].name) == 0;
        if (wanted)
            srunner_add_suite(runner, suites[i].make());
    }
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    unit_guard_release();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
