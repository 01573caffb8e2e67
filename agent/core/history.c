#include "history.h"

#include "json_write.h"
#include <inttypes.h>

enum { ROOM = HISTORY_STEPS + 1 };

void history_take(struct history *h, int64_t now, const struct history_sample *sample)
{
    h->samples[h->count++ % ROOM] = *sample;
    h->last = now;
}

/* `at` is where the field of the series is in a sample. */
static void render_series(const struct history *h, const char *name, size_t at, struct buf *out)
{
    size_t first = h->count > ROOM ? h->count - ROOM : 0;
    uint64_t before = 0;

    json_write_name(out, name);
    buf_append_byte(out, '[');
    for (size_t i = first; i < h->count; i++) {
        uint64_t now;
        memcpy(&now, (const char *)&h->samples[i % ROOM] + at, sizeof now);
        if (i > first) {
            json_write_item(out);
            json_write_number(out, now - before);
        }
        before = now;
    }
    buf_append_byte(out, ']');
}

void history_render(const struct history *h, struct buf *out)
{
    buf_printf(out, "{\"every\":%d,\"end\":%" PRId64, HISTORY_SECONDS, h->last);
#define X(series) render_series(h, #series, offsetof(struct history_sample, series), out);
    HISTORY(X)
#undef X
    buf_append_byte(out, '}');
}
