#include "canonical.h"

#include "json_names.h"
#include "json_write.h"
#include "number.h"

/* An array or object that is being written. */
struct frame {
    const struct json_node *node;
    const struct api_object *envelope; /* what the object, or the array's elements, are */
    uint32_t child;                    /* the next child: its node, or its place in doc->order */
    uint32_t left;                     /* children not yet written */
    bool listed;                       /* those to write stand in doc->order */
    bool begun;                        /* one is written */
    bool text;                         /* strings in it may be API_TEXT */
};

struct writer {
    struct buf *out;
    struct json_doc *doc;
    struct normalizer *normalizer; /* of texts; or NULL */
    struct buf text;               /* a text, normalised */
    uint8_t *notes;                /* enum canonical_note of each node; or NULL: nobody asks */
    size_t depth;
    uint32_t ordered;   /* how much of doc->order is taken */
    enum reason reason; /* why the document has no form */
    struct frame stack[JSON_MAX_DEPTH];
};

static void write_text(struct writer *w, struct str text)
{
    if (normalize_text(w->normalizer, text, &w->text))
        json_write_string(w->out, buf_str(&w->text));
    else
        w->reason = REASON_NORMALIZE;
}

static bool is_absent(const struct api_object *envelope, const struct api_field *field,
                      const struct json_node *value)
{
    switch (value->type) {
    case JSON_NULL:
        return envelope->null_is_absent;
    case JSON_FALSE:
        return field->flags & API_FALSE_IS_ABSENT;
    case JSON_NUMBER:
        return (field->flags & API_ONE_IS_ABSENT) && str_eq(value->text, STR("1"));
    default:
        return false;
    }
}

static bool is_zero(struct str number)
{
    for (size_t i = 0; i < number.len && number.ptr[i] != 'e' && number.ptr[i] != 'E'; i++)
        if (number.ptr[i] >= '1' && number.ptr[i] <= '9')
            return false;
    return true;
}

static bool has_prefix(const char *const *prefixes, struct str text)
{
    while (*prefixes && !str_starts(text, str_of(*prefixes)))
        prefixes++;
    return *prefixes;
}

static bool is_one_of(const char *const *words, struct str text)
{
    while (*words && !str_eq(text, str_of(*words)))
        words++;
    return *words;
}

/* Whether the member is a "type" of what the provider does itself. */
static bool is_bypass_type(const struct api_object *envelope, const struct json_node *member)
{
    const char *const *bypass = envelope->bypass_types, *const *own = envelope->own_types;

    if ((!bypass && !own) || member->type != JSON_STRING || !str_eq(member->name, STR("type")))
        return false;
    return (bypass && has_prefix(bypass, member->text)) || (own && !is_one_of(own, member->text));
}

/* What a member of an envelope is, with its value, to the key. */
static enum api_class member_class(const struct api_object *envelope,
                                   const struct json_node *member)
{
    const struct api_field *field = api_field(envelope, member->name);

    if (is_bypass_type(envelope, member))
        return API_BYPASS;
    if (!field)
        return envelope->only_fields ? API_BYPASS : API_KEY;
    if (is_absent(envelope, field, member))
        return API_DROP;
    if ((field->flags & API_IF_NOT_FALSE) && member->type == JSON_FALSE)
        return API_KEY;
    if ((field->flags & API_ZERO_BYPASSES) && member->type == JSON_NUMBER && is_zero(member->text))
        return API_BYPASS;
    return field->class;
}

/* Whether none of the members that say what the object is says it. */
static bool says_nothing(const struct json_doc *doc, const struct json_node *object,
                         const struct api_object *envelope)
{
    const char *const *name = envelope->told_by;

    for (; name && *name; name++) {
        const struct json_node *member = json_member(doc, object, str_of(*name));
        if (member && member->type != JSON_NULL)
            return false;
    }
    return name;
}

/* An element of an array. */
static enum api_class element_class(const struct json_node *nodes,
                                    const struct api_object *envelope,
                                    const struct json_node *element)
{
    const struct json_node *member = element + 1;

    if (element->type != JSON_OBJECT || element->count == 0)
        return API_KEY;
    for (uint32_t i = 0; i < element->count; i++, member = &nodes[member->next])
        if (member_class(envelope, member) != API_DROP)
            return API_KEY;
    return API_DROP;
}

static void note(struct writer *w, const struct json_node *node, enum canonical_note what)
{
    if (w->notes)
        w->notes[node - w->doc->nodes] = (uint8_t)what;
}

static void refuse(struct writer *w, const struct json_node *node, enum canonical_note why)
{
    w->reason = REASON_FIELD;
    note(w, node, why);
}

/* To some parsers names that differ in case alone are one name, and the last wins. */
static void sort_members(struct writer *w, const struct json_node *object, uint32_t *order)
{
    enum json_error error = json_names_sort(w->doc->nodes, order, object->count, true);

    if (error == JSON_DUPLICATE)
        refuse(w, object, NOTE_TWINS);
    else if (error)
        w->reason = REASON_INTERNAL;
}

static enum canonical_note note_of(const struct frame *f, const struct json_node *child,
                                   enum api_class class)
{
    const struct api_field *field = api_field(f->envelope, child->name);

    if (class != API_KEY)
        return class == API_DROP ? NOTE_DROP : NOTE_BYPASS;
    if (f->node->type == JSON_ARRAY)
        return NOTE_NONE;
    if (!field)
        return NOTE_UNKNOWN;
    return child->count && !field->object ? NOTE_ORDERED : NOTE_KEY;
}

/* Puts the children that are written into doc->order behind those of other frames: there is room
 * for every node, and a node is the child of one at most. */
static void list_children(struct writer *w, struct frame *f)
{
    const struct json_node *nodes = w->doc->nodes;
    uint32_t *order = w->doc->order + w->ordered, child = f->child;
    bool object = f->node->type == JSON_OBJECT;

    if (object && f->envelope->keep_order)
        note(w, f->node, NOTE_ORDERED);
    for (uint32_t i = 0; i < f->node->count; i++, child = nodes[child].next)
        order[i] = child;
    if (object && !f->envelope->keep_order)
        sort_members(w, f->node, order);
    if (object && says_nothing(w->doc, f->node, f->envelope))
        refuse(w, f->node, NOTE_BYPASS);
    f->left = 0;
    for (uint32_t i = 0; i < f->node->count; i++) {
        enum api_class class = object ? member_class(f->envelope, &nodes[order[i]])
                                      : element_class(nodes, f->envelope, &nodes[order[i]]);
        if (w->notes)
            note(w, &nodes[order[i]], note_of(f, &nodes[order[i]], class));
        if (class == API_BYPASS)
            w->reason = REASON_FIELD;
        if (class == API_KEY)
            order[f->left++] = order[i];
    }
    f->listed = true;
    f->child = w->ordered;
    w->ordered += f->left;
}

/* Whether the object is a message in which a tool speaks. */
static bool is_of_tool(const struct json_doc *doc, const struct json_node *node,
                       const struct api_object *envelope)
{
    if (node->type != JSON_OBJECT || !envelope || !envelope->tool_roles)
        return false;
    const struct json_node *role = json_member(doc, node, STR("role"));
    for (const char *const *name = envelope->tool_roles; role && *name; name++)
        if (str_eq(role->text, str_of(*name)))
            return true;
    return false;
}

static void open_container(struct writer *w, const struct json_node *node,
                           const struct api_object *envelope, bool text)
{
    struct frame *f = &w->stack[w->depth++];

    *f = (struct frame){.node = node, .envelope = envelope, .left = node->count};
    f->text = text && !is_of_tool(w->doc, node, envelope);
    f->child = (uint32_t)(node - w->doc->nodes) + 1;
    if (envelope && (node->type == JSON_OBJECT || envelope->empty_is_absent))
        list_children(w, f);
    buf_append_byte(w->out, node->type == JSON_OBJECT ? '{' : '[');
}

static void close_container(struct writer *w)
{
    const struct frame *f = &w->stack[--w->depth];

    buf_append_byte(w->out, f->node->type == JSON_OBJECT ? '}' : ']');
}

/* `text`: it is API_TEXT, and there is a normalizer. */
static void write_value(struct writer *w, const struct json_node *node,
                        const struct api_object *envelope, bool text)
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
        if (text)
            write_text(w, node->text);
        else
            json_write_string(w->out, node->text);
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        open_container(w, node, envelope, text);
        break;
    }
}

/* The text of an array that is one text part and nothing more; or NULL. */
static const struct json_node *only_text(const struct json_doc *doc, const struct json_node *array,
                                         const struct api_object *part)
{
    const struct json_node *object = array + 1, *member = array + 2, *text = NULL;
    bool typed = false;

    if (array->type != JSON_ARRAY || array->count != 1 || object->type != JSON_OBJECT)
        return NULL;
    for (uint32_t i = 0; i < object->count; i++, member = &doc->nodes[member->next]) {
        if (member->type == JSON_STRING && str_eq(member->name, STR("text")))
            text = member;
        else if (member->type == JSON_STRING && str_eq(member->name, STR("type")) &&
                 str_eq(member->text, STR("text")))
            typed = true;
        else if (member_class(part, member) != API_DROP)
            return NULL;
    }
    return typed ? text : NULL;
}

/* A member of an envelope, as its table has it. */
static void write_known(struct writer *w, const struct json_node *value,
                        const struct api_object *envelope, const struct api_field *field, bool text)
{
    const char *text_parts = envelope->text_parts;
    const struct json_node *only = NULL;

    if (text_parts && field->object && str_eq(str_of(text_parts), value->name))
        only = only_text(w->doc, value, field->object);
    if (only)
        write_value(w, only, NULL, text);
    else if ((field->flags & API_BY_VALUE) && value->type == JSON_NUMBER)
        number_write(w->out, value->text);
    else
        write_value(w, value, field->object, text);
}

static void write_member(struct writer *w, const struct json_node *member,
                         const struct api_object *envelope, bool text)
{
    bool plain = !envelope || (member->type == JSON_STRING && !text);
    const struct api_field *field = plain ? NULL : api_field(envelope, member->name);

    json_write_string(w->out, member->name);
    buf_append_byte(w->out, ':');
    if (field)
        write_known(w, member, envelope, field, text && (field->flags & API_TEXT));
    else
        write_value(w, member, NULL, false);
}

static const struct json_node *next_child(const struct json_doc *doc, struct frame *f)
{
    const struct json_node *child;

    f->left--;
    if (f->listed)
        return &doc->nodes[doc->order[f->child++]];
    child = &doc->nodes[f->child];
    f->child = child->next;
    return child;
}

static void write_child(struct writer *w, struct frame *f)
{
    const struct json_node *child = next_child(w->doc, f);

    if (f->begun)
        buf_append_byte(w->out, ',');
    f->begun = true;
    if (f->node->type == JSON_OBJECT)
        write_member(w, child, f->envelope, f->text);
    else if (child->type != JSON_ARRAY)
        write_value(w, child, f->envelope, f->text);
    else /* an array in an array is nothing that any API knows */
        write_value(w, child, NULL, false);
}

enum reason canonical_annotate(struct buf *out, struct json_doc *doc,
                               const struct api_object *envelope, struct normalizer *normalizer,
                               uint8_t *notes)
{
    struct writer w; /* large; its stack is filled as it grows */

    if (doc->count == 0)
        return REASON_INTERNAL;
    w.out = out;
    w.doc = doc;
    w.normalizer = normalizer;
    w.text = buf_new(out->max);
    w.notes = notes;
    w.depth = 0;
    w.ordered = 0;
    w.reason = REASON_NONE;
    if (normalizer) {
        normalizer_begin(normalizer);
        buf_append(out, normalizer_identity(normalizer));
    }
    write_value(&w, &doc->nodes[0], envelope, normalizer && doc->nodes[0].type == JSON_OBJECT);
    while (w.depth && (w.reason == REASON_NONE || notes)) {
        struct frame *f = &w.stack[w.depth - 1];
        if (f->left)
            write_child(&w, f);
        else
            close_container(&w);
    }
    buf_free(&w.text);
    return w.reason == REASON_NONE && !buf_ok(out) ? REASON_INTERNAL : w.reason;
}

enum reason canonical_write(struct buf *out, struct json_doc *doc,
                            const struct api_object *envelope, struct normalizer *normalizer)
{
    return canonical_annotate(out, doc, envelope, normalizer, NULL);
}
