/* Policies by their name; tenants and models by what a request calls them. */
#include "config_keys.h"

static void *named(const struct config *c, enum config_kind kind, struct str name)
{
    const struct config_section *section = word_index_find(&c->sections[kind].names, name);

    return section ? section->item : NULL;
}

const struct policy *config_policy(const struct config *c, struct str name)
{
    return named(c, CONFIG_POLICY, name);
}

const struct tenant *config_tenant_section(const struct config *c, struct str name)
{
    return named(c, CONFIG_TENANT, name);
}

/* The tenant that is matched by its name, because it has no match. */
static const struct tenant *tenant_by_name(const struct config *c, struct str identity)
{
    const struct tenant *tenant = named(c, CONFIG_TENANT, identity);

    return tenant && tenant->match.count == 0 ? tenant : NULL;
}

const struct tenant *config_tenant(const struct config *c, struct str identity)
{
    const struct tenant *tenant = word_index_find(&c->tenants, identity);

    return tenant ? tenant : tenant_by_name(c, identity);
}

static const struct model *model_by_name(const struct config *c, struct str name)
{
    const struct model *model = named(c, CONFIG_MODEL, name);

    return model && model->match.count == 0 ? model : NULL;
}

static const struct model *model_by_prefix(const struct config *c, struct str name)
{
    const struct model *model = NULL;

    if (c->model_prefixes.count == 0)
        return NULL;
    if (name.len > c->longest_prefix)
        name.len = c->longest_prefix;
    while (!(model = word_index_find(&c->model_prefixes, name)) && name.len > 0)
        name.len--;
    return model;
}

const struct model *config_model(const struct config *c, struct str name)
{
    const struct model *model = word_index_find(&c->models, name);

    if (!model)
        model = model_by_name(c, name);
    return model ? model : model_by_prefix(c, name);
}

static bool index_tenant(struct config *c, struct tenant *tenant)
{
    for (size_t i = 0; i < tenant->match.count; i++)
        if (!word_index_add(&c->tenants, &c->memory, tenant->match.items[i], tenant))
            return false;
    return true;
}

static bool is_prefix(struct str pattern)
{
    return pattern.ptr[pattern.len - 1] == '*';
}

static bool index_pattern(struct config *c, struct model *model, struct str pattern)
{
    if (!is_prefix(pattern))
        return word_index_add(&c->models, &c->memory, pattern, model);
    pattern.len--;
    if (pattern.len > c->longest_prefix)
        c->longest_prefix = pattern.len;
    return word_index_add(&c->model_prefixes, &c->memory, pattern, model);
}

static bool index_model(struct config *c, struct model *model)
{
    for (size_t i = 0; i < model->match.count; i++)
        if (!index_pattern(c, model, model->match.items[i]))
            return false;
    return true;
}

bool config_index(struct config *c)
{
    const struct config_sections *tenants = &c->sections[CONFIG_TENANT];
    const struct config_sections *models = &c->sections[CONFIG_MODEL];

    word_index_clear(&c->tenants);
    word_index_clear(&c->models);
    word_index_clear(&c->model_prefixes);
    c->longest_prefix = 0;
    for (size_t i = 0; i < tenants->count; i++)
        if (!index_tenant(c, tenants->all[i]->item))
            return false;
    for (size_t i = 0; i < models->count; i++)
        if (!index_model(c, models->all[i]->item))
            return false;
    return true;
}

/* Whether the word of a section's match is not that of another item, or NULL, as well. */
static bool word_is_own(const struct config *c, const struct config_section *section,
                        struct str word, const void *other, struct buf *errors)
{
    if (!other || other == section->item)
        return true;
    config_complain(c, section, "match", errors);
    config_quote(word, errors);
    buf_printf(errors, " is matched by [%s %.*s] as well\n", config_kinds[section->kind].section,
               STR_ARGS(config_name(other)));
    return false;
}

static bool validate_tenant(const struct config *c, const struct config_section *section,
                            struct buf *errors)
{
    const struct tenant *tenant = section->item;
    bool good = true;

    if (tenant->policy.len && !config_policy(c, tenant->policy)) {
        config_complain(c, section, "policy", errors);
        buf_printf(errors, "there is no [policy %.*s]\n", STR_ARGS(tenant->policy));
        good = false;
    }
    for (size_t i = 0; i < tenant->match.count; i++) {
        struct str word = tenant->match.items[i];
        good &= word_is_own(c, section, word, word_index_find(&c->tenants, word), errors);
        good &= word_is_own(c, section, word, tenant_by_name(c, word), errors);
    }
    return good;
}

static bool validate_model(const struct config *c, const struct config_section *section,
                           struct buf *errors)
{
    const struct model *model = section->item;
    bool good = true;

    for (size_t i = 0; i < model->match.count; i++) {
        struct str word = model->match.items[i];
        const void *first = is_prefix(word) ? word_index_find(&c->model_prefixes,
                                                              (struct str){word.ptr, word.len - 1})
                                            : word_index_find(&c->models, word);
        good &= word_is_own(c, section, word, first, errors);
        good &= word_is_own(c, section, word, model_by_name(c, word), errors);
    }
    return good;
}

bool config_validate_sections(const struct config *c, struct buf *errors)
{
    const struct config_sections *tenants = &c->sections[CONFIG_TENANT];
    const struct config_sections *models = &c->sections[CONFIG_MODEL];
    bool good = true;

    for (size_t i = 0; i < tenants->count; i++)
        good &= validate_tenant(c, tenants->all[i], errors);
    for (size_t i = 0; i < models->count; i++)
        good &= validate_model(c, models->all[i], errors);
    return good;
}
