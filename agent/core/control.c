#include "control.h"

#include "decimal.h"

/* Seconds to milliseconds; 0 when it is no number. */
static int64_t milliseconds(struct str seconds)
{
    int64_t number;

    return decimal_read(seconds, &number) && number < INT64_MAX / 1000 ? number * 1000 : 0;
}

/* The less of two times, of which the first may not have been said: then it is below `said`. */
static int64_t least(int64_t before, int64_t said, int64_t now)
{
    return before < said || now < before ? now : before;
}

static void read_directive(struct control *out, struct str directive)
{
    struct str value = directive, name = str_trim(str_split(&value, '='));

    if (str_eq_nocase(name, STR("no-store")))
        out->no_store = true;
    else if (str_eq_nocase(name, STR("no-cache")))
        out->no_cache = true;
    else if (str_eq_nocase(name, STR("only-if-cached")))
        out->only_if_cached = true;
    else if (str_eq_nocase(name, STR("max-age")))
        out->max_age = least(out->max_age, 0, milliseconds(str_trim(value)));
    else
        return;
    out->any = true;
}

static void read_ttl(struct control *out, struct str seconds)
{
    int64_t ttl = milliseconds(seconds);

    out->no_store |= ttl == 0;
    out->ttl = least(out->ttl, 1, ttl);
    out->any = true;
}

void control_read(struct control *out, const struct headers *headers)
{
    *out = (struct control){.max_age = -1};
    for (size_t i = 0; i < headers->count; i++) {
        struct str name = headers->items[i].name, value = headers->items[i].value;
        if (str_eq(name, STR("cache-control")) || str_eq(name, STR("x-cache-control")))
            while (value.len)
                read_directive(out, str_split(&value, ','));
        else if (str_eq(name, STR("x-cache-ttl")))
            read_ttl(out, value);
        else if (str_eq(name, STR("x-cache-namespace")))
            out->space = value, out->any = true;
    }
    out->no_store |= headers_count(headers, STR("x-cache-namespace")) > 1;
}
