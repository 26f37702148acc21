/*
 * How a VM is spoken to: over QMP and its guest agent's socket (session.c, thaw.c), over the console of a User-Mode Linux
 * (console.c), over virsh (libvirt.c), or by xl (xen.c). All that differs between them is behind these functions; vm.c knows the
 * phases alone.
 */
#ifndef HOLDFAST_CONTROL_H
#define HOLDFAST_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "message.h"

struct vm;

struct control {
    const char *name;    /* "control" of a watch request */
    const char *unready; /* why nothing can be armed: half a sentence */
    const char *lacks;   /* why it has neither guest agent nor hold: half a sentence; NULL: it can have both */
    bool without_process; /* it has none of its own, and a watch request names none */
    bool names_domain;    /* a watch request names its domain */
    /* As far as is known; never asks anybody but the kernel. */
    bool (*is_there)(const struct vm *vm);
    /* What is wrong with a watch request, half a sentence; NULL: nothing. The field is NULL where there is no more to say than for every VM. */
    const char *(*objection)(const json_t *request);
    /* Notes what such a request says, before connect(); NULL as well. */
    void (*take)(struct vm *vm, const json_t *request);
    /* Asks the VM whether it answers, without waiting; a watch that waits is answered when it does. */
    void (*connect)(struct vm *vm, int64_t now);
    /* Whether it has answered, and a thaw would have somebody to speak to. */
    bool (*is_ready)(const struct vm *vm);
    /* Ends a watch that has waited long enough, by an answer that says why. */
    void (*give_up_watch)(struct vm *vm);
    void (*close)(struct vm *vm);
    /* In every phase: does what is due, and says when there is something to do again. */
    void (*tick)(struct vm *vm, int64_t now);
    int64_t (*next)(const struct vm *vm);
    /* Begins to let the guest run; it ends by thaw_finish(). */
    void (*let_run)(struct vm *vm, int64_t now);
    /* While FIRING. */
    void (*thaw_tick)(struct vm *vm, int64_t now);
    int64_t (*thaw_next)(const struct vm *vm);
};

extern const struct control qmp_control;
extern const struct control console_control;
extern const struct control libvirt_control;
extern const struct control xen_control;

/* NULL stands for QMP; NULL if there is none of that name. */
const struct control *control_named(const char *name);

#endif
