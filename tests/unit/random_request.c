#include "random_request.h"

#include "spelling.h"
#include "unit.h"
#include <stdio.h>

enum { DEEPEST = 6, FIELDS = 6 };

static struct request_value *add_child(struct random_request *r, struct request_value *parent)
{
    struct request_value *v = &r->values[r->count];

    ck_assert(r->count < REQUEST_VALUES && parent->count < REQUEST_CHILDREN);
    *v = (struct request_value){.type = JSON_NULL};
    parent->children[parent->count++] = r->count++;
    return v;
}

/* Strings, numbers and names that nobody knows are never the same twice: moving one is a change. */
static void fill_string(struct random_request *r, struct request_value *v)
{
    static const char *const pieces[] = {"a",
                                         "B",
                                         " ",
                                         "\"",
                                         "\\",
                                         "/",
                                         "\n",
                                         "\x01",
                                         ",",
                                         "\xc3\xa9",
                                         "\xe2\x82\xac",
                                         "u00e9",
                                         "\x7f",
                                         "{",
                                         "\t",
                                         "\xf0\x9f\x98\x80"};
    struct buf text = buf_new(sizeof v->text - 1);

    v->type = JSON_STRING;
    buf_printf(&text, "w%u", r->serial++);
    for (uint32_t n = random_below(8); n > 0; n--)
        buf_append(&text, str_of(pieces[random_below(sizeof pieces / sizeof *pieces)]));
    ck_assert(buf_ok(&text));
    memcpy(v->text, text.ptr, text.len);
    buf_free(&text);
}

static void fill_number(struct random_request *r, struct request_value *v)
{
    static const char *const ends[] = {"", ".5", ".25", "0", "0.03"};

    v->type = JSON_NUMBER;
    snprintf(v->text, sizeof v->text, "%s1%u%s", random_below(4) ? "" : "-", r->serial++,
             ends[random_below(5)]);
}

static void fill_unknown_name(struct random_request *r, struct request_value *v)
{
    snprintf(v->name, sizeof v->name, "x%u%s", r->serial++, random_below(4) ? "" : "\xc3\xa9\"\n");
}

static void fill_scalar(struct random_request *r, struct request_value *v)
{
    uint32_t kind = random_below(3);

    if (kind == 0)
        fill_string(r, v);
    else if (kind == 1)
        fill_number(r, v);
    else
        v->type = (enum json_type[]){JSON_NULL, JSON_FALSE, JSON_TRUE}[random_below(3)];
}

/* A value of which nothing is known. */
static void fill_any(struct random_request *r, struct request_value *v, int depth)
{
    if (depth >= DEEPEST || r->count >= REQUEST_VALUES / 2 || random_below(4)) {
        fill_scalar(r, v);
        return;
    }
    v->type = random_below(2) ? JSON_ARRAY : JSON_OBJECT;
    for (uint32_t n = random_below(5); n > 0; n--) {
        struct request_value *child = add_child(r, v);
        if (v->type == JSON_OBJECT)
            fill_unknown_name(r, child);
        fill_any(r, child, depth + 1);
    }
}

static bool is_absent(const struct api_object *envelope, const struct api_field *field,
                      const struct request_value *v)
{
    return (v->type == JSON_NULL && envelope->null_is_absent) ||
           (v->type == JSON_FALSE && (field->flags & API_FALSE_IS_ABSENT)) ||
           (v->type == JSON_NUMBER && (field->flags & API_ONE_IS_ABSENT) && v->text[1] == '\0');
}

static void fill_envelope(struct random_request *r, struct request_value *v,
                          const struct api_object *envelope, int depth);

/* Whether the table may ask for the member: one of those that have to be there, or "type". */
static bool is_asked_for(const struct api_object *envelope, const struct api_field *field)
{
    return (envelope->told_by && strcmp(field->name, envelope->told_by[0]) == 0) ||
           (envelope->own_types && strcmp(field->name, "type") == 0);
}

/* A value that is as the table asks. */
static void fill_asked_for(struct random_request *r, struct request_value *v,
                           const struct api_object *envelope)
{
    fill_string(r, v);
    if (envelope->own_types)
        strcpy(v->text, envelope->own_types[0]);
}

static void fill_known(struct random_request *r, struct request_value *v,
                       const struct api_object *envelope, const struct api_field *field, int depth)
{
    if (is_asked_for(envelope, field)) {
        fill_asked_for(r, v, envelope);
    } else if (field->class == API_BYPASS) {
        v->type = JSON_FALSE;
    } else if (field->flags & API_BY_VALUE) {
        fill_number(r, v);
        v->by_value = true;
    } else if ((field->flags & API_ONE_IS_ABSENT) && random_below(2)) {
        v->type = JSON_NUMBER;
        strcpy(v->text, "1");
    } else if (field->object && depth < DEEPEST && random_below(4)) {
        v->envelope = field->object;
        v->type = JSON_ARRAY;
        for (uint32_t n = random_below(4); n > 0; n--)
            fill_envelope(r, add_child(r, v), field->object, depth + 1);
        if (random_below(2))
            fill_envelope(r, v, field->object, depth);
    } else if (field->object) {
        fill_scalar(r, v);
    } else {
        fill_any(r, v, depth);
    }
}

static void add_known(struct random_request *r, struct request_value *v,
                      const struct api_field *field, int depth)
{
    const struct api_object *envelope = v->envelope;
    struct request_value *member;

    if (field->class == API_BYPASS && !(field->flags & API_IF_NOT_FALSE))
        return;
    member = add_child(r, v);
    fill_known(r, member, envelope, field, depth + 1);
    ck_assert(strlen(field->name) < sizeof member->name);
    strcpy(member->name, field->name);
    member->known = true;
    member->dropped = field->class == API_DROP || is_absent(envelope, field, member);
}

/* Some members that the table names, and at least one that it does not if it may. */
static void fill_envelope(struct random_request *r, struct request_value *v,
                          const struct api_object *envelope, int depth)
{
    uint32_t known = 0;

    v->type = JSON_OBJECT;
    v->envelope = envelope;
    v->count = 0;
    for (const struct api_field *field = envelope->fields; field->name; field++)
        known++;
    for (const struct api_field *field = envelope->fields; field->name; field++)
        if (is_asked_for(envelope, field) ||
            (random_below(known) < FIELDS && v->count < REQUEST_CHILDREN - 4 &&
             r->count < REQUEST_VALUES * 3 / 4))
            add_known(r, v, field, depth);
    for (uint32_t n = envelope->only_fields ? 0 : 1 + random_below(2); n > 0; n--) {
        struct request_value *member = add_child(r, v);
        fill_unknown_name(r, member);
        fill_any(r, member, depth + 1);
    }
}

void request_random(struct random_request *r, const struct api *api)
{
    r->count = 1;
    r->values[0] = (struct request_value){.type = JSON_OBJECT};
    fill_envelope(r, &r->values[0], api->request, 0);
}

static bool is_sorted(const struct request_value *v)
{
    return v->type == JSON_OBJECT && v->envelope && !v->envelope->keep_order;
}

static void write_number(const struct request_value *v, struct buf *out)
{
    static const char *const whole[] = {"", ".0", "e0", ".00E+0"}, *const broken[] = {"", "0",
                                                                                      "E-0"};

    buf_append(out, str_of(v->text));
    if (v->by_value && strchr(v->text, '.'))
        buf_append(out, str_of(broken[random_below(3)]));
    else if (v->by_value)
        buf_append(out, str_of(whole[random_below(4)]));
}

static void write_value(const struct random_request *r, const struct request_value *v,
                        struct buf *out);

static void write_children(const struct random_request *r, const struct request_value *v,
                           struct buf *out)
{
    uint32_t chosen[REQUEST_CHILDREN], count = 0;

    for (uint32_t i = 0; i < v->count; i++) {
        if (r->values[v->children[i]].dropped && random_below(2))
            continue;
        uint32_t to = is_sorted(v) ? random_below(count + 1) : count;
        memmove(chosen + to + 1, chosen + to, (count++ - to) * sizeof *chosen);
        chosen[to] = v->children[i];
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct request_value *child = &r->values[chosen[i]];
        if (i)
            buf_append_byte(out, ',');
        spell_space(out);
        if (v->type == JSON_OBJECT) {
            spell_string(out, str_of(child->name));
            spell_space(out);
            buf_append_byte(out, ':');
            spell_space(out);
        }
        write_value(r, child, out);
        spell_space(out);
    }
}

static void write_value(const struct random_request *r, const struct request_value *v,
                        struct buf *out)
{
    switch (v->type) {
    case JSON_NULL:
        buf_append(out, STR("null"));
        break;
    case JSON_FALSE:
        buf_append(out, STR("false"));
        break;
    case JSON_TRUE:
        buf_append(out, STR("true"));
        break;
    case JSON_NUMBER:
        write_number(v, out);
        break;
    case JSON_STRING:
        spell_string(out, str_of(v->text));
        break;
    case JSON_ARRAY:
    case JSON_OBJECT:
        buf_append_byte(out, v->type == JSON_ARRAY ? '[' : '{');
        write_children(r, v, out);
        buf_append_byte(out, v->type == JSON_ARRAY ? ']' : '}');
        break;
    }
}

void request_write(const struct random_request *r, struct buf *out)
{
    spell_space(out);
    write_value(r, &r->values[0], out);
    spell_space(out);
}

/* Appends the index of a value and of all in it that means something. */
static void list_meaning(const struct random_request *r, uint32_t index, uint32_t *list,
                         uint32_t *count)
{
    const struct request_value *v = &r->values[index];

    if (v->dropped)
        return;
    list[(*count)++] = index;
    for (uint32_t i = 0; i < v->count; i++)
        list_meaning(r, v->children[i], list, count);
}

static bool change_character(struct request_value *v)
{
    static const char others[] = "aA b~\"";
    size_t len = strlen(v->text), at = random_below((uint32_t)len);
    char other = others[random_below(sizeof others - 1)];

    if (random_below(4) == 0) {
        v->text[len] = other;
        return true;
    }
    if ((v->text[at] & 0x80) || v->text[at] == other)
        return false;
    v->text[at] = other;
    return true;
}

static bool change_digit(struct request_value *v)
{
    char *digit = &v->text[random_below((uint32_t)strlen(v->text))];
    char other = (char)('1' + random_below(9));

    if (*digit < '0' || *digit > '9' || *digit == other)
        return false;
    *digit = other;
    return true;
}

static bool change_literal(struct request_value *v)
{
    enum json_type other = (enum json_type[]){JSON_NULL, JSON_FALSE, JSON_TRUE}[random_below(3)];

    if (v->type == other)
        return false;
    v->type = other;
    return true;
}

/* Moves the last child, which is a new one, to any place. */
static void move_last(struct request_value *v)
{
    uint32_t to = random_below(v->count), last = v->children[v->count - 1];

    memmove(v->children + to + 1, v->children + to, (v->count - 1 - to) * sizeof last);
    v->children[to] = last;
}

static bool add_to(struct random_request *r, struct request_value *v)
{
    struct request_value *child;

    if (v->count == REQUEST_CHILDREN || r->count == REQUEST_VALUES)
        return false;
    child = add_child(r, v);
    fill_string(r, child);
    if (v->type == JSON_OBJECT)
        fill_unknown_name(r, child);
    move_last(v);
    return true;
}

/* Two children that mean something and are not the same: empty arrays and literals may be. */
static bool swap_two(const struct random_request *r, struct request_value *v)
{
    if (v->count < 2)
        return false;
    uint32_t i = random_below(v->count), j = random_below(v->count), index = v->children[i];
    const struct request_value *a = &r->values[index], *b = &r->values[v->children[j]];
    bool unique = v->type == JSON_OBJECT || a->type == JSON_STRING || a->type == JSON_NUMBER;
    if (i == j || a->dropped || b->dropped || !unique)
        return false;
    v->children[i] = v->children[j];
    v->children[j] = index;
    return true;
}

static bool remove_one(const struct random_request *r, struct request_value *v)
{
    uint32_t at = v->count ? random_below(v->count) : 0;

    if (v->count == 0 || r->values[v->children[at]].dropped)
        return false;
    v->count--;
    memmove(v->children + at, v->children + at + 1, (v->count - at) * sizeof *v->children);
    return true;
}

static bool rename_one(struct random_request *r, const struct request_value *v)
{
    if (v->count == 0)
        return false;
    struct request_value *member = &r->values[v->children[random_below(v->count)]];
    if (member->known)
        return false;
    strcat(member->name, "n");
    return true;
}

static bool change_object(struct random_request *r, struct request_value *v,
                          enum request_change kind)
{
    switch (kind) {
    case CHANGE_MEMBER_ADDED:
        return add_to(r, v);
    case CHANGE_MEMBER_REMOVED:
        return remove_one(r, v);
    case CHANGE_MEMBER_RENAMED:
        return rename_one(r, v);
    default:
        return !is_sorted(v) && swap_two(r, v);
    }
}

/* Tries to change the value, in a way that its type allows. */
static bool change_value(struct random_request *r, struct request_value *v,
                         enum request_change *kind)
{
    switch (v->type) {
    case JSON_STRING:
        *kind = CHANGE_CHARACTER;
        return change_character(v);
    case JSON_NUMBER:
        *kind = CHANGE_DIGIT;
        return change_digit(v);
    case JSON_ARRAY:
        *kind = random_below(2) ? CHANGE_ELEMENT_ADDED : CHANGE_ELEMENT_MOVED;
        return *kind == CHANGE_ELEMENT_ADDED ? add_to(r, v) : swap_two(r, v);
    case JSON_OBJECT:
        *kind = (enum request_change)(CHANGE_MEMBER_ADDED + random_below(4));
        return change_object(r, v, *kind);
    default:
        *kind = CHANGE_LITERAL;
        return change_literal(v);
    }
}

enum request_change request_change(struct random_request *r)
{
    uint32_t list[REQUEST_VALUES], count = 0;
    enum request_change kind;

    list_meaning(r, 0, list, &count);
    while (!change_value(r, &r->values[list[random_below(count)]], &kind))
        continue;
    return kind;
}
