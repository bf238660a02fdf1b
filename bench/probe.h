/* What the programs that time a server share: the clock, a session, and bytes over it. 127.0.0.1 only. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void die(const char *what) {
  fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
  exit(1);
}

static uint8_t *put_int(uint8_t *at, int32_t value) {
  uint32_t wire = htonl((uint32_t)value);
  memcpy(at, &wire, 4);
  return at + 4;
}

static int32_t read_int(const uint8_t *at) {
  uint32_t value;
  memcpy(&value, at, 4);
  return (int32_t)ntohl(value);
}

static void send_fully(int fd, const uint8_t *from, size_t length) {
  while (length > 0) {
    ssize_t sent = send(fd, from, length, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) die("send");
    from += sent;
    length -= (size_t)sent;
  }
}

static void read_fully(int fd, uint8_t *into, size_t length) {
  while (length > 0) {
    ssize_t got = recv(fd, into, length, 0);
    if (got == 0) { errno = ECONNRESET; die("the server closed the connection"); }
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) die("recv");
    into += got;
    length -= (size_t)got;
  }
}

/* Reads one answer without its length, which it returns. */
static size_t read_frame(int fd, uint8_t *into, size_t most) {
  uint8_t head[4];
  read_fully(fd, head, 4);
  int32_t length = read_int(head);
  if (length < 16 || (size_t)length > most) { errno = EPROTO; die("frame"); }
  read_fully(fd, into, (size_t)length);
  return (size_t)length;
}

/* Connects and opens a session of 30 s. */
static int open_session(int port) {
  struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
  int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) die("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  /* ConnectRequest: length, version 0, zxid 0, timeout 30 s, session 0, password of 16 zeros, not read-only. */
  uint8_t hello[49] = { 0, 0, 0, 45 }, reply[64];
  put_int(hello + 16, 30000);
  put_int(hello + 28, 16);
  send_fully(fd, hello, sizeof hello);
  read_frame(fd, reply, sizeof reply);
  if (read_int(reply + 4) <= 0) { errno = EPROTO; die("session refused"); }
  return fd;
}

static int by_size(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}
