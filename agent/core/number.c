#include "number.h"

enum { EXPONENT_MAX = 99999 };

/* digits * 10^exponent; the digits begin and end with none that is 0. */
struct decimal {
    char digits[NUMBER_MAX];
    size_t count;
    int exponent;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The digits before and behind the point; returns what follows them. */
static const char *read_digits(struct decimal *d, const char *at, const char *end)
{
    bool fraction = false;

    for (; at < end && (is_digit(*at) || *at == '.'); at++) {
        if (*at == '.') {
            fraction = true;
            continue;
        }
        if (d->count || *at != '0')
            d->digits[d->count++] = *at;
        d->exponent -= fraction;
    }
    return at;
}

/* The exponent behind its letter; false when it is out of bounds. */
static bool read_exponent(struct decimal *d, const char *at, const char *end)
{
    bool negative = *at == '-';
    int value = 0;

    for (at += negative || *at == '+'; at < end; at++) {
        value = value * 10 + (*at - '0');
        if (value > EXPONENT_MAX)
            return false;
    }
    d->exponent += negative ? -value : value;
    return true;
}

static bool read_number(struct decimal *d, struct str text)
{
    const char *end = text.ptr + text.len;
    const char *at = read_digits(d, text.ptr, end);

    if (at < end && !read_exponent(d, at + 1, end))
        return false;
    while (d->count && d->digits[d->count - 1] == '0')
        d->count--, d->exponent++;
    return true;
}

static void write_zeros(struct buf *out, int count)
{
    while (count-- > 0)
        buf_append_byte(out, '0');
}

void number_write(struct buf *out, struct str number)
{
    struct decimal d = {.count = 0};
    bool negative = number.ptr[0] == '-';

    if (number.len > NUMBER_MAX || !read_number(&d, str_from(number, negative))) {
        buf_append(out, number);
        return;
    }
    if (d.count == 0) {
        buf_append_byte(out, '0');
        return;
    }
    if (negative)
        buf_append_byte(out, '-');
    buf_append(out, (struct str){d.digits, d.count});
    if (d.exponent >= 0 && d.exponent + (int)d.count <= NUMBER_MAX)
        write_zeros(out, d.exponent);
    else
        buf_printf(out, "e%d", d.exponent);
}
