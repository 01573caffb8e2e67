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

void config_key_print(const struct config_section *section, const struct config_key *key,
                      struct buf *errors)
{
    if (section->kind == CONFIG_AGENT)
        buf_printf(errors, "%s: ", key->title);
    else
        buf_printf(errors, "[%s %.*s] %s: ", key->section, STR_ARGS(config_name(section->item)),
                   key->name);
}

bool config_assign(struct config *c, const struct config_section *section,
                   const struct config_key *key, struct str value, bool more,
                   struct config_place at, struct buf *errors)
{
    struct buf why = buf_new(CONFIG_TEXT_OF_MISTAKE);
    bool set =
        config_value_set(key, config_field(section->item, key), &c->memory, value, more, &why);

    if (!more)
        *config_line(section, key) = (uint32_t)at.line;
    if (!set) {
        config_place_print(at, errors);
        config_key_print(section, key, errors);
        buf_append(errors, buf_str(&why));
        buf_append_byte(errors, '\n');
    }
    buf_free(&why);
    return set;
}

bool config_set(struct config *c, const char *section, const char *key, struct str value,
                const char *source, struct buf *errors)
{
    const struct config_section *agent = c->sections[CONFIG_AGENT].all[0];
    const struct config_key *wanted = config_key(CONFIG_AGENT, str_of(section), str_of(key));

    if (!config_assign(c, agent, wanted, value, false, (struct config_place){.source = source},
                       errors))
        return false;
    *config_line(agent, wanted) = CONFIG_FROM_ELSEWHERE;
    return true;
}

struct config *config_new(const char *file)
{
    struct config *c = arena_malloc(sizeof *c);
    struct buf why = buf_new(CONFIG_TEXT_OF_MISTAKE);

    if (!c)
        return NULL;
    *c = (struct config){.references = 1};
    c->file = arena_copy(&c->memory, str_of(file)).ptr;
    if (!c->file || !config_make_agent(c, &why) ||
        !config_make(c, CONFIG_POLICY, STR("llm"), &why)) {
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

void config_complain(const struct config *c, const struct config_section *section, const char *name,
                     struct buf *errors)
{
    const struct config_key *key =
        config_key(section->kind, str_of(config_kinds[section->kind].section), str_of(name));

    uint32_t line = *config_line(section, key);

    if (line >= CONFIG_FROM_BEFORE)
        line = 0;
    config_place_print((struct config_place){c->file, line}, errors);
    config_key_print(section, key, errors);
}

void config_unref(struct config *c)
{
    if (!c || --c->references > 0)
        return;
    config_free_policies(c);
    cipher_keys_wipe(&c->cipher_keys);
    arena_free(&c->memory);
    free(c);
}

static void validate_login(const struct config *c, const char *prefix, struct str user,
                           struct str password, struct str file, struct buf *errors)
{
    if (user.len && !password.len && !file.len)
        buf_printf(errors, "%s: [redis] %suser: needs a %spassword or %spassword-file\n", c->file,
                   prefix, prefix, prefix);
    if (password.len && file.len)
        buf_printf(errors, "%s: [redis] %spassword: %spassword-file is set as well; keep one\n",
                   c->file, prefix, prefix);
}

static void validate_place(const struct config *c, struct buf *errors)
{
    bool sentinels = c->redis_sentinels.count > 0, cluster = c->redis_cluster.count > 0;

    if ((c->redis_address.len > 0) + sentinels + cluster > 1)
        buf_printf(errors, "%s: [redis] address, sentinels and cluster: keep one of them\n",
                   c->file);
    if (sentinels != (c->redis_master.len > 0))
        buf_printf(errors, "%s: [redis] sentinels and master: one needs the other\n", c->file);
    if (cluster && c->redis_database)
        buf_printf(errors, "%s: [redis] database: a cluster has database 0 only\n", c->file);
}

static bool has_unix(const struct str_list *addresses)
{
    for (size_t i = 0; i < addresses->count; i++)
        if (str_starts(addresses->items[i], STR("unix:")))
            return true;
    return false;
}

static void validate_tls(const struct config *c, struct buf *errors)
{
    bool wanted = c->redis_tls_ca_file.len || c->redis_tls_cert_file.len ||
                  c->redis_tls_key_file.len || c->redis_tls_server_name.len;

    if (wanted && !c->redis_tls)
        buf_printf(errors, "%s: [redis] tls-...: without tls = yes nothing is encrypted\n",
                   c->file);
    if ((c->redis_tls_cert_file.len > 0) != (c->redis_tls_key_file.len > 0))
        buf_printf(errors, "%s: [redis] tls-cert-file and tls-key-file: one needs the other\n",
                   c->file);
    if (c->redis_tls && (str_starts(c->redis_address, STR("unix:")) ||
                         has_unix(&c->redis_sentinels) || has_unix(&c->redis_cluster)))
        buf_printf(errors, "%s: [redis] tls: there is none over a unix socket\n", c->file);
}

static bool validate_redis(const struct config *c, struct buf *errors)
{
    size_t before = errors->len;

    if (config_uses_redis(c) && !c->secret.len && !c->secret_file.len)
        buf_printf(errors,
                   "%s: [redis] %s: agents that share a Redis must agree on a secret: set "
                   "[key] secret or secret-file; head -c 32 /dev/urandom | base64 makes one\n",
                   c->file,
                   c->redis_address.len     ? "address"
                   : c->redis_cluster.count ? "cluster"
                                            : "sentinels");
    validate_place(c, errors);
    validate_tls(c, errors);
    validate_login(c, "", c->redis_user, c->redis_password, c->redis_password_file, errors);
    validate_login(c, "sentinel-", c->redis_sentinel_user, c->redis_sentinel_password,
                   c->redis_sentinel_password_file, errors);
    return errors->len == before && buf_ok(errors);
}

static bool validate_values(const struct config *c, struct buf *errors)
{
    if (!c->bind_to_request || c->key_file.len)
        return true;
    buf_printf(errors, "%s: [values] bind-to-request: needs a key-file\n", c->file);
    return false;
}

static bool validate_secret(const struct config *c, const char *key, struct str secret,
                            struct str file, struct buf *errors)
{
    if (!secret.len || !file.len)
        return true;
    buf_printf(errors, "%s: %s: %s-file is set as well; keep one\n", c->file, key,
               strchr(key, ' ') + 1);
    return false;
}

bool config_validate(struct config *c, struct buf *errors)
{
    bool secrets = validate_secret(c, "[key] secret", c->secret, c->secret_file, errors);

    secrets &= validate_secret(c, "[agent] door-token", c->door_token, c->door_token_file, errors);
    bool redis = validate_redis(c, errors);
    bool values = validate_values(c, errors);
    bool policies = config_complete_policies(c, errors);
    return config_validate_sections(c, errors) && policies && redis && values && secrets;
}

const char *config_needs_restart(const struct config *old, const struct config *new_config)
{
    const struct config_kind_info *agent = &config_kinds[CONFIG_AGENT];

    for (const struct config_key *key = agent->keys; key < agent->keys + agent->key_count; key++)
        if (!key->reloads &&
            !config_value_equal(key, config_field(old, key), config_field(new_config, key)))
            return key->title;
    return NULL;
}

bool config_inherit(struct config *new_config, const struct config *old)
{
    const struct config_kind_info *agent = &config_kinds[CONFIG_AGENT];
    struct buf text = buf_new(1 << 16), why = buf_new(CONFIG_TEXT_OF_MISTAKE);
    bool good = true;

    for (size_t i = 0; i < agent->key_count && good; i++) {
        const struct config_key *key = &agent->keys[i];
        if (key->reloads)
            continue;
        buf_clear(&text);
        config_value_print(key, config_field(old, key), &text);
        if (!config_value_equal(key, config_field(old, key), config_field(new_config, key)))
            *config_line(new_config->sections[CONFIG_AGENT].all[0], key) = CONFIG_FROM_BEFORE;
        good = buf_ok(&text) && config_value_set(key, config_field(new_config, key),
                                                 &new_config->memory, buf_str(&text), false, &why);
    }
    buf_free(&text);
    buf_free(&why);
    return good;
}
