#include "redis_slot.h"

#include "net/address.h"

#include <stdint.h>
#include <stdio.h>

static unsigned crc16(struct str bytes)
{
    unsigned crc = 0;

    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= (unsigned)(uint8_t)bytes.ptr[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = crc << 1 ^ (crc & 0x8000 ? 0x1021 : 0);
        crc &= 0xffff;
    }
    return crc;
}

static struct str tag_of(struct str key)
{
    const char *open = key.len ? memchr(key.ptr, '{', key.len) : NULL;

    if (!open)
        return key;
    struct str rest = str_from(key, (size_t)(open - key.ptr) + 1);
    const char *close = rest.len ? memchr(rest.ptr, '}', rest.len) : NULL;
    return close && close != rest.ptr ? (struct str){rest.ptr, (size_t)(close - rest.ptr)} : key;
}

unsigned redis_slot_of(struct str key)
{
    return crc16(tag_of(key)) % REDIS_SLOTS;
}

bool redis_slot_address(char out[static REDIS_ADDRESS_MAX], struct str host, struct str port,
                        struct str known)
{
    struct str ignored;

    if (host.len == 0 || str_eq(host, STR("?")))
        host = address_host(known, &ignored);
    if (host.len == 0 || port.len == 0 || host.len + port.len + 4 > REDIS_ADDRESS_MAX)
        return false;
    const char *format = memchr(host.ptr, ':', host.len) ? "[%.*s]:%.*s" : "%.*s:%.*s";
    snprintf(out, REDIS_ADDRESS_MAX, format, STR_ARGS(host), STR_ARGS(port));
    return true;
}

bool redis_slot_redirect(char out[static REDIS_ADDRESS_MAX], struct str error, struct str known)
{
    struct str port, rest = error;

    str_split(&rest, ' ');
    str_split(&rest, ' ');
    struct str host = address_host(rest, &port);
    return redis_slot_address(out, host, port, known);
}
