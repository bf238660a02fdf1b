/*
 * Reads one znode again and again over TLS: many connections in one thread, a window of requests in flight on each.
 *
 *   tls-load -p PORT [-c 50] [-w 20] [-t SECONDS] [-u WARM-UP] [-C CERTIFICATE+KEY.pem] [-A AUTHORITY.pem] [-P]
 *
 * Whatever has come is read, and as many requests as were answered go out in one record. -P: without TLS. Prints one line
 * of JSON. Exit code 1 when anything fails.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define BUFFER 262144
#define PATH "/bench-tls"
#define DATA 100
#define SLOTS 100000 /* latencies up to a second, in steps of 10 microseconds */

typedef struct {
  int fd;
  SSL *ssl;
  unsigned char in[BUFFER];
  int length;
  int32_t xid;
  uint64_t *sent; /* when each request of the window was sent, a ring */
  int head, waiting;
} Connection;

static int port = 0, connections = 50, window = 20, seconds = 5, warm_up = 2, plain = 0;
static long histogram[SLOTS + 1];

static void fail(const char *what) {
  fprintf(stderr, "tls-load: %s\n", what);
  ERR_print_errors_fp(stderr);
  exit(1);
}

static uint64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void put32(unsigned char *p, uint32_t v) {
  v = htonl(v);
  memcpy(p, &v, 4);
}

static uint32_t get32(const unsigned char *p) {
  uint32_t v;
  memcpy(&v, p, 4);
  return ntohl(v);
}

static void put_all(Connection *c, const unsigned char *bytes, int count) {
  int done = 0;
  while (done < count) {
    int n = plain ? (int)write(c->fd, bytes + done, count - done) : SSL_write(c->ssl, bytes + done, count - done);
    if (n > 0) done += n;
    else if (plain ? errno != EAGAIN : SSL_get_error(c->ssl, n) != SSL_ERROR_WANT_WRITE) fail("a write failed");
    else usleep(50);
  }
}

/* What is there; 0 when there is nothing yet. */
static int take(Connection *c) {
  int room = BUFFER - c->length;
  int n = plain ? (int)read(c->fd, c->in + c->length, room) : SSL_read(c->ssl, c->in + c->length, room);
  if (n > 0) {
    c->length += n;
    return n;
  }
  if (plain ? n < 0 && errno == EAGAIN : SSL_get_error(c->ssl, n) == SSL_ERROR_WANT_READ) return 0;
  fail("the server has closed a connection");
  return 0;
}

/* Waits for one frame on a connection, and drops it; its error code, of a reply. */
static int one_frame(Connection *c, int is_handshake) {
  while (c->length < 4 || c->length < 4 + (int)get32(c->in)) {
    if (take(c) == 0) usleep(50);
  }
  int size = 4 + get32(c->in);
  int error = is_handshake ? 0 : (int)get32(c->in + 16);
  memmove(c->in, c->in + size, c->length - size);
  c->length -= size;
  return error;
}

static void open_one(Connection *c, SSL_CTX *context) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int on = 1;
  c->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0) fail("cannot connect");
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (!plain) {
    c->ssl = SSL_new(context);
    SSL_set_fd(c->ssl, c->fd);
    if (SSL_connect(c->ssl) != 1) fail("the TLS handshake failed");
  }
  fcntl(c->fd, F_SETFL, O_NONBLOCK);
  unsigned char hello[49] = {0};
  put32(hello, 45);
  put32(hello + 16, 30000);
  put32(hello + 28, 16);
  put_all(c, hello, sizeof hello);
  one_frame(c, 1);
  c->sent = calloc(window, sizeof *c->sent);
}

static void create(Connection *c) {
  unsigned char b[256] = {0};
  int at = 4;
  put32(b + at, 1), at += 4;
  put32(b + at, 1), at += 4;
  put32(b + at, strlen(PATH)), at += 4;
  memcpy(b + at, PATH, strlen(PATH)), at += strlen(PATH);
  put32(b + at, DATA), at += 4;
  memset(b + at, 'x', DATA), at += DATA;
  put32(b + at, 1), at += 4;
  put32(b + at, 31), at += 4;
  put32(b + at, 5), memcpy(b + at + 4, "world", 5), at += 9;
  put32(b + at, 6), memcpy(b + at + 4, "anyone", 6), at += 10;
  put32(b + at, 0), at += 4;
  put32(b, at - 4);
  put_all(c, b, at);
  int error = one_frame(c, 0);
  if (error != 0 && error != -110) fail("the znode cannot be created");
}

static void ask(Connection *c, int count, uint64_t now) {
  static unsigned char b[1 << 20];
  int at = 0, path = strlen(PATH);
  for (int i = 0; i < count; i++) {
    put32(b + at, 13 + path);
    put32(b + at + 4, ++c->xid);
    put32(b + at + 8, 4);
    put32(b + at + 12, path);
    memcpy(b + at + 16, PATH, path);
    b[at + 16 + path] = 0;
    at += 17 + path;
    c->sent[(c->head + c->waiting++) % window] = now;
  }
  put_all(c, b, at);
}

/* Takes the whole frames that are there; how many. */
static int answers(Connection *c, uint64_t now, int counts) {
  int at = 0, found = 0;
  while (c->length - at >= 4) {
    int size = 4 + get32(c->in + at);
    if (c->length - at < size) break;
    if (get32(c->in + at + 16) != 0) fail("a request failed");
    at += size;
    found++;
    uint64_t took = (now - c->sent[c->head]) / 10;
    c->head = (c->head + 1) % window;
    c->waiting--;
    if (counts) histogram[took < SLOTS ? took : SLOTS]++;
  }
  memmove(c->in, c->in + at, c->length - at);
  c->length -= at;
  return found;
}

static long percentile(long total, double rank) {
  long left = (long)(total * rank);
  for (int i = 0; i <= SLOTS; i++) {
    left -= histogram[i];
    if (left < 0) return (long)i * 10;
  }
  return (long)SLOTS * 10;
}

int main(int argc, char **argv) {
  const char *own = NULL, *authority = NULL;
  for (int o; (o = getopt(argc, argv, "p:c:w:t:u:C:A:P")) != -1;) {
    if (o == 'p') port = atoi(optarg);
    else if (o == 'c') connections = atoi(optarg);
    else if (o == 'w') window = atoi(optarg);
    else if (o == 't') seconds = atoi(optarg);
    else if (o == 'u') warm_up = atoi(optarg);
    else if (o == 'C') own = optarg;
    else if (o == 'A') authority = optarg;
    else if (o == 'P') plain = 1;
    else return 64;
  }
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (own && (SSL_CTX_use_certificate_chain_file(context, own) != 1 ||
              SSL_CTX_use_PrivateKey_file(context, own, SSL_FILETYPE_PEM) != 1))
    fail("the certificate cannot be read");
  if (authority) {
    if (SSL_CTX_load_verify_locations(context, authority, NULL) != 1) fail("the authority cannot be read");
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
  }
  Connection *all = calloc(connections, sizeof *all);
  int epoll = epoll_create1(0);
  for (int i = 0; i < connections; i++) {
    open_one(&all[i], context);
    if (i == 0) create(&all[0]);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
    epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].fd, &event);
  }
  uint64_t start = now_us(), from = start + warm_up * 1000000ull, until = from + seconds * 1000000ull, now = start;
  for (int i = 0; i < connections; i++) ask(&all[i], window, start);
  long total = 0, all_ops = 0;
  while (now < until) {
    struct epoll_event events[64];
    int ready = epoll_wait(epoll, events, 64, 1000);
    if (ready == 0) fail("no answer for a second");
    for (int i = 0; i < ready; i++) {
      Connection *c = events[i].data.ptr;
      int found = 0;
      while (take(c) > 0) {
        now = now_us();
        int n = answers(c, now, now >= from);
        found += n;
        all_ops += n;
        if (now >= from) total += n;
      }
      if (found > 0) ask(c, found, now);
    }
    now = now_us();
  }
  double took = (now - from) / 1e6;
  const char *version = plain ? "none" : SSL_get_version(all[0].ssl);
  const char *cipher = plain ? "none" : SSL_get_cipher(all[0].ssl);
  printf("{\"ops\":%ld,\"all_ops\":%ld,\"errors\":0,\"ops_per_s\":%.0f,\"p50_us\":%ld,\"p99_us\":%ld,\"max_us\":%ld,\"tls\":\"%s\",\"cipher\":\"%s\"}\n",
         total, all_ops, total / took, percentile(total, 0.5), percentile(total, 0.99), percentile(total, 1.0 - 1e-9), version, cipher);
  return 0;
}
