#include "redis_words.h"

size_t redis_words_format(char **out, const struct str *words, size_t count)
{
    const char *argv[REDIS_WORDS_MAX];
    size_t lengths[REDIS_WORDS_MAX];

    for (size_t i = 0; i < count; i++)
        argv[i] = words[i].ptr, lengths[i] = words[i].len;
    long long len = redisFormatCommandArgv(out, (int)count, argv, lengths);
    return len > 0 ? (size_t)len : 0;
}

void redis_words_send(struct redis_conn *conn, redisCallbackFn *reply, void *context,
                      const struct str *words, size_t count)
{
    char *command;
    size_t len = redis_words_format(&command, words, count);

    if (len == 0)
        return;
    redis_conn_send(conn, reply, context, (struct str){command, len});
    redisFreeCommand(command);
}
