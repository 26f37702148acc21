#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

extern char **environ;

void child_prepare(struct child *child, void *owner, void (*line)(void *owner, char *line, size_t length), void (*lost)(void *owner))
{
    child->pidfd = -1;
    child->stream.watcher.fd = -1;
    child->stream.in = child->in;
    child->stream.in_size = sizeof child->in;
    child->stream.out = child->out;
    child->stream.out_size = sizeof child->out;
    child->stream.owner = owner;
    child->stream.line = line;
    child->stream.lost = lost;
}

bool child_is_there(const struct child *child)
{
    return stream_is_open(&child->stream);
}

void child_end(struct child *child)
{
    stream_close(&child->stream);
    if (child->pidfd >= 0) {
        /* Nobody waits for it (catch_signals() in main.c), so that its number may be another's by now; this is its own. */
        pidfd_send_signal(child->pidfd, SIGKILL, NULL, 0);
        close(child->pidfd);
        child->pidfd = -1;
    }
}

/* With signals as a program expects them; its errors go where ours go. An error number, or 0. */
static int spawn(char *const words[], int end, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigset_t usual;

    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGCHLD);
    sigaddset(&usual, SIGPIPE);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&files, end, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, end, STDOUT_FILENO);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    /* Of a group of its own: a Ctrl-C at our terminal is for us, who let run what is frozen before we end. */
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    int failure = posix_spawnp(pid, words[0], &files, &attributes, words, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return failure;
}

bool child_start(struct child *child, char *const words[])
{
    int ends[2];
    pid_t pid;

    child_end(child);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return false;
    }
    int failure = spawn(words, ends[1], &pid);
    close(ends[1]);
    if (failure != 0) {
        close(ends[0]);
        errno = failure;
        return false;
    }
    child->pidfd = pidfd_open(pid, 0); /* -1: it has ended already, as reading will tell. */
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    if (!stream_open(&child->stream, ends[0])) {
        failure = errno;
        child_end(child);
        errno = failure;
        return false;
    }
    return true;
}

bool child_tell(struct child *child, const char *order)
{
    char line[sizeof child->out];
    int length = snprintf(line, sizeof line, "%s\n", order);

    return length < (int)sizeof line && stream_send(&child->stream, line, (size_t)length);
}
