#include "metrics.h"

#define XXH_INLINE_ALL
#include <stdio.h>
#include <xxhash.h>

enum { POLICY_NONE, POLICY_OTHER, POLICY_FIRST };
enum { TENANT_NONE, TENANT_OTHER, TENANT_FIRST };

static void count_saving(struct metrics *m, const struct metrics_lookup *lookup)
{
    for (int kind = 0; kind < METRICS_TOKENS; kind++)
        m->saved_tokens[lookup->policy][kind] += lookup->tokens[kind];
    m->saved_money[lookup->policy] += lookup->money;
    if (lookup->tenant == TENANT_NONE)
        return;
    for (int kind = 0; kind < METRICS_TOKENS; kind++)
        m->tenant_saved_tokens[lookup->tenant][kind] += lookup->tokens[kind];
    m->tenant_saved_money[lookup->tenant] += lookup->money;
}

static void count_hit(struct metrics *m, const struct metrics_lookup *lookup)
{
    histogram_count(&m->hit_age, &histogram_ages, lookup->age);
    histogram_count(&m->hit_size, &histogram_sizes, lookup->size);
    count_saving(m, lookup);
}

static size_t api_number(const struct api *api)
{
    return api ? api_index(api) + 1 : 0;
}

static void count_wait(struct metrics *m, const struct metrics_lookup *lookup)
{
    if (lookup->result == METRICS_HIT)
        m->coalesced[lookup->policy][api_number(lookup->api)]++;
    else
        m->wait_reasons[lookup->reason]++;
}

void metrics_count_lookup(struct metrics *m, const struct metrics_lookup *lookup)
{
    if (lookup->result == METRICS_HIT)
        count_hit(m, lookup);
    if (lookup->waited) {
        count_wait(m, lookup);
        return;
    }
    m->lookups[lookup->policy][api_number(lookup->api)][lookup->result]++;
    if (lookup->tenant != TENANT_NONE)
        m->tenant_lookups[lookup->tenant][lookup->result]++;
    if (lookup->result != METRICS_HIT)
        m->lookup_reasons[lookup->result][lookup->reason]++;
    histogram_count(&m->lookup_time, &histogram_times, lookup->time);
}

void metrics_count_answer(struct metrics *m, size_t policy, const struct api *api,
                          enum reason reason, uint64_t size)
{
    if (reason != REASON_NONE) {
        m->refused[reason]++;
        return;
    }
    m->stored[policy][api_number(api)]++;
    histogram_count(&m->stored_size, &histogram_sizes, size);
}

static uint64_t sum_of(const uint64_t *numbers, size_t count, size_t step)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i += step)
        sum += numbers[i];
    return sum;
}

uint64_t metrics_lookups(const struct metrics *m, enum metrics_result result)
{
    return sum_of(&m->lookups[0][0][result],
                  (size_t)METRICS_POLICIES * METRICS_APIS * METRICS_RESULTS, METRICS_RESULTS);
}

uint64_t metrics_coalesced(const struct metrics *m)
{
    return sum_of(&m->coalesced[0][0], (size_t)METRICS_POLICIES * METRICS_APIS, 1);
}

uint64_t metrics_stored(const struct metrics *m)
{
    return sum_of(&m->stored[0][0], (size_t)METRICS_POLICIES * METRICS_APIS, 1);
}

uint64_t metrics_refused(const struct metrics *m)
{
    return sum_of(m->refused, REASON_COUNT, 1);
}

void metrics_count_spop_error(struct metrics *m, int error)
{
    m->spop_errors[error < METRICS_SPOP_ERRORS - 1 ? error : METRICS_SPOP_ERRORS - 1]++;
}

size_t metrics_policy(struct metrics *m, struct str name)
{
    size_t i = POLICY_FIRST;

    if (name.len == 0)
        return POLICY_NONE;
    while (i < METRICS_POLICIES && *m->policies[i] && !str_eq(str_of(m->policies[i]), name))
        i++;
    if (i == METRICS_POLICIES || name.len >= METRICS_NAME_MAX)
        return POLICY_OTHER;
    memcpy(m->policies[i], name.ptr, name.len);
    return i;
}

/* Whether the byte may stand in a label as it is. */
static bool is_plain(char c)
{
    return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

/* Another name for each tenant: what is long or odd is changed, and ends in a digest then. */
static void write_name(char out[METRICS_NAME_MAX], struct str name)
{
    enum { DIGEST_AT = METRICS_NAME_MAX - 1 - 17 };
    bool whole = name.len < METRICS_NAME_MAX;
    size_t len = whole ? name.len : DIGEST_AT;

    for (size_t i = 0; i < len; i++) {
        whole &= is_plain(name.ptr[i]);
        out[i] = is_plain(name.ptr[i]) ? name.ptr[i] : '?';
    }
    if (whole) {
        out[len] = '\0';
        return;
    }
    len = len < DIGEST_AT ? len : DIGEST_AT;
    snprintf(out + len, METRICS_NAME_MAX - len, "~%016llx",
             (unsigned long long)XXH3_64bits(name.ptr, name.len));
}

/* The number of a name, which more than one digest may stand for: a tenant's generation is in it.
 */
static size_t number_of_name(struct metrics_tenants *t, struct str name)
{
    char text[METRICS_NAME_MAX];

    write_name(text, name);
    if (strcmp(text, METRICS_OTHER) == 0)
        return TENANT_OTHER;
    for (size_t i = TENANT_FIRST; i < TENANT_FIRST + t->count; i++)
        if (strcmp(t->names[i], text) == 0)
            return i;
    if (t->count >= t->max || t->count >= METRICS_TENANTS_MAX)
        return TENANT_OTHER;
    memcpy(t->names[TENANT_FIRST + t->count], text, sizeof text);
    return TENANT_FIRST + t->count++;
}

size_t metrics_tenant(struct metrics *m, uint64_t digest, struct str name)
{
    enum { PLACES = sizeof m->tenants.digests / sizeof *m->tenants.digests };
    struct metrics_tenants *t = &m->tenants;
    size_t at = digest % PLACES;

    if (t->max == 0)
        return TENANT_NONE;
    while (t->digests[at].tenant && t->digests[at].digest != digest)
        at = (at + 1) % PLACES;
    if (t->digests[at].tenant)
        return t->digests[at].tenant;
    if (name.len == 0 || t->digest_count >= PLACES / 2)
        return TENANT_OTHER;
    size_t tenant = number_of_name(t, name);
    if (tenant != TENANT_OTHER) {
        t->digests[at].digest = digest;
        t->digests[at].tenant = (uint16_t)tenant;
        t->digest_count++;
    }
    return tenant;
}
