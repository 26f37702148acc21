#include "qmp.h"

#include <stdio.h>
#include <string.h>

#include "log.h"

static unsigned send_command(struct qmp *qmp, const char *how, const char *command, json_t *arguments)
{
    char line[8 * 1024];
    json_t *request = json_pack("{s:s,s:I}", how, command, "id", (json_int_t)(qmp->last_id + 1));

    if (arguments != NULL) {
        json_object_set_new(request, "arguments", arguments);
    }
    size_t length = message_print(request, line, sizeof line);
    if (length == 0 || !stream_send(&qmp->stream, line, length)) {
        return 0;
    }
    return ++qmp->last_id;
}

static void drop(struct qmp *qmp)
{
    qmp_close(qmp);
    qmp->down(qmp->owner);
}

static void greeted(struct qmp *qmp, json_t *message)
{
    json_t *offered = json_object_get(json_object_get(message, "QMP"), "capabilities");
    size_t index;
    json_t *name;

    if (offered == NULL) {
        log_line(LOG_WARNING, "the peer of a guard.sock is no QMP server; closing, will try again");
        drop(qmp);
        return;
    }
    qmp->oob = false;
    json_array_foreach(offered, index, name) {
        if (json_is_string(name) && strcmp(json_string_value(name), "oob") == 0) {
            qmp->oob = true;
        }
    }
    qmp->state = QMP_NEGOTIATING;
    send_command(qmp, "execute", "qmp_capabilities",
                 qmp->oob ? json_pack("{s:[s]}", "enable", "oob") : json_object());
}

static void negotiated(struct qmp *qmp, json_t *message)
{
    if (json_object_get(message, "return") == NULL) {
        log_line(LOG_WARNING, "QEMU refused the QMP negotiation; closing, will try again");
        drop(qmp);
        return;
    }
    qmp->state = QMP_READY;
    qmp->ready(qmp->owner);
}

static void on_line(void *owner, char *line, size_t length)
{
    struct qmp *qmp = owner;
    const char *why = "it is too long";
    json_t *message = line == NULL ? NULL : message_parse(line, length, &why);

    if (message == NULL) {
        /* If this was an answer we wait for, the time-out of the thaw deals with it. */
        log_line(LOG_WARNING, "ignored a QMP message: %s", why);
        return;
    }
    const char *event = message_text(message, "event");
    if (event != NULL) {
        qmp->event(qmp->owner, event);
        return;
    }
    if (qmp->state == QMP_GREETING) {
        greeted(qmp, message);
        return;
    }
    if (qmp->state == QMP_NEGOTIATING) {
        negotiated(qmp, message);
        return;
    }
    json_t *result = json_object_get(message, "return");
    const char *error = message_text(json_object_get(message, "error"), "desc");
    long long id;
    if (message_number(message, "id", 1, UINT32_MAX, &id) && (result != NULL || error != NULL)) {
        qmp->reply(qmp->owner, (unsigned)id, result, result != NULL ? NULL : error);
    }
}

static void on_lost(void *owner)
{
    struct qmp *qmp = owner;

    qmp->state = QMP_DOWN;
    qmp->down(qmp->owner);
}

bool qmp_connect(struct qmp *qmp, const char *path)
{
    int fd = stream_connect(path);

    qmp->stream.in = qmp->in;
    qmp->stream.in_size = sizeof qmp->in;
    qmp->stream.out = qmp->out;
    qmp->stream.out_size = sizeof qmp->out;
    qmp->stream.owner = qmp;
    qmp->stream.line = on_line;
    qmp->stream.lost = on_lost;
    if (fd < 0 || !stream_open(&qmp->stream, fd)) {
        return false;
    }
    qmp->state = QMP_GREETING;
    return true;
}

void qmp_close(struct qmp *qmp)
{
    stream_close(&qmp->stream);
    qmp->state = QMP_DOWN;
}

unsigned qmp_send(struct qmp *qmp, const char *command)
{
    return qmp->state == QMP_READY ? send_command(qmp, "execute", command, NULL) : 0;
}

unsigned qmp_send_oob(struct qmp *qmp, const char *command, json_t *arguments)
{
    return qmp->state == QMP_READY && qmp->oob ? send_command(qmp, "exec-oob", command, arguments) : 0;
}
