/* For the two sides of JSON: finding the next byte of a string that needs a look, eight bytes
 * at a time. */
#ifndef CORE_JSON_SCAN_H
#define CORE_JSON_SCAN_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define JSON_EVERY_BYTE(byte) (UINT64_MAX / 255 * (byte))

/* Whether a byte stands in a JSON string as it is (RFC 8259 7). */
static inline bool json_is_plain(char c)
{
    return (uint8_t)c >= 0x20 && c != '"' && c != '\\';
}

/* The first control character, quote or backslash in at .. end, and with `or_high` the first
 * byte above 0x7f if that stands before; else `end`. */
static inline const char *json_scan(const char *at, const char *end, bool or_high)
{
    const uint64_t ones = JSON_EVERY_BYTE(1), high = JSON_EVERY_BYTE(0x80);

    for (; end - at >= 8; at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        word = le64toh(word);
        /* A subtraction sets the high bit of a byte that was too small; a borrow can set it
         * wrongly only after a byte where it is right, so the lowest one set is true. */
        uint64_t quote = (word ^ JSON_EVERY_BYTE('"')) - ones;
        uint64_t backslash = (word ^ JSON_EVERY_BYTE('\\')) - ones;
        uint64_t control = word - JSON_EVERY_BYTE(0x20);
        uint64_t stop = (quote | backslash | control) & ~word;
        if (or_high)
            stop |= word;
        stop &= high;
        if (stop)
            return at + (__builtin_ctzll(stop) >> 3);
    }
    while (at < end && json_is_plain(*at) && !(or_high && (uint8_t)*at >= 0x80))
        at++;
    return at;
}

#endif
