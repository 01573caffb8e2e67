#include "settings.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { SETTINGS_MAX_FILE = 1 << 20 };

extern char **environ;

/* Everything in the file, up to out->max bytes. On failure errno says why. */
static bool read_file(const char *path, struct buf *out)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = -1;

    if (file < 0)
        return false;
    for (;;) {
        char piece[4096];
        got = read(file, piece, sizeof piece);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        buf_append(out, (struct str){piece, (size_t)got});
        if (!buf_ok(out)) {
            errno = EFBIG;
            got = -1;
            break;
        }
    }
    int why = errno;
    close(file);
    errno = why;
    return got == 0;
}

static struct config *load_file(const char *path, struct buf *errors)
{
    struct buf text = buf_new(SETTINGS_MAX_FILE);
    struct config *c = NULL;

    if (read_file(path, &text))
        c = config_read(buf_str(&text), path, errors);
    else
        buf_printf(errors, "%s: %s\n", path, strerror(errno));
    buf_free(&text);
    return c;
}

/* SPOA_CACHE_CONFIG is what -c is on the command line, and no key. */
static bool apply_environment(struct config *c, struct buf *errors)
{
    static const char prefix[] = "SPOA_CACHE_";
    bool good = true;

    for (char **variable = environ; *variable; variable++) {
        struct str value = str_of(*variable);
        struct str name = str_split(&value, '=');
        struct buf key = buf_new(256);

        if (!str_starts(name, STR(prefix)) || str_eq(name, STR("SPOA_CACHE_CONFIG")))
            continue;
        buf_append(&key, str_from(name, sizeof prefix - 1));
        buf_append_byte(&key, '\0');
        if (!buf_ok(&key)) {
            buf_printf(errors, "environment %.*s: names no key\n", STR_ARGS(name));
            good = false;
        } else {
            good &= config_override(c, key.ptr, value.ptr, errors);
        }
        buf_free(&key);
    }
    return good;
}

/* Sets a key to what the file holds, without the line's end that editors and echo leave. */
static bool take_secret(struct config *c, const char *section, const char *key, struct str path,
                        struct buf *errors)
{
    struct buf contents = buf_new(CONFIG_MAX_SECRET + 2);
    bool good = false;

    if (path.len == 0)
        return true;
    if (!read_file(path.ptr, &contents)) {
        buf_printf(errors, "%s: %s, read for [%s] %s-file\n", path.ptr, strerror(errno), section,
                   key);
    } else {
        struct str secret = buf_str(&contents);
        while (secret.len &&
               (secret.ptr[secret.len - 1] == '\n' || secret.ptr[secret.len - 1] == '\r'))
            secret.len--;
        if (secret.len)
            good = config_set(c, section, key, secret, path.ptr, errors);
        else
            buf_printf(errors, "%s: empty, read for [%s] %s-file\n", path.ptr, section, key);
    }
    if (contents.ptr)
        explicit_bzero(contents.ptr, contents.cap);
    buf_free(&contents);
    return good;
}

static bool take_secrets(struct config *c, struct buf *errors)
{
    bool key = take_secret(c, "key", "secret", c->secret_file, errors);

    return take_secret(c, "redis", "password", c->redis_password_file, errors) && key;
}

struct config *settings_load(const char *path, struct buf *errors)
{
    struct config *c =
        path ? load_file(path, errors) : config_read(STR(""), "configuration", errors);

    if (!c)
        return NULL;
    bool good = apply_environment(c, errors);
    good &= config_validate(c, errors);
    if (good && take_secrets(c, errors))
        return c;
    config_unref(c);
    return NULL;
}
