import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.OpResult;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.Watcher.Event.EventType;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZKUtil;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooDefs.Perms;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Id;
import org.apache.zookeeper.data.Stat;

/**
 * Checks a server through Apache's Java client: java -cp ... InteropClient.java HOST:PORT
 *
 * One line a check, then "N passed, N failed"; exit code 1 when one failed. The server must have extended types on and
 * look for expired TTL nodes and empty containers every second or so.
 */
public final class InteropClient {
    private interface Check { void run() throws Exception; }

    private static final long PATIENCE_MS = 30_000;
    private static String address;
    private static final String root = "/interop-java-" + Long.toHexString(System.nanoTime());
    private static ZooKeeper zk;
    private static int passed;
    private static int failed;

    /** A session and its events, in the order of arrival. */
    private static final class Events implements Watcher {
        final BlockingQueue<WatchedEvent> queue = new LinkedBlockingQueue<>();
        final CountDownLatch connected = new CountDownLatch(1);

        @Override
        public void process(WatchedEvent event) {
            if (event.getType() == EventType.None && event.getState() == KeeperState.SyncConnected) {
                connected.countDown();
            }
            queue.add(event);
        }

        /** The next event that is about a znode, which must be this one. */
        void expect(EventType type, String path) throws InterruptedException {
            for (;;) {
                WatchedEvent event = queue.poll(PATIENCE_MS, TimeUnit.MILLISECONDS);
                if (event == null) throw new AssertionError("no event, expected " + type + " " + path);
                if (event.getType() == EventType.None) continue;
                same("event type", type, event.getType());
                same("event path", path, event.getPath());
                return;
            }
        }

        /** No further event about a znode: a round trip after the change puts any event before its reply. */
        void expectNone() throws Exception {
            zk.exists(root, false);
            for (WatchedEvent event : queue) {
                if (event.getType() != EventType.None) throw new AssertionError("unexpected event " + event);
            }
        }
    }

    private static ZooKeeper open(String where, Watcher watcher) throws Exception {
        Events events = new Events();
        ZooKeeper session = new ZooKeeper(where, 10_000, event -> {
            events.process(event);
            if (watcher != null) watcher.process(event);
        });
        if (!events.connected.await(PATIENCE_MS, TimeUnit.MILLISECONDS)) throw new AssertionError("not connected");
        return session;
    }

    private static void same(String what, Object expected, Object actual) {
        if (!Objects.equals(expected, actual)) {
            throw new AssertionError(what + ": expected " + expected + ", got " + actual);
        }
    }

    private static void refused(Code code, Check call) throws Exception {
        try {
            call.run();
        } catch (KeeperException e) {
            same("error", code, e.code());
            return;
        }
        throw new AssertionError("expected " + code + ", but it succeeded");
    }

    private static void check(String name, Check body) {
        try {
            body.run();
            passed++;
            System.out.println("ok " + name);
        } catch (Exception | AssertionError e) {
            failed++;
            System.out.println("FAIL " + name + ": " + e);
            for (StackTraceElement at : e.getStackTrace()) {
                if (at.getClassName().startsWith("InteropClient")) System.out.println("     " + at);
            }
        }
    }

    private static byte[] bytes(String text) { return text.getBytes(StandardCharsets.UTF_8); }

    private static String make(String name, String data, CreateMode mode) throws Exception {
        return zk.create(root + "/" + name, bytes(data), Ids.OPEN_ACL_UNSAFE, mode);
    }

    private static void awaitGone(String path) throws Exception {
        long deadline = System.nanoTime() + PATIENCE_MS * 1_000_000;
        while (zk.exists(path, false) != null) {
            if (System.nanoTime() > deadline) throw new AssertionError(path + " still exists");
            Thread.sleep(100);
        }
    }

    /** A relay to the server whose connections can be cut, and which then refuses new ones until told otherwise. */
    private static final class Relay implements AutoCloseable {
        private final ServerSocket listener = new ServerSocket(0, 16, InetAddress.getLoopbackAddress());
        private final List<Socket> open = new ArrayList<>();
        private boolean refusing;

        Relay() throws IOException {
            Thread accepting = new Thread(this::accept);
            accepting.setDaemon(true);
            accepting.start();
        }

        String address() { return "127.0.0.1:" + listener.getLocalPort(); }

        synchronized void cut() throws IOException {
            refusing = true;
            for (Socket socket : open) socket.close();
            open.clear();
        }

        synchronized void heal() { refusing = false; }

        private synchronized boolean keep(Socket client, Socket server) {
            if (refusing) return false;
            open.add(client);
            open.add(server);
            return true;
        }

        private void accept() {
            for (;;) {
                try {
                    Socket client = listener.accept();
                    int colon = address.lastIndexOf(':');
                    Socket server = new Socket(address.substring(0, colon), Integer.parseInt(address.substring(colon + 1)));
                    client.setTcpNoDelay(true);
                    server.setTcpNoDelay(true);
                    if (keep(client, server)) {
                        pump(client, server);
                        pump(server, client);
                    } else {
                        client.close();
                        server.close();
                    }
                } catch (IOException e) {
                    if (listener.isClosed()) return;
                }
            }
        }

        private static void pump(Socket from, Socket to) {
            Thread thread = new Thread(() -> {
                try (from; to) {
                    InputStream in = from.getInputStream();
                    OutputStream out = to.getOutputStream();
                    in.transferTo(out);
                } catch (IOException e) {
                    // A cut connection ends here; that is what the relay is for.
                }
            });
            thread.setDaemon(true);
            thread.start();
        }

        @Override
        public void close() throws IOException { listener.close(); }
    }

    public static void main(String[] args) throws Exception {
        if (args.length != 1) {
            System.err.println("usage: InteropClient HOST:PORT");
            System.exit(64);
        }
        address = args[0];
        zk = open(address, null);
        zk.create(root, new byte[0], Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        check("connect", InteropClient::connect);
        check("create", InteropClient::create);
        check("create refusals", InteropClient::createRefusals);
        check("set data", InteropClient::setData);
        check("children", InteropClient::children);
        check("large value", InteropClient::largeValue);
        check("one-shot watches", InteropClient::oneShotWatches);
        check("persistent watches", InteropClient::persistentWatches);
        check("remove watches", InteropClient::removeWatches);
        check("ephemeral", InteropClient::ephemeral);
        check("sequence", InteropClient::sequence);
        check("multi", InteropClient::multi);
        check("multi that fails", InteropClient::multiThatFails);
        check("multi read", InteropClient::multiRead);
        check("acl", InteropClient::acl);
        check("who am I", InteropClient::whoAmI);
        check("ttl", InteropClient::ttl);
        check("container", InteropClient::container);
        check("config node", InteropClient::configNode);
        check("sync", () -> zk.sync(root, (code, path, context) -> { }, null));
        check("reconnect", InteropClient::reconnect);
        check("expired session", InteropClient::closedSession);
        zk.addAuthInfo("digest", bytes("alice:secret"));
        ZKUtil.deleteRecursive(zk, root);
        zk.close();
        System.out.println(passed + " passed, " + failed + " failed");
        System.exit(failed == 0 ? 0 : 1);
    }

    private static void connect() {
        same("session id is not 0", true, zk.getSessionId() != 0);
        same("password length", 16, zk.getSessionPasswd().length);
        same("negotiated timeout", 10_000, zk.getSessionTimeout());
        same("state", ZooKeeper.States.CONNECTED, zk.getState());
    }

    private static void create() throws Exception {
        Stat made = new Stat();
        String path = zk.create(root + "/plain", bytes("one"), Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT, made);
        same("path", root + "/plain", path);
        Stat stat = new Stat();
        same("data", "one", new String(zk.getData(path, false, stat), StandardCharsets.UTF_8));
        same("stat of create2 and of getData", made, stat);
        same("mzxid", stat.getCzxid(), stat.getMzxid());
        same("pzxid", stat.getCzxid(), stat.getPzxid());
        same("version", 0, stat.getVersion());
        same("cversion", 0, stat.getCversion());
        same("aversion", 0, stat.getAversion());
        same("owner", 0L, stat.getEphemeralOwner());
        same("dataLength", 3, stat.getDataLength());
        same("numChildren", 0, stat.getNumChildren());
        same("mtime is ctime", stat.getCtime(), stat.getMtime());
        same("ctime is now", true, Math.abs(System.currentTimeMillis() - stat.getCtime()) < 60_000);
        String empty = zk.create(root + "/null", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        same("null data", null, zk.getData(empty, false, null));
        String odd = zk.create(root + "/gr\u00fc\u00dfe \u4f60\u597d", bytes("x"), Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        same("path of other scripts", root + "/gr\u00fc\u00dfe \u4f60\u597d", odd);
        same("it exists", true, zk.exists(odd, false) != null);
    }

    private static void createRefusals() throws Exception {
        refused(Code.NODEEXISTS, () -> make("plain", "", CreateMode.PERSISTENT));
        refused(Code.NONODE, () -> make("absent/child", "", CreateMode.PERSISTENT));
        refused(Code.NONODE, () -> zk.getData(root + "/absent", false, null));
        refused(Code.NONODE, () -> zk.delete(root + "/absent", -1));
        refused(Code.INVALIDACL, () -> zk.create(root + "/x", null, Collections.emptyList(), CreateMode.PERSISTENT));
        refused(Code.NOTEMPTY, () -> zk.delete(root, -1));
        same("absent", null, zk.exists(root + "/absent", false));
    }

    private static void setData() throws Exception {
        String path = make("data", "0", CreateMode.PERSISTENT);
        Stat first = zk.setData(path, bytes("1"), 0);
        same("version", 1, first.getVersion());
        same("mzxid is later", true, first.getMzxid() > first.getCzxid());
        refused(Code.BADVERSION, () -> zk.setData(path, bytes("2"), 0));
        same("any version", 2, zk.setData(path, bytes("22"), -1).getVersion());
        Stat stat = new Stat();
        same("data", "22", new String(zk.getData(path, false, stat), StandardCharsets.UTF_8));
        same("dataLength", 2, stat.getDataLength());
        refused(Code.BADVERSION, () -> zk.delete(path, 0));
        zk.delete(path, 2);
        same("deleted", null, zk.exists(path, false));
    }

    private static void children() throws Exception {
        String path = make("parent", "", CreateMode.PERSISTENT);
        for (String name : List.of("c", "a", "b")) make("parent/" + name, "", CreateMode.PERSISTENT);
        Stat stat = new Stat();
        List<String> names = new ArrayList<>(zk.getChildren(path, false, stat));
        Collections.sort(names);
        same("names", List.of("a", "b", "c"), names);
        same("numChildren", 3, stat.getNumChildren());
        same("cversion", 3, stat.getCversion());
        same("pzxid is the last child's", zk.exists(path + "/b", false).getCzxid(), stat.getPzxid());
        same("all children", 3, zk.getAllChildrenNumber(path));
        zk.delete(path + "/a", 0);
        same("cversion after a delete", 4, zk.exists(path, false).getCversion());
    }

    private static void largeValue() throws Exception {
        byte[] large = new byte[900_000];
        Arrays.fill(large, (byte) 0xa5);
        String path = zk.create(root + "/large", large, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        same("equal", true, Arrays.equals(large, zk.getData(path, false, null)));
        zk.delete(path, -1);
    }

    private static void oneShotWatches() throws Exception {
        String path = root + "/watched";
        Events data = new Events();
        Events child = new Events();
        same("absent", null, zk.exists(path, data));
        make("watched", "", CreateMode.PERSISTENT);
        data.expect(EventType.NodeCreated, path);
        zk.getData(path, data, null);
        zk.setData(path, bytes("1"), -1);
        data.expect(EventType.NodeDataChanged, path);
        zk.setData(path, bytes("2"), -1);
        data.expectNone();
        zk.getChildren(path, child);
        make("watched/child", "", CreateMode.PERSISTENT);
        child.expect(EventType.NodeChildrenChanged, path);
        zk.delete(path + "/child", -1);
        child.expectNone();
        zk.getChildren(path, child);
        zk.exists(path, data);
        zk.delete(path, -1);
        data.expect(EventType.NodeDeleted, path);
        child.expect(EventType.NodeDeleted, path);
    }

    private static void persistentWatches() throws Exception {
        String path = make("persistent", "", CreateMode.PERSISTENT);
        Events plain = new Events();
        Events recursive = new Events();
        zk.addWatch(path, plain, AddWatchMode.PERSISTENT);
        zk.addWatch(path, recursive, AddWatchMode.PERSISTENT_RECURSIVE);
        zk.setData(path, bytes("1"), -1);
        zk.setData(path, bytes("2"), -1);
        make("persistent/a", "", CreateMode.PERSISTENT);
        make("persistent/a/b", "", CreateMode.PERSISTENT);
        zk.setData(path + "/a/b", bytes("1"), -1);
        zk.delete(path + "/a/b", -1);
        zk.delete(path + "/a", -1);
        zk.delete(path, -1);
        plain.expect(EventType.NodeDataChanged, path);
        plain.expect(EventType.NodeDataChanged, path);
        plain.expect(EventType.NodeChildrenChanged, path);
        plain.expect(EventType.NodeChildrenChanged, path);
        plain.expect(EventType.NodeDeleted, path);
        plain.expectNone();
        recursive.expect(EventType.NodeDataChanged, path);
        recursive.expect(EventType.NodeDataChanged, path);
        recursive.expect(EventType.NodeCreated, path + "/a");
        recursive.expect(EventType.NodeCreated, path + "/a/b");
        recursive.expect(EventType.NodeDataChanged, path + "/a/b");
        recursive.expect(EventType.NodeDeleted, path + "/a/b");
        recursive.expect(EventType.NodeDeleted, path + "/a");
        recursive.expect(EventType.NodeDeleted, path);
        recursive.expectNone();
        zk.removeAllWatches(path, Watcher.WatcherType.Any, false);
    }

    private static void removeWatches() throws Exception {
        String path = make("unwatched", "", CreateMode.PERSISTENT);
        Events events = new Events();
        zk.getData(path, events, null);
        zk.removeWatches(path, events, Watcher.WatcherType.Data, false);
        events.expect(EventType.DataWatchRemoved, path);
        zk.setData(path, bytes("1"), -1);
        events.expectNone();
        refused(Code.NOWATCHER, () -> zk.removeWatches(path, events, Watcher.WatcherType.Data, false));
    }

    private static void ephemeral() throws Exception {
        ZooKeeper other = open(address, null);
        String path = root + "/ephemeral";
        other.create(path, bytes("e"), Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
        same("owner", other.getSessionId(), zk.exists(path, false).getEphemeralOwner());
        same("getEphemerals", List.of(path), other.getEphemerals());
        refused(Code.NOCHILDRENFOREPHEMERALS, () -> make("ephemeral/child", "", CreateMode.PERSISTENT));
        Events events = new Events();
        zk.exists(path, events);
        other.close();
        events.expect(EventType.NodeDeleted, path);
    }

    private static void sequence() throws Exception {
        make("sequence", "", CreateMode.PERSISTENT);
        String prefix = root + "/sequence/n-";
        same("first", prefix + "0000000000", make("sequence/n-", "", CreateMode.PERSISTENT_SEQUENTIAL));
        same("second", prefix + "0000000001", make("sequence/n-", "", CreateMode.EPHEMERAL_SEQUENTIAL));
        zk.delete(prefix + "0000000001", -1);
        same("never twice", prefix + "0000000002", make("sequence/n-", "", CreateMode.PERSISTENT_SEQUENTIAL));
        same("only a number", root + "/sequence/0000000003", make("sequence/", "", CreateMode.PERSISTENT_SEQUENTIAL));
    }

    private static void multi() throws Exception {
        String path = root + "/multi";
        List<OpResult> results = zk.multi(List.of(
            Op.create(path, bytes("a"), Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT),
            Op.create(path + "/s-", bytes("b"), Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_SEQUENTIAL),
            Op.setData(path, bytes("c"), 0),
            Op.check(path, 1),
            Op.delete(path + "/s-0000000000", 0)));
        same("results", 5, results.size());
        same("path", path, ((OpResult.CreateResult) results.get(0)).getPath());
        same("sequence", path + "/s-0000000000", ((OpResult.CreateResult) results.get(1)).getPath());
        same("version", 1, ((OpResult.SetDataResult) results.get(2)).getStat().getVersion());
        same("check", true, results.get(3) instanceof OpResult.CheckResult);
        same("delete", true, results.get(4) instanceof OpResult.DeleteResult);
        Stat stat = zk.exists(path, false);
        same("one zxid for all", stat.getCzxid(), stat.getMzxid());
        same("same zxid below", stat.getCzxid(), stat.getPzxid());
        same("empty multi", 0, zk.multi(List.of()).size());
    }

    private static void multiThatFails() throws Exception {
        String path = root + "/multi-fails";
        try {
            zk.multi(List.of(
                Op.create(path, null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT),
                Op.setData(root + "/absent", null, -1),
                Op.check(root, -1)));
            throw new AssertionError("it succeeded");
        } catch (KeeperException e) {
            same("error", Code.NONODE, e.code());
            int[] codes = e.getResults().stream().mapToInt(result -> ((OpResult.ErrorResult) result).getErr()).toArray();
            same("codes", Arrays.toString(new int[] {0, Code.NONODE.intValue(), Code.RUNTIMEINCONSISTENCY.intValue()}),
                Arrays.toString(codes));
        }
        same("nothing was created", null, zk.exists(path, false));
    }

    private static void multiRead() throws Exception {
        List<OpResult> results = zk.multi(List.of(
            Op.getData(root + "/plain"), Op.getChildren(root + "/parent"), Op.getData(root + "/absent")));
        same("data", "one", new String(((OpResult.GetDataResult) results.get(0)).getData(), StandardCharsets.UTF_8));
        same("children", 2, ((OpResult.GetChildrenResult) results.get(1)).getChildren().size());
        same("error", Code.NONODE.intValue(), ((OpResult.ErrorResult) results.get(2)).getErr());
    }

    private static void acl() throws Exception {
        ZooKeeper owner = open(address, null);
        owner.addAuthInfo("digest", bytes("alice:secret"));
        String path = root + "/acl";
        owner.create(path, bytes("s"), Ids.CREATOR_ALL_ACL, CreateMode.PERSISTENT);
        Stat stat = new Stat();
        List<ACL> acl = owner.getACL(path, stat);
        same("entries", 1, acl.size());
        same("scheme", "digest", acl.get(0).getId().getScheme());
        same("user", true, acl.get(0).getId().getId().startsWith("alice:"));
        same("perms", Perms.ALL, acl.get(0).getPerms());
        refused(Code.NOAUTH, () -> zk.getData(path, false, null));
        refused(Code.NOAUTH, () -> zk.setData(path, null, -1));
        refused(Code.NOAUTH, () -> zk.getChildren(path, false));
        refused(Code.NOAUTH, () -> zk.create(path + "/x", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT));
        refused(Code.NOAUTH, () -> zk.setACL(path, Ids.OPEN_ACL_UNSAFE, -1));
        same("data", "s", new String(owner.getData(path, false, null), StandardCharsets.UTF_8));
        refused(Code.BADVERSION, () -> owner.setACL(path, Ids.OPEN_ACL_UNSAFE, 7));
        List<ACL> mixed = Arrays.asList(new ACL(Perms.READ, Ids.ANYONE_ID_UNSAFE), new ACL(Perms.ALL, acl.get(0).getId()),
            new ACL(Perms.WRITE, new Id("ip", "127.0.0.0/8")));
        same("aversion", 1, owner.setACL(path, mixed, 0).getAversion());
        same("kept in order", mixed, owner.getACL(path, stat));
        same("readable by all", "s", new String(zk.getData(path, false, null), StandardCharsets.UTF_8));
        same("writable from here", 1, zk.setData(path, bytes("t"), -1).getVersion());
        refused(Code.NOAUTH, () -> zk.setACL(path, Ids.OPEN_ACL_UNSAFE, -1));
        refused(Code.INVALIDACL, () -> zk.setACL(root, Arrays.asList(new ACL(Perms.ALL, new Id("ip", "nonsense"))), -1));
        refused(Code.INVALIDACL, () -> zk.setACL(root, Arrays.asList(new ACL(Perms.ALL, new Id("nobody", "x"))), -1));
        owner.close();
    }

    private static void whoAmI() throws Exception {
        ZooKeeper other = open(address, null);
        other.addAuthInfo("digest", bytes("bob:pw"));
        List<String> schemes = other.whoAmI().stream().map(info -> info.getAuthScheme() + "=" + info.getUser()).sorted().toList();
        same("identities", List.of("digest=bob", "ip=127.0.0.1"), schemes);
        other.close();
    }

    private static void ttl() throws Exception {
        String path = root + "/ttl";
        Stat stat = new Stat();
        zk.create(path, null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_WITH_TTL, stat, 1500);
        same("no owner is shown", 0L, stat.getEphemeralOwner());
        String kept = root + "/ttl-kept";
        zk.create(kept, null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_WITH_TTL, stat, 3_600_000);
        String sequential = zk.create(root + "/ttl-s-", null, Ids.OPEN_ACL_UNSAFE,
            CreateMode.PERSISTENT_SEQUENTIAL_WITH_TTL, stat, 1500);
        same("sequential", true, sequential.matches(root + "/ttl-s-\\d{10}"));
        awaitGone(path);
        awaitGone(sequential);
        same("the other is kept", true, zk.exists(kept, false) != null);
    }

    private static void container() throws Exception {
        String path = make("container", "", CreateMode.CONTAINER);
        same("no owner is shown", 0L, zk.exists(path, false).getEphemeralOwner());
        make("container/child", "", CreateMode.PERSISTENT);
        zk.delete(path + "/child", -1);
        awaitGone(path);
    }

    private static void configNode() throws Exception {
        same("config", true, zk.exists(ZooDefs.CONFIG_NODE, false) != null);
        List<String> names = new ArrayList<>(zk.getChildren("/zookeeper", false));
        Collections.sort(names);
        same("system nodes", List.of("config", "quota"), names);
    }

    private static void reconnect() throws Exception {
        try (Relay relay = new Relay()) {
            Events all = new Events();
            CountDownLatch lost = new CountDownLatch(1);
            CountDownLatch back = new CountDownLatch(2);
            ZooKeeper session = open(relay.address(), event -> {
                if (event.getState() == KeeperState.Disconnected) lost.countDown();
                if (event.getType() == EventType.None && event.getState() == KeeperState.SyncConnected) back.countDown();
            });
            long id = session.getSessionId();
            session.create(root + "/reconnect", null, Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
            make("seen", "0", CreateMode.PERSISTENT);
            Events data = new Events();
            Events exists = new Events();
            Events child = new Events();
            Events recursive = new Events();
            session.getData(root + "/seen", data, null);
            session.exists(root + "/seen-later", exists);
            session.getChildren(root + "/seen", child);
            make("seen-below", "", CreateMode.PERSISTENT);
            make("seen-below/child", "", CreateMode.PERSISTENT);
            session.addWatch(root + "/seen-below", recursive, AddWatchMode.PERSISTENT_RECURSIVE);
            relay.cut();
            same("disconnected", true, lost.await(PATIENCE_MS, TimeUnit.MILLISECONDS));
            zk.setData(root + "/seen", bytes("1"), -1);
            make("seen-later", "", CreateMode.PERSISTENT);
            make("seen/child", "", CreateMode.PERSISTENT);
            relay.heal();
            same("connected again", true, back.await(PATIENCE_MS, TimeUnit.MILLISECONDS));
            same("same session", id, session.getSessionId());
            data.expect(EventType.NodeDataChanged, root + "/seen");
            exists.expect(EventType.NodeCreated, root + "/seen-later");
            child.expect(EventType.NodeChildrenChanged, root + "/seen");
            zk.setData(root + "/seen-below/child", bytes("1"), -1);
            recursive.expect(EventType.NodeDataChanged, root + "/seen-below/child");
            same("its ephemeral lives", id, zk.exists(root + "/reconnect", false).getEphemeralOwner());
            same("nothing but the session", true, all.queue.isEmpty());
            session.close();
            awaitGone(root + "/reconnect");
        }
    }

    private static void closedSession() throws Exception {
        ZooKeeper session = open(address, null);
        long id = session.getSessionId();
        byte[] password = session.getSessionPasswd();
        session.close();
        BlockingQueue<KeeperState> states = new LinkedBlockingQueue<>();
        ZooKeeper again = new ZooKeeper(address, 10_000, event -> states.add(event.getState()), id, password);
        same("a closed session is expired", KeeperState.Expired, states.poll(PATIENCE_MS, TimeUnit.MILLISECONDS));
        again.close();
        byte[] wrong = zk.getSessionPasswd().clone();
        wrong[0] ^= 1;
        states.clear();
        ZooKeeper stranger = new ZooKeeper(address, 10_000, event -> states.add(event.getState()), zk.getSessionId(), wrong);
        same("a wrong password is refused", KeeperState.Expired, states.poll(PATIENCE_MS, TimeUnit.MILLISECONDS));
        stranger.close();
        // Apache cuts the true session's connection before it looks at the password; its client comes back by itself.
        long own = zk.getSessionId();
        for (int attempt = 0; ; attempt++) {
            try {
                same("the tree is there", true, zk.exists(root, false) != null);
                break;
            } catch (KeeperException.ConnectionLossException e) {
                if (attempt == 100) throw e;
                Thread.sleep(100);
            }
        }
        same("the true session lives on", own, zk.getSessionId());
    }
}
