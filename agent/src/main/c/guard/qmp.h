/* A QMP session of our own with one QEMU (docs/interop/qmp-spec in QEMU's sources), with `oob` where offered. */
#ifndef HOLDFAST_QMP_H
#define HOLDFAST_QMP_H

#include "message.h"
#include "stream.h"

enum qmp_state { QMP_DOWN, QMP_GREETING, QMP_NEGOTIATING, QMP_READY };

struct qmp {
    enum qmp_state state;
    bool oob;
    unsigned last_id;
    struct stream stream;
    char in[64 * 1024];
    char out[16 * 1024];
    void *owner;
    void (*ready)(void *owner);
    void (*down)(void *owner);
    /* Exactly one of result and error is not NULL; error is QEMU's text. */
    void (*reply)(void *owner, unsigned id, json_t *result, const char *error);
    void (*event)(void *owner, const char *name);
};

/* The callbacks and the owner are set before. False: errno says why. */
bool qmp_connect(struct qmp *qmp, const char *path);
void qmp_close(struct qmp *qmp);
/* Sends a command without arguments; its id, or 0 if the session is not ready (the `down` callback has told). */
unsigned qmp_send(struct qmp *qmp, const char *command);
/* The same, out of band: answered even while QEMU's main loop hangs. `arguments` may be NULL. */
unsigned qmp_send_oob(struct qmp *qmp, const char *command, json_t *arguments);

#endif
