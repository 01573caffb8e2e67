#include "json_walk.h"

#include "show.h"

void json_walk_begin(struct json_walk *walk, const struct json_doc *doc)
{
    walk->doc = doc;
    walk->node = &doc->nodes[0];
    walk->depth = 0;
}

/* Goes to the node at an index, which follows all that was visited. */
static void go(struct json_walk *walk, uint32_t to)
{
    while (walk->depth && to >= walk->path[walk->depth - 1].parent->next)
        walk->depth--;
    walk->node = walk->depth ? &walk->doc->nodes[to] : NULL;
    if (walk->depth)
        walk->path[walk->depth - 1].index++;
}

void json_walk_next(struct json_walk *walk)
{
    if (walk->node->count == 0) {
        json_walk_skip(walk);
        return;
    }
    walk->path[walk->depth++] = (struct json_step){walk->node, 0};
    walk->node++;
}

void json_walk_skip(struct json_walk *walk)
{
    go(walk, walk->node->next);
}

void json_walk_leave(struct json_walk *walk)
{
    go(walk, walk->path[walk->depth - 1].parent->next);
}

static bool is_plain(struct str name)
{
    return str_made_of(name, "_-") && name.len <= SHOW_SHORT;
}

void json_walk_path(const struct json_walk *walk, struct buf *out)
{
    if (walk->depth == 0 || walk->path[0].parent->type == JSON_ARRAY)
        buf_append_byte(out, '$');
    for (size_t i = 0; i < walk->depth; i++) {
        const struct json_step *step = &walk->path[i];
        const struct json_node *child = i + 1 < walk->depth ? step[1].parent : walk->node;
        if (step->parent->type == JSON_ARRAY)
            buf_printf(out, "[%u]", step->index);
        else if (is_plain(child->name))
            buf_printf(out, "%s%.*s", i ? "." : "", STR_ARGS(child->name));
        else {
            buf_append_byte(out, '[');
            show_quoted(out, child->name, SHOW_SHORT);
            buf_append_byte(out, ']');
        }
    }
}
