import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.atomic.AtomicValue;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicInteger;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.leader.LeaderSelector;
import org.apache.curator.framework.recipes.leader.LeaderSelectorListenerAdapter;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.locks.Lease;
import org.apache.curator.framework.recipes.queue.DistributedDelayQueue;
import org.apache.curator.framework.recipes.queue.DistributedIdQueue;
import org.apache.curator.framework.recipes.queue.DistributedQueue;
import org.apache.curator.framework.recipes.queue.QueueBuilder;
import org.apache.curator.framework.recipes.queue.QueueConsumer;
import org.apache.curator.framework.recipes.queue.QueueSerializer;
import org.apache.curator.framework.recipes.queue.SimpleDistributedQueue;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.ExponentialBackoffRetry;
import org.apache.curator.retry.RetryForever;
import org.apache.zookeeper.data.Stat;

/**
 * Takes part in recipes through Curator: java -cp ... RecipesWorker HOST:PORT SESSION_TIMEOUT_MS
 *
 * Commands come on standard input, events go to standard output, one a line; what they mean is in ../worker.ts.
 */
public final class RecipesWorker {
    private interface Section { void run() throws Exception; }

    /** Between two rounds, so that all languages get theirs. */
    private static final int PAUSE_MS = 2;
    /** How long after its coming an item with a time may be taken. */
    private static final int DELAY_MS = 30;
    private static final QueueSerializer<String> TEXT = new QueueSerializer<>() {
        @Override
        public byte[] serialize(String item) {
            return item.getBytes(StandardCharsets.UTF_8);
        }

        @Override
        public String deserialize(byte[] bytes) {
            return new String(bytes, StandardCharsets.UTF_8);
        }
    };
    private static final OutputStream out = new FileOutputStream(FileDescriptor.out);
    private static CuratorFramework client;
    private static Services services;
    private static DistributedDoubleBarrier barrier;
    private static volatile boolean stopping;

    public static void main(String[] args) throws Exception {
        int timeoutMs = Integer.parseInt(args[1]);
        client = CuratorFrameworkFactory.newClient(args[0], timeoutMs, timeoutMs, new RetryForever(100));
        client.getConnectionStateListenable().addListener((zk, state) -> {
            if (state == ConnectionState.LOST) say("lost " + System.nanoTime());
        });
        client.start();
        client.blockUntilConnected();
        services = new Services(client);
        say("ready " + Long.toUnsignedString(session()));
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.split(" ");
            stopping = words[0].equals("stop");
            if (!stopping) begin(() -> obey(words));
        }
        System.exit(0);
    }

    private static void obey(String[] words) throws Exception {
        switch (words[0]) {
            case "turns" -> turns(words[1], words[2], words[3], Long.parseLong(words[4]));
            case "share" -> share(words[1], words[3], words[4], Long.parseLong(words[5]));
            case "idle" -> idle();
            case "enter" -> {
                barrier = new DistributedDoubleBarrier(client, words[1], Integer.parseInt(words[2]));
                say("coming " + System.nanoTime());
                barrier.enter();
                say("in " + System.nanoTime());
            }
            case "leave" -> {
                say("leaving " + System.nanoTime());
                barrier.leave();
                say("out " + System.nanoTime());
            }
            case "count" -> count(words[1]);
            case "exchange" -> exchange(words[1]);
            case "exchange-items" -> exchangeItems(words[1]);
            case "exchange-names" -> exchangeNames(words[1]);
            case "exchange-times" -> exchangeTimes(words[1]);
            case "join" -> {
                services.join(words[2], words[3]);
                say("joined");
            }
            case "part" -> {
                services.part();
                say("parted");
            }
            case "look" -> say("sees " + services.look(words[2]));
            case "pass" -> pass(words[1], Integer.parseInt(words[2]));
            default -> throw new IllegalArgumentException(words[0]);
        }
    }

    private static void turns(String kind, String path, String counter, long holdMs) throws Exception {
        InterProcessMutex mutex = new InterProcessMutex(client, path);
        while (!stopping) {
            Section section = () -> section(path, counter, holdMs);
            switch (kind) {
                case "lock" -> underMutex(mutex, section);
                case "latch" -> {
                    try (LeaderLatch latch = new LeaderLatch(client, path, "java")) {
                        latch.start();
                        latch.await();
                        section.run();
                    }
                }
                case "selector" -> select(path, section);
                default -> throw new IllegalArgumentException(kind);
            }
        }
        say("stopped");
    }

    private static void share(String kind, String path, String what, long holdMs) throws Exception {
        InterProcessReadWriteLock lock = new InterProcessReadWriteLock(client, path);
        while (!stopping) {
            switch (kind) {
                case "read-write" -> {
                    underMutex(lock.writeLock(), () -> section(path, what, holdMs));
                    underMutex(lock.readLock(), () -> look(what, holdMs));
                }
                case "semaphore" -> {
                    InterProcessSemaphoreV2 semaphore = new InterProcessSemaphoreV2(client, path, Integer.parseInt(what));
                    Lease lease = semaphore.acquire();
                    try {
                        look(null, holdMs);
                    } finally {
                        semaphore.returnLease(lease);
                    }
                }
                default -> throw new IllegalArgumentException(kind);
            }
            Thread.sleep(PAUSE_MS);
        }
        say("stopped");
    }

    private static void underMutex(InterProcessMutex mutex, Section section) throws Exception {
        mutex.acquire();
        try {
            section.run();
        } finally {
            mutex.release();
        }
    }

    private static void idle() throws Exception {
        while (!stopping) Thread.sleep(PAUSE_MS);
        say("stopped");
    }

    private static void select(String path, Section section) throws Exception {
        CountDownLatch done = new CountDownLatch(1);
        Exception[] failure = new Exception[1];
        try (LeaderSelector selector = new LeaderSelector(client, path, new LeaderSelectorListenerAdapter() {
            @Override
            public void takeLeadership(CuratorFramework zk) {
                try {
                    section.run();
                } catch (Exception e) {
                    failure[0] = e;
                }
                done.countDown();
            }
        })) {
            selector.setId("java");
            selector.start();
            done.await();
        }
        if (failure[0] != null) throw failure[0];
    }

    /** What only one at a time may do: reads a number and writes the next one, without asking for a version. */
    private static void section(String path, String counter, long holdMs) throws Exception {
        long entered = System.nanoTime();
        say("enter " + entered + " " + token(path));
        long before = Long.parseLong(new String(client.getData().forPath(counter), StandardCharsets.UTF_8));
        Thread.sleep(holdMs);
        client.setData().forPath(counter, Long.toString(before + 1).getBytes(StandardCharsets.UTF_8));
        say("leave " + System.nanoTime() + " " + before);
    }

    /** What several may do at a time: reads the number twice, if there is one. */
    private static void look(String counter, long holdMs) throws Exception {
        say("hold " + System.nanoTime());
        String first = counter == null ? "0" : new String(client.getData().forPath(counter), StandardCharsets.UTF_8);
        Thread.sleep(holdMs);
        String last = counter == null ? "0" : new String(client.getData().forPath(counter), StandardCharsets.UTF_8);
        say("held " + System.nanoTime() + " " + first + " " + last);
    }

    /** The zxid that created this session's znode in the line. */
    private static String token(String path) throws Exception {
        long session = session();
        for (String child : client.getChildren().forPath(path)) {
            Stat stat = client.checkExists().forPath(path + "/" + child);
            if (stat != null && stat.getEphemeralOwner() == session) return Long.toString(stat.getCzxid());
        }
        return "none";
    }

    /** Holds the lock so many times, for no time at all, and tells of each when it was acquired and when given up. */
    private static void pass(String path, int times) throws Exception {
        InterProcessMutex mutex = new InterProcessMutex(client, path);
        StringBuilder moments = new StringBuilder("passed");
        for (int i = 0; i < times; i++) {
            mutex.acquire();
            moments.append(' ').append(System.nanoTime());
            mutex.release();
        }
        say(moments.toString());
    }

    private static void count(String path) throws Exception {
        DistributedAtomicInteger counter = new DistributedAtomicInteger(client, path, new ExponentialBackoffRetry(1, 10));
        while (!stopping) {
            say("counting");
            AtomicValue<Integer> value = counter.increment();
            while (!value.succeeded()) value = counter.increment();
            say("counted " + value.postValue());
            Thread.sleep(PAUSE_MS);
        }
        say("stopped");
    }

    private static void exchange(String path) throws Exception {
        SimpleDistributedQueue queue = new SimpleDistributedQueue(client, path);
        for (int i = 0; !stopping; i++) {
            String item = Long.toUnsignedString(session()) + "-" + i;
            say("putting " + item);
            queue.offer(item.getBytes(StandardCharsets.UTF_8));
            say("put " + item);
            say("taking");
            byte[] taken = queue.poll();
            say("took " + (taken == null ? "nothing" : new String(taken, StandardCharsets.UTF_8)));
            Thread.sleep(PAUSE_MS);
        }
        say("stopped");
    }

    private static void exchangeItems(String path) throws Exception {
        QueueConsumer<String> consumer = consumer(item -> say("took " + item));
        try (DistributedQueue<String> queue = QueueBuilder.builder(client, consumer, TEXT, path).buildQueue()) {
            queue.start();
            for (int i = 0; !stopping; i++) {
                String item = Long.toUnsignedString(session()) + "-i" + i;
                say("putting " + item);
                queue.put(item);
                // It is put in the background.
                while (!queue.flushPuts(1, TimeUnit.SECONDS)) continue;
                say("put " + item);
                Thread.sleep(PAUSE_MS);
            }
        }
        say("stopped");
    }

    /** Every third item is taken back by its name, if nobody has taken it. */
    private static void exchangeNames(String path) throws Exception {
        QueueConsumer<String> consumer = consumer(item -> say("took " + item));
        try (DistributedIdQueue<String> queue = QueueBuilder.builder(client, consumer, TEXT, path).buildIdQueue()) {
            queue.start();
            for (int i = 0; !stopping; i++) {
                String item = Long.toUnsignedString(session()) + "-n" + i;
                say("putting " + item);
                queue.put(item, item);
                while (!queue.flushPuts(1, TimeUnit.SECONDS)) continue;
                say("put " + item);
                if (i % 3 == 2) {
                    say("removing " + item);
                    say(queue.remove(item) == 0 ? "kept " + item : "took " + item);
                }
                Thread.sleep(PAUSE_MS);
            }
        }
        say("stopped");
    }

    private static void exchangeTimes(String path) throws Exception {
        QueueConsumer<String> consumer = consumer(item -> say("took " + item + " " + System.currentTimeMillis()));
        try (DistributedDelayQueue<String> queue = QueueBuilder.builder(client, consumer, TEXT, path).buildDelayQueue()) {
            queue.start();
            for (int i = 0; !stopping; i++) {
                long due = System.currentTimeMillis() + DELAY_MS;
                String item = Long.toUnsignedString(session()) + "-t" + i + "@" + due;
                say("putting " + item);
                queue.put(item, due);
                while (!queue.flushPuts(1, TimeUnit.SECONDS)) continue;
                say("put " + item);
                Thread.sleep(PAUSE_MS);
            }
        }
        say("stopped");
    }

    private static QueueConsumer<String> consumer(Consumer<String> consumer) {
        return new QueueConsumer<>() {
            @Override
            public void consumeMessage(String item) {
                consumer.accept(item);
            }

            @Override
            public void stateChanged(CuratorFramework zk, ConnectionState state) {
            }
        };
    }

    private static long session() throws Exception {
        return client.getZookeeperClient().getZooKeeper().getSessionId();
    }

    private static void begin(Callable<?> work) {
        Thread thread = new Thread(() -> {
            try {
                work.call();
            } catch (Exception e) {
                say("failed " + e.toString().replace('\n', ' '));
            }
        });
        thread.setDaemon(true);
        thread.start();
    }

    private static void begin(Section work) {
        begin(() -> {
            work.run();
            return null;
        });
    }

    /** A line in one write, so that what was said before a kill is there. */
    private static synchronized void say(String line) {
        try {
            out.write((line + "\n").getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            System.exit(1);
        }
    }
}
