/* The shapes of words. What stands in a configuration ends up in keys, in headers and in
 * HAProxy's variables, so each shape admits what those are known to take and no more. */
#include "config_keys.h"

#include "api.h"
#include "decimal.h"

static bool one_of(struct str word, const char *words)
{
    struct str rest = str_of(words);

    while (rest.len)
        if (str_eq_nocase(str_split(&rest, ' '), word))
            return true;
    return false;
}

/* What survives being written into an INI file and read again. */
static bool text_valid(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c < ' ' || c == 0x7f || (c == ';' && (i == 0 || text.ptr[i - 1] == ' ')))
            return false;
    }
    return true;
}

static bool path_valid(struct str path)
{
    enum { SUN_PATH = 108 }; /* unix(7), with its NUL */

    return path.len > 0 && path.len < SUN_PATH && text_valid(path) &&
           !memchr(path.ptr, ' ', path.len) && !memchr(path.ptr, ',', path.len);
}

static bool host_valid(struct str host)
{
    if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
        return str_made_of((struct str){host.ptr + 1, host.len - 2}, ":.%-_");
    return str_made_of(host, ".-_*");
}

static bool address_valid(struct str address)
{
    const char *colon = address.len ? memrchr(address.ptr, ':', address.len) : NULL;
    int64_t port = 0;

    if (str_starts(address, STR("unix:")))
        return path_valid(str_from(address, strlen("unix:")));
    if (!colon)
        return false;
    struct str host = {address.ptr, (size_t)(colon - address.ptr)};
    return host_valid(host) && decimal_read(str_from(address, host.len + 1), &port) && port >= 1 &&
           port <= 65535;
}

/* HAProxy's names of variables end at 64 characters, and "txn.cache.h_" stands before. */
static bool header_valid(struct str name)
{
    return name.len <= 50 && str_made_of(name, "-_.");
}

static bool replay_valid(struct str name)
{
    return header_valid(name) && header_replayable(name);
}

static bool method_valid(struct str method)
{
    return method.len <= 32 && str_made_of(method, "-_");
}

static bool type_valid(struct str type)
{
    struct str rest = type, first = str_split(&rest, '/');

    return type.len <= 100 && str_made_of(first, "-_.+") && str_made_of(rest, "-_.+");
}

/* As they stand in a URL: unreserved characters and percent-encoded ones (RFC 3986 2.3), and
 * the brackets that many frameworks use. */
static bool parameter_valid(struct str name)
{
    return name.len <= 100 && str_made_of(name, "-_.~%[]$:");
}

/* Statuses that mean the same when they are told twice: final, not about a range or a condition
 * of one request, and not an error that passes. RFC 9110 15.1, and what a proxy can make. */
#define STATUSES "200 203 300 301 302 307 308 404 410"
#define FINISHES "length content_filter refusal"
#define EMITTED "x-cache-status x-cache-key x-cache-ttl age cache-status"
#define STEPS "trim collapse-space nfc"

static bool api_valid(struct str name)
{
    return str_eq(name, STR("auto")) || api_named(name);
}

static bool decimal_valid(struct str text)
{
    struct str rest = text, whole = str_split(&rest, '.');
    int64_t ignored;

    return whole.len <= 3 && rest.len <= 6 && decimal_read(whole, &ignored) &&
           (whole.len == text.len || decimal_read(rest, &ignored));
}

static bool finish_valid(struct str word)
{
    return one_of(word, FINISHES);
}

static bool status_valid(struct str status)
{
    return one_of(status, STATUSES);
}

static bool emit_valid(struct str name)
{
    return one_of(name, EMITTED);
}

static bool source_valid(struct str word)
{
    struct str rest = word, first = str_split(&rest, ':');

    if (str_eq_nocase(first, STR("header")) && first.len < word.len)
        return header_valid(rest);
    return one_of(word, "variable credential");
}

static bool step_valid(struct str word)
{
    return one_of(word, STEPS);
}

enum { MAX_ITEM = 160 }; /* bytes, so that an item fits into a line that inih takes */

/* What is read again as it was where it begins an indented line. */
static bool item_valid(struct str item)
{
    return item.len > 0 && item.len <= MAX_ITEM && item.ptr[0] != '#' && text_valid(item);
}

static bool identity_valid(struct str word)
{
    return item_valid(word) && !memchr(word.ptr, '*', word.len);
}

static bool model_pattern_valid(struct str word)
{
    const char *star = word.len ? memchr(word.ptr, '*', word.len) : NULL;

    return item_valid(word) && (!star || star == word.ptr + word.len - 1);
}

static bool policy_name_valid(struct str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] >= 'A' && name.ptr[i] <= 'Z')
            return false;
    return name.len <= 32 && str_made_of(name, "-");
}

static bool tenant_name_valid(struct str name)
{
    return name.len <= 32 && str_made_of(name, "._-");
}

static bool model_name_valid(struct str name)
{
    return name.len <= 64 && str_made_of(name, "._-:/@");
}

const struct config_word config_word_name = {"a name", text_valid, AS_WRITTEN};
const struct config_word config_word_path = {"a path", text_valid, AS_WRITTEN};
const struct config_word config_word_address = {"an address: HOST:PORT, [V6]:PORT or unix:PATH",
                                                address_valid, AS_WRITTEN};
const struct config_word config_word_header = {"a header's name", header_valid, LOWER_CASE};
const struct config_word config_word_replay = {"the name of a response header that may be replayed",
                                               replay_valid, LOWER_CASE};
const struct config_word config_word_method = {"a method", method_valid, UPPER_CASE};
const struct config_word config_word_status = {"one of " STATUSES, status_valid, AS_WRITTEN};
const struct config_word config_word_type = {"a TYPE/SUBTYPE without parameters", type_valid,
                                             LOWER_CASE};
const struct config_word config_word_parameter = {"a query parameter's name", parameter_valid,
                                                  AS_WRITTEN};
const struct config_word config_word_api = {"auto, or an API: see README", api_valid, LOWER_CASE};
const struct config_word config_word_decimal = {"a decimal number", decimal_valid, AS_WRITTEN};
const struct config_word config_word_finish = {"one of " FINISHES, finish_valid, LOWER_CASE};
const struct config_word config_word_emit = {"one of " EMITTED, emit_valid, LOWER_CASE};
const struct config_word config_word_source = {"variable, credential or header:NAME", source_valid,
                                               LOWER_CASE};
const struct config_word config_word_step = {"one of " STEPS, step_valid, LOWER_CASE};
const struct config_word config_word_regex = {"a regular expression of up to 160 bytes", item_valid,
                                              AS_WRITTEN};
const struct config_word config_word_identity = {"an identity of up to 160 bytes without *",
                                                 identity_valid, AS_WRITTEN};
const struct config_word config_word_model_pattern = {
    "a model of up to 160 bytes, with * at its end only", model_pattern_valid, AS_WRITTEN};
const struct config_word config_word_policy = {"a policy's name: 1 to 32 of a-z, 0-9 and -",
                                               policy_name_valid, AS_WRITTEN};
const struct config_word config_word_tenant = {
    "a tenant's name: 1 to 32 of a-z, A-Z, 0-9 and . _ -", tenant_name_valid, AS_WRITTEN};
const struct config_word config_word_group = {"a group's name: 1 to 32 of a-z, A-Z, 0-9 and . _ -",
                                              tenant_name_valid, AS_WRITTEN};
const struct config_word config_word_model = {
    "a model's name: 1 to 64 of a-z, A-Z, 0-9 and . _ - : / @", model_name_valid, AS_WRITTEN};
