import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException.Code;
import org.apache.zookeeper.WatchedEvent;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.Stat;

/**
 * A client of a chaos run, on Apache's own client: java -cp ... ChaosClient CONNECT_STRING SESSION_TIMEOUT_MS
 *
 * Commands come on standard input, answers and events go to standard output, one a line; ../client-process.ts has them.
 */
public final class ChaosClient {
    private static final CreateMode[] MODES = {
        CreateMode.PERSISTENT, CreateMode.EPHEMERAL, CreateMode.PERSISTENT_SEQUENTIAL, CreateMode.EPHEMERAL_SEQUENTIAL,
    };
    private static final OutputStream out = new FileOutputStream(FileDescriptor.out);
    private static String address;
    private static int timeoutMs;
    private static volatile ZooKeeper client;
    /** Connections that were lost: what is asked over two of them is not asked of one server. */
    private static volatile int losses;

    public static void main(String[] args) throws Exception {
        address = args[0];
        timeoutMs = Integer.parseInt(args[1]);
        begin();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) obey(line.split(" "));
        client.close(5_000);
        System.exit(0);
    }

    private static void begin() throws IOException {
        // Events of this client come before the field is set, if they are quick.
        ZooKeeper[] own = new ZooKeeper[1];
        Watcher states = event -> {
            ZooKeeper fresh = own[0] == null ? client : own[0];
            String session = fresh == null ? "0x0" : idText(fresh.getSessionId());
            switch (event.getState()) {
                case SyncConnected -> tell("connected", session);
                case Disconnected -> {
                    losses++;
                    tell("disconnected", session);
                }
                case Expired -> {
                    losses++;
                    tell("expired", session);
                    try {
                        begin();
                    } catch (IOException error) {
                        throw new IllegalStateException(error);
                    }
                }
                default -> { }
            }
        };
        synchronized (ChaosClient.class) {
            own[0] = new ZooKeeper(address, timeoutMs, event -> {
                synchronized (ChaosClient.class) {
                    if (event.getType() == Watcher.Event.EventType.None) states.process(event);
                }
            });
            client = own[0];
        }
    }

    private static void obey(String[] words) {
        long id = Long.parseLong(words[0]);
        String path = words[2];
        long call = now();
        ZooKeeper zk = client;
        switch (words[1]) {
            case "create" -> zk.create(path, bytes(words[3]), ZooDefs.Ids.OPEN_ACL_UNSAFE, MODES[Integer.parseInt(words[4])],
                (code, asked, ctx, name, stat) -> answer(zk, id, call, code, () -> ",\"path\":\"" + name + "\"" + factsOf(stat)),
                null);
            case "set" -> zk.setData(path, bytes(words[3]), Integer.parseInt(words[4]),
                (code, asked, ctx, stat) -> answer(zk, id, call, code, () -> factsOf(stat)), null);
            case "delete" -> zk.delete(path, Integer.parseInt(words[3]),
                (code, asked, ctx) -> answer(zk, id, call, code, () -> ""), null);
            case "read" -> {
                Watcher watcher = words[3].equals("1") ? event -> heard(zk, id, event) : null;
                zk.getData(path, watcher,
                    (code, asked, ctx, data, stat) -> answer(zk, id, call, code, () -> contentOf(data, stat)), null);
            }
            case "fresh" -> {
                int before = losses;
                zk.sync(path, (code, asked, ctx) -> { }, null);
                zk.getData(path, false, (code, asked, ctx, data, stat) -> answer(zk, id, call, code,
                    () -> contentOf(data, stat) + (before == losses ? "" : ",\"stale\":true")), null);
            }
            case "children" -> {
                zk.sync(path, (code, asked, ctx) -> { }, null);
                zk.getChildren(path, false, (int code, String asked, Object ctx, List<String> names) -> answer(zk, id, call, code,
                    () -> ",\"children\":[" + names.stream().map(name -> '"' + name + '"').collect(Collectors.joining(",")) + "]"),
                    null);
            }
            default -> throw new IllegalArgumentException(words[1]);
        }
    }

    private interface Facts { String text(); }

    private static void answer(ZooKeeper zk, long id, long call, int code, Facts facts) {
        String outcome = switch (Code.get(code)) {
            case OK -> "ok";
            case NONODE -> "noNode";
            case NODEEXISTS -> "nodeExists";
            case BADVERSION -> "badVersion";
            default -> "unknown";
        };
        say("{\"id\":" + id + ",\"out\":\"" + outcome + "\",\"session\":\"" + idText(zk.getSessionId()) + "\",\"call\":" + call
            + ",\"ret\":" + now() + (outcome.equals("ok") ? facts.text() : "") + "}");
    }

    private static void heard(ZooKeeper zk, long id, WatchedEvent event) {
        String type = switch (event.getType()) {
            case NodeCreated -> "created";
            case NodeDeleted -> "deleted";
            case NodeDataChanged -> "dataChanged";
            case NodeChildrenChanged -> "childrenChanged";
            // A change of state, which every watcher is told of and after which it stays.
            default -> null;
        };
        if (type == null) return;
        say("{\"event\":\"watch\",\"id\":" + id + ",\"type\":\"" + type + "\",\"session\":\"" + idText(zk.getSessionId())
            + "\",\"at\":" + now() + "}");
    }

    private static void tell(String event, String session) {
        say("{\"event\":\"" + event + "\",\"session\":\"" + session + "\",\"at\":" + now() + "}");
    }

    private static String contentOf(byte[] data, Stat stat) {
        return ",\"data\":\"" + (data == null ? "" : new String(data, StandardCharsets.UTF_8)) + "\"" + factsOf(stat);
    }

    private static String factsOf(Stat stat) {
        return ",\"version\":" + stat.getVersion() + ",\"czxid\":" + stat.getCzxid() + ",\"mzxid\":" + stat.getMzxid()
            + ",\"owner\":\"" + idText(stat.getEphemeralOwner()) + "\"";
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String idText(long id) {
        return "0x" + Long.toHexString(id);
    }

    /** Microseconds of the clock that all processes of a machine share. */
    private static long now() {
        return System.nanoTime() / 1000;
    }

    /** A line in one write, so that what was said before a kill is there. */
    private static void say(String line) {
        try {
            out.write((line + "\n").getBytes(StandardCharsets.UTF_8));
        } catch (IOException error) {
            System.exit(1);
        }
    }
}
