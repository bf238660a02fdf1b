#!/bin/sh
# Runs Headkeeper under the name, arguments, variables and messages of Apache ZooKeeper's script, so that what calls
# that one (service units, images, playbooks) can call this one.
#
#   zkServer.sh [--config DIR] {start|start-foreground|stop|restart|status|print-cmd|version|transfer} [CONFIG]
#
# CONFIG is a name in the configuration folder, or a path. Variables: ZOOCFGDIR, ZOOCFG, ZOO_LOG_DIR, ZOO_LOG_FILE, ZOOPIDFILE,
# ZOO_NOEXEC, ZOO_DATADIR_AUTOCREATE_DISABLE, ZK_SERVER_HEAP (megabytes), SERVER_JVMFLAGS and JVMFLAGS (their -D words),
# NODE (the node program), HEADKEEPER (the headkeeper program). zookeeper-env.sh and java.env in the configuration
# folder are read, too.

usage() {
  echo "Usage: $0 [--config <conf-dir>] {start|start-foreground|stop|version|restart|status|print-cmd|transfer}" >&2
}

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
ZOOCFG="$ZOOCFGDIR/${ZOOCFG:-zoo.cfg}"
if [ -f "$ZOOCFGDIR/java.env" ]; then . "$ZOOCFGDIR/java.env"; fi
case "$2" in
  '') ;;
  */*) ZOOCFG=$2 ;;
  *) ZOOCFG="$ZOOCFGDIR/$2" ;;
esac

# The server reads these itself.
export SERVER_JVMFLAGS JVMFLAGS ZOO_DATADIR_AUTOCREATE_DISABLE

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

headkeeper() {
  "$NODE" "$HEADKEEPER" "$@"
}

# The last value of a key in the configuration, or in the file given.
setting() {
  key=$(printf '%s' "$1" | sed 's/\./\\./g')
  sed -n "s/^[[:space:]]*$key[[:space:]]*[=:][[:space:]]*//p" "${2:-$ZOOCFG}" | sed 's/[[:space:]]*$//' | tail -n 1
}

# Sets what the verbs that deal with a configuration need.
read_config() {
  echo "Using config: $ZOOCFG" >&2
  if [ ! -r "$ZOOCFG" ]; then
    echo "Error: cannot read $ZOOCFG" >&2
    exit 1
  fi
  data_dir=$(setting dataDir)
  log_dir=$(setting dataLogDir)
}

prepare_folders() {
  if [ -n "$ZOO_DATADIR_AUTOCREATE_DISABLE" ]; then
    if [ ! -d "$data_dir/version-2" ]; then
      echo "ZooKeeper data directory is missing at $data_dir fix the path or run initialize"
      exit 1
    fi
    if [ -n "$log_dir" ] && [ ! -d "$log_dir/version-2" ]; then
      echo "ZooKeeper txnlog directory is missing at $log_dir fix the path or run initialize"
      exit 1
    fi
  fi
  if [ -z "$ZOOPIDFILE" ]; then
    if [ -z "$data_dir" ]; then
      echo "Error: $ZOOCFG sets no dataDir" >&2
      exit 1
    fi
    ZOOPIDFILE="$data_dir/zookeeper_server.pid"
  fi
  ZOO_LOG_DIR=${ZOO_LOG_DIR:-$ZOOBINDIR/../logs}
  output="$ZOO_LOG_DIR/${ZOO_LOG_FILE:-zookeeper-${USER:-$(id -un)}-server-${HOSTNAME:-$(hostname)}.out}"
}

heap_option() {
  if [ -n "$ZK_SERVER_HEAP" ]; then echo "--max-old-space-size=$ZK_SERVER_HEAP"; fi
}

running() {
  [ -f "$ZOOPIDFILE" ] && kill -0 "$(cat "$ZOOPIDFILE")" 2>/dev/null
}

start() {
  printf 'Starting zookeeper ... '
  if running; then
    echo "already running as process $(cat "$ZOOPIDFILE")."
    exit 1
  fi
  mkdir -p "$(dirname "$ZOOPIDFILE")" "$ZOO_LOG_DIR"
  # The log of the start before says nothing about this one.
  : >"$output"
  # shellcheck disable=SC2046 # no word at all when no heap is set
  nohup "$NODE" $(heap_option) "$HEADKEEPER" server "$ZOOCFG" >"$output" 2>&1 </dev/null &
  pid=$!
  if ! printf '%s' "$pid" >"$ZOOPIDFILE"; then
    echo FAILED TO WRITE PID
    kill "$pid"
    exit 1
  fi
  # Until it serves, or ends for what is wrong with a configuration or a data directory; a log that tells neither is not
  # waited for longer than 5 seconds.
  left=50
  while [ "$left" -gt 0 ] && ! grep -q '"msg":"serving"' "$output"; do
    left=$((left - 1))
    sleep 0.1
    if ! kill -0 "$pid" 2>/dev/null; then
      echo FAILED TO START
      tail -n 5 "$output" >&2
      rm -f "$ZOOPIDFILE"
      exit 1
    fi
  done
  echo STARTED
}

stop() {
  printf 'Stopping zookeeper ... '
  if [ ! -f "$ZOOPIDFILE" ]; then
    echo "no zookeeper to stop (could not find file $ZOOPIDFILE)"
    return 0
  fi
  pid=$(cat "$ZOOPIDFILE")
  kill "$pid" 2>/dev/null
  left=600
  while kill -0 "$pid" 2>/dev/null; do
    left=$((left - 1))
    if [ "$left" -eq 0 ]; then
      echo "process $pid is still running"
      return 1
    fi
    sleep 0.1
  done
  rm -f "$ZOOPIDFILE"
  echo STOPPED
}

status() {
  address=$(setting clientPortAddress)
  port=$(setting clientPort)
  if [ -z "$port" ]; then
    # A member's line may hold it: server.N=...;[address:]port
    id=$(cat "$data_dir/myid" 2>/dev/null)
    member=$(setting "server.${id:-1}")
    members=$(setting dynamicConfigFile)
    if [ -z "$member" ] && [ -r "$members" ]; then member=$(setting "server.${id:-1}" "$members"); fi
    case "$member" in
      *';'*)
        port=${member##*[;:]}
        address=${member##*;}
        case "$address" in
          *:*) address=$(echo "${address%:*}" | tr -d '[]') ;;
          *) address='' ;;
        esac
        ;;
    esac
  fi
  ssl=false
  if [ -z "$port" ]; then
    # A server for TLS alone; the status command finds certificates in the configuration that is given to it.
    port=$(setting secureClientPort)
    address=$(setting secureClientPortAddress)
    ssl=true
  fi
  if [ -z "$port" ]; then
    echo "Unable to find a client port in the configuration. Terminating."
    exit 1
  fi
  address=${address:-localhost}
  echo "Client port found: $port. Client address: $address. Client SSL: $ssl."
  case "$address" in
    0.0.0.0 | ::) address=localhost ;;
  esac
  case "$address" in
    *:*) address="[$address]" ;;
  esac
  # As a client with the certificate that CLIENT_JVMFLAGS names, or as the server itself.
  case "$ssl:$CLIENT_JVMFLAGS" in
    true:*zookeeper.ssl.*) mode=$(headkeeper status --only --secure "$address:$port" 2>/dev/null | grep '^Mode') ;;
    true:*) mode=$(headkeeper status --only --tls-of "$ZOOCFG" "$address:$port" 2>/dev/null | grep '^Mode') ;;
    *) mode=$(headkeeper status --only "$address:$port" 2>/dev/null | grep '^Mode') ;;
  esac
  if [ -z "$mode" ]; then
    echo "Error contacting service. It is probably not running."
    exit 1
  fi
  echo "$mode"
}

# Lets another member lead, if this one does; it follows then. Apache's script has no such word.
transfer() {
  if ! running; then
    echo "Error: no server runs (could not find it by $ZOOPIDFILE)."
    exit 1
  fi
  kill -USR2 "$(cat "$ZOOPIDFILE")"
  echo "Asked process $(cat "$ZOOPIDFILE") to let another server lead."
}

case "$1" in
  start)
    read_config
    prepare_folders
    start
    ;;
  start-foreground)
    read_config
    prepare_folders
    if [ -n "$ZOO_NOEXEC" ]; then
      # shellcheck disable=SC2046
      "$NODE" $(heap_option) "$HEADKEEPER" server "$ZOOCFG"
    else
      # shellcheck disable=SC2046
      exec "$NODE" $(heap_option) "$HEADKEEPER" server "$ZOOCFG"
    fi
    ;;
  stop)
    read_config
    prepare_folders
    stop
    ;;
  restart)
    read_config
    prepare_folders
    stop && start
    ;;
  status)
    read_config
    status
    ;;
  transfer)
    read_config
    prepare_folders
    transfer
    ;;
  print-cmd)
    read_config
    prepare_folders
    heap=$(heap_option)
    echo "\"$NODE\" ${heap:+$heap }\"$HEADKEEPER\" server \"$ZOOCFG\" > \"$output\" 2>&1 < /dev/null"
    ;;
  version)
    headkeeper version
    ;;
  *)
    usage
    exit 2
    ;;
esac
