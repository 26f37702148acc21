#include "console.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "mconsole.h"
#include "session.h"
#include "vm.h"

/* ms */
#define AGAIN 250
#define ASK_AGAIN 2000
#define COMPLAIN 5000

/* Answered by an interrupt of the guest's kernel. */
#define LOOK "version"
/* Refused by the thread that obeys a `stop`, since no device has that name. */
#define QUESTION "config -"

#define PATH_BYTES (DIRECTORY_BYTES + 32)

static int64_t doubt_after = 60000; /* ms */

void console_doubt_after(int64_t ms)
{
    doubt_after = ms;
}

static void on_datagram(void *owner, uint32_t events);

static void path_of_answers(const struct vm *vm, char *path)
{
    snprintf(path, PATH_BYTES, "%s/answers.sock", vm->directory);
}

/* The link says which of the run directories below is the machine's; without one it is the first that there was. */
static void path_of_console(const struct vm *vm, char *path)
{
    struct stat link;

    snprintf(path, PATH_BYTES, "%s/place", vm->directory);
    const char *instance = lstat(path, &link) == 0 ? "place" : "own";
    snprintf(path, PATH_BYTES, "%s/%s/uml/mconsole", vm->directory, instance);
}

static bool is_open(const struct console *console)
{
    return console->watcher.fd >= 0;
}

static void console_close(struct vm *vm)
{
    struct console *console = &vm->console;
    char path[PATH_BYTES];

    console->ready = false;
    console->look_at = LOOP_NEVER;
    if (is_open(console)) {
        loop_remove(&console->watcher);
        close(console->watcher.fd);
        console->watcher.fd = -1;
        path_of_answers(vm, path);
        unlink(path);
    }
}

/* Under its name, which somebody may have removed. */
static bool can_be_answered(const struct vm *vm)
{
    char path[PATH_BYTES];

    path_of_answers(vm, path);
    return is_open(&vm->console) && access(path, F_OK) == 0;
}

static void console_open(struct vm *vm)
{
    struct console *console = &vm->console;
    char path[PATH_BYTES];

    console_close(vm);
    path_of_answers(vm, path);
    console->watcher = (struct watcher){.fd = mconsole_open(path), .ready = on_datagram, .owner = vm};
    console->failure = is_open(console) ? 0 : errno;
    if (is_open(console) && !loop_add(&console->watcher, EPOLLIN)) {
        console->failure = errno;
        close(console->watcher.fd);
        console->watcher.fd = -1;
    }
}

static void tell(struct vm *vm, const char *command)
{
    struct console *console = &vm->console;
    char path[PATH_BYTES];

    if (is_open(console)) {
        path_of_console(vm, path);
        console->failure = mconsole_send(console->watcher.fd, path, command) ? 0 : errno;
    }
}

static bool is_sending(const struct vm *vm)
{
    return vm->phase == FIRING || vm->phase == FIRED;
}

static void console_connect(struct vm *vm, int64_t now)
{
    if (!is_sending(vm) && !can_be_answered(vm)) {
        console_open(vm);
    }
    vm->console.ready = false;
    vm->console.look_at = now;
}

static bool console_is_ready(const struct vm *vm)
{
    return vm->console.ready && vm_process_lives(vm);
}

/* Why it does not answer: half a sentence. */
static const char *silence(const struct vm *vm)
{
    if (vm_process_is_stopped(vm)) {
        return "its process is stopped by a signal";
    }
    if (vm->console.failure == EAGAIN) {
        return "its console takes no more requests";
    }
    return vm->console.failure != 0 ? strerror(vm->console.failure) : "its console does not answer";
}

static void console_give_up_watch(struct vm *vm)
{
    vm->console.look_at = LOOP_NEVER;
    session_fail(vm, "cannot watch", silence(vm), "does its kernel run, beyond the begin of its boot? Watch it again when it does");
}

static void ask(struct vm *vm, int64_t now)
{
    vm->console.step = CONSOLE_ASK;
    vm->console.wake_at = now + AGAIN;
    vm->console.ask_at = now + ASK_AGAIN;
    tell(vm, QUESTION);
}

/* What is sent each quarter of a second. */
static void tell_again(struct vm *vm, int64_t now)
{
    tell(vm, "go");
    if (vm->console.step == CONSOLE_ASK && now >= vm->console.ask_at) {
        ask(vm, now);
    }
}

static bool is_gone(struct vm *vm)
{
    if (vm_process_lives(vm)) {
        return false;
    }
    vm->thaw.in_doubt = false;
    thaw_finish(vm, "gone: its process has ended");
    return true;
}

static void console_tick(struct vm *vm, int64_t now)
{
    struct console *console = &vm->console;

    if (!vm->waiting_for_watch) {
        console->look_at = LOOP_NEVER; /* Who asked is gone. */
    }
    if (now >= console->look_at) {
        console->look_at = now + AGAIN; /* One that came before the kernel was ready to read lies there until the next comes. */
        tell(vm, LOOK);
    }
    if (vm->phase == FIRED && now >= console->wake_at) {
        console->wake_at = now + AGAIN;
        if (!vm->thaw.in_doubt || !is_gone(vm)) {
            tell_again(vm, now);
        }
    }
}

static int64_t console_next(const struct vm *vm)
{
    const struct console *console = &vm->console;

    return vm->phase == FIRED && console->wake_at < console->look_at ? console->wake_at : console->look_at;
}

static void console_let_run(struct vm *vm, int64_t now)
{
    struct console *console = &vm->console;

    console->step = CONSOLE_GO;
    console->answered = false;
    console->doubt_at = LOOP_NEVER;
    console->complain_at = now + COMPLAIN;
    console->wake_at = now + AGAIN;
    if (!is_open(console)) {
        console_open(vm);
    }
    tell(vm, "go");
}

static void on_go_answered(struct vm *vm, bool undone)
{
    struct console *console = &vm->console;

    if (vm->phase == FIRED && undone) {
        log_line(LOG_WARNING, "VM %s: was stopped after it had been thawed; that is undone", vm->name);
        vm_fire(vm, "deadline");
    }
    if (vm->phase != FIRING) {
        return;
    }
    if (undone || !console->answered) {
        console->answered = true;
        console->doubt_at = loop_now() + doubt_after;
    }
    if (undone) {
        vm->thaw.acted = true;
    }
    if (undone || console->step == CONSOLE_GO) {
        ask(vm, loop_now());
    } else if (console->step == CONSOLE_LAST) {
        console->wake_at = loop_now() + AGAIN;
        thaw_finish(vm, vm->thaw.acted ? "resumed" : "already running");
    }
}

static void on_question_answered(struct vm *vm)
{
    if (vm->console.step != CONSOLE_ASK) {
        return;
    }
    if (vm->phase == FIRING) {
        vm->console.step = CONSOLE_REST;
        vm->console.wake_at = loop_now() + AGAIN;
    } else if (vm->phase == FIRED && vm->thaw.in_doubt) {
        vm_fire(vm, vm->thaw.reason);
    }
}

static void on_look_answered(struct vm *vm)
{
    vm->console.ready = true;
    vm->console.look_at = LOOP_NEVER;
    if (vm->waiting_for_watch) {
        session_answer(vm, json_pack("{s:b}", "ok", 1));
    }
}

static void on_datagram(void *owner, uint32_t events)
{
    struct vm *vm = owner;

    (void)events;
    message_reset();
    switch (mconsole_receive(vm->console.watcher.fd)) {
    case MCONSOLE_NONE:
        return;
    case MCONSOLE_STRANGE:
        log_line(LOG_WARNING, "VM %s: what came to %s/answers.sock is no answer of a console; ignored", vm->name, vm->directory);
        return;
    case MCONSOLE_GOES_ON:
        on_go_answered(vm, true);
        return;
    case MCONSOLE_NOT_STOPPED:
        on_go_answered(vm, false);
        return;
    case MCONSOLE_DONE:
        on_look_answered(vm);
        return;
    case MCONSOLE_REFUSED:
        on_question_answered(vm);
        return;
    }
}

static void complain(struct vm *vm, int64_t now)
{
    vm->console.complain_at = now + COMPLAIN;
    log_line(LOG_ERROR, "VM %s: not proven to run %" PRId64 " ms after the thaw began: %s (process %d); look at its storage, run the thaw script, or stop the VM",
             vm->name, now - vm->thaw.started, vm->console.answered ? "its kernel does no work" : silence(vm), (int)vm->pid);
    if (!vm->console.answered) {
        console_open(vm); /* Its answers may have had nowhere to go. */
    }
}

static void console_thaw_tick(struct vm *vm, int64_t now)
{
    struct console *console = &vm->console;

    if (now < console->wake_at) {
        return;
    }
    console->wake_at = now + AGAIN;
    if (is_gone(vm)) {
        return;
    }
    if (console->step == CONSOLE_ASK && now >= console->doubt_at) {
        vm->thaw.in_doubt = true;
        thaw_finish(vm, "resumed, but it may yet obey an order to stop from before; if it does, that is undone");
        return;
    }
    if (now >= console->complain_at) {
        complain(vm, now);
    }
    if (console->step == CONSOLE_REST) {
        console->step = CONSOLE_LAST;
    }
    tell_again(vm, now);
}

static int64_t console_thaw_next(const struct vm *vm)
{
    return vm->console.wake_at;
}

const struct control console_control = {
    .name = "mconsole",
    .unready = "its console has not answered the guard since it was watched",
    .lacks = "it runs under User-Mode Linux, which has no guest agent and is not replicated",
    .is_there = vm_process_lives,
    .connect = console_connect,
    .is_ready = console_is_ready,
    .give_up_watch = console_give_up_watch,
    .close = console_close,
    .tick = console_tick,
    .next = console_next,
    .let_run = console_let_run,
    .thaw_tick = console_thaw_tick,
    .thaw_next = console_thaw_next,
};
