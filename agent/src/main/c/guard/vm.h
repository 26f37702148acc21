/*
 * The watched VMs. Each is in one phase:
 *
 *   IDLE    nothing of ours holds it still
 *   ARMED   its owner (a connection) may freeze it until the deadline
 *   FIRING  the deadline passed or the owner died: the thaw (thaw.h) is at work
 *   FIRED   thawed, but the owner has not disarmed: a hung owner that wakes and stops the guest late is undone at once; or thawed, but in
 *           doubt (see console.h), with an owner or without one
 *
 *   IDLE -> ARMED       arm
 *   ARMED -> IDLE       disarm
 *   ARMED -> FIRING     deadline, owner's EOF, SIGTERM
 *   FIRING -> FIRED     the guest runs and the owner still holds the token, or it is in doubt
 *   FIRING -> IDLE      the guest runs (or its process is gone) and the owner is gone or has disarmed
 *   FIRED -> FIRING     it was stopped once more; owner's EOF; what it is in doubt about can be settled
 *   FIRED -> IDLE       disarm; in doubt, and its process is gone
 */
#ifndef HOLDFAST_VM_H
#define HOLDFAST_VM_H

#include <sys/types.h>

#include "console.h"
#include "control.h"
#include "hold.h"
#include "libvirt.h"
#include "qga.h"
#include "qmp.h"
#include "thaw.h"
#include "xen.h"

#define VM_LIMIT 128
#define NAME_BYTES 65
#define TOKEN_BYTES 129
#define DIRECTORY_BYTES 96

enum phase { IDLE, ARMED, FIRING, FIRED };

struct connection;

struct vm {
    char name[NAME_BYTES];
    char directory[DIRECTORY_BYTES];
    pid_t pid; /* 0: it has no process of its own */
    unsigned long long pid_start; /* tells a new process with the same pid apart */
    char domain[NAME_BYTES];      /* empty: it is none */
    const struct control *control;
    struct console console;
    struct libvirt libvirt;
    struct xen xen;
    bool has_qga;
    struct qmp qmp;
    struct qga qga;
    int64_t reconnect_at;

    enum phase phase;
    char token[TOKEN_BYTES];
    struct connection *owner;
    int owner_pidfd; /* kept after the owner's connection is gone; -1: none */
    int64_t deadline;
    int64_t deadline_ms;
    bool was_paused;
    bool quiesced;
    bool quiesce_failed; /* a thaw of the file systems follows before the failure is reported */
    char last_fired[TOKEN_BYTES];
    struct thaw thaw;
    struct hold hold;

    /* The request that waits for an outcome (watch, quiesce, unquiesce), if any. */
    struct connection *waiting;
    bool waiting_for_watch;
    int64_t waiting_until; /* watch only */
};

/* All watched VMs; free slots are NULL. */
extern struct vm *vms[VM_LIMIT];

struct vm *vm_find(const char *name);
/* What a watch request says of a VM. */
struct watched {
    const char *directory;
    const struct control *control;
    pid_t pid;          /* 0: none */
    const char *domain; /* empty: none */
    bool has_qga;
};

/* Whether that is the process or the domain that is watched, spoken to in the same way. */
bool vm_is_same(const struct vm *vm, const struct watched *watched);
/* A new or changed VM; NULL when the table is full or memory is short. Nobody is asked yet. */
struct vm *vm_watch(const char *name, const struct watched *watched);
void vm_unwatch(struct vm *vm);
/* A thaw is at work, or in doubt. */
bool vm_is_being_thawed(const struct vm *vm);
bool vm_process_lives(const struct vm *vm);
/* By SIGSTOP or a debugger. */
bool vm_process_is_stopped(const struct vm *vm);

/* False: the freeze marker could not be written (errno), nothing is armed. */
bool vm_arm(struct vm *vm, struct connection *owner, int owner_pidfd, const char *token, int64_t deadline_ms, bool was_paused);
void vm_disarm(struct vm *vm);
void vm_fire(struct vm *vm, const char *reason);
/* Called by the thaw when it has done what it can. */
void vm_thawed(struct vm *vm);
/* The connection is gone: fires what it armed, forgets what it waited for. */
void vms_forget(struct connection *connection);
void vms_fire_all(const char *reason);
bool vms_any_armed(void);
/* Does what is due and says when to call again. */
int64_t vms_tick(int64_t now);

#endif
