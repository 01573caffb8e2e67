/* Reads INI text with inih. inih cuts long lines, tells its handler neither the number of a line
 * nor of a section without keys, and reports one mistake only; so the lines are dealt out here:
 *
 *   text ── next_line ──▶ inih ── handle ──▶ config_assign
 *
 * next_line counts, refuses what inih would misread, and after each [section] slips in a line
 * that holds "=": inih hands it on as a key without a name, and the section is known. A line
 * that inih did not hand on was not understood. */
#include "config_keys.h"

#include <ini.h>
#include <inttypes.h>

struct reader {
    struct config *config;
    struct buf *errors;
    struct str rest; /* what inih has not been given yet */

    /* the line that inih has */
    struct str line;
    size_t number;
    bool slip_in; /* "=" comes next */
    bool slipped; /* inih has that "=" */
    bool waiting; /* for inih to hand it on */

    /* where we are */
    bool in_section;
    const struct config_section *section; /* NULL when it was refused */
    struct str called;                    /* what its keys know it by: "redis", "policy" */
    bool after_key;                       /* an indented line continues it */
    const struct config_key *key;         /* that key; NULL when it was refused */

    bool failed;
};

/* Begins a line of *errors, which the caller ends. */
static struct buf *refuse(struct reader *r)
{
    r->failed = true;
    config_place_print((struct config_place){r->config->file, r->number}, r->errors);
    return r->errors;
}

/* Whether only white space or a comment stands there. */
static bool is_blank(struct str text)
{
    text = str_trim(text);
    return text.len == 0 || text.ptr[0] == ';' || text.ptr[0] == '#';
}

static bool is_indented(struct str line)
{
    return line.len && str_is_space(line.ptr[0]);
}

/* Whether inih may have the line. `room` is what fits into its buffer. */
static bool accept_line(struct reader *r, size_t room)
{
    if (is_blank(r->line))
        return false;
    if (r->line.len > room) {
        buf_printf(refuse(r),
                   "the line is longer than %zu bytes (a list may go on over indented lines)\n",
                   room);
        return false;
    }
    if (str_has_control(r->line)) {
        buf_append(refuse(r), STR("the line holds a control character\n"));
        return false;
    }
    return true;
}

/* What inih was given last and did not hand on is wrong. */
static void finish_line(struct reader *r)
{
    if (r->waiting)
        buf_append(refuse(r), STR("expected [SECTION], KEY = VALUE or a comment\n"));
    r->waiting = false;
}

/* An ini_reader, as fgets: the next line, or NULL at the end. What inih is not to see becomes an
 * empty line. */
static char *next_line(char *out, int size, void *stream)
{
    struct reader *r = stream;
    struct str give = {"", 0};

    r->slipped = r->slip_in;
    if (r->slip_in) {
        r->slip_in = false;
        return memcpy(out, "=\n", sizeof "=\n");
    }
    finish_line(r);
    if (!r->rest.len)
        return NULL;
    r->line = str_split(&r->rest, '\n');
    if (r->line.len && r->line.ptr[r->line.len - 1] == '\r')
        r->line.len--;
    r->number++;
    if (accept_line(r, (size_t)size - sizeof "\n")) {
        give = r->line;
        r->waiting = true;
        r->slip_in = str_trim(give).ptr[0] == '[' && !(r->after_key && is_indented(give));
    }
    memcpy(out, give.ptr, give.len);
    memcpy(out + give.len, "\n", sizeof "\n");
    return out;
}

/* inih 55 leaves the comment at the end of an indented line. */
static struct str without_comment(struct str value)
{
    for (size_t i = 1; i < value.len; i++)
        if (value.ptr[i] == ';' && str_is_space(value.ptr[i - 1]))
            return (struct str){value.ptr, i};
    return value;
}

static bool of_agent(struct str section)
{
    const struct config_kind_info *agent = &config_kinds[CONFIG_AGENT];

    for (size_t i = 0; i < agent->key_count; i++)
        if (str_eq(str_of(agent->keys[i].section), section))
            return true;
    return false;
}

static void refuse_section(struct reader *r, struct str section)
{
    const struct config_kind_info *agent = &config_kinds[CONFIG_AGENT];
    struct str rest = section;
    struct config_nearest nearest = {.wanted = str_split(&rest, ' ')};

    for (size_t i = 0; i < agent->key_count; i++)
        config_nearest_try(&nearest, str_of(agent->keys[i].section));
    for (enum config_kind kind = CONFIG_AGENT + 1; kind < CONFIG_KINDS; kind++)
        config_nearest_try(&nearest, str_of(config_kinds[kind].section));
    config_quote(section, refuse(r));
    buf_append(r->errors, STR(" is no section"));
    config_nearest_print(&nearest, "", r->errors);
}

static void open_named(struct reader *r, enum config_kind kind, struct str name)
{
    const char *section = config_kinds[kind].section;
    struct buf why = buf_new(256);

    r->called = str_of(section);
    if (name.len == 0) {
        buf_printf(refuse(r), "a %s has a name: [%s NAME]\n", section, section);
    } else if (!(r->section = config_make(r->config, kind, name, &why))) {
        buf_append(refuse(r), buf_str(&why));
        buf_append_byte(r->errors, '\n');
    }
    buf_free(&why);
}

/* inih keeps the section it had when a header is malformed, cuts a long one and ignores what
 * follows it: so the line is read here. */
static void open_section(struct reader *r)
{
    struct str line = without_comment(str_from(str_trim(r->line), 1));
    const char *end = memchr(line.ptr, ']', line.len);
    struct str section = {line.ptr, end ? (size_t)(end - line.ptr) : 0}, name;

    r->in_section = true;
    r->section = NULL;
    if (!end || !is_blank(str_from(line, section.len + 1))) {
        buf_append(refuse(r), STR("expected [SECTION] and nothing else on the line\n"));
        return;
    }
    name = section = str_trim(section);
    enum config_kind kind = config_kind_called(str_split(&name, ' '));
    if (kind != CONFIG_AGENT) {
        open_named(r, kind, str_trim(name));
    } else if (of_agent(section)) {
        r->section = r->config->sections[CONFIG_AGENT].all[0];
        r->called = section;
    } else {
        refuse_section(r, section);
    }
}

static void refuse_key(struct reader *r, struct str name)
{
    const struct config_kind_info *info = &config_kinds[r->section->kind];
    struct config_nearest nearest = {.wanted = name};

    for (size_t i = 0; i < info->key_count; i++)
        if (str_eq(str_of(info->keys[i].section), r->called))
            config_nearest_try(&nearest, str_of(info->keys[i].name));
    config_quote(name, refuse(r));
    buf_printf(r->errors, " is no key of [%.*s]", STR_ARGS(r->called));
    config_nearest_print(&nearest, "", r->errors);
}

static void assign(struct reader *r, struct str value, bool more)
{
    struct config_place at = {r->config->file, r->number};

    if (!config_assign(r->config, r->section, r->key, value, more, at, r->errors))
        r->failed = true;
}

static void begin_key(struct reader *r, struct str name, struct str value)
{
    r->key = NULL;
    if (!r->in_section) {
        config_quote(name, refuse(r));
        buf_append(r->errors, STR(" stands before any [SECTION]\n"));
        return;
    }
    if (!r->section)
        return; /* said at its header */
    const struct config_key *key = config_key(r->section->kind, r->called, name);
    if (!key) {
        refuse_key(r, name);
    } else if (*config_line(r->section, key)) {
        buf_printf(refuse(r), "\"%s\" was given on line %" PRIu32 " already\n", key->name,
                   *config_line(r->section, key));
    } else {
        r->key = key;
        assign(r, value, false);
    }
}

static void continue_key(struct reader *r, const char *value)
{
    if (!r->key)
        return; /* said at its first line */
    if (r->key->type == CONFIG_LIST || r->key->type == CONFIG_LINES)
        assign(r, without_comment(str_of(value)), true);
    else
        buf_printf(refuse(r), "\"%s\" is no list and ends with its line\n", r->key->name);
}

/* An ini_handler. */
static int handle(void *user, const char *section, const char *name, const char *value)
{
    struct reader *r = user;

    (void)section; /* inih cuts it */
    r->waiting = false;
    if (r->slipped) {
        r->after_key = false;
        open_section(r);
    } else if (r->after_key && is_indented(r->line)) {
        continue_key(r, value);
    } else if (*name) {
        r->after_key = true;
        begin_key(r, str_of(name), str_of(value));
    } else {
        r->after_key = false; /* as inih sees it */
        buf_append(refuse(r), STR("a value without a key\n"));
    }
    return 1;
}

struct config *config_read(struct str text, const char *file, struct buf *errors)
{
    struct reader r = {.config = config_new(file), .errors = errors, .rest = text};

    if (!r.config) {
        buf_printf(errors, "%s: no memory\n", file);
        return NULL;
    }
    if (str_starts(text, STR("\xEF\xBB\xBF")))
        r.rest = str_from(text, 3);
    /* inih's own complaints are about lines that it did not hand on, and those are known */
    if (ini_parse_stream(next_line, &r, handle, &r) == 0 && !r.failed && config_index(r.config))
        return r.config;
    if (!r.failed)
        buf_printf(errors, "%s: no memory\n", file);
    config_unref(r.config);
    return NULL;
}
