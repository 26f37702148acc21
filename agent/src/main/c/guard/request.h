/* The guard's protocol: one JSON object per line in, one line out, in order. See docs in request.c at each operation. */
#ifndef HOLDFAST_REQUEST_H
#define HOLDFAST_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

struct connection;

/* `line` NULL: it was too long. */
void request_handle(struct connection *connection, const char *line, size_t length);

/* The names of dev.holdfast.coordinator.protocol.Name. They become parts of paths. */
bool is_name(const char *text);
/* They are lines of files, so no white space. */
bool is_token(const char *text);

#endif
