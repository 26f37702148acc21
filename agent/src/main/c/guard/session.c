#include "session.h"

#include <stdio.h>
#include <string.h>

#include "log.h"
#include "server.h"
#include "vm.h"

#define RECONNECT 500     /* ms between tries, nothing at stake */
#define RECONNECT_SOON 20 /* while armed or thawing */

void session_answer(struct vm *vm, json_t *reply)
{
    struct connection *connection = vm->waiting;

    vm->waiting = NULL;
    vm->waiting_for_watch = false;
    connection_reply(connection, reply);
    connection_go_on(connection);
}

void session_fail(struct vm *vm, const char *what, const char *why, const char *remedy)
{
    char text[512];

    snprintf(text, sizeof text, "%s VM %s: %s; %s", what, vm->name, why, remedy);
    session_answer(vm, json_pack("{s:b,s:s}", "ok", 0, "error", text));
}

static void on_qmp_ready(void *owner)
{
    struct vm *vm = owner;

    log_line(vm->qmp.oob ? LOG_DEBUG : LOG_WARNING, "VM %s: QMP session ready%s", vm->name,
             vm->qmp.oob ? "" : ", but without out-of-band commands: a hung QEMU cannot be helped from here");
    if (vm->waiting_for_watch) {
        session_answer(vm, json_pack("{s:b}", "ok", 1));
    }
    if (vm->phase == FIRING) {
        thaw_connected(vm);
    }
    hold_connected(vm);
}

static void on_qmp_down(void *owner)
{
    struct vm *vm = owner;

    log_line(LOG_INFO, "VM %s: QMP session lost", vm->name);
    vm->reconnect_at = loop_now() + RECONNECT_SOON;
    if (vm->phase == FIRING) {
        thaw_disconnected(vm);
    }
    hold_disconnected(vm);
}

static void on_qmp_reply(void *owner, unsigned id, json_t *result, const char *error)
{
    struct vm *vm = owner;

    if (vm->phase == FIRING) {
        thaw_reply(vm, id, result, error);
    }
    hold_reply(vm, id, result);
}

static void on_qmp_event(void *owner, const char *name)
{
    struct vm *vm = owner;

    if (strcmp(name, "RESET") == 0) {
        vm->quiesced = false; /* A guest that starts anew has no frozen file system. */
    } else if (strcmp(name, "RESUME") == 0 || strcmp(name, "WAKEUP") == 0) {
        hold_resumed(vm);
    } else if (strcmp(name, "STOP") != 0 || hold_is_due(vm)) {
        return;
    } else if (vm->phase == FIRED) {
        vm_fire(vm, "deadline");
    } else if (vm->phase == FIRING) {
        thaw_stopped(vm);
    }
}

static void on_frozen(void *owner, long long filesystems, const char *error)
{
    struct vm *vm = owner;

    if (vm->waiting == NULL) {
        return;
    }
    if (error == NULL) {
        session_answer(vm, json_pack("{s:b,s:I}", "ok", 1, "filesystems", (json_int_t)filesystems));
        return;
    }
    if (vm->qga.synced && qga_is_open(&vm->qga)) {
        /* The freeze was sent and may still happen: undo it before telling. */
        vm->quiesce_failed = true;
        qga_thaw(&vm->qga, loop_now() + 1000);
        return;
    }
    vm->quiesced = vm->qga.synced;
    session_fail(vm, "cannot quiesce", error, "see that qemu-guest-agent runs in the guest, or create the checkpoint with --quiesce=no");
}

static void on_thawed(void *owner, long long filesystems, const char *error)
{
    struct vm *vm = owner;
    bool failed = vm->quiesce_failed;

    vm->quiesce_failed = false;
    if (vm->phase == FIRING) {
        thaw_filesystems(vm, error);
        return;
    }
    vm->quiesced = error != NULL;
    if (vm->waiting == NULL) {
        return;
    }
    if (failed) {
        session_fail(vm, "cannot quiesce", "the guest agent did not freeze the file systems, or not in time",
                     error == NULL ? "they are thawed again; allow more time, or create the checkpoint with --quiesce=no"
                                   : "they will be thawed at the deadline; look at qemu-guest-agent in the guest");
    } else if (error != NULL) {
        session_fail(vm, "cannot unquiesce", error, "does the guest run? It will be tried again at the deadline");
    } else {
        session_answer(vm, json_pack("{s:b,s:I}", "ok", 1, "filesystems", (json_int_t)filesystems));
    }
}

/* Connects what is not connected, and sets the time of the next try. */
static void session_connect(struct vm *vm, int64_t now)
{
    char path[DIRECTORY_BYTES + 16];

    if (vm->qmp.state == QMP_DOWN) {
        snprintf(path, sizeof path, "%s/guard.sock", vm->directory);
        qmp_connect(&vm->qmp, path);
    }
    if (vm->has_qga && !qga_is_open(&vm->qga)) {
        snprintf(path, sizeof path, "%s/qga.sock", vm->directory);
        qga_connect(&vm->qga, path);
    }
    vm->reconnect_at = now + (vm->phase == IDLE && vm->hold.phase == HOLD_OFF && !vm->waiting_for_watch ? RECONNECT : RECONNECT_SOON);
}

static bool is_connected(const struct vm *vm)
{
    return vm->qmp.state != QMP_DOWN && (!vm->has_qga || qga_is_open(&vm->qga));
}

static void session_tick(struct vm *vm, int64_t now)
{
    if (!is_connected(vm) && now >= vm->reconnect_at) {
        session_connect(vm, now);
    }
    qga_tick(&vm->qga, now);
}

static int64_t session_next(const struct vm *vm)
{
    return !is_connected(vm) && vm->reconnect_at < vm->qga.until ? vm->reconnect_at : vm->qga.until;
}

static bool session_is_ready(const struct vm *vm)
{
    return vm->qmp.state == QMP_READY && !stream_is_hung_up(&vm->qmp.stream);
}

static void session_give_up_watch(struct vm *vm)
{
    bool down = vm->qmp.state == QMP_DOWN;

    qmp_close(&vm->qmp);
    session_fail(vm, "cannot watch", down ? "nobody listens on its guard.sock" : "its guard.sock gives no QMP greeting",
                 "does the VM run, and does no other client hold that socket? The guard keeps trying");
}

static void session_close(struct vm *vm)
{
    qmp_close(&vm->qmp);
    qga_close(&vm->qga);
}

const struct control qmp_control = {
    .name = "qmp",
    .unready = "the guard has no QMP session with it now",
    .is_there = vm_process_lives,
    .connect = session_connect,
    .is_ready = session_is_ready,
    .give_up_watch = session_give_up_watch,
    .close = session_close,
    .tick = session_tick,
    .next = session_next,
    .let_run = thaw_let_run,
    .thaw_tick = thaw_tick,
    .thaw_next = thaw_next,
};

void session_prepare(struct vm *vm)
{
    vm->control = &qmp_control;
    vm->console.watcher.fd = -1;
    vm->console.look_at = LOOP_NEVER;
    vm->qmp.stream.watcher.fd = -1;
    vm->qga.stream.watcher.fd = -1;
    vm->qga.until = LOOP_NEVER;
    vm->qmp.owner = vm->qga.owner = vm;
    vm->qmp.ready = on_qmp_ready;
    vm->qmp.down = on_qmp_down;
    vm->qmp.reply = on_qmp_reply;
    vm->qmp.event = on_qmp_event;
    vm->qga.frozen = on_frozen;
    vm->qga.thawed = on_thawed;
}
