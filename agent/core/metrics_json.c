#include "metrics.h"

#include "json_write.h"

static void render_one(struct buf *out, const char *name, uint64_t value)
{
    json_write_name(out, name);
    buf_printf(out, "%llu", (unsigned long long)value);
}

static void render_labelled(struct buf *out, const char *label, const char *value, uint64_t count)
{
    if (count == 0)
        return;
    if (out->ptr[out->len - 1] != '[')
        buf_append_byte(out, ',');
    buf_printf(out, "{\"labels\":{\"%s\":\"%s\"},\"value\":%llu}", label, value,
               (unsigned long long)count);
}

static void render_reasons(struct buf *out, const char *name, const uint64_t counts[REASON_COUNT])
{
    json_write_name(out, name);
    buf_append_byte(out, '[');
    for (int reason = REASON_NONE + 1; reason < REASON_COUNT; reason++)
        render_labelled(out, "reason", reason_name((enum reason)reason), counts[reason]);
    buf_append_byte(out, ']');
}

void metrics_render_json(const struct metrics *m, const char *version, bool ready, struct buf *out)
{
    buf_printf(out, "{\"version\":\"%s\",\"ready\":%s,\"metrics\":{", version,
               ready ? "true" : "false");
#define X(field, type, name, help)                                                                 \
    if (strcmp(name, "refused_total") != 0)                                                        \
        render_one(out, name, m->field);
    METRICS(X)
#undef X
    json_write_name(out, "lookups_total");
    buf_append_byte(out, '[');
    render_labelled(out, "result", "hit", m->hits);
    render_labelled(out, "result", "miss", m->misses);
    render_labelled(out, "result", "bypass", m->bypasses);
    buf_append_byte(out, ']');
    render_reasons(out, "lookup_reasons_total", m->lookup_reason);
    render_reasons(out, "wait_reasons_total", m->wait_reason);
    render_reasons(out, "refused_total", m->refuse_reason);
    buf_append(out, STR("}}"));
}
