/* The socket the agent connects to: accepts root and ourselves only, keeps one `struct connection` per client. */
#ifndef HOLDFAST_SERVER_H
#define HOLDFAST_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "message.h"
#include "stream.h"

#define CONNECTION_LIMIT 256

struct connection {
    struct stream stream;
    char in[8 * 1024];
    char out[32 * 1024];
    pid_t pid;
    int pidfd; /* -1: the process was gone already */
    int64_t last_heard;
    bool answered;
};

/* Binds and listens; false after it has logged why not. */
bool server_open(const char *path);
void server_close(void);
/* Frees what is closed, reads on where a request has been answered; true: it did, so look at the clock again. */
bool server_tick(void);

void connection_reply(struct connection *connection, json_t *reply);
/* what, why, what to do: one sentence each */
__attribute__((format(printf, 2, 3))) void connection_fail(struct connection *connection, const char *format, ...);
/* Later lines wait until the request under way is answered; they are read on from the loop, never from inside. */
void connection_wait(struct connection *connection);
void connection_go_on(struct connection *connection);
bool connection_spoke_since(const struct connection *connection, int64_t since);
void server_broadcast(json_t *event);

#endif
