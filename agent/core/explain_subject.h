/* A request and all that is found out about it, and how it is shown; for the files of explain. */
#ifndef CORE_EXPLAIN_SUBJECT_H
#define CORE_EXPLAIN_SUBJECT_H

#include "control.h"
#include "explain.h"
#include "plan.h"

struct subject {
    const struct config *config;
    const struct key_secret *secret;
    const struct request *request;
    struct scope scope;
    struct control control;
    struct plan plan;
    struct plan_scratch scratch; /* owned; its document is the body, when notes are there */
    enum json_error json;        /* of a body that is to be JSON */
    uint8_t *notes;              /* owned: enum canonical_note of each node, or NULL */
    struct buf form;             /* owned: the canonical form, when has_form */
    bool has_form;
    struct str model;          /* that the request names; empty: none */
    const struct model *rules; /* its section, or NULL */
};

/* Finds it out. What is given is borrowed until subject_close(). */
void subject_open(struct subject *out, const struct config *config, const struct key_secret *secret,
                  const struct request *request);

/* Frees what it owns. */
void subject_close(struct subject *subject);

/* The canonical form, without what a normalizer puts before it. */
struct str subject_form(const struct subject *subject);

/* Each of these appends to a line; no credential. */

/* POST http://host/path?query */
void subject_show_request(const struct subject *subject, struct buf *out);

/* Who asks, and how that is known. */
void subject_show_tenant(const struct subject *subject, struct buf *out);

/* Who shares what is stored. */
void subject_show_owner(const struct subject *subject, struct buf *out);

/* A header's values; "-" when there is none. */
void subject_show_header(const struct subject *subject, struct str name, struct buf *out);

/* BYPASS and the reason. */
void subject_show_bypass(const struct subject *subject, struct buf *out);

/* A JSON value, cut when it is long. */
void explain_value(const struct json_node *value, struct buf *out);

/* Each of these appends lines. */

enum { EXPLAIN_LABEL = 10 }; /* columns */

/* Begins a line: a label, or "" below one. */
void explain_line(struct buf *out, const char *label);

/* What each field that a table knows is to the key. */
void explain_fields(const struct subject *subject, bool full, struct buf *out);

/* The canonical form: in lines of a width, or in one when all of it is wanted. */
void explain_form(const struct subject *subject, bool full, struct buf *out);

/* Which fields keep the request out of the cache. */
void explain_bypasses(const struct subject *subject, struct buf *out);

/* Where the members of that name are, not deep inside. */
void explain_members(const struct subject *subject, struct str name, struct buf *out);

#endif
