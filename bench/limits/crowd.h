/* What the programs share that keep many sessions open: non-blocking connections from many addresses of the loopback. */
#define _GNU_SOURCE
#include "../probe.h"
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { PER_ADDRESS = 5000, ANSWER = 20, HEADER = 48 };

/* Reads answers piece by piece: the length and the header of the frame that is coming in, and how much of it is left. */
struct frames {
  uint8_t header[HEADER];
  uint32_t have;
  uint32_t left;
};

/* Connects from the address 127.0.0.(2 + number / 5000): one address has few ports, and a limit of connections. */
static int dial(int port, int number) {
  struct sockaddr_in from = { .sin_family = AF_INET }, to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
  int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  if (fd < 0) die("socket");
  from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + (uint32_t)(number / PER_ADDRESS));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  setsockopt(fd, IPPROTO_IP, 24 /* IP_BIND_ADDRESS_NO_PORT */, &one, sizeof one);
  if (bind(fd, (struct sockaddr *)&from, sizeof from) != 0) die("bind");
  fcntl(fd, F_SETFL, O_NONBLOCK);
  if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS) die("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

/* A ConnectRequest for a new session of so many milliseconds: 49 bytes. */
static void put_hello(uint8_t *at, int timeout) {
  memset(at, 0, 49);
  at[3] = 45;
  put_int(at + 16, timeout);
  put_int(at + 28, 16);
}

/* Goes through what has come; calls back with the xid and the error of each answer. A handshake's answer has no such header. */
static void each_frame(struct frames *f, const uint8_t *bytes, size_t length, void (*seen)(void *, int xid, int err), void *context) {
  while (length > 0) {
    uint32_t wanted = f->have < 4 ? 4 : HEADER, take;
    if (f->have < wanted && !(f->have >= 4 && f->left == 0)) {
      take = wanted - f->have < length ? wanted - f->have : (uint32_t)length;
      if (f->have >= 4 && take > f->left) take = f->left;
      memcpy(f->header + f->have, bytes, take);
      if (f->have >= 4) f->left -= take;
      f->have += take;
      if (f->have == 4) f->left = (uint32_t)read_int(f->header);
    } else {
      take = f->left < length ? f->left : (uint32_t)length;
      f->left -= take;
    }
    bytes += take;
    length -= take;
    if (f->have >= 4 && f->left == 0) {
      seen(context, read_int(f->header + 4), f->have >= ANSWER ? read_int(f->header + 16) : 0);
      f->have = 0;
    }
  }
}
