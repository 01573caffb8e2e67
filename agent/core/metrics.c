#include "metrics.h"

static void render_one(struct buf *out, const char *type, const char *name, const char *help,
                       uint64_t value)
{
    buf_printf(out, "# HELP spoa_cache_%s %s.\n# TYPE spoa_cache_%s %s\nspoa_cache_%s %llu\n", name,
               help, name, type, name, (unsigned long long)value);
}

static void render_reasons(struct buf *out, const char *name, const char *help,
                           const uint64_t counts[REASON_COUNT])
{
    buf_printf(out, "# HELP spoa_cache_%s %s.\n# TYPE spoa_cache_%s counter\n", name, help, name);
    for (int reason = REASON_NONE + 1; reason < REASON_COUNT; reason++)
        if (counts[reason])
            buf_printf(out, "spoa_cache_%s{reason=\"%s\"} %llu\n", name,
                       reason_name((enum reason)reason), (unsigned long long)counts[reason]);
}

static void render_errors(struct buf *out, const uint64_t counts[RESP_ERROR_COUNT])
{
    buf_append(out, STR("# HELP spoa_cache_redis_errors_total Errors answered by Redis, by code.\n"
                        "# TYPE spoa_cache_redis_errors_total counter\n"));
    for (int error = 0; error < RESP_ERROR_COUNT; error++)
        if (counts[error])
            buf_printf(out, "spoa_cache_redis_errors_total{code=\"%s\"} %llu\n",
                       resp_error_code((enum resp_error)error), (unsigned long long)counts[error]);
}

void metrics_render(const struct metrics *m, const char *version, struct buf *out)
{
    buf_printf(out,
               "# HELP spoa_cache_build_info The version that runs.\n"
               "# TYPE spoa_cache_build_info gauge\n"
               "spoa_cache_build_info{version=\"%s\"} 1\n",
               version);
#define X(field, type, name, help) render_one(out, #type, name, help, m->field);
    METRICS(X)
#undef X
    render_reasons(out, "lookup_reasons_total", "Lookups without a hit, by reason",
                   m->lookup_reason);
    render_reasons(out, "wait_reasons_total",
                   "Waits for the answer to an identical request that ended without it, by reason",
                   m->wait_reason);
    render_reasons(out, "refuse_reasons_total", "Answers refused for storage, by reason",
                   m->refuse_reason);
    render_errors(out, m->redis_errors);
}
