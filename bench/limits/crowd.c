/*
 * Keeps many sessions open, each with a heartbeat and with watches, and prints one line of JSON at the end.
 *
 *   crowd PORT SESSIONS WATCHES PING_MS TIMEOUT_MS SECONDS
 *
 * Says `ready` once every session has its watches, each on a path of its own; SECONDS count from there. Unanswered
 * heartbeats and closed connections are failures.
 */
#include "crowd.h"
#include <sys/resource.h>

struct session { int fd; int open; int watching; uint64_t due; uint64_t pinged; struct frames frames; };
static struct session *sessions;
static long pongs, events, errors, worst_us;
static int opened, closed, watches, settled;

static void seen(void *context, int xid, int err) {
  struct session *s = context;
  if (!s->open) { s->open = 1; opened++; return; }
  if (xid == -1) { events++; return; }
  if (xid == -2) {
    long took = (long)((now_ns() - s->pinged) / 1000);
    if (took > worst_us) worst_us = took;
    s->pinged = 0;
    pongs++;
    return;
  }
  if (err != 0 && err != -101) errors++;
  if (++s->watching == watches) settled++;
}

static void hear(int index) {
  uint8_t buffer[65536];
  struct session *s = &sessions[index];
  ssize_t got = recv(s->fd, buffer, sizeof buffer, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) { close(s->fd); s->fd = -1; closed++; return; }
  each_frame(&s->frames, buffer, (size_t)got, seen, s);
}

static void poll_for(int ep, int ms) {
  struct epoll_event ready[512];
  int n = epoll_wait(ep, ready, 512, ms);
  for (int i = 0; i < n; i++) if (sessions[ready[i].data.u32].fd >= 0) hear((int)ready[i].data.u32);
}

int main(int argc, char **argv) {
  if (argc != 7) { fprintf(stderr, "usage: crowd PORT SESSIONS WATCHES PING_MS TIMEOUT_MS SECONDS\n"); return 64; }
  int port = atoi(argv[1]), count = atoi(argv[2]), ping_ms = atoi(argv[4]), timeout = atoi(argv[5]);
  double seconds = atof(argv[6]);
  watches = atoi(argv[3]);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  sessions = calloc((size_t)count, sizeof *sessions);
  int ep = epoll_create1(0);
  for (int i = 0; i < count; i++) {
    struct session *s = &sessions[i];
    struct epoll_event event = { .events = EPOLLIN, .data.u32 = (uint32_t)i };
    s->fd = dial(port, i);
    epoll_ctl(ep, EPOLL_CTL_ADD, s->fd, &event);
    /* A few at a time, as the queue of the listener has room for. */
    while (i - opened - closed >= 64) poll_for(ep, 1);
    uint8_t hello[49];
    put_hello(hello, timeout);
    fcntl(s->fd, F_SETFL, 0);
    send_fully(s->fd, hello, sizeof hello);
    fcntl(s->fd, F_SETFL, O_NONBLOCK);
  }
  while (opened + closed < count) poll_for(ep, 10);
  for (int i = 0; i < count && watches > 0; i++) {
    struct session *s = &sessions[i];
    uint8_t *batch = malloc((size_t)watches * 64), *at = batch;
    for (int w = 0; w < watches; w++) {
      /* exists, with a watch. */
      char path[32];
      int length = sprintf(path, "/watched/%06d/%05d", i, w);
      at = put_int(at, 8 + 4 + length + 1);
      at = put_int(at, w + 1);
      at = put_int(at, 3);
      at = put_int(at, length);
      memcpy(at, path, (size_t)length);
      at += length;
      *at++ = 1;
    }
    fcntl(s->fd, F_SETFL, 0);
    send_fully(s->fd, batch, (size_t)(at - batch));
    fcntl(s->fd, F_SETFL, O_NONBLOCK);
    free(batch);
    while (i - settled - closed >= 64) poll_for(ep, 1);
  }
  while (watches > 0 && settled + closed < count) poll_for(ep, 10);
  static const uint8_t ping[12] = { 0, 0, 0, 8, 0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 11 };
  uint64_t start = now_ns(), step = (uint64_t)ping_ms * 1000000u;
  for (int i = 0; i < count; i++) sessions[i].due = start + step * (uint64_t)i / (uint64_t)count;
  printf("ready\n");
  fflush(stdout);
  long missed = 0, sent = 0;
  for (int next = 0; now_ns() < start + (uint64_t)(seconds * 1e9);) {
    poll_for(ep, 1);
    for (uint64_t now = now_ns(); sessions[next].due <= now; next = (next + 1) % count) {
      struct session *s = &sessions[next];
      s->due += step;
      if (s->fd < 0) continue;
      if (s->pinged != 0) missed++;
      s->pinged = now;
      sent++;
      if (send(s->fd, ping, sizeof ping, MSG_NOSIGNAL) != sizeof ping) missed++;
    }
  }
  printf("{\"sessions\":%d,\"closed\":%d,\"pings\":%ld,\"pongs\":%ld,\"missed\":%ld,\"worst_us\":%ld,\"events\":%ld,\"errors\":%ld}\n",
    opened, closed, sent, pongs, missed, worst_us, events, errors);
  return closed > 0 || missed > 0 || errors > 0;
}
