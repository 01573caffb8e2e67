/* What /status says, read: numbers of its "metrics", and how they changed between two of them. */
#ifndef STATUS_DOC_H
#define STATUS_DOC_H

#include "core/buf.h"
#include "core/json.h"
#include "door_client.h"

enum { STATUS_DOC_MAX = 64 << 20 }; /* bytes of an answer */

struct status_doc {
    struct buf text;     /* owned; what was answered */
    struct json_doc doc; /* owned */
    const struct json_node *metrics;
};

/* Asks for it and reads it into *doc, which is {0}, and to be freed in either case. False, with a
 * line on standard error, when no agent says it. */
__attribute__((warn_unused_result)) bool status_doc_ask(struct status_doc *doc,
                                                        const struct door_client *client);

/* Reads doc->text. False when it is not what /status says. */
__attribute__((warn_unused_result)) bool status_doc_read(struct status_doc *doc);

/* Frees both; it is {0} again. */
void status_doc_free(struct status_doc *doc);

/* A text or a number of the document itself; empty, or 0, when there is none. */
struct str status_doc_text(const struct status_doc *doc, const char *name);
double status_doc_number(const struct status_doc *doc, const char *name);

/* A member of it that is an object or an array, or NULL. */
const struct json_node *status_doc_part(const struct status_doc *doc, const char *name);

/* The member of an object; NULL when there is none, or it is no object. */
const struct json_node *status_doc_find(const struct status_doc *doc,
                                        const struct json_node *object, const char *name);

/* A text in a part; empty when there is none. */
struct str status_doc_member(const struct status_doc *doc, const struct json_node *part,
                             const char *name);

struct status_label {
    const char *name;
    struct str value;
};

/* A metric; of one with labels, those values together that have all of these. */
double status_doc_sum(const struct status_doc *doc, const char *metric,
                      const struct status_label *labels, size_t count);

/* The seconds (or whatever it counts) that a share `q` of what a histogram counted did not pass,
 * since `before` when that is not NULL; negative when nothing was counted. */
double status_doc_quantile(const struct status_doc *now, const struct status_doc *before,
                           const char *metric, double q);

#endif
