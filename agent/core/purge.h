/* What was purged, as numbers. There is one epoch, which every purge raises and notes for a scope;
 * an answer carries the epoch that was known before the origin was asked for it, and was purged
 * when a later one is noted for a scope that it is in. So a purge takes the same time however much
 * is stored, and what is asked for while it happens is purged too.
 *
 * A scope is a text: "all", "policy:NAME", "tenant:" and its digest, "model:NAME", "tag:NAME",
 * "key:" and the hash. The table knows the hashes of these texts only: two scopes that share one
 * are purged together, and "#" and the hash says the same. When it is full, the purges longest ago
 * become one of everything: more is purged, never less. */
#ifndef CORE_PURGE_H
#define CORE_PURGE_H

#include "buf.h"
#include <stdint.h>

enum {
    PURGE_NOTES_MAX = 4096,
    PURGE_NAME_MAX = 64, /* of a model or tag, bytes */
    PURGE_TAGS_MAX = 64, /* of one answer */
    PURGE_TAIL_MAX = 256,
    PURGE_SCOPE_MAX = 7 + PURGE_NAME_MAX,
};

struct purge_note {
    uint64_t scope; /* XXH3-64 of its text */
    int64_t epoch;
};

/* Large: not for the stack. Starts with purges_init(). */
struct purges {
    int64_t epoch;        /* the highest that is known */
    int64_t latest;       /* the highest that is noted for anything */
    int64_t all;          /* that of everything */
    int64_t term, serial; /* of the history that is known, see store/purge_script.h */
    int64_t held;         /* older purges may have been lost: nothing older is to be served */
    size_t count;
    struct purge_note notes[PURGE_NOTES_MAX]; /* in the order of their scopes */
};

/* What an answer belongs to. Names are as purge_name() gives them, and empty when there is none. */
struct purge_subject {
    int64_t epoch; /* known before the origin was asked */
    struct str policy;
    struct str models, tags; /* with a space after each */
    struct str key;          /* the hash, 32 hex digits */
    uint64_t tenant;
};

/* Nothing is known of what was purged before `epoch`, so that everything counts as purged. */
void purges_init(struct purges *p, int64_t epoch);

/* Notes the epoch for a scope, and knows it from now on. An older one changes nothing. */
void purges_note(struct purges *p, struct str scope, int64_t epoch);

/* Notes a purge now: what was known is raised, to the time `now` (ms) if that is later. Returns the
 * epoch. */
int64_t purges_add(struct purges *p, struct str scope, int64_t now);

/* Lets the epoch be at least this. */
void purges_raise(struct purges *p, int64_t epoch);

/* What a text says besides what was purged. */
struct purge_news {
    int64_t lost; /* the last epoch that the writer has of what is known here, or PURGE_NONE_LOST */
    bool unknown; /* he could not know what was purged, and purged everything */
    bool folded;  /* his table was full */
};

enum { PURGE_NONE_LOST = -1 };

/* Takes over what a text says: lines "SCOPE EPOCH\n", where instead of a scope
 *
 *   epoch, term, serial   are those of the writer
 *   held                  as in struct purges; 0: no
 *   fold                  is as "all", because the table was full
 *   lost, unknown         are for *news
 *
 * False, and nothing has changed, when it is no such text. */
__attribute__((warn_unused_result)) bool purges_read(struct purges *p, struct str text,
                                                     struct purge_news *news);

/* Whether a name is that of a scope, by its look. */
bool purge_is_scope(struct str name);

/* Appends the scopes that were purged after the epoch, each with a space behind; "all " when they
 * are too many. */
void purges_tail(const struct purges *p, int64_t epoch, struct buf *out);

/* Whether no purge that is known is one of the answer. */
bool purges_allow(const struct purges *p, const struct purge_subject *subject);

/* The same of an entry, which may be served then. Who stored it may know of a purge that is not
 * known here: in doubt, it was purged. */
bool purges_serve(const struct purges *p, const struct purge_subject *subject);

/* A name as it stands in a scope: itself, or when it is long or has a space or a byte that does
 * not print, "~" and a digest. Appends it. */
void purge_name(struct buf *out, struct str name);

/* Appends a name and a space; nothing for an empty one. */
void purge_names_add(struct buf *out, struct str name);

/* Appends the names in the value of a header, which commas or white space part, each as
 * purge_name() gives it and with a space behind. Returns how many. */
size_t purge_tags(struct buf *out, struct str value);

#endif
