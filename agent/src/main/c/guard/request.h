/* The guard's protocol: one JSON object per line in, one line out, in order. See docs in request.c at each operation. */
#ifndef HOLDFAST_REQUEST_H
#define HOLDFAST_REQUEST_H

#include <stddef.h>

struct connection;

/* `line` NULL: it was too long. */
void request_handle(struct connection *connection, const char *line, size_t length);

#endif
