#include "purge_command.h"

#include "command.h"
#include "door_client.h"
#include "net/http_ask.h"
#include "purge_reclaim.h"
#include <getopt.h>
#include <stdlib.h>

enum { TARGET_MAX = 16 << 10, RATE = 20000, MOST_RATE = 10000000 };

static const char usage[] =
    "usage: spoa-cache purge [-c FILE | --door ADDRESS] [--json] SCOPE\n"
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
    "      --reclaim         purge nothing: delete from Redis what was purged, which would go "
    "with\n"
    "                        its ttl\n"
    "      --rate KEYS       look at no more keys a second (20000)\n" DOOR_OPTIONS_HELP "\n"
    "Exit status: 0 done, 1 not done, or not known to be, 2 wrong usage or configuration.\n";

struct options {
    struct door_client client;
    bool reclaim;
    int64_t rate;
};

static int purge(struct options *o, char *const *scope)
{
    struct buf target = buf_new(TARGET_MAX);

    buf_append(&target, STR("/purge?kind="));
    http_ask_escape(&target, str_of(scope[0]));
    if (scope[1]) {
        buf_append(&target, STR("&name="));
        http_ask_escape(&target, str_of(scope[1]));
    }
    if (o->client.json)
        buf_append(&target, STR("&format=json"));
    int code = door_client_run(&o->client, "POST", &target);
    buf_free(&target);
    return code;
}

static int reclaim(const struct options *o)
{
    struct config *config = command_config(o->client.config);
    int status = EXIT_USAGE;

    if (!config)
        return status;
    if (config_uses_redis(config))
        status = purge_reclaim(config, o->rate, o->client.json) ? EXIT_SUCCESS : EXIT_FAILURE;
    else
        door_client_misused(&o->client,
                            "there is no Redis in this configuration; memory comes back "
                            "by itself");
    config_unref(config);
    return status;
}

enum { OPT_RECLAIM = 256, OPT_RATE };

/* False: wrong. */
static bool take_option(struct options *o, int option)
{
    switch (option) {
    case OPT_RECLAIM:
        return o->reclaim = true;
    case OPT_RATE:
        o->rate = strtoll(optarg, NULL, 10);
        return o->rate > 0 && o->rate <= MOST_RATE;
    default:
        return door_client_take(&o->client, option, usage);
    }
}

int purge_command(const char *config, int argc, char **argv)
{
    static const struct option longs[] = {{"reclaim", no_argument, NULL, OPT_RECLAIM},
                                          {"rate", required_argument, NULL, OPT_RATE},
                                          DOOR_OPTIONS};
    struct options options = {.client = {.command = argv[0], .config = config}, .rate = RATE};
    int option;

    optind = 0; /* begins anew, after main's options */
    while ((option = getopt_long(argc, argv, "c:h", longs, NULL)) != -1)
        if (!take_option(&options, option))
            return door_client_misused(&options.client, "a wrong option, or a rate that is none");
    int words = argc - optind;
    if (options.reclaim && words)
        return door_client_misused(&options.client, "--reclaim goes without a scope");
    if (options.reclaim)
        return reclaim(&options);
    if (words == 0 || words > 2)
        return door_client_misused(
            &options.client, "say what: all, or policy, tenant, model, tag or key and a name");
    return purge(&options, argv + optind);
}
