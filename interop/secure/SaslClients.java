import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.retry.RetryOneTime;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooDefs.Ids;
import org.apache.zookeeper.ZooDefs.Perms;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.client.ZKClientConfig;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Id;

/**
 * Apache's Java client and Curator log in by SASL: java -Djava.security.auth.login.config=FILE SaslClients.java OPEN ENFORCED
 *
 * The file has a section for each way to log in: Ann, Root, Juergen, Wrong, Unknown. ENFORCED serves only those who have. One line a
 * check, then "N passed, N failed".
 */
public final class SaslClients {
    private interface Check { void run() throws Exception; }

    private static final int PATIENCE_MS = 15_000;
    private static final String NOBODY = "Nobody";
    private static int passed;
    private static int failed;

    /** A client that logs in by a section of the file, and its states. */
    private static final class Client implements AutoCloseable {
        final BlockingQueue<KeeperState> states = new LinkedBlockingQueue<>();
        final ZooKeeper zk;

        Client(String address, String section) throws Exception {
            zk = new ZooKeeper(address, PATIENCE_MS, (WatchedEvent event) -> states.add(event.getState()), config(section));
        }

        void expect(KeeperState wanted) throws InterruptedException {
            for (;;) {
                KeeperState state = states.poll(PATIENCE_MS, TimeUnit.MILLISECONDS);
                if (state == null) throw new AssertionError("the state " + wanted + " does not come");
                if (state == wanted) return;
            }
        }

        List<String> identities() throws Exception {
            return zk.whoAmI().stream().map(one -> one.getAuthScheme() + ":" + one.getUser()).sorted()
                .collect(Collectors.toList());
        }

        @Override
        public void close() throws InterruptedException { zk.close(2000); }
    }

    private static ZKClientConfig config(String section) {
        ZKClientConfig config = new ZKClientConfig();
        config.setProperty(ZKClientConfig.ENABLE_CLIENT_SASL_KEY, String.valueOf(!section.equals(NOBODY)));
        config.setProperty(ZKClientConfig.LOGIN_CONTEXT_NAME_KEY, section);
        return config;
    }

    public static void main(String[] args) throws Exception {
        String open = args[0];
        String enforced = args[1];
        String root = "/sasl-java-" + Long.toHexString(System.nanoTime());
        List<ACL> annOnly = Collections.singletonList(new ACL(Perms.ALL, new Id("sasl", "ann")));

        check("a user logs in, is told so, and owns what he makes", () -> {
            try (Client ann = new Client(open, "Ann"); Client stranger = new Client(open, NOBODY)) {
                ann.expect(KeeperState.SaslAuthenticated);
                same("identities", true, ann.identities().contains("sasl:ann"));
                ann.zk.create(root, new byte[] {1}, annOnly, CreateMode.PERSISTENT);
                same("what auth becomes", annOnly, withAuth(ann.zk, root + "/mine"));
                refused(Code.NOAUTH, () -> stranger.zk.getData(root, false, null));
                same("data", true, Arrays.equals(new byte[] {1}, ann.zk.getData(root, false, null)));
            }
        });
        check("a super user is held back by nothing", () -> {
            try (Client root1 = new Client(open, "Root")) {
                root1.expect(KeeperState.SaslAuthenticated);
                same("identities", true, root1.identities().contains("super:"));
                root1.zk.getData(root, false, null);
                root1.zk.delete(root + "/mine", -1);
                root1.zk.delete(root, -1);
            }
        });
        check("a name and a password with letters beyond ASCII", () -> {
            try (Client client = new Client(open, "Juergen")) {
                client.expect(KeeperState.SaslAuthenticated);
                same("identities", true, client.identities().contains("sasl:j\u00fcrgen"));
            }
        });
        for (String section : new String[] {"Wrong", "Unknown"}) {
            for (String address : new String[] {open, enforced}) {
                check(section + " on " + (address.equals(open) ? "an open" : "an enforcing") + " server is refused", () -> {
                    try (Client client = new Client(address, section)) {
                        if (address.equals(open)) {
                            client.expect(KeeperState.AuthFailed);
                            refused(Code.AUTHFAILED, () -> client.zk.exists("/", false));
                        } else {
                            refused(Code.SESSIONCLOSEDREQUIRESASLAUTH, () -> client.zk.exists("/", false), Code.AUTHFAILED, Code.CONNECTIONLOSS);
                        }
                    }
                });
            }
        }
        check("enforced: who has not logged in is served nothing, a digest is no help", () -> {
            try (Client nobody = new Client(enforced, NOBODY); Client digest = new Client(enforced, NOBODY)) {
                refused(Code.SESSIONCLOSEDREQUIRESASLAUTH, () -> nobody.zk.exists("/", false));
                digest.zk.addAuthInfo("digest", "a:b".getBytes());
                refused(Code.SESSIONCLOSEDREQUIRESASLAUTH, () -> digest.zk.exists("/", false));
            }
        });
        check("enforced: who has is served, and keeps his session by pings", () -> {
            try (Client ann = new Client(enforced, "Ann")) {
                ann.expect(KeeperState.SaslAuthenticated);
                ann.zk.create("/e", new byte[0], Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL_SEQUENTIAL);
            }
        });
        check("Curator logs in", () -> {
            try (CuratorFramework ann = curator(open, "Ann"); CuratorFramework stranger = curator(open, NOBODY)) {
                String path = ann.create().withACL(annOnly).forPath(root, new byte[] {2});
                refused(Code.NOAUTH, () -> stranger.getData().forPath(path));
                same("data", true, Arrays.equals(new byte[] {2}, ann.getData().forPath(path)));
                ann.delete().forPath(path);
            }
        });
        check("Curator with a wrong password is refused", () -> {
            try (CuratorFramework wrong = curator(open, "Wrong")) {
                refused(Code.AUTHFAILED, () -> wrong.getData().forPath("/"), Code.CONNECTIONLOSS);
            }
        });
        System.out.println(passed + " passed, " + failed + " failed");
        System.exit(failed == 0 ? 0 : 1);
    }

    private static List<ACL> withAuth(ZooKeeper zk, String path) throws Exception {
        zk.create(path, new byte[0], Ids.CREATOR_ALL_ACL, CreateMode.PERSISTENT);
        return zk.getACL(path, null);
    }

    private static CuratorFramework curator(String address, String section) {
        CuratorFramework client = CuratorFrameworkFactory.builder().connectString(address).sessionTimeoutMs(PATIENCE_MS)
            .connectionTimeoutMs(1000).retryPolicy(new RetryOneTime(10)).zkClientConfig(config(section)).build();
        client.start();
        return client;
    }

    private static void check(String title, Check body) {
        try {
            body.run();
            passed++;
            System.out.println("ok " + title);
        } catch (Throwable failure) {
            failed++;
            System.out.println("FAIL " + title);
            failure.printStackTrace(System.out);
        }
    }

    private static void same(String what, Object expected, Object actual) {
        if (!expected.equals(actual)) throw new AssertionError(what + ": expected " + expected + ", got " + actual);
    }

    private static void refused(Code code, Check body, Code... orElse) throws Exception {
        try {
            body.run();
        } catch (KeeperException refusal) {
            if (refusal.code() == code || Arrays.asList(orElse).contains(refusal.code())) return;
            throw refusal;
        }
        throw new AssertionError("it was not refused");
    }
}
