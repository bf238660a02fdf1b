/*
 * What one client at a follower waits for with each write, and nothing else: the messages of a write in an ensemble of three, and
 * the syncs, by processes that do nothing with them. It says what of a server's time is the machine's.
 *
 *   write-floor FOLDER SECONDS
 *
 * client -> follower -> leader -> both followers; each of the three appends and syncs; follower -> leader when it has, leader ->
 * followers when a quorum has, follower -> client. Prints one line of JSON: writes a second, the median and the 99th percentile of
 * their time in microseconds. Each process waits with epoll, as servers with more than one connection have to.
 * Build: cc -O2 -o write-floor write-floor.c (with ../probe.h beside it)
 */
#define _GNU_SOURCE
#include "../probe.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MESSAGE = 180, LOG_BYTES = 64 << 20, WRITE = 1, PROPOSAL, ACK, COMMIT, DONE };

struct message { uint8_t kind; uint32_t number; uint8_t rest[MESSAGE - 8]; };

static int log_fd;
static off_t log_end;

/* Zeros are there beforehand, so that a sync has no metadata to write: as both servers do it. */
static void open_log(const char *folder, int id) {
  char path[4096];
  snprintf(path, sizeof path, "%s/floor.%d", folder, id);
  log_fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (log_fd < 0) die(path);
  unlink(path);
  char *zeros = calloc(1, LOG_BYTES);
  if (pwrite(log_fd, zeros, LOG_BYTES, 0) != LOG_BYTES || fsync(log_fd) != 0) die("the log");
  free(zeros);
}

static void append(const struct message *message) {
  if (log_end + MESSAGE > LOG_BYTES) log_end = 0;
  if (pwrite(log_fd, message, MESSAGE, log_end) != MESSAGE || fdatasync(log_fd) != 0) die("append");
  log_end += MESSAGE;
}

static void tell(int fd, struct message message, uint8_t kind) {
  message.kind = kind;
  send_fully(fd, (uint8_t *)&message, MESSAGE);
}

/* A message of any of the peers; ends the process with the first that has gone. */
static struct message hear(int waiter, int *from) {
  struct epoll_event event;
  while (epoll_wait(waiter, &event, 1, -1) < 0) if (errno != EINTR) die("epoll_wait");
  struct message message;
  ssize_t got = recv(event.data.fd, &message, MESSAGE, MSG_WAITALL);
  if (got <= 0) exit(0);
  if (got != MESSAGE) die("recv");
  *from = event.data.fd;
  return message;
}

static int waiter_for(int a, int b) {
  int waiter = epoll_create1(0);
  struct epoll_event event = { .events = EPOLLIN, .data.fd = a };
  if (waiter < 0 || epoll_ctl(waiter, EPOLL_CTL_ADD, a, &event) != 0) die("epoll");
  event.data.fd = b;
  if (b >= 0 && epoll_ctl(waiter, EPOLL_CTL_ADD, b, &event) != 0) die("epoll");
  return waiter;
}

/* Both ends of a connection over the loopback. */
static void connected(int ends[2]) {
  struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  socklen_t size = sizeof at;
  int door = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  if (door < 0 || bind(door, (struct sockaddr *)&at, size) != 0 || listen(door, 1) != 0) die("listen");
  if (getsockname(door, (struct sockaddr *)&at, &size) != 0) die("getsockname");
  ends[0] = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(ends[0], (struct sockaddr *)&at, size) != 0) die("connect");
  ends[1] = accept(door, NULL, NULL);
  if (ends[1] < 0) die("accept");
  close(door);
  for (int i = 0; i < 2; i++) setsockopt(ends[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static void follow(int leader, int client) {
  int waiter = waiter_for(leader, client), from;
  for (;;) {
    struct message message = hear(waiter, &from);
    if (message.kind == WRITE) tell(leader, message, WRITE);
    else if (message.kind == PROPOSAL) {
      append(&message);
      tell(leader, message, ACK);
    } else if (message.kind == COMMIT && client >= 0) tell(client, message, DONE);
  }
}

static void lead(int one, int other) {
  int waiter = waiter_for(one, other), from;
  uint32_t committed = 0;
  for (;;) {
    struct message message = hear(waiter, &from);
    if (message.kind == WRITE) {
      tell(one, message, PROPOSAL);
      tell(other, message, PROPOSAL);
      append(&message);
    } else if (message.kind == ACK && message.number > committed) {
      committed = message.number;
      tell(one, message, COMMIT);
      tell(other, message, COMMIT);
    }
  }
}

int main(int argc, char **argv) {
  if (argc != 3) { fprintf(stderr, "usage: write-floor FOLDER SECONDS\n"); return 64; }
  double seconds = atof(argv[2]);
  int client[2], one[2], other[2];
  connected(client);
  connected(one);
  connected(other);
  for (int id = 1; id <= 3; id++) {
    if (fork() != 0) continue;
    open_log(argv[1], id);
    if (id == 1) { close(client[0]); close(one[1]); close(other[0]); close(other[1]); follow(one[0], client[1]); }
    close(client[0]);
    close(client[1]);
    if (id == 2) { close(other[1]); close(one[0]); close(one[1]); follow(other[0], -1); }
    close(one[0]);
    close(other[0]);
    lead(one[1], other[1]);
  }
  close(client[1]);
  for (int i = 0; i < 2; i++) { close(one[i]); close(other[i]); }
  size_t capacity = (size_t)(seconds * 100000) + 1, count = 0;
  uint32_t *took = malloc(capacity * sizeof *took);
  int waiter = waiter_for(client[0], -1), from;
  struct message message = { .kind = WRITE };
  /* The logs are made before the first answer. */
  message.number = 1;
  tell(client[0], message, WRITE);
  hear(waiter, &from);
  uint64_t begun = now_ns(), end = begun + (uint64_t)(seconds * 1e9), now = begun;
  while (now < end && count < capacity) {
    message.number++;
    tell(client[0], message, WRITE);
    hear(waiter, &from);
    uint64_t done = now_ns();
    took[count++] = (uint32_t)((done - now) / 1000);
    now = done;
  }
  close(client[0]);
  while (wait(NULL) > 0);
  qsort(took, count, sizeof *took, by_size);
  printf("{\"ops_per_second\": %.1f, \"p50_us\": %u, \"p99_us\": %u}\n", count / ((now - begun) / 1e9), took[count / 2], took[count * 99 / 100]);
  return 0;
}
