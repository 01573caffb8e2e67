#include "canonical.h"

#include "json_scan.h"
#include <stdlib.h>

/* An array or object that is being written. */
struct frame {
    const struct json_node *node;
    const struct api_object *envelope; /* what the object, or the array's elements, are */
    uint32_t child;                    /* the next child: its node, or its place in doc->order */
    uint32_t left;                     /* children not yet written */
};

struct writer {
    struct buf *out;
    struct json_doc *doc;
    size_t depth;
    uint32_t ordered; /* how much of doc->order is taken */
    struct frame stack[JSON_MAX_DEPTH];
};

static bool is_sorted(const struct frame *f)
{
    return f->envelope && f->node->type == JSON_OBJECT;
}

static void write_escape(struct buf *out, char c)
{
    static const char digits[] = "0123456789abcdef";

    if ((uint8_t)c >= 0x20)
        buf_append(out, (struct str){(char[]){'\\', c}, 2});
    else
        buf_append(out,
                   (struct str){(char[]){'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]}, 6});
}

static void write_string(struct buf *out, struct str s)
{
    const char *at = s.ptr, *end = s.ptr + s.len;

    buf_append_byte(out, '"');
    for (;;) {
        const char *stop = json_scan(at, end, false);
        buf_append(out, (struct str){at, (size_t)(stop - at)});
        if (stop == end)
            break;
        write_escape(out, *stop);
        at = stop + 1;
    }
    buf_append_byte(out, '"');
}

static int compare_names(const void *a, const void *b, void *nodes_)
{
    const struct json_node *nodes = nodes_;

    uint32_t first = *(const uint32_t *)a, second = *(const uint32_t *)b;
    int order = str_cmp_nocase(nodes[first].name, nodes[second].name);

    /* names that differ in case alone keep their order: to some parsers they are one name */
    return order ? order : (first > second) - (first < second);
}

/* Puts the members of the frame's object into doc->order, sorted, behind those of other objects:
 * there is room for every node, and a node is a member of one object at most. */
static void sort_members(struct writer *w, struct frame *f)
{
    const struct json_node *nodes = w->doc->nodes;
    uint32_t *order = w->doc->order + w->ordered, count = f->node->count;
    uint32_t child = f->child;

    for (uint32_t i = 0; i < count; i++, child = nodes[child].next)
        order[i] = child;
    qsort_r(order, count, sizeof *order, compare_names, w->doc->nodes);
    f->child = w->ordered;
    w->ordered += count;
}

static void open_container(struct writer *w, const struct json_node *node,
                           const struct api_object *envelope)
{
    struct frame *f = &w->stack[w->depth++];

    *f = (struct frame){.node = node, .envelope = envelope, .left = node->count};
    f->child = (uint32_t)(node - w->doc->nodes) + 1;
    if (is_sorted(f))
        sort_members(w, f);
    buf_append_byte(w->out, node->type == JSON_OBJECT ? '{' : '[');
}

static void close_container(struct writer *w)
{
    const struct frame *f = &w->stack[--w->depth];

    buf_append_byte(w->out, f->node->type == JSON_OBJECT ? '}' : ']');
}

static void write_value(struct writer *w, const struct json_node *node,
                        const struct api_object *envelope)
{
    switch (node->type) {
    case JSON_NULL:
        buf_append(w->out, STR("null"));
        break;
    case JSON_FALSE:
        buf_append(w->out, STR("false"));
        break;
    case JSON_TRUE:
        buf_append(w->out, STR("true"));
        break;
    case JSON_NUMBER:
        buf_append(w->out, node->text);
        break;
    case JSON_STRING:
        write_string(w->out, node->text);
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        open_container(w, node, envelope);
        break;
    }
}

/* What is known of a child. An array in an array is nothing any API knows. */
static const struct api_object *child_envelope(const struct frame *f, const struct json_node *child)
{
    if (!f->envelope || child->type < JSON_ARRAY)
        return NULL;
    if (f->node->type == JSON_ARRAY)
        return child->type == JSON_OBJECT ? f->envelope : NULL;
    const struct api_field *field = api_field(f->envelope, child->name);
    return field ? field->object : NULL;
}

static const struct json_node *next_child(const struct json_doc *doc, struct frame *f)
{
    const struct json_node *child;

    f->left--;
    if (is_sorted(f))
        return &doc->nodes[doc->order[f->child++]];
    child = &doc->nodes[f->child];
    f->child = child->next;
    return child;
}

static void write_child(struct writer *w, struct frame *f)
{
    bool first = f->left == f->node->count;
    const struct json_node *child = next_child(w->doc, f);

    if (!first)
        buf_append_byte(w->out, ',');
    if (f->node->type == JSON_OBJECT) {
        write_string(w->out, child->name);
        buf_append_byte(w->out, ':');
    }
    write_value(w, child, child_envelope(f, child));
}

void canonical_write(struct buf *out, struct json_doc *doc, const struct api_object *envelope)
{
    struct writer w; /* large; its stack is filled as it grows */

    if (doc->count == 0) {
        out->failed = true;
        return;
    }
    w.out = out;
    w.doc = doc;
    w.depth = 0;
    w.ordered = 0;
    write_value(&w, &doc->nodes[0], envelope);
    while (w.depth) {
        struct frame *f = &w.stack[w.depth - 1];
        if (f->left)
            write_child(&w, f);
        else
            close_container(&w);
    }
}
