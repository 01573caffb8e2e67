#include "api_read.h"

#include "percent.h"
#include <math.h>
#include <stdlib.h>

enum {
    ANSWERS_MAX = 1 << 20, /* more than any API gives */
    NUMBER_MAX = 63,       /* a longer number is not meant */
    MODELS_MAX = 64,       /* that a request names at once */
};

/* The member, but NULL for one that is null: both say nothing. */
static const struct json_node *find(const struct json_doc *doc, const struct api_place *place)
{
    const struct json_node *node = &doc->nodes[0];

    if (place->object)
        node = json_member(doc, node, str_of(place->object));
    node = node ? json_member(doc, node, str_of(place->name)) : NULL;
    return node && node->type != JSON_NULL ? node : NULL;
}

/* A number's value; NAN when it is none. */
static double value_of(const struct json_node *node)
{
    char text[NUMBER_MAX + 1];

    if (node->type != JSON_NUMBER || node->text.len > NUMBER_MAX)
        return NAN;
    memcpy(text, node->text.ptr, node->text.len);
    text[node->text.len] = '\0';
    return strtod(text, NULL);
}

/* 0: not known. */
static int64_t count_number(const struct json_node *node)
{
    double value = value_of(node);

    if (!(value >= 1 && value <= ANSWERS_MAX))
        return 0;
    return value == (double)(int64_t)value ? (int64_t)value : 0;
}

static int64_t count_elements(const struct json_node *node)
{
    if (node->type == JSON_ARRAY && node->count)
        return json_first(node)->type == JSON_NUMBER ? 1 : node->count;
    return node->type == JSON_STRING ? 1 : 0;
}

int64_t api_answers_wanted(const struct api *api, const struct json_doc *doc)
{
    int64_t answers = api->counts ? 1 : 0;

    for (const struct api_place *place = api->counts; place && place->name; place++) {
        const struct json_node *node = find(doc, place);
        if (node)
            answers *= place->list ? count_elements(node) : count_number(node);
        if (answers > ANSWERS_MAX)
            return 0;
    }
    return answers;
}

enum api_said api_temperature(const struct api *api, const struct json_doc *doc, double *value)
{
    enum api_said said = api->temperatures ? API_NOT_SAID : API_NOT_ASKED;

    *value = NAN;
    for (const struct api_place *place = api->temperatures; place && place->name; place++) {
        const struct json_node *node = find(doc, place);
        if (!node)
            continue;
        *value = said == API_SAID ? NAN : value_of(node);
        said = API_SAID;
    }
    return said;
}

/* What follows the last `mark` in the path, up to the next slash. */
static struct str segment_after(struct str path, struct str mark)
{
    struct str segment = {NULL, 0};

    for (size_t i = 0; i + mark.len <= path.len; i++)
        if (str_starts(str_from(path, i), mark))
            segment = str_from(path, i + mark.len);
    return str_split(&segment, '/');
}

struct str api_model_in_path(const struct api *api, struct str target)
{
    struct str path = api_path(target);
    size_t end = api_path_end(path, api->paths);

    if (!end)
        end = api_path_end(path, api->stream_paths);
    path.len -= end;
    return end && api->model_after ? segment_after(path, str_of(api->model_after))
                                   : (struct str){NULL, 0};
}

struct str api_model_decoded(struct str segment, char out[API_MODEL_MAX])
{
    size_t len = 0;

    while (segment.len && len < API_MODEL_MAX)
        out[len++] = percent_take(&segment);
    return (struct str){out, len};
}

bool api_streams_path(const struct api *api, struct str target)
{
    return api_path_end(api_path(target), api->stream_paths);
}

struct str api_model_in_body(const struct json_doc *doc)
{
    const struct json_node *model = json_member(doc, &doc->nodes[0], STR("model"));

    return model && model->type == JSON_STRING ? model->text : (struct str){NULL, 0};
}

struct str api_model(const struct api *api, const struct json_doc *doc, struct str target)
{
    struct str model = api_model_in_body(doc);

    return model.len ? model : api_model_in_path(api, target);
}

static bool same_letter(char a, char b)
{
    return a == b || ((a ^ b) == 0x20 && (a | 0x20) >= 'a' && (a | 0x20) <= 'z');
}

/* Whether the pattern, in which * is any text, is all of the name. On a difference the last *
 * takes one byte more. */
static bool matches(struct str name, const char *pattern)
{
    const char *star = NULL;
    size_t at = 0, taken = 0;

    while (at < name.len) {
        if (*pattern == '*') {
            star = ++pattern;
            taken = at;
        } else if (*pattern && same_letter(*pattern, name.ptr[at])) {
            pattern++;
            at++;
        } else if (star) {
            pattern = star;
            at = ++taken;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

/* No model's name is so long; to look through one that is takes time. */
static bool is_live(const struct api *api, struct str model)
{
    if (model.len > API_MODEL_MAX)
        return api->live_models;
    for (const char *const *pattern = api->live_models; pattern && *pattern; pattern++)
        if (matches(model, *pattern))
            return true;
    return false;
}

/* Whether one of the models that OpenRouter may take instead is. */
static bool has_live(const struct api *api, const struct json_doc *doc)
{
    const struct json_node *models = json_member(doc, &doc->nodes[0], STR("models"));

    if (models && models->count > MODELS_MAX)
        return api->live_models;
    for (const struct json_node *model = models ? json_first(models) : NULL; model;
         model = json_next(doc, models, model))
        if (model->type == JSON_STRING && is_live(api, model->text))
            return true;
    return false;
}

static bool asks(const struct api *api, const struct json_doc *doc)
{
    for (const char *const *name = api->asks; name && *name; name++) {
        const struct json_node *node = json_member(doc, &doc->nodes[0], str_of(*name));
        if (node && (node->count || node->text.len))
            return true;
    }
    return !api->asks;
}

bool api_bypasses(const struct api *api, const struct json_doc *doc)
{
    return is_live(api, api_model_in_body(doc)) || has_live(api, doc) || !asks(api, doc);
}

bool api_bypasses_path(const struct api *api, struct str target)
{
    return is_live(api, api_model_in_path(api, target));
}
