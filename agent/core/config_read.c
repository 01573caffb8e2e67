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
    bool in_section, section_known;
    struct policy *policy;        /* of the section [policy NAME]; else NULL */
    bool after_key;               /* an indented line continues it */
    const struct config_key *key; /* that key; NULL when it was refused */

    bool failed;
    size_t seen[CONFIG_MAX_POLICIES + 1][CONFIG_MAX_KEYS]; /* line of a key; [0]: no policy */
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

static bool has_control(struct str line)
{
    for (size_t i = 0; i < line.len; i++)
        if (((unsigned char)line.ptr[i] < ' ' && line.ptr[i] != '\t') || line.ptr[i] == 0x7f)
            return true;
    return false;
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
    if (has_control(r->line)) {
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

static bool section_exists(struct str section)
{
    for (size_t i = 0; i < config_key_count; i++)
        if (str_eq(str_of(config_keys[i].section), section))
            return true;
    return false;
}

static void refuse_section(struct reader *r, struct str section)
{
    struct str rest = section;
    struct config_nearest nearest = {.wanted = str_split(&rest, ' ')};

    for (size_t i = 0; i < config_key_count; i++)
        config_nearest_try(&nearest, str_of(config_keys[i].section));
    config_quote(section, refuse(r));
    buf_append(r->errors, STR(" is no section"));
    config_nearest_print(&nearest, "", r->errors);
}

static void open_policy(struct reader *r, struct str name)
{
    struct buf why = buf_new(256);

    r->policy = config_make_policy(r->config, name, &why);
    r->section_known = r->policy != NULL;
    if (!r->policy) {
        buf_append(refuse(r), buf_str(&why));
        buf_append_byte(r->errors, '\n');
    }
    buf_free(&why);
}

/* inih keeps the section it had when a header is malformed, cuts a long one and ignores what
 * follows it: so `name`, which it gives, is compared with the line. */
static void open_section(struct reader *r, struct str name)
{
    struct str line = str_from(str_trim(r->line), 1);
    struct str section = str_trim(name);

    r->in_section = true;
    r->section_known = false;
    r->policy = NULL;
    if (!str_starts(line, name) || !str_starts(str_from(line, name.len), STR("]")) ||
        !is_blank(str_from(line, name.len + 1))) {
        buf_append(refuse(r), STR("expected [SECTION] and nothing else on the line\n"));
        return;
    }
    if (str_starts(section, STR("policy ")))
        open_policy(r, str_trim(str_from(section, strlen("policy "))));
    else if (str_eq(section, STR("policy")))
        buf_append(refuse(r), STR("a policy has a name: [policy NAME]\n"));
    else if (section_exists(section))
        r->section_known = true;
    else
        refuse_section(r, section);
}

static struct str section_of(const struct reader *r, const char *section)
{
    return r->policy ? STR("policy") : str_trim(str_of(section));
}

static void refuse_key(struct reader *r, struct str section, struct str name)
{
    struct config_nearest nearest = {.wanted = name};

    for (size_t i = 0; i < config_key_count; i++)
        if (str_eq(str_of(config_keys[i].section), section))
            config_nearest_try(&nearest, str_of(config_keys[i].name));
    config_quote(name, refuse(r));
    buf_printf(r->errors, " is no key of [%.*s]", STR_ARGS(section));
    config_nearest_print(&nearest, "", r->errors);
}

/* Whether the key stands in its section for the first time. */
static bool first_time(struct reader *r, const struct config_key *key)
{
    size_t owner = r->policy ? (size_t)(r->policy - r->config->policies) + 1 : 0;
    size_t *seen = &r->seen[owner][key - config_keys];

    if (*seen)
        buf_printf(refuse(r), "\"%s\" was given on line %zu already\n", key->name, *seen);
    else
        *seen = r->number;
    return *seen == r->number;
}

static void assign(struct reader *r, struct str value, bool more)
{
    struct config_place at = {r->config->file, r->number};

    if (!config_assign(r->config, r->policy, r->key, value, more, at, r->errors))
        r->failed = true;
}

static void begin_key(struct reader *r, const char *section, const char *name, const char *value)
{
    r->key = NULL;
    if (!r->in_section) {
        config_quote(str_of(name), refuse(r));
        buf_append(r->errors, STR(" stands before any [SECTION]\n"));
        return;
    }
    if (!r->section_known)
        return; /* said at its header */
    const struct config_key *key = config_key(section_of(r, section), str_of(name));
    if (!key) {
        refuse_key(r, section_of(r, section), str_of(name));
    } else if (first_time(r, key)) {
        r->key = key;
        assign(r, str_of(value), false);
    }
}

/* inih 55 leaves the comment at the end of an indented line. */
static struct str without_comment(struct str value)
{
    for (size_t i = 1; i < value.len; i++)
        if (value.ptr[i] == ';' && str_is_space(value.ptr[i - 1]))
            return (struct str){value.ptr, i};
    return value;
}

static void continue_key(struct reader *r, const char *value)
{
    if (!r->key)
        return; /* said at its first line */
    if (r->key->type == CONFIG_LIST)
        assign(r, without_comment(str_of(value)), true);
    else
        buf_printf(refuse(r), "\"%s\" is no list and ends with its line\n", r->key->name);
}

/* An ini_handler. */
static int handle(void *user, const char *section, const char *name, const char *value)
{
    struct reader *r = user;

    r->waiting = false;
    if (r->slipped) {
        r->after_key = false;
        open_section(r, str_of(section));
    } else if (r->after_key && is_indented(r->line)) {
        continue_key(r, value);
    } else if (*name) {
        r->after_key = true;
        begin_key(r, section, name, value);
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
    if (ini_parse_stream(next_line, &r, handle, &r) == 0 && !r.failed)
        return r.config;
    if (!r.failed)
        buf_printf(errors, "%s: no memory\n", file);
    config_unref(r.config);
    return NULL;
}
