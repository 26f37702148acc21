/* What a VM does when one of its sessions (QMP, guest agent) speaks, see qmp_control; and the request that waits for that. */
#ifndef HOLDFAST_SESSION_H
#define HOLDFAST_SESSION_H

#include <stdint.h>

#include "message.h"

struct vm;

/* Of a new VM. */
void session_prepare(struct vm *vm);
/* Answers the waiting request; session_fail() in three parts. */
void session_answer(struct vm *vm, json_t *reply);
void session_fail(struct vm *vm, const char *what, const char *why, const char *remedy);

#endif
