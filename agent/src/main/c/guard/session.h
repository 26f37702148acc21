/* What a VM does when one of its sessions (QMP, guest agent) speaks, and the request that waits for that. */
#ifndef HOLDFAST_SESSION_H
#define HOLDFAST_SESSION_H

#include <stdint.h>

#include "message.h"

struct vm;

void session_prepare(struct vm *vm);
/* Connects what is not connected, without waiting, and sets the time of the next try. */
void session_connect(struct vm *vm, int64_t now);
/* Answers the waiting request; session_fail() in three parts. */
void session_answer(struct vm *vm, json_t *reply);
void session_fail(struct vm *vm, const char *what, const char *why, const char *remedy);

#endif
