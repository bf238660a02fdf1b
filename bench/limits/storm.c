/*
 * Very many sessions that all want something in the same moment. Prints a line of JSON every 50 ms.
 *
 *   storm PORT[,PORT...] SESSIONS WATCHES TIMEOUT_MS SECONDS FIRST
 *
 * All connections are opened at once, by turns to the ports. Each session sets WATCHES watches, on /storm/0, /storm/1 ..., the
 * same ones as all others, and sets each again as soon as it has fired. A connection that ends is opened again, to the next port and
 * with its session. Heartbeats are sent three times in TIMEOUT_MS. FIRST is the number of the first session, for several of these
 * programs side by side. `lost` counts sessions that no server knew any more.
 */
#include "crowd.h"
#include <sys/resource.h>

enum { MOST_PORTS = 16, HELLO = 49, LINE_NS = 50 * 1000 * 1000, RETRY_NS = 20 * 1000 * 1000, MOST_WATCHES = 64 };
enum state { DOWN, DIALING, GREETED, ATTACHED };

struct session { int fd, port, watching; enum state state; uint64_t due; uint8_t id[8], password[16]; int has_id; struct frames frames; };
static struct session *sessions;
static int ports[MOST_PORTS], port_count, count, watches, timeout, first, ep, attached;
static long watching, events, lost, reconnects, errors;

static void leave(struct session *s) {
  if (s->fd >= 0) close(s->fd);
  if (s->state == ATTACHED) attached--;
  watching -= s->watching;
  s->watching = 0;
  s->fd = -1;
  s->state = DOWN;
  s->due = now_ns() + RETRY_NS;
  s->port = (s->port + 1) % port_count;
}

static void begin(struct session *s) {
  int number = (int)(s - sessions);
  struct epoll_event event = { .events = EPOLLIN | EPOLLOUT, .data.u32 = (uint32_t)number };
  s->fd = dial(ports[s->port], first + number);
  s->state = DIALING;
  memset(&s->frames, 0, sizeof s->frames);
  epoll_ctl(ep, EPOLL_CTL_ADD, s->fd, &event);
}

static void send_or_leave(struct session *s, const uint8_t *bytes, size_t length) {
  /* So few bytes go into an empty socket at once, or something is wrong with it. */
  if (send(s->fd, bytes, length, MSG_NOSIGNAL) != (ssize_t)length) leave(s);
}

static void greet(struct session *s) {
  struct epoll_event event = { .events = EPOLLIN, .data.u32 = (uint32_t)(s - sessions) };
  uint8_t hello[HELLO];
  put_hello(hello, timeout);
  if (s->has_id) {
    memcpy(hello + 20, s->id, sizeof s->id);
    memcpy(hello + 32, s->password, sizeof s->password);
  }
  s->state = GREETED;
  epoll_ctl(ep, EPOLL_CTL_MOD, s->fd, &event);
  send_or_leave(s, hello, sizeof hello);
}

static uint8_t *put_watch(uint8_t *at, int number) {
  uint8_t *begin = at;
  at = put_int(at + 4, number + 1);
  at = put_int(at, 3);
  int length = sprintf((char *)at + 4, "/storm/%d", number);
  at = put_int(at, length) + length;
  *at++ = 1;
  put_int(begin, (int)(at - begin - 4));
  return at;
}

static void watch_all(struct session *s) {
  uint8_t batch[MOST_WATCHES * 40], *at = batch;
  for (int i = 0; i < watches; i++) at = put_watch(at, i);
  if (watches > 0) send_or_leave(s, batch, (size_t)(at - batch));
}

static void answered_hello(struct session *s) {
  const uint8_t *header = s->frames.header;
  if (read_int(header + 8) <= 0) {
    lost++;
    s->has_id = 0;
    leave(s);
    return;
  }
  if (s->has_id) reconnects++;
  memcpy(s->id, header + 12, sizeof s->id);
  memcpy(s->password, header + 24, sizeof s->password);
  s->has_id = 1;
  s->state = ATTACHED;
  attached++;
  /* Heartbeats are spread over the third of the timeout. */
  s->due = now_ns() + (uint64_t)timeout * 1000000u / 3 * (uint64_t)(1 + (s - sessions) % 100) / 100;
  watch_all(s);
}

static void seen(void *context, int xid, int err) {
  struct session *s = context;
  if (s->state == GREETED) { answered_hello(s); return; }
  if (s->state != ATTACHED || xid == -2) return;
  if (xid != -1) {
    if (err != 0) errors++;
    s->watching++;
    watching++;
    return;
  }
  events++;
  s->watching--;
  watching--;
  /* The event: type, state, path. */
  const uint8_t *header = s->frames.header;
  char digits[8] = { 0 };
  int length = read_int(header + 28) - 7;
  if (length < 1 || length > 2) { errors++; return; }
  memcpy(digits, header + 32 + 7, (size_t)length);
  uint8_t again[40];
  send_or_leave(s, again, (size_t)(put_watch(again, atoi(digits)) - again));
}

static void hear(struct session *s) {
  static uint8_t buffer[65536];
  ssize_t got = recv(s->fd, buffer, sizeof buffer, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) { leave(s); return; }
  each_frame(&s->frames, buffer, (size_t)got, seen, s);
}

static void keep(struct session *s, uint64_t now) {
  static const uint8_t ping[12] = { 0, 0, 0, 8, 0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 11 };
  if (s->due > now) return;
  if (s->state == DOWN) begin(s);
  else if (s->state == ATTACHED) {
    s->due = now + (uint64_t)timeout * 1000000u / 3;
    send_or_leave(s, ping, sizeof ping);
  }
}

static void tell(uint64_t begun) {
  printf("{\"ms\":%ld,\"attached\":%d,\"watching\":%ld,\"events\":%ld,\"reconnects\":%ld,\"lost\":%ld,\"errors\":%ld}\n",
    (long)((now_ns() - begun) / 1000000), attached, watching, events, reconnects, lost, errors);
  fflush(stdout);
}

int main(int argc, char **argv) {
  if (argc != 7) { fprintf(stderr, "usage: storm PORT[,PORT...] SESSIONS WATCHES TIMEOUT_MS SECONDS FIRST\n"); return 64; }
  for (char *port = strtok(argv[1], ","); port != NULL && port_count < MOST_PORTS; port = strtok(NULL, ",")) ports[port_count++] = atoi(port);
  count = atoi(argv[2]), watches = atoi(argv[3]), timeout = atoi(argv[4]), first = atoi(argv[6]);
  if (watches > MOST_WATCHES) { fprintf(stderr, "storm: at most %d watches\n", MOST_WATCHES); return 64; }
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  sessions = calloc((size_t)count, sizeof *sessions);
  ep = epoll_create1(0);
  uint64_t begun = now_ns(), told = begun, end = begun + (uint64_t)(atof(argv[5]) * 1e9), kept = 0;
  for (int i = 0; i < count; i++) {
    sessions[i].port = (first + i) % port_count;
    begin(&sessions[i]);
  }
  for (uint64_t now = begun; now < end; now = now_ns()) {
    struct epoll_event ready[512];
    int n = epoll_wait(ep, ready, 512, 5);
    for (int i = 0; i < n; i++) {
      struct session *s = &sessions[ready[i].data.u32];
      if (s->fd < 0) continue;
      if (s->state == DIALING && (ready[i].events & (EPOLLERR | EPOLLHUP)) != 0) leave(s);
      else if (s->state == DIALING) greet(s);
      else hear(s);
    }
    if (now - kept > RETRY_NS) {
      kept = now;
      for (int i = 0; i < count; i++) keep(&sessions[i], now);
    }
    if (now - told > LINE_NS) { told = now; tell(begun); }
  }
  tell(begun);
  return 0;
}
