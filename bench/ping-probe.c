/*
 * Pings a server every millisecond on one session and prints, as one line of JSON, how long the answers took.
 *
 *   ping-probe PORT SECONDS      (127.0.0.1 only)
 *
 * late_max_us is how late the probe itself woke up: what of a long answer may be the machine's fault.
 * Build: cc -O2 -o ping-probe ping-probe.c
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PERIOD_NS = 1000000, REPLY_MAX = 4096 };

static volatile sig_atomic_t stopped;
static void on_term(int signal) { (void)signal; stopped = 1; }

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void die(const char *what) {
  fprintf(stderr, "ping-probe: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void read_fully(int fd, uint8_t *into, size_t length) {
  while (length > 0) {
    ssize_t got = read(fd, into, length);
    if (got == 0) { errno = ECONNRESET; die("the server closed the connection"); }
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) die("read");
    into += got;
    length -= (size_t)got;
  }
}

static int32_t read_int(const uint8_t *at) {
  uint32_t value;
  memcpy(&value, at, 4);
  return (int32_t)ntohl(value);
}

static size_t read_frame(int fd, uint8_t *into) {
  uint8_t head[4];
  read_fully(fd, head, 4);
  int32_t length = read_int(head);
  if (length < 16 || length > REPLY_MAX) { errno = EPROTO; die("frame"); }
  read_fully(fd, into, (size_t)length);
  return (size_t)length;
}

static int by_size(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

int main(int argc, char **argv) {
  if (argc != 3) { fprintf(stderr, "usage: ping-probe PORT SECONDS\n"); return 64; }
  double seconds = atof(argv[2]);
  /* Where it is allowed, the probe runs before other processes, so that it times the server and not the scheduler. */
  struct sched_param first = { .sched_priority = 1 };
  int realtime = sched_setscheduler(0, SCHED_FIFO, &first) == 0;
  signal(SIGTERM, on_term);

  int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1])) };
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) die("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);

  /* ConnectRequest: length, version 0, zxid 0, timeout 30 s, session 0, password of 16 zeros, not read-only. */
  uint8_t hello[49] = { 0, 0, 0, 45 }, reply[REPLY_MAX];
  uint32_t timeout = htonl(30000), sixteen = htonl(16);
  memcpy(hello + 16, &timeout, 4);
  memcpy(hello + 28, &sixteen, 4);
  if (write(fd, hello, sizeof hello) != sizeof hello) die("write");
  read_frame(fd, reply);
  if (read_int(reply + 4) <= 0) { errno = EPROTO; die("session refused"); }

  size_t capacity = (size_t)(seconds * 1000) + 1000, count = 0;
  uint32_t *took = malloc(capacity * sizeof *took);
  uint64_t late_max = 0, end = now_ns() + (uint64_t)(seconds * 1e9), due = now_ns();
  static const uint8_t ping[12] = { 0, 0, 0, 8, 0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 11 };
  while (!stopped && count < capacity) {
    due += PERIOD_NS;
    struct timespec at = { (time_t)(due / 1000000000u), (long)(due % 1000000000u) };
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
    uint64_t sent = now_ns();
    if (sent >= end) break;
    if (sent - due > late_max) late_max = sent - due;
    if (write(fd, ping, sizeof ping) != sizeof ping) die("write");
    do read_frame(fd, reply); while (read_int(reply) != -2);
    uint64_t back = now_ns();
    took[count++] = (uint32_t)((back - sent) / 1000);
    if (back > due) due = back - (back - due) % PERIOD_NS; /* a long answer delays the next ping, it makes no burst */
  }
  qsort(took, count, sizeof *took, by_size);
  if (count == 0) { errno = ENODATA; die("no ping was answered"); }
  size_t over = 0;
  for (size_t i = 0; i < count; i++) over += took[i] > 20000;
  printf("{\"pings\":%zu,\"p50_us\":%u,\"p99_us\":%u,\"p999_us\":%u,\"max_us\":%u,\"over_20_ms\":%zu,\"late_max_us\":%llu,\"realtime\":%s}\n",
    count, took[count / 2], took[count * 99 / 100], took[count * 999 / 1000], took[count - 1], over,
    (unsigned long long)(late_max / 1000), realtime ? "true" : "false");
  return 0;
}
