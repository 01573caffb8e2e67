#include "status_text.h"

#include "core/show.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { LABEL = 26, COLUMN = 14, ROWS_MAX = 8, GROUPS_MAX = 128, NAME_COLUMNS = 24 };

struct view {
    const struct status_doc *now, *before;
    double seconds; /* between them */
    struct buf *out;
};

/* What an array of a metric has under one name. */
struct group {
    struct str kind, name;
    double total, change;
};

void status_text_count(struct buf *out, double value)
{
    char digits[32];
    int len = snprintf(digits, sizeof digits, fabs(value) < 1e18 ? "%.0f" : "%.3g", value);

    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0 && digits[i - 1] != '-')
            buf_append_byte(out, ' ');
        buf_append_byte(out, (uint8_t)digits[i]);
    }
}

/* Appends text right in a column. */
static void put_cell(struct buf *out, struct buf *cell)
{
    for (size_t i = cell->len; i < COLUMN; i++)
        buf_append_byte(out, ' ');
    buf_append(out, buf_str(cell));
    buf_free(cell);
}

static void put_count(struct buf *out, double value)
{
    struct buf cell = buf_new(64);

    status_text_count(&cell, value);
    put_cell(out, &cell);
}

/* A number with one digit behind the point and a unit, or "-". */
static void put_value(struct buf *out, bool known, double value, const char *unit)
{
    struct buf cell = buf_new(64);

    if (known)
        buf_printf(&cell, "%.*f%s", value < 10 ? 2 : 1, value, unit);
    else
        buf_append_byte(&cell, '-');
    put_cell(out, &cell);
}

static void put_label(struct buf *out, const char *label)
{
    buf_printf(out, "\n%-*s", LABEL, label);
}

static void put_heading(struct buf *out, const char *text)
{
    buf_printf(out, "\n\n%s", text);
}

/* `label` NULL: all values of the metric. */
static double total_of(const struct view *v, const char *metric, const char *label,
                       const char *value)
{
    const struct status_label only = {label, str_of(value)};

    return status_doc_sum(v->now, metric, &only, label != NULL);
}

static double change_by(const struct view *v, const char *metric, const struct status_label *labels,
                        size_t count)
{
    double before = v->before ? status_doc_sum(v->before, metric, labels, count) : 0;

    return status_doc_sum(v->now, metric, labels, count) - before;
}

static double change_of(const struct view *v, const char *metric, const char *label,
                        const char *value)
{
    const struct status_label only = {label, str_of(value)};

    return change_by(v, metric, &only, label != NULL);
}

static void put_rate(const struct view *v, double change)
{
    put_value(v->out, v->seconds > 0, v->seconds > 0 ? change / v->seconds : 0, "");
}

static void say_uptime(struct buf *out, long seconds)
{
    if (seconds >= 86400)
        buf_printf(out, "%ldd %ldh", seconds / 86400, seconds / 3600 % 24);
    else if (seconds >= 3600)
        buf_printf(out, "%ldh %ldm", seconds / 3600, seconds / 60 % 60);
    else
        buf_printf(out, "%ldm %lds", seconds / 60, seconds % 60);
}

static bool is_true(const struct status_doc *doc, const char *name)
{
    const struct json_node *node = status_doc_find(doc, doc->doc.nodes, name);

    return node && node->type == JSON_TRUE;
}

static void say_head(const struct view *v)
{
    struct buf *out = v->out;

    buf_append(out, STR("spoa-cache "));
    show_text(out, status_doc_text(v->now, "version"), SHOW_SHORT);
    buf_append(out, is_true(v->now, "draining") ? STR(", draining")
                    : is_true(v->now, "ready")  ? STR(", ready")
                                                : STR(", NOT READY"));
    buf_append(out, STR(", up "));
    say_uptime(out, (long)status_doc_number(v->now, "uptime"));
    buf_printf(out, ", pid %.0f", status_doc_number(v->now, "pid"));
    struct str file = status_doc_text(v->now, "config");
    if (file.len) {
        buf_append(out, STR(", "));
        show_text(out, file, SHOW_SHORT);
    }
}

static void say_store(const struct view *v)
{
    const struct json_node *store = status_doc_part(v->now, "store"), *list, *n;
    struct buf *out = v->out;

    if (!store)
        return;
    buf_append_byte(out, '\n');
    show_text(out, status_doc_member(v->now, store, "kind"), SHOW_SHORT);
    list = status_doc_find(v->now, store, "addresses");
    if (list && list->type == JSON_ARRAY)
        for (n = json_first(list); n; n = json_next(&v->now->doc, list, n)) {
            buf_append_byte(out, ' ');
            show_text(out, n->text, SHOW_SHORT);
        }
    n = status_doc_find(v->now, store, "tier");
    if (n && n->type == JSON_TRUE)
        buf_append(out, STR(", and a memory tier"));
    buf_append_byte(out, '\n');
}

/* A share of a negative whole is left out. */
static void say_share(const struct view *v, double part, double whole)
{
    if (whole >= 0)
        put_value(v->out, whole > 0, whole > 0 ? 100 * part / whole : 0, " %");
    else
        buf_printf(v->out, "%*s", COLUMN, "");
}

static void say_row(const struct view *v, const char *label, double total, double change,
                    double whole)
{
    put_label(v->out, label);
    put_count(v->out, total);
    say_share(v, change, whole);
    put_rate(v, change);
}

static void say_requests(const struct view *v)
{
    static const char *const results[] = {"hit", "miss", "bypass"};
    const char *metric = "lookups_total";
    double all = change_of(v, metric, NULL, "");

    put_label(v->out, "");
    buf_printf(v->out, "%*s%*s%*s", COLUMN, "total", COLUMN, "share", COLUMN, "per second");
    say_row(v, "lookups", total_of(v, metric, NULL, ""), all, -1);
    for (size_t i = 0; i < sizeof results / sizeof *results; i++)
        say_row(v, (const char *[]){"  hit", "  miss", "  bypass"}[i],
                total_of(v, metric, "result", results[i]),
                change_of(v, metric, "result", results[i]), all);
    say_row(v, "misses coalesced", total_of(v, "coalesced_total", NULL, ""),
            change_of(v, "coalesced_total", NULL, ""), all);
    say_row(v, "answers stored", total_of(v, "stored_total", NULL, ""),
            change_of(v, "stored_total", NULL, ""), -1);
    say_row(v, "answers refused", total_of(v, "refused_total", NULL, ""),
            change_of(v, "refused_total", NULL, ""), -1);
}

/* Nothing when it never counted: there is no such part. */
static void say_latency(const struct view *v, const char *label, const char *metric)
{
    static const double shares[] = {0.5, 0.9, 0.99};

    if (status_doc_quantile(v->now, NULL, metric, 1) < 0)
        return;
    put_label(v->out, label);
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        double seconds = status_doc_quantile(v->now, v->before, metric, shares[i]);
        put_value(v->out, seconds >= 0, 1000 * seconds, " ms");
    }
}

static void say_latencies(const struct view *v)
{
    if (status_doc_quantile(v->now, NULL, "lookup_seconds", 1) < 0)
        return;
    buf_append_byte(v->out, '\n');
    put_label(v->out, "");
    buf_printf(v->out, "%*s%*s%*s", COLUMN, "p50", COLUMN, "p90", COLUMN, "p99");
    say_latency(v, "lookup", "lookup_seconds");
    say_latency(v, "Redis read", "redis_read_seconds");
    say_latency(v, "Redis write", "redis_write_seconds");
}

static void say_number(const struct view *v, const char *metric, const char *what)
{
    buf_append(v->out, STR(", "));
    status_text_count(v->out, total_of(v, metric, NULL, ""));
    buf_printf(v->out, " %s", what);
}

static void say_memory(const struct view *v)
{
    double hits = change_of(v, "tier_hits_total", NULL, "");
    double reads = hits + change_of(v, "tier_misses_total", NULL, "") +
                   change_of(v, "tier_bypasses_total", NULL, "");

    put_label(v->out, "memory");
    buf_printf(v->out, "%.1f MB", total_of(v, "memory_bytes", NULL, "") / (1 << 20));
    say_number(v, "memory_entries", "entries");
    say_number(v, "memory_evictions_total", "evicted");
    if (reads > 0)
        buf_printf(v->out, ", tier answers %.1f %%", 100 * hits / reads);
}

static void say_redis(const struct view *v)
{
    if (total_of(v, "redis_connects_total", NULL, "") +
            total_of(v, "redis_failures_total", NULL, "") ==
        0)
        return;
    put_label(v->out, "Redis");
    buf_printf(v->out, "%.0f up", total_of(v, "redis_up", NULL, ""));
    say_number(v, "redis_breaker_open", "left alone");
    say_number(v, "redis_pending", "pending");
    put_label(v->out, "");
    buf_printf(v->out, "%.0f timeouts", total_of(v, "redis_timeouts_total", NULL, ""));
    say_number(v, "redis_failures_total", "connections lost");
    say_number(v, "redis_errors_total", "errors");
}

/* Of several nodes those that are not as they should be. */
static void say_nodes(const struct view *v)
{
    const struct json_node *list = status_doc_part(v->now, "nodes");

    for (const struct json_node *n = list ? json_first(list) : NULL; n;
         n = json_next(&v->now->doc, list, n)) {
        struct str state = status_doc_member(v->now, n, "state");
        if (str_eq(state, STR("up")))
            continue;
        put_label(v->out, "");
        show_text(v->out, status_doc_member(v->now, n, "address"), SHOW_SHORT);
        buf_append(v->out, STR(": "));
        show_text(v->out, state, SHOW_SHORT);
    }
}

static void say_spop(const struct view *v)
{
    put_label(v->out, "SPOP");
    buf_printf(v->out, "%.0f connections", total_of(v, "spop_connections", NULL, ""));
    say_number(v, "spop_inflight", "in flight");
    say_number(v, "waiting", "waiting for others");
}

static void say_saved(const struct view *v)
{
    double prompt = total_of(v, "saved_tokens_total", "kind", "prompt");
    double completion = total_of(v, "saved_tokens_total", "kind", "completion");
    double money = total_of(v, "saved_money_total", NULL, "");

    if (prompt + completion <= 0)
        return;
    put_label(v->out, "saved");
    status_text_count(v->out, prompt);
    buf_append(v->out, STR(" prompt and "));
    status_text_count(v->out, completion);
    buf_append(v->out, STR(" completion tokens"));
    if (money > 0)
        buf_printf(v->out, ", worth %.2f", money);
}

/* The group of that name, a new one when there is none; NULL when there are too many. */
static struct group *group_of(struct group *groups, size_t *count, struct str kind, struct str name)
{
    for (size_t i = 0; i < *count; i++)
        if (str_eq(groups[i].kind, kind) && str_eq(groups[i].name, name))
            return &groups[i];
    if (*count == GROUPS_MAX)
        return NULL;
    groups[*count] = (struct group){.kind = kind, .name = name};
    return &groups[(*count)++];
}

/* Adds what a metric has by the label, or takes it away from the change. The kind is the result,
 * where it has that label; NULL: none. */
static void add_groups(const struct status_doc *doc, const char *metric, const char *kind,
                       const char *label, bool before, struct group *groups, size_t *count)
{
    const struct json_node *list = status_doc_find(doc, doc->metrics, metric);

    if (!list || list->type != JSON_ARRAY)
        return;
    for (const struct json_node *n = json_first(list); n; n = json_next(&doc->doc, list, n)) {
        const struct json_node *labels = status_doc_find(doc, n, "labels");
        const struct json_node *value = status_doc_find(doc, n, "value");
        struct str said = kind ? status_doc_member(doc, labels, "result") : STR("");
        struct group *group = group_of(groups, count, said.len || !kind ? said : str_of(kind),
                                       status_doc_member(doc, labels, label));
        if (!group || !value || value->type != JSON_NUMBER)
            continue;
        double number = strtod(value->text.ptr, NULL);
        group->total += before ? 0 : number;
        group->change += before ? -number : number;
    }
}

static int by_change(const void *a_, const void *b_)
{
    const struct group *a = a_, *b = b_;

    if (a->change != b->change)
        return a->change < b->change ? 1 : -1;
    return (a->total < b->total) - (a->total > b->total);
}

/* A label of foreign names. */
static void put_names(struct buf *out, struct str kind, struct str name)
{
    buf_append_byte(out, '\n');
    size_t begin = out->len;
    buf_append(out, STR("  "));
    show_text(out, kind, 8);
    if (kind.len)
        buf_append_byte(out, ' ');
    show_text(out, name, NAME_COLUMNS - (out->len - begin));
    while (out->len < begin + LABEL && buf_ok(out))
        buf_append_byte(out, ' ');
}

static void say_groups(const struct view *v, struct group *groups, size_t count)
{
    qsort(groups, count, sizeof *groups, by_change);
    for (size_t i = 0; i < count && i < ROWS_MAX; i++) {
        put_names(v->out, groups[i].kind, groups[i].name);
        put_count(v->out, groups[i].total);
        say_share(v, 0, -1);
        put_rate(v, groups[i].change);
    }
}

static void say_reasons(const struct view *v)
{
    static const struct {
        const char *metric, *kind;
    } metrics[] = {{"lookup_reasons_total", "lookup"},
                   {"wait_reasons_total", "wait"},
                   {"refused_total", "refused"}};
    struct group groups[GROUPS_MAX];
    size_t count = 0;

    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
        add_groups(v->now, metrics[i].metric, metrics[i].kind, "reason", false, groups, &count);
        if (v->before)
            add_groups(v->before, metrics[i].metric, metrics[i].kind, "reason", true, groups,
                       &count);
    }
    if (count == 0)
        return;
    put_heading(v->out, "reasons for anything but a hit");
    say_groups(v, groups, count);
}

/* The share of a policy's row is what was answered from the cache. */
static void say_policies(const struct view *v)
{
    struct group groups[GROUPS_MAX];
    size_t count = 0;

    add_groups(v->now, "lookups_total", NULL, "policy", false, groups, &count);
    if (count == 0 || groups[0].name.len == 0)
        return;
    put_heading(v->out, "policies, and what they answer from the cache");
    for (size_t i = 0; i < count && i < ROWS_MAX; i++) {
        const struct status_label labels[] = {{"policy", groups[i].name}, {"result", STR("hit")}};
        double all = change_by(v, "lookups_total", labels, 1);
        double served =
            change_by(v, "lookups_total", labels, 2) + change_by(v, "coalesced_total", labels, 1);
        put_names(v->out, STR(""), groups[i].name);
        put_count(v->out, groups[i].total);
        say_share(v, served, all);
        put_rate(v, all);
    }
}

void status_text(const struct status_doc *now, const struct status_doc *before, struct buf *out)
{
    double seconds = status_doc_number(now, "uptime");

    /* another process */
    if (before && status_doc_number(before, "pid") != status_doc_number(now, "pid"))
        before = NULL;
    if (before)
        seconds = (status_doc_number(now, "time") - status_doc_number(before, "time")) / 1000;
    const struct view v = {now, before, seconds, out};
    say_head(&v);
    say_store(&v);
    say_requests(&v);
    say_latencies(&v);
    buf_append_byte(out, '\n');
    say_memory(&v);
    say_redis(&v);
    say_nodes(&v);
    say_spop(&v);
    say_saved(&v);
    say_policies(&v);
    say_reasons(&v);
    buf_append_byte(out, '\n');
}
