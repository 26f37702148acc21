/*
 * The freeze marker: a small file beside the VM's sockets that `sh` can read. It exists from before the arming is
 * acknowledged until the guest is known to run, so that others (the thaw script, the resource agent) can help
 * when both the agent and this process are dead.
 */
#ifndef HOLDFAST_MARKER_H
#define HOLDFAST_MARKER_H

#include <stdbool.h>
#include <stdint.h>

bool marker_write(const char *directory, const char *token, int64_t deadline_ms, int64_t since_ms, bool was_paused);
/* Removes the marker of this freeze; one with another token, or of a hold, stays. */
void marker_remove(const char *directory, const char *token);

#endif
