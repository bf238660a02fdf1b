"""Takes part in recipes through kazoo: recipes_worker.py HOST:PORT SESSION_TIMEOUT_MS

Commands come on standard input, events go to standard output, one a line; what they mean is in ../worker.ts.
"""

import os
import sys
import threading
import time

from kazoo.client import KazooClient, KazooState
from kazoo.recipe.barrier import DoubleBarrier
from kazoo.recipe.election import Election
from kazoo.recipe.lock import Lock
from kazoo.recipe.party import Party, ShallowParty
from kazoo.recipe.queue import LockingQueue, Queue

# Seconds between two rounds, so that all languages get theirs.
PAUSE = 0.002


class SharedLock(Lock):
    """Names that Curator, Go and Headkeeper put into the same order as kazoo does."""

    _NODE_NAME = "-lock-"
    _EXCLUDE_NAMES = ["-lock-"]


class SharedLatch(Lock):
    _NODE_NAME = "-latch-"
    _EXCLUDE_NAMES = ["-latch-"]


class SharedQueue(Queue):
    """Names that Curator and ZooKeeper's own recipe take for items."""

    def put(self, value):
        self.client.create(self.path + "/qn-", value, sequence=True)


class Worker:
    def __init__(self, address, timeout_ms):
        forever = {"max_tries": -1, "delay": 0.05, "max_delay": 0.5}
        self.zk = KazooClient(address, timeout=timeout_ms / 1000, connection_retry=forever, command_retry=forever)
        self.zk.add_listener(self.state_changed)
        self.stopping = False
        self.barrier = None
        self.party = None
        self.zk.start(timeout=60)
        say("ready", self.zk.client_id[0])

    def state_changed(self, state):
        if state == KazooState.LOST:
            say("lost", time.monotonic_ns())

    def obey(self, words):
        try:
            getattr(self, "do_" + words[0].replace("-", "_"))(*words[1:])
        except Exception as error:
            say("failed", repr(error).replace("\n", " "))

    def do_turns(self, kind, path, counter, hold_ms):
        while not self.stopping:
            if kind == "selector":
                election = Election(self.zk, path, "python")
                election.lock = SharedLock(self.zk, path, "python")
                election.run(self.section, path, counter, int(hold_ms))
            else:
                lock = {"lock": SharedLock, "latch": SharedLatch, "kazoo-lock": Lock}[kind](self.zk, path, "python")
                with lock:
                    self.section(path, counter, int(hold_ms))
        say("stopped")

    def do_share(self, kind, _layout, path, what, hold_ms):
        while not self.stopping:
            if kind == "read-write":
                with self.zk.WriteLock(path, "python"):
                    self.section(path, what, int(hold_ms))
                with self.zk.ReadLock(path, "python"):
                    self.look(what, int(hold_ms))
            else:
                with self.zk.Semaphore(path, "python", max_leases=int(what)):
                    self.look(None, int(hold_ms))
            time.sleep(PAUSE)
        say("stopped")

    def look(self, counter, hold_ms):
        """What several may do at a time: reads the number twice, if there is one."""
        say("hold", time.monotonic_ns())
        first = 0 if counter is None else int(self.zk.get(counter)[0])
        time.sleep(hold_ms / 1000)
        last = 0 if counter is None else int(self.zk.get(counter)[0])
        say("held", time.monotonic_ns(), first, last)

    def section(self, path, counter, hold_ms):
        """What only one at a time may do: reads a number and writes the next one, without asking for a version."""
        entered = time.monotonic_ns()
        say("enter", entered, self.token(path))
        before = int(self.zk.get(counter)[0])
        time.sleep(hold_ms / 1000)
        self.zk.set(counter, b"%d" % (before + 1))
        say("leave", time.monotonic_ns(), before)

    def token(self, path):
        """The zxid that created this session's znode in the line."""
        for child in self.zk.get_children(path):
            stat = self.zk.exists(f"{path}/{child}")
            if stat is not None and stat.ephemeralOwner == self.zk.client_id[0]:
                return stat.czxid
        return "none"

    def do_enter(self, path, members):
        self.barrier = DoubleBarrier(self.zk, path, int(members), "python")
        say("coming", time.monotonic_ns())
        self.barrier.enter()
        # kazoo does not say otherwise that it has not come in.
        if not self.barrier.participating:
            raise RuntimeError("did not enter the barrier")
        say("in", time.monotonic_ns())

    def do_count(self, path):
        counter = self.zk.Counter(path, support_curator=True)
        while not self.stopping:
            say("counting")
            counter += 1
            say("counted", counter.post_value)
            time.sleep(PAUSE)
        say("stopped")

    def do_exchange(self, path):
        self.exchange(SharedQueue(self.zk, path))

    def do_exchange_kazoo(self, path):
        self.exchange(Queue(self.zk, path))

    def do_exchange_locking(self, path):
        queue = LockingQueue(self.zk, path)
        number = 0
        while not self.stopping:
            item = f"{self.zk.client_id[0]}-{number}"
            number += 1
            say("putting", item)
            queue.put(item.encode())
            say("put", item)
            say("taking")
            taken = queue.get(timeout=1)
            if taken is None:
                say("took", "nothing")
                continue
            say("has", taken.decode())
            time.sleep(PAUSE)
            if not queue.consume():
                raise RuntimeError("lost the lock on " + taken.decode())
            say("took", taken.decode())
        say("stopped")

    def exchange(self, queue):
        number = 0
        while not self.stopping:
            item = f"{self.zk.client_id[0]}-{number}"
            number += 1
            say("putting", item)
            queue.put(item.encode())
            say("put", item)
            say("taking")
            taken = queue.get()
            say("took", "nothing" if taken is None else taken.decode())
            time.sleep(PAUSE)
        say("stopped")

    def do_join(self, kind, path, name):
        self.party = self.party_of(kind)(self.zk, path, name)
        self.party.join()
        say("joined")

    def do_part(self):
        self.party.leave()
        say("parted")

    def do_look(self, kind, path):
        say("sees", *sorted(self.party_of(kind)(self.zk, path)))

    def party_of(self, kind):
        return Party if kind == "party" else ShallowParty

    def do_idle(self, path):
        """For what kazoo does not have, or has under other names."""
        while not self.stopping:
            time.sleep(PAUSE)
        say("stopped")

    def do_leave(self):
        say("leaving", time.monotonic_ns())
        self.barrier.leave()
        say("out", time.monotonic_ns())


def say(*words):
    """A line in one write, so that what was said before a kill is there."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def main():
    worker = Worker(sys.argv[1], int(sys.argv[2]))
    for line in sys.stdin:
        words = line.split()
        worker.stopping = words[0] == "stop"
        if not worker.stopping:
            threading.Thread(target=worker.obey, args=(words,), daemon=True).start()
    os._exit(0)


main()
