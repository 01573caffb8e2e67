#include "metrics.h"
#include "spop.h"

#include <stddef.h>

#define PREFIX "spoa_cache_"

struct family {
    const char *type, *name, *help;
    size_t offset; /* of the first number in struct metrics */
    unsigned long long unit;
    enum metrics_label labels[4]; /* ended by METRICS_LABEL_NONE */
};

struct spread {
    const char *name, *help;
    size_t offset;
    const struct histogram_scale *scale;
};

static const struct family families[] = {
#define LABEL(label) METRICS_LABEL_##label,
#define X(field, labels, type, unit, name, help)                                                   \
    {#type, name, help, offsetof(struct metrics, field), unit, {labels(LABEL) METRICS_LABEL_NONE}},
    METRICS_BY(X)
#undef X
#define X(field, type, name, help)                                                                 \
    {#type, name, help, offsetof(struct metrics, field), 1, {METRICS_LABEL_NONE}},
        METRICS(X)
#undef X
};

static const struct spread spreads[] = {
#define X(field, scale, name, help) {name, help, offsetof(struct metrics, field), &(scale)},
    METRICS_SPREAD(X)
#undef X
};

enum {
    FAMILIES = sizeof families / sizeof *families,
    SPREADS = sizeof spreads / sizeof *spreads,
};

static const struct {
    const char *name;
    size_t count;
} labels[] = {
#define X(label, count, name) [METRICS_LABEL_##label] = {name, count},
    METRICS_LABELS(X)
#undef X
};

static const char *const results[] = {"hit", "miss", "bypass"};
static const char *const kinds[] = {"prompt", "completion"};
static const char *const engines[] = {"<=3.0", ">=3.1"};

static const char *const no_names[] = {METRICS_NONE, METRICS_OTHER};

static const char *value_of(const struct metrics *m, enum metrics_label label, size_t i)
{
    switch (label) {
    case METRICS_LABEL_RESULT:
        return results[i];
    case METRICS_LABEL_REASON:
        return reason_name((enum reason)i);
    case METRICS_LABEL_POLICY:
        return i < 2 ? no_names[i] : m->policies[i];
    case METRICS_LABEL_API:
        return i ? api_names()[i - 1] : no_names[0];
    case METRICS_LABEL_TENANT:
        return i < 2 ? no_names[i] : m->tenants.names[i];
    case METRICS_LABEL_TOKENS:
        return kinds[i];
    case METRICS_LABEL_REDIS_ERROR:
        return resp_error_code((enum resp_error)i);
    case METRICS_LABEL_SPOP_ERROR:
        return spop_error_name(i < METRICS_SPOP_ERRORS - 1 ? (enum spop_error)i : SPOP_UNKNOWN);
    case METRICS_LABEL_ENGINE:
        return engines[i];
    case METRICS_LABEL_NONE:
    case METRICS_LABEL_COUNT:
        break;
    }
    return "";
}

static const void *field(const struct metrics *m, size_t offset)
{
    return (const char *)m + offset;
}

/* How many numbers the family has. */
static size_t count_of(const struct family *f)
{
    size_t count = 1;

    for (const enum metrics_label *label = f->labels; *label; label++)
        count *= labels[*label].count;
    return count;
}

/* Appends the labels of the number at `i`, in either format, without what goes around them. */
static void put_labels(struct buf *out, const struct metrics *m, const struct family *f, size_t i,
                       bool json)
{
    size_t stride = count_of(f);

    for (const enum metrics_label *label = f->labels; *label; label++) {
        stride /= labels[*label].count;
        buf_printf(out, json ? "%s\"%s\":\"%s\"" : "%s%s=\"%s\"", label > f->labels ? "," : "",
                   labels[*label].name, value_of(m, *label, i / stride));
        i %= stride;
    }
}

/* Appends what has been counted in parts of a unit, a power of ten. */
static void put_number(struct buf *out, unsigned long long value, unsigned long long unit)
{
    int digits = 0;

    for (unsigned long long rest = unit; rest > 1; rest /= 10)
        digits++;
    buf_printf(out, "%llu", value / unit);
    if (digits)
        buf_printf(out, ".%0*llu", digits, value % unit);
}

static void put_head(struct buf *out, const char *type, const char *name, const char *help)
{
    buf_printf(out, "# HELP " PREFIX "%s %s.\n# TYPE " PREFIX "%s %s\n", name, help, name, type);
}

static void put_family(struct buf *out, const struct metrics *m, const struct family *f)
{
    const uint64_t *values = field(m, f->offset);
    size_t count = count_of(f);

    put_head(out, f->type, f->name, f->help);
    for (size_t i = 0; i < count; i++) {
        if (!values[i] && *f->labels)
            continue;
        buf_printf(out, *f->labels ? PREFIX "%s{" : PREFIX "%s", f->name);
        put_labels(out, m, f, i, false);
        buf_append(out, *f->labels ? STR("} ") : STR(" "));
        put_number(out, values[i], f->unit);
        buf_append_byte(out, '\n');
    }
}

static void put_spread(struct buf *out, const struct metrics *m, const struct spread *s)
{
    const struct histogram *h = field(m, s->offset);
    unsigned long long count = 0;

    put_head(out, "histogram", s->name, s->help);
    for (size_t i = 0; i < s->scale->count; i++) {
        count += h->counts[i];
        buf_printf(out, PREFIX "%s_bucket{le=\"%.10g\"} %llu\n", s->name,
                   (double)s->scale->bounds[i] / (double)s->scale->unit, count);
    }
    count += h->counts[s->scale->count];
    buf_printf(out, PREFIX "%s_bucket{le=\"+Inf\"} %llu\n" PREFIX "%s_sum ", s->name, count,
               s->name);
    put_number(out, h->sum, s->scale->unit);
    buf_printf(out, "\n" PREFIX "%s_count %llu\n", s->name, count);
}

void metrics_render(const struct metrics *m, const char *version, bool ready, struct buf *out)
{
    put_head(out, "gauge", "build_info", "The version that runs");
    buf_printf(out, PREFIX "build_info{version=\"%s\"} 1\n", version);
    put_head(out, "gauge", "ready", "Whether lookups have a chance of an answer");
    buf_printf(out, PREFIX "ready %d\n", ready);
    for (size_t i = 0; i < FAMILIES; i++)
        put_family(out, m, &families[i]);
    for (size_t i = 0; i < SPREADS; i++)
        put_spread(out, m, &spreads[i]);
}

static void put_family_json(struct buf *out, const struct metrics *m, const struct family *f)
{
    const uint64_t *values = field(m, f->offset);
    size_t count = count_of(f), shown = 0;

    if (!*f->labels) {
        put_number(out, *values, f->unit);
        return;
    }
    buf_append_byte(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (!values[i])
            continue;
        buf_append(out, shown++ ? STR(",{\"labels\":{") : STR("{\"labels\":{"));
        put_labels(out, m, f, i, true);
        buf_append(out, STR("},\"value\":"));
        put_number(out, values[i], f->unit);
        buf_append_byte(out, '}');
    }
    buf_append_byte(out, ']');
}

static void put_spread_json(struct buf *out, const struct metrics *m, const struct spread *s)
{
    const struct histogram *h = field(m, s->offset);
    unsigned long long count = 0;

    buf_append(out, STR("{\"buckets\":["));
    for (size_t i = 0; i < s->scale->count; i++) {
        count += h->counts[i];
        buf_printf(out, "%s[%.10g,%llu]", i ? "," : "",
                   (double)s->scale->bounds[i] / (double)s->scale->unit, count);
    }
    count += h->counts[s->scale->count];
    buf_append(out, STR("],\"sum\":"));
    put_number(out, h->sum, s->scale->unit);
    buf_printf(out, ",\"count\":%llu}", count);
}

void metrics_render_json(const struct metrics *m, const char *version, bool ready, struct buf *out)
{
    buf_printf(out, "{\"version\":\"%s\",\"ready\":%s,\"metrics\":{", version,
               ready ? "true" : "false");
    for (size_t i = 0; i < FAMILIES; i++) {
        buf_printf(out, "%s\"%s\":", i ? "," : "", families[i].name);
        put_family_json(out, m, &families[i]);
    }
    for (size_t i = 0; i < SPREADS; i++) {
        buf_printf(out, ",\"%s\":", spreads[i].name);
        put_spread_json(out, m, &spreads[i]);
    }
    buf_append(out, STR("}}"));
}
