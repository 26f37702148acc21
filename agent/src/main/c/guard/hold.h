/*
 * The hold of one VM: a time at which its guest is stopped, for a replicated machine that may run only so far beyond what its
 * standby has. The contrary of the thaw: it goes on when the agent is gone, and when this process starts anew.
 *
 *   OFF       nothing
 *   COUNTING  the guest may run until `due`
 *   STOPPING  `stop` and a look at the state are on their way, or there is no session; again until the guest stands still
 *   HELD      the guest stands still; whoever lets it run is undone, unless the file `held` is gone
 *
 *   OFF -> COUNTING            hold
 *   COUNTING -> STOPPING       time
 *   STOPPING -> HELD           the guest stands still
 *   HELD -> STOPPING           RESUME or WAKEUP event, or a new session
 *   HELD, STOPPING -> COUNTING hold
 *   any -> OFF                 hold_off; the process has ended
 *
 * Two files beside the VM's sockets, both of KEY=VALUE lines: `hold` says what is to be done, for the next guard; `held`
 * says that the guest stands still for that reason, for others: they must not let it run.
 */
#ifndef HOLDFAST_HOLD_H
#define HOLDFAST_HOLD_H

#include "message.h"

#define HOLD_TOKEN_BYTES 129

struct vm;
struct connection;

enum hold_phase { HOLD_OFF, HOLD_COUNTING, HOLD_STOPPING, HOLD_HELD };

struct hold {
    enum hold_phase phase;
    char token[HOLD_TOKEN_BYTES];
    struct connection *owner; /* NULL: its connection is gone, which changes nothing but what is told */
    int64_t due;
    int64_t wake_at;     /* STOPPING: when to ask again */
    int64_t patience_at; /* STOPPING: when to help a QEMU that does not answer */
    int escalation;      /* 0 nothing, 1 query-yank, 2 yanked */
    bool told;           /* this hold */
    bool ran;            /* the guest, before our `stop` */
    unsigned before_id;
    unsigned after_id; /* 0: no `stop` of ours is under way */

    /* The request that waits until no `stop` is under way: it would undo what its client does next. */
    struct connection *asker;
    char asked_token[HOLD_TOKEN_BYTES];
    int64_t asked_due; /* LOOP_NEVER: hold_off */

    unsigned yank_list_id;
};

/* Takes the place of what was before, or ends it, and answers; not before the last `stop` for it is done. */
void hold_change(struct vm *vm, struct connection *asker, const char *token, int64_t due);
/* Ends it; true if the guest was stopped for it. */
bool hold_off(struct vm *vm);
void hold_forget(struct vm *vm, const struct connection *connection);
/* Whether the guest is to stand still now. */
bool hold_is_due(const struct vm *vm);
/* Around a change of the process that the VM is: the hold goes with the VM if the former one still lives, else it ends. */
void hold_moves(struct vm *vm, const char *directory);
void hold_moved(struct vm *vm);
void hold_connected(struct vm *vm);
void hold_disconnected(struct vm *vm);
void hold_reply(struct vm *vm, unsigned id, json_t *result);
void hold_resumed(struct vm *vm);
void hold_tick(struct vm *vm, int64_t now);
int64_t hold_next(const struct vm *vm);
/* Takes over what a former guard was to do, for the machines below the directory `vms` beside the socket. */
void hold_recall(const char *socket_path);

#endif
