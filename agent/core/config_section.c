/* What has keys: the agent, and the sections that have a name. */
#include "config_keys.h"

static bool no_memory(struct buf *why)
{
    buf_clear(why);
    buf_append(why, STR("no memory"));
    return false;
}

static bool set_defaults(struct config *c, const struct config_section *section, struct buf *why)
{
    const struct config_kind_info *info = &config_kinds[section->kind];

    for (const struct config_key *key = info->keys; key < info->keys + info->key_count; key++)
        if (!config_value_set(key, config_field(section->item, key), &c->memory,
                              str_of(key->preset), false, why))
            return false;
    return true;
}

/* One place more in the list of a kind. */
static bool make_room(struct config_sections *sections, struct arena *memory)
{
    size_t room = sections->room ? 2 * sections->room : 1;
    struct config_section **all;

    if (sections->count < sections->room)
        return true;
    if (!(all = arena_alloc(memory, room * sizeof(struct config_section *))))
        return false;
    for (size_t i = 0; i < sections->count; i++)
        all[i] = sections->all[i];
    sections->all = all;
    sections->room = room;
    return true;
}

/* Adds a section with the defaults for its item. */
static struct config_section *add(struct config *c, enum config_kind kind, void *item,
                                  struct buf *why)
{
    struct config_sections *sections = &c->sections[kind];
    struct config_section *section = arena_alloc(&c->memory, sizeof *section);
    uint32_t *lines = arena_alloc(&c->memory, config_kinds[kind].key_count * sizeof *lines);

    if (!section || !lines || !make_room(sections, &c->memory))
        return NULL;
    *section = (struct config_section){kind, item, lines};
    if (!set_defaults(c, section, why))
        return NULL;
    return sections->all[sections->count++] = section;
}

static struct config_section *add_named(struct config *c, enum config_kind kind, struct str name,
                                        struct buf *why)
{
    struct str *item = arena_alloc(&c->memory, config_kinds[kind].size);
    struct config_section *section;

    if (!item || !(*item = arena_copy(&c->memory, name)).ptr ||
        !(section = add(c, kind, item, why)) ||
        !word_index_add(&c->sections[kind].names, &c->memory, *item, section)) {
        no_memory(why);
        return NULL;
    }
    return section;
}

bool config_make_agent(struct config *c, struct buf *why)
{
    return add(c, CONFIG_AGENT, c, why) || no_memory(why);
}

const struct config_section *config_make(struct config *c, enum config_kind kind, struct str name,
                                         struct buf *why)
{
    const struct config_kind_info *info = &config_kinds[kind];
    const struct config_section *known = word_index_find(&c->sections[kind].names, name);

    if (known)
        return known;
    if (!info->name->valid(name)) {
        config_quote(name, why);
        buf_printf(why, " is not %s", info->name->what);
        return NULL;
    }
    if (c->sections[kind].count == info->max) {
        buf_printf(why, "more than %zu %s", info->max, info->plural);
        return NULL;
    }
    return add_named(c, kind, name, why);
}
