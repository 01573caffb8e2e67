/* What a request to an LLM API says beside its key, where the API's row in api.c tells to look. A
 * request here is a document whose root is an object. */
#ifndef CORE_API_READ_H
#define CORE_API_READ_H

#include "api.h"
#include "json.h"
#include <stdint.h>

/* How many answers, or vectors, the request asks for; 0: not known. */
int64_t api_answers_wanted(const struct api *api, const struct json_doc *doc);

enum api_said {
    API_NOT_ASKED, /* the API has none */
    API_NOT_SAID,  /* the model's own holds */
    API_SAID,
};

/* Reads the temperature. *value is NAN, which no limit lets pass, unless exactly one number is
 * said. */
enum api_said api_temperature(const struct api *api, const struct json_doc *doc, double *value);

/* The model: what the body calls it, else what the path does, as it is written there (percent-
 * encoded, say); empty when neither does. Borrowed from the document or from `target`. */
struct str api_model(const struct api *api, const struct json_doc *doc, struct str target);

/* The model that the body names, or empty. */
struct str api_model_in_body(const struct json_doc *doc);

/* The model that the path names (Gemini, Bedrock, Azure's deployments), or empty. */
struct str api_model_in_path(const struct api *api, struct str target);

/* Longer than any name in a configuration: a name that is cut there is found as the whole one. */
enum { API_MODEL_MAX = 256 };

/* A model's name from a path as the server reads it, %XX decoded once and in `out`; cut when it is
 * longer. */
struct str api_model_decoded(struct str segment, char out[API_MODEL_MAX]);

/* Whether the answer depends on more than the request, or the request asks for no answer, judged
 * by what no field says alone: its models, and what it asks. */
bool api_bypasses(const struct api *api, const struct json_doc *doc);

/* The same, by the model in the path. */
bool api_bypasses_path(const struct api *api, struct str target);

/* Whether the path asks for a stream, whatever the body says. */
bool api_streams_path(const struct api *api, struct str target);

#endif
