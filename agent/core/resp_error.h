/* The errors that Redis answers with, told apart by the code they begin with: one list for what is
 * done about them and for the metric. */
#ifndef CORE_RESP_ERROR_H
#define CORE_RESP_ERROR_H

#include "str.h"

/* X(constant, code) */
#define RESP_ERRORS(X)                                                                             \
    X(RESP_OTHER, "other")             /* any other code, or an answer that fits no command */     \
    X(RESP_MOVED, "MOVED")             /* the slot is at another node of the cluster */            \
    X(RESP_ASK, "ASK")                 /* the slot is on its way to another node */                \
    X(RESP_TRYAGAIN, "TRYAGAIN")       /* keys of a slot that is on its way */                     \
    X(RESP_CLUSTERDOWN, "CLUSTERDOWN") /* nobody serves the slot */                                \
    X(RESP_READONLY, "READONLY")       /* a write, and the node is a replica */                    \
    X(RESP_MASTERDOWN, "MASTERDOWN")   /* the node is a replica that lost its master */            \
    X(RESP_LOADING, "LOADING")         /* the node reads its data from disk */                     \
    X(RESP_BUSY, "BUSY")               /* a script runs and holds everything up */                 \
    X(RESP_OOM, "OOM")                 /* a write beyond maxmemory */                              \
    X(RESP_MISCONF, "MISCONF")         /* a write, and the node cannot save to disk */             \
    X(RESP_NOREPLICAS, "NOREPLICAS")   /* a write, and too few replicas are there */               \
    X(RESP_NOAUTH, "NOAUTH")           /* nobody has logged in */                                  \
    X(RESP_WRONGPASS, "WRONGPASS")     /* the wrong user or password */                            \
    X(RESP_NOPERM, "NOPERM")           /* the user may not do that */                              \
    X(RESP_WRONGTYPE, "WRONGTYPE")     /* the key holds what is no string */

enum resp_error {
#define X(constant, code) constant,
    RESP_ERRORS(X)
#undef X
        RESP_ERROR_COUNT
};

/* What the text of an error answer begins with. */
enum resp_error resp_error_of(struct str text);

/* The code; static storage. */
const char *resp_error_code(enum resp_error error);

#endif
