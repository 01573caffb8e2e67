/* The members of an object in the order of their names, and whether two names are the same. The
 * time it takes is linear in the bytes of the names, whatever they are. */
#ifndef CORE_JSON_NAMES_H
#define CORE_JSON_NAMES_H

#include "json.h"

/* Sorts order[0 .. count), which are indexes of members in `nodes`, by the bytes of their names, a
 * prefix before what it begins. `fold`: capital ASCII letters are as small ones, for the order and
 * for what is the same. JSON_DUPLICATE: two names are the same; JSON_MEMORY. */
__attribute__((warn_unused_result)) enum json_error
json_names_sort(const struct json_node *nodes, uint32_t *order, uint32_t count, bool fold);

#endif
