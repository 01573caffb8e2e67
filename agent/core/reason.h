/* Why a request or an answer was treated as it was: one list for the log field, the metric
 * label and the reason the client sees. */
#ifndef CORE_REASON_H
#define CORE_REASON_H

/* X(constant, name, help) */
#define REASONS(X)                                                                                 \
    X(REASON_NONE, "none", "nothing to say")                                                       \
    /* of a lookup */                                                                              \
    X(REASON_NO_POLICY, "no-policy", "HAProxy named no policy, or one the agent does not have")    \
    X(REASON_MODE, "mode", "txn.cache.mode asked for it, or held a word the agent does not know")  \
    X(REASON_TTL, "ttl", "txn.cache.ttl is not a positive number of seconds")                      \
    X(REASON_METHOD, "method", "the policy does not cache this method")                            \
    X(REASON_NO_TENANT, "no-tenant", "the policy requires a tenant and HAProxy named none")        \
    X(REASON_OFF, "off", "the cache is off for this tenant or this model")                         \
    X(REASON_REQUEST_CUT, "request-cut", "HAProxy did not hold the whole request body")            \
    X(REASON_REQUEST_TYPE, "request-type", "the request body is not declared as JSON in UTF-8")    \
    X(REASON_REQUEST_ENCODING, "request-encoding", "the request body is compressed")               \
    X(REASON_REQUEST_JSON, "request-json", "the request body is not strict JSON")                  \
    X(REASON_REQUEST_LARGE, "request-large", "the request is larger than the policy takes")        \
    X(REASON_REQUEST_HEADERS, "request-headers", "the request headers could not be read")          \
    X(REASON_RANGE, "range", "the request asks for a part, or the answer is one")                  \
    X(REASON_STREAM, "stream", "the request asks for a stream")                                    \
    X(REASON_FIELD, "field", "a field asks for what depends on more than the request")             \
    X(REASON_NORMALIZE, "normalize", "the text could not be normalised within its limits")         \
    X(REASON_TEMPERATURE, "temperature", "the policy caches lower temperatures only")              \
    X(REASON_CONTROL, "control", "the request's Cache-Control asked for it")                       \
    X(REASON_SHADOW, "shadow", "it would have been a hit, and the policy is in shadow mode")       \
    X(REASON_ABSENT, "absent", "nothing stored under the key")                                     \
    X(REASON_WAIT_LED, "wait-led", "waited for an identical request, whose lease ended")           \
    X(REASON_WAIT_OVER, "wait-over", "waited for the answer to an identical request in vain")      \
    X(REASON_WAIT_REFUSED, "wait-refused",                                                         \
      "waited for the answer to an identical request, which was not stored")                       \
    X(REASON_WAIT_ENDED, "wait-ended",                                                             \
      "could not wait: too many do, or the store or the agent was going away")                     \
    X(REASON_EXPIRED, "expired", "what is stored is no longer fresh")                              \
    X(REASON_PURGED, "purged", "it was purged, or asked of the origin before a purge")             \
    X(REASON_MISMATCH, "mismatch", "what is stored answers another request")                       \
    X(REASON_CORRUPT, "corrupt",                                                                   \
      "what is stored is damaged, of another version, or cannot be decrypted")                     \
    X(REASON_UNSAFE_BYTES, "unsafe-bytes", "this HAProxy cannot return these bytes unchanged")     \
    X(REASON_FRAME_SMALL, "frame-small",                                                           \
      "what is stored does not fit into a frame (tune.bufsize)")                                   \
    X(REASON_STORE_DOWN, "store-down", "the store is not connected")                               \
    X(REASON_STORE_BUSY, "store-busy", "too much is waiting for the store")                        \
    X(REASON_STORE_SLOW, "store-slow", "the store did not answer within its deadline")             \
    X(REASON_STORE_ERROR, "store-error", "the store answered with an error")                       \
    X(REASON_INTERNAL, "internal", "the agent had no memory left for the request")                 \
    /* of an answer offered for storage */                                                         \
    X(REASON_TICKET, "ticket",                                                                     \
      "the ticket is not one this agent or its peers wrote, or not by the rules of today")         \
    X(REASON_RESPONSE_CUT, "response-cut", "the answer was not complete")                          \
    X(REASON_STATUS, "status", "the policy does not store this status")                            \
    X(REASON_TYPE, "type",                                                                         \
      "the policy does not store this content type, or the API answers in another")                \
    X(REASON_ENCODING, "encoding", "the answer is compressed")                                     \
    X(REASON_VARY, "vary", "the answer varies on a header that is not in the key")                 \
    X(REASON_PRIVATE, "private", "scope is shared, and the origin says private or no-store")       \
    X(REASON_LENGTH, "length", "the body is not as long as its Content-Length")                    \
    X(REASON_EMPTY, "empty", "the answer has no body")                                             \
    X(REASON_LARGE, "large",                                                                       \
      "the answer, its headers or its tags are more than the policy or a frame takes")             \
    X(REASON_JSON, "json", "the answer says it is JSON and is not")                                \
    X(REASON_ANSWER_ERROR, "answer-error", "the answer is an error, with a status that is none")   \
    X(REASON_ANSWER_UNKNOWN, "answer-unknown", "not an answer that this API documents")            \
    X(REASON_ANSWER_CUT, "answer-cut", "the model stopped at a limit or has not finished")         \
    X(REASON_ANSWER_FILTERED, "answer-filtered", "a content filter changed or stopped the answer") \
    X(REASON_ANSWER_REFUSAL, "answer-refusal", "the model refused to answer")                      \
    X(REASON_ANSWER_TOOLS, "answer-tools", "the answer calls tools, and the policy keeps none")    \
    X(REASON_ANSWER_EMPTY, "answer-empty", "the answer says nothing")                              \
    X(REASON_ANSWER_COUNT, "answer-count", "not as many answers as were asked for")                \
    X(REASON_ANSWER_SMALL, "answer-small", "fewer tokens than min-output-tokens")                  \
    X(REASON_RESPONSE_HEADERS, "response-headers", "the response headers could not be read")

enum reason {
#define X(constant, name, help) constant,
    REASONS(X)
#undef X
        REASON_COUNT
};

/* The name, for log, metric and header; static storage. */
const char *reason_name(enum reason reason);

/* One sentence about it, for documentation; static storage. */
const char *reason_help(enum reason reason);

#endif
