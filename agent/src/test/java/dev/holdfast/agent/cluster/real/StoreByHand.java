package dev.holdfast.agent.cluster.real;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;

/** The store in the hands of a person who has its password. One thread. */
final class StoreByHand implements AutoCloseable {
    private static final Pattern CONNECT = Pattern.compile("connect = \"([^\"]+)\"");
    private static final String TOP = "/holdfast/lab/";

    private final ZooKeeper client;

    /** @param node whose settings are used */
    StoreByHand(RealNode node) throws IOException, InterruptedException {
        Matcher matcher = CONNECT.matcher(Files.readString(node.configuration()));
        if (!matcher.find()) {
            throw new IOException("no store in " + node.configuration());
        }
        CountDownLatch connected = new CountDownLatch(1);
        int bound = (int) RealCluster.BOUND.toMillis();
        client = new ZooKeeper(matcher.group(1), bound, event -> {
            if (event.getState() == Watcher.Event.KeeperState.SyncConnected) {
                connected.countDown();
            }
        });
        if (!connected.await(bound, TimeUnit.MILLISECONDS)) {
            client.close();
            throw new IOException("no connection to " + matcher.group(1));
        }
        String password =
                Files.readString(node.home.resolve("zookeeper.secret")).strip();
        client.addAuthInfo("digest", password.getBytes(StandardCharsets.UTF_8));
    }

    /** Removes a record. */
    void remove(String path) throws KeeperException, InterruptedException {
        client.delete(TOP + path, -1);
    }

    /** Writes a record that is not there. */
    void create(String path, String text) throws KeeperException, InterruptedException {
        client.create(
                TOP + path, text.getBytes(StandardCharsets.UTF_8), ZooDefs.Ids.CREATOR_ALL_ACL, CreateMode.PERSISTENT);
    }

    @Override
    public void close() throws InterruptedException {
        client.close();
    }
}
