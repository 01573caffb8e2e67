#include "status_doc.h"

#include <stdio.h>
#include <stdlib.h>

enum { BUCKETS_MAX = 64 };

bool status_doc_read(struct status_doc *doc)
{
    doc->metrics = NULL;
    /* what follows a number in JSON ends it for strtod() as well */
    if (json_read(&doc->doc, buf_str(&doc->text)) == JSON_OK)
        doc->metrics = status_doc_part(doc, "metrics");
    return doc->metrics != NULL;
}

bool status_doc_ask(struct status_doc *doc, const struct door_client *client)
{
    doc->text = buf_new(STATUS_DOC_MAX);
    unsigned status = door_client_ask(client, "GET", STR("/status"), &doc->text);
    if (status != HTTP_OK) {
        door_client_print(client, status, buf_str(&doc->text));
        return false;
    }
    if (status_doc_read(doc))
        return true;
    fprintf(stderr, "spoa-cache %s: what answers there is no agent\n", client->command);
    return false;
}

void status_doc_free(struct status_doc *doc)
{
    buf_free(&doc->text);
    json_free(&doc->doc);
    *doc = (struct status_doc){0};
}

static double number_of(const struct json_node *node)
{
    return node && node->type == JSON_NUMBER ? strtod(node->text.ptr, NULL) : 0;
}

const struct json_node *status_doc_find(const struct status_doc *doc,
                                        const struct json_node *object, const char *name)
{
    return object && object->type == JSON_OBJECT ? json_member(&doc->doc, object, str_of(name))
                                                 : NULL;
}

struct str status_doc_member(const struct status_doc *doc, const struct json_node *part,
                             const char *name)
{
    const struct json_node *node = status_doc_find(doc, part, name);

    return node && node->type == JSON_STRING ? node->text : STR("");
}

struct str status_doc_text(const struct status_doc *doc, const char *name)
{
    return status_doc_member(doc, doc->doc.nodes, name);
}

double status_doc_number(const struct status_doc *doc, const char *name)
{
    return number_of(status_doc_find(doc, doc->doc.nodes, name));
}

const struct json_node *status_doc_part(const struct status_doc *doc, const char *name)
{
    const struct json_node *part = status_doc_find(doc, doc->doc.nodes, name);

    return part && (part->type == JSON_OBJECT || part->type == JSON_ARRAY) ? part : NULL;
}

static bool has_labels(const struct status_doc *doc, const struct json_node *item,
                       const struct status_label *labels, size_t count)
{
    const struct json_node *said = status_doc_find(doc, item, "labels");

    for (size_t i = 0; i < count; i++)
        if (!str_eq(status_doc_member(doc, said, labels[i].name), labels[i].value))
            return false;
    return true;
}

double status_doc_sum(const struct status_doc *doc, const char *metric,
                      const struct status_label *labels, size_t count)
{
    const struct json_node *list = status_doc_find(doc, doc->metrics, metric);
    double sum = 0;

    if (!list || list->type != JSON_ARRAY)
        return count ? 0 : number_of(list);
    for (const struct json_node *n = json_first(list); n; n = json_next(&doc->doc, list, n))
        if (has_labels(doc, n, labels, count))
            sum += number_of(status_doc_find(doc, n, "value"));
    return sum;
}

/* Bounds, and how often each was not passed; the last is all that was counted. */
struct spread {
    size_t count;
    double bounds[BUCKETS_MAX], counts[BUCKETS_MAX + 1];
};

static void read_spread(const struct status_doc *doc, const char *metric, struct spread *out)
{
    const struct json_node *histogram = status_doc_find(doc, doc->metrics, metric);
    const struct json_node *list = status_doc_find(doc, histogram, "buckets");

    *out = (struct spread){0};
    if (!list || list->type != JSON_ARRAY)
        return;
    for (const struct json_node *n = json_first(list); n; n = json_next(&doc->doc, list, n)) {
        if (n->type != JSON_ARRAY || n->count != 2 || out->count == BUCKETS_MAX)
            break;
        out->bounds[out->count] = number_of(json_first(n));
        out->counts[out->count++] = number_of(json_next(&doc->doc, n, json_first(n)));
    }
    out->counts[out->count] = number_of(status_doc_find(doc, histogram, "count"));
}

static void subtract(struct spread *s, const struct spread *before)
{
    for (size_t i = 0; i <= s->count && before->count == s->count; i++)
        s->counts[i] -= before->counts[i];
}

double status_doc_quantile(const struct status_doc *now, const struct status_doc *before,
                           const char *metric, double q)
{
    struct spread s, old;
    double low = 0, below = 0;

    read_spread(now, metric, &s);
    if (before) {
        read_spread(before, metric, &old);
        subtract(&s, &old);
    }
    double wanted = q * s.counts[s.count];
    if (s.counts[s.count] <= 0)
        return -1;
    for (size_t i = 0; i < s.count; i++) {
        if (s.counts[i] >= wanted)
            return low + (s.bounds[i] - low) * (wanted - below) / (s.counts[i] - below);
        low = s.bounds[i];
        below = s.counts[i];
    }
    return low; /* above the last bound */
}
