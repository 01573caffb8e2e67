/* Commands to Redis and strings from it, as slices. */
#ifndef STORE_REDIS_WORDS_H
#define STORE_REDIS_WORDS_H

#include "redis_conn.h"

enum { REDIS_WORDS_MAX = 16 };

/* Writes a command of at most REDIS_WORDS_MAX words as it is sent. Returns its length, and *out is
 * to be freed with redisFreeCommand(); 0 when there is no memory. */
size_t redis_words_format(char **out, const struct str *words, size_t count);

/* Sends such a command, see redis_conn_send(); without memory it is not sent. */
void redis_words_send(struct redis_conn *conn, redisCallbackFn *reply, void *context,
                      const struct str *words, size_t count);

/* What a string holds, borrowed from the reply; empty when that is something else. */
static inline struct str redis_words_string(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING ? (struct str){reply->str, reply->len} : STR("");
}

#endif
