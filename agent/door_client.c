#include "door_client.h"

#include "command.h"
#include "net/file.h"
#include "net/http_ask.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Where the package has it. */
static const char usual_door[] = "unix:/run/spoa-cache/status.sock";

enum { ANSWER_MAX = 256 << 20 };

bool door_client_take(struct door_client *c, int option, const char *usage)
{
    extern char *optarg;

    switch (option) {
    case 'c':
        c->config = optarg;
        return true;
    case DOOR_OPTION_DOOR:
        c->door = optarg;
        return true;
    case DOOR_OPTION_TOKEN:
        c->token_file = optarg;
        return true;
    case DOOR_OPTION_JSON:
        c->json = true;
        return true;
    case 'h':
        fputs(usage, stdout);
        exit(EXIT_SUCCESS);
    default:
        return false;
    }
}

int door_client_misused(const struct door_client *c, const char *what)
{
    if (what)
        fprintf(stderr, "spoa-cache %s: %s\n", c->command, what);
    fprintf(stderr, "try spoa-cache %s --help\n", c->command);
    return EXIT_USAGE;
}

static bool is_unix(struct str address)
{
    return str_starts(address, STR("unix:"));
}

/* Where no token is needed, if there is such a place. */
static struct str easiest(const struct str_list *addresses)
{
    for (size_t i = 0; i < addresses->count; i++)
        if (is_unix(addresses->items[i]))
            return addresses->items[i];
    return addresses->count ? addresses->items[0] : STR("");
}

static bool find_by_config(struct door_client *c)
{
    c->settings = command_config(c->config);
    if (!c->settings)
        return false;
    c->address = easiest(&c->settings->status);
    if (!c->address.len && !c->config && access(usual_door + sizeof "unix:" - 1, F_OK) == 0)
        c->address = STR(usual_door);
    if (c->address.len)
        return true;
    door_client_misused(c, "nothing says where the agent's HTTP door is: give --door ADDRESS, or "
                           "-c FILE with [agent] status");
    return false;
}

static bool take_token(struct door_client *c)
{
    c->token = buf_new(CONFIG_MAX_SECRET + 2);
    if (!c->token_file && c->settings)
        buf_append(&c->token, c->settings->door_token);
    if (!c->token_file || file_read_secret(c->token_file, &c->token))
        return true;
    fprintf(stderr, "spoa-cache %s: %s: %s\n", c->command, c->token_file, strerror(errno));
    return false;
}

bool door_client_find(struct door_client *c)
{
    if (c->door)
        c->address = str_of(c->door);
    else if (!find_by_config(c))
        return false;
    return take_token(c);
}

unsigned door_client_ask(const struct door_client *c, const char *method, struct str target,
                         struct buf *answer)
{
    const struct http_ask ask = {
        .address = c->address,
        .method = method,
        .target = target,
        /* a unix socket needs none */
        .token = is_unix(c->address) ? STR("") : buf_str(&c->token),
    };
    const char *why;
    unsigned status = http_ask(&ask, answer, &why);

    if (status == 0)
        fprintf(stderr, "spoa-cache %s: %.*s: %s\n", c->command, STR_ARGS(c->address), why);
    return status;
}

int door_client_print(const struct door_client *c, unsigned status, struct str answer)
{
    if (status == HTTP_OK)
        fwrite(answer.ptr, 1, answer.len, stdout);
    else if (status)
        fprintf(stderr, "spoa-cache %s: %.*s", c->command, STR_ARGS(answer));
    if (status == HTTP_BAD_REQUEST)
        return EXIT_USAGE;
    return status == HTTP_OK && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int door_client_run(struct door_client *c, const char *method, const struct buf *target)
{
    struct buf answer = buf_new(ANSWER_MAX);
    int code = EXIT_USAGE;

    if (!buf_ok(target))
        door_client_misused(c, "the arguments are too long");
    else if (door_client_find(c)) {
        unsigned status = door_client_ask(c, method, buf_str(target), &answer);
        code = door_client_print(c, status, buf_str(&answer));
    }
    buf_free(&answer);
    door_client_free(c);
    return code;
}

void door_client_free(struct door_client *c)
{
    file_wipe(&c->token);
    config_unref(c->settings);
    c->settings = NULL;
}
