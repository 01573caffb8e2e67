/* Policies by their name; tenants, models and prices by what a request calls them. */
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

/* The names of models of a section that is for models. */
static const struct str_list *match_of(const void *item)
{
    _Static_assert(offsetof(struct model, match) == offsetof(struct price, match), "match_of()");

    return (const struct str_list *)(const void *)((const char *)item +
                                                   offsetof(struct model, match));
}

static void *by_name(const struct config *c, enum config_kind kind, struct str name)
{
    void *item = named(c, kind, name);

    return item && match_of(item)->count == 0 ? item : NULL;
}

static void *by_prefix(const struct model_index *index, struct str name)
{
    void *item = NULL;

    if (index->prefixes.count == 0)
        return NULL;
    if (name.len > index->longest_prefix)
        name.len = index->longest_prefix;
    while (!(item = word_index_find(&index->prefixes, name)) && name.len > 0)
        name.len--;
    return item;
}

static void *of_model(const struct config *c, enum config_kind kind,
                      const struct model_index *index, struct str name)
{
    void *item = word_index_find(&index->names, name);

    if (!item)
        item = by_name(c, kind, name);
    return item ? item : by_prefix(index, name);
}

const struct model *config_model(const struct config *c, struct str name)
{
    return of_model(c, CONFIG_MODEL, &c->models, name);
}

const struct price *config_price(const struct config *c, struct str name)
{
    return of_model(c, CONFIG_PRICE, &c->prices, name);
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

static bool index_pattern(struct model_index *index, struct arena *memory, void *item,
                          struct str pattern)
{
    if (!is_prefix(pattern))
        return word_index_add(&index->names, memory, pattern, item);
    pattern.len--;
    if (pattern.len > index->longest_prefix)
        index->longest_prefix = pattern.len;
    return word_index_add(&index->prefixes, memory, pattern, item);
}

static bool index_models(struct config *c, enum config_kind kind, struct model_index *index)
{
    const struct config_sections *sections = &c->sections[kind];

    word_index_clear(&index->names);
    word_index_clear(&index->prefixes);
    index->longest_prefix = 0;
    for (size_t i = 0; i < sections->count; i++) {
        const struct str_list *match = match_of(sections->all[i]->item);
        for (size_t j = 0; j < match->count; j++)
            if (!index_pattern(index, &c->memory, sections->all[i]->item, match->items[j]))
                return false;
    }
    return true;
}

bool config_index(struct config *c)
{
    const struct config_sections *tenants = &c->sections[CONFIG_TENANT];

    word_index_clear(&c->tenants);
    for (size_t i = 0; i < tenants->count; i++)
        if (!index_tenant(c, tenants->all[i]->item))
            return false;
    return index_models(c, CONFIG_MODEL, &c->models) && index_models(c, CONFIG_PRICE, &c->prices);
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

static bool validate_match(const struct config *c, const struct config_section *section,
                           const struct model_index *index, struct buf *errors)
{
    const struct str_list *match = match_of(section->item);
    bool good = true;

    for (size_t i = 0; i < match->count; i++) {
        struct str word = match->items[i];
        const void *first = is_prefix(word) ? word_index_find(&index->prefixes,
                                                              (struct str){word.ptr, word.len - 1})
                                            : word_index_find(&index->names, word);
        good &= word_is_own(c, section, word, first, errors);
        good &= word_is_own(c, section, word, by_name(c, section->kind, word), errors);
    }
    return good;
}

static bool validate_models(const struct config *c, enum config_kind kind,
                            const struct model_index *index, struct buf *errors)
{
    const struct config_sections *sections = &c->sections[kind];
    bool good = true;

    for (size_t i = 0; i < sections->count; i++)
        good &= validate_match(c, sections->all[i], index, errors);
    return good;
}

bool config_validate_sections(const struct config *c, struct buf *errors)
{
    const struct config_sections *tenants = &c->sections[CONFIG_TENANT];
    bool good = true;

    for (size_t i = 0; i < tenants->count; i++)
        good &= validate_tenant(c, tenants->all[i], errors);
    good &= validate_models(c, CONFIG_MODEL, &c->models, errors);
    good &= validate_models(c, CONFIG_PRICE, &c->prices, errors);
    return good;
}
