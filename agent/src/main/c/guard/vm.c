#include "vm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "marker.h"
#include "server.h"
#include "session.h"

struct vm *vms[VM_LIMIT];

static int64_t earlier(int64_t one, int64_t other)
{
    return one < other ? one : other;
}

/* State letter and start time of a process, from /proc (field 3 and 22 of stat); 0 if there is none. */
static unsigned long long process_start(pid_t pid, char *state)
{
    char path[32];
    char text[512];
    unsigned long long start = 0;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    text[length > 0 ? length : 0] = '\0';
    char *after_name = strrchr(text, ')');
    if (after_name == NULL ||
        sscanf(after_name + 1, " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu", state, &start) != 2) {
        return 0;
    }
    return *state == 'Z' || *state == 'X' ? 0 : start;
}

bool vm_process_lives(const struct vm *vm)
{
    char state;

    return vm->pid_start != 0 && process_start(vm->pid, &state) == vm->pid_start;
}

bool vm_process_is_stopped(const struct vm *vm)
{
    char state = ' ';

    return process_start(vm->pid, &state) == vm->pid_start && (state == 'T' || state == 't');
}

struct vm *vm_find(const char *name)
{
    for (size_t i = 0; i < VM_LIMIT; i++) {
        if (vms[i] != NULL && strcmp(vms[i]->name, name) == 0) {
            return vms[i];
        }
    }
    return NULL;
}

static struct vm *new_vm(const char *name)
{
    for (size_t i = 0; i < VM_LIMIT; i++) {
        if (vms[i] == NULL) {
            struct vm *vm = calloc(1, sizeof *vm);
            if (vm == NULL) {
                return NULL;
            }
            snprintf(vm->name, sizeof vm->name, "%s", name);
            vm->owner_pidfd = -1;
            session_prepare(vm);
            libvirt_prepare(vm);
            xen_prepare(vm);
            vms[i] = vm;
            return vm;
        }
    }
    return NULL;
}

bool vm_is_same(const struct vm *vm, const struct watched *watched)
{
    return vm->pid == watched->pid && strcmp(vm->domain, watched->domain) == 0 &&
           strcmp(vm->directory, watched->directory) == 0 && vm->control == watched->control;
}

struct vm *vm_watch(const char *name, const struct watched *watched)
{
    char state;
    struct vm *vm = vm_find(name);

    if (vm == NULL) {
        vm = new_vm(name);
    }
    if (vm == NULL) {
        return NULL;
    }
    unsigned long long start = process_start(watched->pid, &state);
    if (!vm_is_same(vm, watched) || vm->pid_start != start) {
        hold_moves(vm, watched->directory);
        vm->control->close(vm);
    }
    bool moved = vm->pid != watched->pid || vm->pid_start != start;
    if (!watched->has_qga) {
        qga_close(&vm->qga);
    }
    snprintf(vm->directory, sizeof vm->directory, "%s", watched->directory);
    snprintf(vm->domain, sizeof vm->domain, "%s", watched->domain);
    vm->pid = watched->pid;
    vm->pid_start = start;
    vm->has_qga = watched->has_qga;
    vm->control = watched->control;
    if (moved) {
        hold_moved(vm);
    }
    return vm;
}

static void set_idle(struct vm *vm)
{
    vm->phase = IDLE;
    vm->owner = NULL;
    vm->quiesced = false;
    vm->token[0] = '\0';
    if (vm->owner_pidfd >= 0) {
        close(vm->owner_pidfd);
        vm->owner_pidfd = -1;
    }
}

bool vm_is_being_thawed(const struct vm *vm)
{
    return vm->phase == FIRING || (vm->phase == FIRED && vm->thaw.in_doubt);
}

void vm_unwatch(struct vm *vm)
{
    vm->control->close(vm);
    set_idle(vm);
    for (size_t i = 0; i < VM_LIMIT; i++) {
        if (vms[i] == vm) {
            vms[i] = NULL;
        }
    }
    free(vm);
}

bool vm_arm(struct vm *vm, struct connection *owner, int owner_pidfd, const char *token, int64_t deadline_ms, bool was_paused)
{
    int64_t now = loop_now();

    if (!marker_write(vm->directory, token, deadline_ms, now, was_paused)) {
        return false;
    }
    if (vm->phase == IDLE) {
        vm->owner_pidfd = owner_pidfd >= 0 ? fcntl(owner_pidfd, F_DUPFD_CLOEXEC, 0) : -1;
        vm->quiesced = false;
    }
    vm->phase = ARMED;
    vm->owner = owner;
    snprintf(vm->token, sizeof vm->token, "%s", token);
    vm->deadline_ms = deadline_ms;
    vm->deadline = now + deadline_ms;
    vm->was_paused = was_paused;
    return true;
}

void vm_disarm(struct vm *vm)
{
    if (vm->phase == FIRING) {
        vm->owner = NULL; /* The thaw goes on to its end, then nobody holds the token. */
        return;
    }
    marker_remove(vm->directory, vm->token);
    set_idle(vm);
}

void vm_fire(struct vm *vm, const char *reason)
{
    log_line(LOG_WARNING, "VM %s: thawing it (%s, token %s)", vm->name, reason, vm->token);
    vm->phase = FIRING;
    snprintf(vm->last_fired, sizeof vm->last_fired, "%s", vm->token);
    if (vm->owner != NULL) {
        /* Who answers this with "alive" does not hang, and is not killed as a last resort. */
        server_broadcast(json_pack("{s:s,s:s,s:s,s:s}", "event", "firing", "vm", vm->name, "token", vm->token, "reason", reason));
    }
    thaw_begin(vm, reason, loop_now());
    if (vm->waiting != NULL && !vm->waiting_for_watch) {
        session_fail(vm, "cannot quiesce or unquiesce", "the deadline passed meanwhile, and the guard thaws the VM",
                     "give up this round and try again");
    }
}

void vm_thawed(struct vm *vm)
{
    log_line(LOG_WARNING, "VM %s: %s (%s, token %s, %lld ms)", vm->name, vm->thaw.result, vm->thaw.reason, vm->token,
             (long long)(loop_now() - vm->thaw.started));
    if (!vm->thaw.in_doubt) {
        marker_remove(vm->directory, vm->token);
    }
    json_t *event = json_pack("{s:s,s:s,s:s,s:s,s:s}", "event", "fired", "vm", vm->name, "token", vm->token, "reason",
                              vm->thaw.reason, "result", vm->thaw.result);
    if (vm->thaw.in_doubt || (vm->owner != NULL && !vm->was_paused)) {
        vm->phase = FIRED;
    } else {
        set_idle(vm);
    }
    server_broadcast(event);
}

void vms_forget(struct connection *connection)
{
    for (size_t i = 0; i < VM_LIMIT; i++) {
        struct vm *vm = vms[i];
        if (vm == NULL) {
            continue;
        }
        if (vm->waiting == connection) {
            vm->waiting = NULL;
            vm->waiting_for_watch = false;
        }
        hold_forget(vm, connection);
        if (vm->owner == connection) {
            vm->owner = NULL;
            if (vm->phase == ARMED || vm->phase == FIRED) {
                vm_fire(vm, "eof");
            }
        }
    }
}

void vms_fire_all(const char *reason)
{
    for (size_t i = 0; i < VM_LIMIT; i++) {
        if (vms[i] != NULL && vms[i]->phase == ARMED) {
            vms[i]->owner = NULL;
            vm_fire(vms[i], reason);
        }
    }
}

bool vms_any_armed(void)
{
    for (size_t i = 0; i < VM_LIMIT; i++) {
        if (vms[i] != NULL && (vms[i]->phase == ARMED || vm_is_being_thawed(vms[i]))) {
            return true;
        }
    }
    return false;
}

static void tick_one(struct vm *vm, int64_t now)
{
    if (vm->waiting_for_watch && now >= vm->waiting_until) {
        vm->control->give_up_watch(vm);
    }
    vm->control->tick(vm, now);
    if (vm->phase == ARMED && now >= vm->deadline) {
        vm_fire(vm, "deadline");
    }
    if (vm->phase == FIRING) {
        vm->control->thaw_tick(vm, now);
    }
    hold_tick(vm, now);
}

static int64_t next_of(const struct vm *vm)
{
    int64_t next = vm->control->next(vm);

    if (vm->waiting_for_watch) {
        next = earlier(next, vm->waiting_until);
    }
    if (vm->phase == ARMED) {
        next = earlier(next, vm->deadline);
    }
    if (vm->phase == FIRING) {
        next = earlier(next, vm->control->thaw_next(vm));
    }
    return earlier(next, hold_next(vm));
}

int64_t vms_tick(int64_t now)
{
    int64_t next = LOOP_NEVER;

    message_reset();
    for (size_t i = 0; i < VM_LIMIT; i++) {
        if (vms[i] != NULL) {
            tick_one(vms[i], now);
            next = earlier(next, next_of(vms[i]));
        }
    }
    return next;
}
