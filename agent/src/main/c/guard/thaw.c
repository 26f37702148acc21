#include "thaw.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>

#include "log.h"
#include "server.h"
#include "vm.h"

/* Bounds in ms. Their sum stays well below the second that is promised after the deadline. */
#define PATIENCE 300      /* for an answer of QEMU's main loop, before a yank and again before the kill */
#define YANK_PATIENCE 100 /* for the list of what can be yanked, which needs no main loop */
#define RETRY 3
#define RETRY_SLOWLY 100
#define SETTLE 200
#define FS_PATIENCE 500
#define FS_GIVE_UP 60000
#define COMPLAIN 5000

static void ask(struct vm *vm);

static bool is_one_of(const char *word, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (strcmp(word, *words) == 0) {
            return true;
        }
    }
    return false;
}

enum thaw_verb thaw_verb(const char *status, const char *migration, bool background)
{
    static const char *const runs[] = {"running", "suspended", NULL};
    static const char *const stopped[] = {"paused", "postmigrate", "restore-vm", NULL};
    static const char *const ending[] = {"save-vm", "finish-migrate", NULL};
    static const char *const live[] = {"setup", "active", "device", "pre-switchover", "wait-unplug", "postcopy-active", NULL};
    /* A background snapshot must never be cancelled: QEMU 7.2 leaves the guest's memory write-protected for ever. */
    bool can_cancel = is_one_of(migration, live) && !background;

    if (is_one_of(status, stopped)) {
        return VERB_CONT;
    }
    if (is_one_of(status, runs)) {
        /* A live migration that nobody awaits any more would stop the guest when it converges. */
        return can_cancel ? VERB_CANCEL : VERB_NONE;
    }
    if (is_one_of(status, ending)) {
        return can_cancel ? VERB_CANCEL : VERB_WAIT;
    }
    return VERB_LEAVE; /* prelaunch, inmigrate, io-error, guest-panicked, shutdown, ...: not our freeze */
}

void thaw_finish(struct vm *vm, const char *result)
{
    snprintf(vm->thaw.result, sizeof vm->thaw.result, "%s", result);
    vm_thawed(vm);
}

static void go(struct vm *vm, enum thaw_step step, int64_t wake_at)
{
    vm->thaw.step = step;
    vm->thaw.wake_at = wake_at;
}

static void ask(struct vm *vm)
{
    struct thaw *thaw = &vm->thaw;

    if (thaw->escalation == 0 && thaw->step != THAW_PAUSE) {
        thaw->patience_at = loop_now() + PATIENCE;
    }
    go(vm, THAW_ASK, LOOP_NEVER);
    thaw->verb_id = 0;
    thaw->status_id = qmp_send(&vm->qmp, "query-status");
    thaw->migration_id = qmp_send(&vm->qmp, "query-migrate");
    thaw->capabilities_id = qmp_send(&vm->qmp, "query-migrate-capabilities");
}

void thaw_give_up(struct vm *vm)
{
    thaw_finish(vm, vm->quiesced ? "left stopped, as it is held for its standby; its file systems are frozen: when it runs, run fsfreeze -u in it"
                                 : "left stopped, as it is held for its standby");
}

void thaw_begin(struct vm *vm, const char *reason, int64_t now)
{
    vm->thaw = (struct thaw){.reason = reason, .started = now};
    if (hold_is_due(vm)) {
        thaw_give_up(vm);
    } else if (vm->was_paused) {
        thaw_finish(vm, "left paused, as its user wants it");
    } else {
        vm->control->let_run(vm, now);
    }
}

void thaw_let_run(struct vm *vm, int64_t now)
{
    vm->thaw.give_up_at = LOOP_NEVER;
    vm->thaw.patience_at = now + PATIENCE;
    if (vm->qmp.state == QMP_READY) {
        ask(vm);
    } else {
        thaw_disconnected(vm);
    }
}

void thaw_connected(struct vm *vm)
{
    ask(vm);
}

void thaw_disconnected(struct vm *vm)
{
    if (vm_process_lives(vm)) {
        go(vm, THAW_CONNECT, LOOP_NEVER);
    } else {
        thaw_finish(vm, "gone: its QEMU has ended");
    }
}

static void runs(struct vm *vm)
{
    struct thaw *thaw = &vm->thaw;
    int64_t now = loop_now();

    if (vm->quiesced) {
        if (thaw->give_up_at == LOOP_NEVER) {
            thaw->give_up_at = now + FS_GIVE_UP;
        }
        go(vm, THAW_FS, now);
        thaw_tick(vm, now);
        return;
    }
    if (thaw->settled) {
        thaw_finish(vm, thaw->acted ? "resumed" : "already running");
        return;
    }
    go(vm, THAW_SETTLE, now + SETTLE);
}

static void decide(struct vm *vm)
{
    struct thaw *thaw = &vm->thaw;
    char result[160];

    thaw->verb = thaw_verb(thaw->status, thaw->migration, thaw->background);
    if (thaw->verb != VERB_NONE) {
        thaw->settled = false;
    }
    switch (thaw->verb) {
    case VERB_NONE:
        runs(vm);
        return;
    case VERB_CONT:
    case VERB_CANCEL:
        thaw->step = THAW_VERB;
        thaw->verb_id = qmp_send(&vm->qmp, thaw->verb == VERB_CONT ? "cont" : "migrate_cancel");
        return;
    case VERB_WAIT:
        go(vm, THAW_PAUSE, loop_now() + RETRY);
        return;
    case VERB_LEAVE:
        snprintf(result, sizeof result, "left in state %s, which is no freeze of ours", thaw->status);
        thaw_finish(vm, result);
        return;
    }
}

static void yank(struct vm *vm, json_t *listed)
{
    json_t *instances = json_array();
    size_t index;
    json_t *instance;

    json_array_foreach(listed, index, instance) {
        const char *type = message_text(instance, "type");
        /* Never the character devices: our own monitor is among them. */
        if (type != NULL && (strcmp(type, "migration") == 0 || strcmp(type, "block-node") == 0)) {
            json_array_append(instances, instance);
        }
    }
    log_line(LOG_WARNING, "VM %s: QEMU hangs; closing its %zu network connections (yank)", vm->name,
             json_array_size(instances));
    vm->thaw.escalation = 2;
    vm->thaw.patience_at = loop_now() + PATIENCE;
    if (json_array_size(instances) > 0) {
        qmp_send_oob(&vm->qmp, "yank", json_pack("{s:o}", "instances", instances));
    }
}

/* Kills only who hangs: an owner that has spoken since the thaw began is alive, and a stopped QEMU is not its fault. */
static void kill_owner(struct vm *vm)
{
    vm->thaw.escalation = 3;
    vm->thaw.patience_at = loop_now() + COMPLAIN;
    if (vm->thaw.step == THAW_PAUSE || vm->owner == NULL || connection_spoke_since(vm->owner, vm->thaw.started) ||
        vm_process_is_stopped(vm)) {
        return;
    }
    if (vm->owner_pidfd >= 0 && pidfd_send_signal(vm->owner_pidfd, SIGKILL, NULL, 0) == 0) {
        log_line(LOG_ERROR, "VM %s: QEMU hangs and so does the agent that froze it; killed the agent, which ends the streams it holds",
                 vm->name);
    }
}

/* No progress for a bound. The order: yank out of band, SIGKILL of the hung owner, complaints. */
static void escalate(struct vm *vm, int64_t now)
{
    struct thaw *thaw = &vm->thaw;

    if (thaw->escalation == 0) {
        thaw->escalation = 1;
        thaw->patience_at = now + YANK_PATIENCE;
        thaw->yank_list_id = qmp_send_oob(&vm->qmp, "query-yank", NULL);
        if (thaw->yank_list_id != 0) {
            return;
        }
    }
    if (thaw->escalation < 3) {
        kill_owner(vm);
        return;
    }
    thaw->patience_at = now + COMPLAIN;
    log_line(LOG_ERROR, "VM %s: still not running %" PRId64 " ms after the thaw began: QEMU (pid %d) does not finish a command, as when its storage hangs; look at the storage, or stop the VM",
             vm->name, now - thaw->started, (int)vm->pid);
    if (thaw->step != THAW_PAUSE) {
        ask(vm); /* An answer may have been lost in a line too long to read. */
    }
}

static void answered_verb(struct vm *vm, const char *error)
{
    struct thaw *thaw = &vm->thaw;

    if (error == NULL) {
        thaw->acted = true;
        ask(vm);
        return;
    }
    if (thaw->refusals++ % 50 == 0) {
        log_line(LOG_INFO, "VM %s: QEMU refused %s in state %s: %s; trying again", vm->name,
                 thaw->verb == VERB_CONT ? "cont" : "migrate_cancel", thaw->status, error);
    }
    go(vm, THAW_PAUSE, loop_now() + (thaw->refusals < 50 ? RETRY : RETRY_SLOWLY));
}

static void note_capabilities(struct vm *vm, json_t *list)
{
    size_t index;
    json_t *entry;

    vm->thaw.background = false;
    json_array_foreach(list, index, entry) {
        const char *name = message_text(entry, "capability");
        if (name != NULL && strcmp(name, "background-snapshot") == 0) {
            vm->thaw.background = json_is_true(json_object_get(entry, "state"));
        }
    }
}

void thaw_reply(struct vm *vm, unsigned id, json_t *result, const char *error)
{
    struct thaw *thaw = &vm->thaw;
    const char *status = message_text(result, "status");

    if (id == thaw->yank_list_id && thaw->escalation == 1) {
        yank(vm, result);
    } else if (thaw->step == THAW_VERB && id == thaw->verb_id) {
        answered_verb(vm, error);
    } else if (thaw->step == THAW_ASK && id == thaw->status_id) {
        snprintf(thaw->status, sizeof thaw->status, "%s", status != NULL ? status : "unknown");
    } else if (thaw->step == THAW_ASK && id == thaw->migration_id) {
        snprintf(thaw->migration, sizeof thaw->migration, "%s", status != NULL ? status : "none");
    } else if (thaw->step == THAW_ASK && id == thaw->capabilities_id) {
        note_capabilities(vm, result);
        decide(vm);
    }
}

void thaw_stopped(struct vm *vm)
{
    if (vm->thaw.step == THAW_SETTLE || vm->thaw.step == THAW_FS) {
        vm->thaw.settled = false;
        ask(vm);
    }
}

void thaw_filesystems(struct vm *vm, const char *error)
{
    if (vm->thaw.step != THAW_FS) {
        return;
    }
    if (error == NULL) {
        vm->quiesced = false;
        vm->thaw.acted = true;
        ask(vm);
        return;
    }
    vm->thaw.wake_at = loop_now() + FS_PATIENCE;
    log_line(LOG_WARNING, "VM %s: cannot thaw the guest's file systems: %s; trying again", vm->name, error);
}

static void tick_filesystems(struct vm *vm, int64_t now)
{
    if (!vm->quiesced) {
        ask(vm); /* The guest was reset. */
    } else if (now >= vm->thaw.give_up_at) {
        log_line(LOG_ERROR, "VM %s: the guest runs, but its file systems may be frozen, because its agent does not answer; in the guest run `fsfreeze -u` on each, or restart it",
                 vm->name);
        vm->quiesced = false;
        thaw_finish(vm, "resumed, but its file systems may still be frozen");
    } else if (qga_is_open(&vm->qga)) {
        vm->thaw.wake_at = LOOP_NEVER;
        qga_thaw(&vm->qga, now + FS_PATIENCE);
    } else {
        vm->thaw.wake_at = now + FS_PATIENCE; /* vms_tick() connects again */
    }
}

void thaw_tick(struct vm *vm, int64_t now)
{
    struct thaw *thaw = &vm->thaw;

    switch (thaw->step) {
    case THAW_CONNECT:
        if (!vm_process_lives(vm)) {
            thaw_finish(vm, "gone: its QEMU has ended");
        } else if (now >= thaw->patience_at) {
            thaw->patience_at = now + COMPLAIN;
            log_line(LOG_ERROR, "VM %s: no QMP session with its QEMU (pid %d) on %s/guard.sock, so it cannot be thawed from here; run the thaw script, which uses rescue.sock",
                     vm->name, (int)vm->pid, vm->directory);
            qmp_close(&vm->qmp); /* vms_tick() connects anew */
        }
        return;
    case THAW_ASK:
    case THAW_VERB:
    case THAW_PAUSE:
        if (now >= thaw->patience_at) {
            escalate(vm, now);
        }
        if (thaw->step == THAW_PAUSE && now >= thaw->wake_at) {
            ask(vm);
        }
        return;
    case THAW_FS:
        if (now >= thaw->wake_at) {
            tick_filesystems(vm, now);
        }
        return;
    case THAW_SETTLE:
        if (now >= thaw->wake_at) {
            thaw->settled = true;
            ask(vm);
        }
        return;
    }
}

int64_t thaw_next(const struct vm *vm)
{
    const struct thaw *thaw = &vm->thaw;
    bool impatient = thaw->step != THAW_FS && thaw->step != THAW_SETTLE;

    return impatient && thaw->patience_at < thaw->wake_at ? thaw->patience_at : thaw->wake_at;
}
