#include "config_keys.h"
#include "metrics.h"

#define AGENT(section_, name_, field_)                                                             \
    .section = section_, .name = name_, .title = "[" section_ "] " name_,                          \
    .offset = offsetof(struct config, field_)
#define NAMED(struct_, name_, field_)                                                              \
    .section = #struct_, .name = name_, .reloads = true, .offset = offsetof(struct struct_, field_)
#define POLICY(name_, field_) NAMED(policy, name_, field_)
#define TENANT(name_, field_) NAMED(tenant, name_, field_)
#define MODEL(name_, field_) NAMED(model, name_, field_)
#define PRICE(name_, field_) NAMED(price, name_, field_)

/* Texts that config_print() writes must fit into a line that inih takes, 200 bytes. */
#define TEXT(word_) .type = CONFIG_TEXT, .max = 160, .word = &config_word_##word_
#define SECRET(min_) .type = CONFIG_SECRET, .min = min_, .max = CONFIG_MAX_SECRET
#define WORDS(min_, word_) .type = CONFIG_LIST, .min = min_, .max = 64, .word = &config_word_##word_
#define PATHS(max_) .type = CONFIG_LIST, .max = max_, .word = &config_word_path
#define LINES(max_, word_) .type = CONFIG_LINES, .max = max_, .word = &config_word_##word_
#define CHOICE(choices_) .type = CONFIG_CHOICE, .choices = choices_
#define FLAG(choices_) .type = CONFIG_FLAG, .choices = choices_
#define NUMBER(min_, max_) .type = CONFIG_NUMBER, .min = min_, .max = max_
#define DURATION(min_, max_) NUMBER(min_, max_), .units = UNITS_DURATION
#define SIZE(min_, max_) NUMBER(min_, max_), .units = UNITS_SIZE
#define MONEY NUMBER(0, 10000000000000), .units = UNITS_MONEY, .preset = "0"
#define RELOADS .reloads = true

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR };
enum { KB = 1 << 10, MB = 1 << 20, GB = 1 << 30 };

#define GENERATION                                                                                 \
    NUMBER(0, 1000000000), .preset = "0",                                                          \
                           .help = "Part of the key: a number that was never used, and nothing "   \
                                   "stored before is found any more"

static const struct config_key agent_keys[] = {
    {AGENT("agent", "listen", listen), WORDS(1, address), .preset = "127.0.0.1:9201",
     .help = "Where HAProxy connects"},
    {AGENT("agent", "status", status), WORDS(0, address), .preset = "",
     .help = "Where the status page, metrics, health and admin calls are served over HTTP; admin "
             "calls on a unix socket, or with the token. Empty: nowhere"},
    {AGENT("agent", "door-token", door_token), SECRET(16), RELOADS, .preset = "",
     .help = "Lets who sends it as Authorization: Bearer make admin calls over TCP; empty: nobody "
             "may"},
    {AGENT("agent", "door-token-file", door_token_file), TEXT(path), RELOADS, .preset = "",
     .help = "A file that holds that token, instead"},
    {AGENT("agent", "max-connections", max_connections), NUMBER(1, 100000), RELOADS,
     .preset = "1024",
     .help = "Connections from HAProxy; one more is closed at once, and above "
             "half of it those that are idle for a second"},
    {AGENT("agent", "max-waiting", max_waiting), NUMBER(0, 1000000), RELOADS, .preset = "500",
     .help = "Requests that wait for the answer to an identical one, but never more than half of "
             "max-connections; more go to the origin"},
    {AGENT("agent", "max-frame-size", max_frame_size), SIZE(256, 8 * MB), RELOADS, .preset = "1mb",
     .help = "The largest SPOP frame that is agreed to; HAProxy's tune.bufsize is the other limit"},
    {AGENT("agent", "hello-timeout", hello_timeout), DURATION(1, HOUR), RELOADS, .preset = "5s",
     .help = "How long a new connection may take to say HELLO"},
    {AGENT("agent", "idle-timeout", idle_timeout), DURATION(0, 7 * DAY), RELOADS, .preset = "0",
     .help = "After how long without a frame a connection is closed; 0: never"},
    {AGENT("agent", "drain-delay", drain_delay), DURATION(0, MINUTE), RELOADS, .preset = "1500ms",
     .help = "How long the agent, told to stop, still serves while it fails HAProxy's health "
             "checks; longer than their interval"},
    {AGENT("agent", "drain-timeout", drain_timeout), DURATION(0, HOUR), RELOADS, .preset = "10s",
     .help = "How long requests in flight may take once the agent was told to stop"},
    {AGENT("agent", "log", log), CHOICE("stderr|syslog"), RELOADS, .preset = "stderr",
     .help = "Where the log goes; on stderr, systemd's journal is told the level of each line"},
    {AGENT("agent", "log-format", log_format), CHOICE("logfmt|json"), RELOADS, .preset = "logfmt",
     .help = "What a line of the log looks like"},
    {AGENT("agent", "log-level", log_level), CHOICE("error|warning|info|debug"), RELOADS,
     .preset = "info", .help = "The least important messages that are logged"},
    {AGENT("agent", "user", user), TEXT(name), .preset = "",
     .help = "Whom to become before anything is opened, when started as root; what a reload reads "
             "must be readable to this user. Empty: nobody else"},
    {AGENT("agent", "group", group), TEXT(name), .preset = "",
     .help = "The group to run in, and of unix sockets, with user; empty: the user's own"},
    {AGENT("agent", "core-dumps", core_dumps), FLAG("no|yes"), .preset = "no",
     .help = "Whether a crash may leave a core file, which holds answers and secrets"},
    {AGENT("agent", "metrics-tenants", metrics_tenants), NUMBER(0, METRICS_TENANTS_MAX),
     .preset = "0",
     .help = "How many tenants have metrics of their own, the first that come; the others share "
             "one. Their names stand in /metrics then"},

    {AGENT("key", "secret", secret), SECRET(16), .preset = "",
     .help = "Makes keys that nobody else can compute; the same for all agents that share a Redis. "
             "Empty: a new one at every start"},
    {AGENT("key", "secret-file", secret_file), TEXT(path), .preset = "",
     .help = "A file that holds the secret, instead"},

    {AGENT("memory", "size", memory_size), SIZE(MB, 1024LL * GB), .preset = "64mb",
     .help = "What is held in memory: without Redis everything, else what is read often"},
    {AGENT("memory", "tier", memory_tier), FLAG("off|on"), .preset = "on",
     .help = "Whether what was read from Redis is kept in memory as well, as long as Redis tells "
             "what changes"},

    {AGENT("redis", "address", redis_address), TEXT(address), .preset = "",
     .help = "The Redis to use; empty, and no sentinels or cluster: the memory store"},
    {AGENT("redis", "sentinels", redis_sentinels), WORDS(0, address), .preset = "",
     .help = "The Sentinels that know where the Redis to use is, instead"},
    {AGENT("redis", "master", redis_master), TEXT(name), .preset = "",
     .help = "What the Sentinels call it"},
    {AGENT("redis", "cluster", redis_cluster), WORDS(0, address), .preset = "",
     .help = "Some nodes of the Redis Cluster to use, instead; they know the others"},
    {AGENT("redis", "user", redis_user), TEXT(name), .preset = "",
     .help = "Whom to log in as; empty: the default user"},
    {AGENT("redis", "password", redis_password), SECRET(1), .preset = "",
     .help = "The password; empty: no login"},
    {AGENT("redis", "password-file", redis_password_file), TEXT(path), .preset = "",
     .help = "A file that holds the password, instead; read again for every connection"},
    {AGENT("redis", "sentinel-user", redis_sentinel_user), TEXT(name), .preset = "",
     .help = "Whom to log in as at the Sentinels; empty: the default user"},
    {AGENT("redis", "sentinel-password", redis_sentinel_password), SECRET(1), .preset = "",
     .help = "The password for the Sentinels; empty: no login"},
    {AGENT("redis", "sentinel-password-file", redis_sentinel_password_file), TEXT(path),
     .preset = "", .help = "A file that holds that password, instead"},
    {AGENT("redis", "tls", redis_tls), FLAG("no|yes"), .preset = "no",
     .help =
         "yes: TLS to Redis and the Sentinels, whose certificates are verified; not in an agent "
         "built with hiredis below 1.0, as Debian 12's"},
    {AGENT("redis", "tls-ca-file", redis_tls_ca_file), TEXT(path), .preset = "",
     .help = "Who may have signed these certificates; empty: whom this machine trusts"},
    {AGENT("redis", "tls-cert-file", redis_tls_cert_file), TEXT(path), .preset = "",
     .help = "The agent's certificate, and those between it and its authority; empty: none"},
    {AGENT("redis", "tls-key-file", redis_tls_key_file), TEXT(path), .preset = "",
     .help = "Its private key"},
    {AGENT("redis", "tls-server-name", redis_tls_server_name), TEXT(name), .preset = "",
     .help = "Whom all of these certificates are for; empty: the host that the agent connects to"},
    {AGENT("redis", "database", redis_database), NUMBER(0, 65535), .preset = "0",
     .help = "The number of the database"},
    {AGENT("redis", "timeout", redis_timeout), DURATION(1, 10 * SECOND), .preset = "50ms",
     .help = "How long a read may wait for Redis before it is a miss; keep it well below HAProxy's "
             "timeout processing, twice of it for a miss"},
    {AGENT("redis", "connect-timeout", redis_connect_timeout), DURATION(1, MINUTE), .preset = "1s",
     .help = "How long connecting and logging in may take"},
    {AGENT("redis", "max-pending", redis_max_pending), NUMBER(1, 1000000), .preset = "1024",
     .help = "Reads that may wait at once; one more is a miss"},

    {AGENT("values", "compress", compress), FLAG("off|zstd"), RELOADS, .preset = "off",
     .help = "Whether entries are compressed in Redis; what is compressed there is read anyway"},
    {AGENT("values", "compress-above", compress_above), SIZE(0, 8 * MB), RELOADS, .preset = "2kb",
     .help = "Entries up to this size stay as they are"},
    {AGENT("values", "compress-level", compress_level), NUMBER(1, 9), RELOADS, .preset = "1",
     .help = "Higher is smaller and slower"},
    {AGENT("values", "dictionary-files", dictionary_files), PATHS(8), RELOADS, .preset = "",
     .help = "What zstd --train made of entries: the first compresses, all decompress"},
    {AGENT("values", "key-file", key_file), TEXT(path), RELOADS, .preset = "",
     .help = "Lines \"ID KEY\", a number and 32 bytes in base64: entries are encrypted in Redis "
             "with the first, each is decrypted with its own, and what is not encrypted is a miss"},
    {AGENT("values", "bind-to-request", bind_to_request), FLAG("no|yes"), RELOADS, .preset = "no",
     .help = "yes: to decrypt an entry takes the request besides the key"},
};

static const struct config_key policy_keys[] = {
    {POLICY("methods", methods), WORDS(1, method), .preset = "POST",
     .help = "Methods whose answers are cached"},
    {POLICY("statuses", statuses), WORDS(1, status), .preset = "200",
     .help = "Statuses that are stored"},
    {POLICY("content-types", content_types), WORDS(1, type), .preset = "application/json",
     .help = "Content types that are stored, whatever their parameters"},
    {POLICY("ttl", ttl), DURATION(SECOND, 3650LL * DAY), .preset = "24h",
     .help = "How long an answer is served"},
    {POLICY("ttl-jitter", ttl_jitter), NUMBER(0, 50), .preset = "0",
     .help = "By up to how many percent each ttl is shortened, so that what was stored together "
             "does not end together"},
    {POLICY("vary", vary), WORDS(0, header),
     .preset = "anthropic-version anthropic-beta openai-beta openai-organization openai-project "
               "x-goog-user-project x-goog-fieldmask x-amzn-bedrock-guardrailidentifier "
               "x-amzn-bedrock-guardrailversion x-amzn-bedrock-trace origin",
     .help = "Request headers that are part of the key"},
    {POLICY("ignore-vary", ignore_vary), WORDS(0, header), .preset = "accept-encoding",
     .help = "Names in the Vary of an answer that cannot change it; an answer that varies on "
             "anything else is not stored, unless vary lists it"},
    {POLICY("ignore-query", ignore_query), WORDS(0, parameter), .preset = "",
     .help = "Query parameters that are not part of the key"},
    {POLICY("max-request", max_request), SIZE(1, 8 * MB), .preset = "1mb",
     .help = "The largest request body that is looked up"},
    {POLICY("max-body", max_body), SIZE(1, 8 * MB), .preset = "1mb",
     .help = "The largest body that is stored"},
    {POLICY("replay", replay), WORDS(0, replay),
     .preset = "openai-model openai-version content-language access-control-allow-origin "
               "access-control-allow-credentials access-control-expose-headers",
     .help = "Response headers that come back on a hit, beside Content-Type"},
    {POLICY("tag-header", tag_header), TEXT(header), .preset = "",
     .help = "The response header that lists the tags of an answer, parted by commas or spaces, by "
             "which it can be purged; empty: no answer has any"},
    {POLICY("emit", emit), WORDS(0, emit),
     .preset = "x-cache-status x-cache-key x-cache-ttl age cache-status",
     .help = "Headers that tell the client about the cache"},
    {POLICY("request-body", json), FLAG("any|json"), .preset = "json",
     .help = "json: requests that mean the same share an answer, and what is not strict JSON is "
             "not cached; any: bodies count byte by byte"},
    {POLICY("mode", shadow), FLAG("serve|shadow"), .preset = "serve",
     .help = "shadow: look up and store, but have the origin answer; the reason `shadow` counts "
             "what would have been hits"},
    {POLICY("allow-controls", allow_controls), FLAG("no|yes"), .preset = "no",
     .help = "Whether Cache-Control, X-Cache-Control, X-Cache-TTL and X-Cache-Namespace of the "
             "request are obeyed"},
    {POLICY("api", api), TEXT(api), .preset = "auto",
     .help = "Which API the requests are for; auto: known by the path"},
    {POLICY("max-temperature", max_temperature), TEXT(decimal), .preset = "",
     .help = "Requests with a higher temperature, or none where the API has one, are not cached; "
             "empty: all are"},
    {POLICY("deterministic-only", deterministic_only), FLAG("no|yes"), .preset = "no",
     .help = "yes: where the API has a temperature, only requests that set it to 0 are cached"},
    {POLICY("store-finish", store_finish), WORDS(0, finish), .preset = "",
     .help = "Answers that are stored although the model did not end by itself"},
    {POLICY("store-tool-calls", store_tool_calls), FLAG("no|yes"), .preset = "yes",
     .help = "Whether answers that call tools are stored"},
    {POLICY("min-output-tokens", min_output_tokens), NUMBER(0, 1000000), .preset = "0",
     .help = "Answers with fewer tokens are not stored"},
    {POLICY("scope", shared), FLAG("tenant|shared"), .preset = "tenant",
     .help = "tenant: an answer is only for the tenant who asked first, and requests without one "
             "are not cached; shared: all tenants share"},
    {POLICY("tenant-from", tenant_from), WORDS(1, source), .preset = "variable",
     .help = "Where the tenant is taken from, the first that is there: variable: "
             "txn.cache.tenant; credential: a keyed digest of Authorization, x-api-key, api-key "
             "and x-goog-api-key; header:NAME, which HAProxy must set or delete"},
    {POLICY("normalize", normalize), WORDS(0, step), .preset = "",
     .help = "What is done to the texts of a prompt before they count in the key: trim takes the "
             "white space off both ends, collapse-space makes one space of several, nfc composes "
             "characters as Unicode's NFC does"},
    {POLICY("mask", mask), LINES(16, regex), .preset = "",
     .help = "Regular expressions, one in each line, the first beside the key and more on "
             "indented lines: what they match in a prompt does not count in the key. A comment "
             "begins with ; after a space and with # or ; at the start of a line, even here: "
             "write [;] and [#]"},
    {POLICY("hit-usage", zero_usage), FLAG("keep|zero"), .preset = "keep",
     .help = "zero: a hit says that it used no tokens; keep: what the stored answer says"},
    {POLICY("hit-id", new_id), FLAG("keep|new"), .preset = "keep",
     .help = "new: a hit has an id of its own; keep: that of the stored answer"},
    {POLICY("coalesce-methods", coalesce_methods), WORDS(0, method), .preset = "POST",
     .help = "Methods of which one request goes to the origin while identical ones wait for its "
             "answer; empty: none"},
    {POLICY("coalesce-wait", coalesce_wait), DURATION(0, MINUTE), .preset = "30s",
     .help = "How long a request waits for the answer to an identical one before it goes to the "
             "origin itself; 0: never"},
    {POLICY("coalesce-lease", coalesce_lease), DURATION(100, 10 * MINUTE), .preset = "15s",
     .help = "After how long without an answer one of those that wait goes to the origin as well"},
    {POLICY("coalesce-max", coalesce_max), NUMBER(1, 1000000), .preset = "1000",
     .help = "Requests that wait for one answer; more go to the origin"},
    {POLICY("generation", generation), GENERATION},
};

static const struct config_key tenant_keys[] = {
    {TENANT("match", match), WORDS(0, identity), .preset = "",
     .help = "What HAProxy, or tenant-from of the policy, calls this tenant; empty: NAME"},
    {TENANT("cache", cache), FLAG("off|on"), .preset = "on",
     .help = "off: nothing is looked up or stored for this tenant"},
    {TENANT("ttl", ttl), DURATION(0, 3650LL * DAY), .preset = "0",
     .help = "No answer is served longer; 0: as the policy says"},
    {TENANT("policy", policy), TEXT(policy), .preset = "",
     .help = "The policy for its requests, whatever HAProxy named; empty: what HAProxy named"},
    {TENANT("group", group), TEXT(group), .preset = "",
     .help = "Tenants of one group share what is stored; empty: in none"},
    {TENANT("max-request", max_request), SIZE(0, 8 * MB), .preset = "0",
     .help = "The largest request body that is looked up; 0: as the policy says"},
    {TENANT("max-body", max_body), SIZE(0, 8 * MB), .preset = "0",
     .help = "The largest body that is stored; 0: as the policy says"},
    {TENANT("allow-controls", allow_controls), CHOICE("policy|no|yes"), .preset = "policy",
     .help = "Whether the cache headers of its requests are obeyed; policy: as the policy says"},
    {TENANT("generation", generation), NUMBER(0, 1000000000), .preset = "0",
     .help = "Part of the key: a number that was never used, and the tenant finds nothing stored "
             "before; the others of its group do, until theirs is the same"},
};

static const struct config_key model_keys[] = {
    {MODEL("match", match), WORDS(0, model_pattern), .preset = "",
     .help = "Names of models; one that ends in * stands for all that begin so, and the longest "
             "counts. Empty: NAME"},
    {MODEL("cache", cache), FLAG("off|on"), .preset = "on",
     .help = "off: nothing is looked up or stored for this model"},
    {MODEL("ttl", ttl), DURATION(0, 3650LL * DAY), .preset = "0",
     .help = "No answer is served longer; 0: as the policy says"},
};

static const struct config_key price_keys[] = {
    {PRICE("match", match), WORDS(0, model_pattern), .preset = "",
     .help = "Names of models, as in [model NAME]. Empty: NAME"},
    {PRICE("prompt", prompt), MONEY, .help = "What a million tokens of a prompt cost"},
    {PRICE("completion", completion), MONEY, .help = "What a million tokens of an answer cost"},
};

#define KEYS(table_) .keys = table_, .key_count = sizeof table_ / sizeof *table_

const struct config_kind_info config_kinds[CONFIG_KINDS] = {
    [CONFIG_AGENT] = {.max = 1, KEYS(agent_keys)},
    [CONFIG_POLICY] = {"policy", &config_word_policy, sizeof(struct policy), CONFIG_MAX_POLICIES,
                       "policies", KEYS(policy_keys)},
    [CONFIG_TENANT] = {"tenant", &config_word_tenant, sizeof(struct tenant), CONFIG_MAX_TENANTS,
                       "tenants", KEYS(tenant_keys)},
    [CONFIG_MODEL] = {"model", &config_word_model, sizeof(struct model), CONFIG_MAX_MODELS,
                      "models", KEYS(model_keys)},
    [CONFIG_PRICE] = {"price", &config_word_model, sizeof(struct price), CONFIG_MAX_PRICES,
                      "prices", KEYS(price_keys)},
};

_Static_assert(offsetof(struct policy, name) == 0 && offsetof(struct tenant, name) == 0 &&
                   offsetof(struct model, name) == 0 && offsetof(struct price, name) == 0,
               "config_name()");

enum config_kind config_kind_called(struct str word)
{
    for (enum config_kind kind = CONFIG_AGENT + 1; kind < CONFIG_KINDS; kind++)
        if (str_eq(str_of(config_kinds[kind].section), word))
            return kind;
    return CONFIG_AGENT;
}

const struct config_key *config_key(enum config_kind kind, struct str section, struct str name)
{
    const struct config_kind_info *info = &config_kinds[kind];

    for (const struct config_key *key = info->keys; key < info->keys + info->key_count; key++)
        if (str_eq(str_of(key->section), section) && str_eq(str_of(key->name), name))
            return key;
    return NULL;
}
