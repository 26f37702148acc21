/*
 * The thaw of a domain of libvirt, over a virsh that is started when the VM is watched. What it says is compared with a fixed list of
 * states; all else is unknown, and it is asked again, of another virsh if that one does not answer.
 *
 *   paused (user)                    resume, and look again
 *   paused, by what libvirt does     look again until that has ended
 *   paused for another reason        left: no freeze of ours
 *   running, and the like            look again for a while, then done
 *
 * A suspension that the dead owner had asked for may wait in libvirtd for what else is done to the domain, 30 s at most: a domain that was
 * never seen stopped is looked at for that long.
 */
#ifndef HOLDFAST_LIBVIRT_H
#define HOLDFAST_LIBVIRT_H

#include "child.h"

#define UUID_BYTES 37
#define VIRSH_WORDS 16
#define VIRSH_BYTES 1024

struct vm;

enum domain_state { DOMAIN_UNKNOWN, DOMAIN_RUNS, DOMAIN_STOPPED, DOMAIN_BUSY, DOMAIN_OTHERWISE };

struct libvirt {
    struct child virsh;
    char words[VIRSH_BYTES]; /* by which it is called, each with its NUL, and one more at the end */
    char uuid[UUID_BYTES];
    char said[200];    /* its last complaint */
    bool asking;       /* a state is to come */
    bool resuming;     /* the question came with an order to run */
    int64_t patience_at; /* asking: when it is given up */
    int64_t heard_at;  /* when a state came last; 0: never */
    int64_t look_at;   /* when to ask again, or to start another virsh */
    int64_t settled_at; /* FIRING: when to believe that it runs; LOOP_NEVER: it does not */
    int64_t complain_at;
};

/* Of a new VM. */
void libvirt_prepare(struct vm *vm);
/* Pure. */
enum domain_state domain_state(const char *said);

#endif
