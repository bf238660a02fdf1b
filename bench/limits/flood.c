/*
 * Offers a load whether it is answered or not, and prints a line of JSON each second: what was offered, sent, answered, refused.
 *
 *   flood PORT CONNECTIONS RATE WRITES_PERCENT SECONDS NEW_PER_SECOND
 *
 * RATE is in requests per second over all connections; what a connection cannot send yet stays due, which takes the server to
 * its limits and keeps it there. RATE 0: 20 requests in flight on each connection, as fast as they are answered. Besides,
 * NEW_PER_SECOND sessions are opened, and left alone once they are answered. Connections that end are opened again.
 */
#include "crowd.h"
#include <sys/resource.h>

enum { DATA = 100, WINDOW = 20, BATCH = 32768, CHURN = 4096 };

struct client { int fd, open; long due; uint64_t sent, answered; int xid; uint8_t rest[256]; size_t rest_at, rest_end; struct frames frames; };
static struct client *clients;
static long answered, refused, sent_total, offered, reopened, churned, churn_failed;
static int ep, port, writes, closed_loop;

static void open_client(int index) {
  struct client *c = &clients[index];
  memset(c, 0, sizeof *c);
  c->fd = dial(port, index);
  put_hello(c->rest, 30000);
  c->rest_end = 49;
  if (closed_loop) c->due = WINDOW;
  struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.u32 = (uint32_t)index };
  epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &event);
}

static void seen(void *context, int xid, int err) {
  struct client *c = context;
  (void)xid;
  if (!c->open) { c->open = 1; return; }
  c->answered++;
  if (err == 0) answered++; else refused++;
  if (closed_loop) c->due++;
}

static uint8_t *put_request(uint8_t *at, struct client *c) {
  static const char path[] = "/flood";
  int is_write = (int)((uint32_t)(c->xid * 2654435761u) >> 16) % 100 < writes;
  uint8_t *begin = at;
  at = put_int(at + 4, ++c->xid);
  at = put_int(at, is_write ? 5 : 4);
  at = put_int(at, 6);
  memcpy(at, path, 6);
  at += 6;
  if (is_write) {
    at = put_int(at, DATA);
    memset(at, 'x', DATA);
    at = put_int(at + DATA, -1);
  } else *at++ = 0;
  put_int(begin, (int)(at - begin - 4));
  return at;
}

/* Sends what is due, as far as the socket takes it. */
static void push(struct client *c) {
  for (;;) {
    uint8_t batch[BATCH + 256], *at = batch;
    size_t rest = c->rest_end - c->rest_at;
    memcpy(at, c->rest + c->rest_at, rest);
    at += rest;
    long taken = 0;
    int xid = c->xid;
    while (c->open && taken < c->due && at < batch + BATCH) { at = put_request(at, c); taken++; }
    size_t length = (size_t)(at - batch);
    if (length == 0) return;
    ssize_t sent = send(c->fd, batch, length, MSG_NOSIGNAL);
    if (sent < 0) { c->xid = xid; return; }
    /* Whole requests that did not go are due again; one that went in part is kept. */
    size_t done = rest;
    long whole = 0;
    c->rest_at = c->rest_end = 0;
    if ((size_t)sent < rest) { memcpy(c->rest, batch + sent, rest - (size_t)sent); c->rest_end = rest - (size_t)sent; }
    while (done < (size_t)sent) {
      size_t next = done + 4 + (size_t)read_int(batch + done);
      whole++;
      if (next > (size_t)sent) { c->rest_end = next - (size_t)sent; memcpy(c->rest, batch + sent, c->rest_end); }
      done = next;
    }
    c->xid = xid + (int)whole;
    c->due -= whole;
    c->sent += (uint64_t)whole;
    sent_total += whole;
    if ((size_t)sent < length) return;
  }
}

static void hear(int index) {
  uint8_t buffer[65536];
  struct client *c = &clients[index];
  for (;;) {
    ssize_t got = recv(c->fd, buffer, sizeof buffer, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) { close(c->fd); reopened++; open_client(index); return; }
    each_frame(&c->frames, buffer, (size_t)got, seen, c);
    if ((size_t)got < sizeof buffer) return;
  }
}

/* Makes the znode that is read and written; another run may have made it. */
static void create_znode(void) {
  uint8_t frame[256], *at = frame + 4;
  int fd = open_session(port);
  at = put_int(put_int(at, 1), 1);
  at = put_int(at, 6);
  memcpy(at, "/flood", 6);
  at = put_int(at + 6, DATA);
  memset(at, 'x', DATA);
  at = put_int(put_int(put_int(at + DATA, 1), 31), 5);
  memcpy(at, "world", 5);
  at = put_int(at + 5, 6);
  memcpy(at, "anyone", 6);
  at = put_int(at + 6, 0);
  put_int(frame, (int)(at - frame - 4));
  send_fully(fd, frame, (size_t)(at - frame));
  read_frame(fd, frame, sizeof frame);
  close(fd);
}

static int churning[CHURN];
static void churn(int n) {
  static int next, number;
  for (int i = 0; i < n; i++, next = (next + 1) % CHURN) {
    if (churning[next] > 0) {
      uint8_t reply[64];
      if (recv(churning[next], reply, sizeof reply, MSG_DONTWAIT) > 8) churned++; else churn_failed++;
      close(churning[next]);
    }
    churning[next] = dial(port, 50000 + number++ % 20000);
    uint8_t hello[49];
    put_hello(hello, 4000);
    fcntl(churning[next], F_SETFL, 0);
    struct timeval soon = { 0, 1000 };
    setsockopt(churning[next], SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon);
    if (send(churning[next], hello, sizeof hello, MSG_NOSIGNAL) < 0) churn_failed++;
  }
}

int main(int argc, char **argv) {
  if (argc != 7) { fprintf(stderr, "usage: flood PORT CONNECTIONS RATE WRITES_PERCENT SECONDS NEW_PER_SECOND\n"); return 64; }
  port = atoi(argv[1]);
  int count = atoi(argv[2]), news = atoi(argv[6]);
  double rate = atof(argv[3]), seconds = atof(argv[5]);
  writes = atoi(argv[4]);
  closed_loop = rate == 0;
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  create_znode();
  clients = calloc((size_t)count, sizeof *clients);
  ep = epoll_create1(0);
  for (int i = 0; i < count; i++) open_client(i);
  uint64_t start = now_ns(), second = start + 1000000000u;
  double due = 0, due_new = 0;
  uint64_t last = start;
  int next = 0;
  long before_answered = 0, before_offered = 0, before_sent = 0, before_refused = 0;
  while (second <= start + (uint64_t)(seconds * 1e9)) {
    struct epoll_event ready[512];
    int n = epoll_wait(ep, ready, 512, 1);
    for (int i = 0; i < n; i++) {
      if (ready[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) hear((int)ready[i].data.u32);
      push(&clients[ready[i].data.u32]);
    }
    uint64_t now = now_ns();
    double passed = (double)(now - last) / 1e9;
    last = now;
    due_new += news * passed;
    if (due_new >= 1) { churn((int)due_new); due_new -= (int)due_new; }
    if (!closed_loop) {
      due += rate * passed;
      /* In portions of ten, so that the program is no slower than what it offers. */
      for (; due >= 10; due -= 10, next = (next + 1) % count) {
        clients[next].due += 10;
        offered += 10;
        if (clients[next].open && clients[next].due < 200) push(&clients[next]);
      }
    }
    if (now < second) continue;
    second += 1000000000u;
    printf("{\"offered\":%ld,\"sent\":%ld,\"answered\":%ld,\"refused\":%ld,\"reopened\":%ld,\"new\":%ld,\"new_unanswered\":%ld}\n", offered - before_offered,
      sent_total - before_sent, answered - before_answered, refused - before_refused, reopened, churned, churn_failed);
    fflush(stdout);
    before_answered = answered, before_offered = offered, before_sent = sent_total, before_refused = refused;
  }
  return 0;
}
