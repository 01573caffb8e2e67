#include "redis_tls.h"

#include "net/log.h"

#include <stdio.h>

#ifndef REDIS_TLS

struct redis_tls *redis_tls_new(const struct redis_tls_options *options,
                                char why[static REDIS_TLS_WHY])
{
    (void)options;
    snprintf(why, REDIS_TLS_WHY,
             "this agent was built with hiredis %d.%d.%d without TLS: a HAProxy with "
             "haproxy/redis-tls.cfg speaks it instead",
             HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH);
    return NULL;
}

struct ssl_st *redis_tls_begin(struct redis_tls *tls, redisContext *c, const char *host,
                               char why[static REDIS_TLS_WHY])
{
    (void)tls;
    (void)c;
    (void)host;
    (void)why;
    return NULL;
}

const char *redis_tls_why(struct ssl_st *ssl, const char *other, char why[static REDIS_TLS_WHY])
{
    (void)ssl;
    (void)why;
    return other;
}

void redis_tls_free(struct redis_tls *tls)
{
    (void)tls;
}

#else

#include <hiredis/hiredis_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { CA_FILE, CERT_FILE, KEY_FILE, SERVER_NAME, TEXTS };

/* What tells one state of a file from another. */
struct file_state {
    struct timespec changed;
    ino_t inode;
};

struct redis_tls {
    SSL_CTX *context;
    struct file_state states[SERVER_NAME];
    char said[REDIS_TLS_WHY]; /* why they could not be read again; empty: they could */
    const char *texts[TEXTS]; /* in `bytes`; NULL: not given */
    char bytes[];
};

/* What OpenSSL says went wrong first. Nothing may be left of that: it would be taken for a mistake
 * of the connection that reads next. */
static const char *openssl_says(void)
{
    unsigned long error = ERR_peek_error();

    ERR_clear_error();
    return ERR_SYSTEM_ERROR(error) ? strerror(ERR_GET_REASON(error))
                                   : ERR_reason_error_string(error);
}

static bool read_ca(SSL_CTX *context, const char *path)
{
    return path ? SSL_CTX_load_verify_locations(context, path, NULL) == 1
                : SSL_CTX_set_default_verify_paths(context) == 1;
}

/* The reason in `why` when it fails. */
static bool read_files(SSL_CTX *context, const char *const *texts, char why[static REDIS_TLS_WHY])
{
    static const char *const names[] = {"tls-ca-file", "tls-cert-file", "tls-key-file"};
    int wrong = -1;

    if (!read_ca(context, texts[CA_FILE]))
        wrong = CA_FILE;
    else if (texts[CERT_FILE] && SSL_CTX_use_certificate_chain_file(context, texts[CERT_FILE]) != 1)
        wrong = CERT_FILE;
    else if (texts[KEY_FILE] &&
             SSL_CTX_use_PrivateKey_file(context, texts[KEY_FILE], SSL_FILETYPE_PEM) != 1)
        wrong = KEY_FILE;
    if (wrong < 0)
        return true;
    const char *says = openssl_says();
    snprintf(why, REDIS_TLS_WHY, "%s %.100s: %s", names[wrong],
             texts[wrong] ? texts[wrong] : "of this machine", says ? says : "cannot be read");
    return false;
}

static SSL_CTX *new_context(const struct redis_tls *tls, char why[static REDIS_TLS_WHY])
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    snprintf(why, REDIS_TLS_WHY, "no memory");
    if (!context)
        return NULL;
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    if (read_files(context, tls->texts, why))
        return context;
    SSL_CTX_free(context);
    return NULL;
}

static struct file_state state_of(const char *path)
{
    struct stat about;

    if (!path || stat(path, &about) != 0)
        return (struct file_state){0};
    return (struct file_state){about.st_mtim, about.st_ino};
}

/* Says whether the files can be read, when that has changed. `why` is empty when they can. */
static void say(struct redis_tls *tls, const char *why)
{
    if (strcmp(tls->said, why) == 0)
        return;
    snprintf(tls->said, sizeof tls->said, "%s", why);
    if (*why)
        log_write(LOG_LEVEL_WARNING, "[redis] tls: %s: what was read before is in use", why);
    else
        log_write(LOG_LEVEL_INFO, "[redis] tls: the files can be read again");
}

/* Reads the files when one is not as it was. They are looked at first, so that a change meanwhile
 * is found the next time. */
static void renew(struct redis_tls *tls)
{
    char why[REDIS_TLS_WHY];
    struct file_state now[SERVER_NAME];
    bool same = true;

    for (int i = 0; i < SERVER_NAME; i++) {
        const struct file_state *then = &tls->states[i];
        now[i] = state_of(tls->texts[i]);
        same &= now[i].inode == then->inode && now[i].changed.tv_sec == then->changed.tv_sec &&
                now[i].changed.tv_nsec == then->changed.tv_nsec;
    }
    SSL_CTX *context = same ? NULL : new_context(tls, why);
    say(tls, same || context ? "" : why);
    if (!context)
        return;
    SSL_CTX_free(tls->context);
    tls->context = context;
    memcpy(tls->states, now, sizeof now);
}

static struct redis_tls *tls_new(const struct redis_tls_options *o)
{
    const struct str texts[TEXTS] = {o->ca_file, o->cert_file, o->key_file, o->server_name};
    size_t size = 0;

    for (int i = 0; i < TEXTS; i++)
        size += texts[i].len + 1;
    struct redis_tls *tls = calloc(1, sizeof *tls + size);
    char *at = tls ? tls->bytes : NULL;
    for (int i = 0; i < TEXTS && tls; i++) {
        if (texts[i].len)
            tls->texts[i] = memcpy(at, texts[i].ptr, texts[i].len);
        at += texts[i].len + 1;
    }
    return tls;
}

struct redis_tls *redis_tls_new(const struct redis_tls_options *options,
                                char why[static REDIS_TLS_WHY])
{
    struct redis_tls *tls = tls_new(options);

    snprintf(why, REDIS_TLS_WHY, "no memory");
    if (!tls)
        return NULL;
    for (int i = 0; i < SERVER_NAME; i++)
        tls->states[i] = state_of(tls->texts[i]);
    tls->context = new_context(tls, why);
    if (tls->context)
        return tls;
    free(tls);
    return NULL;
}

/* Whom the certificate has to be made out to. */
static bool demand(SSL *ssl, const char *host)
{
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1)
        return true;
    ERR_clear_error(); /* it is a name */
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

const char *redis_tls_why(struct ssl_st *ssl, const char *other, char why[static REDIS_TLS_WHY])
{
    long verdict = SSL_get_verify_result(ssl);
    const char *says = openssl_says();

    if (verdict != X509_V_OK)
        snprintf(why, REDIS_TLS_WHY, "its certificate: %s", X509_verify_cert_error_string(verdict));
    else if (says)
        snprintf(why, REDIS_TLS_WHY, "TLS: %s", says);
    else if (!SSL_is_init_finished(ssl))
        snprintf(why, REDIS_TLS_WHY, "TLS: it ended before it began: %.100s", other);
    else
        return other;
    return why;
}

struct ssl_st *redis_tls_begin(struct redis_tls *tls, redisContext *c, const char *host,
                               char why[static REDIS_TLS_WHY])
{
    renew(tls);
    SSL *ssl = SSL_new(tls->context);
    bool demanded = ssl && demand(ssl, tls->texts[SERVER_NAME] ? tls->texts[SERVER_NAME] : host);

    if (demanded && redisInitiateSSL(c, ssl) == REDIS_OK)
        return ssl;
    const char *says = demanded ? redis_tls_why(ssl, c->errstr, why) : "no memory for TLS";
    if (says != why)
        snprintf(why, REDIS_TLS_WHY, "%s", says);
    SSL_free(ssl);
    ERR_clear_error();
    return NULL;
}

void redis_tls_free(struct redis_tls *tls)
{
    if (tls)
        SSL_CTX_free(tls->context);
    free(tls);
}

#endif

struct redis_tls *redis_tls_open(const struct redis_tls_options *options)
{
    char why[REDIS_TLS_WHY];
    struct redis_tls *tls = options->on ? redis_tls_new(options, why) : NULL;

    if (options->on && !tls)
        log_write(LOG_LEVEL_ERROR, "[redis] tls: %s", why);
    return tls;
}
