#include "json_diff.h"

void json_diff_begin(struct json_diff *diff, const struct json_doc *first,
                     const struct json_doc *second)
{
    json_walk_begin(&diff->first, first);
    json_walk_begin(&diff->second, second);
    diff->found = JSON_SAME;
}

/* Passes over what was found last. */
static void pass(struct json_diff *diff)
{
    if (diff->found == JSON_ORDER) {
        json_walk_leave(&diff->first);
        json_walk_leave(&diff->second);
        return;
    }
    if (diff->found == JSON_VALUE || diff->found == JSON_ONLY_FIRST)
        json_walk_skip(&diff->first);
    if (diff->found == JSON_VALUE || diff->found == JSON_ONLY_SECOND)
        json_walk_skip(&diff->second);
}

static bool has_sibling(const struct json_walk *walk, struct str name)
{
    return json_member(walk->doc, walk->path[walk->depth - 1].parent, name);
}

/* Both are in one array or object, or one has left it and the other has not. */
static enum json_difference compare(const struct json_walk *a, const struct json_walk *b)
{
    if (!b->node || a->depth > b->depth)
        return JSON_ONLY_FIRST;
    if (!a->node || b->depth > a->depth)
        return JSON_ONLY_SECOND;
    if (!str_eq(a->node->name, b->node->name)) {
        if (!has_sibling(b, a->node->name))
            return JSON_ONLY_FIRST;
        return has_sibling(a, b->node->name) ? JSON_ORDER : JSON_ONLY_SECOND;
    }
    return a->node->type == b->node->type && str_eq(a->node->text, b->node->text) ? JSON_SAME
                                                                                  : JSON_VALUE;
}

enum json_difference json_diff_next(struct json_diff *diff)
{
    pass(diff);
    diff->found = JSON_SAME;
    while (diff->first.node || diff->second.node) {
        diff->found = compare(&diff->first, &diff->second);
        if (diff->found)
            break;
        json_walk_next(&diff->first);
        json_walk_next(&diff->second);
    }
    return diff->found;
}
