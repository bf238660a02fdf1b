import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.client.ZKClientConfig;
import org.apache.zookeeper.data.ACL;

/**
 * The Java client by TLS: TlsClients ADDRESS IDENTITY TRUST ANN ROOT EXPIRED
 *
 * The last four are files in PEM; IDENTITY is what ann's certificate makes of her. "N passed, N failed" comes last.
 */
public class TlsClients {
    private static int passed;
    private static int failed;

    public static void main(String[] args) throws Exception {
        String identity = args[1];
        try (ZooKeeper ann = open(args[0], args[2], args[3])) {
            check("a client with a certificate connects", ann != null);
            if (ann != null) {
                check("it is who its certificate says", ann.whoAmI().stream()
                        .anyMatch(who -> who.getAuthScheme().equals("x509") && who.getUser().equals(identity)));
                ann.create("/tls-java", new byte[1], ZooDefs.Ids.CREATOR_ALL_ACL, CreateMode.EPHEMERAL);
                List<ACL> acl = ann.getACL("/tls-java", null);
                check("auth stands for it", acl.size() == 1 && acl.get(0).getId().getScheme().equals("x509")
                        && acl.get(0).getId().getId().equals(identity));
                ACL own = new ACL(ZooDefs.Perms.ALL, acl.get(0).getId());
                ann.create("/tls-java-2", new byte[100_000], java.util.Arrays.asList(own), CreateMode.EPHEMERAL);
                check("its name is an entry", ann.getData("/tls-java-2", false, null).length == 100_000);
                ann.addAuthInfo("x509", new byte[0]);
                check("it may say so again", ann.exists("/", false) != null);
                try (ZooKeeper root = open(args[0], args[2], args[4])) {
                    check("the superuser may everything",
                            root != null && root.getData("/tls-java", false, null).length == 1);
                }
            }
        }
        check("an expired certificate is refused", open(args[0], args[2], args[5]) == null);
        check("no certificate is refused", open(args[0], args[2], null) == null);
        System.out.println(passed + " passed, " + failed + " failed");
        System.exit(failed == 0 ? 0 : 1);
    }

    private static ZooKeeper open(String address, String trust, String own) throws Exception {
        ZKClientConfig config = new ZKClientConfig();
        config.setProperty("zookeeper.client.secure", "true");
        config.setProperty("zookeeper.clientCnxnSocket", "org.apache.zookeeper.ClientCnxnSocketNetty");
        config.setProperty("zookeeper.ssl.trustStore.location", trust);
        if (own != null) config.setProperty("zookeeper.ssl.keyStore.location", own);
        CountDownLatch connected = new CountDownLatch(1);
        ZooKeeper client = new ZooKeeper(address, 15000, event -> {
            if (event.getState() == KeeperState.SyncConnected) connected.countDown();
        }, config);
        boolean refused = own == null || own.contains("expired");
        if (connected.await(refused ? 2 : 15, TimeUnit.SECONDS)) return client;
        client.close(1000);
        return null;
    }

    private static void check(String title, boolean ok) {
        System.out.println((ok ? "ok " : "FAIL ") + title);
        if (ok) passed++;
        else failed++;
    }
}
