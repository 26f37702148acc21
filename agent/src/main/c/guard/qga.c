#include "qga.h"

#include <stdio.h>
#include <string.h>

#include "log.h"

static void finish(struct qga *qga, long long filesystems, const char *error)
{
    enum qga_step step = qga->step;

    qga->step = QGA_IDLE;
    qga->until = LOOP_NEVER;
    if (step == QGA_THAW) {
        qga->thawed(qga->owner, filesystems, error);
    } else if (step != QGA_IDLE) {
        qga->frozen(qga->owner, filesystems, error);
    }
}

static void send_sync(struct qga *qga, const char *and_then)
{
    char text[256];

    qga->synced = false;
    qga->sync_id++;
    /* 0xFF makes the agent's parser forget half a message of a client before us. */
    int length = snprintf(text, sizeof text,
                          "\xff{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":%lld}}\n%s", qga->sync_id, and_then);
    stream_send(&qga->stream, text, (size_t)length);
}

static void synced(struct qga *qga)
{
    static const char freeze[] = "{\"execute\":\"guest-fsfreeze-freeze\"}\n";

    qga->synced = true;
    if (qga->step == QGA_SYNC) {
        qga->step = QGA_FREEZE;
        stream_send(&qga->stream, freeze, sizeof freeze - 1);
    }
}

static void on_line(void *owner, char *line, size_t length)
{
    struct qga *qga = owner;
    const char *why = "it is too long";

    while (length > 0 && (unsigned char)*line == 0xff) {
        line++;
        length--;
    }
    json_t *message = line == NULL ? NULL : message_parse(line, length, &why);
    if (message == NULL) {
        log_line(LOG_DEBUG, "ignored a message of a guest agent: %s", why);
        return;
    }
    json_t *result = json_object_get(message, "return");
    if (qga->step != QGA_IDLE && json_is_integer(result) && !qga->synced) {
        if (json_integer_value(result) == qga->sync_id) {
            synced(qga);
        }
        return;
    }
    if (!qga->synced || (qga->step != QGA_FREEZE && qga->step != QGA_THAW)) {
        return;
    }
    if (json_is_integer(result)) {
        finish(qga, json_integer_value(result), NULL);
        return;
    }
    const char *error = message_text(json_object_get(message, "error"), "desc");
    finish(qga, 0, error != NULL ? error : "the guest agent gave an answer that is no number of file systems");
}

static void on_lost(void *owner)
{
    struct qga *qga = owner;

    finish(qga, 0, "QEMU closed the guest agent's socket");
}

bool qga_connect(struct qga *qga, const char *path)
{
    int fd = stream_connect(path);

    qga->step = QGA_IDLE;
    qga->until = LOOP_NEVER;
    qga->stream.in = qga->in;
    qga->stream.in_size = sizeof qga->in;
    qga->stream.out = qga->out;
    qga->stream.out_size = sizeof qga->out;
    qga->stream.owner = qga;
    qga->stream.line = on_line;
    qga->stream.lost = on_lost;
    return fd >= 0 && stream_open(&qga->stream, fd);
}

void qga_close(struct qga *qga)
{
    stream_close(&qga->stream);
    qga->step = QGA_IDLE;
    qga->until = LOOP_NEVER;
}

bool qga_is_open(const struct qga *qga)
{
    return stream_is_open(&qga->stream);
}

void qga_freeze(struct qga *qga, int64_t until)
{
    qga->step = QGA_SYNC;
    qga->until = until;
    send_sync(qga, "");
}

void qga_thaw(struct qga *qga, int64_t until)
{
    qga->step = QGA_THAW;
    qga->until = until;
    /* In one write: a thaw that comes late does no harm. */
    send_sync(qga, "{\"execute\":\"guest-fsfreeze-thaw\"}\n");
}

void qga_tick(struct qga *qga, int64_t now)
{
    if (qga->step != QGA_IDLE && now >= qga->until) {
        finish(qga, 0, "the guest agent does not answer in time");
    }
}
