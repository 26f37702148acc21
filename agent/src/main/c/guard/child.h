/*
 * A program that is kept running, takes orders as lines on its input and answers in lines on its output. It is started when a VM is
 * watched, while nothing of that VM stands still, so that an order starts no process of ours and takes no memory. It ends when we do.
 */
#ifndef HOLDFAST_CHILD_H
#define HOLDFAST_CHILD_H

#include "stream.h"

struct child {
    int pidfd;            /* -1: there is none */
    struct stream stream; /* its input and its output */
    char in[1024];
    char out[256];
};

/* `line` and `lost` as those of a stream; it is gone for us when `lost` is called. */
void child_prepare(struct child *child, void *owner, void (*line)(void *owner, char *line, size_t length), void (*lost)(void *owner));
/* Looked for in PATH; false (errno): it does not start. One that was there is ended. */
bool child_start(struct child *child, char *const words[]);
bool child_is_there(const struct child *child);
/* False: there is none, or it has not read what was sent before, and is lost. */
bool child_tell(struct child *child, const char *order);
/* Kills it; what it has started may go on. */
void child_end(struct child *child);

#endif
