"""A client of a chaos run, on kazoo: chaos_client.py CONNECT_STRING SESSION_TIMEOUT_MS

Commands come on standard input, answers and events go to standard output, one a line; ../client-process.ts has them.
"""

import json
import os
import sys
import time

from kazoo.client import KazooClient, KazooState
from kazoo.exceptions import BadVersionError, NodeExistsError, NoNodeError
from kazoo.protocol.states import EventType

REFUSALS = {NoNodeError: "noNode", NodeExistsError: "nodeExists", BadVersionError: "badVersion"}
WATCH_TYPES = {
    EventType.CREATED: "created",
    EventType.DELETED: "deleted",
    EventType.CHANGED: "dataChanged",
    EventType.CHILD: "childrenChanged",
}


class ChaosClient:
    def __init__(self, address, timeout_ms):
        forever = {"max_tries": -1, "delay": 0.05, "max_delay": 0.5}
        self.zk = KazooClient(address, timeout=timeout_ms / 1000, connection_retry=forever)
        # Connections that were lost: what is asked over two of them is not asked of one server.
        self.losses = 0
        self.told = "0x0"
        self.zk.add_listener(self.state_changed)
        self.zk.start(timeout=60)

    def state_changed(self, state):
        if state == KazooState.CONNECTED:
            self.told = self.session()
            say(event="connected", session=self.told, at=now())
        else:
            self.losses += 1
            what = "expired" if state == KazooState.LOST else "disconnected"
            say(event=what, session=self.told, at=now())

    def session(self):
        client_id = self.zk.client_id
        return "0x0" if client_id is None else "0x%x" % (client_id[0] & 0xFFFFFFFFFFFFFFFF)

    def obey(self, number, command, path, *words):
        call = now()
        number = int(number)
        try:
            pending, facts = getattr(self, "do_" + command)(number, path, *words)
        except Exception:
            # kazoo refuses to queue while it has no session at all.
            say(id=number, out="unknown", session=self.session(), call=call, ret=now())
            return
        pending.rawlink(lambda done: self.answer(number, call, done, facts))

    def answer(self, number, call, done, facts):
        if done.successful():
            say(id=number, out="ok", session=self.session(), call=call, ret=now(), **facts(done.value))
        else:
            out = REFUSALS.get(type(done.exception), "unknown")
            say(id=number, out=out, session=self.session(), call=call, ret=now())

    def do_create(self, _number, path, data, mode):
        mode = int(mode)
        made = {"ephemeral": mode & 1 == 1, "sequence": mode & 2 == 2, "include_data": True}
        return self.zk.create_async(path, data.encode(), **made), lambda value: dict(path=value[0], **facts_of(value[1]))

    def do_set(self, _number, path, data, version):
        return self.zk.set_async(path, data.encode(), int(version)), facts_of

    def do_delete(self, _number, path, version):
        return self.zk.delete_async(path, int(version)), lambda value: {}

    def do_read(self, number, path, watch):
        watcher = (lambda event: self.heard(number, event)) if watch == "1" else None
        return self.zk.get_async(path, watcher), content_of

    def do_fresh(self, _number, path):
        before = self.losses
        self.zk.sync_async(path)

        def facts(value):
            return content_of(value) if before == self.losses else dict(stale=True, **content_of(value))

        return self.zk.get_async(path), facts

    def do_children(self, _number, path):
        self.zk.sync_async(path)
        return self.zk.get_children_async(path), lambda value: {"children": value}

    def heard(self, number, event):
        # kazoo drops its watches with the connection, and says so by an event without a type.
        say(event="watch", id=number, type=WATCH_TYPES.get(event.type, "dropped"), session=self.session(), at=now())


def facts_of(stat):
    owner = "0x%x" % (stat.ephemeralOwner & 0xFFFFFFFFFFFFFFFF)
    return {"version": stat.version, "czxid": stat.czxid, "mzxid": stat.mzxid, "owner": owner}


def content_of(value):
    data, stat = value
    return dict(data=data.decode(), **facts_of(stat))


def now():
    """Microseconds of the clock that all processes of a machine share."""
    return time.monotonic_ns() // 1000


def say(**facts):
    """A line in one write, so that what was said before a kill is there."""
    os.write(1, (json.dumps(facts) + "\n").encode())


def main():
    client = ChaosClient(sys.argv[1], int(sys.argv[2]))
    for line in sys.stdin:
        client.obey(*line.rstrip("\n").split(" "))
    client.zk.stop()
    os._exit(0)


main()
