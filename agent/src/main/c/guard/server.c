#include "server.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"
#include "request.h"
#include "vm.h"

static struct watcher listener = {.fd = -1};
static char socket_path[sizeof((struct sockaddr_un *)0)->sun_path];
static struct connection *connections[CONNECTION_LIMIT];
static bool answered; /* some connection is */

static void on_line(void *owner, char *line, size_t length)
{
    struct connection *connection = owner;

    connection->last_heard = loop_now();
    request_handle(connection, line, length);
}

static void on_lost(void *owner)
{
    struct connection *connection = owner;

    log_line(LOG_DEBUG, "connection of pid %d ended", (int)connection->pid);
    vms_forget(connection);
}

static void take_in(int fd, const struct ucred *peer)
{
    for (size_t i = 0; i < CONNECTION_LIMIT; i++) {
        if (connections[i] != NULL) {
            continue;
        }
        struct connection *connection = calloc(1, sizeof *connection);
        if (connection == NULL) {
            break;
        }
        connection->stream = (struct stream){.in = connection->in, .in_size = sizeof connection->in, .out = connection->out,
                                             .out_size = sizeof connection->out, .owner = connection, .line = on_line, .lost = on_lost};
        connection->pid = peer->pid;
        /* A descriptor of the process, taken now, can never come to mean another process with the same number. */
        connection->pidfd = peer->pid > 1 && peer->pid != getpid() ? pidfd_open(peer->pid, 0) : -1;
        connection->last_heard = loop_now();
        if (stream_open(&connection->stream, fd)) {
            connections[i] = connection;
        } else {
            free(connection);
        }
        return;
    }
    log_line(LOG_WARNING, "refused pid %d: there are %d connections already; close some", (int)peer->pid, CONNECTION_LIMIT);
    close(fd);
}

static void accept_one(void *owner, uint32_t events)
{
    struct ucred peer = {0};
    socklen_t length = sizeof peer;

    (void)owner;
    (void)events;
    int fd = accept4(listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        return;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0 || (peer.uid != 0 && peer.uid != geteuid())) {
        log_line(LOG_WARNING, "refused a connection of user %u: only root and the guard's own user may use it", peer.uid);
        close(fd);
        return;
    }
    take_in(fd, &peer);
}

static bool directory_is_safe(const char *path)
{
    char directory[sizeof socket_path];
    struct stat status;

    snprintf(directory, sizeof directory, "%s", path);
    char *slash = strrchr(directory, '/');
    if (directory[0] != '/' || slash == directory) {
        log_line(LOG_ERROR, "the socket path %s is not of use: it must be absolute and inside a directory of its own; give --socket another one", path);
        return false;
    }
    *slash = '\0';
    if (stat(directory, &status) != 0 || !S_ISDIR(status.st_mode)) {
        log_line(LOG_ERROR, "cannot use the directory %s: %s; create it with mode 0750", directory,
                 errno != 0 ? strerror(errno) : "it is no directory");
        return false;
    }
    if ((status.st_uid != 0 && status.st_uid != geteuid()) || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        log_line(LOG_ERROR, "the directory %s is not safe: others could put another socket in our place; it must belong to root and be writable by root only (chmod 0750)", directory);
        return false;
    }
    return true;
}

static bool remove_stale(const char *path)
{
    struct stat status;

    if (lstat(path, &status) != 0) {
        return true;
    }
    if (!S_ISSOCK(status.st_mode) || status.st_uid != geteuid()) {
        log_line(LOG_ERROR, "%s is in the way: it is no socket of ours; remove it or give --socket another path", path);
        return false;
    }
    int fd = stream_connect(path);
    if (fd >= 0 || errno != ECONNREFUSED) {
        log_line(LOG_ERROR, "another guard listens on %s; stop it first, two would thaw the same VMs", path);
        return false;
    }
    return unlink(path) == 0;
}

bool server_open(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof address.sun_path) {
        log_line(LOG_ERROR, "the socket path %s is too long: the kernel takes %zu bytes; choose a shorter run_dir", path,
                 sizeof address.sun_path - 1);
        return false;
    }
    if (!directory_is_safe(path) || !remove_stale(path)) {
        return false;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    listener.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    listener.ready = accept_one;
    mode_t before = umask(0177); /* so that the socket is born with mode 0600 */
    bool bound = listener.fd >= 0 && bind(listener.fd, (struct sockaddr *)&address, sizeof address) == 0;
    umask(before);
    if (!bound || listen(listener.fd, 64) != 0 || !loop_add(&listener, EPOLLIN)) {
        log_line(LOG_ERROR, "cannot listen on %s: %s; check the directory and its rights", path, strerror(errno));
        return false;
    }
    snprintf(socket_path, sizeof socket_path, "%s", path);
    return true;
}

void server_close(void)
{
    unlink(socket_path);
}

bool server_tick(void)
{
    bool again = answered;

    answered = false;
    for (size_t i = 0; i < CONNECTION_LIMIT; i++) {
        struct connection *connection = connections[i];
        if (connection != NULL && connection->answered) {
            connection->answered = false;
            stream_release(&connection->stream);
        }
        if (connection != NULL && !stream_is_open(&connection->stream)) {
            if (connection->pidfd >= 0) {
                close(connection->pidfd);
            }
            free(connection);
            connections[i] = NULL;
        }
    }
    return again;
}

void connection_reply(struct connection *connection, json_t *reply)
{
    static const char unprintable[] = "{\"ok\":false,\"error\":\"the guard cannot write its answer down, because it is too long or no UTF-8 text; ask the VM's status instead\"}\n";
    char line[28 * 1024]; /* a ping's reply with all VMs */
    size_t length = message_print(reply, line, sizeof line);

    if (length == 0) {
        stream_send(&connection->stream, unprintable, sizeof unprintable - 1);
    } else {
        stream_send(&connection->stream, line, length);
    }
}

void connection_fail(struct connection *connection, const char *format, ...)
{
    char text[768];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    log_line(LOG_DEBUG, "refused a request of pid %d: %s", (int)connection->pid, text);
    connection_reply(connection, json_pack("{s:b,s:s}", "ok", 0, "error", text));
}

void connection_wait(struct connection *connection)
{
    stream_hold(&connection->stream);
}

void connection_go_on(struct connection *connection)
{
    connection->answered = true;
    answered = true;
}

bool connection_spoke_since(const struct connection *connection, int64_t since)
{
    return connection->last_heard > since;
}

void server_broadcast(json_t *event)
{
    char line[1024];
    size_t length = message_print(event, line, sizeof line);

    for (size_t i = 0; i < CONNECTION_LIMIT && length > 0; i++) {
        if (connections[i] != NULL && stream_is_open(&connections[i]->stream)) {
            stream_send(&connections[i]->stream, line, length);
        }
    }
}
