/*
 * The C client by TLS: tls_client ADDRESS IDENTITY TRUST ANN ROOT EXPIRED
 *
 * The last four are files in PEM; IDENTITY is what ann's certificate makes of her. "N passed, N failed" comes last.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zookeeper.h>

static int passed, failed;
static const char *address, *trust;

static void check(const char *title, int ok) {
  printf("%s %s\n", ok ? "ok" : "FAIL", title);
  if (ok) passed++;
  else failed++;
}

static void quiet(zhandle_t *zh, int type, int state, const char *path, void *context) {
  (void)zh, (void)type, (void)state, (void)path, (void)context;
}

/* NULL when it is not let in within this time. */
static zhandle_t *opened(const char *own, int seconds) {
  char files[4096];
  snprintf(files, sizeof files, "%s,%s,%s,none", trust, own, own);
  zhandle_t *zh = zookeeper_init_ssl(address, files, quiet, 15000, NULL, NULL, 0);
  for (int i = 0; zh != NULL && i < seconds * 50; i++) {
    if (zoo_state(zh) == ZOO_CONNECTED_STATE) return zh;
    usleep(20000);
  }
  if (zh != NULL) zookeeper_close(zh);
  return NULL;
}

int main(int argc, char **argv) {
  if (argc != 7) return 64;
  address = argv[1];
  trust = argv[3];
  zoo_set_debug_level(0);
  // OpenSSL writes to a socket that the server has closed.
  signal(SIGPIPE, SIG_IGN);
  zhandle_t *ann = opened(argv[4], 15);
  check("a client with a certificate connects", ann != NULL);
  if (ann != NULL) {
    struct ACL_vector list;
    struct Stat stat;
    char data[8];
    int length = sizeof data;
    check("it makes a znode of its own",
          zoo_create(ann, "/tls-c", "x", 1, &ZOO_CREATOR_ALL_ACL, ZOO_EPHEMERAL, NULL, 0) == ZOK);
    check("auth stands for its certificate", zoo_get_acl(ann, "/tls-c", &list, &stat) == ZOK && list.count == 1 &&
                                                 strcmp(list.data[0].id.scheme, "x509") == 0 &&
                                                 strcmp(list.data[0].id.id, argv[2]) == 0);
    zhandle_t *root = opened(argv[5], 15);
    check("the superuser may everything",
          root != NULL && zoo_get(root, "/tls-c", 0, data, &length, NULL) == ZOK && length == 1);
    if (root != NULL) zookeeper_close(root);
    zookeeper_close(ann);
  }
  check("an expired certificate is refused", opened(argv[6], 2) == NULL);
  printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
