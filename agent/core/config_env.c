/* Keys by the names of environment variables. */
#include "config_keys.h"

#include <ctype.h>

enum { NAME_MAX_LENGTH = 128 };

static char as_variable(char c)
{
    return isalnum((unsigned char)c) ? (char)toupper((unsigned char)c) : '_';
}

void config_variable(const struct config_section *section, const struct config_key *key,
                     struct buf *out)
{
    size_t begin = out->len;

    buf_printf(out, "%s_", key->section);
    if (section->kind != CONFIG_AGENT)
        buf_printf(out, "%.*s_", STR_ARGS(config_name(section->item)));
    buf_append(out, str_of(key->name));
    for (size_t i = begin; i < out->len; i++)
        out->ptr[i] = as_variable(out->ptr[i]);
}

static bool spells(struct str variable, struct str name)
{
    for (size_t i = 0; i < variable.len && i < name.len; i++)
        if (variable.ptr[i] != as_variable(name.ptr[i]))
            return false;
    return variable.len == name.len;
}

/* Takes a part of a name and the '_' behind it off the front of *rest. */
static bool take_part(struct str *rest, struct str part)
{
    if (rest->len <= part.len || rest->ptr[part.len] != '_' ||
        !spells((struct str){rest->ptr, part.len}, part))
        return false;
    *rest = str_from(*rest, part.len + 1);
    return true;
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
    const struct config_section *section; /* found, with its key */
    const struct config_key *key;
    unsigned count; /* how many have the name: policies `a` and `a-b` can make it two */
    struct buf candidate;
    struct config_nearest nearest;
};

static void try_exact(struct search *s, const struct config_section *section,
                      const struct config_key *key)
{
    struct str rest = s->name;

    if (!take_part(&rest, str_of(key->section)) ||
        (section->kind != CONFIG_AGENT && !take_part(&rest, config_name(section->item))) ||
        !spells(rest, str_of(key->name)))
        return;
    s->section = section;
    s->key = key;
    s->count++;
}

static void try_nearest(struct search *s, const struct config_section *section,
                        const struct config_key *key)
{
    buf_clear(&s->candidate);
    config_variable(section, key, &s->candidate);
    config_nearest_try(&s->nearest, buf_str(&s->candidate));
}

static void try_section(struct search *s, const struct config_section *section,
                        void (*try)(struct search *, const struct config_section *,
                                    const struct config_key *))
{
    const struct config_kind_info *info = &config_kinds[section->kind];

    for (size_t i = 0; i < info->key_count; i++)
        try(s, section, &info->keys[i]);
}

static void try_all(struct search *s, void (*try)(struct search *, const struct config_section *,
                                                  const struct config_key *))
{
    for (enum config_kind kind = CONFIG_AGENT; kind < CONFIG_KINDS; kind++)
        for (size_t i = 0; i < s->config->sections[kind].count; i++)
            try_section(s, s->config->sections[kind].all[i], try);
}

/* The environment makes no section: its name could not be told from the key. */
static void refuse_name(struct search *s, struct buf *errors)
{
    struct str rest = s->name;
    const char *section = NULL;

    for (enum config_kind kind = CONFIG_AGENT + 1; kind < CONFIG_KINDS && !section; kind++)
        if (take_part(&rest, str_of(config_kinds[kind].section)))
            section = config_kinds[kind].section;
    if (section)
        buf_printf(errors, "names no key of a [%s NAME] that the file has", section);
    else
        buf_append(errors, STR("names no key"));
    s->nearest.wanted = s->name;
    s->candidate = buf_new(NAME_MAX_LENGTH);
    try_all(s, try_nearest);
    buf_free(&s->candidate);
    config_nearest_print(&s->nearest, "SPOA_CACHE_", errors);
}

static bool assign(struct search *s, struct str value, struct config_place at, struct buf *errors)
{
    if (!config_assign(s->config, s->section, s->key, value, false, at, errors))
        return false;
    *config_line(s->section, s->key) = CONFIG_FROM_ENVIRONMENT;
    if (s->section->kind < CONFIG_TENANT)
        return true;
    if (config_index(s->config))
        return true;
    config_place_print(at, errors);
    buf_append(errors, STR("no memory\n"));
    return false;
}

bool config_override(struct config *c, const char *name, const char *value, struct buf *errors)
{
    struct search s = {.config = c, .name = str_of(name)};
    struct buf source = buf_new(256);
    bool set = false;

    try_all(&s, try_exact);
    buf_printf(&source, "environment SPOA_CACHE_%.100s%c", name, '\0');
    struct config_place at = {.source = buf_ok(&source) ? source.ptr : "environment"};
    if (s.count == 1) {
        set = assign(&s, str_trim(str_of(value)), at, errors);
    } else if (s.count > 1) {
        config_place_print(at, errors);
        buf_append(errors, STR("names keys of more than one section\n"));
    } else if (names_service(s.name)) {
        set = true;
    } else {
        config_place_print(at, errors);
        refuse_name(&s, errors);
    }
    buf_free(&source);
    return set;
}
