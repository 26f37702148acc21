/*
 * caller: somebody outside who asks a guest all the time, and notes when it answers.
 *
 *   caller ADDRESS PORT INTERVAL-US
 *
 * Sends a numbered datagram each interval, and prints a line for each answer: when it came, when it had been asked (microseconds,
 * wall clock), the number, and the guest's own count of what it has done (the talker's echo: what it got, and 8 bytes more).
 * Runs until it is killed.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct question {
  uint64_t number;
  uint64_t asked_us;
};

struct answer {
  struct question question;
  uint64_t done;
};

static uint64_t clock_us(clockid_t which) {
  struct timespec t;
  clock_gettime(which, &t);
  return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

int main(int count, char **words) {
  if (count != 4) errx(2, "usage: caller ADDRESS PORT INTERVAL-US");
  uint64_t interval = strtoull(words[3], NULL, 10);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(words[2]))};
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (interval == 0 || inet_pton(AF_INET, words[1], &to.sin_addr) != 1 || fd < 0) errx(2, "bad words");
  setvbuf(stdout, NULL, _IOLBF, 0);
  struct question next = {0, 0};
  for (uint64_t due = clock_us(CLOCK_MONOTONIC);;) {
    uint64_t now = clock_us(CLOCK_MONOTONIC);
    if (now >= due) {
      next.number++;
      next.asked_us = clock_us(CLOCK_REALTIME);
      /* While nobody has its address the kernel may refuse; then it is a question without an answer. */
      (void)!sendto(fd, &next, sizeof next, 0, (struct sockaddr *)&to, sizeof to);
      due = now > due + interval ? now + interval : due + interval;
      continue;
    }
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    struct timespec left = {0, (long)(due - now) * 1000};
    if (ppoll(&ready, 1, &left, NULL) <= 0) continue;
    struct answer a;
    if (recv(fd, &a, sizeof a, MSG_DONTWAIT) == (ssize_t)sizeof a)
      printf("%llu %llu %llu %llu\n", (unsigned long long)clock_us(CLOCK_REALTIME), (unsigned long long)a.question.asked_us,
             (unsigned long long)a.question.number, (unsigned long long)a.done);
  }
}
