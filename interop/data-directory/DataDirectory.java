import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Op;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooDefs.Perms;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Id;
import org.apache.zookeeper.data.Stat;

/**
 * Writes a tree with every kind of transaction, prints a tree in full, and checks that expiry goes on in a tree that
 * another server wrote: DataDirectory fill|leave|walk|expire HOST:PORT
 *
 * fill    the server looks for expired TTL nodes and containers every half second: their deletions are logged as well
 * leave   the server does not look for them; some are left, and a session stays open with its ephemerals
 * walk    one line a znode: path, every field of its Stat, its data and its ACL (as super user, password test)
 * expire  the server looks again: what was left must vanish, the rest must stay and be writable
 */
public final class DataDirectory {
    private static final PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    private static ZooKeeper zk;

    private static byte[] bytes(String text) { return text.getBytes(StandardCharsets.UTF_8); }

    private static ZooKeeper open(String address, int timeoutMs) throws Exception {
        CountDownLatch connected = new CountDownLatch(1);
        ZooKeeper session = new ZooKeeper(address, timeoutMs, event -> connected.countDown());
        if (!connected.await(30, TimeUnit.SECONDS)) throw new IllegalStateException("not connected");
        return session;
    }

    private static String make(String path, String data, CreateMode mode) throws Exception {
        return zk.create(path, data == null ? null : bytes(data), Ids.OPEN_ACL_UNSAFE, mode);
    }

    public static void main(String[] args) throws Exception {
        zk = open(args[1], 40_000);
        switch (args[0]) {
            case "fill" -> fill(args[1]);
            case "leave" -> leave(args[1]);
            case "walk" -> {
                zk.addAuthInfo("digest", bytes("super:test"));
                walk("/");
            }
            case "expire" -> expire();
            default -> throw new IllegalArgumentException(args[0]);
        }
        zk.close();
        // Sessions that were left open on purpose must not be closed by the way out.
        Runtime.getRuntime().halt(0);
    }

    private static void fill(String address) throws Exception {
        make("/types", "root", CreateMode.PERSISTENT);
        make("/types/null", null, CreateMode.PERSISTENT);
        make("/types/empty", "", CreateMode.PERSISTENT);
        make("/types/gr\u00fc\u00dfe \u4f60\u597d", "names of other scripts", CreateMode.PERSISTENT);
        zk.create("/types/large", new byte[300_000], Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
        Stat stat = new Stat();
        zk.create("/types/create2", bytes("2"), Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT, stat);
        make("/types/deleted", "", CreateMode.PERSISTENT);
        zk.delete("/types/deleted", -1);
        for (int i = 0; i < 3; i++) zk.setData("/types/create2", bytes("version " + i), i);
        make("/types/seq", "", CreateMode.PERSISTENT);
        for (int i = 0; i < 60; i++) make("/types/seq/n-", "n" + i, CreateMode.PERSISTENT_SEQUENTIAL);
        for (int i = 0; i < 60; i += 2) zk.delete(String.format("/types/seq/n-%010d", i), -1);
        make("/types/seq/n-", "after the deletions", CreateMode.PERSISTENT_SEQUENTIAL);
        acls();
        multis();
        make("/types/container", "", CreateMode.CONTAINER);
        make("/types/container/child", "", CreateMode.PERSISTENT);
        make("/types/reaped", "", CreateMode.CONTAINER);
        make("/types/reaped/child", "", CreateMode.PERSISTENT);
        zk.delete("/types/reaped/child", -1);
        zk.create("/types/ttl-reaped", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_WITH_TTL, stat, 500);
        zk.create("/types/ttl-long", bytes("hour"), Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_WITH_TTL, stat, 3_600_000);
        zk.create("/types/ttl-s-", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_SEQUENTIAL_WITH_TTL, stat, 3_600_000);
        ZooKeeper closing = open(address, 10_000);
        closing.create("/types/e-closed", null, Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
        closing.create("/types/e-closed-", null, Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL_SEQUENTIAL);
        closing.close();
        make("/zookeeper/quota/types", "", CreateMode.PERSISTENT);
        make("/zookeeper/quota/types/zookeeper_limits", "count=100000,bytes=-1", CreateMode.PERSISTENT);
        make("/zookeeper/quota/types/zookeeper_stats", "count=0,bytes=0", CreateMode.PERSISTENT);
        awaitGone("/types/reaped");
        awaitGone("/types/ttl-reaped");
    }

    private static void acls() throws Exception {
        ZooKeeper owner = zk;
        owner.addAuthInfo("digest", bytes("alice:secret"));
        owner.create("/types/acl", bytes("hidden"), Ids.CREATOR_ALL_ACL, CreateMode.PERSISTENT);
        owner.create("/types/acl/read", bytes("seen"), Ids.READ_ACL_UNSAFE, CreateMode.PERSISTENT);
        List<ACL> mixed = Arrays.asList(
            new ACL(Perms.READ | Perms.WRITE, new Id("ip", "127.0.0.0/8")),
            new ACL(Perms.ALL, new Id("digest", "bob:not-a-real-digest")),
            new ACL(Perms.ADMIN, Ids.ANYONE_ID_UNSAFE));
        owner.create("/types/acl/mixed", null, mixed, CreateMode.PERSISTENT);
        owner.setACL("/types/acl/mixed", mixed.subList(1, 3), 0);
        owner.setACL("/types/empty", mixed, -1);
    }

    private static void multis() throws Exception {
        zk.multi(List.of(
            Op.create("/types/multi", bytes("m"), Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT),
            Op.create("/types/multi/a", bytes("a"), Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT),
            Op.create("/types/multi/s-", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_SEQUENTIAL),
            Op.create("/types/multi/c", null, Ids.OPEN_ACL_UNSAFE, CreateMode.CONTAINER),
            Op.create("/types/multi/c/child", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT),
            Op.create("/types/multi/t", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_WITH_TTL, 3_600_000),
            Op.setData("/types/multi/a", bytes("b"), 0),
            Op.check("/types/multi", 0),
            Op.create("/types/multi/gone", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT),
            Op.delete("/types/multi/gone", 0)));
        try {
            zk.multi(List.of(Op.setData("/types/multi/a", bytes("x"), -1), Op.delete("/types/absent", -1)));
            throw new AssertionError("a multi that must fail succeeded");
        } catch (KeeperException.NoNodeException expected) {
            // An error transaction is now in the log.
        }
    }

    private static void leave(String address) throws Exception {
        Stat stat = new Stat();
        make("/types/left-container", "", CreateMode.CONTAINER);
        make("/types/left-container/child", "", CreateMode.PERSISTENT);
        zk.delete("/types/left-container/child", -1);
        zk.create("/types/left-ttl", null, Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT_WITH_TTL, stat, 500);
        ZooKeeper staying = open(address, 20_000);
        staying.create("/types/e-live", bytes("still there"), Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
        staying.create("/types/e-live-", null, Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL_SEQUENTIAL);
        zk.setData("/types", bytes("root, changed at last"), -1);
    }

    private static void walk(String path) throws Exception {
        Stat stat = new Stat();
        byte[] data = zk.getData(path, false, stat);
        out.printf("%s czxid=%x mzxid=%x ctime=%d mtime=%d version=%d cversion=%d aversion=%d owner=%x dataLength=%d "
            + "numChildren=%d pzxid=%x acl=%s data=%s%n", path.replace("%", "%25").replace(" ", "%20"), stat.getCzxid(),
            stat.getMzxid(), stat.getCtime(), stat.getMtime(), stat.getVersion(), stat.getCversion(), stat.getAversion(),
            stat.getEphemeralOwner(), stat.getDataLength(), stat.getNumChildren(), stat.getPzxid(),
            zk.getACL(path, new Stat()).toString().replaceAll("\\s+", ""),
            data == null ? "null" : data.length > 1000 ? "hash:" + Arrays.hashCode(data) : Base64.getEncoder().encodeToString(data));
        List<String> names = new ArrayList<>(zk.getChildren(path, false));
        Collections.sort(names);
        for (String name : names) walk((path.equals("/") ? "" : path) + "/" + name);
    }

    /** A session's timeout of 20 s starts anew with the server; nothing here takes longer. */
    private static void awaitGone(String path) throws Exception {
        for (int i = 0; zk.exists(path, false) != null; i++) {
            if (i == 500) throw new AssertionError(path + " still exists");
            Thread.sleep(100);
        }
    }

    private static void expire() throws Exception {
        awaitGone("/types/left-container");
        awaitGone("/types/left-ttl");
        for (String kept : List.of("/types/container", "/types/ttl-long", "/types/multi/c", "/types/multi/t")) {
            if (zk.exists(kept, false) == null) throw new AssertionError(kept + " is gone");
        }
        Stat before = zk.exists("/types/seq", false);
        String next = make("/types/seq/n-", "", CreateMode.PERSISTENT_SEQUENTIAL);
        if (!next.equals("/types/seq/n-0000000061")) throw new AssertionError("the next sequence number gave " + next);
        if (zk.exists(next, false).getCzxid() <= before.getPzxid()) throw new AssertionError("zxids went back");
        if (zk.setData("/types", bytes("written on"), 1).getVersion() != 2) throw new AssertionError("version of /types");
        // The session that was left open is not renewed by anyone: its ephemerals must go.
        awaitGone("/types/e-live");
    }
}
