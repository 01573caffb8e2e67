/* The table, for operators and for the README. */
#include "config_keys.h"

static const char header[] =
    "# spoa-cache: every key with its value.\n"
    "# A comment begins with # or ; at the start of a line, or with ; after a space.\n"
    "# Words of a list are separated by spaces or commas; it may go on over indented lines.\n"
    "# Durations are written in ms, s, m, h and d; sizes in b, kb, mb and gb.\n"
    "# The environment comes before the file: SPOA_CACHE_REDIS_TIMEOUT, "
    "SPOA_CACHE_POLICY_LLM_TTL.\n";

static void print_expected(const struct config_key *key, struct buf *out)
{
    if (key->type == CONFIG_LIST)
        buf_append(out, STR("list, each "));
    config_value_expected(key, out);
}

static void print_key(const struct config_key *key, const void *field, struct buf *out)
{
    bool hidden = key->type == CONFIG_SECRET && ((const struct str *)field)->len > 0;

    buf_printf(out, "# %s.\n# ", key->help);
    print_expected(key, out);
    buf_printf(out, "; default %s; %s\n%s%s =", *key->preset ? key->preset : "empty",
               key->reloads ? "reloads" : "needs a restart", hidden ? "# " : "", key->name);
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

static bool begins_section(const struct config_key *key)
{
    return key == config_keys || strcmp(key[-1].section, key->section) != 0;
}

static void print_policy(const struct config *c, const struct policy *policy, struct buf *out)
{
    buf_printf(out, "\n[policy %.*s]\n", STR_ARGS(policy->name));
    for (size_t i = 0; i < config_key_count; i++)
        if (config_key_in_policy(&config_keys[i]))
            print_key(&config_keys[i], config_field(c, policy, &config_keys[i]), out);
}

void config_print(const struct config *c, struct buf *out)
{
    buf_append(out, str_of(header));
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (config_key_in_policy(key))
            continue;
        if (begins_section(key))
            buf_printf(out, "\n[%s]\n", key->section);
        print_key(key, config_field(c, NULL, key), out);
    }
    for (size_t i = 0; i < c->policy_count; i++)
        print_policy(c, &c->policies[i], out);
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
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (begins_section(key))
            buf_printf(out,
                       "%s`[%s%s]`\n\n| key | | value | default | changes on |\n"
                       "|---|---|---|---|---|\n",
                       i ? "\n" : "", key->section, config_key_in_policy(key) ? " NAME" : "");
        print_row(key, out);
    }
}
