/* Whether an answer of an LLM API is one to keep: finished, not an error in a 200, not empty, as
 * many parts as were asked for. The rows are those of the vendors' API documents. */
#ifndef CORE_GATE_H
#define CORE_GATE_H

#include "api.h"
#include "json.h"
#include "reason.h"

/* What a policy lets pass beyond the default. */
struct gate_options {
    bool finish_length;        /* cut at the limit of tokens */
    bool finish_filter;        /* stopped by a content filter */
    bool finish_refusal;       /* a refusal */
    bool tool_calls;           /* answers that call tools */
    int64_t min_output_tokens; /* fewer, as `usage` counts them, are not worth keeping; 0: all */
};

/* Judges a JSON answer with status 200. `count`: how many answers or vectors there must be; 0:
 * not known. REASON_NONE, or why it is not kept: REASON_ANSWER_ERROR, REASON_ANSWER_CUT (not
 * finished, or stopped by a limit), REASON_ANSWER_FILTERED, REASON_ANSWER_REFUSAL,
 * REASON_ANSWER_TOOLS, REASON_ANSWER_EMPTY, REASON_ANSWER_COUNT, REASON_ANSWER_SMALL,
 * REASON_ANSWER_UNKNOWN (not an answer of this API, or a finish reason that nobody documented). */
enum reason gate_judge(enum api_gate gate, const struct json_doc *answer, uint32_t count,
                       const struct gate_options *options);

#endif
