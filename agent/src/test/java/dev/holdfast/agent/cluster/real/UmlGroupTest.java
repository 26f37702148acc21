package dev.holdfast.agent.cluster.real;

import static dev.holdfast.agent.cluster.real.RealCluster.GROUP;
import static dev.holdfast.agent.cluster.real.RealCluster.require;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.holdfast.agent.control.reply.CheckpointDetails;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.agent.hypervisor.uml.CountingGuest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A group of two machines under QEMU and one under User-Mode Linux, with real agents, guards and guests. Needs root. */
@Tag("qemu")
@Tag("cluster")
@Tag("soak")
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class UmlGroupTest {
    private static final String VM = UmlMember.VM;
    private static final int REFUSED = 3;
    private static final Pattern DIRECTORY = Pattern.compile("uml_dir=([^\\x00]+)");

    private RealCluster cluster;
    private UmlMember guest;

    @BeforeEach
    void open() throws Exception {
        cluster = new RealCluster();
        guest = new UmlMember(cluster.n1());
        guest.open();
        awaitAllPresent();
    }

    @AfterEach
    void close() throws IOException {
        if (guest != null) {
            guest.close();
        }
        cluster.close();
    }

    private void awaitAllPresent() {
        GroupCuts.awaitAllPresent(cluster, 1);
    }

    private Map<String, CheckpointDetails.Member> members(String checkpoint) throws IOException {
        return GroupCuts.members(cluster, checkpoint, VM);
    }

    /** The agent of its node is killed between the cuts and on the way back: the guest counts on, and is found again. */
    @Test
    void isCutAtOneInstantAndGoesBackEachMachineInItsOwnWay() throws Exception {
        RealNode node = cluster.n1();
        final long beforeCut = guest.ticks();
        require(cluster.n2().run("checkpoint", "create", GROUP + "@cut", "--disk-only"));
        final long afterCut = guest.ticks();
        GroupCuts.assertOneInstant(members("cut"));
        assertThat(members("cut").values()).noneMatch(CheckpointDetails.Member::hasMemory);

        node.agent.kill();
        guest.awaitTicks(3);
        guest.restartAgent();
        awaitAllPresent();

        final long beforeBoth = guest.ticks();
        Told created = cluster.n2().run("checkpoint", "create", GROUP + "@both");
        require(created);
        final long afterBoth = guest.ticks();
        assertThat(created.err()).contains("warning: without memory", ": uml; a revert boots");
        Map<String, CheckpointDetails.Member> both = members("both");
        GroupCuts.assertOneInstant(both);
        assertThat(both.get(VM).hasMemory()).isFalse();
        assertThat(both.get("web1").hasMemory()).isTrue();
        assertThat(both.get("web2").hasMemory()).isTrue();
        assertThat(cluster.n2().run("checkpoint", "show", GROUP + "@both").out())
                .containsPattern("Without memory: +uml\n");
        require(cluster.n2().run("checkpoint", "verify", GROUP + "@both"));

        require(cluster.n2().run("checkpoint", "revert", "--yes", GROUP + "@cut"));
        guest.assertBootedFromBetween(beforeCut, afterCut);
        awaitAllPresent();
        node.agent.kill();
        guest.restartAgent();
        awaitAllPresent();
        require(cluster.n2().run("checkpoint", "revert", "--yes", GROUP + "@both"));
        guest.assertBootedFromBetween(beforeBoth, afterBoth);
        for (RealNode each : cluster.nodes) {
            each.vm.goesOn(RealCluster.BOUND);
        }
        RealCluster.assertInOrder(node);
    }

    /** The agent that had loaded it beside, and voted, is killed before it hears the decision, and comes back. */
    @Test
    void isOneGuestAgainWhateverBecameOfARevertThatItsAgentDiedIn() throws Exception {
        RealNode node = cluster.n1();
        HeldRound round = HeldRound.revertInDoubt(cluster, "back");
        final long counted = guest.ticks();
        await("it is held until the decision")
                .atMost(RealCluster.BOUND)
                .until(() -> Files.readString(guest.run.resolve("frozen")).contains("kind=hold"));
        assertThat(kernels())
                .as("the old one, and the one that is loaded beside it")
                .hasSize(2);
        node.agent.kill();
        cluster.zookeeper.signal("CONT");
        node.agent.startAgain();
        round.told();
        awaitAllPresent();
        await("nobody waits for the decision")
                .atMost(RealCluster.BOUND)
                .until(() -> !Files.exists(node.home.resolve("disks/uml.holdfast/intent.json")));
        guest.awaitTicks(2);
        assertThat(kernels()).hasSize(1);
        assertThat(guest.run.resolve("frozen")).doesNotExist();
        if (Files.exists(guest.run.resolve("place"))) {
            assertThat(CountingGuest.found(guest.console()).last())
                    .as("it has gone back")
                    .isLessThan(counted);
        }
        RealCluster.assertInOrder(node);
    }

    /** The directories of its processes that live. */
    private Set<String> kernels() throws IOException {
        Set<String> directories = new TreeSet<>();
        for (ProcessIdentity process : ProcessIdentity.naming("uml_dir=" + guest.run + "/")) {
            String line = Files.readString(
                    Path.of("/proc", Long.toString(process.pid()), "cmdline"), StandardCharsets.ISO_8859_1);
            Matcher directory = DIRECTORY.matcher(line);
            if (directory.find()) {
                directories.add(directory.group(1));
            }
        }
        return directories;
    }

    @Test
    void isRefusedWhatItCannotBeforeAnythingIsTouched() throws Exception {
        RealNode node = cluster.n1();
        long pid = Long.parseLong(Files.readString(guest.run.resolve("own/pid")).strip());
        for (List<String> words : List.of(
                List.of("snapshot", "create", VM + "@memory"),
                List.of("checkpoint", "create", GROUP + "@quiesced", "--disk-only", "--quiesce", "require"),
                List.of("vm", "migrate", VM, "--to", "n2"))) {
            Told told = node.run(words.toArray(String[]::new));
            assertThat(told.exit()).as("%s: %s", words, told.all()).isEqualTo(REFUSED);
        }
        assertThat(node.run("snapshot", "create", VM + "@memory").err()).contains("--disk-only");
        assertThat(guest.run.resolve("frozen")).doesNotExist();
        require(node.run("snapshot", "create", VM + "@disks", "--disk-only"));
        guest.awaitTicks(2);
        assertThat(Files.readString(guest.run.resolve("own/pid")).strip()).isEqualTo(Long.toString(pid));
        require(node.run("snapshot", "revert", "--yes", VM + "@disks"));
        guest.awaitTicks(2);
        RealCluster.assertInOrder(node);
    }

    @Test
    void itsHostIsLookedOver() {
        assertThat(cluster.n1().run("doctor", "-o", "json").out())
                .contains(
                        "linux.uml: ",
                        "qemu-storage-daemon: ",
                        "/dev/fuse can be used",
                        "/dev/shm (memory of machines of User-Mode Linux)");
        assertThat(cluster.n2().run("doctor", "-o", "json").out())
                .as("it tells of all nodes, and of that only where such a machine is defined")
                .containsOnlyOnce("/dev/fuse can be used");
    }

    /** Who changes the definition of a machine that runs finds it as it is. */
    @Test
    void runsOnWhenItsDefinitionNamesAnotherHypervisorUntilItIsStopped() throws Exception {
        RealNode node = cluster.n1();
        Path definition = node.home.resolve("vms/uml.toml");
        String before = Files.readString(definition);
        Files.writeString(
                definition,
                before.replace("hypervisor = \"uml\"", "machine = \"pc-q35-7.2\"\naccel = \"tcg\"")
                        .replaceAll("extra_args.*\n", ""));
        guest.restartAgent();
        awaitAllPresent();
        require(node.run("vm", "start", VM));
        guest.awaitTicks(2);
        assertThat(node.run("vm", "show", VM).out()).contains("User-Mode Linux");
        require(node.run("vm", "stop", VM, "--force"));
        require(node.run("vm", "start", VM));
        assertThat(node.run("vm", "show", VM).out()).contains("QEMU").doesNotContain("User-Mode Linux");
        require(node.run("vm", "stop", VM, "--force"));
        Files.writeString(definition, before);
    }
}
