/* Which word was meant: the one that the fewest changes of single letters lead to. */
#include "config_keys.h"

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* Levenshtein's distance, one row of the table at a time. */
static size_t distance(struct str a, struct str b)
{
    size_t row[sizeof((struct config_nearest *)0)->best + 1];

    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t above = row[j];
            row[j] =
                least(above + 1, row[j - 1] + 1, diagonal + (a.ptr[i - 1] != b.ptr[j - 1] ? 1 : 0));
            diagonal = above;
        }
    }
    return row[b.len];
}

void config_nearest_try(struct config_nearest *nearest, struct str candidate)
{
    struct str wanted = nearest->wanted;

    size_t most = 1 + wanted.len / 4;

    if (wanted.len >= sizeof nearest->best || candidate.len >= sizeof nearest->best ||
        wanted.len > candidate.len + most || candidate.len > wanted.len + most)
        return;
    size_t changes = distance(wanted, candidate);
    if (changes > most || (nearest->distance && changes >= nearest->distance))
        return;
    nearest->distance = changes;
    memcpy(nearest->best, candidate.ptr, candidate.len);
    nearest->best[candidate.len] = '\0';
}

void config_nearest_print(const struct config_nearest *nearest, const char *prefix,
                          struct buf *errors)
{
    if (nearest->distance)
        buf_printf(errors, "; did you mean \"%s%s\"?", prefix, nearest->best);
    buf_append_byte(errors, '\n');
}
