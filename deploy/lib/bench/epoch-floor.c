/*
 * epoch-floor: the shortest epochs of one machine to its standby, without Holdfast: what its own epochs are measured against.
 *
 *   epoch-floor PRIMARY-QMP STANDBY-QMP MEMORY-FILE COUNT INTERVAL-MS [sealed]
 *
 * Both are QMP sockets nobody else uses. The standby is attached already. One epoch: memory to a socket of this program, which
 * stores it; the guest stops by itself when little is left; the rest; the file is synced; the standby's disks follow; the
 * guest runs. Prints a line per epoch: microseconds from STOP to RESUME by QEMU's own time stamps, the same for the whole
 * epoch by our clock, bytes of memory, and when in the pause QEMU waits, the rest is sent, stored, and the disks have
 * followed. Nothing is written down, so the standby is of no use to anybody afterwards.
 *
 * "sealed": the memory takes the way that it has to take between two hosts: through a TCP connection, with AES-256-GCM by
 * OpenSSL. The disks do not.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_SECONDS = 30, PIECE = 1 << 20, MESSAGE = 1 << 16, TAG = 16, NONCE = 12 };

struct monitor {
  int fd;
  size_t filled;
  char buffer[1 << 20];
  char one[1 << 20];
};

static struct monitor primary, standby;
static int last_id;
static long long stopped_us, waits_us, sent_us, resumed_us;
static char stream[32];

static const char *memory_file;
static char memory_socket[108];
static int listener;
static long long received;

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* As QEMU's time stamps. */
static long long wall(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static char *line(struct monitor *m) {
  for (;;) {
    char *end = memchr(m->buffer, '\n', m->filled);
    if (end) {
      size_t length = end - m->buffer + 1;
      memcpy(m->one, m->buffer, length);
      m->one[length - 1] = 0;
      memmove(m->buffer, m->buffer + length, m->filled - length);
      m->filled -= length;
      return m->one;
    }
    if (m->filled == sizeof m->buffer) errx(1, "QEMU sent a line that is too long");
    ssize_t got = read(m->fd, m->buffer + m->filled, sizeof m->buffer - m->filled);
    if (got == 0) errx(1, "QEMU closed the connection");
    if (got < 0) err(1, "QEMU does not answer");
    m->filled += got;
  }
}

static void note(const char *text) {
  long long seconds = 0, micros = 0;
  const char *s = strstr(text, "\"seconds\": "), *u = strstr(text, "\"microseconds\": ");
  if (s) sscanf(s, "\"seconds\": %lld", &seconds);
  if (u) sscanf(u, "\"microseconds\": %lld", &micros);
  if (strstr(text, "\"event\": \"STOP\"")) stopped_us = seconds * 1000000 + micros;
  if (strstr(text, "\"event\": \"RESUME\"")) resumed_us = seconds * 1000000 + micros;
  const char *status = strstr(text, "\"status\": \"");
  if (strstr(text, "\"event\": \"MIGRATION\"") && status) sscanf(status, "\"status\": \"%31[^\"]", stream);
  if (!strcmp(stream, "pre-switchover")) waits_us = seconds * 1000000 + micros;
  if (!strcmp(stream, "completed") && strstr(text, "\"event\": \"MIGRATION\"")) sent_us = seconds * 1000000 + micros;
}

/* Sends a command and waits for its answer; false if QEMU refuses. */
static bool order(struct monitor *m, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool order(struct monitor *m, const char *format, ...) {
  char text[4096], mark[32], last_mark[32];
  va_list words;
  va_start(words, format);
  int length = snprintf(text, sizeof text, "{\"id\": %d, ", ++last_id);
  length += vsnprintf(text + length, sizeof text - length, format, words);
  va_end(words);
  length += snprintf(text + length, sizeof text - length, "}\n");
  if (write(m->fd, text, length) != length) err(1, "cannot write to QEMU");
  snprintf(mark, sizeof mark, "\"id\": %d,", last_id);
  snprintf(last_mark, sizeof last_mark, "\"id\": %d}", last_id);
  for (;;) {
    char *reply = line(m);
    if (strstr(reply, "\"event\": ")) {
      if (m == &primary) note(reply);
    } else if (strstr(reply, mark) || strstr(reply, last_mark)) {
      if (!strstr(reply, "\"error\": {")) return true;
      if (!strstr(reply, "not finalized")) errx(1, "QEMU refused: %s", reply);
      return false;
    }
  }
}

static void await_stream(const char *status) {
  while (strcmp(stream, status)) {
    if (!strcmp(stream, "failed") || !strcmp(stream, "cancelled")) errx(1, "the memory stream ended as '%s'", stream);
    char *text = line(&primary);
    if (strstr(text, "\"event\": ")) note(text);
  }
}

static int open_socket(struct sockaddr_un *address, const char *path) {
  if (strlen(path) >= sizeof address->sun_path) errx(2, "%s is too long for a socket", path);
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  strcpy(address->sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) err(1, "socket");
  return fd;
}

static void connect_to(struct monitor *m, const char *path) {
  struct sockaddr_un address;
  m->fd = open_socket(&address, path);
  struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
  if (setsockopt(m->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience)) err(1, "socket");
  if (connect(m->fd, (struct sockaddr *)&address, sizeof address)) err(1, "%s", path);
  line(m); /* the greeting */
  order(m, "\"execute\": \"qmp_capabilities\"");
}

static void listen_for_memory(void) {
  struct sockaddr_un address;
  snprintf(memory_socket, sizeof memory_socket, "%s.sock", memory_file);
  unlink(memory_socket);
  listener = open_socket(&address, memory_socket);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1)) err(1, "%s", memory_socket);
}

static int open_file(void) {
  int file = open(memory_file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) err(1, "%s", memory_file);
  received = 0;
  return file;
}

static void store(int file, const void *bytes, ssize_t count) {
  if (write(file, bytes, count) != count) err(1, "%s", memory_file);
  received += count;
}

static void close_file(int file) {
  if (ftruncate(file, received) || fsync(file)) err(1, "%s", memory_file);
  close(file);
}

static void *receive(void *unused) {
  static char piece[PIECE];
  int from = accept(listener, NULL, NULL);
  if (from < 0) err(1, "%s", memory_socket);
  int file = open_file();
  ssize_t got;
  while ((got = read(from, piece, sizeof piece)) > 0) store(file, piece, got);
  if (got < 0) err(1, "%s", memory_socket);
  close_file(file);
  close(from);
  return unused;
}

/* ---- the sealed way ---- */

static int tcp_listener;
static struct sockaddr_in tcp_address;

static void listen_for_sealed(void) {
  socklen_t size = sizeof tcp_address;
  tcp_address.sin_family = AF_INET;
  tcp_address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  tcp_listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (tcp_listener < 0 || bind(tcp_listener, (struct sockaddr *)&tcp_address, sizeof tcp_address) || listen(tcp_listener, 1)
      || getsockname(tcp_listener, (struct sockaddr *)&tcp_address, &size))
    err(1, "TCP");
}

static EVP_CIPHER_CTX *cipher(int seals) {
  static const unsigned char key[32];
  EVP_CIPHER_CTX *made = EVP_CIPHER_CTX_new();
  if (!made || !EVP_CipherInit_ex(made, EVP_aes_256_gcm(), NULL, key, NULL, seals)) errx(1, "OpenSSL cannot seal");
  return made;
}

static void next_message(EVP_CIPHER_CTX *by, unsigned long long *count, int seals) {
  unsigned char nonce[NONCE] = {0};
  ++*count;
  memcpy(nonce, count, sizeof *count);
  if (!EVP_CipherInit_ex(by, NULL, NULL, NULL, nonce, seals)) errx(1, "OpenSSL cannot seal");
}

static void *seal(void *unused) {
  static unsigned char plain[MESSAGE], out[4 + MESSAGE + TAG];
  EVP_CIPHER_CTX *by = cipher(1);
  unsigned long long count = 0;
  int from = accept(listener, NULL, NULL), to = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
  if (from < 0 || to < 0 || connect(to, (struct sockaddr *)&tcp_address, sizeof tcp_address)
      || setsockopt(to, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one))
    err(1, "TCP");
  ssize_t got;
  do {
    int length = 0, rest = 0;
    got = read(from, plain, sizeof plain);
    if (got < 0) err(1, "%s", memory_socket);
    next_message(by, &count, 1);
    if (!EVP_EncryptUpdate(by, out + 4, &length, plain, got) || !EVP_EncryptFinal_ex(by, out + 4 + length, &rest)
        || !EVP_CIPHER_CTX_ctrl(by, EVP_CTRL_GCM_GET_TAG, TAG, out + 4 + got))
      errx(1, "OpenSSL cannot seal");
    uint32_t all = got + TAG;
    memcpy(out, &all, 4);
    if (write(to, out, 4 + all) != 4 + (ssize_t)all) err(1, "TCP");
  } while (got > 0);
  EVP_CIPHER_CTX_free(by);
  close(to);
  close(from);
  return unused;
}

static void *receive_sealed(void *unused) {
  static unsigned char in[2 * (4 + MESSAGE + TAG)], plain[MESSAGE];
  EVP_CIPHER_CTX *by = cipher(0);
  unsigned long long count = 0;
  size_t filled = 0;
  int from = accept(tcp_listener, NULL, NULL);
  if (from < 0) err(1, "TCP");
  int file = open_file();
  for (;;) {
    uint32_t all = 0;
    if (filled >= 4) memcpy(&all, in, 4);
    if (!all || filled < 4 + all) {
      ssize_t got = read(from, in + filled, sizeof in - filled);
      if (got <= 0) err(1, "TCP");
      filled += got;
      continue;
    }
    int length = 0, rest = 0;
    next_message(by, &count, 0);
    if (!EVP_DecryptUpdate(by, plain, &length, in + 4, all - TAG) || !EVP_CIPHER_CTX_ctrl(by, EVP_CTRL_GCM_SET_TAG, TAG, in + 4 + all - TAG)
        || !EVP_DecryptFinal_ex(by, plain + length, &rest))
      errx(1, "what came is not what was sent");
    filled -= 4 + all;
    memmove(in, in + 4 + all, filled);
    if (all == TAG) break;
    store(file, plain, length);
  }
  close_file(file);
  EVP_CIPHER_CTX_free(by);
  close(from);
  return unused;
}

static bool sealed;

static void epoch(void) {
  pthread_t receiver, sealer;
  stream[0] = 0;
  stopped_us = resumed_us = 0;
  if (pthread_create(&receiver, NULL, sealed ? receive_sealed : receive, NULL)) errx(1, "no thread");
  if (sealed && pthread_create(&sealer, NULL, seal, NULL)) errx(1, "no thread");
  long long start = now();
  order(&primary, "\"execute\": \"migrate\", \"arguments\": {\"uri\": \"unix:%s\"}", memory_socket);
  await_stream("pre-switchover");
  order(&primary, "\"execute\": \"migrate-continue\", \"arguments\": {\"state\": \"pre-switchover\"}");
  await_stream("completed");
  pthread_join(receiver, NULL);
  if (sealed) pthread_join(sealer, NULL);
  long long stored = wall();
  order(&standby, "\"execute\": \"xen-colo-do-checkpoint\"");
  long long followed = wall();
  while (!order(&primary, "\"execute\": \"cont\"")) usleep(1000);
  long long length = now() - start;
  while (!resumed_us) note(line(&primary));
  printf("%lld %lld %lld %lld %lld %lld %lld\n", resumed_us - stopped_us, length / 1000, received, waits_us - stopped_us,
      sent_us - stopped_us, stored - stopped_us, followed - stopped_us);
  fflush(stdout);
}

int main(int count, char **words) {
  sealed = count == 7 && !strcmp(words[6], "sealed");
  if (count != 6 && !sealed) errx(2, "usage: epoch-floor PRIMARY-QMP STANDBY-QMP MEMORY-FILE COUNT INTERVAL-MS [sealed]");
  memory_file = words[3];
  long long interval = atoll(words[5]) * 1000000;
  connect_to(&primary, words[1]);
  connect_to(&standby, words[2]);
  listen_for_memory();
  if (sealed) listen_for_sealed();
  order(&primary, "\"execute\": \"migrate-set-capabilities\", \"arguments\": {\"capabilities\": ["
      "{\"capability\": \"events\", \"state\": true}, {\"capability\": \"pause-before-switchover\", \"state\": true}]}");
  order(&primary, "\"execute\": \"migrate-set-parameters\", \"arguments\": {\"max-bandwidth\": 1099511627776, "
      "\"downtime-limit\": 100}");
  long long next = now();
  for (int i = atoi(words[4]); i > 0; i--) {
    epoch();
    next += interval;
    long long left = next - now();
    if (left <= 0) {
      next = now();
    } else {
      struct timespec t = {left / 1000000000, left % 1000000000};
      nanosleep(&t, NULL);
    }
  }
  unlink(memory_socket);
  unlink(memory_file);
  return 0;
}
