package dev.holdfast.agent.cluster.real;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.agent.json.Json;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

/** Two nodes and a ZooKeeper server on loopback, each part a process of its own. Ends what it started. */
final class RealCluster implements AutoCloseable {
    private static final int TIMED_OUT = 4;
    /** For what hangs: on a machine with a load of 20 a JVM needs half a minute to start. */
    static final Duration BOUND = Duration.ofMinutes(3);

    static final String GROUP = "shop";
    static final String PASSWORD = "pass-word-for-tests-only";
    static final String CHANNEL_KEY = "a key for tests only, long enough";
    /** 32 bytes in base64. */
    static final String MEMORY_KEY = "YSBrZXkgZm9yIHRlc3RzIG9ubHksIG9mIDMyIGJ5dGU=";

    static final Duration DEADLINE = Duration.ofSeconds(4);

    final Path home;
    final RealProcess zookeeper;
    final List<RealNode> nodes = new ArrayList<>();
    /** The port of the ZooKeeper server. */
    final int store;

    /** What its disks are like. */
    private enum Disks {
        /** Each node has its own. */
        OWN,
        /** On file systems of their own that a test can fill. */
        SMALL,
        /** Each machine may run on both nodes; its guest is the oracle, which writes all the time. */
        SHARED,
        /** The same, but each node sees other, small disks at the same path. Needs root. */
        APART
    }

    private final Disks disks;

    RealCluster() throws IOException {
        this(Disks.OWN);
    }

    /** A cluster whose disks lie on file systems of their own that a test can fill. Needs root. */
    static RealCluster withSmallDisks() throws IOException {
        return new RealCluster(Disks.SMALL);
    }

    /** A cluster whose machines may run on both nodes. */
    static RealCluster withSharedDisks() throws IOException {
        return new RealCluster(Disks.SHARED);
    }

    /** A cluster whose machines may run on both nodes, which share no disks. Needs root. */
    static RealCluster withDisksApart() throws IOException {
        return new RealCluster(Disks.APART);
    }

    private boolean bothRunAll() {
        return disks == Disks.SHARED || disks == Disks.APART;
    }

    /** Leaves no room in a file system. */
    static void fill(Path file) throws IOException {
        byte[] block = new byte[1 << 20];
        try (OutputStream out = Files.newOutputStream(file)) {
            while (true) {
                out.write(block);
            }
        } catch (IOException full) {
            assertThat(full).hasMessageContaining("No space left");
        }
    }

    /** What a node has where all nodes have their disks. */
    Path ownDisks(RealNode node) {
        return node.home.resolve("disks");
    }

    private RealCluster(Disks disks) throws IOException {
        this.disks = disks;
        home = Files.createTempDirectory(
                Path.of("/tmp"),
                "hf",
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
        store = freePort();
        Path zk = Files.createDirectories(home.resolve("zk"));
        configure(zk, "zk", store, freePort());
        zookeeper = new RealProcess(
                zk.resolve("zookeeper.log"),
                RealNode.java(
                        zk, "zookeeper", "--data", zk.resolve("data").toString(), "--port", Integer.toString(store)));
        try {
            for (int i = 1; i <= 2; i++) {
                nodes.add(node(i, store));
            }
            nodes.forEach(node -> await(node.name + " joins").atMost(BOUND).until(() -> online(node) == 2));
            for (RealNode node : nodes) {
                bootMachine(node);
            }
            awaitPresent();
        } catch (IOException | RuntimeException | Error e) {
            showLogs();
            close();
            throw e;
        }
    }

    static int freePort() throws IOException {
        // A node's channel listens 100 above its port too; all are outside of the range of outgoing connections.
        // Each run of the tests begins elsewhere: one beside it must not find the same port free before it is bound.
        int begin = (int) (ProcessHandle.current().pid() % RUNS) * PORTS_OF_RUN;
        for (int i = 0; i < RUNS * PORTS_OF_RUN; i += PORT_STEP) {
            int port = FIRST_PORT + (begin + i) % (RUNS * PORTS_OF_RUN);
            try (ServerSocket one = new ServerSocket(port, 1, InetAddress.getLoopbackAddress());
                    ServerSocket two = new ServerSocket(port + ABOVE, 1, InetAddress.getLoopbackAddress())) {
                int free = one.getLocalPort();
                if (two.isBound() && TAKEN.add(free)) {
                    return free;
                }
            } catch (IOException taken) {
                continue;
            }
        }
        throw new IOException("no free port");
    }

    private static final int FIRST_PORT = 20_000;
    private static final int ABOVE = 100;
    private static final int PORT_STEP = 7;
    private static final int RUNS = 11;
    private static final int PORTS_OF_RUN = 1_000;
    private static final SortedSet<Integer> TAKEN = new TreeSet<>();

    private RealNode node(int number, int store) throws IOException {
        String name = "n" + number;
        Path node = Files.createDirectories(home.resolve(name));
        configure(node, name, store, freePort());
        Path chain = chain(number);
        Files.createDirectories(chain.getParent());
        List<String> view = List.of();
        if (disks == Disks.SMALL) {
            mountSmall(chain.getParent(), "600m");
        } else if (disks == Disks.APART) {
            RememberedRandom.remember(node);
            Path own = Files.createDirectories(node.resolve("disks"));
            mountSmall(own, "400m");
            String bind = "mount --bind '%s' '%s' && exec \"$@\"".formatted(own, chain.getParent());
            view = List.of("unshare", "--mount", "--propagation", "private", "sh", "-c", bind, "sh");
        }
        define(node, number);
        if (bothRunAll()) {
            define(node, 3 - number);
        }
        return new RealNode(
                name,
                node,
                new RealVm("web" + number, node.resolve("run/vms/web" + number), seen(node, chain), bothRunAll()),
                view);
    }

    /** The chain as it is seen from here. */
    private Path seen(Path node, Path chain) {
        return disks == Disks.APART ? node.resolve("disks").resolve(chain.getFileName()) : chain;
    }

    static void mountSmall(Path where, String size) throws IOException {
        mounting("mount", "-t", "tmpfs", "-o", "size=" + size, "tmpfs", where.toString());
    }

    private Path chain(int number) {
        return home.resolve(bothRunAll() ? "shared" : "n" + number).resolve("disks/web" + number + ".holdfast");
    }

    private void define(Path node, int number) throws IOException {
        Path chain = chain(number);
        Files.writeString(node.resolve("vms/web" + number + ".toml"), """
                name = "web%d"
                group = "%s"
                machine = "pc-q35-7.2"
                accel = "tcg"
                memory = "64M"
                [[disk]]
                id = "d0"
                path = "%s/head/d0.qcow2"
                [[disk]]
                id = "d1"
                path = "%s/head/d1.qcow2"
                """.formatted(number, GROUP, chain, chain));
    }

    static void mounting(String... command) throws IOException {
        try {
            if (new ProcessBuilder(command).inheritIO().start().waitFor() != 0) {
                throw new IOException(String.join(" ", command) + " failed; these tests need root");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
    }

    static void configure(Path node, String name, int store, int channel) throws IOException {
        Files.createDirectories(node.resolve("vms"));
        Files.writeString(node.resolve("holdfast.toml"), """
                node = "%s"
                cluster = "lab"
                run_dir = "%s/run"
                state_dir = "%s/state"
                vms_dir = "%s/vms"
                admin_group = "root"
                [zookeeper]
                connect = "127.0.0.1:%d"
                session_timeout = "3100ms"
                [channel]
                bind_address = "127.0.0.1"
                port = %d
                [checkpoint]
                deadline = "%ds"
                prepare_timeout = "20s"
                drain_timeout = "30s"
                """.formatted(
                        name, node, node, node, store, channel, DEADLINE.toSeconds()));
        secret(node.resolve("zookeeper.secret"), "holdfast:" + PASSWORD + "\n");
        secret(node.resolve("channel.key"), CHANNEL_KEY + "\n");
    }

    /** A node's memory images are encrypted from its agent's next start on. */
    static void encryptMemory(RealNode node) throws IOException {
        encryptMemory(node.home);
    }

    static void encryptMemory(Path node) throws IOException {
        Path key = node.resolve("memory.key");
        secret(key, MEMORY_KEY + "\n");
        // The table [checkpoint] is the last one.
        Files.writeString(
                node.resolve("holdfast.toml"), "memory_key_file = \"" + key + "\"\n", StandardOpenOption.APPEND);
    }

    private static void secret(Path file, String text) throws IOException {
        Files.createFile(file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.write(file, text.getBytes(StandardCharsets.UTF_8));
    }

    private void bootMachine(RealNode node) throws IOException {
        Path image = node.home.resolve("boot.img");
        if (bothRunAll()) {
            RealVm.writeOracleDisk(image);
        } else {
            RealVm.writeBootDisk(image);
        }
        for (String disk : List.of("d0", "d1")) {
            require(node.run("vm", "import-disk", node.vm.name, disk, image.toString()));
        }
        require(node.run("vm", "start", node.vm.name));
        await(node.vm.name + " counts").atMost(BOUND).until(() -> node.vm.counter() > 0);
    }

    static void require(Told told) {
        assertThat(told.exit()).as(told.all()).isZero();
    }

    RealNode n1() {
        return nodes.get(0);
    }

    RealNode n2() {
        return nodes.get(1);
    }

    JsonObject status(RealNode node) {
        Told told = node.run("cluster", "status", "-o", "json");
        try {
            return told.exit() == 0 ? Json.object(told.out()) : JsonObject.empty();
        } catch (JsonException e) {
            throw new IllegalStateException(told.all(), e);
        }
    }

    /** How many nodes are there, as one of them sees it. */
    long online(RealNode node) throws JsonException {
        long online = 0;
        for (JsonObject each : status(node).objects("nodes")) {
            online += each.flag("online").orElse(false) ? 1 : 0;
        }
        return online;
    }

    /** Whether no round is open, for certain: a node that does not reach the store sees none either. */
    boolean seesNoRound(RealNode node) throws JsonException {
        JsonObject status = status(node);
        return status.text("store").orElse("").equals("connected")
                && status.objects("rounds").isEmpty();
    }

    /** The node that holds office. */
    RealNode leader() {
        RealNode[] leader = new RealNode[1];
        await("a leader").atMost(BOUND).until(() -> {
            for (RealNode node : nodes) {
                JsonObject status = status(node);
                if (status.text("leader").orElse("").equals(node.name)
                        && status.number("epoch").orElse(-1L) > 0) {
                    leader[0] = node;
                    return true;
                }
            }
            return false;
        });
        return leader[0];
    }

    RealNode follower() {
        return leader() == n1() ? n2() : n1();
    }

    /** Both machines are reported as running, everywhere; a leader is there. */
    void awaitPresent() {
        leader();
        for (RealNode node : nodes) {
            await("both machines are seen on " + node.name).atMost(BOUND).until(() -> {
                Told told = node.run("group", "show", GROUP, "-o", "json");
                return told.exit() == 0 && count(told.out(), "running") == 2;
            });
        }
    }

    private static int count(String text, String word) {
        return (text.length() - text.replace(word, "").length()) / word.length();
    }

    /** Nothing is damaged or left over anywhere, as far as the product itself can tell from one node. */
    static void assertInOrder(RealNode node) {
        await("fsck finds nothing").atMost(BOUND).untilAsserted(() -> {
            Told told = node.run("fsck");
            assertThat(told.exit()).as(told.all()).isZero();
        });
    }

    CompletableFuture<Told> inBackground(RealNode node, String... words) {
        return CompletableFuture.supplyAsync(() -> node.run(words), task -> {
            Thread thread = new Thread(task, "command");
            thread.setDaemon(true);
            thread.start();
        });
    }

    static Told told(CompletableFuture<Told> caller) {
        await("the caller is told").atMost(BOUND).until(caller::isDone);
        return caller.join();
    }

    /** Whatever has been done to the agents, they serve again. */
    void wakeAgents() throws IOException {
        for (RealNode node : nodes) {
            node.agent.signal("CONT");
            node.agent.startAgain();
            await("agent of " + node.name)
                    .atMost(BOUND)
                    .until(() -> node.run("vm", "list").exit() == 0);
        }
    }

    /**
     * What must be true after every fault, once everything is up again: the guests run, nothing of a failed round is left,
     * and the next checkpoint succeeds.
     */
    void assertConverged(String nextCheckpoint) throws IOException {
        for (RealProcess process : List.of(n1().guard, n2().guard, n1().agent, n2().agent, zookeeper)) {
            process.startAgain();
        }
        awaitPresent();
        await("no round is left").atMost(BOUND).until(() -> seesNoRound(n1()));
        for (RealNode node : nodes) {
            await(node.vm.name + " runs").atMost(BOUND).until(node.vm::runs);
            await("intent of " + node.vm.name).atMost(BOUND).until(() -> !node.vm.hasIntent());
            assertThat(node.vm.marked()).as("freeze mark of " + node.vm.name).isFalse();
            long before = node.vm.counter();
            await(node.vm.name + " counts").atMost(BOUND).until(() -> node.vm.counter() != before);
        }
        // The former life of an agent that was killed may be in the group for some seconds; a round with it is undone
        // in time.
        Told created = createOnceTheNodesHaveMet(nextCheckpoint);
        require(created.exit() == TIMED_OUT ? createOnceTheNodesHaveMet(nextCheckpoint) : created);
        Told listed = n1().run("checkpoint", "list", GROUP, "-o", "json");
        for (RealNode node : nodes) {
            // A sidecar may just be written anew, with a digest.
            await("no file of a failed round on " + node.name)
                    .atMost(BOUND)
                    .untilAsserted(() -> assertThat(snapshotsOf(node))
                            .allSatisfy(name -> assertThat(listed.out()).contains("\"" + name + "\"")));
        }
        require(n1().run("checkpoint", "delete", "--yes", GROUP + "@" + nextCheckpoint));
    }

    /** An agent that has just come back is in the store sooner than in the group channel, and waited for there for ten seconds. */
    private Told createOnceTheNodesHaveMet(String checkpoint) {
        Told[] created = new Told[1];
        await("the nodes have met again").atMost(BOUND).until(() -> {
            created[0] = n1().run("checkpoint", "create", GROUP + "@" + checkpoint);
            return !created[0].err().contains("not in the group channel");
        });
        return created[0];
    }

    private static SortedSet<String> snapshotsOf(RealNode node) throws IOException {
        SortedSet<String> names = new TreeSet<>();
        for (String file : node.vm.snapshotFiles()) {
            String name = file.replaceFirst("\\.(json|memory)$", "");
            if (!name.startsWith("before-")) {
                names.add(name);
            }
        }
        return names;
    }

    /** Brings everything up again whatever a test has left, so that one failure is one failure. */
    void heal() throws IOException {
        for (RealProcess process : List.of(zookeeper, n1().guard, n2().guard, n1().agent, n2().agent)) {
            process.signal("CONT");
            process.startAgain();
        }
        for (RealNode node : nodes) {
            if (node.vm.hasProcess()) {
                node.vm.signal("CONT");
                if (!node.vm.runs()) {
                    node.run("vm", "thaw", node.vm.name);
                }
            } else {
                await("agent of " + node.name)
                        .atMost(BOUND)
                        .until(() -> node.run("vm", "list").exit() == 0);
                node.run("vm", "start", node.vm.name);
            }
        }
        awaitPresent();
    }

    /** Removes what the ZooKeeper server had kept; it must not run. */
    void forgetStore() throws IOException {
        try (Stream<Path> files = Files.walk(home.resolve("zk/data"))) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    void showLogs() throws IOException {
        try (Stream<Path> files = Files.walk(home)) {
            for (Path file : files.filter(f -> f.toString().endsWith(".log")).toList()) {
                System.err.println("==== " + file);
                System.err.println(Files.readString(file));
            }
        }
    }

    @Override
    public void close() throws IOException {
        Path kept = Path.of("target", "cluster-logs", home.getFileName().toString());
        Files.createDirectories(kept);
        for (RealNode node : nodes) {
            node.agent.kill();
            node.guard.kill();
            // Also those that wait, or were left, in a place of their own.
            ProcessIdentity.naming(node.home.resolve("run/vms") + "/").forEach(machine -> machine.signal(true));
            if (disks == Disks.SMALL) {
                mounting("umount", "--lazy", node.vm.chain.getParent().toString());
            } else if (disks == Disks.APART) {
                mounting("umount", "--lazy", ownDisks(node).toString());
            }
            Files.writeString(kept.resolve(node.name + "-agent.log"), node.agent.log());
            Files.writeString(kept.resolve(node.name + "-guard.log"), node.guard.log());
        }
        zookeeper.kill();
        try (Stream<Path> files = Files.walk(home)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
