package dev.holdfast.agent.cluster.real;

import static dev.holdfast.agent.cluster.real.RealCluster.GROUP;
import static dev.holdfast.agent.cluster.real.RealCluster.require;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.holdfast.agent.snapshot.Forgery;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Checkpoints of a group whose memory is encrypted on each node. */
@Tag("qemu")
@Tag("cluster")
class EncryptedCheckpointsTest extends OnRealCluster {
    private static final Duration AFTER_A_KILL = Duration.ofSeconds(2);

    @BeforeAll
    static void encrypt() throws IOException {
        for (RealNode node : cluster.nodes) {
            RealCluster.encryptMemory(node);
        }
        restartAgents();
    }

    private static void restartAgents() throws IOException {
        for (RealNode node : cluster.nodes) {
            node.agent.signal("TERM");
            node.agent.awaitEnd();
            node.agent.startAgain();
        }
        cluster.awaitPresent();
    }

    @AfterEach
    void heal() throws IOException {
        cluster.heal();
    }

    @Test
    void aGroupGoesBackToWhatWasEncryptedAndItIsShown() throws IOException {
        require(cluster.n1().run("checkpoint", "create", GROUP + "@sealed"));
        Told shown = cluster.n1().run("checkpoint", "show", GROUP + "@sealed");
        assertThat(shown.out()).contains(", encrypted");
        assertThat(cluster.n2()
                        .run("checkpoint", "show", GROUP + "@sealed", "-o", "json")
                        .out())
                .containsPattern("\"encrypted\" ?: ?true");
        for (RealNode node : cluster.nodes) {
            assertThat(node.run("snapshot", "show", node.vm.name + "@sealed").out())
                    .contains("memory, encrypted");
            byte[] image = Files.readAllBytes(node.vm.chain.resolve("snapshots/sealed.memory"));
            assertThat(new String(image, StandardCharsets.ISO_8859_1))
                    .startsWith("HFMEMENC")
                    .doesNotContain("QEVM");
        }
        require(cluster.n1().run("checkpoint", "verify", GROUP + "@sealed"));
        require(cluster.n1().run("checkpoint", "revert", "--yes", GROUP + "@sealed"));
        cluster.assertConverged("after-sealed");
        assertAPlainImageIsRefused("sealed");
    }

    /** Whoever may write to the storage can make a sidecar that fits, and cannot change what the store has. */
    private static void assertAPlainImageIsRefused(String checkpoint) throws IOException {
        Name name = new Name(checkpoint);
        ChainDirectory chain = ChainDirectory.open(cluster.n2().vm.chain);
        await("nobody writes the sidecar any more")
                .atMost(RealCluster.BOUND)
                .until(() -> chain.snapshots().get(name).disks().stream()
                        .noneMatch(disk -> disk.sha256().isEmpty()));
        Forgery.replaceMemory(chain, name, "QEVM and more".getBytes(StandardCharsets.US_ASCII));
        Told refused = cluster.n1().run("checkpoint", "revert", "--yes", GROUP + "@" + checkpoint);
        assertThat(refused.exit()).as(refused.all()).isEqualTo(3);
        assertThat(refused.all()).contains(checkpoint + ".memory is not encrypted");
        require(cluster.n1().run("checkpoint", "delete", "--yes", GROUP + "@" + checkpoint));
    }

    @Test
    void oneNodeWithoutTheKeyRefusesTheRevertBeforeAnyMachineIsTouched() throws IOException {
        require(cluster.n1().run("checkpoint", "create", GROUP + "@locked"));
        RealNode without = cluster.n2();
        Path file = without.configuration();
        String whole = Files.readString(file);
        Files.writeString(file, whole.replaceFirst("memory_key_file = .*\n", ""));
        try {
            restartAgents();
            Told look = cluster.n1().run("doctor", "-o", "json");
            assertThat(look.all())
                    .contains("memory images that " + cluster.n1().name + " writes cannot be read here")
                    .doesNotContain("memory images that " + without.name);
            String pids = pids();
            Told told = cluster.n1().run("checkpoint", "revert", "--yes", GROUP + "@locked");
            assertThat(told.exit()).as(told.all()).isEqualTo(3);
            assertThat(told.all())
                    .contains("locked.memory is encrypted with key", "no key for memory images", "memory_key_file");
            assertThat(told.all()).doesNotContain(RealCluster.MEMORY_KEY);
            assertThat(pids()).isEqualTo(pids);
            for (RealNode node : cluster.nodes) {
                assertThat(node.vm.runs()).as(node.name).isTrue();
                assertThat(node.vm.hasIntent()).as(node.name).isFalse();
            }
            for (String[] words : new String[][] {{"fsck"}, {"checkpoint", "verify", GROUP + "@locked"}}) {
                assertItIsSaidThatTheImageCannotBeRead(words);
            }
        } finally {
            Files.writeString(file, whole);
            restartAgents();
        }
        require(cluster.n1().run("checkpoint", "revert", "--yes", GROUP + "@locked"));
        cluster.assertConverged("after-locked");
    }

    /** Members leave a round that was refused a moment after its caller is told, and fsck leaves a machine alone that somebody is at. */
    private static void assertItIsSaidThatTheImageCannotBeRead(String... words) {
        await(String.join(" ", words)).atMost(RealCluster.BOUND).until(() -> {
            // The table breaks lines where they are full.
            String found = cluster.n1().run(words).all().replaceAll("\\s+", "");
            assertThat(found).doesNotContain("DAMAGED");
            return found.contains("locked.memoryisencryptedwithkey");
        });
    }

    private static String pids() throws IOException {
        StringBuilder all = new StringBuilder();
        for (RealNode node : cluster.nodes) {
            all.append(Files.readString(node.home.resolve("run/vms/" + node.vm.name + "/pid")));
        }
        return all.toString();
    }

    /** Runs seldom: QemuEncryptedMemoryTest kills the process that writes, and AgentFaultsTest agents at a standstill. */
    @Test
    @Tag("soak")
    void anAgentThatIsKilledAtTheStandstillLeavesNothingOfTheImage() throws IOException {
        HeldRound round = HeldRound.frozen(cluster, "cut-off");
        round.leader.agent.kill();
        await(round.leader.vm.name + " runs again")
                .pollInSameThread()
                .pollInterval(Duration.ofMillis(10))
                .atMost(AFTER_A_KILL)
                .until(round.leader.vm::runs);
        round.follower.agent.signal("CONT");
        Told told = round.told();
        assertThat(told.exit()).as(told.all()).isNotZero();
        cluster.assertConverged("after-cut-off");
        for (RealNode node : cluster.nodes) {
            assertThat(node.vm.snapshotFiles()).noneMatch(name -> name.startsWith("cut-off"));
        }
    }
}
