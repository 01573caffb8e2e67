#include "purge_command.h"

#include "command.h"
#include "net/http_post.h"
#include "purge_reclaim.h"
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

enum { TARGET_MAX = 16 << 10, ANSWER_MAX = 1 << 20, RATE = 20000, MOST_RATE = 10000000 };

static const char usage[] =
    "usage: spoa-cache purge [-c FILE | --socket PATH] [--json] SCOPE\n"
    "       spoa-cache purge [-c FILE] --reclaim [--rate KEYS] [--json]\n"
    "\n"
    "Takes answers back: none that was asked of the origin before is served any more, by any "
    "agent\n"
    "on the same Redis, within 100 ms. SCOPE is one of\n"
    "\n"
    "  all             everything\n"
    "  policy NAME     what a policy stored\n"
    "  tenant NAME     what belongs to a [tenant NAME] section (to its group, if it is in one), "
    "or\n"
    "                  to an identity as txn.cache.tenant says it\n"
    "  model NAME      what was asked of a model, as requests name it\n"
    "  tag NAME        answers that listed the tag, see tag-header\n"
    "  key HEX         one answer, by its X-Cache-Key\n"
    "\n"
    "      --socket PATH     the agent's unix socket, instead of the [agent] status of FILE\n"
    "      --json            print JSON\n"
    "      --reclaim         purge nothing: delete from Redis what was purged, which would go "
    "with\n"
    "                        its ttl\n"
    "      --rate KEYS       look at no more keys a second (20000)\n"
    "  -c, --config FILE     the configuration\n"
    "  -h, --help            print this and exit\n"
    "\n"
    "Exit status: 0 done, 1 not done, or not known to be, 2 wrong usage or configuration.\n";

struct options {
    const char *config, *socket;
    bool json, reclaim;
    int64_t rate;
};

static int usage_error(const char *what)
{
    fprintf(stderr, "spoa-cache purge: %s\ntry spoa-cache purge --help\n", what);
    return EXIT_USAGE;
}

/* The path of a unix socket; NULL when it is none. `config` gets what the path points into. */
static const char *find_socket(const struct options *o, struct config **config)
{
    const char *socket = o->socket;
    const size_t prefix = sizeof "unix:" - 1;

    if (!socket) {
        *config = command_config(o->config);
        if (!*config)
            return NULL;
        /* a configured text has a NUL behind it */
        socket = (*config)->status.ptr;
        if (!str_starts((*config)->status, STR("unix:"))) {
            usage_error("[agent] status is no unix socket (unix:PATH), and --socket not given");
            return NULL;
        }
    }
    return strncmp(socket, "unix:", prefix) == 0 ? socket + prefix : socket;
}

/* Writes what to post. */
static void set_target(struct buf *out, const struct options *o, char *const *scope)
{
    buf_append(out, STR("/purge?kind="));
    http_post_escape(out, str_of(scope[0]));
    if (scope[1]) {
        buf_append(out, STR("&name="));
        http_post_escape(out, str_of(scope[1]));
    }
    if (o->json)
        buf_append(out, STR("&format=json"));
}

/* Prints what an agent answered; returns the exit code. */
static int print_answer(const char *path, unsigned status, struct str body)
{
    if (status == 0)
        fprintf(stderr, "spoa-cache purge: %s: %s\n", path, strerror(errno));
    else if (status != 200)
        fprintf(stderr, "spoa-cache purge: %.*s", STR_ARGS(body));
    else
        fwrite(body.ptr, 1, body.len, stdout);
    if (status == 400)
        return EXIT_USAGE;
    return status == 200 && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int purge(const struct options *o, char *const *scope)
{
    struct buf target = buf_new(TARGET_MAX), answer = buf_new(ANSWER_MAX);
    struct config *config = NULL;
    const char *path = find_socket(o, &config);
    int status = EXIT_USAGE;

    set_target(&target, o, scope);
    if (!buf_ok(&target)) {
        status = usage_error("the name is too long");
    } else if (path) {
        unsigned code = http_post(path, buf_str(&target), &answer);
        status = print_answer(path, code, buf_str(&answer));
    }
    buf_free(&target);
    buf_free(&answer);
    config_unref(config);
    return status;
}

static int reclaim(const struct options *o)
{
    struct config *config = command_config(o->config);
    int status = EXIT_USAGE;

    if (!config)
        return status;
    if (config_uses_redis(config))
        status = purge_reclaim(config, o->rate, o->json) ? EXIT_SUCCESS : EXIT_FAILURE;
    else
        usage_error("there is no Redis in this configuration; memory comes back by itself");
    config_unref(config);
    return status;
}

enum { OPT_SOCKET = 256, OPT_JSON, OPT_RECLAIM, OPT_RATE };

/* False: wrong. */
static bool take_option(struct options *o, int option)
{
    switch (option) {
    case 'c':
        o->config = optarg;
        return true;
    case OPT_SOCKET:
        o->socket = optarg;
        return true;
    case OPT_JSON:
        return o->json = true;
    case OPT_RECLAIM:
        return o->reclaim = true;
    case OPT_RATE:
        o->rate = strtoll(optarg, NULL, 10);
        return o->rate > 0 && o->rate <= MOST_RATE;
    case 'h':
        fputs(usage, stdout);
        exit(EXIT_SUCCESS);
    default:
        return false;
    }
}

int purge_command(const char *config, int argc, char **argv)
{
    static const struct option longs[] = {
        {"config", required_argument, NULL, 'c'},
        {"socket", required_argument, NULL, OPT_SOCKET},
        {"json", no_argument, NULL, OPT_JSON},
        {"reclaim", no_argument, NULL, OPT_RECLAIM},
        {"rate", required_argument, NULL, OPT_RATE},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct options options = {.config = config, .rate = RATE};
    int option;

    optind = 0; /* begins anew, after main's options */
    while ((option = getopt_long(argc, argv, "c:h", longs, NULL)) != -1)
        if (!take_option(&options, option))
            return usage_error("a wrong option, or a rate that is none");
    int words = argc - optind;
    if (options.reclaim)
        return words ? usage_error("--reclaim goes without a scope") : reclaim(&options);
    if (words == 0 || words > 2)
        return usage_error("say what: all, or policy, tenant, model, tag or key and a name");
    return purge(&options, argv + optind);
}
