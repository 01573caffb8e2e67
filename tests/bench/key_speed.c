/* How fast requests get their keys: plan_request() on a chat request, with a body that it never saw
 * and with the same one again, next to jansson's parsing and sorted dumping of the bodies.
 *
 * usage: key_speed SIZE SECONDS
 *
 * Prints "size N new_us T again_us T jansson_us T": microseconds for a body, the median of windows
 * that take turns. */
#include "../jansson_oracle.h"
#include "core/config.h"
#include "core/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum way { NEW, AGAIN, JANSSON, WAYS };

enum { WINDOWS = 7, TURN = 1200, SERIAL = 12, FRAME = 1 << 20 };

struct bench {
    struct config *config;
    struct plan_scratch scratch;
    struct key_secret secret;
    struct headers headers;
    struct request request;
    struct buf body;
    size_t serial_at; /* where the body has the digits that make it another */
    uint64_t serial;
    size_t dumped; /* bytes, so that nothing is left out as useless */
};

/* Prose as clients send it, with line breaks, quotes and some characters beyond ASCII. */
static void append_prose(struct buf *out, size_t len)
{
    static const char prose[] =
        "My order has not arrived after nine days, and the tracking page says \\\"in transit\\\" "
        "since Monday.\\nWhat can I do, and whom should I write to? I paid with the caf\xc3\xa9's "
        "card; the receipt is below.\\n\\n```python\\nfor item in order.items:\\n    print(item"
        ".name, item.price)\\n```\\n";
    size_t take;

    for (; len > 0; len -= take) {
        take = len < sizeof prose - 1 ? len : sizeof prose - 1;
        while (take > 1 && (prose[take - 1] == '\\' || (prose[take] & 0x80)))
            take--;
        buf_append(out, (struct str){prose, take});
    }
}

/* A chat of so many bytes, more or less. */
static void write_chat(struct bench *b, size_t size)
{
    buf_append(&b->body,
               STR("{\"model\":\"gpt-4o-mini\",\"temperature\":0.2,\"max_tokens\":512,"
                   "\"messages\":[{\"role\":\"system\",\"content\":\"You are a support "
                   "assistant. Answer briefly.\"},{\"role\":\"user\",\"content\":\"Case "));
    b->serial_at = b->body.len;
    buf_append(&b->body, STR("000000000000 "));
    for (int turn = 0;; turn++) {
        size_t rest = b->body.len + 64 < size ? size - b->body.len - 64 : 0;
        append_prose(&b->body, rest < TURN ? rest : TURN);
        if (rest <= TURN)
            break;
        buf_printf(&b->body, "\"},{\"role\":\"%s\",\"content\":\"",
                   turn % 2 ? "user" : "assistant");
    }
    buf_append(&b->body, STR("\"}],\"user\":\"u-48213\"}"));
}

static void renew(struct bench *b)
{
    uint64_t value = ++b->serial;

    for (size_t i = SERIAL; i-- > 0; value /= 10)
        b->body.ptr[b->serial_at + i] = (char)('0' + value % 10);
}

static struct key derive(struct bench *b)
{
    struct scope scope;
    struct plan plan;

    b->request.body = buf_str(&b->body);
    scope_find(&scope, b->config, &b->secret, &b->request, &b->scratch.fields);
    plan_request(&plan, &b->scratch, &b->secret, &scope, &b->request, FRAME);
    if (!plan.has_key) {
        fprintf(stderr, "no key: %s\n", reason_name(plan.reason));
        exit(1);
    }
    return plan.key;
}

static void parse_and_dump(struct bench *b)
{
    json_t *value = json_loadb(b->body.ptr, b->body.len, JSON_REJECT_DUPLICATES, NULL);
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);

    if (!text) {
        fprintf(stderr, "jansson refuses the body\n");
        exit(1);
    }
    b->dumped += strlen(text);
    free(text);
    json_decref(value);
}

static void once(struct bench *b, enum way way)
{
    if (way != AGAIN)
        renew(b);
    if (way == JANSSON)
        parse_and_dump(b);
    else
        derive(b);
}

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Microseconds for a body in one window. */
static double measure(struct bench *b, enum way way, double window)
{
    double start = seconds_now(), took = 0;
    size_t count = 0;

    while (took < window) {
        for (int i = 0; i < 16; i++, count++)
            once(b, way);
        took = seconds_now() - start;
    }
    return took * 1e6 / (double)count;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The keys are those of the bodies: another for another, the same for the same. */
static void check_keys(struct bench *b)
{
    struct key first = derive(b), again = derive(b);

    renew(b);
    struct key other = derive(b);
    if (!str_eq(key_text(&first), key_text(&again)) || str_eq(key_text(&first), key_text(&other))) {
        fprintf(stderr, "wrong keys\n");
        exit(1);
    }
}

static void begin(struct bench *b, size_t size)
{
    struct buf errors = buf_new(4096);

    *b = (struct bench){.config = config_read(STR(""), "none", &errors), .body = buf_new(2 * size)};
    plan_scratch_init(&b->scratch);
    key_secret_derive(&b->secret, STR("only for the bench"));
    b->headers = (struct headers){
        .count = 2,
        .lengths = UINT64_MAX,
        .items = {{STR("content-type"), STR("application/json")}, {STR("accept"), STR("*/*")}}};
    b->request = (struct request){
        .policy = STR("llm"),
        .tenant = STR("bench"),
        .method = STR("POST"),
        .scheme = STR("https"),
        .host = STR("llm.example"),
        .target = STR("/v1/chat/completions"),
        .headers = &b->headers,
        .whole = true,
        .exact = true,
    };
    write_chat(b, size);
}

int main(int argc, char **argv)
{
    size_t size = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
    double window = argc == 3 ? strtod(argv[2], NULL) / (WAYS * WINDOWS) : 0;
    double times[WAYS][WINDOWS];
    struct bench b;

    if (size < 512 || window <= 0)
        return fprintf(stderr, "usage: key_speed SIZE SECONDS\n"), 2;
    begin(&b, size);
    check_keys(&b);
    for (int i = 0; i < WINDOWS; i++)
        for (enum way way = NEW; way < WAYS; way++)
            times[way][i] = measure(&b, way, window);
    for (enum way way = NEW; way < WAYS; way++)
        qsort(times[way], WINDOWS, sizeof *times[way], compare);
    printf("size %zu new_us %.3f again_us %.3f jansson_us %.3f\n", b.body.len,
           times[NEW][WINDOWS / 2], times[AGAIN][WINDOWS / 2], times[JANSSON][WINDOWS / 2]);
    return b.dumped == 0;
}
