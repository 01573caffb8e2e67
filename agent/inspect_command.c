#include "inspect_command.h"

#include "command.h"
#include "door_client.h"
#include "net/http_ask.h"
#include <getopt.h>

static const char usage[] =
    "usage: spoa-cache inspect [-c FILE | --door ADDRESS] [OPTIONS] KEY\n"
    "\n"
    "Shows what is stored under a key: status, age, how long it is fresh, sizes, headers; the "
    "body\n"
    "only when it is asked for. KEY is a whole key, as spoa-cache explain prints it and Redis has\n"
    "it, such as\n"
    "sc:llm:0f3a...:91c2...; or what X-Cache-Key says, its last part, and then whose it is:\n"
    "\n"
    "      --tenant NAME     a [tenant NAME] section, or an identity as txn.cache.tenant says it;\n"
    "                        not needed where all tenants share (scope = shared)\n"
    "      --policy NAME     the policy (llm)\n"
    "      --body            the body, too\n" DOOR_OPTIONS_HELP "\n"
    "Exit status: 0 shown, 1 nothing is stored there, or the agent cannot be reached or refuses,\n"
    "2 wrong usage.\n";

enum { TARGET_MAX = 16 << 10, OPT_TENANT = 256, OPT_POLICY, OPT_BODY };

struct options {
    struct door_client client;
    const char *tenant, *policy, *key;
    bool body;
};

static void add_argument(struct buf *out, const char *name, const char *value)
{
    if (!value)
        return;
    buf_printf(out, "&%s=", name);
    http_ask_escape(out, str_of(value));
}

static int inspect(struct options *o)
{
    struct buf target = buf_new(TARGET_MAX);

    buf_printf(&target, "/inspect?format=%s", o->client.json ? "json" : "text");
    add_argument(&target, "key", o->key);
    add_argument(&target, "tenant", o->tenant);
    add_argument(&target, "policy", o->policy);
    add_argument(&target, "body", o->body ? "yes" : NULL);
    int code = door_client_run(&o->client, "POST", &target);
    buf_free(&target);
    return code;
}

static bool take_option(struct options *o, int option)
{
    switch (option) {
    case OPT_TENANT:
        o->tenant = optarg;
        return true;
    case OPT_POLICY:
        o->policy = optarg;
        return true;
    case OPT_BODY:
        return o->body = true;
    default:
        return door_client_take(&o->client, option, usage);
    }
}

int inspect_command(const char *config, int argc, char **argv)
{
    static const struct option longs[] = {{"tenant", required_argument, NULL, OPT_TENANT},
                                          {"policy", required_argument, NULL, OPT_POLICY},
                                          {"body", no_argument, NULL, OPT_BODY},
                                          DOOR_OPTIONS};
    struct options options = {.client = {.command = argv[0], .config = config}};
    int option;

    optind = 0; /* begins anew, after main's options */
    while ((option = getopt_long(argc, argv, "c:h", longs, NULL)) != -1)
        if (!take_option(&options, option))
            return door_client_misused(&options.client, NULL);
    if (optind + 1 != argc)
        return door_client_misused(&options.client, "say one key");
    options.key = argv[optind];
    return inspect(&options);
}
