#include "purge.h"

#include "decimal.h"
#include "hex.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static uint64_t hash_of(struct str text)
{
    return XXH3_64bits(text.ptr, text.len);
}

static uint64_t scope_of(struct str text)
{
    uint64_t hash;

    if (text.len == 1 + HEX64 && text.ptr[0] == '#' && hex64_read(str_from(text, 1), &hash))
        return hash;
    return hash_of(text);
}

void purges_init(struct purges *p, int64_t epoch)
{
    p->epoch = p->latest = p->all = epoch;
    p->term = p->serial = 0;
    p->held = 0;
    p->count = 0;
}

void purges_raise(struct purges *p, int64_t epoch)
{
    if (epoch > p->epoch)
        p->epoch = epoch;
}

/* Where the scope is, or belongs. */
static size_t place_of(const struct purges *p, uint64_t scope)
{
    size_t from = 0, to = p->count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (p->notes[middle].scope < scope)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* Everything before the epoch is purged, and needs no notes any more. */
static void note_all(struct purges *p, int64_t epoch)
{
    size_t kept = 0;

    if (epoch <= p->all)
        return;
    p->all = epoch;
    for (size_t i = 0; i < p->count; i++)
        if (p->notes[i].epoch > epoch)
            p->notes[kept++] = p->notes[i];
    p->count = kept;
}

/* Folds the oldest note, and with it all of its epoch. */
static void make_room(struct purges *p)
{
    int64_t oldest = INT64_MAX;

    for (size_t i = 0; i < p->count; i++)
        if (p->notes[i].epoch < oldest)
            oldest = p->notes[i].epoch;
    note_all(p, oldest);
}

static void note_scope(struct purges *p, uint64_t scope, int64_t epoch)
{
    size_t at = place_of(p, scope);

    if (at < p->count && p->notes[at].scope == scope) {
        if (epoch > p->notes[at].epoch)
            p->notes[at].epoch = epoch;
        return;
    }
    if (p->count == PURGE_NOTES_MAX) {
        make_room(p);
        at = place_of(p, scope);
    }
    memmove(&p->notes[at + 1], &p->notes[at], (p->count - at) * sizeof *p->notes);
    p->notes[at] = (struct purge_note){scope, epoch};
    p->count++;
}

void purges_note(struct purges *p, struct str scope, int64_t epoch)
{
    purges_raise(p, epoch);
    if (epoch <= p->all)
        return;
    if (epoch > p->latest)
        p->latest = epoch;
    if (str_eq(scope, STR("all")))
        note_all(p, epoch);
    else
        note_scope(p, scope_of(scope), epoch);
}

int64_t purges_add(struct purges *p, struct str scope, int64_t now)
{
    purges_note(p, scope, now > p->epoch ? now : p->epoch + 1);
    return p->epoch;
}

/* Takes a line off the text. */
static bool read_line(struct str *text, struct str *scope, int64_t *epoch)
{
    struct str line = str_split(text, '\n');

    *scope = str_split(&line, ' ');
    return scope->len > 0 && scope->len <= PURGE_SCOPE_MAX && decimal_read(line, epoch);
}

/* Takes over one line. */
static void read_fact(struct purges *p, struct str name, int64_t number, struct purge_news *news)
{
    if (str_eq(name, STR("epoch")))
        purges_raise(p, number);
    else if (str_eq(name, STR("term")))
        p->term = number;
    else if (str_eq(name, STR("serial")))
        p->serial = number;
    else if (str_eq(name, STR("held")))
        p->held = number;
    else if (str_eq(name, STR("lost")))
        news->lost = number;
    else if (str_eq(name, STR("unknown")))
        news->unknown = number != 0;
    else if (!str_eq(name, STR("fold")))
        purges_note(p, name, number);
    else {
        purges_note(p, STR("all"), number);
        news->folded = true;
    }
}

bool purges_read(struct purges *p, struct str text, struct purge_news *news)
{
    struct str rest = text, name;
    int64_t number;

    *news = (struct purge_news){.lost = PURGE_NONE_LOST};
    while (rest.len)
        if (!read_line(&rest, &name, &number))
            return false;
    for (rest = text; rest.len && read_line(&rest, &name, &number);)
        read_fact(p, name, number, news);
    return text.len > 0;
}

bool purge_is_scope(struct str name)
{
    return str_eq(name, STR("all")) || (name.len && name.ptr[0] == '#') ||
           (name.len && memchr(name.ptr, ':', name.len));
}

void purges_tail(const struct purges *p, int64_t epoch, struct buf *out)
{
    size_t count = 0;

    for (size_t i = 0; i < p->count; i++)
        count += p->notes[i].epoch > epoch;
    if (p->all > epoch || count > PURGE_TAIL_MAX) {
        buf_append(out, STR("all "));
        return;
    }
    for (size_t i = 0; i < p->count; i++) {
        if (p->notes[i].epoch <= epoch)
            continue;
        buf_append(out, STR("#"));
        hex64_append(out, p->notes[i].scope);
        buf_append(out, STR(" "));
    }
}

/* Whether nothing later than the epoch is noted for "KIND:NAME". */
static bool allows(const struct purges *p, int64_t epoch, struct str kind, struct str name)
{
    char text[PURGE_SCOPE_MAX];

    if (kind.len + name.len > sizeof text)
        return false;
    memcpy(text, kind.ptr, kind.len);
    if (name.len)
        memcpy(text + kind.len, name.ptr, name.len);
    uint64_t scope = scope_of((struct str){text, kind.len + name.len});
    size_t at = place_of(p, scope);
    return at == p->count || p->notes[at].scope != scope || p->notes[at].epoch <= epoch;
}

static bool allows_each(const struct purges *p, int64_t epoch, struct str kind, struct str names)
{
    while (names.len)
        if (!allows(p, epoch, kind, str_split(&names, ' ')))
            return false;
    return true;
}

bool purges_allow(const struct purges *p, const struct purge_subject *s)
{
    char tenant[HEX64];

    if (s->epoch < p->all)
        return false;
    if (s->epoch >= p->latest)
        return true;
    hex64_write(tenant, s->tenant);
    return allows(p, s->epoch, STR("policy:"), s->policy) &&
           allows(p, s->epoch, STR("tenant:"), (struct str){tenant, sizeof tenant}) &&
           allows(p, s->epoch, STR("key:"), s->key) &&
           allows_each(p, s->epoch, STR("model:"), s->models) &&
           allows_each(p, s->epoch, STR("tag:"), s->tags);
}

bool purges_serve(const struct purges *p, const struct purge_subject *subject)
{
    return subject->epoch >= p->held && subject->epoch <= p->epoch && purges_allow(p, subject);
}

static bool prints(struct str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] <= ' ' || name.ptr[i] > '~')
            return false;
    return true;
}

void purge_name(struct buf *out, struct str name)
{
    if (name.len <= PURGE_NAME_MAX && prints(name)) {
        buf_append(out, name);
        return;
    }
    buf_append(out, STR("~"));
    hex64_append(out, hash_of(name));
}

void purge_names_add(struct buf *out, struct str name)
{
    if (name.len == 0)
        return;
    purge_name(out, name);
    buf_append(out, STR(" "));
}

static bool parts_tags(char c)
{
    return c == ',' || str_is_space(c);
}

size_t purge_tags(struct buf *out, struct str value)
{
    size_t count = 0;

    for (size_t at = 0, end; at < value.len; at = end + 1) {
        end = at;
        while (end < value.len && !parts_tags(value.ptr[end]))
            end++;
        if (end == at)
            continue;
        purge_names_add(out, (struct str){value.ptr + at, end - at});
        count++;
    }
    return count;
}
