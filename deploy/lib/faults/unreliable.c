// What a campaign of faults (deploy/faults.sh) makes all processes of a node believe: another date, and a disk that fails. Preloaded
// into each of them; what is to go wrong stands in a file that they map: the seconds that the date is off, then a part of the path of
// those files that cannot be written. The kernel of the lab has neither dates of namespaces nor device mapper.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct wanted {
    volatile int64_t seconds_off;
    char failing[248];
};
static const struct wanted nothing;
static const struct wanted *wanted = &nothing;

__attribute__((constructor)) static void find_what_is_wanted(void) {
    int fd = open("/run/faults/wanted", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    void *at = mmap(NULL, sizeof(struct wanted), PROT_READ, MAP_SHARED, fd, 0);
    if (at != MAP_FAILED) wanted = at;
    close(fd);
}

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

int clock_gettime(clockid_t clock, struct timespec *at) {
    REAL(clock_gettime);
    int result = real(clock, at);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) at->tv_sec += wanted->seconds_off;
    return result;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    REAL(gettimeofday);
    int result = real(at, zone);
    if (result == 0) at->tv_sec += wanted->seconds_off;
    return result;
}

time_t time(time_t *at) {
    REAL(time);
    time_t now = real(NULL) + wanted->seconds_off;
    if (at) *at = now;
    return now;
}

// A date, if it is that long after the machine's start: the kernel waits by the true one. Other clocks are as they were.
static struct timespec by_kernel(const struct timespec *until) {
    struct timespec then = *until;
    if (then.tv_sec > 1000000000) then.tv_sec -= wanted->seconds_off;
    return then;
}

int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict lock, const struct timespec *restrict until) {
    static int (*real)(pthread_cond_t *restrict, pthread_mutex_t *restrict, const struct timespec *restrict);
    if (!real) {
        // The oldest one of x86-64, which dlsym may find, takes other conditions.
        void *found = dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
        real = found ? (__typeof__(real))found : (__typeof__(real))dlsym(RTLD_NEXT, "pthread_cond_timedwait");
    }
    struct timespec then = by_kernel(until);
    return real(condition, lock, &then);
}

// Whether the disk below this file fails. Leaves errno as a disk would.
static int fails(int fd) {
    if (!wanted->failing[0]) return 0;
    char link[32], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    if (path[0] != '/' || !strstr(path, wanted->failing)) return 0;
    errno = EIO;
    return 1;
}

#define FAILS_LIKE_ITS_DISK(type, name, parameters, arguments) \
    type name parameters { \
        REAL(name); \
        return fails(fd) ? -1 : real arguments; \
    }

FAILS_LIKE_ITS_DISK(ssize_t, write, (int fd, const void *bytes, size_t count), (fd, bytes, count))
FAILS_LIKE_ITS_DISK(ssize_t, writev, (int fd, const struct iovec *bytes, int count), (fd, bytes, count))
FAILS_LIKE_ITS_DISK(ssize_t, pwrite, (int fd, const void *bytes, size_t count, off_t at), (fd, bytes, count, at))
FAILS_LIKE_ITS_DISK(ssize_t, pwrite64, (int fd, const void *bytes, size_t count, off64_t at), (fd, bytes, count, at))
FAILS_LIKE_ITS_DISK(ssize_t, pwritev, (int fd, const struct iovec *bytes, int count, off_t at), (fd, bytes, count, at))
FAILS_LIKE_ITS_DISK(ssize_t, pwritev64, (int fd, const struct iovec *bytes, int count, off64_t at), (fd, bytes, count, at))
FAILS_LIKE_ITS_DISK(int, fsync, (int fd), (fd))
FAILS_LIKE_ITS_DISK(int, fdatasync, (int fd), (fd))
