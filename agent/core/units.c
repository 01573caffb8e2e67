#include "units.h"

#include "decimal.h"
#include <inttypes.h>

struct unit {
    const char *name;
    int64_t factor;
    int64_t least; /* the smallest value that is written in this unit */
};

/* Largest first. One day is written 24h, as it is usually said. */
static const struct unit durations[] = {
    {"d", 86400000, 2 * 86400000},
    {"h", 3600000, 3600000},
    {"m", 60000, 60000},
    {"s", 1000, 1000},
    {"ms", 1, 1},
    {NULL, 0, 0},
};
static const struct unit sizes[] = {
    {"gb", 1 << 30, 1 << 30},
    {"mb", 1 << 20, 1 << 20},
    {"kb", 1 << 10, 1 << 10},
    {"b", 1, 1},
    {NULL, 0, 0},
};
static const struct unit none[] = {{NULL, 0, 0}};

static const struct unit *units_table(enum units units)
{
    return units == UNITS_DURATION ? durations : units == UNITS_SIZE ? sizes : none;
}

const char *units_names(enum units units)
{
    return units == UNITS_DURATION ? "ms, s, m, h or d"
           : units == UNITS_SIZE   ? "b, kb, mb or gb"
           : units == UNITS_MONEY  ? "digits with up to 6 behind a point"
                                   : "";
}

enum { MILLION = 1000000, MONEY_DIGITS = 6 };

/* "2.5", with digits on both sides of a point. */
static bool parse_money(struct str text, int64_t *out)
{
    struct str fraction = text, whole = str_split(&fraction, '.');
    int64_t parts = 0;

    if (!decimal_read(whole, out) || __builtin_mul_overflow(*out, MILLION, out))
        return false;
    if (whole.len == text.len)
        return true;
    if (fraction.len > MONEY_DIGITS || !decimal_read(fraction, &parts))
        return false;
    for (size_t i = fraction.len; i < MONEY_DIGITS; i++)
        parts *= 10;
    return !__builtin_add_overflow(*out, parts, out);
}

static void format_money(int64_t value, struct buf *out)
{
    buf_printf(out, "%" PRId64, value / MILLION);
    if (value % MILLION == 0)
        return;
    buf_printf(out, ".%06" PRId64, value % MILLION);
    while (buf_ok(out) && out->ptr[out->len - 1] == '0')
        out->len--;
}

bool units_parse(enum units units, struct str text, int64_t *out)
{
    size_t digits = 0;

    if (units == UNITS_MONEY)
        return parse_money(text, out);
    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
        digits++;
    struct str suffix = str_from(text, digits);
    if (!decimal_read((struct str){text.ptr, digits}, out))
        return false;
    if (suffix.len == 0)
        return units != UNITS_DURATION || *out == 0;
    for (const struct unit *u = units_table(units); u->name; u++)
        if (str_eq_nocase(suffix, str_of(u->name)))
            return !__builtin_mul_overflow(*out, u->factor, out);
    return false;
}

void units_format(enum units units, int64_t value, struct buf *out)
{
    if (units == UNITS_MONEY) {
        format_money(value, out);
        return;
    }
    for (const struct unit *u = units_table(units); u->name; u++)
        if (value >= u->least && value % u->factor == 0) {
            buf_printf(out, "%" PRId64 "%s", value / u->factor, u->name);
            return;
        }
    buf_printf(out, "%" PRId64, value);
}
