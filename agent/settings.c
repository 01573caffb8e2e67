#include "settings.h"

#include "net/file.h"
#include <errno.h>

enum { SETTINGS_MAX_FILE = 1 << 20 };

extern char **environ;

static struct config *load_file(const char *path, struct buf *errors)
{
    struct buf text = buf_new(SETTINGS_MAX_FILE);
    struct config *c = NULL;

    if (file_read(path, &text))
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

/* Sets a key to what the file holds. */
static bool take_secret(struct config *c, const char *section, const char *key, struct str path,
                        struct buf *errors)
{
    struct buf contents = buf_new(CONFIG_MAX_SECRET + 2);
    bool good = false;

    if (path.len == 0)
        return true;
    if (!file_read_secret(path.ptr, &contents))
        buf_printf(errors, "%s: %s, read for [%s] %s-file\n", path.ptr, strerror(errno), section,
                   key);
    else if (contents.len)
        good = config_set(c, section, key, buf_str(&contents), path.ptr, errors);
    else
        buf_printf(errors, "%s: empty, read for [%s] %s-file\n", path.ptr, section, key);
    file_wipe(&contents);
    return good;
}

static bool take_secrets(struct config *c, struct buf *errors)
{
    bool good = take_secret(c, "key", "secret", c->secret_file, errors);

    good &= take_secret(c, "redis", "password", c->redis_password_file, errors);
    return take_secret(c, "redis", "sentinel-password", c->redis_sentinel_password_file, errors) &&
           good;
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
