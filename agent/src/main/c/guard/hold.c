#include "hold.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "holdfile.h"
#include "log.h"
#include "server.h"
#include "vm.h"

/* Bounds in ms. The guest's processors stand still long before a `stop` is answered that waits for the disks. */
#define PATIENCE 1000
#define YANK_PATIENCE 100
#define RETRY 20
#define COMPLAIN 5000
/* A thaw under way is let finish, unless it hangs. */
#define THAW_FIRST 1500

static void ask(struct vm *vm)
{
    struct hold *hold = &vm->hold;

    hold->wake_at = LOOP_NEVER;
    /* Sent together: QEMU's main loop carries them out one after the other. */
    hold->before_id = qmp_send(&vm->qmp, "query-status");
    qmp_send(&vm->qmp, "stop");
    hold->after_id = qmp_send(&vm->qmp, "query-status");
}

static void begin(struct vm *vm, int64_t now)
{
    struct hold *hold = &vm->hold;

    hold->phase = HOLD_STOPPING;
    hold->escalation = 0;
    hold->ran = false;
    hold->patience_at = now + PATIENCE;
    hold->wake_at = LOOP_NEVER;
    if (vm->qmp.state == QMP_READY) {
        ask(vm);
    }
}

static void tell(struct vm *vm, const char *result)
{
    struct hold *hold = &vm->hold;

    log_line(LOG_WARNING, "VM %s: to be held for its standby (token %s): %s", vm->name, hold->token, result);
    if (!hold->told) {
        hold->told = true;
        server_broadcast(json_pack("{s:s,s:s,s:s,s:s,s:s}", "event", "held", "vm", vm->name, "token", hold->token, "reason",
                                   hold->owner != NULL ? "lag" : "eof", "result", result));
    }
}

static void end(struct vm *vm)
{
    struct connection *asker = vm->hold.asker;

    if (asker != NULL) {
        connection_fail(asker, "VM %s: its QEMU has ended; there is nothing to hold any more", vm->name);
        connection_go_on(asker);
    }
    holdfile_remove(vm->directory, "hold");
    holdfile_remove(vm->directory, "held");
    vm->hold = (struct hold){.phase = HOLD_OFF};
}

static bool ended_with_process(struct vm *vm)
{
    if (vm_process_lives(vm)) {
        return false;
    }
    if (hold_is_due(vm)) {
        tell(vm, "gone: its QEMU has ended");
    }
    end(vm);
    return true;
}

static bool set(struct vm *vm, struct connection *owner, const char *token, int64_t due)
{
    if (!holdfile_write(vm, token, due)) {
        return false;
    }
    /* After the other one: whoever is killed in between leaves a machine that is held, and a time at which it is held. */
    holdfile_remove(vm->directory, "held");
    vm->hold = (struct hold){.phase = HOLD_COUNTING, .owner = owner, .due = due};
    snprintf(vm->hold.token, sizeof vm->hold.token, "%s", token);
    return true;
}

static void carry_out(struct vm *vm, struct connection *asker, const char *token, int64_t due)
{
    if (due == LOOP_NEVER) {
        connection_reply(asker, json_pack("{s:b,s:b}", "ok", 1, "held", hold_off(vm)));
    } else if (set(vm, asker, token, due)) {
        connection_reply(asker, json_pack("{s:b}", "ok", 1));
    } else {
        connection_fail(asker, "cannot hold VM %s: the file %s/hold cannot be written: %s; make room there", vm->name, vm->directory,
                        strerror(errno));
    }
}

void hold_change(struct vm *vm, struct connection *asker, const char *token, int64_t due)
{
    struct hold *hold = &vm->hold;

    if (hold->phase != HOLD_STOPPING || hold->after_id == 0) {
        carry_out(vm, asker, token, due);
    } else if (hold->asker != NULL) {
        connection_fail(asker, "VM %s: another request to hold it is not answered yet; wait for that", vm->name);
    } else {
        hold->asker = asker;
        hold->asked_due = due;
        snprintf(hold->asked_token, sizeof hold->asked_token, "%s", token);
        connection_wait(asker);
    }
}

static void answer(struct vm *vm)
{
    struct connection *asker = vm->hold.asker;
    char token[HOLD_TOKEN_BYTES];

    if (asker != NULL) {
        memcpy(token, vm->hold.asked_token, sizeof token);
        vm->hold.asker = NULL;
        carry_out(vm, asker, token, vm->hold.asked_due);
        connection_go_on(asker);
    }
}

void hold_forget(struct vm *vm, const struct connection *connection)
{
    if (vm->hold.owner == connection) {
        vm->hold.owner = NULL;
    }
    if (vm->hold.asker == connection) {
        vm->hold.asker = NULL;
    }
}

bool hold_off(struct vm *vm)
{
    bool held = vm->hold.phase == HOLD_STOPPING || vm->hold.phase == HOLD_HELD;

    if (vm->hold.phase != HOLD_OFF) {
        end(vm);
    }
    return held;
}

bool hold_is_due(const struct vm *vm)
{
    return vm->hold.phase == HOLD_STOPPING || vm->hold.phase == HOLD_HELD;
}

void hold_moves(struct vm *vm, const char *directory)
{
    if (vm->hold.phase == HOLD_OFF || ended_with_process(vm)) {
        return;
    }
    if (strcmp(directory, vm->directory) != 0) {
        holdfile_remove(vm->directory, "hold");
        holdfile_remove(vm->directory, "held");
    }
}

void hold_moved(struct vm *vm)
{
    if (vm->hold.phase == HOLD_OFF) {
        return;
    }
    bool written = holdfile_write(vm, vm->hold.token, vm->hold.due);
    if (!written || (hold_is_due(vm) && !holdfile_copy(vm->directory, "hold", "held"))) {
        log_line(LOG_ERROR, "VM %s: cannot write %s/hold: a guard after this one would not hold it", vm->name, vm->directory);
    }
}

void hold_connected(struct vm *vm)
{
    if (hold_is_due(vm)) {
        begin(vm, loop_now()); /* Whatever has happened since the session was lost. */
    }
}

void hold_disconnected(struct vm *vm)
{
    if (vm->hold.phase != HOLD_OFF) {
        ended_with_process(vm);
    }
}

static void stands_still(struct vm *vm)
{
    vm->hold.phase = HOLD_HELD;
    tell(vm, vm->hold.ran ? "stopped" : "already stopped");
}

static void yank(struct vm *vm, json_t *listed)
{
    json_t *instances = json_array();
    size_t index;
    json_t *instance;

    json_array_foreach(listed, index, instance) {
        const char *type = message_text(instance, "type");
        /* Not a migration: one that fails in its last moment lets the guest run. */
        if (type != NULL && strcmp(type, "block-node") == 0) {
            json_array_append(instances, instance);
        }
    }
    log_line(LOG_WARNING, "VM %s: QEMU hangs while it is to be stopped; closing the %zu network connections of its disks (yank)",
             vm->name, json_array_size(instances));
    vm->hold.escalation = 2;
    vm->hold.patience_at = loop_now() + COMPLAIN;
    if (json_array_size(instances) > 0) {
        qmp_send_oob(&vm->qmp, "yank", json_pack("{s:o}", "instances", instances));
    }
}

void hold_reply(struct vm *vm, unsigned id, json_t *result)
{
    struct hold *hold = &vm->hold;
    const char *status = message_text(result, "status");
    bool runs = status == NULL || strcmp(status, "running") == 0;

    if (hold->phase != HOLD_STOPPING) {
        return;
    }
    if (id == hold->yank_list_id && hold->escalation == 1) {
        yank(vm, result);
    } else if (id == hold->before_id) {
        hold->ran = hold->ran || runs;
    } else if (id == hold->after_id) {
        hold->after_id = 0;
        if (runs) {
            hold->wake_at = loop_now() + RETRY;
        } else {
            stands_still(vm);
        }
        answer(vm);
    }
}

void hold_resumed(struct vm *vm)
{
    if (vm->hold.phase != HOLD_HELD) {
        return;
    }
    if (!holdfile_is_there(vm->directory, "held")) {
        log_line(LOG_WARNING, "VM %s: runs although it was held, and its file \"held\" is gone: somebody wants it so", vm->name);
        end(vm);
        return;
    }
    log_line(LOG_WARNING, "VM %s: runs although it is held; stopping it again. To let it run: thaw --holds %s", vm->name, vm->name);
    begin(vm, loop_now());
}

/* No answer for a bound: what may hang are the disks, and the standby behind them. */
static void escalate(struct vm *vm, int64_t now)
{
    struct hold *hold = &vm->hold;

    if (hold->escalation == 0) {
        hold->escalation = 1;
        hold->patience_at = now + YANK_PATIENCE;
        hold->yank_list_id = qmp_send_oob(&vm->qmp, "query-yank", NULL);
        if (hold->yank_list_id != 0) {
            return;
        }
    }
    hold->patience_at = now + COMPLAIN;
    log_line(LOG_ERROR, "VM %s: QEMU (pid %d) has not said for %" PRId64 " ms that it stands still: it does not finish a command, as when its storage hangs; look at the storage, or stop the VM",
             vm->name, (int)vm->pid, now - hold->due);
    if (vm->qmp.state == QMP_READY) {
        ask(vm); /* An answer may have been lost in a line too long to read. */
    }
}

static void fall_due(struct vm *vm, int64_t now)
{
    if (vm->phase == FIRING && now < vm->hold.due + THAW_FIRST) {
        return;
    }
    if (ended_with_process(vm)) {
        return;
    }
    if (!holdfile_copy(vm->directory, "hold", "held")) {
        log_line(LOG_WARNING, "VM %s: cannot write %s/held: others may let it run", vm->name, vm->directory);
    }
    begin(vm, now);
    if (vm->phase == FIRING) {
        thaw_give_up(vm);
    }
}

void hold_tick(struct vm *vm, int64_t now)
{
    struct hold *hold = &vm->hold;

    if (hold->phase != HOLD_OFF && vm->qmp.state == QMP_DOWN && ended_with_process(vm)) {
        return;
    }
    if (hold->phase == HOLD_COUNTING && now >= hold->due) {
        fall_due(vm, now);
    } else if (hold->phase == HOLD_STOPPING && now >= hold->patience_at) {
        escalate(vm, now);
    } else if (hold->phase == HOLD_STOPPING && now >= hold->wake_at && vm->qmp.state == QMP_READY) {
        ask(vm);
    }
}

int64_t hold_next(const struct vm *vm)
{
    const struct hold *hold = &vm->hold;

    switch (hold->phase) {
    case HOLD_COUNTING:
        return vm->phase == FIRING && hold->due <= loop_now() ? hold->due + THAW_FIRST : hold->due;
    case HOLD_STOPPING:
        return vm->qmp.state == QMP_READY && hold->wake_at < hold->patience_at ? hold->wake_at : hold->patience_at;
    case HOLD_OFF:
    case HOLD_HELD:
        break;
    }
    return LOOP_NEVER;
}

static void recall(const char *directory, const char *name)
{
    struct holdfile file;

    if (vm_find(name) != NULL || !holdfile_read(directory, &file)) {
        return;
    }
    struct vm *vm = vm_watch(name, &(struct watched){.directory = directory, .control = &qmp_control, .pid = file.pid, .domain = ""});
    if (vm == NULL) {
        log_line(LOG_ERROR, "VM %s: cannot be held as it was to be: too many VMs, or no memory", name);
        return;
    }
    snprintf(vm->hold.token, sizeof vm->hold.token, "%s", file.token);
    vm->hold.due = file.due;
    if (vm->pid_start != file.pid_start) {
        end(vm);
        vm_unwatch(vm);
        return;
    }
    log_line(LOG_WARNING, "VM %s: a guard before this one was to hold it (token %s); this one will", name, file.token);
    vm->hold.phase = HOLD_COUNTING;
    if (holdfile_is_there(directory, "held")) {
        begin(vm, loop_now());
    }
}

void hold_recall(const char *socket_path)
{
    holdfile_each(socket_path, recall);
}
