#include "config_fixture.h"
#include "settings.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* The shell part: files in a folder of its own. */
static char folder[] = "/tmp/spoa-cache-XXXXXX";

static const char *write_file(const char *name, const char *text)
{
    static char paths[4][64];
    static size_t next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof *paths, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

static void settings_setup(void)
{
    setup();
    strcpy(folder + sizeof folder - 7, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void settings_teardown(void)
{
    static const char *const names[] = {"conf", "secret", "password", "keys"};
    char path[64];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
    unsetenv("SPOA_CACHE_CONFIG");
    unsetenv("SPOA_CACHE_REDIS_DATABASE");
    unsetenv("SPOA_CACHE_REDIS_DATABSE");
    unsetenv("SPOA_CACHE_REDIS_TIMEOUT");
    unsetenv("SPOA_CACHE_SERVICE_HOST");
    teardown();
}

/* A configuration file with both files of secrets. */
static const char *with_secrets(const char *secret, const char *password)
{
    char text[512];

    snprintf(text, sizeof text,
             "[key]\nsecret-file = %s\n[redis]\naddress = h:1\ndatabase = 1\npassword-file = %s\n",
             write_file("secret", secret), write_file("password", password));
    return write_file("conf", text);
}

START_TEST(settings_come_together)
{
    setenv("SPOA_CACHE_CONFIG", "anything", 1);
    setenv("SPOA_CACHE_SERVICE_HOST", "10.0.0.1", 1);
    setenv("SPOA_CACHE_REDIS_DATABASE", "3", 1);
    struct config *c = settings_load(with_secrets("0123456789abcdef\r\n", " pw \n"), &errors);

    ck_assert_str_is(buf_str(&errors), "");
    ck_assert_ptr_nonnull(c);
    ck_assert_str_is(c->secret, "0123456789abcdef");
    ck_assert_str_is(c->redis_password, " pw ");
    ck_assert_int_eq(c->redis_database, 3);
    config_unref(c);
}
END_TEST

START_TEST(settings_need_no_file)
{
    struct config *c = settings_load(NULL, &errors);

    ck_assert_ptr_nonnull(c);
    config_unref(c);
    setenv("SPOA_CACHE_REDIS_DATABSE", "3", 1);
    setenv("SPOA_CACHE_REDIS_TIMEOUT", "3", 1);
    ck_assert_ptr_null(settings_load(NULL, &errors));
    ck_assert(contains(&errors, "environment SPOA_CACHE_REDIS_DATABSE: names no key; did you mean "
                                "\"SPOA_CACHE_REDIS_DATABASE\"?\n"));
    ck_assert(contains(&errors, "environment SPOA_CACHE_REDIS_TIMEOUT: [redis] timeout: \"3\" is"));
}
END_TEST

/* What is said of `name` in the test's folder. */
static void check_said(const char *name, const char *said)
{
    char want[256];

    snprintf(want, sizeof want, "%s/%s: %s\n", folder, name, said);
    ck_assert_str_is(buf_str(&errors), want);
    buf_clear(&errors);
}

START_TEST(settings_say_which_file_is_bad)
{
    const char *path = with_secrets("short\n", "pw");

    ck_assert_ptr_null(settings_load(path, &errors));
    check_said("secret", "[key] secret: what was given is not a text of 16 to 4096 bytes");
    path = with_secrets("0123456789abcdef", "\n");
    ck_assert_ptr_null(settings_load(path, &errors));
    check_said("password", "empty, read for [redis] password-file");
    char large[8000];
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    path = with_secrets(large, "pw");
    ck_assert_ptr_null(settings_load(path, &errors));
    check_said("secret", "File too large, read for [key] secret-file");
    path = with_secrets("0123456789abcdef", "pw");
    unlink(write_file("password", ""));
    ck_assert_ptr_null(settings_load(path, &errors));
    check_said("password", "No such file or directory, read for [redis] password-file");
    unlink(path);
    ck_assert_ptr_null(settings_load(path, &errors));
    check_said("conf", "No such file or directory");
    ck_assert_ptr_null(settings_load(folder, &errors));
    ck_assert(contains(&errors, ": Is a directory\n"));
}
END_TEST

#define KEY "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

/* A configuration with a key file, and more lines of [values]. */
static const char *with_keys(const char *lines, const char *keys)
{
    char text[512];

    snprintf(text, sizeof text, "[values]\nkey-file = %s\n%s", write_file("keys", keys), lines);
    return write_file("conf", text);
}

START_TEST(a_key_file_is_read)
{
    struct config *c = settings_load(with_keys("bind-to-request = yes\n", "7 " KEY "\n"), &errors);

    ck_assert_ptr_nonnull(c);
    ck_assert_uint_eq(c->cipher_keys.count, 1);
    ck_assert_uint_eq(c->cipher_keys.all[0].id, 7);
    ck_assert_uint_eq(c->cipher_keys.all[0].bytes[31], 31);
    struct buf printed = buf_new(1 << 20);
    config_print(c, &printed);
    ck_assert(contains(&printed, "key-file = /tmp/") && !contains(&printed, "AAECAwQF"));
    buf_free(&printed);
    config_unref(c);
}
END_TEST

START_TEST(a_key_file_for_all_to_read_is_told_of)
{
    static const struct {
        mode_t mode;
        bool exposed;
    } modes[] = {{0600, false}, {0640, false}, {0644, true}, {0602, true}};
    const char *path = with_keys("", "7 " KEY "\n");
    char keys[64];

    snprintf(keys, sizeof keys, "%s/keys", folder);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        ck_assert_int_eq(chmod(keys, modes[i].mode), 0);
        struct config *c = settings_load(path, &errors);
        ck_assert_ptr_nonnull(c);
        ck_assert(c->key_file_exposed == modes[i].exposed);
        config_unref(c);
    }
}
END_TEST

START_TEST(a_bad_key_file_is_told_by_its_line)
{
    ck_assert_ptr_null(settings_load(with_keys("", "7 " KEY "\n8 abc\n"), &errors));
    ck_assert(contains(&errors, "/keys:2: no key behind the id") && !contains(&errors, "abc"));
    buf_clear(&errors);
    const char *path = with_keys("dictionary-files = /nowhere\n", "");
    ck_assert_ptr_null(settings_load(path, &errors));
    ck_assert(contains(&errors, "/keys: holds no key\n"));
    ck_assert(contains(&errors, "/nowhere: No such file or directory, read for [values] "
                                "dictionary-files\n"));
    buf_clear(&errors);
    unlink(write_file("keys", ""));
    ck_assert_ptr_null(settings_load(path, &errors));
    ck_assert(contains(&errors, "/keys: No such file or directory, read for [values] key-file\n"));
}
END_TEST

START_TEST(values_that_make_no_sense)
{
    ck_assert_ptr_null(
        settings_load(write_file("conf", "[values]\nbind-to-request = yes\n"), &errors));
    ck_assert(contains(&errors, "/conf: [values] bind-to-request: needs a key-file\n"));
    buf_clear(&errors);
    char text[100];
    snprintf(text, sizeof text, "[values]\ndictionary-files = %s\n",
             write_file("keys", "no dictionary"));
    ck_assert_ptr_null(settings_load(write_file("conf", text), &errors));
    check_said("keys", "not a dictionary as zstd --train makes one");
}
END_TEST

Suite *suite_settings(void)
{
    Suite *suite = suite_create("settings");
    TCase *tests = tcase_create("settings");

    tcase_add_checked_fixture(tests, settings_setup, settings_teardown);
    tcase_add_test(tests, settings_come_together);
    tcase_add_test(tests, settings_need_no_file);
    tcase_add_test(tests, settings_say_which_file_is_bad);
    tcase_add_test(tests, a_key_file_is_read);
    tcase_add_test(tests, a_key_file_for_all_to_read_is_told_of);
    tcase_add_test(tests, a_bad_key_file_is_told_by_its_line);
    tcase_add_test(tests, values_that_make_no_sense);
    suite_add_tcase(suite, tests);
    return suite;
}
