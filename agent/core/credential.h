/* What in a request may be a credential, by its name, so that it is shown to nobody. Rather too
 * much than too little: a name that has "key" or "token" in it is one. */
#ifndef CORE_CREDENTIAL_H
#define CORE_CREDENTIAL_H

#include "buf.h"
#include "policy.h"

/* Whether a header, or a parameter of a query in its percent-encoded form, may hold one. */
bool credential_name(struct str name);

/* Appends a target with "***" for the values of such parameters. */
void credential_show_target(struct buf *out, struct str target);

/* Replaces with "***" whatever stands in out[from ..] and in a credential of the request: the value
 * of such a header or parameter, or a part of one that is long enough to be secret. */
void credential_hide(struct buf *out, size_t from, const struct request *request);

#endif
