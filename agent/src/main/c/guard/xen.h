/*
 * The thaw of a domain of Xen, by xl: a shell that is kept ready (child.h) runs it at each order. Xen counts pauses, and each unpause
 * undoes one; so it is told to run until it does. An `xl pause` of the dead owner may still be on its way: the domain is looked at for
 * some seconds more before it is said to run.
 *
 *   RUN      `xl unpause` is under way, and then a look
 *   PAUSE    some ms until the next try: nothing could be told
 *   SETTLE   it runs; it is looked at each half second
 *
 *   RUN -> RUN        it is still paused
 *   RUN -> PAUSE      xl fails or hangs
 *   RUN -> SETTLE     it runs
 *   PAUSE -> RUN      time
 *   SETTLE -> RUN     it is paused again, or nothing could be told
 *   SETTLE -> done    it has run for three seconds
 *   any -> done       it is gone, or stands still for another reason than a pause
 */
#ifndef HOLDFAST_XEN_H
#define HOLDFAST_XEN_H

#include "child.h"

struct vm;

enum xen_step { XEN_RUN, XEN_PAUSE, XEN_SETTLE };

struct xen {
    struct child child;
    bool ready;    /* it has been found since it was asked for last */
    bool lost;     /* it was looked for, and is not there */
    bool asked;    /* an order is not answered yet */
    bool listed;   /* this answer names the first domain, so that it is whole */
    bool undone;   /* this answer says that a pause was undone */
    char state[8]; /* as this answer has it; empty: not named */
    enum xen_step step;
    int64_t look_at; /* when to ask next, outside of a thaw; LOOP_NEVER: not asked */
    int64_t wake_at; /* FIRING: end of PAUSE, or the next look of SETTLE */
    int64_t answer_by;
    int64_t settled_at;
    int64_t complain_at;
};

/* The program that is xl; kept, not copied. */
void xen_use(const char *program);
/* Of a new VM. */
void xen_prepare(struct vm *vm);

#endif
