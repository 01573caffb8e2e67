/* Any text as a configuration, and a comment in its first line as #NAME=VALUE of the
 * environment: what is accepted must be printed as a text that is accepted and means the same. */
#include "core/config.h"

#include <stdlib.h>

static void override_with(struct config *c, struct str line, struct buf *errors)
{
    struct buf name = buf_new(4096), value = buf_new(4096);

    buf_append(&name, str_split(&line, '='));
    buf_append_byte(&name, '\0');
    buf_append(&value, line);
    buf_append_byte(&value, '\0');
    if (buf_ok(&name) && buf_ok(&value) && !config_override(c, name.ptr, value.ptr, errors) &&
        errors->len == 0)
        abort();
    buf_free(&name);
    buf_free(&value);
}

static void print(struct config *c, struct buf *out)
{
    c->secret = c->redis_password = (struct str){"", 0}; /* a printed secret is not the secret */
    config_print(c, out);
    if (!buf_ok(out))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size}, rest = text;
    struct buf errors = buf_new(1 << 16), first = buf_new(1 << 24), second = buf_new(1 << 24);
    struct config *c = config_read(text, "FILE", &errors), *again = NULL;

    if (!c && errors.len == 0)
        abort();
    if (c) {
        override_with(c, str_from(str_split(&rest, '\n'), 1), &errors);
        (void)!config_validate(c, &errors);
        print(c, &first);
        if (!(again = config_read(buf_str(&first), "PRINTED", &errors)))
            abort();
        print(again, &second);
        if (!str_eq(buf_str(&first), buf_str(&second)))
            abort();
    }
    config_unref(c);
    config_unref(again);
    buf_free(&errors);
    buf_free(&first);
    buf_free(&second);
    return 0;
}
