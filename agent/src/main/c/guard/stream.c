#include "stream.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void ready(void *owner, uint32_t events);

static void listen_for(struct stream *stream)
{
    uint32_t events = EPOLLRDHUP;

    if (stream->in_used < stream->in_size) {
        events = EPOLLIN;
    }
    if (stream->out_used > 0) {
        events |= EPOLLOUT;
    }
    loop_modify(&stream->watcher, events);
}

bool stream_open(struct stream *stream, int fd)
{
    stream->watcher = (struct watcher){.fd = fd, .ready = ready, .owner = stream};
    stream->in_used = 0;
    stream->out_used = 0;
    stream->skipping = false;
    stream->held = false;
    if (loop_add(&stream->watcher, EPOLLIN)) {
        return true;
    }
    close(fd);
    stream->watcher.fd = -1;
    return false;
}

bool stream_is_open(const struct stream *stream)
{
    return stream->watcher.fd >= 0;
}

bool stream_is_hung_up(const struct stream *stream)
{
    struct pollfd end = {.fd = stream->watcher.fd, .events = POLLRDHUP};

    return poll(&end, 1, 0) > 0;
}

void stream_close(struct stream *stream)
{
    if (stream_is_open(stream)) {
        loop_remove(&stream->watcher);
        close(stream->watcher.fd);
        stream->watcher.fd = -1;
    }
}

static void lose(struct stream *stream)
{
    stream_close(stream);
    stream->lost(stream->owner);
}

static void flush(struct stream *stream)
{
    while (stream->out_used > 0) {
        ssize_t sent = send(stream->watcher.fd, stream->out, stream->out_used, MSG_NOSIGNAL);
        if (sent < 0) {
            return; /* Full: EPOLLOUT tells. Broken: reading tells. */
        }
        stream->out_used -= (size_t)sent;
        memmove(stream->out, stream->out + sent, stream->out_used);
    }
}

bool stream_send(struct stream *stream, const char *bytes, size_t length)
{
    if (!stream_is_open(stream)) {
        return false;
    }
    if (length > stream->out_size - stream->out_used) {
        flush(stream);
    }
    if (length > stream->out_size - stream->out_used) {
        lose(stream);
        return false;
    }
    memcpy(stream->out + stream->out_used, bytes, length);
    stream->out_used += length;
    flush(stream);
    if (stream->out_used > 0) {
        listen_for(stream);
    }
    return true;
}

/* Delivers the complete lines in the buffer and keeps the rest. */
static void deliver(struct stream *stream)
{
    size_t start = 0;

    while (stream_is_open(stream) && !stream->held && start < stream->in_used) {
        char *line = stream->in + start;
        char *end = memchr(line, '\n', stream->in_used - start);
        if (end == NULL) {
            break;
        }
        start += (size_t)(end - line) + 1;
        *end = '\0';
        if (stream->skipping) {
            stream->skipping = false;
            continue;
        }
        if (end > line && end[-1] == '\r') {
            *--end = '\0';
        }
        stream->line(stream->owner, line, (size_t)(end - line));
    }
    if (!stream_is_open(stream)) {
        return;
    }
    stream->in_used -= start;
    memmove(stream->in, stream->in + start, stream->in_used);
    if (stream->held || stream->in_used < stream->in_size) {
        return;
    }
    bool told = stream->skipping;
    stream->skipping = true;
    stream->in_used = 0;
    if (!told) {
        stream->line(stream->owner, NULL, 0);
    }
}

static void ready(void *owner, uint32_t events)
{
    struct stream *stream = owner;
    size_t room = stream->in_size - stream->in_used;

    if (events & EPOLLOUT) {
        flush(stream);
    }
    if (room > 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP))) {
        ssize_t count = read(stream->watcher.fd, stream->in + stream->in_used, room);
        if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
            lose(stream);
            return;
        }
        if (count > 0) {
            stream->in_used += (size_t)count;
            deliver(stream);
        }
    } else if (events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP)) {
        lose(stream);
        return;
    }
    if (stream_is_open(stream)) {
        listen_for(stream);
    }
}

void stream_hold(struct stream *stream)
{
    stream->held = true;
}

void stream_release(struct stream *stream)
{
    stream->held = false;
    if (stream_is_open(stream)) {
        deliver(stream);
    }
    if (stream_is_open(stream)) {
        listen_for(stream);
    }
}

int stream_connect(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);

    if (length >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, length);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
        return fd;
    }
    int failure = errno;
    close(fd);
    errno = failure;
    return -1;
}
