#include "loop.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

static int epoll_fd = -1;
static struct watcher timer = {.fd = -1};
static bool running;

static void timer_ready(void *owner, uint32_t events)
{
    uint64_t count;

    (void)owner;
    (void)events;
    if (read(timer.fd, &count, sizeof count) < 0) {
        return; /* Set anew meanwhile: nothing to take. */
    }
}

bool loop_init(void)
{
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    timer.fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    timer.ready = timer_ready;
    return epoll_fd >= 0 && timer.fd >= 0 && loop_add(&timer, EPOLLIN);
}

bool loop_add(struct watcher *watcher, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = watcher};

    return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, watcher->fd, &event) == 0;
}

void loop_modify(struct watcher *watcher, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = watcher};

    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, watcher->fd, &event);
}

void loop_remove(struct watcher *watcher)
{
    epoll_ctl(epoll_fd, EPOLL_CTL_DEL, watcher->fd, NULL);
}

int64_t loop_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void set_timer(int64_t at)
{
    static int64_t set_for = LOOP_NEVER;
    struct itimerspec when = {0};

    if (at == set_for && at > loop_now()) {
        return;
    }
    set_for = at;
    if (at != LOOP_NEVER) {
        when.it_value.tv_sec = at > 0 ? at / 1000 : 0;
        /* One nanosecond: zero would switch the timer off. */
        when.it_value.tv_nsec = at > 0 ? at % 1000 * 1000000 + 1 : 1;
    }
    timerfd_settime(timer.fd, TFD_TIMER_ABSTIME, &when, NULL);
}

void loop_run(int64_t (*tick)(int64_t now))
{
    running = true;
    while (running) {
        struct epoll_event event;

        set_timer(tick(loop_now()));
        if (!running) {
            return;
        }
        /* One event at a time: whatever its handler closes or frees, no stale event of it is left in our hands. */
        int count = epoll_wait(epoll_fd, &event, 1, -1);
        if (count == 1) {
            struct watcher *watcher = event.data.ptr;
            watcher->ready(watcher->owner, event.events);
        } else if (count < 0 && errno != EINTR) {
            log_line(LOG_ERROR, "cannot wait for events (%s), which no retry repairs; stopping, so that systemd starts a new guard",
                     strerror(errno));
            exit(1);
        }
    }
}

void loop_stop(void)
{
    running = false;
}
