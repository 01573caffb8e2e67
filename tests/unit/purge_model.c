#include "purge_model.h"
#include "core/decimal.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

/* One question to the script. */
struct call {
    struct purge_model *m;
    int64_t run, now;
    int64_t term, known, serial, clock, next_term, hold, ahead;
    bool repairs;
    int64_t all; /* as it was at first */
    bool whole, unknown;
};

static int64_t number_of(struct str text)
{
    int64_t number;

    if (!decimal_read(text, &number))
        ck_abort_msg("no number");
    return number;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void set_scope(struct purge_model *m, struct str name, int64_t epoch)
{
    size_t i = 0;

    while (i < m->count && !str_eq(str_of(m->scopes[i].name), name))
        i++;
    if (i == MODEL_SCOPES || name.len >= sizeof m->scopes->name)
        ck_abort_msg("too many scopes, or a long one");
    if (i == m->count) {
        snprintf(m->scopes[i].name, sizeof m->scopes->name, "%.*s", STR_ARGS(name));
        m->count++;
    }
    m->scopes[i].epoch = epoch;
}

static void forget_everything(struct purge_model *m)
{
    m->count = m->was_count = 0;
    m->held = 0;
    memset(m->ring, 0, sizeof m->ring);
}

static void note(struct call *c, struct str scope)
{
    struct purge_model *m = c->m;

    m->epoch = later(m->epoch + 1, c->clock);
    if (str_eq(scope, STR("all")))
        forget_everything(m);
    set_scope(m, scope, m->epoch);
    m->serial++;
    struct model_scope *place = &m->ring[m->serial % MODEL_RING];
    snprintf(place->name, sizeof place->name, "%.*s", STR_ARGS(scope));
    place->epoch = m->epoch;
}

static void doubt(struct call *c)
{
    struct purge_model *m = c->m;

    c->unknown = m->epoch > 0 || c->known > 0;
    m->epoch = later(later(m->epoch, c->known), c->clock) + c->ahead;
    m->term = c->next_term;
    m->run = c->run;
    note(c, STR("all"));
    c->term = m->term;
    c->whole = true;
}

static void inherit(struct call *c)
{
    struct purge_model *m = c->m;

    if (m->was_count < MODEL_TERMS)
        m->was_count++;
    memmove(&m->was[1], &m->was[0], (m->was_count - 1) * sizeof *m->was);
    m->was[0].term = m->term;
    m->was[0].epoch = m->epoch;
    m->term = c->next_term;
    m->run = c->run;
    m->held = c->now + c->hold;
    m->epoch = m->held_from = later(m->epoch, c->clock) + c->ahead;
}

/* The last epoch that the hash has of what the caller knows; -1: he knows another history. */
static int64_t shared(const struct call *c)
{
    if (c->term == c->m->term)
        return c->known <= c->m->epoch ? c->known : -1;
    for (size_t i = 0; i < c->m->was_count; i++)
        if (c->m->was[i].term == c->term)
            return c->m->was[i].epoch;
    return -1;
}

/* Decides in whose term the hash is; returns the last epoch that it did not lose, or -1. */
static int64_t settle_term(struct call *c)
{
    struct purge_model *m = c->m;

    if (m->epoch == 0)
        doubt(c);
    else if (m->run != c->run) {
        if (c->term == m->term)
            inherit(c);
        else
            doubt(c);
    }
    if (c->term != 0 && c->term != m->term && c->all > c->known) {
        c->whole = true;
        return PURGE_NONE_LOST;
    }
    if (c->term == 0)
        return PURGE_NONE_LOST;
    int64_t good = shared(c);
    if (good < 0)
        doubt(c);
    else if (c->known > good)
        return good;
    return PURGE_NONE_LOST;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct model_scope *)a)->name, ((const struct model_scope *)b)->name);
}

/* What the lost history may have had the epochs of. */
static void note_again(struct call *c, int64_t lost)
{
    struct model_scope noted[MODEL_SCOPES];
    size_t count = c->m->count;

    c->whole = true;
    c->m->epoch = later(c->m->epoch, c->known);
    memcpy(noted, c->m->scopes, sizeof noted);
    qsort(noted, count, sizeof *noted, by_name);
    for (size_t i = 0; i < count; i++)
        if (noted[i].epoch > lost && noted[i].epoch <= c->known)
            note(c, str_of(noted[i].name));
}

static void say(struct buf *out, const char *name, int64_t number)
{
    buf_printf(out, "%s %lld\n", name, (long long)number);
}

static void say_what_is_new(struct call *c, struct buf *out)
{
    const struct purge_model *m = c->m;
    size_t start = out->len;

    c->whole |= c->serial > m->serial || m->serial - c->serial > MODEL_RING;
    for (int64_t i = c->serial + 1; i <= m->serial && !c->whole; i++) {
        const struct model_scope *purge = &m->ring[i % MODEL_RING];
        c->whole = !purge->name[0];
        if (!c->whole)
            say(out, purge->name, purge->epoch);
    }
    if (!c->whole)
        return;
    out->len = start;
    for (size_t i = 0; i < m->count; i++)
        say(out, m->scopes[i].name, m->scopes[i].epoch);
}

void purge_model_run(struct purge_model *m, int64_t run, int64_t now, const struct str *words,
                     struct buf *out)
{
    struct call c = {
        .m = m,
        .run = run,
        .now = now,
        .term = number_of(words[4]),
        .known = number_of(words[5]),
        .serial = number_of(words[6]),
        .clock = number_of(words[7]),
        .next_term = number_of(words[8]),
        .repairs = str_eq(words[10], STR("1")),
        .hold = number_of(words[12]),
        .ahead = number_of(words[13]),
    };
    struct str scopes = words[9];

    c.whole = c.term == 0;
    for (size_t i = 0; i < m->count; i++)
        if (strcmp(m->scopes[i].name, "all") == 0)
            c.all = m->scopes[i].epoch;
    int64_t lost = settle_term(&c);
    bool held = m->held > now && m->held - now <= c.hold;
    if (lost != PURGE_NONE_LOST && !c.repairs) {
        say(out, "lost", lost);
        return;
    }
    if (lost != PURGE_NONE_LOST)
        note_again(&c, lost);
    while (scopes.len) {
        struct str scope = str_split(&scopes, ' ');
        if (scope.len)
            note(&c, scope);
    }
    say(out, "epoch", m->epoch);
    say(out, "serial", m->serial);
    say(out, "term", m->term);
    say(out, "held", held ? m->held_from : 0);
    if (c.unknown)
        say(out, "unknown", 1);
    say_what_is_new(&c, out);
}
