/* Status codes (RFC 9110 15): what the HTTP door says and who asks it looks for. */
#ifndef NET_HTTP_CODE_H
#define NET_HTTP_CODE_H

enum http_code {
    HTTP_OK = 200,
    HTTP_BAD_REQUEST = 400,
    HTTP_NOT_FOUND = 404,
    HTTP_TOO_LARGE = 413,
    HTTP_BAD_GATEWAY = 502,
    HTTP_UNAVAILABLE = 503,
    HTTP_LATE = 504,
};

#endif
