/*
 * floor: the shortest full capture of one QEMU, without Holdfast: stop, one transaction over the disks, background memory
 * stream, and the guest runs. Speaks QMP on the machine's rescue socket. What a coordinated checkpoint is measured against.
 *
 *   floor SOCKET MEMORY-FILE MEMORY-BYTES [--at NANOSECONDS] NODE=LAYER=OVERLAY...
 *
 * NODE is the active block node, LAYER its file, OVERLAY a new image on top of it. All that can be done before the stop is
 * done before; afterwards the stream is awaited and the overlays are merged back, so that it can be repeated. --at stops at
 * that time of the wall clock. Prints four numbers: microseconds from the STOP to the RESUME event as received here
 * (monotonic clock), the same by QEMU's own time stamps, from the order to stop to STOP, and the wall clock in nanoseconds
 * at STOP.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { MOST_DISKS = 8, PATIENCE_SECONDS = 30 };

static int qmp;
static char buffer[1 << 20];
static size_t filled;
static int last_id;

/* An event: when it was received, and its own time stamp. */
struct event {
  long long at_ns;
  long long stamp_us;
};

static struct event stopped, resumed;
static char stream_status[32];
static int jobs_ready, jobs_ended;

static long long now(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* Reads one line; the line before is overwritten. */
static char *line(void) {
  static char one[1 << 20];
  for (;;) {
    char *end = memchr(buffer, '\n', filled);
    if (end) {
      size_t length = end - buffer + 1;
      memcpy(one, buffer, length);
      one[length - 1] = 0;
      memmove(buffer, buffer + length, filled - length);
      filled -= length;
      return one;
    }
    if (filled == sizeof buffer) errx(1, "QEMU sent a line that is too long");
    ssize_t got = read(qmp, buffer + filled, sizeof buffer - filled);
    if (got == 0) errx(1, "QEMU closed the connection");
    if (got < 0) err(1, "QEMU does not answer");
    filled += got;
  }
}

static bool event_is(const char *text, const char *name) {
  char words[64];
  snprintf(words, sizeof words, "\"event\": \"%s\"", name);
  return strstr(text, words) != NULL;
}

static struct event event_of(const char *text) {
  struct event e = {.at_ns = now(CLOCK_MONOTONIC)};
  long long seconds = 0, micros = 0;
  const char *s = strstr(text, "\"seconds\": "), *u = strstr(text, "\"microseconds\": ");
  if (s) sscanf(s, "\"seconds\": %lld", &seconds);
  if (u) sscanf(u, "\"microseconds\": %lld", &micros);
  e.stamp_us = seconds * 1000000 + micros;
  return e;
}

static void note(const char *text) {
  if (event_is(text, "STOP")) stopped = event_of(text);
  if (event_is(text, "RESUME")) resumed = event_of(text);
  if (event_is(text, "BLOCK_JOB_READY")) jobs_ready++;
  if (event_is(text, "BLOCK_JOB_COMPLETED")) jobs_ended++;
  if (event_is(text, "MIGRATION")) {
    const char *status = strstr(text, "\"status\": \"");
    if (status) sscanf(status, "\"status\": \"%31[^\"]", stream_status);
  }
}

static int order(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Sends a command with the next id: FORMAT is all between the braces but the id. */
static int order(const char *format, ...) {
  static char text[1 << 16];
  va_list words;
  va_start(words, format);
  int length = snprintf(text, sizeof text, "{\"id\": %d, ", ++last_id);
  length += vsnprintf(text + length, sizeof text - length, format, words);
  va_end(words);
  length += snprintf(text + length, sizeof text - length, "}\n");
  if (write(qmp, text, length) != length) err(1, "cannot write to QEMU");
  return last_id;
}

/* Waits for the answer to a command, noting events on the way. */
static void answer(int id) {
  char mark[32], last_mark[32];
  snprintf(mark, sizeof mark, "\"id\": %d,", id);
  snprintf(last_mark, sizeof last_mark, "\"id\": %d}", id);
  for (;;) {
    char *text = line();
    if (strstr(text, "\"event\": ")) {
      note(text);
    } else if (strstr(text, mark) || strstr(text, last_mark)) {
      if (strstr(text, "\"error\": ")) errx(1, "QEMU refused: %s", text);
      return;
    }
  }
}

#define DO(...) answer(order(__VA_ARGS__))

static void await_event(bool (*come)(void)) {
  while (!come()) {
    char *text = line();
    if (strstr(text, "\"event\": ")) note(text);
  }
}

static bool has_resumed(void) { return resumed.at_ns != 0; }
static bool stream_ended(void) { return !strcmp(stream_status, "completed") || !strcmp(stream_status, "failed"); }

static int disks;
static char *nodes[MOST_DISKS], *layers[MOST_DISKS], *overlays[MOST_DISKS];
static bool all_ready(void) { return jobs_ready == disks; }
static bool all_ended(void) { return jobs_ended == disks; }

static void connect_to(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) errx(2, "%s is too long for a socket", path);
  strcpy(address.sun_path, path);
  qmp = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
  if (qmp < 0 || setsockopt(qmp, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience)) err(1, "socket");
  if (connect(qmp, (struct sockaddr *)&address, sizeof address)) err(1, "%s", path);
  line(); /* the greeting */
  DO("\"execute\": \"qmp_capabilities\"");
}

/* getfd takes its descriptor from the control message of the same write. */
static void hand_over(int file) {
  char text[] = "{\"id\": 0, \"execute\": \"getfd\", \"arguments\": {\"fdname\": \"floor\"}}\n";
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
  } control = {0};
  struct iovec part = {text, sizeof text - 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &file, sizeof file);
  if (sendmsg(qmp, &message, 0) < 0) err(1, "cannot hand the memory file over");
  answer(0);
}

static void background(const char *state) {
  DO("\"execute\": \"migrate-set-capabilities\", \"arguments\": {\"capabilities\": ["
     "{\"capability\": \"events\", \"state\": true}, {\"capability\": \"background-snapshot\", \"state\": %s}]}", state);
}

static void prepare(const char *memory, long long bytes) {
  int file = open(memory, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0 || fallocate(file, FALLOC_FL_KEEP_SIZE, 0, bytes)) err(1, "%s", memory);
  background("true");
  DO("\"execute\": \"migrate-set-parameters\", \"arguments\": {\"max-bandwidth\": 1099511627776}");
  hand_over(file);
  close(file);
  for (int i = 0; i < disks; i++) {
    int layer = open(layers[i], O_RDONLY | O_CLOEXEC);
    if (layer < 0 || fdatasync(layer)) err(1, "%s", layers[i]);
    close(layer);
    DO("\"execute\": \"blockdev-add\", \"arguments\": {\"driver\": \"qcow2\", \"node-name\": \"floor%d\", "
       "\"backing\": null, \"file\": {\"driver\": \"file\", \"filename\": \"%s\"}}", i, overlays[i]);
  }
}

/* All at once, as nothing could be faster; QEMU executes in order. */
static void freeze_and_go(void) {
  char actions[8192];
  int length = 0;
  for (int i = 0; i < disks; i++)
    length += snprintf(actions + length, sizeof actions - length,
        "%s{\"type\": \"blockdev-snapshot\", \"data\": {\"node\": \"%s\", \"overlay\": \"floor%d\"}}",
        i ? ", " : "", nodes[i], i);
  answer(order("\"execute\": \"stop\"}\n"
      "{\"id\": 1000001, \"execute\": \"transaction\", \"arguments\": {\"actions\": [%s]}}\n"
      "{\"id\": 1000002, \"execute\": \"query-status\"}\n"
      "{\"id\": 1000003, \"execute\": \"migrate\", \"arguments\": {\"uri\": \"fd:floor\"}", actions));
  answer(1000001);
  answer(1000002);
  answer(1000003);
}

static void tidy(const char *memory) {
  background("false");
  for (int i = 0; i < disks; i++)
    DO("\"execute\": \"block-commit\", \"arguments\": {\"job-id\": \"floor-job%d\", \"device\": \"floor%d\", "
       "\"base-node\": \"%s\"}", i, i, nodes[i]);
  await_event(all_ready);
  for (int i = 0; i < disks; i++)
    DO("\"execute\": \"block-job-complete\", \"arguments\": {\"device\": \"floor-job%d\"}", i);
  await_event(all_ended);
  for (int i = 0; i < disks; i++) {
    DO("\"execute\": \"blockdev-del\", \"arguments\": {\"node-name\": \"floor%d\"}", i);
    unlink(overlays[i]);
  }
  unlink(memory);
}

int main(int count, char **words) {
  long long at = 0;
  int first = 4;
  if (count > 6 && !strcmp(words[4], "--at")) {
    at = atoll(words[5]);
    first = 6;
  }
  if (count <= first || count - first > MOST_DISKS)
    errx(2, "usage: floor SOCKET MEMORY-FILE MEMORY-BYTES [--at NANOSECONDS] NODE=LAYER=OVERLAY...");
  for (; first < count; first++, disks++) {
    nodes[disks] = strtok(words[first], "=");
    layers[disks] = strtok(NULL, "=");
    overlays[disks] = strtok(NULL, "=");
    if (!overlays[disks]) errx(2, "a disk is NODE=LAYER=OVERLAY");
  }
  connect_to(words[1]);
  prepare(words[2], atoll(words[3]));
  if (at) {
    struct timespec t = {at / 1000000000, at % 1000000000};
    clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL);
  }
  long long ordered = now(CLOCK_MONOTONIC);
  freeze_and_go();
  long long wall = now(CLOCK_REALTIME) - (now(CLOCK_MONOTONIC) - stopped.at_ns);
  if (!has_resumed()) {
    /* QEMU 7.2 lets the guest run by itself; later ones want to be told, once pages go out. */
    struct timeval soon = {.tv_sec = 1};
    setsockopt(qmp, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon);
    await_event(has_resumed);
  }
  struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
  setsockopt(qmp, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  await_event(stream_ended);
  if (strcmp(stream_status, "completed")) errx(1, "the memory stream failed");
  tidy(words[2]);
  printf("%lld %lld %lld %lld\n", (resumed.at_ns - stopped.at_ns) / 1000, resumed.stamp_us - stopped.stamp_us,
      (stopped.at_ns - ordered) / 1000, wall);
  return 0;
}
