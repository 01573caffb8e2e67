#define PCRE2_CODE_UNIT_WIDTH 8

#include "mask.h"

#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    /* What PCRE2 counts at one place of the text, and memory for backtracking in KiB. The callouts
     * count the whole. */
    MATCH_LIMIT = 100000,
    DEPTH_LIMIT = 10000,
    HEAP_LIMIT = 256,
    COST_CALL = 50,
    COST_ITEM = 10,     /* of an expression, each time that it is tried; a byte passed is 1 */
    SCAN_PER_COST = 32, /* bytes that are only read */
};

struct mask {
    pcre2_code *code;
    bool reads_on;     /* a search may read to the end of the text each time it is begun */
    int64_t cost_item; /* COST_ITEM, and what it may pass without being counted */
    size_t start, end; /* the next match; NO_MATCH: there is none */
};

struct masks {
    pcre2_match_data *match;
    pcre2_match_context *context;
    const struct mask *tried; /* what count_item() counts for, and where it was last */
    size_t at;
    int64_t *allowance;
    size_t count;
    struct mask items[MASKS_MAX];
};

static const size_t NO_MATCH = SIZE_MAX;

/* Called before each item of an expression is tried. An item can pass any number of bytes, but the
 * next one begins where it stopped: the way between the two is what it has cost. */
static int count_item(pcre2_callout_block *block, void *data)
{
    struct masks *masks = data;
    size_t at = block->current_position;

    *masks->allowance -= masks->tried->cost_item;
    *masks->allowance -= (int64_t)(at > masks->at ? at - masks->at : masks->at - at);
    masks->at = at;
    return *masks->allowance < 0 ? PCRE2_ERROR_CALLOUT : 0;
}

/* The largest number that follows a brace: a repeat whose minimum is not met stops without another
 * item after it. */
static int64_t largest_repeat(struct str expression)
{
    int64_t largest = 0, number = 0;
    bool counts = false;

    for (size_t i = 0; i < expression.len; i++) {
        char c = expression.ptr[i];
        if (c == '{')
            counts = true, number = 0;
        else if (c < '0' || c > '9')
            counts = false;
        else if (counts && number < UINT16_MAX) /* PCRE2 takes no larger one */
            number = 10 * number + (c - '0');
        if (number > largest)
            largest = number;
    }
    return largest;
}

/* What makes an item cost more than the bytes it passes: \1 and what runs scripts, verbs and \X do
 * inside. */
static bool is_uncountable(const pcre2_code *code, struct str expression)
{
    uint32_t references = 0;

    pcre2_pattern_info(code, PCRE2_INFO_BACKREFMAX, &references);
    return references || memmem(expression.ptr, expression.len, "(*", 2) ||
           memmem(expression.ptr, expression.len, "\\X", 2);
}

static bool compile(struct mask *mask, pcre2_compile_context *context, struct str expression,
                    char error[MASK_ERROR_MAX])
{
    const uint32_t options = PCRE2_UTF | PCRE2_AUTO_CALLOUT | PCRE2_NEVER_BACKSLASH_C;
    int code;
    size_t offset;

    mask->code =
        pcre2_compile((PCRE2_SPTR)expression.ptr, expression.len, options, &code, &offset, context);
    if (!mask->code) {
        PCRE2_UCHAR why[128];
        pcre2_get_error_message(code, why, sizeof why);
        snprintf(error, MASK_ERROR_MAX, "%s at offset %zu of %.*s", (const char *)why, offset,
                 STR_ARGS(expression));
        return false;
    }
    if (is_uncountable(mask->code, expression)) {
        snprintf(error, MASK_ERROR_MAX, "a mask may have no back reference, no (* and no \\X: %.*s",
                 STR_ARGS(expression));
        return false;
    }
    /* without machine code that is how a letter in either case is found: (?i) */
    mask->reads_on = pcre2_jit_compile(mask->code, PCRE2_JIT_COMPLETE) != 0 &&
                     memmem(expression.ptr, expression.len, "(?", 2);
    mask->cost_item = COST_ITEM + largest_repeat(expression);
    return true;
}

static bool compile_all(struct masks *masks, const struct str *expressions, size_t count,
                        char error[MASK_ERROR_MAX])
{
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    bool ok = context;

    if (ok) {
        pcre2_set_newline(context, PCRE2_NEWLINE_LF);
        pcre2_set_max_pattern_length(context, MASK_EXPRESSION_MAX);
    }
    while (ok && masks->count < count) {
        ok = compile(&masks->items[masks->count], context, expressions[masks->count], error);
        masks->count++;
    }
    pcre2_compile_context_free(context);
    return ok;
}

static bool prepare(struct masks *masks)
{
    masks->match = pcre2_match_data_create(1, NULL);
    masks->context = pcre2_match_context_create(NULL);
    if (!masks->match || !masks->context)
        return false;
    pcre2_set_match_limit(masks->context, MATCH_LIMIT);
    pcre2_set_depth_limit(masks->context, DEPTH_LIMIT);
    pcre2_set_heap_limit(masks->context, HEAP_LIMIT);
    return pcre2_set_callout(masks->context, count_item, masks) == 0;
}

struct masks *masks_new(const struct str *expressions, size_t count, char error[MASK_ERROR_MAX])
{
    struct masks *masks = calloc(1, sizeof *masks);

    snprintf(error, MASK_ERROR_MAX, "no memory");
    if (count > MASKS_MAX)
        snprintf(error, MASK_ERROR_MAX, "more than %d masks", MASKS_MAX);
    else if (masks && prepare(masks) && compile_all(masks, expressions, count, error))
        return masks;
    masks_free(masks);
    return NULL;
}

void masks_free(struct masks *masks)
{
    if (!masks)
        return;
    for (size_t i = 0; i < masks->count; i++)
        pcre2_code_free(masks->items[i].code);
    pcre2_match_data_free(masks->match);
    pcre2_match_context_free(masks->context);
    free(masks);
}

/* Looks for the mask's next match from there on. False when a limit was hit. */
static bool find(struct masks *masks, struct mask *mask, struct str text, size_t from)
{
    masks->tried = mask;
    masks->at = from;
    *masks->allowance -= COST_CALL;
    if (mask->reads_on)
        *masks->allowance -= (int64_t)(text.len - from) / SCAN_PER_COST;
    if (*masks->allowance < 0)
        return false;
    int found = pcre2_match(mask->code, (PCRE2_SPTR)text.ptr, text.len, from,
                            PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY, masks->match, masks->context);
    if (found < 0) {
        mask->start = NO_MATCH;
        return found == PCRE2_ERROR_NOMATCH;
    }
    const size_t *match = pcre2_get_ovector_pointer(masks->match);
    mask->start = match[0];
    mask->end = match[1];
    return from <= match[0] && match[0] < match[1]; /* \K moves the start */
}

/* Brings every mask's next match to `from` or behind. */
static bool find_all(struct masks *masks, struct str text, size_t from)
{
    for (size_t i = 0; i < masks->count; i++)
        if (masks->items[i].start < from && !find(masks, &masks->items[i], text, from))
            return false;
    return true;
}

static const struct mask *earliest(const struct masks *masks)
{
    const struct mask *first = &masks->items[0];

    for (size_t i = 1; i < masks->count; i++)
        if (masks->items[i].start < first->start)
            first = &masks->items[i];
    return first;
}

bool masks_write(struct masks *masks, struct buf *out, struct str text, int64_t *allowance)
{
    size_t at = 0;

    masks->allowance = allowance;
    for (size_t i = 0; i < masks->count; i++)
        if (!find(masks, &masks->items[i], text, 0))
            return false;
    for (;;) {
        const struct mask *next = earliest(masks);
        if (next->start == NO_MATCH)
            break;
        buf_append(out, (struct str){text.ptr + at, next->start - at});
        buf_append_byte(out, MASK_MARKER);
        buf_append_byte(out, (uint8_t)('A' + (next - masks->items)));
        at = next->end;
        if (!find_all(masks, text, at))
            return false;
    }
    buf_append(out, str_from(text, at));
    return buf_ok(out);
}
