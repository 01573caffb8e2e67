/* Counters and gauges from one table: a line here is a field, a Prometheus metric and its help. */
#ifndef CORE_METRICS_H
#define CORE_METRICS_H

#include "buf.h"
#include "reason.h"
#include "resp_error.h"

/* X(field, type, name, help) */
#define METRICS(X)                                                                                 \
    X(hits, counter, "lookups_hit_total", "Lookups answered from the store")                       \
    X(misses, counter, "lookups_miss_total", "Lookups that found nothing to serve")                \
    X(bypasses, counter, "lookups_bypass_total", "Lookups not made, or given up")                  \
    X(coalesced, counter, "coalesced_total",                                                       \
      "Misses answered, after a wait, with the answer to an identical request")                    \
    X(waiting, gauge, "waiting", "Requests that wait for the answer to an identical one")          \
    X(leases_ended, counter, "leases_ended_total",                                                 \
      "Leases that ended before the request that held them had an answer")                         \
    X(stored, counter, "stored_total", "Answers accepted for storage")                             \
    X(refused, counter, "refused_total", "Answers refused for storage")                            \
    X(purges, counter, "purges_total", "Purges asked of this agent and done")                      \
    X(purge_epoch, gauge, "purge_epoch", "The number of the latest purge that is known")           \
    X(spop_connections, gauge, "spop_connections", "Open connections from HAProxy")                \
    X(spop_accepted, counter, "spop_accepted_total", "Connections accepted from HAProxy")          \
    X(spop_rejected, counter, "spop_rejected_total", "Connections closed at max-connections")      \
    X(spop_healthchecks, counter, "spop_healthchecks_total", "Health checks answered")             \
    X(spop_frames, counter, "spop_frames_total", "SPOP frames read")                               \
    X(spop_errors, counter, "spop_errors_total", "SPOP connections ended with an error")           \
    X(spop_acks_dropped, counter, "spop_acks_dropped_total",                                       \
      "ACKs not sent because HAProxy had given up waiting")                                        \
    X(spop_acks_oversize, counter, "spop_acks_oversize_total",                                     \
      "ACKs sent without their variables because they did not fit into a frame")                   \
    X(spop_inflight, gauge, "spop_inflight", "NOTIFY frames waiting for their ACK")                \
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

struct metrics {
#define X(field, type, name, help) uint64_t field;
    METRICS(X)
#undef X
    uint64_t lookup_reason[REASON_COUNT]; /* misses and bypasses */
    uint64_t wait_reason[REASON_COUNT];
    uint64_t refuse_reason[REASON_COUNT];
    uint64_t redis_errors[RESP_ERROR_COUNT]; /* answers that were errors */
};

/* Appends everything in Prometheus' text format. */
void metrics_render(const struct metrics *m, const char *version, struct buf *out);

/* Appends the same as JSON: {"version":"...","ready":true,"metrics":{name: number, or a list of
 * {"labels":{...},"value":number}}}. */
void metrics_render_json(const struct metrics *m, const char *version, bool ready, struct buf *out);

#endif
