#include "config_keys.h"

#include <stdlib.h>

enum { CONFIG_TEXT_OF_MISTAKE = 1024 };

void config_place_print(struct config_place at, struct buf *errors)
{
    if (at.line)
        buf_printf(errors, "%s:%zu: ", at.source, at.line);
    else
        buf_printf(errors, "%s: ", at.source);
}

bool config_assign(struct config *c, struct policy *policy, const struct config_key *key,
                   struct str value, bool more, struct config_place at, struct buf *errors)
{
    struct buf why = buf_new(CONFIG_TEXT_OF_MISTAKE);
    void *field = config_field(c, policy, key);
    bool set = config_value_set(key, field, &c->memory, value, more, &why);

    if (!set) {
        config_place_print(at, errors);
        if (config_key_in_policy(key))
            buf_printf(errors, "[policy %.*s] %s: ", STR_ARGS(policy->name), key->name);
        else
            buf_printf(errors, "%s: ", key->title);
        buf_append(errors, buf_str(&why));
        buf_append_byte(errors, '\n');
    }
    buf_free(&why);
    return set;
}

bool config_set(struct config *c, const char *section, const char *key, struct str value,
                const char *source, struct buf *errors)
{
    return config_assign(c, NULL, config_key(str_of(section), str_of(key)), value, false,
                         (struct config_place){.source = source}, errors);
}

/* Every field of the configuration, or of one policy, at its default. */
static bool set_defaults(struct config *c, struct policy *policy, struct buf *why)
{
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (config_key_in_policy(key) == (policy != NULL) &&
            !config_value_set(key, config_field(c, policy, key), &c->memory, str_of(key->preset),
                              false, why))
            return false;
    }
    return true;
}

static bool policy_name_valid(struct str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!memchr("abcdefghijklmnopqrstuvwxyz0123456789-", name.ptr[i], 37))
            return false;
    return name.len > 0 && name.len <= 32;
}

const struct policy *config_policy(const struct config *c, struct str name)
{
    for (size_t i = 0; i < c->policy_count; i++)
        if (str_eq(c->policies[i].name, name))
            return &c->policies[i];
    return NULL;
}

struct policy *config_make_policy(struct config *c, struct str name, struct buf *why)
{
    const struct policy *known = config_policy(c, name);
    if (known)
        return &c->policies[known - c->policies];
    if (!policy_name_valid(name)) {
        config_quote(name, why);
        buf_append(why, STR(" is not a policy's name: 1 to 32 of a-z, 0-9 and -"));
        return NULL;
    }
    if (c->policy_count == CONFIG_MAX_POLICIES) {
        buf_printf(why, "more than %d policies", CONFIG_MAX_POLICIES);
        return NULL;
    }
    struct policy *policy = &c->policies[c->policy_count];
    policy->name = arena_copy(&c->memory, name);
    if (!policy->name.ptr || !set_defaults(c, policy, why)) {
        buf_clear(why);
        buf_append(why, STR("no memory"));
        return NULL;
    }
    c->policy_count++;
    return policy;
}

struct config *config_new(const char *file)
{
    struct config *c = arena_malloc(sizeof *c);
    struct buf why = buf_new(CONFIG_TEXT_OF_MISTAKE);

    if (!c)
        return NULL;
    *c = (struct config){.references = 1};
    c->file = arena_copy(&c->memory, str_of(file)).ptr;
    c->policies = arena_alloc(&c->memory, CONFIG_MAX_POLICIES * sizeof *c->policies);
    if (!c->file || !c->policies || !set_defaults(c, NULL, &why) ||
        !config_make_policy(c, STR("llm"), &why)) {
        config_unref(c);
        c = NULL;
    }
    buf_free(&why);
    return c;
}

struct config *config_ref(struct config *c)
{
    c->references++;
    return c;
}

void config_unref(struct config *c)
{
    if (!c || --c->references > 0)
        return;
    arena_free(&c->memory);
    free(c);
}

static bool validate_redis(const struct config *c, struct buf *errors)
{
    size_t before = errors->len;

    if (c->redis_address.len && !c->secret.len && !c->secret_file.len)
        buf_printf(errors,
                   "%s: [redis] address: agents that share a Redis must agree on a secret: set "
                   "[key] secret or secret-file; head -c 32 /dev/urandom | base64 makes one\n",
                   c->file);
    if (c->redis_user.len && !c->redis_password.len && !c->redis_password_file.len)
        buf_printf(errors, "%s: [redis] user: needs a password or password-file\n", c->file);
    if (c->redis_password.len && c->redis_password_file.len)
        buf_printf(errors, "%s: [redis] password: password-file is set as well; keep one\n",
                   c->file);
    return errors->len == before && buf_ok(errors);
}

bool config_validate(const struct config *c, struct buf *errors)
{
    bool secret_twice = c->secret.len && c->secret_file.len;

    if (secret_twice)
        buf_printf(errors, "%s: [key] secret: secret-file is set as well; keep one\n", c->file);
    return validate_redis(c, errors) && !secret_twice;
}

const char *config_needs_restart(const struct config *old, const struct config *new_config)
{
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (!key->reloads && !config_value_equal(key, config_field(old, NULL, key),
                                                 config_field(new_config, NULL, key)))
            return key->title;
    }
    return NULL;
}

bool config_inherit(struct config *new_config, const struct config *old)
{
    struct buf text = buf_new(1 << 16), why = buf_new(CONFIG_TEXT_OF_MISTAKE);
    bool good = true;

    for (size_t i = 0; i < config_key_count && good; i++) {
        const struct config_key *key = &config_keys[i];
        if (key->reloads)
            continue;
        buf_clear(&text);
        config_value_print(key, config_field(old, NULL, key), &text);
        good = buf_ok(&text) && config_value_set(key, config_field(new_config, NULL, key),
                                                 &new_config->memory, buf_str(&text), false, &why);
    }
    buf_free(&text);
    buf_free(&why);
    return good;
}
