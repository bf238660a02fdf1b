/*
 * The C client logs in by SASL through Cyrus: sasl_client OPEN ENFORCED FOLDER
 *
 * FOLDER holds a file `good` with the password of ann and a file `bad` with another one. One line a check, then
 * "N passed, N failed".
 */

#include <pthread.h>
#include <sasl/sasl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zookeeper.h>

static int passed, failed;

struct states {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int connected;
};

static void watch(zhandle_t *zh, int type, int state, const char *path, void *context) {
  struct states *states = context;
  (void)zh;
  (void)path;
  if (type != ZOO_SESSION_EVENT) return;
  pthread_mutex_lock(&states->lock);
  if (state == ZOO_CONNECTED_STATE) states->connected = 1;
  pthread_cond_broadcast(&states->changed);
  pthread_mutex_unlock(&states->lock);
}

/* A client that logs in as `user`, with the password in a file; NULL: one that does not log in. */
static zhandle_t *open_client(const char *address, const char *user, const char *file, struct states *states) {
  memset(states, 0, sizeof *states);
  pthread_mutex_init(&states->lock, NULL);
  pthread_cond_init(&states->changed, NULL);
  if (user == NULL) return zookeeper_init(address, watch, 15000, NULL, states, 0);
  zoo_sasl_params_t params = {0};
  params.service = "zookeeper";
  params.host = "zk-sasl-md5";
  params.mechlist = "DIGEST-MD5";
  params.callbacks = zoo_sasl_make_basic_callbacks(user, NULL, file);
  return zookeeper_init_sasl(address, watch, 15000, NULL, states, 0, NULL, &params);
}

static int is_connected(struct states *states) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += 15;
  pthread_mutex_lock(&states->lock);
  while (!states->connected && pthread_cond_timedwait(&states->changed, &states->lock, &until) == 0) {
  }
  int seen = states->connected;
  pthread_mutex_unlock(&states->lock);
  return seen;
}

/* No event tells of it, only the client's state. */
static int is_refused(zhandle_t *zh) {
  for (int i = 0; i < 300; i++) {
    if (zoo_state(zh) == ZOO_AUTH_FAILED_STATE) return 1;
    usleep(50000);
  }
  return 0;
}

static void check(const char *title, int ok) {
  printf("%s %s\n", ok ? "ok" : "FAIL", title);
  if (ok) passed++;
  else failed++;
}

int main(int argc, char **argv) {
  if (argc != 4) return 64;
  char good[512], bad[512];
  snprintf(good, sizeof good, "%s/good", argv[3]);
  snprintf(bad, sizeof bad, "%s/bad", argv[3]);
  zoo_set_debug_level(ZOO_LOG_LEVEL_ERROR);
  if (sasl_client_init(NULL) != SASL_OK) return 70;

  struct states ann_states, stranger_states, other_states;
  struct ACL entry = {ZOO_PERM_ALL, {"sasl", "ann"}};
  struct ACL_vector list = {1, &entry};
  char data[8];
  int length = sizeof data;
  zhandle_t *ann = open_client(argv[1], "ann", good, &ann_states);
  zhandle_t *stranger = open_client(argv[1], NULL, NULL, &stranger_states);
  check("a user logs in", is_connected(&ann_states));
  check("he makes a znode of his own", zoo_create(ann, "/sasl-c", "1", 1, &list, ZOO_EPHEMERAL, NULL, 0) == ZOK);
  check("nobody else can read it", is_connected(&stranger_states) &&
                                       zoo_get(stranger, "/sasl-c", 0, data, &length, NULL) == ZNOAUTH);
  length = sizeof data;
  check("he can", zoo_get(ann, "/sasl-c", 0, data, &length, NULL) == ZOK && length == 1);
  zookeeper_close(ann);
  zookeeper_close(stranger);

  zhandle_t *wrong = open_client(argv[1], "ann", bad, &other_states);
  check("a wrong password is refused", is_refused(wrong));
  zookeeper_close(wrong);
  zhandle_t *unknown = open_client(argv[1], "eve", good, &other_states);
  check("an unknown user is refused", is_refused(unknown));
  zookeeper_close(unknown);

  zhandle_t *served = open_client(argv[2], "ann", good, &other_states);
  check("enforced: who has logged in is served",
        is_connected(&other_states) && zoo_exists(served, "/", 0, NULL) == ZOK);
  zookeeper_close(served);
  zhandle_t *refused = open_client(argv[2], NULL, NULL, &other_states);
  check("enforced: who has not is not",
        is_connected(&other_states) && zoo_exists(refused, "/", 0, NULL) != ZOK);
  zookeeper_close(refused);

  printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
