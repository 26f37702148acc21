/*
 * holdfast-guard: thaws virtual machines when the process that froze them dies or hangs, and stops replicated ones that run too
 * far beyond their standby. It depends on nothing but the
 * kernel and QEMU, virsh for domains of libvirt, a shell and xl for those of Xen: no JVM, no library that allocates while it thaws,
 * its memory locked.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "console.h"
#include "hold.h"
#include "log.h"
#include "loop.h"
#include "message.h"
#include "server.h"
#include "vm.h"
#include "xen.h"

#define LEAVE_PATIENCE_MS 5000

static struct watcher signals = {.fd = -1};
static bool leaving;
static int64_t leave_at;

static void signal_ready(void *owner, uint32_t events)
{
    struct signalfd_siginfo information;

    (void)owner;
    (void)events;
    if (read(signals.fd, &information, sizeof information) < 0 || leaving) {
        return;
    }
    leaving = true;
    leave_at = loop_now() + LEAVE_PATIENCE_MS;
    vms_fire_all("guard stopped");
}

static int64_t tick(int64_t now)
{
    int64_t next;

    do {
        next = vms_tick(now);
    } while (server_tick());
    if (leaving && (!vms_any_armed() || now >= leave_at)) {
        loop_stop();
    }
    return leaving && leave_at < next ? leave_at : next;
}

static bool catch_signals(void)
{
    sigset_t set;

    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_IGN); /* Nobody waits for a child; so none stays as a zombie. */
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    signals.ready = signal_ready;
    return signals.fd >= 0 && loop_add(&signals, EPOLLIN);
}

/* What keeps us alive when memory is short. Both need rights that a test run may lack: then it goes on without. */
static void hold_on(void)
{
    char score[8] = "";
    int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);

    /* systemd may have set it already, and may not let us. */
    if (fd < 0 || read(fd, score, sizeof score - 1) < 0 || (strncmp(score, "-1000", 5) != 0 && write(fd, "-1000", 5) != 5)) {
        log_line(LOG_WARNING, "the kernel may kill this guard when memory is short: cannot set oom_score_adj (%s); run it as root", strerror(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
    if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0) {
        log_line(LOG_WARNING, "cannot lock memory (%s), so a thaw may wait for swap; run the guard as root or raise LimitMEMLOCK", strerror(errno));
    }
}

static int usage(FILE *where, int status)
{
    fprintf(where,
            "usage: holdfast-guard --socket PATH [--log-level error|warning|info|debug] [--doubt-after MS] [--xl PROGRAM]\n"
            "       holdfast-guard --version\n"
            "Thaws virtual machines when the Holdfast agent that froze them dies or hangs.\n"
            "  --socket PATH      where the agent connects, as /run/holdfast/guard.sock\n"
            "  --doubt-after MS   when a thaw is said to be in doubt of a guest of User-Mode Linux that runs, but whose\n"
            "                     kernel has not said that it obeys no order to stop any more (60000); it goes on\n"
            "  --xl PROGRAM       what lets domains of Xen run (xl)\n"
            "SIGTERM thaws what is armed and ends it.\n");
    return status;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"socket", required_argument, NULL, 's'},
                                            {"log-level", required_argument, NULL, 'l'},
                                            {"doubt-after", required_argument, NULL, 'd'},
                                            {"xl", required_argument, NULL, 'x'},
                                            {"version", no_argument, NULL, 'v'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *path = NULL;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'v') {
            printf("holdfast-guard %s\n", GUARD_VERSION);
            return 0;
        }
        if (option == 'h') {
            return usage(stdout, 0);
        }
        if (option == 's') {
            path = optarg;
        } else if (option == 'x') {
            xen_use(optarg);
        } else if (option == 'd' && strspn(optarg, "0123456789") == strlen(optarg) && atoll(optarg) > 0) {
            console_doubt_after(atoll(optarg));
        } else if (option != 'l' || !log_set_level(optarg)) {
            return usage(stderr, 2);
        }
    }
    if (path == NULL || optind != argc) {
        return usage(stderr, 2);
    }
    message_init();
    if (!loop_init() || !catch_signals()) {
        log_line(LOG_ERROR, "cannot begin: %s, which the kernel should never say here; are there free file descriptors?", strerror(errno));
        return 1;
    }
    if (!server_open(path)) {
        return 1;
    }
    hold_on();
    hold_recall(path);
    log_line(LOG_INFO, "version %s listens on %s", GUARD_VERSION, path);
    loop_run(tick);
    server_close();
    if (vms_any_armed()) {
        log_line(LOG_ERROR, "stopped although some VM may still be frozen; run the thaw script");
        return 1;
    }
    return 0;
}
