/* The configuration: one table of keys that reader, environment, --print-config and the README
 * walk. It reads text, never files or the environment: settings.c brings those. Mistakes are
 * appended to a buffer of errors, a line each: "FILE:LINE: [section] key: what is wrong". */
#ifndef CORE_CONFIG_H
#define CORE_CONFIG_H

#include "arena.h"
#include "buf.h"
#include "cipher_keys.h"
#include "policy.h"
#include "tenant.h"
#include "word_index.h"
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };
enum log_sink { LOG_SINK_STDERR, LOG_SINK_SYSLOG };

enum {
    CONFIG_MAX_POLICIES = 64,
    CONFIG_MAX_TENANTS = 4096,
    CONFIG_MAX_MODELS = 256,
    CONFIG_MAX_PRICES = 1024,
    CONFIG_MAX_SECRET = 4096, /* bytes of a secret */
};

/* What a key belongs to: the agent, or a section that has a name. */
enum config_kind {
    CONFIG_AGENT,
    CONFIG_POLICY,
    CONFIG_TENANT,
    CONFIG_MODEL,
    CONFIG_PRICE,
    CONFIG_KINDS
};

/* One thing that has keys. */
struct config_section {
    enum config_kind kind;
    void *item; /* struct config, policy, tenant, model or price */
    /* Of each key of the kind: where in the file it stands, 0: nowhere, or CONFIG_FROM_... */
    uint32_t *lines;
};

/* All of a kind, in the order of the file. */
struct config_sections {
    struct config_section **all;
    size_t count, room;
    struct word_index names; /* of struct config_section */
};

/* Sections by names of models, or beginnings of them. */
struct model_index {
    struct word_index names;    /* the words of their match that are whole names */
    struct word_index prefixes; /* and those that ended in '*', without it */
    size_t longest_prefix;      /* bytes */
};

/* Every value is as the table says; text and lists are owned by the configuration, and text has
 * a NUL behind it. Durations are in milliseconds, sizes in bytes. */
struct config {
    /* [agent] */
    struct str_list listen; /* "ADDR:PORT", "[V6]:PORT" or "unix:PATH" */
    struct str_list status; /* the HTTP door, in the same way; empty: closed */
    struct str door_token, door_token_file;
    int64_t max_connections, max_waiting;
    int64_t max_frame_size;
    int64_t hello_timeout, idle_timeout, drain_delay, drain_timeout;
    int64_t log, log_format, log_level; /* enum log_sink, log_format, log_level */
    struct str user, group;             /* to run as; empty: as started */
    bool core_dumps;
    int64_t metrics_tenants;
    /* [key] */
    struct str secret, secret_file;
    /* [memory] */
    int64_t memory_size;
    bool memory_tier;
    /* [redis] */
    struct str redis_address; /* "HOST:PORT", "unix:PATH" */
    struct str redis_user, redis_password, redis_password_file;
    int64_t redis_database;
    int64_t redis_timeout, redis_connect_timeout;
    int64_t redis_max_pending;
    struct str_list redis_sentinels, redis_cluster; /* addresses */
    struct str redis_master;                        /* its name among the Sentinels */
    struct str redis_sentinel_user, redis_sentinel_password, redis_sentinel_password_file;
    bool redis_tls;
    struct str redis_tls_ca_file, redis_tls_cert_file, redis_tls_key_file, redis_tls_server_name;
    /* [values], of what is stored where others can read it; see seal.h */
    bool compress;
    int64_t compress_above, compress_level;
    struct str_list dictionary_files;
    struct str key_file;
    bool bind_to_request;
    struct str_list dictionaries;   /* what those files hold */
    struct cipher_keys cipher_keys; /* and the key file; wiped with the configuration */
    bool key_file_exposed;          /* every user of the machine may read or write it */
    /* [policy NAME], of which "llm" is always there, [tenant NAME], [model NAME]; the agent is the
     * only one of its kind */
    struct config_sections sections[CONFIG_KINDS];
    struct word_index tenants; /* the words of their match */
    struct model_index models, prices;

    const char *file;    /* what config_read() was told */
    struct arena memory; /* owned: everything the fields above point to */
    unsigned references;
};

/* The defaults with an INI text over them; the caller has the one reference to it. NULL, with
 * every mistake in *errors, when the text is wrong. `file` is only a name for messages. */
__attribute__((warn_unused_result)) struct config *config_read(struct str text, const char *file,
                                                               struct buf *errors);

/* Sets one key from the environment: `name` is what follows SPOA_CACHE_ (REDIS_ADDRESS,
 * POLICY_LLM_TTL), with the name of a section in capitals and '_' for what is no letter or digit.
 * False when there is no such key or section or the value is bad; but names such as Kubernetes
 * sets for a service called spoa-cache are no mistake and change nothing. */
__attribute__((warn_unused_result)) bool config_override(struct config *c, const char *name,
                                                         const char *value, struct buf *errors);

/* Sets one key of the agent. `source` says in messages where the value came from, and
 * `section` and `key` exist. */
__attribute__((warn_unused_result)) bool config_set(struct config *c, const char *section,
                                                    const char *key, struct str value,
                                                    const char *source, struct buf *errors);

/* Whether entries are kept in Redis rather than in the agent's memory. */
static inline bool config_uses_redis(const struct config *c)
{
    return c->redis_address.len || c->redis_sentinels.count || c->redis_cluster.count;
}

/* What no single key can tell: combinations that make no sense. Asked before secrets are read
 * from their files, so that a secret given twice is found. Makes the normalizers of the policies,
 * which no mistake in a mask survives. */
__attribute__((warn_unused_result)) bool config_validate(struct config *c, struct buf *errors);

/* The first key that differs and cannot change in a running agent, as "[section] key"; NULL when
 * `new_config` may replace `old`. Static storage. */
const char *config_needs_restart(const struct config *old, const struct config *new_config);

/* Gives `new_config` the values of `old` that cannot change in a running agent, so that it says
 * what is in force. False when there is no memory. */
__attribute__((warn_unused_result)) bool config_inherit(struct config *new_config,
                                                        const struct config *old);

/* Every key with its value in *c, default, range and help, as an INI file that config_read
 * takes. A secret that is set stands in a comment, as "***"; so do the keys of a kind of section
 * of which there is none. */
void config_print(const struct config *c, struct buf *out);

/* Every value in *c and where it came from, short: an INI file that config_read() takes, or JSON.
 * With `changed` only those that differ from their default. A secret that is set is "***". */
void config_show(const struct config *c, bool json, bool changed, struct buf *out);

/* The same table as Markdown, for the README. */
void config_print_markdown(struct buf *out);

/* The policy of that name, or NULL. It lives as long as the configuration. */
const struct policy *config_policy(const struct config *c, struct str name);

/* The [tenant NAME] section, or NULL. */
const struct tenant *config_tenant_section(const struct config *c, struct str name);

/* The tenant that has the identity, or NULL; by a hash, for every request. */
const struct tenant *config_tenant(const struct config *c, struct str identity);

/* What is said of the model a request names: one that has the whole name, else the one with the
 * longest prefix of it, else NULL. */
const struct model *config_model(const struct config *c, struct str name);

/* What the tokens of a model cost; by the same rules. */
const struct price *config_price(const struct config *c, struct str name);

/* One more reference: for a request in flight, which keeps the policies it began with. */
struct config *config_ref(struct config *c);

/* One reference less; the last one frees the configuration. NULL is ignored. */
void config_unref(struct config *c);

#endif
