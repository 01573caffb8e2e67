/* What is known of the fields of LLM requests, as tables: which objects are envelopes, whose
 * members may stand in any order. Everything else keeps the order it came in, since a model
 * sees it (a JSON schema, the parameters of a tool). */
#ifndef CORE_API_H
#define CORE_API_H

#include "str.h"

/* An object whose members may be sorted, and what is known of its members. */
struct api_object {
    const struct api_field *fields; /* ended by one without a name */
};

struct api_field {
    const char *name;
    /* what the value is, when it is an object or an array of objects: an envelope too, or NULL */
    const struct api_object *object;
};

/* The envelope of a request to any LLM API. */
extern const struct api_object api_request;

/* What is known of the member `name` of an envelope, or NULL. `object` may be NULL. */
const struct api_field *api_field(const struct api_object *object, struct str name);

#endif
