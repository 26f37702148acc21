/* A non-blocking UNIX stream socket that carries lines, with buffers of fixed size in both directions. */
#ifndef HOLDFAST_STREAM_H
#define HOLDFAST_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "loop.h"

struct stream {
    struct watcher watcher; /* fd -1: closed */
    char *in;
    size_t in_size;
    size_t in_used;
    char *out;
    size_t out_size;
    size_t out_used;
    bool skipping; /* inside a line that was too long */
    bool held;     /* lines wait in the buffer, see stream_hold() */
    void *owner;
    /* One line without its end; NULL stands for a line that did not fit. May close the stream. */
    void (*line)(void *owner, char *line, size_t length);
    /* The peer is gone, or does not read what we send. The stream is closed already. */
    void (*lost)(void *owner);
};

/* Takes over a connected descriptor; the fields for buffers, owner and callbacks are set by the caller. */
bool stream_open(struct stream *stream, int fd);
bool stream_is_open(const struct stream *stream);
/* The peer has closed its end, also if that is yet to be read. */
bool stream_is_hung_up(const struct stream *stream);
/* All or nothing; a peer that does not read until the buffer is full loses the connection (and false is returned). */
bool stream_send(struct stream *stream, const char *bytes, size_t length);
void stream_close(struct stream *stream);
/* While held no line is delivered, but the end of the connection still is. */
void stream_hold(struct stream *stream);
/* Delivers what has come meanwhile. Not to be called from inside a `line` callback. */
void stream_release(struct stream *stream);

/* Connects to a UNIX socket without waiting; -1 and errno if that fails. */
int stream_connect(const char *path);

#endif
