/*
 * Writers that set znodes at a fixed rate, whatever the server does: a slow answer delays no later request.
 *
 *   paced-writers PORT RATE WARM_UP_SECONDS SECONDS      (127.0.0.1 only)
 *
 * RATE 0: as fast as four requests in flight on each connection allow. Prints one line of JSON: how many writes were answered
 * in the seconds after the warm-up, and how long they took, in microseconds from the moment each was due. late_max_us is how
 * late the writers themselves were: what of a long answer may be the machine's fault. A program of C and not of Node: the
 * pauses of a garbage collector beside the server would be larger than what is measured.
 *
 * Build: cc -O2 -o paced-writers paced-writers.c
 */
#define _GNU_SOURCE
#include "../probe.h"
#include <poll.h>

enum { CONNECTIONS = 32, WINDOW = 4, PACE_NS = 1000000, VALUE = 100, MOST_IN_FLIGHT = 1 << 16, BUFFER = 1 << 16 };
enum { CREATE = 1, SET_DATA = 5 };

struct writer {
  int fd;
  int32_t xid;
  /* When the requests that are not answered were due: a ring. */
  uint64_t due[MOST_IN_FLIGHT];
  uint32_t sent, answered;
  uint8_t in[BUFFER];
  size_t in_length;
};

static struct writer writers[CONNECTIONS];
static uint32_t *took;
static size_t capacity, count;
static uint64_t count_from;

static uint8_t *put_text(uint8_t *at, const void *text, int32_t length) {
  at = put_int(at, length);
  memcpy(at, text, (size_t)length);
  return at + length;
}

static size_t request(struct writer *writer, uint8_t *out, int32_t op, const char *path) {
  uint8_t value[VALUE], *at = out + 4;
  memset(value, 'a', VALUE);
  at = put_int(at, ++writer->xid);
  at = put_int(at, op);
  at = put_text(at, path, (int32_t)strlen(path));
  at = put_text(at, value, VALUE);
  if (op == CREATE) {
    at = put_int(at, 1);
    at = put_int(at, 31);
    at = put_text(at, "world", 5);
    at = put_text(at, "anyone", 6);
    at = put_int(at, 0);
  } else {
    at = put_int(at, -1);
  }
  put_int(out, (int32_t)(at - out - 4));
  return (size_t)(at - out);
}

/* Takes `n` requests that were due from `first` on, one every `step`. */
static void write_some(struct writer *writer, const char *path, uint32_t n, uint64_t first, uint64_t step) {
  static uint8_t out[BUFFER];
  size_t length = 0;
  for (uint32_t i = 0; i < n; i++) {
    if (writer->sent - writer->answered >= MOST_IN_FLIGHT) { errno = EOVERFLOW; die("the server is too slow"); }
    if (length > BUFFER - 512) {
      send_fully(writer->fd, out, length);
      length = 0;
    }
    length += request(writer, out + length, SET_DATA, path);
    writer->due[writer->sent++ % MOST_IN_FLIGHT] = first + i * step;
  }
  send_fully(writer->fd, out, length);
}

/* Reads what is there; returns how many requests it answers. */
static uint32_t take_answers(struct writer *writer) {
  ssize_t got = recv(writer->fd, writer->in + writer->in_length, BUFFER - writer->in_length, MSG_DONTWAIT);
  if (got == 0) { errno = ECONNRESET; die("the server closed the connection"); }
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  if (got < 0) die("recv");
  uint64_t now = now_ns();
  writer->in_length += (size_t)got;
  size_t at = 0;
  uint32_t answers = 0;
  while (writer->in_length - at >= 4) {
    size_t length = (size_t)read_int(writer->in + at);
    if (length < 16 || length > BUFFER - 4) { errno = EPROTO; die("frame"); }
    if (writer->in_length - at < 4 + length) break;
    if (read_int(writer->in + at + 16) != 0) { errno = EPROTO; die("a write was refused"); }
    uint64_t due = writer->due[writer->answered++ % MOST_IN_FLIGHT];
    if (due >= count_from && count < capacity) took[count++] = (uint32_t)((now - due) / 1000);
    at += 4 + length;
    answers++;
  }
  memmove(writer->in, writer->in + at, writer->in_length - at);
  writer->in_length -= at;
  return answers;
}

static void create(struct writer *writer, const char *path) {
  uint8_t out[512];
  send_fully(writer->fd, out, request(writer, out, CREATE, path));
  read_frame(writer->fd, out, sizeof out);
  int32_t error = read_int(out + 12);
  if (error != 0 && error != -110) { errno = EPROTO; die("a znode was refused"); }
}

static void wait_until(uint64_t at) {
  struct pollfd fds[CONNECTIONS];
  for (;;) {
    uint64_t now = now_ns();
    if (now >= at) return;
    for (int i = 0; i < CONNECTIONS; i++) fds[i] = (struct pollfd){ .fd = writers[i].fd, .events = POLLIN };
    struct timespec left = { (time_t)((at - now) / 1000000000u), (long)((at - now) % 1000000000u) };
    int ready = ppoll(fds, CONNECTIONS, &left, NULL);
    if (ready < 0 && errno != EINTR) die("poll");
    if (ready > 0) return;
  }
}

int main(int argc, char **argv) {
  if (argc != 5) { fprintf(stderr, "usage: paced-writers PORT RATE WARM_UP_SECONDS SECONDS\n"); return 64; }
  int port = atoi(argv[1]);
  double rate = atof(argv[2]), warm_up = atof(argv[3]), seconds = atof(argv[4]);
  char paths[CONNECTIONS][32];
  for (int i = 0; i < CONNECTIONS; i++) writers[i].fd = open_session(port);
  create(&writers[0], "/paced");
  for (int i = 0; i < CONNECTIONS; i++) {
    snprintf(paths[i], sizeof paths[i], "/paced/%d", i);
    create(&writers[0], paths[i]);
  }
  capacity = (size_t)((rate > 0 ? rate : 500000) * (seconds + 1));
  took = malloc(capacity * sizeof *took);
  if (took == NULL) die("malloc");

  uint64_t begun = now_ns(), tick = begun, late_max = 0, total = 0;
  uint64_t end = begun + (uint64_t)((warm_up + seconds) * 1e9);
  count_from = begun + (uint64_t)(warm_up * 1e9);
  for (;;) {
    uint64_t now = now_ns();
    if (now >= end) break;
    if (rate == 0) {
      for (int i = 0; i < CONNECTIONS; i++) {
        uint32_t in_flight = writers[i].sent - writers[i].answered;
        if (in_flight < WINDOW) write_some(&writers[i], paths[i], WINDOW - in_flight, now, 0);
      }
      wait_until(end);
    } else if (now >= tick) {
      if (now >= count_from && now - tick > late_max) late_max = now - tick;
      uint64_t wanted = (uint64_t)((double)(now - begun) / 1e9 * rate), step = (uint64_t)(CONNECTIONS * 1e9 / rate);
      for (int i = 0; i < CONNECTIONS; i++) {
        /* Writer i has the requests number i, i + CONNECTIONS, and so on. */
        uint64_t have = writers[i].sent, want = (wanted + CONNECTIONS - 1 - (uint64_t)i) / CONNECTIONS;
        uint64_t first = begun + (uint64_t)((double)(have * CONNECTIONS + (uint64_t)i) / rate * 1e9);
        if (want > have) write_some(&writers[i], paths[i], (uint32_t)(want - have), first, step);
      }
      tick += ((now - tick) / PACE_NS + 1) * PACE_NS;
    } else {
      wait_until(tick);
    }
    for (int i = 0; i < CONNECTIONS; i++) take_answers(&writers[i]);
  }
  uint64_t patience = now_ns() + 30000000000u;
  for (int i = 0; i < CONNECTIONS; i++) {
    while (writers[i].answered < writers[i].sent) {
      if (now_ns() > patience) { errno = ETIMEDOUT; die("the last answers"); }
      wait_until(now_ns() + PACE_NS);
      for (int each = 0; each < CONNECTIONS; each++) take_answers(&writers[each]);
    }
  }
  if (count == 0) { errno = ENODATA; die("no write was answered"); }
  qsort(took, count, sizeof *took, by_size);
  for (size_t i = 0; i < count; i++) total += took[i];
  printf("{\"writes\":%zu,\"mean_us\":%.1f,\"p50_us\":%u,\"p90_us\":%u,\"p99_us\":%u,\"p999_us\":%u,\"max_us\":%u,\"late_max_us\":%llu}\n",
    count, (double)total / (double)count, took[count / 2], took[count * 9 / 10], took[count * 99 / 100],
    took[count * 999 / 1000], took[count - 1], (unsigned long long)(late_max / 1000));
  return 0;
}
