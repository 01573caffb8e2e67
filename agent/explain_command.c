#include "explain_command.h"

#include "command.h"
#include "core/explain.h"
#include "core/message.h"
#include "net/file.h"
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { INPUT_MAX = 64 << 20, EXIT_DIFFERENT = 1 };

static const char usage[] =
    "usage: spoa-cache explain [-c FILE] [OPTIONS] URL\n"
    "       spoa-cache explain [-c FILE] [OPTIONS] --raw FILE\n"
    "       spoa-cache explain ... URL --vs [OPTIONS] URL\n"
    "\n"
    "Says what the cache would do with a request, and why; of two requests, whether they share an\n"
    "answer, and what keeps them apart. Nothing is sent, and nothing stored is looked at. No\n"
    "credential is printed.\n"
    "\n"
    "The request, as curl has it:\n"
    "  -X, --request METHOD     the method (POST with -d, else GET)\n"
    "  -H, --header 'NAME: V'   a header; any number of them\n"
    "  -d, --data DATA          the body; @FILE is what is in a file, byte by byte, and @- what\n"
    "                           comes on standard input. With it, and without a header of the "
    "name,\n"
    "                           there is a Content-Type: application/json\n"
    "or:\n"
    "      --raw FILE           an HTTP/1.1 message: request line, headers, empty line, body (- "
    "is\n"
    "                           standard input). One that has a Content-Length may be followed by\n"
    "                           a second one\n"
    "\n"
    "What haproxy.cfg says of it:\n"
    "      --tenant NAME        txn.cache.tenant, such as acme\n"
    "      --policy NAME        txn.cache.policy (llm)\n"
    "      --backend NAME       txn.cache.backend (llm)\n"
    "      --upstream NAME      txn.cache.upstream\n"
    "      --ttl SECONDS        txn.cache.ttl\n"
    "      --mode WORD          txn.cache.mode\n"
    "      --scheme WORD        http or https (that of the URL; of a message, http)\n"
    "\n"
    "      --vs                 what follows is the second request; what haproxy.cfg says of it "
    "is\n"
    "                           the same, unless it is said again\n"
    "      --full               print everything in full\n"
    "      --json               print JSON: a member for each label, a list of its lines\n"
    "  -c, --config FILE        the configuration, whose secret makes the key\n"
    "  -h, --help               print this and exit\n"
    "\n"
    "Exit status: 0 explained, and two requests share; 1 two requests do not share; 2 wrong "
    "usage,\n"
    "a configuration or a request that cannot be read.\n";

/* What the command line says of a request beside the request itself. */
struct input {
    const char *raw, *data; /* NULL: not given */
    bool has_url, has_type;
    struct buf text; /* owned: what was read for either */
};

struct options {
    const char *config;
    bool full, json;
    size_t count; /* of requests: 1 or 2 */
    struct input inputs[2];
    struct message messages[2];
    struct request requests[2];
};

_Noreturn __attribute__((format(printf, 1, 2))) static void fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("spoa-cache explain: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(EXIT_USAGE);
}

/* Fails when something is wrong. It says not what: that may be a credential. */
static void require(const char *wrong)
{
    if (wrong)
        fail("%s", wrong);
}

/* Everything in the file; "-" is standard input. */
static struct str read_file(struct buf *out, const char *path)
{
    *out = buf_new(INPUT_MAX);
    if (!(strcmp(path, "-") == 0 ? file_read_open(STDIN_FILENO, out) : file_read(path, out)))
        fail("%s: %s", path, strerror(errno));
    return buf_str(out);
}

/* http://HOST/PATH?QUERY#FRAGMENT */
static void take_url(struct request *request, struct str text)
{
    struct str rest = text, scheme = str_split(&rest, ':');
    size_t host = 0;

    if (!str_starts(rest, STR("//")) ||
        !(str_eq(scheme, STR("http")) || str_eq(scheme, STR("https"))))
        fail("a URL begins with http:// or https://");
    rest = str_from(rest, 2);
    struct str target = str_split(&rest, '#');
    while (host < target.len && target.ptr[host] != '/' && target.ptr[host] != '?')
        host++;
    if (host == 0 || memchr(target.ptr, '@', host))
        fail("a URL has a host, and no user in it: give a credential as a header");
    request->host = (struct str){target.ptr, host};
    request->target = str_from(target, host);
    if (request->target.len == 0)
        request->target = STR("/");
    if (!message_target(request->target))
        fail("the URL has no path before its query, or what a URL cannot hold");
    if (request->scheme.len == 0)
        request->scheme = scheme;
}

/* The second request begins as the first one, as far as haproxy.cfg is concerned. */
static void begin_second(struct options *o)
{
    if (o->count == 2)
        fail("there are more than two requests");
    o->requests[1] = o->requests[0];
    o->requests[1].method = o->requests[1].scheme = o->requests[1].host = STR("");
    message_begin(&o->messages[1]);
    o->count = 2;
}

static void take_argument(struct options *o, const char *text)
{
    struct input *in = &o->inputs[o->count - 1];

    if (in->has_url)
        fail("a request has one URL; a second one follows --vs");
    take_url(&o->requests[o->count - 1], str_of(text));
    in->has_url = true;
}

static void take_header(struct options *o, const char *text)
{
    struct str value = str_of(text), name = str_split(&value, ':');

    if (name.len == strlen(text))
        fail("-H takes 'NAME: VALUE'");
    require(message_header(&o->messages[o->count - 1], name, value));
    o->inputs[o->count - 1].has_type |= str_eq_nocase(name, STR("content-type"));
}

enum { OPT_SET = 256, OPT_RAW, OPT_VS, OPT_FULL, OPT_JSON };

/* `name` is that of a long option. */
static void take_option(struct options *o, int option, const char *name)
{
    struct input *in = &o->inputs[o->count - 1];
    struct request *request = &o->requests[o->count - 1];

    switch (option) {
    case 1:
        take_argument(o, optarg);
        break;
    case 'c':
        o->config = optarg;
        break;
    case 'X':
        request->method = str_of(optarg);
        break;
    case 'H':
        take_header(o, optarg);
        break;
    case 'd':
        if (in->data)
            fail("-d is given twice");
        in->data = optarg;
        break;
    case OPT_RAW:
        in->raw = optarg;
        break;
    case OPT_SET:
        explain_set(request, str_of(name), str_of(optarg));
        break;
    case OPT_VS:
        begin_second(o);
        break;
    case OPT_FULL:
        o->full = true;
        break;
    case OPT_JSON:
        o->json = true;
        break;
    case 'h':
        fputs(usage, stdout);
        exit(EXIT_SUCCESS);
    default:
        fputs("try spoa-cache explain --help\n", stderr);
        exit(EXIT_USAGE);
    }
}

static void parse_options(struct options *o, int argc, char **argv)
{
    static const struct option longs[] = {
        {"config", required_argument, NULL, 'c'},
        {"request", required_argument, NULL, 'X'},
        {"header", required_argument, NULL, 'H'},
        {"data", required_argument, NULL, 'd'},
        {"raw", required_argument, NULL, OPT_RAW},
        {"tenant", required_argument, NULL, OPT_SET},
        {"policy", required_argument, NULL, OPT_SET},
        {"backend", required_argument, NULL, OPT_SET},
        {"upstream", required_argument, NULL, OPT_SET},
        {"ttl", required_argument, NULL, OPT_SET},
        {"mode", required_argument, NULL, OPT_SET},
        {"scheme", required_argument, NULL, OPT_SET},
        {"vs", no_argument, NULL, OPT_VS},
        {"full", no_argument, NULL, OPT_FULL},
        {"json", no_argument, NULL, OPT_JSON},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option, which = 0;

    optind = 0; /* begins anew, after main's options */
    while ((option = getopt_long(argc, argv, "-c:X:H:d:h", longs, &which)) != -1)
        take_option(o, option, longs[which].name);
    while (optind < argc) /* behind "--" */
        take_argument(o, argv[optind++]);
}

static void make_request(struct input *in, struct message *message, struct request *request)
{
    const char *data = in->data;

    if (!in->has_url)
        fail("there is no URL, and no --raw");
    if (request->method.len == 0)
        request->method = data ? STR("POST") : STR("GET");
    request->body = !data            ? STR("")
                    : data[0] == '@' ? read_file(&in->text, data + 1)
                                     : str_of(data);
    if (data && !in->has_type)
        require(message_header(message, STR("content-type"), STR("application/json")));
    require(message_end(message, request));
    request->whole = true;
}

/* A message, and perhaps a second one in the same file. */
static void read_raw(struct options *o, size_t at)
{
    struct input *in = &o->inputs[at];
    size_t room = o->count == 1 ? 2 : 1;

    if (in->has_url || in->data || o->requests[at].method.len || o->messages[at].block.len)
        fail("--raw is a whole request: it goes without URL, -X, -H and -d");
    if (o->requests[at].scheme.len == 0)
        o->requests[at].scheme = STR("http");
    if (room == 2)
        o->requests[1] = o->requests[0];
    require(
        message_read_all(&o->messages[at], &o->requests[at], &room, read_file(&in->text, in->raw)));
    if (room == 2)
        o->count = 2;
}

static void make_requests(struct options *o)
{
    size_t count = o->count;

    for (size_t i = 0; i < count; i++)
        if (o->inputs[i].raw)
            read_raw(o, i);
        else
            make_request(&o->inputs[i], &o->messages[i], &o->requests[i]);
}

static void free_requests(struct options *o)
{
    for (size_t i = 0; i < 2; i++) {
        buf_free(&o->inputs[i].text);
        message_free(&o->messages[i]);
    }
}

static void print(const struct buf *text, bool json)
{
    struct buf out = buf_new(EXPLAIN_MAX);

    if (json)
        explain_json(&out, buf_str(text));
    if (!buf_ok(text) || !buf_ok(&out))
        fail("there is no memory");
    struct str what = buf_str(json ? &out : text);
    fwrite(what.ptr, 1, what.len, stdout);
    buf_free(&out);
}

/* Returns the exit code. */
static int explain(const struct options *o, const struct config *config)
{
    const struct explain_options how = {.full = o->full, .no_secret = config->secret.len == 0};
    struct buf out = buf_new(EXPLAIN_MAX);
    struct key_secret secret;
    int status = EXIT_SUCCESS;

    key_secret_derive(&secret, config->secret);
    if (o->count == 1)
        explain_one(&out, config, &secret, &o->requests[0], &how);
    else if (!explain_two(&out, config, &secret, o->requests))
        status = EXIT_DIFFERENT;
    print(&out, o->json);
    buf_free(&out);
    return fflush(stdout) == 0 ? status : EXIT_USAGE;
}

int explain_command(const char *config, int argc, char **argv)
{
    struct options options = {
        .config = config,
        .count = 1,
        .requests = {{.policy = STR("llm"), .backend = STR("llm")}},
    };

    message_begin(&options.messages[0]);
    parse_options(&options, argc, argv);
    make_requests(&options);
    struct config *settings = command_config(options.config);
    int status = settings ? explain(&options, settings) : EXIT_USAGE;
    config_unref(settings);
    free_requests(&options);
    return status;
}
