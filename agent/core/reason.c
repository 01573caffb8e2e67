#include "reason.h"

static const struct {
    const char *name, *help;
} reasons[] = {
#define X(constant, name, help) [constant] = {name, help},
    REASONS(X)
#undef X
};

const char *reason_name(enum reason reason)
{
    return reasons[reason].name;
}

const char *reason_help(enum reason reason)
{
    return reasons[reason].help;
}
