package dev.holdfast.agent.cluster.real;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.security.NoSuchAlgorithmException;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Watcher;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Id;
import org.apache.zookeeper.server.auth.DigestAuthenticationProvider;

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

    /** Removes all records below one. */
    void removeBelow(String path) throws KeeperException, InterruptedException {
        for (String child : client.getChildren(TOP + path, false)) {
            removeBelow(path + "/" + child);
            remove(path + "/" + child);
        }
    }

    /** Writes a record that is not there. */
    void create(String path, String text) throws KeeperException, InterruptedException {
        client.create(
                TOP + path, text.getBytes(StandardCharsets.UTF_8), ZooDefs.Ids.CREATOR_ALL_ACL, CreateMode.PERSISTENT);
    }

    /** Everything that is in it. */
    SortedMap<String, byte[]> all() throws KeeperException, InterruptedException {
        SortedMap<String, byte[]> tree = new TreeMap<>();
        collect("/", tree);
        return tree;
    }

    /** Gives all that is there to the user of another password, as the manual says. */
    void changePassword(String password) throws KeeperException, InterruptedException, NoSuchAlgorithmException {
        byte[] user = ("holdfast:" + password).getBytes(StandardCharsets.UTF_8);
        client.addAuthInfo("digest", user);
        String digest = DigestAuthenticationProvider.generateDigest("holdfast:" + password);
        List<ACL> theirs = Collections.singletonList(new ACL(ZooDefs.Perms.ALL, new Id("digest", digest)));
        for (String path : all().keySet()) {
            if (!path.equals("/zookeeper/config")) {
                client.setACL(path, theirs, -1);
            }
        }
    }

    private void collect(String path, SortedMap<String, byte[]> tree) throws KeeperException, InterruptedException {
        byte[] data = client.getData(path, false, null);
        tree.put(path, data == null ? new byte[0] : data);
        for (String child : client.getChildren(path, false)) {
            collect((path.equals("/") ? "/" : path + "/") + child, tree);
        }
    }

    @Override
    public void close() throws InterruptedException {
        client.close();
    }
}
