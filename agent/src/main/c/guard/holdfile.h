/* The files `hold` and `held` of a VM, see hold.h. They are in /run: a reboot ends every hold, and every guest. */
#ifndef HOLDFAST_HOLDFILE_H
#define HOLDFAST_HOLDFILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "hold.h"

struct holdfile {
    char token[HOLD_TOKEN_BYTES];
    int64_t due;
    pid_t pid;
    unsigned long long pid_start;
};

/* Writes `hold`, as a whole or not at all. */
bool holdfile_write(const struct vm *vm, const char *token, int64_t due);
/* False if there is none, or it cannot be read. */
bool holdfile_read(const char *directory, struct holdfile *file);
bool holdfile_copy(const char *directory, const char *from, const char *to);
bool holdfile_is_there(const char *directory, const char *name);
void holdfile_remove(const char *directory, const char *name);
/* Calls for each directory of a VM in `vms` beside the socket that has a file `hold`. */
void holdfile_each(const char *socket_path, void (*found)(const char *directory, const char *name));

#endif
