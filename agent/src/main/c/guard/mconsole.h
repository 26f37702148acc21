/* The datagrams of the console of a User-Mode Linux: version 2 of arch/um/drivers/mconsole.h, in the byte order of the host. */
#ifndef HOLDFAST_MCONSOLE_H
#define HOLDFAST_MCONSOLE_H

#include <stdbool.h>

/* What a datagram answers; nothing in it says so but its words. */
enum mconsole_answer {
    MCONSOLE_NONE,        /* nothing came */
    MCONSOLE_STRANGE,     /* not of such a console */
    MCONSOLE_GOES_ON,     /* to "go": it was stopped until now */
    MCONSOLE_NOT_STOPPED, /* to "go": it ran */
    MCONSOLE_DONE,        /* to anything else that was done */
    MCONSOLE_REFUSED      /* to anything else that was not */
};

/* A socket that does not block, with its name; -1 and errno. A file of that name is replaced. */
int mconsole_open(const char *path);
/* False: errno. Never waits: a full queue is EAGAIN. */
bool mconsole_send(int fd, const char *path, const char *command);
/* Takes one datagram. */
enum mconsole_answer mconsole_receive(int fd);

#endif
