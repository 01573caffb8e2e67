/* What explain says of a body. */
#include "canonical.h"
#include "explain_subject.h"
#include "json_walk.h"
#include "show.h"

enum {
    FIELDS_SHOWN = 40,
    BYPASSES_SHOWN = 8,
    FORM_SHOWN = 600, /* bytes */
    FORM_LINE = 85,   /* bytes */
    SHALLOW = 2,
};

static const char *note_name(uint8_t note)
{
    static const char *const names[] = {
        [NOTE_KEY] = "key",      [NOTE_ORDERED] = "key, in order", [NOTE_UNKNOWN] = "key, unknown",
        [NOTE_DROP] = "dropped", [NOTE_BYPASS] = "BYPASS",         [NOTE_TWINS] = "BYPASS",
    };

    return names[note];
}

static uint8_t note_at(const struct subject *s, const struct json_walk *walk)
{
    return s->notes[walk->node - walk->doc->nodes];
}

static bool is_bypass(const struct subject *s, const struct json_walk *walk)
{
    return note_at(s, walk) == NOTE_BYPASS || note_at(s, walk) == NOTE_TWINS;
}

static void show_member(const struct json_walk *walk, struct buf *out)
{
    json_walk_path(walk, out);
    buf_append(out, STR(" = "));
    explain_value(walk->node, out);
}

static void show_field(const struct subject *s, const struct json_walk *walk, struct buf *out)
{
    buf_printf(out, "%-13s  ", note_name(note_at(s, walk)));
    if (is_bypass(s, walk))
        show_member(walk, out);
    else
        json_walk_path(walk, out);
}

void explain_fields(const struct subject *subject, bool full, struct buf *out)
{
    struct json_walk walk;
    size_t count = 0, most = full ? SIZE_MAX : FIELDS_SHOWN;

    if (!subject->notes)
        return;
    for (json_walk_begin(&walk, &subject->scratch.doc); walk.node; json_walk_next(&walk)) {
        if (note_at(subject, &walk) == NOTE_NONE || count++ >= most)
            continue;
        explain_line(out, count == 1 ? "fields" : "");
        show_field(subject, &walk, out);
    }
    if (count > most) {
        explain_line(out, "");
        buf_printf(out, "and %zu more", count - most);
    }
}

/* At least `most` bytes off the front, up to the end of a character. */
static struct str take(struct str *text, size_t most)
{
    struct str line = {text->ptr, 0};

    while (line.len < text->len && line.len < most)
        line.len += show_character(str_from(*text, line.len));
    *text = str_from(*text, line.len);
    return line;
}

void explain_form(const struct subject *subject, bool full, struct buf *out)
{
    size_t most = full ? SIZE_MAX : FORM_SHOWN;

    if (!subject->has_form)
        return;
    struct str form = subject_form(subject);
    struct str shown = take(&form, most);
    explain_line(out, "canonical");
    while (shown.len) {
        show_text(out, take(&shown, full ? SIZE_MAX : FORM_LINE), SIZE_MAX);
        if (shown.len)
            explain_line(out, "");
    }
    if (form.len) {
        explain_line(out, "");
        buf_printf(out, "and %zu bytes more", form.len);
    }
}

void explain_bypasses(const struct subject *subject, struct buf *out)
{
    struct json_walk walk;
    size_t count = 0;

    if (!subject->notes)
        return;
    for (json_walk_begin(&walk, &subject->scratch.doc); walk.node; json_walk_next(&walk)) {
        if (!is_bypass(subject, &walk) || count++ >= BYPASSES_SHOWN)
            continue;
        explain_line(out, "");
        show_member(&walk, out);
        if (note_at(subject, &walk) == NOTE_TWINS)
            buf_append(out, STR(": two of its names differ in case alone"));
    }
    if (count == 0) {
        explain_line(out, "");
        buf_append(out, STR("the model that it names, or that it asks for no answer"));
    }
}

void explain_members(const struct subject *subject, struct str name, struct buf *out)
{
    struct json_walk walk;
    size_t count = 0;

    if (!subject->notes)
        return;
    for (json_walk_begin(&walk, &subject->scratch.doc); walk.node; json_walk_next(&walk)) {
        if (walk.depth > SHALLOW || !str_eq(walk.node->name, name))
            continue;
        explain_line(out, "");
        show_member(&walk, out);
        count++;
    }
    if (count == 0) {
        explain_line(out, "");
        buf_printf(out, "%.*s is not said", STR_ARGS(name));
    }
}
