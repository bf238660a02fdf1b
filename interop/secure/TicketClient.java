import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.Watcher.Event.KeeperState;

/** Logs in by the section Client of the JAAS file and prints the identities that the server then knows: TicketClient.java HOST:PORT */
public final class TicketClient {
    public static void main(String[] args) throws Exception {
        CountDownLatch loggedIn = new CountDownLatch(1);
        ZooKeeper zk = new ZooKeeper(args[0], 15_000, event -> {
            if (event.getState() == KeeperState.SaslAuthenticated) loggedIn.countDown();
            else System.out.println(event.getState());
        });
        if (!loggedIn.await(15, TimeUnit.SECONDS)) System.exit(1);
        zk.whoAmI().forEach(one -> System.out.println(one.getAuthScheme() + ":" + one.getUser()));
        zk.close(2000);
        System.exit(0);
    }
}
