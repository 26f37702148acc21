/*
 * The one thread: epoll for descriptors, one timerfd for time. Time is CLOCK_BOOTTIME in milliseconds, which also
 * counts while the host is suspended, so that a deadline means what its reader thinks.
 */
#ifndef HOLDFAST_LOOP_H
#define HOLDFAST_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#define LOOP_NEVER INT64_MAX

struct watcher {
    int fd;
    void (*ready)(void *owner, uint32_t events);
    void *owner;
};

bool loop_init(void);
bool loop_add(struct watcher *watcher, uint32_t events);
void loop_modify(struct watcher *watcher, uint32_t events);
/* Takes the descriptor out of the loop; the caller closes it. */
void loop_remove(struct watcher *watcher);
int64_t loop_now(void);

/* Runs until loop_stop(). `tick` is called after every event and says when it wants to be called next. */
void loop_run(int64_t (*tick)(int64_t now));
void loop_stop(void);

#endif
