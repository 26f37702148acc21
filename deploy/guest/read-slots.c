/*
 * read-slots FILE...: prints the newest record the guest program left on a raw disk image, in the words of its console:
 *   D file=FILE id=1 seq=123 mono_us=... sent=2:45,3:44 recv=2:40,3:41 bad=0 reconnects=0 #
 * Exit status 1 when an image holds no record. For a qcow2 image: qemu-img convert -O raw first.
 */
#include "slot.h"

#include <stdio.h>
#include <string.h>

static int newest(const char *path, struct slot *best)
{
    struct slot s;
    FILE *file = fopen(path, "rb");
    memset(best, 0, sizeof *best);
    if (file == NULL) {
        perror(path);
        return -1;
    }
    for (int i = 0; i < SLOTS && fread(&s, sizeof s, 1, file) == 1; i++)
        if (slot_valid(&s) && s.seq > best->seq)
            *best = s;
    fclose(file);
    if (best->seq > 0)
        return 0;
    fprintf(stderr, "%s: no record of a guest in it\n", path);
    return -1;
}

static void print_counts(const struct slot *s, const char *name, int received)
{
    const char *comma = "";
    printf(" %s=", name);
    for (uint32_t i = 1; i <= s->guests && i <= MAX_GUESTS; i++) {
        if (i == s->id)
            continue;
        printf("%s%u:%llu", comma, i, (unsigned long long)(received ? s->peer[i].received : s->peer[i].sent));
        comma = ",";
    }
}

int main(int count, char **paths)
{
    struct slot s;
    int status = 0;
    for (int i = 1; i < count; i++) {
        if (newest(paths[i], &s) != 0) {
            status = 1;
            continue;
        }
        printf("D file=%s id=%u seq=%llu mono_us=%llu", paths[i], s.id, (unsigned long long)s.seq,
               (unsigned long long)s.mono_us);
        print_counts(&s, "sent", 0);
        print_counts(&s, "recv", 1);
        printf(" bad=%llu reconnects=%u #\n", (unsigned long long)s.bad, s.reconnects);
    }
    return status;
}
