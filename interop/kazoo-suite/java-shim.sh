#!/bin/sh
# Stands in for `java` while kazoo's test suite runs, and starts the server under test in its place.
#
# kazoo's harness runs: java -cp CLASSPATH -Dname=value... org.apache.zookeeper.server.quorum.QuorumPeerMain zoo.cfg
# and later sends SIGTERM to that process, so the server takes this shell's place by exec.
#
# HEADKEEPER_SUITE_SERVER   headkeeper | apache
# HEADKEEPER_SUITE_COMMAND  headkeeper: path of headkeeper.js; apache: class path
# HEADKEEPER_SUITE_WITHOUT  keys of zoo.cfg that are left out, besides those below
# HEADKEEPER_SUITE_LOG      file that collects what the servers print
# HEADKEEPER_SUITE_JAVA     the real java (apache)
# HEADKEEPER_SUITE_NODE     node (headkeeper)
set -eu

settings=''
jaas=''
config=''
while [ $# -gt 0 ]; do
  case "$1" in
    -cp) shift ;;
    # A key of zoo.cfg that Apache does not know becomes the system property zookeeper.KEY: the reverse is as good.
    -Dzookeeper.log.dir=* | -Dzookeeper.root.logger=*) ;;
    -Dzookeeper.*) settings="$settings
${1#-Dzookeeper.}" ;;
    -Djava.security.auth.login.config=*) jaas=${1#-D} ;;
    -*) ;;
    org.apache.zookeeper.server.quorum.QuorumPeerMain)
      shift
      config=$1
      ;;
    *)
      echo "java-shim: unexpected argument $1" >&2
      exit 64
      ;;
  esac
  shift
done
[ -n "$config" ] || { echo 'java-shim: no zoo.cfg' >&2; exit 64; }

# The same file for both servers.
plain="${config%.cfg}-plain.cfg"
grep -v -E '^(admin\.|'"$HEADKEEPER_SUITE_WITHOUT"')' "$config" >"$plain"
printf '%s\n' "$settings" extendedTypesEnabled=true admin.enableServer=false clientPortAddress=127.0.0.1 >>"$plain"

exec >>"$HEADKEEPER_SUITE_LOG" 2>&1
case "$HEADKEEPER_SUITE_SERVER" in
  headkeeper)
    # The suite names a file without logins where it wants none.
    [ -z "$jaas" ] || ! [ -s "${jaas#*=}" ] || echo "$jaas" >>"$plain"
    exec "$HEADKEEPER_SUITE_NODE" "$HEADKEEPER_SUITE_COMMAND" server "$plain"
    ;;
  apache)
    exec "$HEADKEEPER_SUITE_JAVA" -Xmx256m -Dfile.encoding=UTF-8 -Dzookeeper.jmx.log4j.disable=true \
      ${jaas:+"-D$jaas"} \
      -cp "$HEADKEEPER_SUITE_COMMAND" org.apache.zookeeper.server.quorum.QuorumPeerMain "$plain"
    ;;
  *)
    echo "java-shim: unknown server $HEADKEEPER_SUITE_SERVER"
    exit 64
    ;;
esac
