/*
 * Pings a server every millisecond on one session and prints, as one line of JSON, how long the answers took.
 *
 *   ping-probe PORT SECONDS      (127.0.0.1 only)
 *
 * late_max_us is how late the probe itself woke up: what of a long answer may be the machine's fault.
 * Build: cc -O2 -o ping-probe ping-probe.c (with probe.h beside it)
 */
#define _GNU_SOURCE
#include "probe.h"
#include <sched.h>
#include <signal.h>

enum { PERIOD_NS = 1000000, REPLY_MAX = 4096 };

static volatile sig_atomic_t stopped;
static void on_term(int signal) { (void)signal; stopped = 1; }

int main(int argc, char **argv) {
  if (argc != 3) { fprintf(stderr, "usage: ping-probe PORT SECONDS\n"); return 64; }
  double seconds = atof(argv[2]);
  /* Where it is allowed, the probe runs before other processes, so that it times the server and not the scheduler. */
  struct sched_param first = { .sched_priority = 1 };
  int realtime = sched_setscheduler(0, SCHED_FIFO, &first) == 0;
  signal(SIGTERM, on_term);

  int fd = open_session(atoi(argv[1]));
  uint8_t reply[REPLY_MAX];
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
    send_fully(fd, ping, sizeof ping);
    do read_frame(fd, reply, sizeof reply); while (read_int(reply) != -2);
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
