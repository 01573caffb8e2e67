/* TLS, 1.2 at least, to Redis, Sentinels and the nodes of a cluster, where hiredis has it: from 1.0
 * on, as libhiredis_ssl. The other side's certificate is always verified, and that it is made out
 * to the name. */
#ifndef STORE_REDIS_TLS_H
#define STORE_REDIS_TLS_H

#include "core/str.h"

#include <hiredis/hiredis.h>

struct redis_tls_options {
    bool on;
    struct str ca_file;             /* PEM; empty: who this machine trusts */
    struct str cert_file, key_file; /* ours, PEM; empty: none */
    struct str server_name;         /* of every server; empty: the host it is connected by */
};

enum { REDIS_TLS_WHY = 256 };

/* The files as they were read last; for many connections. */
struct redis_tls;

/* Reads the files. The options are copied. NULL with the reason in `why`: a file is not right, or
 * this hiredis has no TLS. */
struct redis_tls *redis_tls_new(const struct redis_tls_options *options,
                                char why[static REDIS_TLS_WHY]);

/* The same at start: the reason goes to the log, and without `on` it is NULL. */
struct redis_tls *redis_tls_open(const struct redis_tls_options *options);

/* Makes TLS of a connection that was just opened to the host, a name or an address: what is sent
 * over it waits for the handshake, which blocks only where the connection does. Files that changed
 * are read again; what they held before counts when that fails, which is logged once. What it
 * returns is for redis_tls_why() and lives as long as the connection. NULL: `why` says why. */
struct ssl_st *redis_tls_begin(struct redis_tls *tls, redisContext *c, const char *host,
                               char why[static REDIS_TLS_WHY]);

/* Why such a connection ended, to be asked in hiredis' callback about that; `other` when TLS is not
 * the reason. Written to `why`, or `other`. */
const char *redis_tls_why(struct ssl_st *ssl, const char *other, char why[static REDIS_TLS_WHY]);

/* After all its connections. NULL is allowed. */
void redis_tls_free(struct redis_tls *tls);

#endif
