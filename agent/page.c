#include "page.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

extern const char page_begin[], page_end[];

__asm__(".section .rodata\n"
        ".global page_begin, page_end\n"
        "page_begin: .incbin \"agent/status.html\"\n"
        "page_end:\n"
        ".previous\n");

struct str page_text(void)
{
    return (struct str){page_begin, (size_t)(page_end - page_begin)};
}

/* What stands between two tags, of which there is one pair. */
static struct str between(struct str text, struct str open, struct str close)
{
    const char *from = memmem(text.ptr, text.len, open.ptr, open.len);
    const char *to = memmem(text.ptr, text.len, close.ptr, close.len);

    return from && to ? (struct str){from + open.len, (size_t)(to - from) - open.len} : STR("");
}

static void append_digest(struct buf *out, struct str text)
{
    unsigned char digest[SHA256_DIGEST_LENGTH], base64[SHA256_DIGEST_LENGTH * 2];

    SHA256((const unsigned char *)text.ptr, text.len, digest);
    int len = EVP_EncodeBlock(base64, digest, sizeof digest);
    buf_printf(out, "'sha256-%.*s'", len, base64);
}

void page_policy(struct buf *out)
{
    struct str page = page_text();

    buf_append(out, STR("default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; "
                        "form-action 'none'; frame-ancestors 'none'; style-src "));
    append_digest(out, between(page, STR("<style>"), STR("</style>")));
    buf_append(out, STR("; script-src "));
    append_digest(out, between(page, STR("<script>"), STR("</script>")));
}
