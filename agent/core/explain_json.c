#include "explain.h"

#include "explain_subject.h"
#include "json_write.h"

static void begin_member(struct buf *out, struct str label)
{
    buf_append(out, out->ptr[out->len - 1] == '{' ? STR("\"") : STR("],\""));
    buf_append(out, label); /* ours: nothing in it needs an escape */
    buf_append(out, STR("\":["));
}

void explain_json(struct buf *out, struct str text)
{
    buf_append_byte(out, '{');
    while (text.len && buf_ok(out)) {
        struct str line = str_split(&text, '\n');
        struct str label = {line.ptr, line.len < EXPLAIN_LABEL ? line.len : EXPLAIN_LABEL};
        label = str_trim(label);
        if (label.len)
            begin_member(out, label);
        else
            buf_append_byte(out, ',');
        json_write_string(out, str_from(line, EXPLAIN_LABEL + 1));
    }
    buf_append(out, STR("]}\n"));
}
