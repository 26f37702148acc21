/*
 * The thaw of one VM, as a small state machine; from CONNECT on for QEMU alone, see console.h for the other. It never trusts what it knew: every round begins by asking QEMU for
 * the present state, and what it sends follows from the answer alone (thaw_verb()).
 *
 *   CONNECT  wait for our QMP session
 *   ASK      query-status, query-migrate, query-migrate-capabilities are on their way
 *   VERB     `cont` or `migrate_cancel` is on its way
 *   PAUSE    a few ms until the next ASK
 *   FS       the guest runs; the guest agent thaws the file systems
 *   SETTLE   the guest runs; a `stop` of the dead owner that QEMU had not read yet would show now
 *
 *   CONNECT -> ASK      session ready
 *   ASK -> VERB         stopped, or a migration would stop it
 *   ASK -> PAUSE        neither: a cancel or a save is ending
 *   ASK -> FS           runs, quiesced
 *   ASK -> SETTLE       runs
 *   VERB -> ASK         done
 *   VERB -> PAUSE       refused ("Migration is not finalized yet")
 *   PAUSE -> ASK        time
 *   FS -> SETTLE        thawed, or given up
 *   FS, SETTLE -> ASK   STOP event
 *   SETTLE -> ASK       time: the last look, and if it runs still: done
 *   any -> CONNECT      session lost
 *
 * No answer in ASK or VERB (or no end of PAUSE) for a bound: yank, then kill, see thaw_escalate().
 */
#ifndef HOLDFAST_THAW_H
#define HOLDFAST_THAW_H

#include "message.h"

struct vm;

enum thaw_step { THAW_CONNECT, THAW_ASK, THAW_VERB, THAW_PAUSE, THAW_FS, THAW_SETTLE };
enum thaw_verb { VERB_NONE, VERB_CONT, VERB_CANCEL, VERB_WAIT, VERB_LEAVE };

struct thaw {
    enum thaw_step step;
    const char *reason;
    int64_t started;
    int64_t wake_at;     /* end of PAUSE, SETTLE, or the next try of FS */
    int64_t patience_at; /* when to escalate */
    int64_t give_up_at;  /* FS */
    int escalation;      /* 0 nothing, 1 query-yank, 2 yanked, 3 killed the owner */
    unsigned refusals;
    bool settled;
    bool acted; /* a verb of ours was carried out */
    bool in_doubt; /* it may yet stand still: its marker stays, see console.h */
    unsigned status_id;
    unsigned migration_id;
    unsigned capabilities_id;
    unsigned verb_id;
    unsigned yank_list_id;
    enum thaw_verb verb;
    char status[32];
    char migration[32];
    bool background;
    char result[160];
};

/* What the state of a guest asks for. Pure. */
enum thaw_verb thaw_verb(const char *status, const char *migration, bool background);

/* For every VM, however it is spoken to. */
void thaw_begin(struct vm *vm, const char *reason, int64_t now);
void thaw_finish(struct vm *vm, const char *result);
/* Ends a thaw under way: the guest is to stand still for another reason. */
void thaw_give_up(struct vm *vm);
void thaw_let_run(struct vm *vm, int64_t now);
void thaw_connected(struct vm *vm);
void thaw_disconnected(struct vm *vm);
void thaw_reply(struct vm *vm, unsigned id, json_t *result, const char *error);
void thaw_stopped(struct vm *vm);
void thaw_filesystems(struct vm *vm, const char *error);
void thaw_tick(struct vm *vm, int64_t now);
int64_t thaw_next(const struct vm *vm);

#endif
