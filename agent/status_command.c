#include "status_command.h"

#include "command.h"
#include "door_client.h"
#include "status_text.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const char usage[] =
    "usage: spoa-cache status [-c FILE | --door ADDRESS] [--json]\n"
    "\n"
    "Shows how a running agent does since it was started: lookups by result, latency, store,\n"
    "what was saved, and the most frequent reasons for anything but a hit.\n"
    "\n" DOOR_OPTIONS_HELP "\n"
    "Exit status: 0 the agent is ready, 1 it is not, or cannot be reached, 2 wrong usage.\n";

/* Returns the exit code. */
static int show(const struct door_client *client, const struct status_doc *doc)
{
    struct buf text = buf_new(STATUS_DOC_MAX);
    const struct json_node *ready = status_doc_find(doc, doc->doc.nodes, "ready");

    if (client->json)
        buf_append(&text, buf_str(&doc->text));
    else
        status_text(doc, NULL, &text);
    fwrite(text.ptr, 1, text.len, stdout);
    buf_free(&text);
    return ready && ready->type == JSON_TRUE && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int status_command(const char *config, int argc, char **argv)
{
    static const struct option longs[] = {DOOR_OPTIONS};
    struct door_client client = {.command = argv[0], .config = config};
    struct status_doc doc = {.metrics = NULL};
    int option, code = EXIT_USAGE;

    optind = 0; /* begins anew, after main's options */
    while ((option = getopt_long(argc, argv, "c:h", longs, NULL)) != -1)
        if (!door_client_take(&client, option, usage))
            return door_client_misused(&client, NULL);
    if (optind < argc)
        return door_client_misused(&client, "it takes no arguments");
    if (door_client_find(&client))
        code = status_doc_ask(&doc, &client) ? show(&client, &doc) : EXIT_FAILURE;
    status_doc_free(&doc);
    door_client_free(&client);
    return code;
}
