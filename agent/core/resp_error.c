#include "resp_error.h"

static const char *const codes[] = {
#define X(constant, code) [constant] = code,
    RESP_ERRORS(X)
#undef X
};

enum resp_error resp_error_of(struct str text)
{
    struct str code = str_split(&text, ' ');

    for (int error = RESP_OTHER + 1; error < RESP_ERROR_COUNT; error++)
        if (str_eq(code, str_of(codes[error])))
            return (enum resp_error)error;
    return RESP_OTHER;
}

const char *resp_error_code(enum resp_error error)
{
    return codes[error];
}
