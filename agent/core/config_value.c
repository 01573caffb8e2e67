/* From the text of a value to a field and back, by the type of its key. */
#include "config_keys.h"

#include <inttypes.h>

void config_quote(struct str text, struct buf *out)
{
    enum { SHOWN = 60 };

    buf_append_byte(out, '"');
    for (size_t i = 0; i < text.len && i < SHOWN; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        buf_append_byte(out, c < ' ' || c == 0x7f ? '?' : c);
    }
    buf_append(out, text.len > SHOWN ? STR("...\"") : STR("\""));
}

void config_value_expected(const struct config_key *key, struct buf *out)
{
    switch (key->type) {
    case CONFIG_TEXT:
    case CONFIG_LIST:
    case CONFIG_LINES:
        buf_append(out, str_of(key->word->what));
        break;
    case CONFIG_SECRET:
        buf_printf(out, "a text of %" PRId64 " to %" PRId64 " bytes", key->min, key->max);
        break;
    case CONFIG_CHOICE:
    case CONFIG_FLAG:
        buf_printf(out, "one of %s", key->choices);
        break;
    case CONFIG_NUMBER:
        buf_append(out, key->units == UNITS_DURATION ? STR("a duration from ")
                        : key->units == UNITS_SIZE   ? STR("a size from ")
                        : key->units == UNITS_MONEY  ? STR("a decimal number from ")
                                                     : STR("a whole number from "));
        units_format(key->units, key->min, out);
        buf_append(out, STR(" to "));
        units_format(key->units, key->max, out);
        break;
    }
}

static bool mistake(const struct config_key *key, struct str value, struct buf *why)
{
    config_quote(value, why);
    buf_append(why, STR(" is not "));
    config_value_expected(key, why);
    if (key->type == CONFIG_NUMBER && key->units != UNITS_NONE)
        buf_printf(why, ", in %s", units_names(key->units));
    return false;
}

static bool no_memory(struct buf *why)
{
    buf_append(why, STR("no memory"));
    return false;
}

static void change_case(const struct config_word *word, struct str text)
{
    char *c = (char *)text.ptr; /* our own copy */

    for (size_t i = 0; i < text.len; i++)
        if (word->letters == LOWER_CASE && c[i] >= 'A' && c[i] <= 'Z')
            c[i] = (char)(c[i] + 'a' - 'A');
        else if (word->letters == UPPER_CASE && c[i] >= 'a' && c[i] <= 'z')
            c[i] = (char)(c[i] + 'A' - 'a');
}

static bool keep(struct str *field, struct arena *memory, struct str text, struct buf *why)
{
    struct str copy = arena_copy(memory, text);

    if (!copy.ptr)
        return no_memory(why);
    *field = copy;
    return true;
}

static bool set_text(const struct config_key *key, struct str *field, struct arena *memory,
                     struct str value, struct buf *why)
{
    if (value.len && !key->word->valid(value))
        return mistake(key, value, why);
    if (value.len > (size_t)key->max) {
        config_quote(value, why);
        buf_printf(why, " is longer than %" PRId64 " bytes", key->max);
        return false;
    }
    return keep(field, memory, value, why);
}

static bool set_secret(const struct config_key *key, struct str *field, struct arena *memory,
                       struct str value, struct buf *why)
{
    if (value.len && (value.len < (size_t)key->min || value.len > (size_t)key->max)) {
        buf_append(why, STR("what was given is not "));
        config_value_expected(key, why);
        return false;
    }
    return keep(field, memory, value, why);
}

static bool is_separator(char c)
{
    return str_is_space(c) || c == ',';
}

/* Takes the next word of a list off the front of *rest; an empty one at the end. */
static struct str next_word(struct str *rest)
{
    size_t from = 0, to;

    while (from < rest->len && is_separator(rest->ptr[from]))
        from++;
    for (to = from; to < rest->len && !is_separator(rest->ptr[to]);)
        to++;
    struct str word = {rest->ptr + from, to - from};
    *rest = str_from(*rest, to);
    return word;
}

/* The same with a line that is not blank. */
static struct str next_line(struct str *rest)
{
    struct str line = {"", 0};

    while (rest->len && !line.len)
        line = str_trim(str_split(rest, '\n'));
    return line;
}

static struct str next_item(const struct config_key *key, struct str *rest)
{
    return key->type == CONFIG_LINES ? next_line(rest) : next_word(rest);
}

static size_t count_items(const struct config_key *key, struct str value)
{
    size_t count = 0;

    while (next_item(key, &value).len)
        count++;
    return count;
}

/* An item that is in the list already adds nothing. */
static bool add_item(const struct config_key *key, struct str_list *list, struct arena *memory,
                     struct str item, struct buf *why)
{
    struct str copy;

    if (!key->word->valid(item))
        return mistake(key, item, why);
    if (!keep(&copy, memory, item, why))
        return false;
    change_case(key->word, copy);
    if (!str_list_has(list, copy))
        list->items[list->count++] = copy;
    return true;
}

static bool set_list(const struct config_key *key, struct str_list *field, struct arena *memory,
                     struct str value, bool more, struct buf *why)
{
    struct str_list list = {.count = more ? field->count : 0};
    size_t room = list.count + count_items(key, value);

    if (room < (size_t)key->min || room > (size_t)key->max) {
        buf_printf(why, "%zu %s are given, not %" PRId64 " to %" PRId64, room,
                   key->type == CONFIG_LINES ? "lines" : "words", key->min, key->max);
        return false;
    }
    list.items = arena_alloc(memory, room * sizeof *list.items);
    if (!list.items)
        return no_memory(why);
    for (size_t i = 0; i < list.count; i++)
        list.items[i] = field->items[i];
    for (struct str item; (item = next_item(key, &value)).len;)
        if (!add_item(key, &list, memory, item, why))
            return false;
    *field = list;
    return true;
}

/* Which of "this|that" the value is, or -1. */
static int64_t which(const char *choices, struct str value)
{
    struct str rest = str_of(choices);

    for (int64_t i = 0; rest.len; i++)
        if (str_eq(str_split(&rest, '|'), value))
            return i;
    return -1;
}

static bool set_number(const struct config_key *key, int64_t *field, struct str value,
                       struct buf *why)
{
    int64_t number;

    if (!units_parse(key->units, value, &number) || number < key->min || number > key->max)
        return mistake(key, value, why);
    *field = number;
    return true;
}

bool config_value_set(const struct config_key *key, void *field, struct arena *memory,
                      struct str value, bool more, struct buf *why)
{
    int64_t choice;

    switch (key->type) {
    case CONFIG_TEXT:
        return set_text(key, field, memory, value, why);
    case CONFIG_SECRET:
        return set_secret(key, field, memory, value, why);
    case CONFIG_LIST:
    case CONFIG_LINES:
        return set_list(key, field, memory, value, more, why);
    case CONFIG_NUMBER:
        return set_number(key, field, value, why);
    case CONFIG_CHOICE:
    case CONFIG_FLAG:
        break;
    }
    if ((choice = which(key->choices, value)) < 0)
        return mistake(key, value, why);
    if (key->type == CONFIG_FLAG)
        *(bool *)field = choice == 1;
    else
        *(int64_t *)field = choice;
    return true;
}

static void print_choice(const char *choices, int64_t index, struct buf *out)
{
    struct str rest = str_of(choices), word = {0};

    for (int64_t i = 0; i <= index; i++)
        word = str_split(&rest, '|');
    buf_append(out, word);
}

/* A list of more than `width` bytes goes on over indented lines. */
static void print_list(const struct str_list *list, size_t width, struct buf *out)
{
    size_t line = out->len;

    for (size_t i = 0; i < list->count; i++) {
        if (i > 0 && out->len - line + list->items[i].len > width) {
            buf_append(out, STR("\n   "));
            line = out->len;
        }
        if (i > 0)
            buf_append_byte(out, ' ');
        buf_append(out, list->items[i]);
    }
}

void config_value_print(const struct config_key *key, const void *field, struct buf *out)
{
    switch (key->type) {
    case CONFIG_TEXT:
    case CONFIG_SECRET:
        buf_append(out, *(const struct str *)field);
        break;
    case CONFIG_LIST:
        print_list(field, 80, out);
        break;
    case CONFIG_LINES:
        print_list(field, 0, out);
        break;
    case CONFIG_CHOICE:
        print_choice(key->choices, *(const int64_t *)field, out);
        break;
    case CONFIG_FLAG:
        print_choice(key->choices, *(const bool *)field, out);
        break;
    case CONFIG_NUMBER:
        units_format(key->units, *(const int64_t *)field, out);
        break;
    }
}

static bool list_equal(const struct str_list *a, const struct str_list *b)
{
    for (size_t i = 0; i < a->count && i < b->count; i++)
        if (!str_eq(a->items[i], b->items[i]))
            return false;
    return a->count == b->count;
}

bool config_value_equal(const struct config_key *key, const void *a, const void *b)
{
    switch (key->type) {
    case CONFIG_TEXT:
    case CONFIG_SECRET:
        return str_eq(*(const struct str *)a, *(const struct str *)b);
    case CONFIG_LIST:
    case CONFIG_LINES:
        return list_equal(a, b);
    case CONFIG_FLAG:
        return *(const bool *)a == *(const bool *)b;
    case CONFIG_CHOICE:
    case CONFIG_NUMBER:
        break;
    }
    return *(const int64_t *)a == *(const int64_t *)b;
}
