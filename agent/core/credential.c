#include "credential.h"

#include "percent.h"
#include "show.h"

enum {
    NAME_MAX = 64,  /* of a name, what is looked at */
    SECRET_MIN = 8, /* bytes: what is shorter is looked for nowhere else */
};

static const struct str hidden = {"***", 3};

/* A name, percent-decoded, as a C string in small letters without - and _. */
static void plain_name(char out[NAME_MAX + 1], struct str name)
{
    size_t len = 0;

    while (name.len && len < NAME_MAX) {
        char c = percent_take(&name);
        if (c >= 'A' && c <= 'Z')
            c |= 0x20;
        if (c && c != '-' && c != '_')
            out[len++] = c;
    }
    out[len] = '\0';
}

bool credential_name(struct str name)
{
    static const char *const parts[] = {"auth", "key",     "token", "secret", "cookie", "passw",
                                        "cred", "session", "sig",   "jwt",    "bearer"};
    char plain[NAME_MAX + 1];

    plain_name(plain, name);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strstr(plain, parts[i]))
            return true;
    return name.len > NAME_MAX;
}

void credential_show_target(struct buf *out, struct str target)
{
    char separator = '?';

    show_text(out, str_split(&target, '?'), SIZE_MAX);
    for (; target.len; separator = '&') {
        struct str value = str_split(&target, '&'), name = str_split(&value, '=');
        buf_append_byte(out, (uint8_t)separator);
        show_text(out, name, SIZE_MAX);
        if (value.len == 0)
            continue;
        buf_append_byte(out, '=');
        if (credential_name(name))
            buf_append(out, hidden);
        else
            show_text(out, value, SIZE_MAX);
    }
}

/* Replaces the secret by something that is no longer. */
static void hide(struct buf *out, size_t from, struct str secret)
{
    char *at = out->ptr + from, *to = at, *end = out->ptr + out->len, *found;

    if (secret.len < SECRET_MIN || out->len == from)
        return;
    while ((found = memmem(at, (size_t)(end - at), secret.ptr, secret.len))) {
        memmove(to, at, (size_t)(found - at));
        to += found - at;
        memcpy(to, hidden.ptr, hidden.len);
        to += hidden.len;
        at = found + secret.len;
    }
    memmove(to, at, (size_t)(end - at));
    out->len -= (size_t)(at - to);
}

/* A whole value, what follows its scheme, and each value in a list of NAME=VALUE. */
static void hide_parts(struct buf *out, size_t from, struct str value)
{
    struct str rest = value;

    hide(out, from, value);
    str_split(&rest, ' ');
    hide(out, from, str_trim(rest));
    for (rest = value; rest.len;) {
        struct str part = str_split(&rest, ';');
        str_split(&part, '=');
        hide(out, from, str_trim(part));
    }
}

void credential_hide(struct buf *out, size_t from, const struct request *request)
{
    const struct headers *headers = request->headers;
    struct str target = request->target;

    if (!buf_ok(out))
        return;
    for (size_t i = 0; i < headers->count; i++)
        if (credential_name(headers->items[i].name))
            hide_parts(out, from, headers->items[i].value);
    str_split(&target, '?');
    while (target.len) {
        struct str value = str_split(&target, '&'), name = str_split(&value, '=');
        if (credential_name(name))
            hide_parts(out, from, value);
    }
}
