/*
 * talker: the program of the demo guests. It never stops, and it notices when the world around it is not of one moment.
 *
 * Each iteration it
 *   1. makes a record of its counters (messages sent and received per peer), with the messages it is about to send
 *      already counted, and writes it to /dev/vda, then to /dev/vdb (O_DIRECT|O_SYNC);
 *   2. sends one numbered message to every peer;
 *   3. reads what the peers sent: numbers must follow each other, and each message carries a hash over everything its
 *      sender ever sent on that connection, which must equal the receiver's hash over everything it received. A cut in
 *      which somebody received what had not been sent is found by that hash even where the numbers happen to fit;
 *   4. reads both disks back and compares them with its memory: the newest record and the one before must be there as
 *      written (else LOST or MISMATCH), nothing newer may be there (else FUTURE), and in turn each of the older records.
 *
 * Lines on the console (each ends in " #", so that a torn line can be told):
 *   BOOT id=1 seq=0 ...           the program began; seq is the newest found on the disks
 *   S id=1 seq=123 mono_us=... sent=2:45,3:44 recv=2:40,3:41 bad=0 reconnects=0 #
 *   J id=1 gap_s=7 seq=...        the same right after the real-time clock jumped away from the monotonic clock: the guest was
 *                                 restored, or held (or the host's clock was set; then seq does not go back). Printed before
 *                                 anything more is received: the state at the cut
 *   LOST/MISMATCH/FUTURE/BAD ...  something is of another moment; the counter "bad" never goes back
 *
 * Kernel command line: holdfast.id=1 holdfast.peers=ADDR1,ADDR2,... (in order of ids, own address included)
 *   holdfast.period=20 (ms per iteration) holdfast.status=50 (ms between lines) holdfast.dirty=MB:MBPS (extra load)
 *   holdfast.node=NAME (where it runs; BOOT, S and J then end in node=NAME, also after it has moved to another QEMU)
 *   holdfast.compute=1 (a second thread computes all the time; lines then tell work=N, how far it is)
 *   holdfast.echo=1 (datagrams to port 7001 are answered: the same bytes, and behind them the newest seq on the disks as 8 bytes; and questions of
 *   16 bytes over a TCP connection to that port: the same bytes, how many were answered up to then, and that seq)
 *   holdfast.poweroff=1 (init: it shuts down when it is asked to)
 */
#define _GNU_SOURCE
#include "slot.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtc.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { DISKS = 2, PORT = 7000, ECHO_PORT = 7001, WINDOW = 4, JUMP_SECONDS = 2, CONNECT_RETRY_MS = 150 };

#define MESSAGE_MAGIC 0x48464d47u

enum message_kind { HELLO = 1, DATA = 2 };

struct message {
    uint32_t magic;
    uint16_t kind;
    uint16_t from;
    uint64_t number;
    uint64_t mono_us; /* makes two runs of the same past differ */
    uint64_t hash;    /* of all messages before this one on this connection */
};

enum link_state { DOWN, CONNECTING, UP };

struct link {
    enum link_state state;
    int fd;
    bool was_up;
    bool pending; /* a message is counted and not yet wholly handed to the kernel */
    struct sockaddr_in address;
    uint64_t retry_at_us;
    uint64_t sent, received;
    uint64_t sent_hash, received_hash;
    struct message out, in;
    size_t out_done, in_done;
};

static int self, guests;
static struct link links[MAX_GUESTS + 1];
static int disks[DISKS];
static const char *const disk_names[DISKS] = {"vda", "vdb"};
static uint64_t seq, bad, history[SLOTS]; /* history: checks of the newest SLOTS records, by slot */
static volatile uint64_t recorded;        /* the newest record that is on the disks */
static uint32_t reconnects;
static struct slot *buffer; /* aligned for O_DIRECT, WINDOW records */
static int listener = -1, rtc = -1;
static long period_ms = 20, status_ms = 50;
static bool has_node, computes, echoes;
static volatile uint64_t work_done;
static uint64_t answered; /* questions over TCP */

static uint64_t mono_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static void put_line(const char *text)
{
    size_t size = strlen(text);
    while (size > 0) {
        ssize_t done = write(STDOUT_FILENO, text, size);
        if (done < 0 && errno != EINTR && errno != EAGAIN)
            return;
        if (done > 0) {
            text += done;
            size -= (size_t)done;
        }
    }
}

__attribute__((format(printf, 1, 2))) static void complain(const char *format, ...)
{
    char text[256];
    va_list arguments;
    bad++;
    va_start(arguments, format);
    vsnprintf(text, sizeof text - 4, format, arguments);
    va_end(arguments);
    strcat(text, " #\n");
    put_line(text);
}

/*
 * The node, as the QEMU around it says now: the kernel command line of that one, which is not part of what moves
 * (QEMU, docs/specs/fw_cfg.rst: selector at port 0x510, data at 0x511, item 0x15). Empty if it was not told.
 */
static const char *current_node(void)
{
    enum { SELECTOR = 0x510, DATA = 0x511, COMMAND_LINE = 0x15 };
    static char line[4096], node[80];
    const char *word;
    size_t size = 0;
    if (!has_node || ioperm(SELECTOR, 2, 1) != 0)
        return "";
    outw(COMMAND_LINE, SELECTOR);
    while (size < sizeof line - 1 && (line[size] = (char)inb(DATA)) != '\0')
        size++;
    line[size] = '\0';
    word = strstr(line, "holdfast.node=");
    if (word == NULL)
        return " node=?";
    word += strlen("holdfast.");
    snprintf(node, sizeof node, " %.*s", (int)strcspn(word, " "), word);
    return node;
}

static void print_state(const char *head)
{
    char text[1200];
    size_t at = (size_t)snprintf(text, sizeof text, "%s seq=%llu mono_us=%llu sent=", head, (unsigned long long)seq,
                                 (unsigned long long)mono_us());
    for (int way = 0; way < 2; way++) {
        const char *comma = "";
        for (int i = 1; i <= guests; i++) {
            if (i == self)
                continue;
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%d:%llu", comma, i,
                                   (unsigned long long)(way ? links[i].received : links[i].sent));
            comma = ",";
        }
        if (way == 0)
            at += (size_t)snprintf(text + at, sizeof text - at, " recv=");
    }
    if (computes)
        at += (size_t)snprintf(text + at, sizeof text - at, " work=%llu", (unsigned long long)work_done);
    snprintf(text + at, sizeof text - at, " bad=%llu reconnects=%u%s #\n", (unsigned long long)bad, reconnects, current_node());
    put_line(text);
}

/* ---- jumps: the CMOS clock follows the host, the monotonic clock only counts while the guest runs ---- */

static long rtc_seconds(void)
{
    struct rtc_time t;
    struct tm broken = {0};
    if (rtc < 0 || ioctl(rtc, RTC_RD_TIME, &t) != 0)
        return -1;
    broken.tm_sec = t.tm_sec, broken.tm_min = t.tm_min, broken.tm_hour = t.tm_hour;
    broken.tm_mday = t.tm_mday, broken.tm_mon = t.tm_mon, broken.tm_year = t.tm_year;
    return (long)timegm(&broken);
}

static void notice_jump(void)
{
    static long last_rtc = -1;
    static uint64_t last_mono;
    long now_rtc = rtc_seconds();
    uint64_t now_mono = mono_us();
    if (now_rtc < 0)
        return;
    if (last_rtc >= 0) {
        long gap = now_rtc - last_rtc - (long)((now_mono - last_mono) / 1000000u);
        if (gap >= JUMP_SECONDS || gap <= -JUMP_SECONDS) {
            char head[64];
            snprintf(head, sizeof head, "J id=%d gap_s=%ld", self, gap);
            print_state(head);
        }
    }
    last_rtc = now_rtc;
    last_mono = now_mono;
}

/* ---- disks ---- */

static void open_disks(void)
{
    for (int d = 0; d < DISKS; d++) {
        char path[32];
        snprintf(path, sizeof path, "/dev/%s", disk_names[d]);
        disks[d] = open(path, O_RDWR | O_DIRECT | O_SYNC | O_CLOEXEC);
        if (disks[d] < 0)
            printf("NODISK %s: %s\n", path, strerror(errno));
    }
}

static bool read_slots(int d, uint64_t first, int count)
{
    ssize_t size = (ssize_t)count * SLOT_BYTES;
    if (pread(disks[d], buffer, (size_t)size, (off_t)(first % SLOTS) * SLOT_BYTES) == size)
        return true;
    complain("BAD id=%d cannot read %s: %s", self, disk_names[d], strerror(errno));
    return false;
}

static void write_slot(int d, const struct slot *s)
{
    memcpy(buffer, s, SLOT_BYTES);
    if (pwrite(disks[d], buffer, SLOT_BYTES, (off_t)(s->seq % SLOTS) * SLOT_BYTES) != SLOT_BYTES)
        complain("BAD id=%d cannot write %s: %s", self, disk_names[d], strerror(errno));
}

/* Compares one record just read with what memory says must stand in the slot of `expected`. */
static void judge_slot(int d, uint64_t expected, const struct slot *found)
{
    if (history[expected % SLOTS] == 0)
        return; /* nothing was ever written there */
    if (!slot_valid(found) || found->seq < expected)
        complain("LOST id=%d disk=%s expected=%llu found=%llu memory=%llu", self, disk_names[d], (unsigned long long)expected,
                 (unsigned long long)(slot_valid(found) ? found->seq : 0), (unsigned long long)seq);
    else if (found->seq > seq)
        complain("FUTURE id=%d disk=%s found=%llu memory=%llu", self, disk_names[d], (unsigned long long)found->seq,
                 (unsigned long long)seq);
    else if (found->check != history[expected % SLOTS])
        complain("MISMATCH id=%d disk=%s seq=%llu", self, disk_names[d], (unsigned long long)expected);
}

static void judge_future(int d, const struct slot *found)
{
    if (slot_valid(found) && found->seq > seq)
        complain("FUTURE id=%d disk=%s found=%llu memory=%llu", self, disk_names[d], (unsigned long long)found->seq,
                 (unsigned long long)seq);
}

static void check_disks(void)
{
    for (int d = 0; d < DISKS; d++) {
        if (disks[d] < 0)
            continue;
        for (int k = 0; k < WINDOW; k++) { /* N-1, N must be there; N+1, N+2 must not */
            uint64_t at = seq + (uint64_t)k - 1;
            bool together = (seq + SLOTS - 1) % SLOTS + WINDOW <= SLOTS;
            if (together ? (k == 0 && !read_slots(d, seq + SLOTS - 1, WINDOW)) : !read_slots(d, at + SLOTS, 1))
                break;
            const struct slot *found = together ? buffer + k : buffer;
            if (k < 2) {
                if (at > 0)
                    judge_slot(d, at, found);
            } else {
                judge_future(d, found);
            }
        }
        uint64_t age = 2 + (seq * 7) % (SLOTS - 4); /* one of the older records in turn */
        if (seq > age && read_slots(d, seq - age, 1))
            judge_slot(d, seq - age, buffer);
    }
}

/* After a boot: go on after the newest record, and bring the disk that missed the last write up to it. */
static void adopt_disks(void)
{
    struct slot newest[DISKS];
    memset(newest, 0, sizeof newest);
    for (int d = 0; d < DISKS; d++)
        for (uint64_t at = 0; disks[d] >= 0 && at < SLOTS && read_slots(d, at, 1); at++)
            if (slot_valid(buffer) && buffer->seq > newest[d].seq)
                newest[d] = *buffer;
    if (disks[0] < 0 || disks[1] < 0)
        return;
    const struct slot *best = newest[0].seq >= newest[1].seq ? &newest[0] : &newest[1];
    seq = best->seq;
    for (uint64_t at = 0; seq > 0 && at < SLOTS && read_slots(0, at, 1); at++)
        history[at] = slot_valid(buffer) ? buffer->check : 0;
    if (newest[0].seq != newest[1].seq && newest[0].seq - newest[1].seq != 1)
        complain("MISMATCH id=%d at boot: vda=%llu vdb=%llu", self, (unsigned long long)newest[0].seq,
                 (unsigned long long)newest[1].seq);
    else if (seq > 0 && newest[1].seq != seq)
        write_slot(1, best);
    recorded = seq;
}

static void record_state(void)
{
    struct slot s;
    memset(&s, 0, sizeof s);
    s.magic = SLOT_MAGIC, s.seq = seq, s.mono_us = mono_us(), s.bad = bad;
    s.id = (uint32_t)self, s.guests = (uint32_t)guests, s.reconnects = reconnects;
    for (int i = 1; i <= guests; i++)
        s.peer[i] = (struct channel_counts){links[i].sent, links[i].received};
    s.check = slot_check(&s);
    history[seq % SLOTS] = s.check;
    for (int d = 0; d < DISKS; d++)
        if (disks[d] >= 0)
            write_slot(d, &s);
    recorded = seq;
}

/* ---- network ---- */

static void tune(int fd)
{
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static void link_down(int peer, const char *why)
{
    struct link *l = &links[peer];
    if (l->state == UP) {
        reconnects++;
        complain("BAD id=%d connection to %d broke: %s", self, peer, why);
    }
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1, l->state = DOWN, l->pending = false;
    l->retry_at_us = mono_us() + CONNECT_RETRY_MS * 1000u;
}

static void link_up(int peer, int fd)
{
    struct link *l = &links[peer];
    tune(fd);
    l->fd = fd, l->state = UP, l->was_up = true;
    l->out_done = l->in_done = 0;
    l->sent_hash = l->received_hash = FNV_START;
    l->out = (struct message){MESSAGE_MAGIC, HELLO, (uint16_t)self, l->sent, mono_us(), 0};
    l->pending = true;
}

static void start_connect(int peer)
{
    struct link *l = &links[peer];
    l->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    l->state = CONNECTING;
    l->retry_at_us = mono_us() + 1000000u; /* a SYN without answer is given up after a second */
    if (connect(l->fd, (struct sockaddr *)&l->address, sizeof l->address) == 0)
        link_up(peer, l->fd);
    else if (errno != EINPROGRESS)
        link_down(peer, strerror(errno));
}

static void finish_connect(int peer)
{
    struct link *l = &links[peer];
    struct pollfd ready = {.fd = l->fd, .events = POLLOUT};
    int error = 0;
    socklen_t size = sizeof error;
    if (poll(&ready, 1, 0) == 1) {
        getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error == 0)
            link_up(peer, l->fd);
        else
            link_down(peer, strerror(error));
    } else if (mono_us() > l->retry_at_us) {
        link_down(peer, "no answer");
    }
}

/* The guest with the higher id connects; the address tells who called. */
static void accept_callers(void)
{
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    int fd;
    while ((fd = accept4(listener, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        int peer = 0;
        for (int i = 1; i <= guests; i++)
            if (i != self && links[i].address.sin_addr.s_addr == from.sin_addr.s_addr)
                peer = i;
        if (peer == 0) {
            close(fd);
        } else {
            link_down(peer, "the peer connected anew");
            link_up(peer, fd);
        }
        size = sizeof from;
    }
}

static void keep_links(void)
{
    accept_callers();
    for (int i = 1; i < self; i++) {
        if (links[i].state == DOWN && mono_us() >= links[i].retry_at_us)
            start_connect(i);
        else if (links[i].state == CONNECTING)
            finish_connect(i);
    }
}

/* Counts the next message of each idle link; its bytes leave later, in flush_link. */
static void count_messages(void)
{
    for (int i = 1; i <= guests; i++) {
        struct link *l = &links[i];
        if (l->state != UP || l->pending)
            continue;
        l->sent++;
        l->out = (struct message){MESSAGE_MAGIC, DATA, (uint16_t)self, l->sent, mono_us(), l->sent_hash};
        l->sent_hash = fnv1a(l->sent_hash, &l->out, sizeof l->out);
        l->out_done = 0;
        l->pending = true;
    }
}

static void flush_link(int peer)
{
    struct link *l = &links[peer];
    while (l->state == UP && l->pending) {
        ssize_t done = send(l->fd, (char *)&l->out + l->out_done, sizeof l->out - l->out_done, MSG_NOSIGNAL);
        if (done < 0) {
            if (errno != EAGAIN && errno != EINTR)
                link_down(peer, strerror(errno));
            return;
        }
        l->out_done += (size_t)done;
        if (l->out_done == sizeof l->out)
            l->pending = false, l->out_done = 0;
    }
}

static void take_message(int peer)
{
    struct link *l = &links[peer];
    const struct message *m = &l->in;
    if (m->magic != MESSAGE_MAGIC || m->from != peer) {
        link_down(peer, "the stream is garbled");
        return;
    }
    if (m->kind == HELLO) {
        l->received = m->number;
        return;
    }
    if (m->number != l->received + 1)
        complain("BAD id=%d from=%d expected=%llu got=%llu", self, peer, (unsigned long long)(l->received + 1),
                 (unsigned long long)m->number);
    else if (m->hash != l->received_hash)
        complain("BAD id=%d from=%d number=%llu: it follows messages that were never received here", self, peer,
                 (unsigned long long)m->number);
    l->received = m->number;
    l->received_hash = fnv1a(m->hash, m, sizeof *m);
}

static void drain_link(int peer)
{
    struct link *l = &links[peer];
    notice_jump();
    while (l->state == UP) {
        ssize_t done = recv(l->fd, (char *)&l->in + l->in_done, sizeof l->in - l->in_done, 0);
        if (done == 0)
            link_down(peer, "closed by the peer");
        else if (done < 0 && errno != EAGAIN && errno != EINTR)
            link_down(peer, strerror(errno));
        if (done <= 0)
            return;
        l->in_done += (size_t)done;
        if (l->in_done == sizeof l->in) {
            l->in_done = 0;
            take_message(peer);
        }
    }
}

/* ---- start ---- */

static void start_listening(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    int one = 1;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&any, sizeof any) != 0 || listen(listener, MAX_GUESTS) != 0)
        complain("BAD id=%d cannot listen: %s", self, strerror(errno));
}

struct load {
    size_t bytes;
    size_t pages_per_tick;
};

/* Writes one word in each page of its memory, round and round, at the rate asked for. */
static void *make_dirty(void *argument)
{
    struct load load = *(struct load *)argument;
    volatile char *memory = malloc(load.bytes);
    struct timespec tick = {0, 10 * 1000 * 1000};
    size_t at = 0;
    char value = 0;
    while (memory != NULL) {
        for (size_t page = 0; page < load.pages_per_tick; page++) {
            memory[at] = ++value;
            at = (at + 4096) % load.bytes;
        }
        nanosleep(&tick, NULL);
    }
    return NULL;
}

static void start_load(const char *text)
{
    static struct load load;
    pthread_t thread;
    unsigned long mb = 0, mbps = 0;
    if (text == NULL || sscanf(text, "%lu:%lu", &mb, &mbps) != 2 || mb == 0)
        return;
    load.bytes = mb << 20;
    load.pages_per_tick = (mbps << 20) / 4096 / 100 + 1;
    pthread_create(&thread, NULL, make_dirty, &load);
}

/* Needs the processor and almost no memory. */
static void *compute(void *unused)
{
    uint64_t value = FNV_START;
    for (;;) {
        for (int i = 0; i < 1000; i++)
            value = fnv1a(value, &value, sizeof value);
        work_done++;
    }
    return unused;
}

static void *echo(void *unused)
{
    char bytes[64 + sizeof seq];
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(ECHO_PORT)}, from;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (bind(fd, (struct sockaddr *)&any, sizeof any) != 0)
        complain("BAD id=%d cannot listen for datagrams: %s", self, strerror(errno));
    for (;;) {
        socklen_t size = sizeof from;
        ssize_t length = recvfrom(fd, bytes, 64, 0, (struct sockaddr *)&from, &size);
        if (length <= 0)
            continue;
        uint64_t now = recorded;
        memcpy(bytes + length, &now, sizeof now);
        sendto(fd, bytes, (size_t)length + sizeof now, 0, (struct sockaddr *)&from, size);
    }
    return unused;
}

static void start_thread(void *(*what)(void *), void *argument)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, what, argument) != 0)
        complain("BAD id=%d cannot start a thread", self);
    else
        pthread_detach(thread);
}

static void *answer(void *connection)
{
    int fd = (int)(intptr_t)connection;
    uint64_t words[4];
    while (recv(fd, words, 16, MSG_WAITALL) == 16) {
        words[2] = __atomic_add_fetch(&answered, 1, __ATOMIC_SEQ_CST);
        words[3] = recorded;
        if (send(fd, words, sizeof words, MSG_NOSIGNAL) != (ssize_t)sizeof words)
            break;
    }
    close(fd);
    return NULL;
}

static void *take_callers(void *unused)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(ECHO_PORT)};
    int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(door, (struct sockaddr *)&any, sizeof any) != 0 || listen(door, MAX_GUESTS) != 0)
        complain("BAD id=%d cannot listen for callers: %s", self, strerror(errno));
    for (;;) {
        int fd = accept4(door, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        tune(fd);
        start_thread(answer, (void *)(intptr_t)fd);
    }
    return unused;
}

static void parse_peers(char *text)
{
    for (char *word = strtok(text, ","); word != NULL && guests < MAX_GUESTS; word = strtok(NULL, ",")) {
        struct link *l = &links[++guests];
        l->fd = -1;
        l->address.sin_family = AF_INET;
        l->address.sin_port = htons(PORT);
        inet_pton(AF_INET, word, &l->address.sin_addr);
    }
}

static void read_command_line(void)
{
    static char line[4096];
    FILE *file = fopen("/proc/cmdline", "r");
    char *rest = line, *word;
    if (file == NULL || fgets(line, sizeof line, file) == NULL)
        return;
    fclose(file);
    while ((word = strsep(&rest, " \n")) != NULL) {
        char *value = strchr(word, '=');
        if (value == NULL)
            continue;
        *value++ = '\0';
        if (strcmp(word, "holdfast.id") == 0)
            self = atoi(value);
        else if (strcmp(word, "holdfast.peers") == 0)
            parse_peers(value);
        else if (strcmp(word, "holdfast.period") == 0)
            period_ms = atol(value);
        else if (strcmp(word, "holdfast.status") == 0)
            status_ms = atol(value);
        else if (strcmp(word, "holdfast.dirty") == 0)
            start_load(value);
        else if (strcmp(word, "holdfast.node") == 0)
            has_node = true;
        else if (strcmp(word, "holdfast.compute") == 0)
            computes = true;
        else if (strcmp(word, "holdfast.echo") == 0)
            echoes = true;
    }
}

static void sleep_until_us(uint64_t when)
{
    struct timespec at = {(time_t)(when / 1000000u), (long)(when % 1000000u) * 1000};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

int main(void)
{
    char head[32];
    uint64_t next_us, status_at_us = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    read_command_line();
    if (posix_memalign((void **)&buffer, 4096, (size_t)WINDOW * SLOT_BYTES) != 0)
        return 1;
    rtc = open("/dev/rtc0", O_RDONLY | O_CLOEXEC);
    open_disks();
    adopt_disks();
    start_listening();
    if (computes)
        start_thread(compute, NULL);
    if (echoes) {
        start_thread(echo, NULL);
        start_thread(take_callers, NULL);
    }
    snprintf(head, sizeof head, "BOOT id=%d", self);
    print_state(head);
    snprintf(head, sizeof head, "S id=%d", self);
    for (next_us = mono_us();; next_us += (uint64_t)period_ms * 1000u) {
        if (next_us < mono_us())
            next_us = mono_us(); /* late: do not run after lost time */
        sleep_until_us(next_us);
        notice_jump(); /* before anything is counted or received */
        keep_links();
        seq++;
        count_messages();
        record_state();
        for (int i = 1; i <= guests; i++)
            flush_link(i);
        for (int i = 1; i <= guests; i++)
            if (i != self)
                drain_link(i);
        check_disks();
        if (mono_us() >= status_at_us) {
            status_at_us = mono_us() + (uint64_t)status_ms * 1000u;
            print_state(head);
        }
    }
}
