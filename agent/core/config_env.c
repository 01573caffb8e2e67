/* Keys by the names of environment variables. */
#include "config_keys.h"

#include <ctype.h>

enum { NAME_MAX_LENGTH = 80 };

/* Writes REDIS_ADDRESS or POLICY_LLM_TTL. */
static struct str variable_name(const struct config_key *key, const struct policy *policy,
                                struct buf *out)
{
    buf_clear(out);
    buf_printf(out, "%s_", key->section);
    if (policy)
        buf_printf(out, "%.*s_", STR_ARGS(policy->name));
    buf_append(out, str_of(key->name));
    for (size_t i = 0; i < out->len; i++)
        out->ptr[i] = out->ptr[i] == '-' ? '_' : (char)toupper((unsigned char)out->ptr[i]);
    return buf_str(out);
}

/* Kubernetes tells every container of every service: one called spoa-cache or spoa-cache-2 gives
 * SPOA_CACHE_SERVICE_HOST, SPOA_CACHE_2_PORT_9201_TCP and others. */
static bool names_service(struct str name)
{
    while (name.len) {
        struct str word = str_split(&name, '_');
        if (str_eq(word, STR("SERVICE")) || str_eq(word, STR("PORT")))
            return true;
    }
    return false;
}

struct search {
    struct config *config;
    struct str name;
    struct buf candidate;
    struct config_nearest nearest;
    const struct config_key *key; /* found */
    struct policy *policy;
    unsigned count; /* how many have the name: policies `a` and `a-b` can make it two */
};

static void try_key(struct search *s, const struct config_key *key, struct policy *policy)
{
    struct str candidate = variable_name(key, policy, &s->candidate);

    config_nearest_try(&s->nearest, candidate);
    if (!str_eq(candidate, s->name))
        return;
    s->key = key;
    s->policy = policy;
    s->count++;
}

static void try_all(struct search *s)
{
    for (size_t i = 0; i < config_key_count; i++) {
        if (!config_key_in_policy(&config_keys[i]))
            try_key(s, &config_keys[i], NULL);
        else
            for (size_t p = 0; p < s->config->policy_count; p++)
                try_key(s, &config_keys[i], &s->config->policies[p]);
    }
}

bool config_override(struct config *c, const char *name, const char *value, struct buf *errors)
{
    struct search s = {.config = c, .name = str_of(name), .candidate = buf_new(NAME_MAX_LENGTH)};
    struct buf source = buf_new(256);
    bool set = false;

    s.nearest.wanted = s.name;
    try_all(&s);
    buf_printf(&source, "environment SPOA_CACHE_%.100s%c", name, '\0');
    struct config_place at = {.source = buf_ok(&source) ? source.ptr : "environment"};
    if (s.count == 1) {
        set = config_assign(c, s.policy, s.key, str_trim(str_of(value)), false, at, errors);
    } else if (s.count > 1) {
        config_place_print(at, errors);
        buf_append(errors, STR("names keys of more than one policy\n"));
    } else if (names_service(s.name)) {
        set = true;
    } else {
        config_place_print(at, errors);
        buf_append(errors, STR("names no key"));
        config_nearest_print(&s.nearest, "SPOA_CACHE_", errors);
    }
    buf_free(&s.candidate);
    buf_free(&source);
    return set;
}
