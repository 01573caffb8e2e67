/* The table, for operators and for the README. */
#include "config_keys.h"

static const char header[] =
    "# spoa-cache: every key with its value.\n"
    "# A comment begins with # or ; at the start of a line, or with ; after a space.\n"
    "# Words of a list are separated by spaces or commas; it may go on over indented lines.\n"
    "# Durations are written in ms, s, m, h and d; sizes in b, kb, mb and gb.\n"
    "# The environment comes before the file: SPOA_CACHE_REDIS_TIMEOUT, "
    "SPOA_CACHE_POLICY_LLM_TTL.\n"
    "# Keys of a kind of section are explained in the first one.\n";

static void print_expected(const struct config_key *key, struct buf *out)
{
    if (key->type == CONFIG_LIST)
        buf_append(out, STR("list, each "));
    else if (key->type == CONFIG_LINES)
        buf_append(out, STR("lines, each "));
    config_value_expected(key, out);
}

static void print_help(const struct config_key *key, struct buf *out)
{
    buf_printf(out, "# %s.\n# ", key->help);
    print_expected(key, out);
    buf_printf(out, "; default %s; %s\n", *key->preset ? key->preset : "empty",
               key->reloads ? "reloads" : "needs a restart");
}

static void print_key(const struct config_key *key, const void *item, struct buf *out)
{
    const void *field = config_field(item, key);
    bool hidden = key->type == CONFIG_SECRET && ((const struct str *)field)->len > 0;

    buf_printf(out, "%s%s =", hidden ? "# " : "", key->name);
    size_t before = out->len;
    buf_append_byte(out, ' ');
    if (hidden)
        buf_append(out, STR("***"));
    else
        config_value_print(key, field, out);
    if (out->len == before + 1) /* no space at the end of a line */
        out->len = before;
    buf_append_byte(out, '\n');
}

static bool begins_section(const struct config_kind_info *info, const struct config_key *key)
{
    return key == info->keys || strcmp(key[-1].section, key->section) != 0;
}

static void print_agent(const struct config *c, struct buf *out)
{
    const struct config_kind_info *info = &config_kinds[CONFIG_AGENT];

    for (const struct config_key *key = info->keys; key < info->keys + info->key_count; key++) {
        if (begins_section(info, key))
            buf_printf(out, "\n[%s]\n", key->section);
        print_help(key, out);
        print_key(key, c, out);
    }
}

/* Every key of a kind is explained once. */
static void print_section(const struct config_section *section, bool explain, struct buf *out)
{
    const struct config_kind_info *info = &config_kinds[section->kind];

    buf_printf(out, "\n[%s %.*s]\n", info->section, STR_ARGS(config_name(section->item)));
    for (const struct config_key *key = info->keys; key < info->keys + info->key_count; key++) {
        if (explain)
            print_help(key, out);
        print_key(key, section->item, out);
    }
}

/* A kind of which there is none. */
static void print_example(const struct config_kind_info *info, struct buf *out)
{
    buf_printf(out, "\n# [%s NAME]\n", info->section);
    for (const struct config_key *key = info->keys; key < info->keys + info->key_count; key++) {
        print_help(key, out);
        buf_printf(out, *key->preset ? "# %s = %s\n" : "# %s =\n", key->name, key->preset);
    }
}

void config_print(const struct config *c, struct buf *out)
{
    buf_append(out, str_of(header));
    print_agent(c, out);
    for (enum config_kind kind = CONFIG_AGENT + 1; kind < CONFIG_KINDS; kind++) {
        const struct config_sections *sections = &c->sections[kind];
        for (size_t i = 0; i < sections->count; i++)
            print_section(sections->all[i], i == 0, out);
        if (sections->count == 0)
            print_example(&config_kinds[kind], out);
    }
}

/* Appends text in which a bar would end the cell of a table. */
static void print_cell(struct str text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '|')
            buf_append_byte(out, '\\');
        buf_append_byte(out, (uint8_t)text.ptr[i]);
    }
}

static void print_row(const struct config_key *key, struct buf *out)
{
    struct buf expected = buf_new(1024);

    print_expected(key, &expected);
    buf_printf(out, "| `%s` | %s | ", key->name, key->help);
    print_cell(buf_str(&expected), out);
    buf_printf(out, *key->preset ? " | `%s` |" : " | |", key->preset);
    buf_append(out, key->reloads ? STR(" reload |\n") : STR(" restart |\n"));
    buf_free(&expected);
}

void config_print_markdown(struct buf *out)
{
    for (enum config_kind kind = CONFIG_AGENT; kind < CONFIG_KINDS; kind++) {
        const struct config_kind_info *info = &config_kinds[kind];
        for (const struct config_key *key = info->keys; key < info->keys + info->key_count; key++) {
            if (begins_section(info, key))
                buf_printf(out,
                           "%s`[%s%s]`\n\n| key | | value | default | changes on |\n"
                           "|---|---|---|---|---|\n",
                           out->len ? "\n" : "", key->section, info->section ? " NAME" : "");
            print_row(key, out);
        }
    }
}
