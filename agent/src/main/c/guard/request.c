#include "request.h"

#include <errno.h>
#include <string.h>

#include "log.h"
#include "server.h"
#include "session.h"
#include "vm.h"

#define DEADLINE_LONGEST_MS 600000
/* max_lag of an hour and ten intervals of ten minutes are 2 h 40 min */
#define HOLD_LONGEST_MS 14400000
#define QUIESCE_LONGEST_MS 60000
#define WATCH_PATIENCE_MS 2000
#define UNQUIESCE_PATIENCE_MS 2000

#define LETTERS_AND_DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static bool has_only(const char *text, size_t longest, const char *allowed)
{
    size_t length = strlen(text);

    return length > 0 && length <= longest && strspn(text, allowed) == length;
}

bool is_name(const char *text)
{
    return has_only(text, NAME_BYTES - 1, LETTERS_AND_DIGITS "._-") && strchr(LETTERS_AND_DIGITS, text[0]) != NULL &&
           strstr(text, "..") == NULL;
}

bool is_token(const char *text)
{
    return has_only(text, TOKEN_BYTES - 1, LETTERS_AND_DIGITS "._:@/+=-");
}

static void succeed(struct connection *connection)
{
    connection_reply(connection, json_pack("{s:b}", "ok", 1));
}

/* The VM the request names; answers itself if there is none. */
static struct vm *named_vm(struct connection *connection, const json_t *request)
{
    const char *name = message_text(request, "vm");
    struct vm *vm = name == NULL ? NULL : vm_find(name);

    if (name == NULL) {
        connection_fail(connection, "the request names no VM: it has no text member \"vm\"; add it");
    } else if (vm == NULL) {
        connection_fail(connection, "VM %.64s is not watched: this guard may be newer than the agent's connection; send \"watch\" first", name);
    }
    return vm;
}

static const char *valid_token(struct connection *connection, const json_t *request)
{
    const char *token = message_text(request, "token");

    if (token == NULL || !is_token(token)) {
        connection_fail(connection, "the token is missing or bad: it must be 1 to 128 letters, digits or ._:@/+=- characters; send another one");
        return NULL;
    }
    return token;
}

/* True if the connection holds the VM armed with the request's token; answers itself if not. */
static bool holds(struct connection *connection, struct vm *vm, const char *token)
{
    if (vm->phase == ARMED && vm->owner == connection && strcmp(vm->token, token) == 0) {
        return true;
    }
    connection_fail(connection, "VM %s is not armed with token %s by this connection%s; arm it first", vm->name, token,
                    strcmp(vm->last_fired, token) == 0 ? ": its deadline passed and the guard has thawed it" : "");
    return false;
}

static void begin_watch(struct connection *connection, struct vm *vm, const json_t *request)
{
    if (vm->control->take != NULL) {
        vm->control->take(vm, request);
    }
    vm->control->connect(vm, loop_now());
    if (vm->control->is_ready(vm)) {
        succeed(connection);
        return;
    }
    vm->waiting = connection;
    vm->waiting_for_watch = true;
    vm->waiting_until = loop_now() + WATCH_PATIENCE_MS;
    connection_wait(connection);
}

/*
 * watch: connects the VM's guard.sock and, if `qga`, its qga.sock. Answered when the QMP session is ready. With `control` "mconsole" it
 * is a User-Mode Linux: answered when its console answers. With "libvirt" it is the domain of the UUID `domain`, and `virsh` the words by
 * which virsh is called: answered when virsh has said what state it is in. With "xen" it is
 * the domain of that number: answered when xl tells of it.
 */
static void op_watch(struct connection *connection, const json_t *request)
{
    const char *name = message_text(request, "vm");
    const char *directory = message_text(request, "dir");
    const struct control *control = control_named(message_text(request, "control"));
    const char *domain = message_text(request, "domain");
    long long pid = 0;

    if (name == NULL || !is_name(name)) {
        connection_fail(connection, "the VM's name is missing or bad: it must be 1 to 64 letters, digits, dots, dashes or underscores, and begin with a letter or digit; choose another one");
        return;
    }
    if (directory == NULL || directory[0] != '/' || strlen(directory) >= DIRECTORY_BYTES - 1) {
        connection_fail(connection, "cannot watch VM %s: \"dir\" must be an absolute path shorter than %d bytes, or its sockets do not fit the kernel's limit; choose a shorter run_dir",
                        name, DIRECTORY_BYTES - 1);
        return;
    }
    if (control == NULL) {
        connection_fail(connection, "cannot watch VM %s: \"control\" must be qmp, mconsole, libvirt or xen; are agent and guard of one version?", name);
        return;
    }
    if (!control->without_process && !message_number(request, "pid", 2, INT32_MAX, &pid)) {
        connection_fail(connection, "cannot watch VM %s: \"pid\" must be the number of its process; add it", name);
        return;
    }
    if (control->names_domain && (domain == NULL || !is_name(domain))) {
        connection_fail(connection, "cannot watch VM %s: \"domain\" must be its number or its name; add it", name);
        return;
    }
    const char *objection = control->objection == NULL ? NULL : control->objection(request);
    if (objection != NULL) {
        connection_fail(connection, "cannot watch VM %s: %s; are agent and guard of one version?", name, objection);
        return;
    }
    struct watched watched = {.directory = directory,
                              .control = control,
                              .pid = (pid_t)pid,
                              .domain = control->names_domain ? domain : "",
                              .has_qga = control->lacks == NULL && json_is_true(json_object_get(request, "qga"))};
    struct vm *vm = vm_find(name);
    if (vm != NULL && vm->waiting != NULL) {
        connection_fail(connection, "cannot watch VM %s: another request for it is not answered yet; wait for that", name);
        return;
    }
    if (vm != NULL && (vm->phase == ARMED || vm_is_being_thawed(vm)) && !vm_is_same(vm, &watched)) {
        connection_fail(connection, "cannot watch another process as VM %s: it is %s", name,
                        vm->phase == ARMED ? "armed; disarm it first" : "being thawed; wait for the end of that, or end it with 'holdfast vm thaw', or stop the VM");
        return;
    }
    if (vm != NULL && vm->hold.phase != HOLD_OFF && control->lacks != NULL && vm_process_lives(vm)) {
        connection_fail(connection, "cannot watch VM %s so: it is to be held for its standby, and %s; end that process first", name, control->lacks);
        return;
    }
    vm = vm_watch(name, &watched);
    if (vm == NULL) {
        connection_fail(connection, "cannot watch VM %s: the guard watches %d VMs at most, or has no memory; unwatch others", name, VM_LIMIT);
    } else if (!control->is_there(vm)) {
        vm_unwatch(vm);
        connection_fail(connection, "cannot watch VM %s: there is no process %lld; start the VM first", name, pid);
    } else {
        begin_watch(connection, vm, request);
    }
}

/* unwatch: closes the sockets. */
static void op_unwatch(struct connection *connection, const json_t *request)
{
    struct vm *vm = named_vm(connection, request);

    if (vm == NULL) {
        return;
    }
    if (vm->phase == ARMED || vm_is_being_thawed(vm) || vm->waiting != NULL) {
        connection_fail(connection, "cannot unwatch VM %s: it is armed or being thawed; disarm it first", vm->name);
        return;
    }
    if (vm->hold.phase != HOLD_OFF && vm_process_lives(vm)) {
        connection_fail(connection, "cannot unwatch VM %s: it is to be held for its standby (token %s); send \"hold_off\" first", vm->name, vm->hold.token);
        return;
    }
    hold_off(vm);
    vm_unwatch(vm);
    succeed(connection);
}

static bool can_quiesce(struct connection *connection, struct vm *vm)
{
    if (vm->waiting != NULL) {
        connection_fail(connection, "VM %s: another request for it is not answered yet; wait for that", vm->name);
        return false;
    }
    if (vm->control->lacks != NULL) {
        connection_fail(connection, "VM %s has no file systems that could be frozen from here: %s; create the checkpoint with --quiesce=no", vm->name, vm->control->lacks);
        return false;
    }
    if (!vm->has_qga || !qga_is_open(&vm->qga)) {
        connection_fail(connection, "cannot speak to the guest agent of VM %s: %s; set guest_agent = true, or create the checkpoint with --quiesce=no", vm->name,
                        vm->has_qga ? "nobody listens on its qga.sock" : "it is watched without one");
        return false;
    }
    return true;
}

/*
 * arm: from now on the guest may be frozen, for deadline_ms. The same token again starts the countdown anew. `quiesced`: its
 * file systems are frozen already, because it was restored from a quiesced capture; the thaw includes them.
 */
static void op_arm(struct connection *connection, const json_t *request)
{
    struct vm *vm = named_vm(connection, request);
    const char *token = vm == NULL ? NULL : valid_token(connection, request);
    long long deadline_ms;

    if (token == NULL) {
        return;
    }
    if (!message_number(request, "deadline_ms", 1, DEADLINE_LONGEST_MS, &deadline_ms)) {
        connection_fail(connection, "cannot arm VM %s: \"deadline_ms\" must be a whole number from 1 to %d; change the deadline", vm->name, DEADLINE_LONGEST_MS);
        return;
    }
    bool mine = vm->owner == connection;
    bool same = strcmp(vm->token, token) == 0;
    bool quiesced = json_is_true(json_object_get(request, "quiesced"));
    if (strcmp(vm->last_fired, token) == 0) {
        connection_fail(connection, "cannot arm VM %s with token %s: its deadline passed and the guard has thawed it, so what was captured is void; begin a new round with a new token", vm->name, token);
    } else if (vm_is_being_thawed(vm) || (vm->phase != IDLE && !mine) || (vm->phase == ARMED && !same)) {
        connection_fail(connection, "cannot arm VM %s: it is %s with token %s; wait for the end of that round, or end it: 'holdfast vm thaw %s'", vm->name,
                        vm_is_being_thawed(vm) ? "being thawed" : "armed", vm->token, vm->name);
    } else if (quiesced && !can_quiesce(connection, vm)) {
        return;
    } else if (!vm->control->is_ready(vm)) {
        connection_fail(connection, "cannot arm VM %s: %s, so it could not be thawed; does it run and answer?", vm->name, vm->control->unready);
    } else if (!vm_arm(vm, connection, connection->pidfd, token, deadline_ms, json_is_true(json_object_get(request, "was_paused")))) {
        connection_fail(connection, "cannot arm VM %s: the freeze marker %s/frozen cannot be written: %s; make room there", vm->name, vm->directory, strerror(errno));
    } else {
        vm->quiesced = vm->quiesced || quiesced;
        succeed(connection);
    }
}

/* disarm: the guest runs again. `fired`: the guard thawed it before, the freeze was not whole. */
static void op_disarm(struct connection *connection, const json_t *request)
{
    struct vm *vm = named_vm(connection, request);
    const char *token = vm == NULL ? NULL : valid_token(connection, request);

    if (token == NULL) {
        return;
    }
    bool fired = strcmp(vm->last_fired, token) == 0;
    bool current = vm->phase != IDLE && strcmp(vm->token, token) == 0 && vm->owner == connection;
    if (!current && !fired) {
        holds(connection, vm, token);
        return;
    }
    if (current && vm->phase == ARMED && vm->quiesced) {
        connection_fail(connection, "cannot disarm VM %s: its file systems are frozen; send \"unquiesce\" first", vm->name);
        return;
    }
    if (current) {
        vm_disarm(vm);
    }
    connection_reply(connection, json_pack("{s:b,s:b}", "ok", 1, "fired", fired));
}

/* quiesce: freezes the guest's file systems; from now on the thaw includes them. */
static void op_quiesce(struct connection *connection, const json_t *request)
{
    struct vm *vm = named_vm(connection, request);
    const char *token = vm == NULL ? NULL : valid_token(connection, request);
    long long timeout_ms;

    if (token == NULL || !holds(connection, vm, token) || !can_quiesce(connection, vm)) {
        return;
    }
    if (!message_number(request, "timeout_ms", 1, QUIESCE_LONGEST_MS, &timeout_ms)) {
        connection_fail(connection, "cannot quiesce VM %s: \"timeout_ms\" must be a whole number from 1 to %d; change it", vm->name, QUIESCE_LONGEST_MS);
        return;
    }
    vm->quiesced = true;
    vm->waiting = connection;
    connection_wait(connection);
    qga_freeze(&vm->qga, loop_now() + timeout_ms);
}

/* unquiesce: thaws them; the guest must run. Nothing to do, also after the guard has fired: no file systems. */
static void op_unquiesce(struct connection *connection, const json_t *request)
{
    struct vm *vm = named_vm(connection, request);
    const char *token = vm == NULL ? NULL : valid_token(connection, request);

    if (token == NULL) {
        return;
    }
    bool fired = vm->phase != FIRING && strcmp(vm->last_fired, token) == 0;
    bool nothing = vm->phase == ARMED && vm->owner == connection && strcmp(vm->token, token) == 0 && !vm->quiesced;
    if (fired || nothing) {
        connection_reply(connection, json_pack("{s:b,s:i}", "ok", 1, "filesystems", 0));
        return;
    }
    if (!holds(connection, vm, token) || !can_quiesce(connection, vm)) {
        return;
    }
    vm->waiting = connection;
    connection_wait(connection);
    qga_thaw(&vm->qga, loop_now() + UNQUIESCE_PATIENCE_MS);
}

/* hold: the guest is stopped after_ms from now, whatever becomes of the connection. Takes the place of what was before. */
static void op_hold(struct connection *connection, const json_t *request)
{
    struct vm *vm = named_vm(connection, request);
    const char *token = vm == NULL ? NULL : valid_token(connection, request);
    long long after_ms;

    if (token == NULL) {
        return;
    }
    if (!message_number(request, "after_ms", 1, HOLD_LONGEST_MS, &after_ms)) {
        connection_fail(connection, "cannot hold VM %s: \"after_ms\" must be a whole number from 1 to %d; change max_lag", vm->name, HOLD_LONGEST_MS);
    } else if (vm->control->lacks != NULL) {
        connection_fail(connection, "cannot hold VM %s: %s; leave it out of replication", vm->name, vm->control->lacks);
    } else if (vm->qmp.state != QMP_READY) {
        connection_fail(connection, "cannot hold VM %s: the guard has no QMP session with it now, so it could not stop it; does its QEMU (pid %d) run and answer?", vm->name, (int)vm->pid);
    } else {
        hold_change(vm, connection, token, loop_now() + after_ms);
    }
}

/* hold_off: it is not stopped any more; nobody lets it run. Of any connection: the agent may be another one. */
static void op_hold_off(struct connection *connection, const json_t *request)
{
    struct vm *vm = named_vm(connection, request);
    const char *token = vm == NULL ? NULL : valid_token(connection, request);

    if (token == NULL) {
        return;
    }
    if (vm->hold.phase != HOLD_OFF && strcmp(vm->hold.token, token) != 0) {
        connection_fail(connection, "cannot end the hold %s of VM %s: it is to be held with token %s; name that", token, vm->name, vm->hold.token);
        return;
    }
    hold_change(vm, connection, token, LOOP_NEVER);
}

/* ping: what is watched and what is armed. */
static void op_ping(struct connection *connection, const json_t *request)
{
    json_t *watched = json_array();
    json_t *armed = json_array();
    json_t *held = json_array();

    (void)request;
    for (size_t i = 0; i < VM_LIMIT; i++) {
        if (vms[i] != NULL) {
            json_array_append_new(watched, json_string(vms[i]->name));
        }
        if (vms[i] != NULL && vms[i]->phase == ARMED) {
            json_array_append_new(armed, json_string(vms[i]->name));
        }
        if (vms[i] != NULL && hold_is_due(vms[i])) {
            json_array_append_new(held, json_string(vms[i]->name));
        }
    }
    connection_reply(connection, json_pack("{s:b,s:s,s:o,s:o,s:o}", "ok", 1, "version", GUARD_VERSION, "watched", watched, "armed", armed, "held", held));
}

/* alive: the client's answer to a "firing" event, see kill_owner(); the only request without a reply. */
static void op_alive(struct connection *connection, const json_t *request)
{
    (void)connection;
    (void)request;
}

void request_handle(struct connection *connection, const char *line, size_t length)
{
    static const struct {
        const char *name;
        void (*handle)(struct connection *connection, const json_t *request);
    } operations[] = {{"watch", op_watch},     {"unwatch", op_unwatch},     {"arm", op_arm},   {"disarm", op_disarm},
                      {"quiesce", op_quiesce}, {"unquiesce", op_unquiesce}, {"hold", op_hold},
                      {"hold_off", op_hold_off}, {"ping", op_ping}, {"alive", op_alive}};
    const char *why = NULL;

    if (line == NULL) {
        connection_fail(connection, "the request is too long: no request needs more than %zu bytes; send a shorter one", sizeof connection->in - 1);
        return;
    }
    json_t *request = message_parse(line, length, &why);
    if (request == NULL) {
        connection_fail(connection, "the request is no JSON object in one line: %s; correct the client", why);
        return;
    }
    const char *name = message_text(request, "op");
    for (size_t i = 0; name != NULL && i < sizeof operations / sizeof operations[0]; i++) {
        if (strcmp(name, operations[i].name) == 0) {
            operations[i].handle(connection, request);
            return;
        }
    }
    connection_fail(connection, "the request has no known \"op\": this guard (%s) knows watch, unwatch, arm, disarm, quiesce, unquiesce, hold, hold_off, ping and alive; are agent and guard of one version?", GUARD_VERSION);
}
