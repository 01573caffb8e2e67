/* A request at the door: what it asks for, who may, and the answer.
 *
 *   head ── body ··· ── end ── who may ── action ──────────────── reply
 *                                │           │                      ▲
 *                                │           └ later: suspended ────┤
 *                                └ the turn is over: suspended ─ action
 */
#include "http_private.h"

#include "clock.h"
#include "log.h"
#include <openssl/crypto.h>
#include <stdlib.h>

enum {
    CALL_MAX = 1 << 20,   /* bytes of the body of a POST */
    TEXT_MAX = 256 << 20, /* of what an action says */
};

static const char text_plain[] = "text/plain; charset=utf-8";
static const char json[] = "application/json";

/* A call under way. It belongs to its connection, and to its action once that has put off the
 * answer: who lets go last frees it. */
struct http_client {
    struct http_door *door;
    struct MHD_Connection *connection; /* suspended while it waits; NULL: gone */
    const struct http_action *action;  /* NULL: nothing has that path */
    struct http_client **at, *next;    /* among those that wait */
    struct buf body, text;
    unsigned code; /* of the answer; 0: none yet */
    bool owed;     /* by the action */
    bool json;     /* was asked for */
};

/* Takes the text over. */
static enum MHD_Result reply(struct http_client *client, unsigned code, const char *type)
{
    struct buf *text = &client->text;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(text->len, text->ptr, MHD_RESPMEM_MUST_FREE);

    if (!response)
        return MHD_NO;
    *text = buf_new(TEXT_MAX);
    MHD_add_response_header(response, "Content-Type", type);
    MHD_add_response_header(response, "Cache-Control", "no-store");
    MHD_add_response_header(response, "Content-Security-Policy",
                            client->door->options.content_policy);
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (code == MHD_HTTP_UNAUTHORIZED)
        MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
    enum MHD_Result result = MHD_queue_response(client->connection, code, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result reply_text(struct http_client *client, unsigned code, const char *text)
{
    buf_clear(&client->text);
    buf_append(&client->text, str_of(text));
    return reply(client, code, text_plain);
}

/* What is there for everyone. */
static enum MHD_Result reply_absent(struct http_client *client)
{
    for (const struct http_action *a = client->door->options.actions; a->path; a++)
        if (a->open)
            buf_printf(&client->text, "%s\n", a->path);
    return reply(client, MHD_HTTP_NOT_FOUND, text_plain);
}

static const struct http_action *find_action(const struct http_door *door, const char *path)
{
    for (const struct http_action *action = door->options.actions; action->path; action++)
        if (strcmp(action->path, path) == 0)
            return action;
    return NULL;
}

static bool is_local(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

    return info && info->client_addr && info->client_addr->sa_family == AF_UNIX;
}

/* Takes as long for every token of the same length. */
static bool has_token(struct MHD_Connection *connection, struct str token)
{
    const char *header =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    struct str given = str_trim(str_of(header ? header : "")), scheme = str_split(&given, ' ');

    given = str_trim(given);
    return str_eq_nocase(scheme, STR("bearer")) && token.len > 0 && given.len == token.len &&
           CRYPTO_memcmp(given.ptr, token.ptr, token.len) == 0;
}

/* 0: may; or the status that says why not. */
static unsigned refusal(const struct http_client *client)
{
    const struct http_door_options *options = &client->door->options;
    struct str token = options->token(options->ctx);

    if (is_local(client->connection) || has_token(client->connection, token))
        return 0;
    return token.len ? MHD_HTTP_UNAUTHORIZED : MHD_HTTP_FORBIDDEN;
}

bool http_call_has(const struct http_call *call, struct str name, struct str *value)
{
    for (size_t i = 0; i < call->count; i++)
        if (str_eq(call->arguments[i].name, name)) {
            *value = call->arguments[i].value;
            return true;
        }
    return false;
}

/* One argument more; there is room for one too many. */
static enum MHD_Result add_argument(void *call_, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    struct http_call *call = call_;

    (void)kind;
    if (call->count == HTTP_CALL_ARGUMENTS)
        return MHD_NO;
    call->arguments[call->count++] =
        (struct http_argument){str_of(name), value ? str_of(value) : STR("")};
    return MHD_YES;
}

/* Leaves the connection alone until there is an answer, or another turn. */
static void begin_wait(struct http_client *client)
{
    struct http_door *door = client->door;

    client->at = &door->waiting;
    client->next = door->waiting;
    if (client->next)
        client->next->at = &client->next;
    door->waiting = client;
    MHD_suspend_connection(client->connection);
}

/* The daemon comes back to the connection when it is run. */
static void end_wait(struct http_client *client)
{
    *client->at = client->next;
    if (client->next)
        client->next->at = client->at;
    client->at = NULL;
    MHD_resume_connection(client->connection);
}

static void client_free(struct http_client *client)
{
    buf_free(&client->body);
    buf_free(&client->text);
    free(client);
}

void http_door_answer(struct http_client *client, unsigned code, struct str text)
{
    client->owed = false;
    if (!client->connection) {
        client_free(client);
        return;
    }
    client->code = code;
    buf_append(&client->text, text);
    if (client->at) {
        end_wait(client);
        http_door_wake(client->door);
    }
}

void http_client_resume(struct http_door *door)
{
    for (struct http_client *client = door->waiting, *next; client; client = next) {
        next = client->next;
        if (!client->owed)
            end_wait(client);
    }
}

void http_client_release(struct http_door *door)
{
    while (door->waiting)
        end_wait(door->waiting);
}

static void run_action(struct http_client *client)
{
    const struct http_action *action = client->action;
    struct http_call call = {.body = buf_str(&client->body), .client = client};
    struct str format;

    if (MHD_get_connection_values(client->connection, MHD_GET_ARGUMENT_KIND, add_argument, &call) >
        (int)call.count) {
        client->code = MHD_HTTP_BAD_REQUEST;
        buf_append(&client->text, STR("too many arguments\n"));
        return;
    }
    client->door->acted = true;
    client->json = http_call_has(&call, STR("format"), &format) && str_eq(format, STR("json"));
    client->owed = true;
    unsigned code = action->run(action->ctx, &call, &client->text);
    if (code) {
        client->owed = false;
        client->code = code;
    }
}

/* Called again when an answer that was put off is there, or in the next turn. */
static enum MHD_Result act(struct http_client *client)
{
    const char *type = client->action->type;
    struct http_door *door = client->door;
    bool late = door->acted && clock_now() > door->turn_ends;

    if (client->code == 0 && !client->owed && !late)
        run_action(client);
    if (client->code == 0) {
        door->again |= late;
        begin_wait(client);
        return MHD_YES;
    }
    if (!buf_ok(&client->text))
        return MHD_NO;
    if (client->code != MHD_HTTP_OK)
        type = text_plain;
    return reply(client, client->code, type ? type : client->json ? json : text_plain);
}

static enum MHD_Result reply_refusal(struct http_client *client, unsigned code)
{
    log_write(LOG_LEVEL_WARNING, "refused POST %s at the HTTP door: no unix socket, no token",
              client->action->path);
    return reply_text(client, code,
                      code == MHD_HTTP_FORBIDDEN
                          ? "admin calls need the unix socket (status = unix:PATH) or a token "
                            "(door-token-file)\n"
                          : "this needs Authorization: Bearer and the token\n");
}

static enum MHD_Result end_body(struct http_client *client, const char *method)
{
    bool look = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;

    if (!client->action)
        return look ? reply_absent(client)
                    : reply_text(client, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET\n");
    if (client->action->open)
        return look ? act(client) : reply_text(client, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET\n");
    if (strcmp(method, "POST") != 0)
        return reply_text(client, MHD_HTTP_METHOD_NOT_ALLOWED, "only POST\n");
    unsigned refused = refusal(client);
    if (refused)
        return reply_refusal(client, refused);
    if (!buf_ok(&client->body))
        return reply_text(client, HTTP_TOO_LARGE, "the body is too long\n");
    return act(client);
}

/* A body is read to its end, also one that is not wanted: who is still sending may miss the answer.
 */
static enum MHD_Result begin_body(struct http_door *door, struct MHD_Connection *connection,
                                  const char *path, void **state)
{
    struct http_client *client = malloc(sizeof *client);

    if (!client)
        return MHD_NO;
    *client = (struct http_client){.door = door,
                                   .connection = connection,
                                   .action = find_action(door, path),
                                   .text = buf_new(TEXT_MAX)};
    bool wanted = client->action && !client->action->open && !refusal(client);
    client->body = buf_new(wanted ? CALL_MAX : 0);
    *state = client;
    return MHD_YES;
}

/* Called when there is the head of a request, then for each piece of its body, then once more. */
enum MHD_Result http_client_request(void *door, struct MHD_Connection *connection, const char *path,
                                    const char *method, const char *version, const char *piece,
                                    size_t *piece_len, void **state)
{
    struct http_client *client = *state;

    (void)version;
    if (!client)
        return begin_body(door, connection, path, state);
    if (*piece_len == 0)
        return end_body(client, method);
    buf_append(&client->body, (struct str){piece, *piece_len});
    *piece_len = 0;
    return MHD_YES;
}

void http_client_completed(struct http_client *client)
{
    if (!client)
        return;
    client->connection = NULL;
    if (!client->owed)
        client_free(client);
}
