/* The page, as it stands in status.html. */
#include "door.h"

__asm__(".section .rodata\n"
        ".global door_page, door_page_end\n"
        "door_page: .incbin \"agent/status.html\"\n"
        "door_page_end:\n"
        ".previous\n");
