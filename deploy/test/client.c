/*
 * client: somebody outside who talks to a guest over one TCP connection, and checks that it never forgets what it has said.
 *
 *   client ADDRESS PORT INTERVAL-US PATIENCE-S
 *
 * Sends a numbered question each interval (talker.c, holdfast.echo=1), at most 64 ahead of the answers, and prints a line for each answer,
 *   A <wall clock, us> <asked, us> <number> <answered> <seq>
 * of which the last two are the guest's own counters: how many questions it has answered, and what is on its disks. Besides:
 *   CONNECTED <us>               a connection, the first one or another
 *   LOST <us> <number> <why>     the connection broke, or nothing came for PATIENCE-S; it is made anew, the unanswered are asked again
 *   BACK <us> <counter> <seen> <now>   a counter of the guest is behind what it has said before: something was taken back
 *   WRONG <us> <expected> <got>  an answer to something else, or one question counted twice, on one connection
 * Runs until it is killed.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { AHEAD = 64 };

struct question {
  uint64_t number;
  uint64_t asked_us;
};

struct answer {
  struct question question;
  uint64_t answered;
  uint64_t seq;
};

static struct sockaddr_in guest;
static int fd = -1;
static uint64_t asked, seen; /* numbers: the newest question on this connection, and the newest answer ever */
static uint64_t answered, seq;
static bool counted; /* whether an answer on this connection has been counted */
static uint64_t heard_us;
static char in[sizeof(struct answer)];
static size_t in_done;

static uint64_t clock_us(clockid_t which) {
  struct timespec t;
  clock_gettime(which, &t);
  return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static unsigned long long now(void) { return clock_us(CLOCK_REALTIME); }

static void lost(const char *why) {
  printf("LOST %llu %llu %s\n", now(), (unsigned long long)seen, why);
  close(fd);
  fd = -1;
}

static void find(void) {
  int one = 1;
  struct timeval patience = {2, 0};
  fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience); /* also of connect */
  if (connect(fd, (struct sockaddr *)&guest, sizeof guest) != 0) {
    close(fd);
    fd = -1;
    usleep(100000);
    return;
  }
  asked = seen;
  counted = false;
  in_done = 0;
  heard_us = clock_us(CLOCK_MONOTONIC);
  printf("CONNECTED %llu\n", now());
}

static void ask(void) {
  struct question q = {asked + 1, clock_us(CLOCK_REALTIME)};
  if (asked - seen >= AHEAD) return;
  if (send(fd, &q, sizeof q, MSG_NOSIGNAL) == (ssize_t)sizeof q)
    asked++;
  else
    lost(strerror(errno));
}

static void behind(const char *counter, uint64_t before, uint64_t then) {
  printf("BACK %llu %s %llu %llu\n", now(), counter, (unsigned long long)before, (unsigned long long)then);
}

static void take(const struct answer *a) {
  if (a->question.number != seen + 1 || (counted && a->answered != answered + 1))
    printf("WRONG %llu %llu %llu\n", now(), (unsigned long long)(seen + 1), (unsigned long long)a->question.number);
  if (a->answered <= answered) behind("answered", answered, a->answered);
  if (a->seq < seq) behind("seq", seq, a->seq);
  seen = a->question.number;
  answered = a->answered;
  seq = a->seq;
  counted = true;
  heard_us = clock_us(CLOCK_MONOTONIC);
  printf("A %llu %llu %llu %llu %llu\n", now(), (unsigned long long)a->question.asked_us, (unsigned long long)seen,
         (unsigned long long)answered, (unsigned long long)seq);
}

static void hear(void) {
  ssize_t size;
  while (fd >= 0 && (size = recv(fd, in + in_done, sizeof in - in_done, MSG_DONTWAIT)) != -1) {
    if (size == 0) {
      lost("closed by the guest");
      return;
    }
    in_done += (size_t)size;
    if (in_done < sizeof in) continue;
    struct answer a;
    memcpy(&a, in, sizeof a);
    in_done = 0;
    take(&a);
  }
  if (fd >= 0 && errno != EAGAIN && errno != EINTR) lost(strerror(errno));
}

int main(int count, char **words) {
  if (count != 5) errx(2, "usage: client ADDRESS PORT INTERVAL-US PATIENCE-S");
  uint64_t interval = strtoull(words[3], NULL, 10), patience = strtoull(words[4], NULL, 10) * 1000000u;
  guest = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(words[2]))};
  if (interval == 0 || patience == 0 || inet_pton(AF_INET, words[1], &guest.sin_addr) != 1) errx(2, "bad words");
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (uint64_t due = 0;;) {
    if (fd < 0) {
      find();
      continue;
    }
    uint64_t at = clock_us(CLOCK_MONOTONIC);
    if (at >= due) {
      due = at + interval;
      ask();
      continue;
    }
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    struct timespec left = {0, (long)(due - at) * 1000};
    if (ppoll(&ready, 1, &left, NULL) > 0) hear();
    if (fd >= 0 && clock_us(CLOCK_MONOTONIC) - heard_us > patience) lost("no answer");
  }
}
