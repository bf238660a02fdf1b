/*
 * Checks a server through Apache's C client: interop_client HOST:PORT
 *
 * One line a check, then "N passed, N failed"; exit code 1 when one failed. The server must have extended types on and
 * look for expired TTL nodes and empty containers every second or so.
 * Build: cc -O1 -Wall -DTHREADED -o interop_client interop_client.c -lzookeeper_mt -lpthread
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <zookeeper/zookeeper.h>

enum { PATIENCE_S = 30, EVENTS = 64 };

static const char *address;
static char root[64];
static zhandle_t *zk;
static int passed, failed, deviations;

/* A deviation ends its check (every check is a function that returns nothing); the others run on. */
static void deviate(const char *format, ...) {
  va_list values;
  va_start(values, format);
  printf("     ");
  vprintf(format, values);
  printf("\n");
  va_end(values);
  deviations++;
}
#define SAME(what, expected, actual)                                          \
  do {                                                                        \
    long long e_ = (long long)(expected), a_ = (long long)(actual);           \
    if (e_ != a_) {                                                           \
      deviate("%s: expected %lld, got %lld (line %d)", what, e_, a_, __LINE__); \
      return;                                                                 \
    }                                                                         \
  } while (0)
#define SAME_TEXT(what, expected, actual)                                     \
  do {                                                                        \
    if (strcmp((expected), (actual)) != 0) {                                  \
      deviate("%s: expected %s, got %s (line %d)", what, expected, actual, __LINE__); \
      return;                                                                 \
    }                                                                         \
  } while (0)
#define OK(call) SAME(#call, ZOK, call)

/* Watch events of one watcher, in the order of arrival. */
typedef struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int count, taken;
  struct { int type, state; char path[200]; } event[EVENTS];
} events;
#define NO_EVENTS { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, { { 0, 0, "" } } }

static void on_event(zhandle_t *handle, int type, int state, const char *path, void *context) {
  events *all = context;
  (void)handle;
  pthread_mutex_lock(&all->lock);
  if (all->count < EVENTS) {
    all->event[all->count].type = type;
    all->event[all->count].state = state;
    snprintf(all->event[all->count].path, sizeof all->event[0].path, "%s", path ? path : "");
    all->count++;
  }
  pthread_cond_broadcast(&all->changed);
  pthread_mutex_unlock(&all->lock);
}

/* Takes events until one satisfies: a session state when state is not 0, else a znode's event. 0 when found. */
static int expect(events *all, int type, int state, const char *path) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += PATIENCE_S;
  int result = -1;
  pthread_mutex_lock(&all->lock);
  while (result == -1) {
    if (all->taken == all->count) {
      if (pthread_cond_timedwait(&all->changed, &all->lock, &until) == ETIMEDOUT) break;
      continue;
    }
    int at = all->taken++;
    int is_session = all->event[at].type == ZOO_SESSION_EVENT;
    if (state != 0) {
      if (is_session && all->event[at].state == state) result = 0;
    } else if (!is_session) {
      result = all->event[at].type == type && strcmp(all->event[at].path, path) == 0 ? 0 : -2;
      if (result == -2) deviate("expected event %d %s, got %d %s", type, path, all->event[at].type, all->event[at].path);
    }
  }
  pthread_mutex_unlock(&all->lock);
  return result;
}

static zhandle_t *open_session(const char *where, events *session) {
  static events unwatched[16];
  static int used;
  if (session == NULL) {
    session = &unwatched[used++];
    pthread_mutex_init(&session->lock, NULL);
    pthread_cond_init(&session->changed, NULL);
  }
  zhandle_t *handle = zookeeper_init(where, on_event, 10000, NULL, session, 0);
  if (handle == NULL || expect(session, 0, ZOO_CONNECTED_STATE, NULL) != 0) {
    printf("FAIL connect: no session\n0 passed, 1 failed\n");
    exit(1);
  }
  return handle;
}

static char *at(const char *name) {
  static char paths[16][200];
  static int next;
  char *path = paths[next++ % 16];
  snprintf(path, sizeof paths[0], "%s/%s", root, name);
  return path;
}

static int make(const char *name, int mode) {
  return zoo_create(zk, at(name), "", 0, &ZOO_OPEN_ACL_UNSAFE, mode, NULL, 0);
}

static int gone(const char *path) {
  for (int i = 0; i < PATIENCE_S * 10; i++) {
    int code = zoo_exists(zk, path, 0, NULL);
    if (code == ZNONODE) return ZOK;
    if (code != ZOK) return code;
    usleep(100000);
  }
  return ZOPERATIONTIMEOUT;
}

static void check_connect(void) {
  SAME("state", ZOO_CONNECTED_STATE, zoo_state(zk));
  SAME("session id is not 0", 1, zoo_client_id(zk)->client_id != 0);
  SAME("negotiated timeout", 10000, zoo_recv_timeout(zk));
}

static void check_create(void) {
  char path[200], data[16];
  struct Stat made, stat;
  int length = sizeof data;
  OK(zoo_create2(zk, at("plain"), "one", 3, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT, path, sizeof path, &made));
  SAME_TEXT("path", at("plain"), path);
  OK(zoo_get(zk, path, 0, data, &length, &stat));
  SAME("length", 3, length);
  SAME("data", 0, memcmp(data, "one", 3));
  SAME("stat of create2", 0, made.czxid != stat.czxid || made.ctime != stat.ctime || made.version != stat.version);
  SAME("mzxid", stat.czxid, stat.mzxid);
  SAME("pzxid", stat.czxid, stat.pzxid);
  SAME("version", 0, stat.version);
  SAME("owner", 0, stat.ephemeralOwner);
  SAME("dataLength", 3, stat.dataLength);
  SAME("node exists", ZNODEEXISTS, make("plain", ZOO_PERSISTENT));
  SAME("no parent", ZNONODE, make("absent/child", ZOO_PERSISTENT));
  SAME("absent", ZNONODE, zoo_exists(zk, at("absent"), 0, NULL));
  SAME("not empty", ZNOTEMPTY, zoo_delete(zk, root, -1));
  OK(zoo_create(zk, at("null"), NULL, -1, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT, NULL, 0));
  length = sizeof data;
  OK(zoo_get(zk, at("null"), 0, data, &length, NULL));
  SAME("null data", -1, length);
}

static void check_set_and_delete(void) {
  struct Stat stat;
  OK(make("data", ZOO_PERSISTENT));
  OK(zoo_set2(zk, at("data"), "1", 1, 0, &stat));
  SAME("version", 1, stat.version);
  SAME("bad version", ZBADVERSION, zoo_set(zk, at("data"), "2", 1, 0));
  SAME("bad version", ZBADVERSION, zoo_delete(zk, at("data"), 0));
  OK(zoo_delete(zk, at("data"), 1));
  SAME("deleted", ZNONODE, zoo_exists(zk, at("data"), 0, NULL));
}

static void check_children(void) {
  struct String_vector names;
  struct Stat stat;
  OK(make("parent", ZOO_PERSISTENT));
  OK(make("parent/b", ZOO_PERSISTENT));
  OK(make("parent/a", ZOO_PERSISTENT));
  OK(zoo_get_children2(zk, at("parent"), 0, &names, &stat));
  SAME("names", 2, names.count);
  SAME("numChildren", 2, stat.numChildren);
  SAME("cversion", 2, stat.cversion);
  deallocate_String_vector(&names);
}

static void check_watches(void) {
  static events data = NO_EVENTS, child = NO_EVENTS;
  struct String_vector names;
  char buffer[16];
  int length = sizeof buffer;
  char *path = at("watched");
  SAME("absent", ZNONODE, zoo_wexists(zk, path, on_event, &data, NULL));
  OK(make("watched", ZOO_PERSISTENT));
  SAME("created", 0, expect(&data, ZOO_CREATED_EVENT, 0, path));
  OK(zoo_wget(zk, path, on_event, &data, buffer, &length, NULL));
  OK(zoo_set(zk, path, "1", 1, -1));
  SAME("changed", 0, expect(&data, ZOO_CHANGED_EVENT, 0, path));
  OK(zoo_set(zk, path, "2", 1, -1));
  OK(zoo_wget_children(zk, path, on_event, &child, &names));
  deallocate_String_vector(&names);
  OK(make("watched/child", ZOO_PERSISTENT));
  SAME("child", 0, expect(&child, ZOO_CHILD_EVENT, 0, path));
  OK(zoo_delete(zk, at("watched/child"), -1));
  OK(zoo_wexists(zk, path, on_event, &data, NULL));
  OK(zoo_wget_children(zk, path, on_event, &child, &names));
  deallocate_String_vector(&names);
  OK(zoo_delete(zk, path, -1));
  SAME("deleted", 0, expect(&data, ZOO_DELETED_EVENT, 0, path));
  SAME("deleted", 0, expect(&child, ZOO_DELETED_EVENT, 0, path));
  SAME("no more data events", data.count, data.taken);
  SAME("no more child events", child.count, child.taken);
}

static void check_remove_watches(void) {
  static events data = NO_EVENTS;
  OK(make("unwatched", ZOO_PERSISTENT));
  OK(zoo_wexists(zk, at("unwatched"), on_event, &data, NULL));
  OK(zoo_remove_watches(zk, at("unwatched"), ZWATCHTYPE_DATA, on_event, &data, 0));
  OK(zoo_set(zk, at("unwatched"), "1", 1, -1));
  OK(zoo_exists(zk, root, 0, NULL));
  for (int i = 0; i < data.count; i++) SAME("only the removal", 1, data.event[i].type != ZOO_CHANGED_EVENT);
  SAME("no watcher", ZNOWATCHER, zoo_remove_watches(zk, at("unwatched"), ZWATCHTYPE_DATA, on_event, &data, 0));
}

static void check_ephemeral(void) {
  static events data = NO_EVENTS;
  struct Stat stat;
  zhandle_t *other = open_session(address, NULL);
  char *path = at("ephemeral");
  OK(zoo_create(other, path, "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL, NULL, 0));
  OK(zoo_wexists(zk, path, on_event, &data, &stat));
  SAME("owner", zoo_client_id(other)->client_id, stat.ephemeralOwner);
  SAME("no children", ZNOCHILDRENFOREPHEMERALS, make("ephemeral/child", ZOO_PERSISTENT));
  OK(zookeeper_close(other));
  SAME("gone with its session", 0, expect(&data, ZOO_DELETED_EVENT, 0, path));
}

static void check_sequence(void) {
  char path[200];
  OK(make("sequence", ZOO_PERSISTENT));
  OK(zoo_create(zk, at("sequence/n-"), "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT_SEQUENTIAL, path, sizeof path));
  SAME_TEXT("first", at("sequence/n-0000000000"), path);
  OK(zoo_create(zk, at("sequence/n-"), "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL_SEQUENTIAL, path, sizeof path));
  SAME_TEXT("second", at("sequence/n-0000000001"), path);
  OK(zoo_delete(zk, path, -1));
  OK(zoo_create(zk, at("sequence/n-"), "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT_SEQUENTIAL, path, sizeof path));
  SAME_TEXT("never twice", at("sequence/n-0000000002"), path);
}

static void check_multi(void) {
  char first[200], second[200];
  struct Stat stat;
  zoo_op_t ops[5];
  zoo_op_result_t results[5];
  zoo_create_op_init(&ops[0], at("multi"), "a", 1, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT, first, sizeof first);
  zoo_create_op_init(&ops[1], at("multi/s-"), "b", 1, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT_SEQUENTIAL, second, sizeof second);
  zoo_set_op_init(&ops[2], at("multi"), "c", 1, 0, &stat);
  zoo_check_op_init(&ops[3], at("multi"), 1);
  zoo_delete_op_init(&ops[4], at("multi/s-0000000000"), 0);
  OK(zoo_multi(zk, 5, ops, results));
  SAME_TEXT("path", at("multi"), first);
  SAME_TEXT("sequence", at("multi/s-0000000000"), second);
  SAME("version", 1, stat.version);
  for (int i = 0; i < 5; i++) SAME("each", ZOK, results[i].err);
  OK(zoo_exists(zk, at("multi"), 0, &stat));
  SAME("one zxid for all", stat.czxid, stat.mzxid);
  SAME("one zxid for all", stat.czxid, stat.pzxid);
  zoo_create_op_init(&ops[0], at("multi-fails"), "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT, NULL, 0);
  zoo_delete_op_init(&ops[1], at("absent"), -1);
  zoo_check_op_init(&ops[2], root, -1);
  SAME("multi that fails", ZNONODE, zoo_multi(zk, 3, ops, results));
  SAME("before", ZOK, results[0].err);
  SAME("itself", ZNONODE, results[1].err);
  SAME("after", ZRUNTIMEINCONSISTENCY, results[2].err);
  SAME("nothing was created", ZNONODE, zoo_exists(zk, at("multi-fails"), 0, NULL));
}

static void on_auth(int code, const void *data) { *(volatile int *)(uintptr_t)data = code; }

static void check_acl(void) {
  struct ACL_vector acl;
  struct Stat stat;
  char buffer[16];
  int length = sizeof buffer;
  volatile int answered = 1;
  zhandle_t *owner = open_session(address, NULL);
  OK(zoo_add_auth(owner, "digest", "alice:secret", 12, on_auth, (void *)&answered));
  for (int i = 0; answered == 1 && i < PATIENCE_S * 100; i++) usleep(10000);
  SAME("auth", ZOK, answered);
  char *path = at("acl");
  OK(zoo_create(owner, path, "s", 1, &ZOO_CREATOR_ALL_ACL, ZOO_PERSISTENT, NULL, 0));
  OK(zoo_get_acl(owner, path, &acl, &stat));
  SAME("entries", 1, acl.count);
  SAME_TEXT("scheme", "digest", acl.data[0].id.scheme);
  SAME("perms", ZOO_PERM_ALL, acl.data[0].perms);
  deallocate_ACL_vector(&acl);
  SAME("no auth", ZNOAUTH, zoo_get(zk, path, 0, buffer, &length, NULL));
  SAME("no auth", ZNOAUTH, zoo_set(zk, path, "x", 1, -1));
  SAME("no auth", ZNOAUTH, zoo_set_acl(zk, path, -1, &ZOO_OPEN_ACL_UNSAFE));
  SAME("bad version", ZBADVERSION, zoo_set_acl(owner, path, 7, &ZOO_READ_ACL_UNSAFE));
  OK(zoo_set_acl(owner, path, 0, &ZOO_READ_ACL_UNSAFE));
  length = sizeof buffer;
  OK(zoo_get(zk, path, 0, buffer, &length, &stat));
  SAME("aversion", 1, stat.aversion);
  SAME("no auth", ZNOAUTH, zoo_set(owner, path, "x", 1, -1));
  struct ACL nobody = { ZOO_PERM_ALL, { "nobody", "x" } };
  struct ACL_vector invalid = { 1, &nobody };
  SAME("invalid acl", ZINVALIDACL, zoo_create(zk, at("x"), "", 0, &invalid, ZOO_PERSISTENT, NULL, 0));
  OK(zoo_delete(zk, path, -1));
  OK(zookeeper_close(owner));
}

static void check_ttl(void) {
  char path[200];
  OK(zoo_create_ttl(zk, at("ttl"), "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT_WITH_TTL, 1500, path, sizeof path));
  SAME_TEXT("path", at("ttl"), path);
  OK(zoo_create_ttl(zk, at("ttl-s-"), "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT_SEQUENTIAL_WITH_TTL, 1500, path, sizeof path));
  OK(zoo_create_ttl(zk, at("ttl-kept"), "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT_WITH_TTL, 3600000, NULL, 0));
  OK(gone(at("ttl")));
  OK(gone(path));
  OK(zoo_exists(zk, at("ttl-kept"), 0, NULL));
}

static void check_container(void) {
  OK(make("container", ZOO_CONTAINER));
  OK(make("container/child", ZOO_PERSISTENT));
  OK(zoo_delete(zk, at("container/child"), -1));
  OK(gone(at("container")));
}

static void check_large_value(void) {
  int size = 900000;
  char *written = malloc(size), *read_back = malloc(size);
  for (int i = 0; i < size; i++) written[i] = (char)(i * 31);
  OK(zoo_create(zk, at("large"), written, size, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT, NULL, 0));
  OK(zoo_get(zk, at("large"), 0, read_back, &size, NULL));
  SAME("length", 900000, size);
  SAME("equal", 0, memcmp(written, read_back, size));
  free(written);
  free(read_back);
}

/* A relay to the server whose connection can be cut, and which then refuses new ones until told otherwise. */
static struct { int listener, client, server; volatile int refusing, cut; } relay = { -1, -1, -1, 0, 0 };

static void drop_relayed(void) {
  if (relay.client >= 0) close(relay.client);
  if (relay.server >= 0) close(relay.server);
  relay.client = relay.server = -1;
}

static int forward(int from, int to) {
  char buffer[65536];
  ssize_t length = read(from, buffer, sizeof buffer);
  for (ssize_t sent = 0; sent < length;) {
    ssize_t now = write(to, buffer + sent, length - sent);
    if (now <= 0) return 0;
    sent += now;
  }
  return length > 0;
}

static void *run_relay(void *nothing) {
  (void)nothing;
  for (;;) {
    struct pollfd fds[3] = { { relay.listener, POLLIN, 0 }, { relay.client, POLLIN, 0 }, { relay.server, POLLIN, 0 } };
    poll(fds, 3, 20);
    if (relay.cut) {
      drop_relayed();
      relay.cut = 0;
      continue;
    }
    if (fds[0].revents) {
      int client = accept(relay.listener, NULL, NULL);
      if (relay.refusing || relay.client >= 0) {
        close(client);
      } else {
        struct sockaddr_in to = { .sin_family = AF_INET };
        const char *colon = strrchr(address, ':');
        to.sin_port = htons((uint16_t)atoi(colon + 1));
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        relay.client = client;
        relay.server = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(relay.server, (struct sockaddr *)&to, sizeof to) != 0) drop_relayed();
        continue;
      }
    }
    if (fds[1].revents && !forward(relay.client, relay.server)) drop_relayed();
    else if (fds[2].revents && !forward(relay.server, relay.client)) drop_relayed();
  }
  return NULL;
}

static void check_reconnect(void) {
  static events session = NO_EVENTS, data = NO_EVENTS, exists = NO_EVENTS, child = NO_EVENTS;
  struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  socklen_t size = sizeof here;
  struct String_vector names;
  struct Stat stat;
  pthread_t thread;
  char where[32], buffer[16];
  int length = sizeof buffer;
  relay.listener = socket(AF_INET, SOCK_STREAM, 0);
  SAME("bind", 0, bind(relay.listener, (struct sockaddr *)&here, sizeof here));
  SAME("listen", 0, listen(relay.listener, 8));
  SAME("port", 0, getsockname(relay.listener, (struct sockaddr *)&here, &size));
  SAME("thread", 0, pthread_create(&thread, NULL, run_relay, NULL));
  snprintf(where, sizeof where, "127.0.0.1:%d", ntohs(here.sin_port));
  zhandle_t *other = open_session(where, &session);
  int64_t id = zoo_client_id(other)->client_id;
  OK(zoo_create(other, at("reconnect"), "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_EPHEMERAL, NULL, 0));
  OK(make("seen", ZOO_PERSISTENT));
  OK(zoo_wget(other, at("seen"), on_event, &data, buffer, &length, NULL));
  SAME("absent", ZNONODE, zoo_wexists(other, at("seen-later"), on_event, &exists, NULL));
  OK(zoo_wget_children(other, at("seen"), on_event, &child, &names));
  deallocate_String_vector(&names);
  relay.refusing = 1;
  relay.cut = 1;
  SAME("connection lost", 0, expect(&session, 0, ZOO_CONNECTING_STATE, NULL));
  OK(zoo_set(zk, at("seen"), "1", 1, -1));
  OK(make("seen-later", ZOO_PERSISTENT));
  OK(make("seen/child", ZOO_PERSISTENT));
  relay.refusing = 0;
  SAME("connected again", 0, expect(&session, 0, ZOO_CONNECTED_STATE, NULL));
  SAME("same session", id, zoo_client_id(other)->client_id);
  SAME("data watch", 0, expect(&data, ZOO_CHANGED_EVENT, 0, at("seen")));
  SAME("exists watch", 0, expect(&exists, ZOO_CREATED_EVENT, 0, at("seen-later")));
  SAME("child watch", 0, expect(&child, ZOO_CHILD_EVENT, 0, at("seen")));
  OK(zoo_exists(zk, at("reconnect"), 0, &stat));
  SAME("its ephemeral lives", id, stat.ephemeralOwner);
  OK(zookeeper_close(other));
  OK(gone(at("reconnect")));
}

static int remove_all(const char *path) {
  struct String_vector names;
  int code = zoo_get_children(zk, path, 0, &names);
  if (code != ZOK) return code;
  for (int i = 0; i < names.count; i++) {
    char child[400];
    snprintf(child, sizeof child, "%s/%s", path, names.data[i]);
    remove_all(child);
  }
  deallocate_String_vector(&names);
  return zoo_delete(zk, path, -1);
}

static void check(const char *name, void (*body)(void)) {
  deviations = 0;
  body();
  if (deviations == 0) passed++;
  else failed++;
  printf("%s %s\n", deviations == 0 ? "ok" : "FAIL", name);
}

int main(int argc, char **argv) {
  if (argc != 2 || strrchr(argv[1], ':') == NULL) {
    fprintf(stderr, "usage: interop_client 127.0.0.1:PORT\n");
    return 64;
  }
  address = argv[1];
  zoo_set_debug_level(0);
  snprintf(root, sizeof root, "/interop-c-%lx-%d", (unsigned long)time(NULL), getpid());
  zk = open_session(address, NULL);
  if (zoo_create(zk, root, "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_PERSISTENT, NULL, 0) != ZOK) return 1;
  check("connect", check_connect);
  check("create", check_create);
  check("set and delete", check_set_and_delete);
  check("children", check_children);
  check("watches", check_watches);
  check("remove watches", check_remove_watches);
  check("ephemeral", check_ephemeral);
  check("sequence", check_sequence);
  check("multi", check_multi);
  check("acl", check_acl);
  check("ttl", check_ttl);
  check("container", check_container);
  check("large value", check_large_value);
  check("reconnect", check_reconnect);
  if (remove_all(root) != ZOK) failed++;
  zookeeper_close(zk);
  printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
