/* What the agent counts, from three tables: a line here is a field, a family of Prometheus and its
 * help. What a label can be is bounded: policies, APIs and tenants are known by small numbers. */
#ifndef CORE_METRICS_H
#define CORE_METRICS_H

#include "api.h"
#include "buf.h"
#include "histogram.h"
#include "reason.h"
#include "resp_error.h"

enum metrics_result { METRICS_HIT, METRICS_MISS, METRICS_BYPASS, METRICS_RESULTS };
enum metrics_tokens { METRICS_PROMPT, METRICS_COMPLETION, METRICS_TOKENS };
enum metrics_engine { METRICS_ENGINE_OLD, METRICS_ENGINE_NEW, METRICS_ENGINES };

enum {
    METRICS_POLICIES = 100,       /* those that were ever configured, and two more */
    METRICS_APIS = API_COUNT + 1, /* and none */
    METRICS_TENANTS_MAX = 1000,   /* that are counted on their own */
    METRICS_TENANTS = METRICS_TENANTS_MAX + 2,
    METRICS_SPOP_ERRORS = 15, /* enum spop_error, SPOP_UNKNOWN as the last */
    METRICS_NAME_MAX = 64,
};

/* X(label, how many values it can have, its name) */
#define METRICS_LABELS(X)                                                                          \
    X(RESULT, METRICS_RESULTS, "result")                                                           \
    X(REASON, REASON_COUNT, "reason")                                                              \
    X(POLICY, METRICS_POLICIES, "policy")                                                          \
    X(API, METRICS_APIS, "api")                                                                    \
    X(TENANT, METRICS_TENANTS, "tenant")                                                           \
    X(TOKENS, METRICS_TOKENS, "kind")                                                              \
    X(REDIS_ERROR, RESP_ERROR_COUNT, "code")                                                       \
    X(SPOP_ERROR, METRICS_SPOP_ERRORS, "code")                                                     \
    X(ENGINE, METRICS_ENGINES, "engine")

enum metrics_label {
    METRICS_LABEL_NONE,
#define X(label, count, name) METRICS_LABEL_##label,
    METRICS_LABELS(X)
#undef X
        METRICS_LABEL_COUNT
};

enum {
#define X(label, count, name) METRICS_COUNT_##label = count,
    METRICS_LABELS(X)
#undef X
};

/* What stands where there is no name: none, number 0, and others than can be told apart, 1. */
#define METRICS_NONE "(none)"
#define METRICS_OTHER "(other)"

/* Lists of labels: L(label) for each. */
#define PER_REASON(L) L(REASON)
#define PER_RESULT_REASON(L) L(RESULT) L(REASON)
#define PER_POLICY(L) L(POLICY)
#define PER_POLICY_TOKENS(L) L(POLICY) L(TOKENS)
#define PER_POLICY_API(L) L(POLICY) L(API)
#define PER_POLICY_API_RESULT(L) L(POLICY) L(API) L(RESULT)
#define PER_TENANT(L) L(TENANT)
#define PER_TENANT_RESULT(L) L(TENANT) L(RESULT)
#define PER_TENANT_TOKENS(L) L(TENANT) L(TOKENS)
#define PER_REDIS_ERROR(L) L(REDIS_ERROR)
#define PER_SPOP_ERROR(L) L(SPOP_ERROR)
#define PER_ENGINE(L) L(ENGINE)

/* Money is counted in billionths. */
#define METRICS_MONEY 1000000000

/* Numbers with labels. X(field, its labels, type, how much of it makes 1, name, help) */
#define METRICS_BY(X)                                                                              \
    X(lookups, PER_POLICY_API_RESULT, counter, 1, "lookups_total",                                 \
      "Lookups, by what they came to before any wait")                                             \
    X(lookup_reasons, PER_RESULT_REASON, counter, 1, "lookup_reasons_total",                       \
      "Lookups without a hit, by reason")                                                          \
    X(coalesced, PER_POLICY_API, counter, 1, "coalesced_total",                                    \
      "Misses answered, after a wait, with the answer to an identical request")                    \
    X(wait_reasons, PER_REASON, counter, 1, "wait_reasons_total",                                  \
      "Waits for the answer to an identical request that ended without it, by reason")             \
    X(stored, PER_POLICY_API, counter, 1, "stored_total", "Answers accepted for storage")          \
    X(refused, PER_REASON, counter, 1, "refused_total", "Answers refused for storage, by reason")  \
    X(saved_tokens, PER_POLICY_TOKENS, counter, 1, "saved_tokens_total",                           \
      "Tokens that answers served from the cache say they once cost")                              \
    X(saved_money, PER_POLICY, counter, METRICS_MONEY, "saved_money_total",                        \
      "What those tokens would have cost by the [price] sections, in their currency")              \
    X(tenant_lookups, PER_TENANT_RESULT, counter, 1, "tenant_lookups_total",                       \
      "Lookups that had a key, by tenant, with [agent] metrics-tenants")                           \
    X(tenant_saved_tokens, PER_TENANT_TOKENS, counter, 1, "tenant_saved_tokens_total",             \
      "The tokens of saved_tokens_total by tenant")                                                \
    X(tenant_saved_money, PER_TENANT, counter, METRICS_MONEY, "tenant_saved_money_total",          \
      "The money of saved_money_total by tenant")                                                  \
    X(spop_engines, PER_ENGINE, counter, 1, "spop_engines_total",                                  \
      "HELLOs that were not health checks, by the HAProxy that sent them")                         \
    X(spop_errors, PER_SPOP_ERROR, counter, 1, "spop_errors_total",                                \
      "SPOP connections that the agent ended with an error, by SPOP's code")                       \
    X(redis_errors, PER_REDIS_ERROR, counter, 1, "redis_errors_total",                             \
      "Errors answered by Redis, by code")

/* Histograms. X(field, scale, name, help) */
#define METRICS_SPREAD(X)                                                                          \
    X(lookup_time, histogram_times, "lookup_seconds",                                              \
      "From a lookup to its answer; waits for other requests' answers are not in it")              \
    X(redis_read_time, histogram_times, "redis_read_seconds",                                      \
      "From a command that a request waits for to Redis' answer, also one that came too late")     \
    X(redis_write_time, histogram_times, "redis_write_seconds",                                    \
      "From a command that no request waits for, such as a write, to Redis' answer")               \
    X(hit_age, histogram_ages, "hit_age_seconds", "Ages of the answers served")                    \
    X(hit_size, histogram_sizes, "hit_bytes", "Lengths of the bodies served")                      \
    X(stored_size, histogram_sizes, "stored_bytes", "Lengths of the bodies stored")

/* Single numbers. X(field, type, name, help) */
#define METRICS(X)                                                                                 \
    X(waiting, gauge, "waiting", "Requests that wait for the answer to an identical one")          \
    X(leases_ended, counter, "leases_ended_total",                                                 \
      "Leases that ended before the request that held them had an answer")                         \
    X(purges, counter, "purges_total", "Purges asked of this agent and done")                      \
    X(purge_repairs, counter, "purge_repairs_total",                                               \
      "Times that Redis had lost purges, and this agent wrote them back")                          \
    X(purge_unknowns, counter, "purge_unknowns_total",                                             \
      "Times that this agent found nobody who knew what was purged, and purged everything")        \
    X(purge_folds, counter, "purge_folds_total",                                                   \
      "Times that the table of purges was full, and its oldest became one of everything")          \
    X(purge_epoch, gauge, "purge_epoch", "The number of the latest purge that is known")           \
    X(spop_connections, gauge, "spop_connections", "Open connections from HAProxy")                \
    X(spop_accepted, counter, "spop_accepted_total", "Connections accepted from HAProxy")          \
    X(spop_rejected, counter, "spop_rejected_total", "Connections closed at max-connections")      \
    X(spop_healthchecks, counter, "spop_healthchecks_total", "Health checks answered")             \
    X(spop_frames, counter, "spop_frames_total", "SPOP frames read")                               \
    X(spop_acks_dropped, counter, "spop_acks_dropped_total",                                       \
      "ACKs not sent because HAProxy had given up waiting")                                        \
    X(spop_acks_oversize, counter, "spop_acks_oversize_total",                                     \
      "ACKs sent without their variables because they did not fit into a frame")                   \
    X(spop_inflight, gauge, "spop_inflight", "NOTIFY frames waiting for their ACK")                \
    X(memory_max_bytes, gauge, "memory_max_bytes", "Bytes that the memory store may hold")         \
    X(memory_bytes, gauge, "memory_bytes", "Bytes held by the memory store")                       \
    X(memory_entries, gauge, "memory_entries", "Entries held by the memory store")                 \
    X(memory_evictions, counter, "memory_evictions_total", "Entries evicted to make room")         \
    X(values_plain_bytes, counter, "values_plain_bytes_total",                                     \
      "Bytes of entries given to Redis, before they were compressed or encrypted")                 \
    X(values_bytes, counter, "values_bytes_total", "The same, as they were given to it")           \
    X(values_unopened, counter, "values_unopened_total",                                           \
      "Values found that could not be decrypted or decompressed: damaged, or by a key that is "    \
      "not there")                                                                                 \
    X(tier_hits, counter, "tier_hits_total", "Reads answered from the memory in front of Redis")   \
    X(tier_misses, counter, "tier_misses_total", "Reads that the memory in front of Redis lacked") \
    X(tier_bypasses, counter, "tier_bypasses_total",                                               \
      "Reads for which that memory was left aside, since Redis was not heard of")                  \
    X(redis_nodes, gauge, "redis_nodes", "Redis nodes that are known")                             \
    X(redis_up, gauge, "redis_up", "Redis nodes that are connected and authenticated")             \
    X(redis_connects, counter, "redis_connects_total", "Connections to Redis that became ready")   \
    X(redis_failures, counter, "redis_failures_total",                                             \
      "Connections to Redis that failed or ended")                                                 \
    X(redis_pending, gauge, "redis_pending", "Commands that wait for Redis")                       \
    X(redis_commands, counter, "redis_commands_total", "Commands sent to Redis")                   \
    X(redis_timeouts, counter, "redis_timeouts_total", "Reads past their deadline")                \
    X(redis_breaker_open, gauge, "redis_breaker_open", "Redis nodes that are not asked for now")   \
    X(redis_breaker_opens, counter, "redis_breaker_opens_total",                                   \
      "Times that a Redis node failed so often that it was not asked any more")                    \
    X(redis_redirects, counter, "redis_redirects_total",                                           \
      "Commands sent again to the node that another one named")                                    \
    X(redis_failovers, counter, "redis_failovers_total", "New masters that Sentinel named")        \
    X(redis_watched, gauge, "redis_watched", "Redis nodes that report what changes in them")       \
    X(redis_changes, counter, "redis_changes_total", "Changed keys that Redis reported")

/* Names of tenants, found again by a digest. */
struct metrics_tenants {
    size_t max;   /* that are counted on their own */
    size_t count; /* of names */
    char names[METRICS_TENANTS][METRICS_NAME_MAX];
    size_t digest_count;
    struct {
        uint64_t digest;
        uint16_t tenant; /* 0: a free place */
    } digests[4096];
};

/* Starts as {0}. */
struct metrics {
#define X(field, type, name, help) uint64_t field;
    METRICS(X)
#undef X
#define METRICS_DIMENSION(label) [METRICS_COUNT_##label]
#define X(field, labels, type, unit, name, help) uint64_t field labels(METRICS_DIMENSION);
    METRICS_BY(X)
#undef X
#define X(field, scale, name, help) struct histogram field;
    METRICS_SPREAD(X)
#undef X
    char policies[METRICS_POLICIES][METRICS_NAME_MAX];
    struct metrics_tenants tenants;
};

/* A lookup, or a wait, at its end. */
struct metrics_lookup {
    enum metrics_result result;
    enum reason reason;
    size_t policy;         /* of metrics_policy() */
    const struct api *api; /* NULL: none */
    size_t tenant;         /* of metrics_tenant() */
    bool waited;           /* it has been counted as a miss before */
    uint64_t time;         /* nanoseconds; of a wait it is not counted */
    /* of a hit */
    uint64_t age;  /* milliseconds */
    uint64_t size; /* bytes */
    uint64_t tokens[METRICS_TOKENS];
    uint64_t money; /* billionths */
};

/* The number of a policy, for the life of *m; 0 for no name. Asked when a configuration is read. */
size_t metrics_policy(struct metrics *m, struct str name);

/* The number of a tenant that has this digest; `name` is only looked at when there is none yet.
 * At most m->tenants.max get one, all others share another; while that is 0 it is 0: not counted.
 * An empty name makes no tenant known. */
size_t metrics_tenant(struct metrics *m, uint64_t digest, struct str name);

/* Counts what became of a lookup. */
void metrics_count_lookup(struct metrics *m, const struct metrics_lookup *lookup);

/* Counts an answer that was offered: stored, `size` bytes long, or refused for a reason. */
void metrics_count_answer(struct metrics *m, size_t policy, const struct api *api,
                          enum reason reason, uint64_t size);

/* Counts a connection that was ended with an enum spop_error. */
void metrics_count_spop_error(struct metrics *m, int error);

/* How many lookups came to this, of all policies and APIs. */
uint64_t metrics_lookups(const struct metrics *m, enum metrics_result result);

/* How many answers were waited for, were stored, and were refused. */
uint64_t metrics_coalesced(const struct metrics *m);
uint64_t metrics_stored(const struct metrics *m);
uint64_t metrics_refused(const struct metrics *m);

/* Appends everything in Prometheus' text format; `ready`: lookups have a chance of an answer. Of
 * numbers with labels those that are 0 are left out. */
void metrics_render(const struct metrics *m, const char *version, bool ready, struct buf *out);

/* Appends the same as JSON: {"version":"...","ready":true,"metrics":{NAME:VALUE,...}}, the names
 * without the prefix spoa_cache_. A VALUE is a number; or, with labels, a list
 * [{"labels":{NAME:TEXT,...},"value":NUMBER},...], without those that are 0; or, of a histogram,
 * {"buckets":[[BOUND,COUNT],...],"sum":NUMBER,"count":NUMBER}, in which, as in Prometheus, each
 * count holds those before it; above the last bound there is only "count". */
void metrics_render_json(const struct metrics *m, const char *version, bool ready, struct buf *out);

#endif
