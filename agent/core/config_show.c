/* What is in force and where it came from, for who looks at a running agent. */
#include "config_keys.h"

#include "json_write.h"

enum { VALUE_COLUMNS = 40, VALUE_MAX = 1 << 16 };

struct shown {
    const struct config *config;
    const struct config_section *section;
    const struct config_key *key;
    uint32_t line;
    bool hidden;
    struct buf value, source;
};

/* [key] secret-file of secret; empty when there is none. */
static struct str file_of_secret(const struct shown *s)
{
    struct buf name = buf_new(64);

    buf_printf(&name, "%s-file", s->key->name);
    const struct config_key *file =
        config_key(CONFIG_AGENT, str_of(s->key->section), buf_str(&name));
    buf_free(&name);
    return file ? *(const struct str *)config_field(s->config, file) : STR("");
}

static void find_source(struct shown *s)
{
    buf_clear(&s->source);
    if (s->line == 0)
        buf_append(&s->source, STR("default"));
    else if (s->line == CONFIG_FROM_ENVIRONMENT) {
        buf_append(&s->source, STR("SPOA_CACHE_"));
        config_variable(s->section, s->key, &s->source);
    } else if (s->line == CONFIG_FROM_BEFORE)
        buf_append(&s->source, STR("in use since the start, changed since: needs a restart"));
    else if (s->line != CONFIG_FROM_ELSEWHERE)
        buf_printf(&s->source, "%s:%u", s->config->file, s->line);
    else if (file_of_secret(s).len)
        buf_append(&s->source, file_of_secret(s));
    else
        buf_append(&s->source, STR("made at the start"));
}

static void find_value(struct shown *s)
{
    const void *field = config_field(s->section->item, s->key);

    s->hidden = s->key->type == CONFIG_SECRET && ((const struct str *)field)->len > 0;
    buf_clear(&s->value);
    if (s->hidden)
        buf_append(&s->value, STR("***"));
    else
        config_value_print(s->key, field, &s->value);
}

/* What is written as the default is, was said to no purpose. */
static bool is_changed(const struct shown *s)
{
    return s->line && !str_eq(buf_str(&s->value), str_of(s->key->preset));
}

static void show_text_line(const struct shown *s, struct buf *out)
{
    size_t begin = out->len;

    buf_printf(out, "%s%s = %.*s", s->hidden ? "# " : "", s->key->name,
               STR_ARGS(buf_str(&s->value)));
    do
        buf_append_byte(out, ' ');
    while (out->len < begin + VALUE_COLUMNS && buf_ok(out));
    buf_printf(out, "; %.*s\n", STR_ARGS(buf_str(&s->source)));
}

static void show_json_item(const struct shown *s, struct buf *out)
{
    json_write_item(out);
    buf_printf(out, "\n{\"section\":\"%s\"", s->key->section);
    if (s->section->kind != CONFIG_AGENT) {
        json_write_name(out, "name");
        json_write_string(out, config_name(s->section->item));
    }
    buf_printf(out, ",\"key\":\"%s\",\"value\":", s->key->name);
    json_write_foreign(out, buf_str(&s->value));
    json_write_name(out, "default");
    json_write_string(out, str_of(s->key->preset));
    json_write_named_foreign(out, "source", buf_str(&s->source));
    json_write_named_bool(out, "reloads", s->key->reloads);
    buf_append_byte(out, '}');
}

static void show_heading(const struct shown *s, struct buf *out)
{
    buf_printf(out, "%s[%s", out->len ? "\n" : "", s->key->section);
    if (s->section->kind != CONFIG_AGENT)
        buf_printf(out, " %.*s", STR_ARGS(config_name(s->section->item)));
    buf_append(out, STR("]\n"));
}

static void show_section(struct shown *s, bool json, bool changed, struct buf *out)
{
    const struct config_kind_info *info = &config_kinds[s->section->kind];
    const char *heading = NULL;

    for (s->key = info->keys; s->key < info->keys + info->key_count; s->key++) {
        s->line = *config_line(s->section, s->key);
        find_value(s);
        find_source(s);
        if (changed && !is_changed(s))
            continue;
        if (json) {
            show_json_item(s, out);
            continue;
        }
        if (!heading || strcmp(heading, s->key->section) != 0)
            show_heading(s, out);
        heading = s->key->section;
        show_text_line(s, out);
    }
}

void config_show(const struct config *c, bool json, bool changed, struct buf *out)
{
    struct shown s = {.config = c, .value = buf_new(VALUE_MAX), .source = buf_new(VALUE_MAX)};

    if (json) {
        buf_append(out, STR("{\"file\":"));
        json_write_foreign(out, str_of(c->file));
        buf_append(out, STR(",\"values\":["));
    }
    for (enum config_kind kind = CONFIG_AGENT; kind < CONFIG_KINDS; kind++)
        for (size_t i = 0; i < c->sections[kind].count; i++) {
            s.section = c->sections[kind].all[i];
            show_section(&s, json, changed, out);
        }
    if (json)
        buf_append(out, STR("\n]}\n"));
    buf_free(&s.value);
    buf_free(&s.source);
}
