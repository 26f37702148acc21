/*
 * The guest agent's socket: freezes and thaws the file systems of the guest. Every exchange begins with a
 * guest-sync-delimited, so that an answer left over from before is never taken for ours; a freeze is sent only to an
 * agent that has just answered, so that none is carried out later, when nobody waits for it.
 */
#ifndef HOLDFAST_QGA_H
#define HOLDFAST_QGA_H

#include "message.h"
#include "stream.h"

enum qga_step { QGA_IDLE, QGA_SYNC, QGA_FREEZE, QGA_THAW };

struct qga {
    enum qga_step step;
    bool synced; /* the answer to the guest-sync of this exchange has come */
    long long sync_id;
    int64_t until;
    struct stream stream;
    char in[8 * 1024];
    char out[1024];
    void *owner;
    /* End of an exchange: the number of file systems, or an error text. */
    void (*frozen)(void *owner, long long filesystems, const char *error);
    void (*thawed)(void *owner, long long filesystems, const char *error);
};

bool qga_connect(struct qga *qga, const char *path);
void qga_close(struct qga *qga);
bool qga_is_open(const struct qga *qga);
/* Both begin an exchange and end it by the callback, at `until` at the latest. A thaw takes the place of what goes on. */
void qga_freeze(struct qga *qga, int64_t until);
void qga_thaw(struct qga *qga, int64_t until);
/* To be called at `qga->until` (LOOP_NEVER while idle). */
void qga_tick(struct qga *qga, int64_t now);

#endif
