#!/bin/sh
# Runs Headkeeper's shell under the name, options and commands of Apache ZooKeeper's script, so that what calls that one
# can call this one.
#
#   zkCli.sh [-server host:port,...] [options] [command and its words]
#
# Variables: CLIENT_JVMFLAGS and JVMFLAGS (their -D words), NODE (the node program), HEADKEEPER (the headkeeper program).
# zookeeper-env.sh and java.env in the configuration folder ($ZOOCFGDIR) are read, too.

script=$(readlink -f "$0" 2>/dev/null || echo "$0")
ZOOBINDIR=$(cd "$(dirname "$script")" && pwd)

if [ "$1" = "--config" ] && [ $# -gt 1 ]; then
  ZOOCFGDIR=$2
  shift 2
fi
if [ -z "$ZOOCFGDIR" ]; then
  if [ -e "$ZOOBINDIR/../conf" ]; then ZOOCFGDIR="$ZOOBINDIR/../conf"; else ZOOCFGDIR="$ZOOBINDIR/../etc/zookeeper"; fi
fi
if [ -f "$ZOOCFGDIR/zookeeper-env.sh" ]; then . "$ZOOCFGDIR/zookeeper-env.sh"; fi
if [ -f "$ZOOCFGDIR/java.env" ]; then . "$ZOOCFGDIR/java.env"; fi
export CLIENT_JVMFLAGS JVMFLAGS

NODE=${NODE:-node}
HEADKEEPER=${HEADKEEPER:-$ZOOBINDIR/../packages/cli/bin/headkeeper.js}
if [ ! -e "$HEADKEEPER" ]; then
  HEADKEEPER=$(command -v headkeeper) || {
    echo "Error: the headkeeper program was not found; set HEADKEEPER to its path." >&2
    exit 1
  }
fi
if ! command -v "$NODE" >/dev/null; then
  echo "Error: node was not found in PATH; set NODE to its path." >&2
  exit 1
fi

exec "$NODE" "$HEADKEEPER" shell "$@"
