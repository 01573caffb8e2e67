#include "settings.h"

#include "core/compress.h"
#include "core/key.h"
#include "net/file.h"
#include <errno.h>
#include <sys/stat.h>

enum {
    SETTINGS_MAX_FILE = 16 << 20, /* as much as --print-config writes */
    SETTINGS_MAX_KEY_FILE = 16 << 10,
};

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

/* Everything in a file that the key `key` of [values] names. */
static bool read_for_values(struct str path, const char *key, struct buf *out, struct buf *errors)
{
    if (file_read(path.ptr, out))
        return true;
    buf_printf(errors, "%s: %s, read for [values] %s\n", path.ptr, strerror(errno), key);
    return false;
}

static bool take_cipher_keys(struct config *c, struct buf *errors)
{
    struct buf text = buf_new(SETTINGS_MAX_KEY_FILE);
    struct stat about;

    if (c->key_file.len == 0)
        return true;
    bool good = read_for_values(c->key_file, "key-file", &text, errors) &&
                cipher_keys_read(&c->cipher_keys, buf_str(&text), c->key_file.ptr, errors);
    c->key_file_exposed =
        stat(c->key_file.ptr, &about) == 0 && (about.st_mode & (S_IROTH | S_IWOTH)) != 0;
    file_wipe(&text);
    return good;
}

static bool take_dictionary(struct config *c, struct str path, struct buf *errors)
{
    struct buf bytes = buf_new(SETTINGS_MAX_FILE);
    struct str *item = &c->dictionaries.items[c->dictionaries.count];
    bool good = read_for_values(path, "dictionary-files", &bytes, errors);

    if (good && !compress_is_dictionary(buf_str(&bytes))) {
        buf_printf(errors, "%s: not a dictionary as zstd --train makes one\n", path.ptr);
        good = false;
    }
    if (good && (*item = arena_copy(&c->memory, buf_str(&bytes))).ptr)
        c->dictionaries.count++;
    buf_free(&bytes);
    return good && item->ptr;
}

static bool take_dictionaries(struct config *c, struct buf *errors)
{
    const struct str_list *files = &c->dictionary_files;
    bool good = true;

    c->dictionaries.items = arena_alloc(&c->memory, (files->count + 1) * sizeof(struct str));
    if (!c->dictionaries.items)
        return false;
    for (size_t i = 0; i < files->count; i++)
        good &= take_dictionary(c, files->items[i], errors);
    return good;
}

struct redis_options settings_redis(const struct config *c)
{
    return (struct redis_options){
        .address = c->redis_address,
        .sentinels = c->redis_sentinels,
        .master = c->redis_master,
        .cluster = c->redis_cluster,
        .login = {c->redis_user, c->redis_password, c->redis_password_file},
        .sentinel_login = {c->redis_sentinel_user, c->redis_sentinel_password,
                           c->redis_sentinel_password_file},
        .tls = {c->redis_tls, c->redis_tls_ca_file, c->redis_tls_cert_file, c->redis_tls_key_file,
                c->redis_tls_server_name},
        .database = c->redis_database,
        .timeout = c->redis_timeout,
        .connect_timeout = c->redis_connect_timeout,
        .max_pending = c->redis_max_pending,
        .own_keys = STR(KEY_PREFIX),
        .watch = true,
    };
}

/* Whether TLS can be had as it is wanted. */
static bool check_tls(const struct config *c, struct buf *errors)
{
    const struct redis_tls_options options = settings_redis(c).tls;
    char why[REDIS_TLS_WHY];

    if (!options.on)
        return true;
    struct redis_tls *tls = redis_tls_new(&options, why);
    if (!tls)
        buf_printf(errors, "%s: [redis] tls: %s\n", c->file, why);
    redis_tls_free(tls);
    return tls != NULL;
}

static bool take_secrets(struct config *c, struct buf *errors)
{
    bool good = take_secret(c, "key", "secret", c->secret_file, errors);

    good &= take_secret(c, "agent", "door-token", c->door_token_file, errors);
    good &= take_secret(c, "redis", "password", c->redis_password_file, errors);
    good &= take_secret(c, "redis", "sentinel-password", c->redis_sentinel_password_file, errors);
    good &= check_tls(c, errors);
    good &= take_cipher_keys(c, errors);
    return take_dictionaries(c, errors) && good;
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
