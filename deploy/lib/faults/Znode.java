import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.Stat;

/**
 * Damages what was written last to ZooKeeper, for deploy/faults.sh: {@code Znode SERVERS SECRET KEPT flip|cut} flips a bit in its middle or
 * takes its second half away, and keeps what was there in the file KEPT; {@code Znode SERVERS SECRET KEPT mend} puts it back unless somebody has
 * written or removed it since.
 */
public class Znode {
    private final ZooKeeper client;
    private String newest;
    private Stat newestStat = new Stat();

    private Znode(ZooKeeper client) {
        this.client = client;
    }

    public static void main(String[] words) throws Exception {
        CountDownLatch connected = new CountDownLatch(1);
        try (ZooKeeper client = new ZooKeeper(words[0], 6000, event -> {
            if (event.getState() == KeeperState.SyncConnected) {
                connected.countDown();
            }
        })) {
            client.addAuthInfo("digest", Files.readString(Path.of(words[1])).strip().getBytes(StandardCharsets.UTF_8));
            if (!connected.await(10, TimeUnit.SECONDS)) {
                throw new IOException(words[0] + " does not answer");
            }
            Path kept = Path.of(words[2]);
            Znode it = new Znode(client);
            if (words[3].equals("mend")) {
                it.mend(kept);
            } else {
                it.damage(kept, words[3].equals("cut"));
            }
        }
    }

    private void damage(Path kept, boolean cut) throws Exception {
        look("/");
        byte[] whole = client.getData(newest, false, newestStat);
        byte[] damaged = cut ? Arrays.copyOf(whole, whole.length / 2) : whole.clone();
        if (!cut) {
            damaged[whole.length / 2] ^= 1;
        }
        int version = client.setData(newest, damaged, newestStat.getVersion()).getVersion();
        Files.writeString(kept, newest + "\n" + version + "\n" + new String(whole, StandardCharsets.ISO_8859_1), StandardCharsets.ISO_8859_1);
        System.out.println(newest + ": " + new String(damaged, StandardCharsets.UTF_8));
    }

    private void mend(Path kept) throws IOException, InterruptedException, KeeperException {
        String[] was = Files.readString(kept, StandardCharsets.ISO_8859_1).split("\n", 3);
        try {
            client.setData(was[0], was[2].getBytes(StandardCharsets.ISO_8859_1), Integer.parseInt(was[1]));
        } catch (KeeperException.BadVersionException | KeeperException.NoNodeException e) {
            System.out.println(was[0] + " is another one by now");
        }
    }

    private void look(String path) throws InterruptedException, KeeperException {
        List<String> children;
        try {
            Stat stat = new Stat();
            byte[] bytes = client.getData(path, false, stat);
            if (bytes != null && bytes.length > 1 && stat.getEphemeralOwner() == 0 && stat.getMzxid() > newestStat.getMzxid()) {
                newest = path;
                newestStat = stat;
            }
            children = client.getChildren(path, false);
        } catch (KeeperException.NoNodeException | KeeperException.NoAuthException e) {
            return;
        }
        for (String child : children) {
            look(path.equals("/") ? "/" + child : path + "/" + child);
        }
    }
}
