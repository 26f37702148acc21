package dev.holdfast.coordinator.zookeeper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.coordinator.codec.HistoryRecord;
import dev.holdfast.coordinator.port.Schedules;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.Samples;
import dev.holdfast.coordinator.replication.ReplicationRecord;
import dev.holdfast.coordinator.walls.BesideOthers;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Stat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@BesideOthers
class AccessTest {

    private static final byte[] NOTHING = {};
    private static final Duration BOUND = Duration.ofMinutes(1);

    /** Something that a client may try on a path. */
    private record Try(String name, Deed deed) {}

    private interface Deed {
        void on(ZooKeeper client, String path) throws KeeperException, InterruptedException;
    }

    private static final List<Try> TRIES = List.of(
            new Try("read", (client, path) -> client.getData(path, false, null)),
            new Try("list", (client, path) -> client.getChildren(path, false)),
            new Try("write", (client, path) -> client.setData(path, NOTHING, -1)),
            new Try(
                    "create",
                    (client, path) -> client.create(
                            (path.equals("/") ? "" : path) + "/intruder",
                            NOTHING,
                            ZooDefs.Ids.OPEN_ACL_UNSAFE,
                            CreateMode.PERSISTENT)),
            new Try("open up", (client, path) -> client.setACL(path, ZooDefs.Ids.OPEN_ACL_UNSAFE, -1)));

    @Test
    void anonymousClientCanDoNothing() throws Exception {
        Name cluster = SharedEnsemble.cluster();
        try (ZooKeeperStore store = SharedEnsemble.open(cluster, "n1")) {
            store.awaitReady(BOUND);
            fill(store);
            List<String> paths = new ArrayList<>();
            asClient(friend -> {
                friend.addAuthInfo("digest", SharedEnsemble.CREDENTIALS.digest());
                // Its server may be behind that of the store; what is asked after this waits until it is not.
                friend.sync("/", (code, path, context) -> {}, null);
                collect(friend, "/", paths);
            });
            Schema schema = new Schema(cluster);
            assertThat(paths)
                    .contains("/", "/zookeeper", "/zookeeper/quota", "/holdfast", schema.epoch(), schema.paused())
                    .contains(schema.checkpoint(new Name("shop"), new Name("one")), schema.claim(new Name("web")));
            for (String each : List.of("/vote-", "/ready-", "/ack-")) {
                assertThat(paths).anyMatch(path -> path.contains(each));
            }
            for (String directory : schema.directories()) {
                assertThat(paths)
                        .as("something is in %s: a kind of record that this test does not make yet?", directory)
                        .anyMatch(path -> path.startsWith(directory + "/"));
            }
            asClient(friend -> {
                friend.addAuthInfo("digest", SharedEnsemble.CREDENTIALS.digest());
                assertOursAlone(friend, paths);
            });
            asClient(stranger -> {
                stranger.addAuthInfo("digest", "somebody:else".getBytes(StandardCharsets.UTF_8));
                tryEverything(stranger, paths);
            });
            for (Try attempt : TRIES) {
                asClient(anonymous -> assertThat(codeOf(() -> attempt.deed().on(anonymous, "/zookeeper/quota")))
                        .as(attempt.name())
                        .isEqualTo(KeeperException.Code.SESSIONCLOSEDREQUIRESASLAUTH));
            }
        }
    }

    private static void tryEverything(ZooKeeper client, List<String> paths) throws InterruptedException {
        for (String path : paths) {
            for (Try attempt : TRIES) {
                KeeperException.Code code = codeOf(() -> attempt.deed().on(client, path));
                if (code != KeeperException.Code.NONODE || !isGone(client, path)) {
                    assertThat(code).as("%s %s", attempt.name(), path).isEqualTo(KeeperException.Code.NOAUTH);
                }
            }
        }
    }

    /** What an earlier test has left goes with its session. Anybody may ask whether a node exists. */
    private static boolean isGone(ZooKeeper client, String path) throws InterruptedException {
        boolean[] gone = new boolean[1];
        assertThat(codeOf(() -> gone[0] = client.exists(path, false) == null))
                .as("whether there is %s", path)
                .isEqualTo(KeeperException.Code.OK);
        return gone[0];
    }

    /** Each node has one entry in its list, and it is the cluster's user. */
    private static void assertOursAlone(ZooKeeper friend, List<String> paths) throws Exception {
        for (String path : paths) {
            List<ACL> list;
            try {
                list = friend.getACL(path, new Stat());
            } catch (KeeperException.NoNodeException gone) {
                continue; // another test of this ensemble has removed what is its own
            }
            assertThat(list).as(path).containsExactlyElementsOf(SharedEnsemble.CREDENTIALS.oursAlone());
        }
    }

    /** What ZooKeeper makes itself and nobody but its super user can close. */
    @Test
    void theListOfServersIsAllThatAStrangerCanRead() throws Exception {
        asClient(stranger -> {
            stranger.addAuthInfo("digest", "somebody:else".getBytes(StandardCharsets.UTF_8));
            String config = new String(stranger.getData("/zookeeper/config", false, null), StandardCharsets.UTF_8);
            assertThat(config.lines())
                    .allMatch(line -> line.matches("server\\.\\d=127\\.0\\.0\\.1:\\d+:\\d+:participant|version=\\w+"));
            assertThat(codeOf(() -> stranger.setData("/zookeeper/config", NOTHING, -1)))
                    .isEqualTo(KeeperException.Code.NOAUTH);
        });
    }

    @Test
    void ofTheFourLetterWordsTwoAreAnsweredAndSayNothingOfTheCluster() throws IOException {
        try (ZooKeeperStore store = SharedEnsemble.open(SharedEnsemble.cluster(), "n1")) {
            assertThat(store.identity()).isNotNull();
            for (String word : List.of(
                    "conf", "cons", "crst", "dirs", "dump", "envi", "gtmk", "hash", "isro", "mntr", "srst", "stat",
                    "wchc", "wchp", "wchs")) {
                assertThat(ask(word)).as(word).contains("not in the whitelist").hasSizeLessThan(100);
            }
            assertThat(ask("ruok")).isEqualTo("imok");
            assertThat(ask("srvr")).contains("Mode: ").doesNotContain("holdfast", "/127.", "leader/", "n1");
        }
    }

    private static String ask(String word) throws IOException {
        String server = SharedEnsemble.get().connect().split(",")[0];
        int port = Integer.parseInt(server.substring(server.indexOf(':') + 1));
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(Math.toIntExact(BOUND.toMillis()));
            socket.getOutputStream().write(word.getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static void fill(ZooKeeperStore store) throws Exception {
        Elections elections = new Elections();
        store.leadership().start(elections);
        Epoch reign = elections.awaitElected();
        store.catalogue().addToGroup(new Name("shop"), new Name("web"));
        store.queue().take(new Name("shop"), BOUND).close();
        store.queue().take(new Name("blog"), BOUND);
        RoundSpec done = Rounds.checkpoint("r1", reign, "shop", "one", "web");
        store.decisions().open(done);
        store.decisions().sayReady(done.id(), new Name("n1"));
        store.decisions()
                .decide(done, Decision.COMMITTED, 0, reign, List.of(Rounds.report("n1", "web", 1)), Rounds.NO_REASON);
        store.decisions()
                .castVote(done.id(), new Name("n1"), new dev.holdfast.coordinator.protocol.Vote.No(Rounds.NO_REASON));
        store.decisions().acknowledge(done.id(), new Name("n1"));
        RoundSpec closed = Rounds.checkpoint("r2", reign, "blog", "two", "db");
        store.decisions().open(closed);
        store.decisions()
                .decide(closed, Decision.COMMITTED, 0, reign, List.of(Rounds.report("n1", "db", 1)), Rounds.NO_REASON);
        store.decisions().close(closed, reign);
        store.schedules()
                .set(
                        new Schedules.Schedule(
                                new Name("shop"), new Schedules.Rhythm.Every(Duration.ofHours(6)), 0, Samples.OPTIONS),
                        Instant.parse("2026-11-22T00:00:00Z"));
        ReplicaStoreTest.answer(
                store.replicas().write(new Name("web"), ReplicationRecord.NO_VERSION, ReplicaStoreTest.record(1)));
        store.gate().holdBack("kernel update");
        store.history()
                .append(new HistoryRecord(
                        closed.id(),
                        RoundKind.CHECKPOINT,
                        reign,
                        closed.group(),
                        closed.checkpoint(),
                        Decision.COMMITTED,
                        "",
                        Instant.EPOCH));
        store.nodes().publish(NodeRegistryTest.node("n1", "identity"));
    }

    /** The dynamic configuration is ZooKeeper's own: only its super user writes it, and anybody reads the servers' addresses. */
    private static void collect(ZooKeeper client, String path, List<String> all) throws Exception {
        if (path.equals("/zookeeper/config")) {
            return;
        }
        List<String> children;
        try {
            children = client.getChildren(path, false);
        } catch (KeeperException.NoNodeException gone) {
            return; // with the session of an earlier test
        }
        all.add(path);
        for (String child : children) {
            collect(client, (path.equals("/") ? "/" : path + "/") + child, all);
        }
    }

    private interface Action {
        void run() throws KeeperException, InterruptedException;
    }

    private static KeeperException.Code codeOf(Action action) throws InterruptedException {
        try {
            action.run();
            return KeeperException.Code.OK;
        } catch (KeeperException refused) {
            return refused.code();
        }
    }

    private interface Use {
        void of(ZooKeeper client) throws Exception;
    }

    private static void asClient(Use use) throws Exception {
        CountDownLatch connected = new CountDownLatch(1);
        ZooKeeper client = new ZooKeeper(SharedEnsemble.get().connect(), 4000, event -> {
            if (event.getState() == KeeperState.SyncConnected) {
                connected.countDown();
            }
        });
        try {
            assertThat(connected.await(BOUND.toSeconds(), TimeUnit.SECONDS)).isTrue();
            use.of(client);
        } finally {
            client.close();
        }
    }

    @Test
    void wrongPasswordIsAnErrorThatSaysWhatToDo() throws StoreUnreachableException {
        Name cluster = SharedEnsemble.cluster();
        try (ZooKeeperStore store = SharedEnsemble.open(cluster, "n1")) {
            store.awaitReady(BOUND);
        }
        StoreSettings settings = StoreSettings.of(
                SharedEnsemble.get().connect(),
                cluster,
                new Name("n2"),
                new Credentials("holdfast", "battery-staple"),
                SharedEnsemble.SESSION);
        try (ZooKeeperStore intruder = SharedEnsemble.open(settings, new SharedEnsemble.Memory())) {
            assertThatThrownBy(() -> intruder.awaitReady(BOUND))
                    .isInstanceOf(StoreUnreachableException.class)
                    .hasMessageContaining("refuses user \"holdfast\"")
                    .hasMessageContaining("Copy the credentials file");
            assertThatThrownBy(() -> intruder.catalogue().groups()).isInstanceOf(StoreUnreachableException.class);
        }
    }

    @Test
    void credentialsFileMustBelongToItsOwnerAlone(@TempDir Path directory) throws IOException {
        Path file = directory.resolve("zookeeper.secret");
        assertThatThrownBy(() -> Credentials.read(file)).hasMessageContaining("is missing");
        Files.writeString(file, "holdfast:correct-horse\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
        assertThatThrownBy(() -> Credentials.read(file)).hasMessageContaining("chmod 600 " + file);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        assertThat(Credentials.read(file)).isEqualTo(new Credentials("holdfast", "correct-horse"));
        assertThat(Credentials.read(file).toString()).doesNotContain("horse");
        Files.writeString(file, "holdfast\n");
        assertThatThrownBy(() -> Credentials.read(file)).hasMessageContaining("no colon");
        Files.writeString(file, "holdfast:short\n");
        assertThatThrownBy(() -> Credentials.read(file))
                .hasMessageContaining("8 to 256")
                .hasMessageNotContaining("short\"");
        Files.writeString(file, "x".repeat(5000));
        assertThatThrownBy(() -> Credentials.read(file)).hasMessageContaining("too large");
    }

    @Test
    void settingsRefuseWhatCannotWork() {
        Name name = new Name("x");
        assertThatThrownBy(() -> StoreSettings.of(" ", name, name, SharedEnsemble.CREDENTIALS, Duration.ofSeconds(6)))
                .hasMessageContaining("connect is empty");
        assertThatThrownBy(() ->
                        StoreSettings.of("n1:2181/x", name, name, SharedEnsemble.CREDENTIALS, Duration.ofSeconds(6)))
                .hasMessageContaining("must not have a path");
        assertThatThrownBy(() ->
                        StoreSettings.of("n1:2181", name, name, SharedEnsemble.CREDENTIALS, Duration.ofSeconds(1)))
                .hasMessageContaining("between 2 s and 5 min");
    }
}
