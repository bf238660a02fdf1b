"""Checks a server through kazoo: interop_client.py HOST:PORT

One line a check, then "N passed, N failed"; exit code 1 when one failed. The server must have extended types on and
look for expired TTL nodes and empty containers every second or so.
"""

import logging
import queue
import socket
import sys
import threading
import time
import traceback

from kazoo.client import KazooClient, KazooState, TransactionRequest
from kazoo.exceptions import (
    BadVersionError,
    InvalidACLError,
    NoAuthError,
    NoChildrenForEphemeralsError,
    NodeExistsError,
    NoNodeError,
    NotEmptyError,
    RolledBackError,
    RuntimeInconsistency,
)
from kazoo.protocol.states import EventType
from kazoo.recipe.lock import Lock
from kazoo.security import CREATOR_ALL_ACL, OPEN_ACL_UNSAFE, make_acl, make_digest_acl

PATIENCE = 30


def same(what, expected, actual):
    if expected != actual:
        raise AssertionError(f"{what}: expected {expected!r}, got {actual!r}")


def refused(error, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except error:
        return
    raise AssertionError(f"expected {error.__name__}, but it succeeded")


class Events(queue.Queue):
    """A watcher that keeps its events in the order of arrival."""

    def __call__(self, event):
        self.put(event)

    def expect(self, kind, path):
        event = self.get(timeout=PATIENCE)
        same("event", (kind, path), (event.type, event.path))

    def expect_none(self, client):
        # A round trip after the change puts any event before its reply; kazoo runs watchers on a thread of its own.
        client.sync("/")
        time.sleep(0.1)
        same("further events", 0, self.qsize())


class Relay:
    """A relay to the server whose connections can be cut, and which then refuses new ones until told otherwise."""

    def __init__(self, target):
        self.target = target
        self.open = []
        self.refusing = False
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                if self.refusing:
                    client.close()
                    continue
                host, port = self.target.rsplit(":", 1)
                server = socket.create_connection((host, int(port)))
                for side in (client, server):
                    side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.open += [client, server]
            for pair in ((client, server), (server, client)):
                threading.Thread(target=self.pump, args=pair, daemon=True).start()

    @staticmethod
    def pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass  # A cut connection ends here; that is what the relay is for.
        for side in (source, sink):
            try:
                side.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        with self.lock:
            self.refusing = True
            for side in self.open:
                try:
                    side.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
            self.open = []

    def heal(self):
        with self.lock:
            self.refusing = False


class Checks:
    def __init__(self, address):
        self.address = address
        self.zk = self.start(address)
        self.root = "/interop-kazoo-%x" % time.time_ns()
        self.zk.create(self.root, b"")

    @staticmethod
    def start(address, **options):
        client = KazooClient(hosts=address, timeout=10.0, **options)
        client.start(timeout=PATIENCE)
        return client

    def path(self, name):
        return f"{self.root}/{name}"

    def await_gone(self, path):
        deadline = time.monotonic() + PATIENCE
        while self.zk.exists(path) is not None:
            if time.monotonic() > deadline:
                raise AssertionError(f"{path} still exists")
            time.sleep(0.1)

    def check_connect(self):
        same("state", KazooState.CONNECTED, self.zk.state)
        same("session id is not 0", True, self.zk.client_id[0] != 0)
        same("password length", 16, len(self.zk.client_id[1]))
        same("server version", True, self.zk.server_version() >= (3, 9))

    def check_create(self):
        path, made = self.zk.create(self.path("plain"), b"one", include_data=True)
        same("path", self.path("plain"), path)
        data, stat = self.zk.get(path)
        same("data", b"one", data)
        same("stat of create2 and of getData", made, stat)
        same("counters", (0, 0, 0, 0, 3, 0), (stat.version, stat.cversion, stat.aversion, stat.ephemeralOwner,
                                               stat.dataLength, stat.numChildren))
        same("zxids", (stat.czxid, stat.czxid), (stat.mzxid, stat.pzxid))
        refused(NodeExistsError, self.zk.create, path)
        refused(NoNodeError, self.zk.create, self.path("absent/child"))
        refused(NoNodeError, self.zk.get, self.path("absent"))
        refused(NotEmptyError, self.zk.delete, self.root)
        odd = self.path("gr\u00fc\u00dfe \u4f60\u597d")
        same("path of other scripts", odd, self.zk.create(odd, b""))

    def check_set_and_delete(self):
        path = self.zk.create(self.path("data"), b"0")
        same("version", 1, self.zk.set(path, b"1", version=0).version)
        refused(BadVersionError, self.zk.set, path, b"2", version=0)
        refused(BadVersionError, self.zk.delete, path, version=0)
        self.zk.delete(path, version=1)
        same("deleted", None, self.zk.exists(path))

    def check_children(self):
        self.zk.create(self.path("parent"))
        for name in "cab":
            self.zk.create(self.path(f"parent/{name}"))
        names, stat = self.zk.get_children(self.path("parent"), include_data=True)
        same("names", ["a", "b", "c"], sorted(names))
        same("counters", (3, 3), (stat.numChildren, stat.cversion))

    def check_one_shot_watches(self):
        path = self.path("watched")
        data, child = Events(), Events()
        same("absent", None, self.zk.exists(path, watch=data))
        self.zk.create(path)
        data.expect(EventType.CREATED, path)
        self.zk.get(path, watch=data)
        self.zk.set(path, b"1")
        data.expect(EventType.CHANGED, path)
        self.zk.set(path, b"2")
        data.expect_none(self.zk)
        self.zk.get_children(path, watch=child)
        self.zk.create(path + "/child")
        child.expect(EventType.CHILD, path)
        self.zk.delete(path + "/child")
        child.expect_none(self.zk)
        self.zk.get(path, watch=data)
        self.zk.get_children(path, watch=child)
        self.zk.delete(path)
        data.expect(EventType.DELETED, path)
        child.expect(EventType.DELETED, path)

    def check_ephemeral(self):
        other = self.start(self.address)
        path = other.create(self.path("ephemeral"), b"e", ephemeral=True)
        same("owner", other.client_id[0], self.zk.exists(path).ephemeralOwner)
        refused(NoChildrenForEphemeralsError, self.zk.create, path + "/child")
        events = Events()
        self.zk.exists(path, watch=events)
        other.stop()
        other.close()
        events.expect(EventType.DELETED, path)

    def check_sequence(self):
        self.zk.create(self.path("sequence"))
        prefix = self.path("sequence/n-")
        same("first", prefix + "0000000000", self.zk.create(prefix, sequence=True))
        same("second", prefix + "0000000001", self.zk.create(prefix, sequence=True, ephemeral=True))
        self.zk.delete(prefix + "0000000001")
        same("never twice", prefix + "0000000002", self.zk.create(prefix, sequence=True))

    def check_multi(self):
        path = self.path("multi")
        transaction = self.zk.transaction()
        transaction.create(path, b"a")
        transaction.create(path + "/s-", b"b", sequence=True)
        transaction.set_data(path, b"c", version=0)
        transaction.check(path, version=1)
        transaction.delete(path + "/s-0000000000", version=0)
        results = transaction.commit()
        same("paths", [path, path + "/s-0000000000"], results[:2])
        same("version", 1, results[2].version)
        same("check and delete", [True, True], results[3:])
        stat = self.zk.exists(path)
        same("one zxid for all", (stat.czxid, stat.czxid), (stat.mzxid, stat.pzxid))

    def check_multi_that_fails(self):
        transaction: TransactionRequest = self.zk.transaction()
        transaction.create(self.path("multi-fails"))
        transaction.set_data(self.path("absent"), b"")
        transaction.check(self.root, version=-1)
        kinds = [type(result) for result in transaction.commit()]
        same("errors", [RolledBackError, NoNodeError, RuntimeInconsistency], kinds)
        same("nothing was created", None, self.zk.exists(self.path("multi-fails")))

    def check_acl(self):
        owner = self.start(self.address, auth_data=[("digest", "alice:secret")])
        path = owner.create(self.path("acl"), b"s", acl=CREATOR_ALL_ACL)
        acls, _ = owner.get_acls(path)
        same("acl", [make_digest_acl("alice", "secret", all=True)], acls)
        refused(NoAuthError, self.zk.get, path)
        refused(NoAuthError, self.zk.set, path, b"")
        refused(NoAuthError, self.zk.set_acls, path, OPEN_ACL_UNSAFE)
        same("aversion", 1, owner.set_acls(path, acls + [make_acl("world", "anyone", read=True)]).aversion)
        same("readable by all", b"s", self.zk.get(path)[0])
        refused(InvalidACLError, self.zk.create, self.path("x"), acl=[make_acl("nobody", "x", all=True)])
        self.zk.add_auth("digest", "alice:secret")
        self.zk.set(path, b"t")
        owner.stop()
        owner.close()

    def check_large_value(self):
        value = bytes(range(256)) * 3500
        path = self.zk.create(self.path("large"), value)
        same("equal", True, self.zk.get(path)[0] == value)
        self.zk.delete(path)

    def check_many_in_flight(self):
        path = self.zk.create(self.path("flight"), b"0")
        sets = [self.zk.set_async(path, b"%d" % index) for index in range(2000)]
        reads = [self.zk.get_async(path) for _ in range(2000)]
        same("versions in order", list(range(1, 2001)), [each.get(timeout=PATIENCE).version for each in sets])
        same("reads see them", {b"1999"}, {each.get(timeout=PATIENCE)[0] for each in reads})

    def check_lock_recipe(self):
        other = self.start(self.address)
        first, second = Lock(self.zk, self.path("lock")), Lock(other, self.path("lock"))
        same("acquired", True, first.acquire(timeout=PATIENCE))
        same("held by one", False, second.acquire(blocking=False))
        first.release()
        same("free again", True, second.acquire(timeout=PATIENCE))
        second.release()
        other.stop()
        other.close()

    def check_reconnect(self):
        relay = Relay(self.address)
        client = self.start(relay.address)
        lost, back = threading.Event(), threading.Event()

        def listen(state):
            if state == KazooState.SUSPENDED:
                lost.set()
            elif state == KazooState.CONNECTED:
                back.set()

        client.add_listener(listen)
        session = client.client_id[0]
        client.create(self.path("reconnect"), ephemeral=True)
        self.zk.create(self.path("seen"), b"0")
        data, exists, child = Events(), Events(), Events()
        client.get(self.path("seen"), watch=data)
        client.exists(self.path("seen-later"), watch=exists)
        client.get_children(self.path("seen"), watch=child)
        relay.cut()
        same("connection lost", True, lost.wait(PATIENCE))
        self.zk.set(self.path("seen"), b"1")
        self.zk.create(self.path("seen-later"))
        self.zk.create(self.path("seen/child"))
        relay.heal()
        same("connected again", True, back.wait(PATIENCE))
        same("same session", session, client.client_id[0])
        same("its ephemeral lives", session, self.zk.exists(self.path("reconnect")).ephemeralOwner)
        same("it works", b"1", client.get(self.path("seen"))[0])
        # kazoo tells its watchers of the lost connection and forgets them: it has no setWatches.
        for events, path in ((data, "seen"), (exists, "seen-later"), (child, "seen")):
            events.expect(EventType.NONE, None)
        client.stop()
        client.close()
        self.await_gone(self.path("reconnect"))

    def finish(self):
        self.zk.delete(self.root, recursive=True)
        self.zk.stop()
        self.zk.close()


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: interop_client.py HOST:PORT")
    logging.disable(logging.CRITICAL)
    checks = Checks(sys.argv[1])
    passed = failed = 0
    for name in [each for each in dir(Checks) if each.startswith("check_")]:
        title = name.removeprefix("check_").replace("_", " ")
        try:
            getattr(checks, name)()
            passed += 1
            print(f"ok {title}")
        except Exception as error:  # every deviation counts, whatever it is
            failed += 1
            print(f"FAIL {title}: {type(error).__name__}: {error}")
            traceback.print_exc(limit=-2, file=sys.stdout)
    checks.finish()
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
