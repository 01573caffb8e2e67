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
    config_word_finish, config_word_emit, config_word_source, config_word_step, config_word_regex,
    config_word_identity, config_word_model_pattern, config_word_policy, config_word_tenant,
    config_word_group, config_word_model;

struct config_key {
    const char *section, *name;
    const char *title; /* "[section] name", of a key of the agent */
    enum {
        CONFIG_TEXT,   /* struct str; min and max count bytes, and it may always be empty */
        CONFIG_SECRET, /* as text, any bytes, never shown */
        CONFIG_LIST,   /* struct str_list; min and max count words */
        CONFIG_LINES,  /* the same; an item is a line and may hold spaces */
        CONFIG_CHOICE, /* int64_t: which of the choices */
        CONFIG_FLAG,   /* bool: whether it is the second of two choices */
        CONFIG_NUMBER, /* int64_t */
    } type;
    bool reloads;       /* may change in a running agent */
    size_t offset;      /* of the field in the item that has the key */
    const char *preset; /* the default, as one would write it */
    int64_t min, max;
    enum units units;               /* of a number */
    const char *choices;            /* "this|that" */
    const struct config_word *word; /* of a text or list */
    const char *help;
};

/* What is known of a kind of section. */
struct config_kind_info {
    const char *section;            /* "policy"; NULL: of the agent, where a key knows its own */
    const struct config_word *name; /* the shape of a section's name */
    size_t size;                    /* of an item, which begins with its name, a struct str */
    size_t max;                     /* how many there may be */
    const char *plural;
    const struct config_key *keys;
    size_t key_count;
};

extern const struct config_kind_info config_kinds[CONFIG_KINDS];

/* The kind of section with a name that is called so; CONFIG_AGENT when there is none. */
enum config_kind config_kind_called(struct str word);

/* The key, or NULL. */
const struct config_key *config_key(enum config_kind kind, struct str section, struct str name);

/* Where the field of a key begins in the item that has it. */
static inline void *config_field(const void *item, const struct config_key *key)
{
    return (char *)item + key->offset;
}

/* The name of an item that is not the agent. */
static inline struct str config_name(const void *item)
{
    return *(const struct str *)item;
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

/* "[policy llm] ttl: ", as messages about a key begin behind their place. */
void config_key_print(const struct config_section *section, const struct config_key *key,
                      struct buf *errors);

/* Sets a key, or appends to it, with a line in *errors when that fails. */
__attribute__((warn_unused_result)) bool
config_assign(struct config *c, const struct config_section *section, const struct config_key *key,
              struct str value, bool more, struct config_place at, struct buf *errors);

/* Appends the name of the variable that sets a key, behind SPOA_CACHE_: POLICY_LLM_TTL. */
void config_variable(const struct config_section *section, const struct config_key *key,
                     struct buf *out);

/* Every key at its default, with the policy that is always there. NULL: no memory. */
struct config *config_new(const char *file);

/* In the place of a line: where else the value of a key came from. */
#define CONFIG_FROM_ENVIRONMENT UINT32_MAX
#define CONFIG_FROM_ELSEWHERE (UINT32_MAX - 1) /* config_set() */
#define CONFIG_FROM_BEFORE (UINT32_MAX - 2)    /* config_inherit(): the file has another one */

/* Where the line of a key is remembered. */
static inline uint32_t *config_line(const struct config_section *section,
                                    const struct config_key *key)
{
    return &section->lines[key - config_kinds[section->kind].keys];
}

/* Adds the section of the agent, whose item is *c, with the defaults. */
__attribute__((warn_unused_result)) bool config_make_agent(struct config *c, struct buf *why);

/* The section of that name, made with the defaults when there is none. NULL when it cannot be: a
 * bad name, too many, or no memory; *why says which. */
const struct config_section *config_make(struct config *c, enum config_kind kind, struct str name,
                                         struct buf *why);

/* Makes tenants and models known by the words of their match, after these have changed. False
 * when there is no memory. */
__attribute__((warn_unused_result)) bool config_index(struct config *c);

/* Makes each policy's normalizer, in place of one it may have, and the digest of its rules. False,
 * with a line in *errors, when one cannot be made. */
__attribute__((warn_unused_result)) bool config_complete_policies(struct config *c,
                                                                  struct buf *errors);

/* Frees what the policies own outside the configuration's memory. */
void config_free_policies(struct config *c);

/* Begins a line of *errors about a key of a section. */
void config_complain(const struct config *c, const struct config_section *section, const char *name,
                     struct buf *errors);

/* Whether no two tenants, and no two models, have a word of their match in common, and the
 * policies of tenants exist. */
__attribute__((warn_unused_result)) bool config_validate_sections(const struct config *c,
                                                                  struct buf *errors);

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
