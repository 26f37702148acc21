package dev.holdfast.agent.cluster.real;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.holdfast.agent.control.ControlClient;
import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.ControlException;
import dev.holdfast.agent.control.Progress;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Nodes on loopback that have one replicated machine, each with disks of its own at the same path, and a ZooKeeper server. Its guest
 * is the oracle. There is no pacemaker: a tool stands in that proves what the test has killed. Needs root.
 */
final class ReplicaCluster implements AutoCloseable {
    static final String VM = "web";
    static final Duration BOUND = RealCluster.BOUND;

    private static final String EPOCHS = """
            [replication]
            interval = "300ms"
            max_pause = "2s"
            max_lag = "3s"
            """;

    private final String replication;
    final Path home;
    final RealProcess zookeeper;
    final List<RealNode> nodes = new ArrayList<>();
    /** The other member of the group, on the second node; only where it was asked for. */
    Optional<RealVm> plain = Optional.empty();

    ReplicaCluster(int many) throws IOException {
        this(many, false);
    }

    /** @param withPlain whether the second node has a machine that is not replicated */
    ReplicaCluster(int many, boolean withPlain) throws IOException {
        this(many, withPlain, EPOCHS);
    }

    /** @param replication the table of the replicated machine */
    ReplicaCluster(int many, boolean withPlain, String replication) throws IOException {
        this.replication = replication;
        home = Files.createTempDirectory(
                Path.of("/tmp"),
                "hf",
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
        int store = RealCluster.freePort();
        Path zk = Files.createDirectories(home.resolve("zk"));
        RealCluster.configure(zk, "zk", store, RealCluster.freePort());
        zookeeper = new RealProcess(
                zk.resolve("zookeeper.log"),
                RealNode.java(zk, "zookeeper", "--data", zk.resolve("data").toString(), "--port", "" + store));
        try {
            for (int i = 1; i <= many; i++) {
                nodes.add(node("n" + i, store, withPlain && i == 2));
            }
            await("all join").atMost(BOUND).until(() -> nodes.stream().allMatch(this::seesAll));
            tellFenced(Optional.empty());
            Path image = home.resolve("boot.img");
            RealVm.writeOracleDisk(image);
            for (String disk : List.of("d0", "d1")) {
                RealCluster.require(nodes.get(0).run("vm", "import-disk", VM, disk, image.toString()));
                if (plain.isPresent()) {
                    RealCluster.require(nodes.get(1).run("vm", "import-disk", "db", disk, image.toString()));
                }
            }
        } catch (IOException | RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    private boolean seesAll(RealNode node) {
        try {
            JsonObject status = call(node, ControlCommand.CLUSTER_STATUS, Map.of());
            return status.objects("nodes").size() == nodes.size()
                    && status.text("leader").isPresent();
        } catch (IOException | ControlException e) {
            return false;
        }
    }

    private RealNode node(String name, int store, boolean withPlain) throws IOException {
        Path node = Files.createDirectories(home.resolve(name));
        RealCluster.configure(node, name, store, RealCluster.freePort());
        Path chain = home.resolve("disks/web.holdfast");
        Files.createDirectories(chain.getParent());
        Path own = Files.createDirectories(node.resolve("disks"));
        RealCluster.mountSmall(own, "500m");
        if (withPlain) {
            definePlain(node);
        }
        define(node, VM, chain, replication);
        standIn(node);
        Path memory = Files.createDirectories(node.resolve("shm"));
        String bind = "mount --bind '%s' '%s' && mount --bind '%s' /dev/shm && PATH='%s':\"$PATH\" exec \"$@\""
                .formatted(own, chain.getParent(), memory, node.resolve("bin"));
        return new RealNode(
                name,
                node,
                new RealVm(VM, node.resolve("run/vms/web"), own.resolve("web.holdfast"), true),
                List.of("unshare", "--mount", "--propagation", "private", "sh", "-c", bind, "sh"));
    }

    private void definePlain(Path node) throws IOException {
        Path chain = Files.createDirectories(node.resolve("plain")).resolve("db.holdfast");
        define(node, "db", chain, "");
        plain = Optional.of(new RealVm("db", node.resolve("run/vms/db"), chain, true));
    }

    private static void define(Path node, String name, Path chain, String more) throws IOException {
        Files.writeString(node.resolve("vms").resolve(name + ".toml"), """
                name = "%1$s"
                group = "shop"
                machine = "pc-q35-7.2"
                accel = "tcg"
                memory = "64M"
                %3$s
                [[disk]]
                id = "d0"
                path = "%2$s/head/d0.qcow2"
                [[disk]]
                id = "d1"
                path = "%2$s/head/d1.qcow2"
                """.formatted(name, chain, more));
    }

    private void standIn(Path node) throws IOException {
        Path tool = Files.createDirectories(node.resolve("bin")).resolve("cibadmin");
        Files.writeString(tool, "#!/bin/sh\ncat '" + home.resolve("cib.xml") + "'\n");
        Files.setPosixFilePermissions(tool, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    JsonObject call(RealNode node, ControlCommand command, Map<String, ?> arguments)
            throws IOException, ControlException {
        try (ControlClient client = ControlClient.connect(node.home.resolve("run/agent.sock"))) {
            return client.call(command, arguments, Progress.NONE);
        }
    }

    /** What a node says about the machine; empty while its agent is away. */
    JsonObject show(RealNode node) {
        try {
            return call(node, ControlCommand.REPLICA_SHOW, Map.of("vm", VM));
        } catch (IOException | ControlException e) {
            return JsonObject.empty();
        }
    }

    String state(RealNode node) {
        return text(node, "state");
    }

    String text(RealNode node, String key) {
        try {
            return show(node).text(key).orElse("");
        } catch (JsonException e) {
            return "";
        }
    }

    long number(RealNode node, String key) {
        try {
            return show(node).number(key).orElse(-1L);
        } catch (JsonException e) {
            return -1;
        }
    }

    /** Does what the resource agent does. */
    JsonObject change(RealNode node, ControlCommand command) throws IOException, ControlException {
        return call(node, command, Map.of("vm", VM, "timeout", "50s"));
    }

    /** Each node takes part. */
    void enrolAll() throws IOException, ControlException {
        for (RealNode node : nodes) {
            enrol(node);
        }
    }

    /** This one does. */
    void enrol(RealNode node) throws IOException, ControlException {
        call(node, ControlCommand.REPLICA_START, Map.of("vm", VM));
    }

    /** It runs there with a standby, and epochs are committed. */
    void awaitProtected(RealNode primary) {
        await(primary.name + " is protected")
                .atMost(BOUND)
                .until(() -> state(primary).equals("protected"));
        long epoch = number(primary, "epoch");
        await("epochs go on").atMost(BOUND).until(() -> number(primary, "epoch") > epoch + 2);
    }

    /** Where it runs, with a standby. */
    RealNode primary() {
        RealNode[] found = new RealNode[1];
        await("it runs somewhere with a standby").atMost(BOUND).until(() -> {
            for (RealNode node : nodes) {
                if (state(node).equals("protected")) {
                    found[0] = node;
                }
            }
            return found[0] != null;
        });
        awaitProtected(found[0]);
        return found[0];
    }

    /** The node beside it. */
    RealNode other(RealNode node) {
        return node == nodes.get(0) ? nodes.get(1) : nodes.get(0);
    }

    /** What pacemaker knows from now on: a node was fenced, or all are there. */
    void tellFenced(Optional<RealNode> gone) throws IOException {
        StringBuilder states = new StringBuilder();
        for (RealNode node : nodes) {
            boolean fenced = gone.equals(Optional.of(node));
            states.append("<node_state uname='%s' in_ccm='%s' crmd='%s' join='%s' expected='%s'/>"
                    .formatted(
                            node.name,
                            !fenced,
                            fenced ? "offline" : "online",
                            fenced ? "down" : "member",
                            fenced ? "down" : "member"));
        }
        Files.writeString(home.resolve("cib.xml"), """
                <cib have-quorum='1'><configuration><crm_config/><resources>
                <primitive id='f' class='stonith' type='fence_any'/>
                </resources></configuration><status>%s</status></cib>
                """.formatted(states));
    }

    /** Everything is up, and if the machine runs nowhere it is promoted where that is allowed. */
    void heal() throws IOException {
        tellFenced(Optional.empty());
        zookeeper.startAgain();
        for (RealNode node : nodes) {
            node.guard.startAgain();
            node.agent.startAgain();
        }
        await("it runs").atMost(BOUND).until(() -> nodes.stream().anyMatch(this::isPrimary));
    }

    private boolean isPrimary(RealNode node) {
        if (text(node, "role").equals("primary")) {
            return true;
        }
        try {
            return nodes.stream()
                            .noneMatch(other ->
                                    other.vm.hasProcess() || state(other).isEmpty())
                    && change(node, ControlCommand.REPLICA_PROMOTE)
                            .text("role")
                            .orElse("")
                            .equals("primary");
        } catch (IOException | ControlException e) {
            return false;
        }
    }

    @Override
    public void close() throws IOException {
        Path kept = Path.of("target", "cluster-logs", home.getFileName().toString());
        Files.createDirectories(kept);
        for (RealNode node : nodes) {
            node.agent.kill();
            node.guard.kill();
            if (node.vm.hasProcess()) {
                node.vm.signal("KILL");
            }
            Optional<Long> standby = standby(node);
            if (standby.isPresent()) {
                Signals.send("KILL", standby.get());
            }
            RealCluster.mounting("umount", "--lazy", node.home.resolve("disks").toString());
            Files.writeString(kept.resolve(node.name + "-agent.log"), node.agent.log());
            Files.writeString(kept.resolve(node.name + "-guard.log"), node.guard.log());
        }
        if (plain.isPresent() && plain.get().hasProcess()) {
            plain.get().signal("KILL");
        }
        zookeeper.kill();
        try (Stream<Path> files = Files.walk(home)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
        assertThat(home).doesNotExist();
    }

    /** The process of the standby on a node. */
    Optional<Long> standby(RealNode node) throws IOException {
        return RealVm.process(node.vm.run.resolve("standby/pid"));
    }
}
