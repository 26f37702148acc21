#include "libvirt.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "session.h"
#include "vm.h"

/* ms */
#define PATIENCE 1000      /* for an answer, before another virsh is asked */
#define PATIENCE_FIRST 10000 /* the same of one that has just been started, which has to connect */
#define LOOK 1000          /* ARMED */
#define LOOK_SOON 100      /* FIRING, FIRED */
#define FRESH 2500         /* how old an answer may be when the VM is armed */
#define SETTLE 250         /* our order to run came after the only order to stop that there was */
#define SETTLE_LONG 31000  /* an order to stop may wait for libvirt's job lock */
#define COMPLAIN 5000

#define LETTERS "abcdefABCDEF0123456789-"

static bool begins_with(const char *text, const char *beginning)
{
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

static bool is_one_of(const char *text, const char *const *all)
{
    for (; *all != NULL; all++) {
        if (strcmp(text, *all) == 0) {
            return true;
        }
    }
    return false;
}

enum domain_state domain_state(const char *said)
{
    static const char *const stopped[] = {"paused (user)", "paused (unknown)", NULL};
    static const char *const busy[] = {"paused (migrating)", "paused (saving)", "paused (dumping)", "paused (creating snapshot)",
                                       "paused (starting up)", "paused (post-copy)", NULL};

    if (is_one_of(said, stopped)) {
        return DOMAIN_STOPPED;
    }
    if (is_one_of(said, busy)) {
        return DOMAIN_BUSY;
    }
    if (begins_with(said, "running (") || begins_with(said, "idle (") || begins_with(said, "in shutdown (") || begins_with(said, "pmsuspended (")) {
        return DOMAIN_RUNS;
    }
    if (begins_with(said, "paused (") || begins_with(said, "shut off (") || begins_with(said, "crashed (")) {
        return DOMAIN_OTHERWISE;
    }
    return DOMAIN_UNKNOWN;
}

static bool is_at_stake(const struct vm *vm)
{
    return vm->phase != IDLE || vm->waiting_for_watch;
}

static int64_t look_after(const struct vm *vm)
{
    return vm->phase == ARMED ? LOOK : LOOK_SOON;
}

/* Another virsh is asked soon, if anybody has to know. */
static void give_up_virsh(struct vm *vm)
{
    child_end(&vm->libvirt.virsh);
    vm->libvirt.asking = false;
    vm->libvirt.heard_at = 0;
    vm->libvirt.look_at = loop_now() + LOOK_SOON;
}

/* Its errors come where its answers come, in one language, and nothing that somebody has configured for a terminal makes them look otherwise. */
static bool start_virsh(struct vm *vm)
{
    static const char SHELL[] =
        "exec env LC_ALL=C TERM=dumb COLUMNS=30000 INPUTRC=/dev/null VIRSH_HISTSIZE=0 \"$@\" --quiet 2>&1";
    char *words[VIRSH_WORDS + 5] = {"sh", "-c", (char *)SHELL, "sh"};
    size_t count = 4;

    for (char *word = vm->libvirt.words; *word != '\0'; word += strlen(word) + 1) {
        words[count++] = word;
    }
    words[count] = NULL;
    return child_start(&vm->libvirt.virsh, words);
}

static void ask(struct vm *vm, bool resume, int64_t now)
{
    struct libvirt *libvirt = &vm->libvirt;
    char question[80];
    char order[80];
    bool fresh = !child_is_there(&libvirt->virsh);

    if (fresh && !start_virsh(vm)) {
        snprintf(libvirt->said, sizeof libvirt->said, "no shell can be started that would call virsh: %.60s", strerror(errno));
        libvirt->look_at = now + LOOK_SOON;
        return;
    }
    snprintf(order, sizeof order, "resume %s", libvirt->uuid);
    snprintf(question, sizeof question, "domstate --reason %s", libvirt->uuid);
    libvirt->asking = true;
    libvirt->resuming = resume;
    libvirt->patience_at = now + (fresh ? PATIENCE_FIRST : PATIENCE);
    if (!resume || child_tell(&libvirt->virsh, order)) {
        child_tell(&libvirt->virsh, question);
    }
}

static void finish(struct vm *vm)
{
    vm->libvirt.look_at = loop_now() + LOOK_SOON;
    thaw_finish(vm, vm->thaw.acted ? "resumed" : "already running");
}

static void runs(struct vm *vm, int64_t now)
{
    struct libvirt *libvirt = &vm->libvirt;
    bool stopping = strcmp(vm->thaw.reason, "guard stopped") == 0;

    if (libvirt->resuming) {
        vm->thaw.acted = true;
    }
    if (libvirt->settled_at == LOOP_NEVER) {
        libvirt->settled_at = now + (vm->thaw.acted || stopping ? SETTLE : SETTLE_LONG);
    } else if (now >= libvirt->settled_at) {
        finish(vm);
    }
}

static void on_state(struct vm *vm, const char *said, enum domain_state state)
{
    struct libvirt *libvirt = &vm->libvirt;
    int64_t now = loop_now();
    char result[160];

    libvirt->asking = false;
    libvirt->heard_at = now;
    libvirt->look_at = now + look_after(vm);
    if (vm->waiting_for_watch) {
        session_answer(vm, json_pack("{s:b}", "ok", 1));
    }
    if (vm->phase == FIRED && state == DOMAIN_STOPPED) {
        log_line(LOG_WARNING, "VM %s: was stopped after it had been thawed; that is undone", vm->name);
        vm_fire(vm, "deadline");
        return;
    }
    if (vm->phase != FIRING) {
        return;
    }
    if (state == DOMAIN_RUNS) {
        runs(vm, now);
        return;
    }
    libvirt->settled_at = LOOP_NEVER;
    if (state == DOMAIN_STOPPED && !libvirt->resuming) {
        ask(vm, true, now);
    } else if (state == DOMAIN_OTHERWISE) {
        snprintf(result, sizeof result, "left in state %.100s, which is no freeze of ours", said);
        thaw_finish(vm, result);
    }
}

static void on_line(void *owner, char *line, size_t length)
{
    static const char *const prompts[] = {"virsh # ", "virsh > "};
    struct vm *vm = owner;

    (void)length;
    message_reset();
    if (line == NULL) {
        give_up_virsh(vm);
        return;
    }
    while (begins_with(line, prompts[0]) || begins_with(line, prompts[1])) {
        line += strlen(prompts[0]);
    }
    enum domain_state state = domain_state(line);
    if (state != DOMAIN_UNKNOWN && vm->libvirt.asking) {
        on_state(vm, line, state);
    } else if (begins_with(line, "error: ") || begins_with(line, "env: ")) {
        snprintf(vm->libvirt.said, sizeof vm->libvirt.said, "%s", line);
        /* It would connect again by itself, and then nobody knows which answer belongs to what. A resume may be refused: the state follows. */
        if (!vm->libvirt.resuming || begins_with(line, "error: Disconnected") || begins_with(line, "error: Failed to reconnect")) {
            give_up_virsh(vm);
        }
    }
}

static void on_ended(void *owner)
{
    struct vm *vm = owner;

    give_up_virsh(vm);
}

void libvirt_prepare(struct vm *vm)
{
    child_prepare(&vm->libvirt.virsh, vm, on_line, on_ended);
    vm->libvirt.settled_at = LOOP_NEVER;
}

/* The words one after the other; 0 if they do not fit, or are no words. */
static size_t words_of(const json_t *request, char *words)
{
    const json_t *list = json_object_get(request, "virsh");
    size_t used = 0;
    size_t index;
    json_t *word;

    if (json_array_size(list) == 0 || json_array_size(list) >= VIRSH_WORDS) {
        return 0;
    }
    json_array_foreach(list, index, word) {
        const char *text = json_string_value(word);
        if (text == NULL || *text == '\0' || strlen(text) + 2 > VIRSH_BYTES - used) {
            return 0;
        }
        memcpy(words + used, text, strlen(text) + 1);
        used += strlen(text) + 1;
    }
    words[used] = '\0';
    return used + 1;
}

static const char *libvirt_objection(const json_t *request)
{
    char words[VIRSH_BYTES];
    const char *uuid = message_text(request, "domain");

    if (uuid == NULL || strlen(uuid) != UUID_BYTES - 1 || strspn(uuid, LETTERS) != UUID_BYTES - 1) {
        return "\"domain\" must be the UUID of a domain";
    }
    return words_of(request, words) == 0 ? "\"virsh\" must be the words by which virsh is called" : NULL;
}

static void libvirt_close(struct vm *vm)
{
    child_end(&vm->libvirt.virsh);
    vm->libvirt.asking = false;
    vm->libvirt.heard_at = 0;
}

static void libvirt_take(struct vm *vm, const json_t *request)
{
    char words[VIRSH_BYTES];
    size_t length = words_of(request, words);
    const char *uuid = message_text(request, "domain");

    if (strcmp(vm->libvirt.uuid, uuid) != 0 || memcmp(vm->libvirt.words, words, length) != 0) {
        libvirt_close(vm);
        memcpy(vm->libvirt.words, words, length);
        snprintf(vm->libvirt.uuid, sizeof vm->libvirt.uuid, "%s", uuid);
    }
}

static void libvirt_connect(struct vm *vm, int64_t now)
{
    vm->libvirt.said[0] = '\0';
    vm->libvirt.heard_at = 0; /* An answer to this question is what the watch is answered by. */
    if (!vm->libvirt.asking) {
        ask(vm, false, now);
    }
}

static bool libvirt_is_ready(const struct vm *vm)
{
    return vm->libvirt.heard_at != 0 && loop_now() - vm->libvirt.heard_at <= FRESH && child_is_there(&vm->libvirt.virsh);
}

static const char *silence(const struct vm *vm)
{
    return vm->libvirt.said[0] != '\0' ? vm->libvirt.said : "libvirtd does not answer virsh";
}

static void libvirt_give_up_watch(struct vm *vm)
{
    session_fail(vm, "cannot watch", silence(vm), "does libvirtd run? (systemctl status libvirtd)");
}

static void libvirt_tick(struct vm *vm, int64_t now)
{
    struct libvirt *libvirt = &vm->libvirt;

    if (libvirt->asking && now >= libvirt->patience_at) {
        snprintf(libvirt->said, sizeof libvirt->said, "virsh did not answer");
        give_up_virsh(vm);
    }
    if (is_at_stake(vm) && !libvirt->asking && now >= libvirt->look_at) {
        ask(vm, false, now);
    }
}

static int64_t libvirt_next(const struct vm *vm)
{
    if (vm->libvirt.asking) {
        return vm->libvirt.patience_at;
    }
    return is_at_stake(vm) ? vm->libvirt.look_at : LOOP_NEVER;
}

static void libvirt_let_run(struct vm *vm, int64_t now)
{
    vm->libvirt.settled_at = LOOP_NEVER;
    vm->libvirt.complain_at = now + COMPLAIN;
    vm->libvirt.look_at = now;
    vm->libvirt.resuming = false;
    if (!vm->libvirt.asking) {
        ask(vm, false, now);
    }
}

static void libvirt_thaw_tick(struct vm *vm, int64_t now)
{
    if (!vm_process_lives(vm)) {
        thaw_finish(vm, "gone: its process has ended");
    } else if (now >= vm->libvirt.complain_at) {
        vm->libvirt.complain_at = now + COMPLAIN;
        if (vm->libvirt.settled_at == LOOP_NEVER) {
            log_line(LOG_ERROR, "VM %s: not proven to run %" PRId64 " ms after the thaw began: %s; see that libvirtd runs and answers, then virsh resume %s",
                     vm->name, now - vm->thaw.started, silence(vm), vm->libvirt.uuid);
        }
    }
}

static int64_t libvirt_thaw_next(const struct vm *vm)
{
    return vm->libvirt.complain_at;
}

const struct control libvirt_control = {
    .name = "libvirt",
    .unready = "its virsh has not said of late what state the domain is in",
    .lacks = "it is a domain of libvirt, which has no guest agent of ours and is not replicated",
    .names_domain = true,
    .is_there = vm_process_lives,
    .objection = libvirt_objection,
    .take = libvirt_take,
    .connect = libvirt_connect,
    .is_ready = libvirt_is_ready,
    .give_up_watch = libvirt_give_up_watch,
    .close = libvirt_close,
    .tick = libvirt_tick,
    .next = libvirt_next,
    .let_run = libvirt_let_run,
    .thaw_tick = libvirt_thaw_tick,
    .thaw_next = libvirt_thaw_next,
};
