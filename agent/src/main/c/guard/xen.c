#include "xen.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "session.h"
#include "vm.h"

/* ms */
#define AGAIN 250
#define LOOK_AGAIN 500
#define WATCH_AGAIN 1000 /* the look after a hung owner */
#define SETTLE 3000
#define ANSWER 25000 /* more than both bounds of the shell */
#define COMPLAIN 5000

#define LOOK "look"
#define RUN "run"

/*
 * $1 is the domain's number, $2 the program. xl 4.17 ends with status 0 also if it has not unpaused; then it says something. Of the list
 * only the lines of the first domain and of this one are handed on: their number and what they do. A name may be anything, hence from the
 * right.
 */
static const char SHELL[] = "while read -r order; do\n"
                            "  if [ \"$order\" = " RUN " ]; then\n"
                            "    said=$(timeout -s KILL 10 \"$2\" unpause \"$1\" 2>&1 </dev/null) && [ -z \"$said\" ] && echo undone\n"
                            "  fi\n"
                            "  timeout -s KILL 10 \"$2\" list </dev/null 2>/dev/null |\n"
                            "    sed -n \"s/^.* \\(0\\|$1\\)  *[0-9][0-9]*  *[0-9][0-9]*  *\\([a-z-]\\{6\\}\\)  *[0-9.][0-9.]*\\$/\\1 \\2/p\"\n"
                            "  echo end\n"
                            "done\n";

static const char *program = "xl";

void xen_use(const char *path)
{
    program = path;
}

static bool xen_is_there(const struct vm *vm)
{
    return !vm->xen.lost;
}

/* The letters of xl list: running, blocked, paused, shut down, crashed, dying. */
static bool has_letter(const struct vm *vm, char letter)
{
    return strchr(vm->xen.state, letter) != NULL;
}

static void xen_close(struct vm *vm)
{
    child_end(&vm->xen.child);
    vm->xen.asked = vm->xen.ready = vm->xen.lost = false;
    vm->xen.look_at = LOOP_NEVER;
}

static void start(struct vm *vm)
{
    char *const words[] = {"sh", "-c", (char *)SHELL, "sh", vm->domain, (char *)program, NULL};

    vm->xen.asked = false;
    if (!child_start(&vm->xen.child, words)) {
        log_line(LOG_WARNING, "VM %s: no shell can be started that would call xl (%s)", vm->name, strerror(errno));
    }
}

/* Only while FIRING. */
static void try_again(struct vm *vm, int64_t now)
{
    vm->xen.step = XEN_PAUSE;
    vm->xen.wake_at = now + AGAIN;
}

/* One order at a time. */
static void order(struct vm *vm, const char *what, int64_t now)
{
    struct xen *xen = &vm->xen;

    if (!child_is_there(&xen->child)) {
        start(vm);
    }
    xen->listed = xen->undone = false;
    xen->state[0] = '\0';
    xen->asked = child_tell(&xen->child, what);
    xen->answer_by = now + ANSWER;
    if (!xen->asked && vm->phase == FIRING) {
        try_again(vm, now);
    }
}

static void xen_connect(struct vm *vm, int64_t now)
{
    vm->xen.ready = vm->xen.lost = false;
    if (vm->phase != FIRING) {
        vm->xen.look_at = now;
    }
}

static bool xen_is_ready(const struct vm *vm)
{
    return vm->xen.ready && child_is_there(&vm->xen.child);
}

static void xen_give_up_watch(struct vm *vm)
{
    vm->xen.look_at = LOOP_NEVER;
    session_fail(vm, "cannot watch", "xl does not tell of its domain",
                 "run \"xl list\" as the guard may (its unit needs /dev/xen, see docs/hypervisors.md), and mend what it complains about");
}

static void run(struct vm *vm, int64_t now)
{
    vm->xen.step = XEN_RUN;
    vm->xen.settled_at = LOOP_NEVER;
    order(vm, RUN, now);
}

static void xen_let_run(struct vm *vm, int64_t now)
{
    vm->xen.complain_at = now + COMPLAIN;
    vm->xen.look_at = LOOP_NEVER;
    vm->xen.step = XEN_RUN;
    vm->xen.settled_at = LOOP_NEVER;
    /* A look that is under way ends first, so that its answer is not taken for another. */
    if (!vm->xen.asked) {
        run(vm, now);
    }
}

static void runs(struct vm *vm, int64_t now)
{
    struct xen *xen = &vm->xen;

    if (xen->settled_at == LOOP_NEVER) {
        xen->settled_at = now + SETTLE;
    }
    if (now >= xen->settled_at) {
        xen->look_at = now + WATCH_AGAIN;
        thaw_finish(vm, vm->thaw.acted ? "resumed" : "already running");
        return;
    }
    xen->step = XEN_SETTLE;
    xen->wake_at = now + LOOK_AGAIN;
}

/* What the whole answer means for a thaw. */
static void on_answer_to_thaw(struct vm *vm, int64_t now)
{
    struct xen *xen = &vm->xen;
    char result[64];

    vm->thaw.acted = vm->thaw.acted || xen->undone;
    if (!xen->listed) {
        try_again(vm, now);
    } else if (xen->state[0] == '\0' || has_letter(vm, 'd')) {
        xen->lost = true;
        thaw_finish(vm, "gone: its domain has ended");
    } else if (has_letter(vm, 's') || has_letter(vm, 'c')) {
        snprintf(result, sizeof result, "left in state %s, which is no freeze of ours", xen->state);
        thaw_finish(vm, result);
    } else if (has_letter(vm, 'p')) {
        run(vm, now);
    } else {
        runs(vm, now);
    }
}

static void on_answer(struct vm *vm)
{
    struct xen *xen = &vm->xen;
    int64_t now = loop_now();

    xen->asked = false;
    if (vm->phase == FIRING) {
        on_answer_to_thaw(vm, now);
        return;
    }
    if (!xen->listed) {
        return; /* Asked again when it is time. */
    }
    xen->lost = xen->state[0] == '\0' || has_letter(vm, 'd');
    xen->ready = !xen->lost;
    if (vm->phase == FIRED && has_letter(vm, 'p')) {
        log_line(LOG_WARNING, "VM %s: was paused after it had been thawed; that is undone", vm->name);
        vm_fire(vm, "deadline");
    } else if (vm->waiting_for_watch && xen->ready) {
        session_answer(vm, json_pack("{s:b}", "ok", 1));
    } else if (vm->waiting_for_watch) {
        session_fail(vm, "cannot watch", "there is no such domain", "start the VM first");
    }
}

static void on_line(void *owner, char *line, size_t length)
{
    struct vm *vm = owner;
    struct xen *xen = &vm->xen;
    char id[NAME_BYTES];
    char state[sizeof xen->state];

    message_reset();
    if (line == NULL || length == 0 || !xen->asked) {
        return;
    }
    if (strcmp(line, "end") == 0) {
        on_answer(vm);
    } else if (strcmp(line, "undone") == 0) {
        xen->undone = true;
    } else if (sscanf(line, "%64s %7s", id, state) != 2) {
        return;
    } else if (strcmp(id, "0") == 0) {
        xen->listed = true;
    } else if (strcmp(id, vm->domain) == 0) {
        memcpy(xen->state, state, sizeof state);
    }
}

/* Somebody has killed it, or the kernel has; an order that it had is given again. */
static void on_lost(void *owner)
{
    struct vm *vm = owner;

    child_end(&vm->xen.child);
    vm->xen.asked = false;
    log_line(LOG_WARNING, "VM %s: the shell that calls xl has ended", vm->name);
    if (vm->phase == FIRING) {
        try_again(vm, loop_now());
    }
}

static void xen_tick(struct vm *vm, int64_t now)
{
    struct xen *xen = &vm->xen;

    if (xen->asked && now >= xen->answer_by) {
        log_line(LOG_ERROR, "VM %s: the shell that calls xl hangs; another is started", vm->name);
        child_end(&xen->child);
        xen->asked = false;
        if (vm->phase == FIRING) {
            try_again(vm, now);
        }
    }
    if (vm->phase == FIRED && xen->look_at == LOOP_NEVER) {
        xen->look_at = now + WATCH_AGAIN;
    }
    if (now < xen->look_at || xen->asked || vm->phase == FIRING) {
        return;
    }
    if (vm->phase == FIRED || vm->waiting_for_watch) {
        order(vm, LOOK, now);
        xen->look_at = now + (vm->phase == FIRED ? WATCH_AGAIN : AGAIN);
    } else {
        xen->look_at = LOOP_NEVER; /* Nobody waits for it. */
    }
}

static int64_t xen_next(const struct vm *vm)
{
    return vm->xen.asked ? vm->xen.answer_by : vm->xen.look_at;
}

static void xen_thaw_tick(struct vm *vm, int64_t now)
{
    struct xen *xen = &vm->xen;

    if (now >= xen->complain_at && xen->step != XEN_SETTLE) {
        xen->complain_at = now + COMPLAIN;
        log_line(LOG_ERROR, "VM %s: not proven to run %" PRId64 " ms after the thaw began: xl fails or hangs for domain %s; does xenstored answer? Try: xl unpause %s",
                 vm->name, now - vm->thaw.started, vm->domain, vm->domain);
    }
    if (xen->asked || now < xen->wake_at) {
        return;
    }
    if (xen->step == XEN_PAUSE) {
        run(vm, now);
    } else if (xen->step == XEN_SETTLE) {
        order(vm, LOOK, now);
    }
}

static int64_t xen_thaw_next(const struct vm *vm)
{
    const struct xen *xen = &vm->xen;
    int64_t next = xen->asked ? xen->answer_by : xen->wake_at;

    return xen->step != XEN_SETTLE && xen->complain_at < next ? xen->complain_at : next;
}

void xen_prepare(struct vm *vm)
{
    vm->xen.look_at = LOOP_NEVER;
    child_prepare(&vm->xen.child, vm, on_line, on_lost);
}

const struct control xen_control = {
    .name = "xen",
    .unready = "xl has not told of its domain since it was watched",
    .lacks = "it runs under Xen, where it has no guest agent and is not replicated",
    .without_process = true,
    .names_domain = true,
    .is_there = xen_is_there,
    .connect = xen_connect,
    .is_ready = xen_is_ready,
    .give_up_watch = xen_give_up_watch,
    .close = xen_close,
    .tick = xen_tick,
    .next = xen_next,
    .let_run = xen_let_run,
    .thaw_tick = xen_thaw_tick,
    .thaw_next = xen_thaw_next,
};
