/* Stands in for libFuzzer: gives every file of the named folders to the target once. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void replay(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    rewind(f);
    uint8_t *data = malloc(size > 0 ? (size_t)size : 1);
    if (!data || fread(data, 1, (size_t)size, f) != (size_t)size)
        abort();
    fclose(f);
    LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
}

int main(int argc, char **argv)
{
    size_t count = 0;

    for (int a = 1; a < argc; a++) {
        struct dirent **names;
        int n = scandir(argv[a], &names, NULL, alphasort);
        if (n < 0) {
            perror(argv[a]);
            return EXIT_FAILURE;
        }
        for (int i = 0; i < n; free(names[i++])) {
            char path[4096];
            if (names[i]->d_name[0] == '.')
                continue;
            snprintf(path, sizeof path, "%s/%s", argv[a], names[i]->d_name);
            replay(path);
            count++;
        }
        free(names);
    }
    printf("%s: %zu inputs replayed\n", argv[0], count);
    return count ? EXIT_SUCCESS : EXIT_FAILURE;
}
