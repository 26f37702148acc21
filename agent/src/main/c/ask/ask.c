/*
 * holdfast-ask SECONDS SOCKET LINE... - sends the lines to a UNIX stream socket, ends its side, and prints what comes back until the other
 * side ends too, for SECONDS at most.
 *
 * For the resource agent and the thaw script, which must work with everything else of Holdfast dead: a monitor every ten seconds
 * for each machine is most of what Holdfast costs, and socat costs several times as much.
 *
 * Exit codes: 0 the other side has ended, 1 it cannot be reached, 2 usage, 3 it has not ended in time; what came is printed.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { ENDED = 0, UNREACHABLE = 1, USAGE = 2, LATE = 3 };

static long long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Waits until something can be done with the socket; false when the time is over. */
static int ready(int fd, short event, long long until)
{
    struct pollfd poll_fd = {.fd = fd, .events = event};

    for (;;) {
        long long left = until - now_ms();
        int found = left <= 0 ? 0 : poll(&poll_fd, 1, (int)left);
        if (found >= 0 || errno != EINTR) {
            return found > 0;
        }
    }
}

static int fail(const char *path, const char *what, int status)
{
    fprintf(stderr, "holdfast-ask: %s: %s\n", path, what);
    return status;
}

/* A socket whose queue of connections is full answers EAGAIN at once: its process hangs. */
static int reach(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address.sun_path, path);
    return fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0 ? -1 : fd;
}

static int tell(int fd, const char *text, size_t length, long long until)
{
    while (length > 0) {
        ssize_t sent = send(fd, text, length, MSG_NOSIGNAL);
        if (sent >= 0) {
            text += sent;
            length -= (size_t)sent;
        } else if (errno != EAGAIN || !ready(fd, POLLOUT, until)) {
            return errno == EPIPE ? 1 : 0; /* it has ended its side: what it said before is still to be read */
        }
    }
    return 1;
}

static int hear(int fd, long long until)
{
    char text[4096];

    while (ready(fd, POLLIN, until)) {
        ssize_t length = read(fd, text, sizeof text);
        if (length == 0 || (length < 0 && errno != EAGAIN && errno != EINTR)) {
            return ENDED;
        }
        for (ssize_t done = 0, part; done < length; done += part) {
            part = write(STDOUT_FILENO, text + done, (size_t)(length - done));
            if (part < 0) {
                return UNREACHABLE;
            }
        }
    }
    return LATE;
}

int main(int argc, char **argv)
{
    char *rest = NULL;
    long seconds = argc < 3 ? 0 : strtol(argv[1], &rest, 10);

    if (seconds < 1 || seconds > 86400 || *rest != '\0') {
        fprintf(stderr, "usage: holdfast-ask SECONDS SOCKET LINE...\n");
        return USAGE;
    }
    long long until = now_ms() + seconds * 1000;
    int fd = reach(argv[2]);
    if (fd < 0) {
        return fail(argv[2], strerror(errno), UNREACHABLE);
    }
    for (int i = 3; i < argc; i++) {
        if (!tell(fd, argv[i], strlen(argv[i]), until) || !tell(fd, "\n", 1, until)) {
            return fail(argv[2], "does not read what it is sent", LATE);
        }
    }
    shutdown(fd, SHUT_WR);
    return hear(fd, until);
}
