/* Logs in by GSSAPI and prints whom an entry of scheme auth becomes: ticket_client SERVER SERVICE-HOST */

#include <sasl/sasl.h>
#include <stdio.h>
#include <unistd.h>
#include <zookeeper.h>

static void ignore(zhandle_t *zh, int type, int state, const char *path, void *context) {
  (void)zh, (void)type, (void)state, (void)path, (void)context;
}

int main(int argc, char **argv) {
  if (argc != 3 || sasl_client_init(NULL) != SASL_OK) return 64;
  zoo_set_debug_level(ZOO_LOG_LEVEL_ERROR);
  zoo_sasl_params_t params = {0};
  params.service = "zookeeper";
  params.host = argv[2];
  params.mechlist = "GSSAPI";
  params.callbacks = zoo_sasl_make_basic_callbacks(NULL, NULL, NULL);
  zhandle_t *zh = zookeeper_init_sasl(argv[1], ignore, 15000, NULL, NULL, 0, NULL, &params);
  for (int i = 0; i < 200 && zoo_state(zh) != ZOO_CONNECTED_STATE; i++) {
    if (zoo_state(zh) == ZOO_AUTH_FAILED_STATE) return 2;
    usleep(50000);
  }
  struct ACL own = {ZOO_PERM_ALL, {"auth", ""}};
  struct ACL_vector list = {1, &own}, found;
  struct Stat stat;
  int rc = zoo_create(zh, "/by-ticket", "1", 1, &list, ZOO_EPHEMERAL, NULL, 0);
  if (rc == ZOK) rc = zoo_get_acl(zh, "/by-ticket", &found, &stat);
  if (rc != ZOK) return 1;
  printf("%s:%s\n", found.data[0].id.scheme, found.data[0].id.id);
  zookeeper_close(zh);
  return 0;
}
