#include "redis_options.h"

/* Copies a text; false when there is no memory. */
static bool keep(struct arena *texts, struct str *text)
{
    *text = arena_copy(texts, *text);
    return text->ptr != NULL;
}

static bool keep_list(struct arena *texts, struct str_list *list)
{
    struct str *items = arena_alloc(texts, (list->count + 1) * sizeof *items);
    bool good = items != NULL;

    for (size_t i = 0; i < list->count && good; i++) {
        items[i] = list->items[i];
        good = keep(texts, &items[i]);
    }
    list->items = items;
    return good;
}

static bool keep_login(struct arena *texts, struct redis_login *login)
{
    return keep(texts, &login->user) && keep(texts, &login->password) &&
           keep(texts, &login->password_file);
}

bool redis_options_keep(struct redis_options *o, struct arena *texts)
{
    return keep(texts, &o->address) && keep(texts, &o->master) && keep(texts, &o->own_keys) &&
           keep_list(texts, &o->sentinels) && keep_list(texts, &o->cluster) &&
           keep_login(texts, &o->login) && keep_login(texts, &o->sentinel_login);
}
