/*
 * The thaw over the console of a User-Mode Linux. Its kernel obeys `go` at once, but leaves a `stop` to a thread of its own: one that the
 * dead owner gave may be obeyed after a `go` that was answered with "Not stopped". So the same thread is asked something harmless
 * too: when it has answered that, and a `go` some time later finds the guest running, no `stop` is left. Until then, and until the
 * owner disarms, a `go` is sent every quarter of a second.
 *
 *   GO      `go` is sent, and again until one is answered
 *   ASK     a question to the thread is sent, and `go` all the while
 *   REST    whoever was about to stop does it now
 *   LAST    `go` is sent, and again until one is answered
 *
 *   GO -> ASK     it goes on, or was not stopped
 *   ASK -> REST   the thread has answered
 *   REST -> LAST  time
 *   LAST -> done  it was not stopped
 *   any -> ASK    it goes on: it had been stopped
 *
 * A thread that has not answered for a minute (console_doubt_after()) leaves the thaw in doubt: that is said, the marker stays, and `go`
 * and the question are sent on, whether there is an owner or not. The thaw begins anew when the thread answers.
 *
 * The socket is made when the VM is watched, so that a thaw needs no room in any file system.
 */
#ifndef HOLDFAST_CONSOLE_H
#define HOLDFAST_CONSOLE_H

#include "loop.h"

enum console_step { CONSOLE_GO, CONSOLE_ASK, CONSOLE_REST, CONSOLE_LAST };

struct console {
    struct watcher watcher; /* fd -1: closed */
    bool ready;             /* it has answered since it was asked last */
    bool answered;          /* it has answered a `go` of this thaw */
    enum console_step step;
    int64_t look_at;        /* when to ask whether it answers; LOOP_NEVER: not asked */
    int64_t wake_at;        /* FIRING, FIRED: when to send the next `go` */
    int64_t ask_at;         /* ASK: when to ask the thread again */
    int64_t doubt_at;       /* ASK: when the thaw is in doubt; counts from the first answered `go`, and anew when it had been stopped */
    int64_t complain_at;
    int failure;            /* why the last datagram could not be sent; 0: it was */
};

/* How long to wait for an answer to the question until the thaw is in doubt. */
void console_doubt_after(int64_t ms);

#endif
