/* The table of keys and what the parts of the configuration share; nobody else includes it. */
#ifndef CORE_CONFIG_KEYS_H
#define CORE_CONFIG_KEYS_H

#include "config.h"
#include "units.h"

/* The shape of a text or of each word in a list. */
struct config_word {
    const char *what; /* with its article, for messages */
    bool (*valid)(struct str word);
    enum { AS_WRITTEN, LOWER_CASE, UPPER_CASE } letters;
};

extern const struct config_word config_word_name, config_word_path, config_word_address,
    config_word_header, config_word_replay, config_word_method, config_word_status,
    config_word_type, config_word_parameter, config_word_api, config_word_decimal,
    config_word_finish, config_word_emit;

struct config_key {
    const char *section, *name;
    const char *title; /* "[section] name" */
    enum {
        CONFIG_TEXT,   /* struct str; min and max count bytes, and it may always be empty */
        CONFIG_SECRET, /* as text, any bytes, never shown */
        CONFIG_LIST,   /* struct str_list; min and max count words */
        CONFIG_CHOICE, /* int64_t: which of the choices */
        CONFIG_FLAG,   /* bool: whether it is the second of two choices */
        CONFIG_NUMBER, /* int64_t */
    } type;
    bool reloads;       /* may change in a running agent */
    size_t offset;      /* in struct policy for a key of [policy NAME], else in struct config */
    const char *preset; /* the default, as one would write it */
    int64_t min, max;
    enum units units;               /* of a number */
    const char *choices;            /* "this|that" */
    const struct config_word *word; /* of a text or list */
    const char *help;
};

enum { CONFIG_MAX_KEYS = 64 };

extern const struct config_key config_keys[];
extern const size_t config_key_count;

static inline bool config_key_in_policy(const struct config_key *key)
{
    return strcmp(key->section, "policy") == 0;
}

/* The key, or NULL. */
const struct config_key *config_key(struct str section, struct str name);

/* Where the field of a key begins; `policy` may be NULL for a key outside the policies. */
static inline void *config_field(const struct config *c, const struct policy *policy,
                                 const struct config_key *key)
{
    char *base = config_key_in_policy(key) ? (char *)policy : (char *)c;

    return base + key->offset;
}

/* Reads a value into a field, or, with `more`, appends it to a list. On a mistake returns false
 * and appends what is wrong to *why. */
__attribute__((warn_unused_result)) bool config_value_set(const struct config_key *key, void *field,
                                                          struct arena *memory, struct str value,
                                                          bool more, struct buf *why);

/* Appends the value as config_value_set() takes it, a secret too. */
void config_value_print(const struct config_key *key, const void *field, struct buf *out);

/* Whether two fields of the same key hold the same value. */
bool config_value_equal(const struct config_key *key, const void *a, const void *b);

/* Appends what a value must be: "a duration from 1ms to 10s". */
void config_value_expected(const struct config_key *key, struct buf *out);

/* Appends foreign text in quotes, cut when it is long, without control characters. */
void config_quote(struct str text, struct buf *out);

/* Where a value came from, for messages. */
struct config_place {
    const char *source;
    size_t line; /* 0: not a file */
};

/* Appends "SOURCE:LINE: " or "SOURCE: ". */
void config_place_print(struct config_place at, struct buf *errors);

/* Sets a key, or appends to it, with a line in *errors when that fails. */
__attribute__((warn_unused_result)) bool config_assign(struct config *c, struct policy *policy,
                                                       const struct config_key *key,
                                                       struct str value, bool more,
                                                       struct config_place at, struct buf *errors);

/* Every key at its default, with the policy that is always there. NULL: no memory. */
struct config *config_new(const char *file);

/* The policy of that name, made with the defaults when there is none. NULL when it cannot be:
 * a bad name, too many, or no memory; *why says which. */
struct policy *config_make_policy(struct config *c, struct str name, struct buf *why);

/* Finds the nearest of several candidates to a mistyped word. */
struct config_nearest {
    struct str wanted;
    size_t distance; /* 0: none yet */
    char best[80];
};

/* Remembers the candidate when it is nearer to what is wanted than all before it. */
void config_nearest_try(struct config_nearest *nearest, struct str candidate);

/* Appends "; did you mean PREFIX...?" when a candidate was near, and a newline in any case. */
void config_nearest_print(const struct config_nearest *nearest, const char *prefix,
                          struct buf *errors);

#endif
