package dev.holdfast.agent.cluster.real;

import static dev.holdfast.agent.cluster.real.RealCluster.GROUP;
import static dev.holdfast.agent.cluster.real.RealCluster.require;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.control.reply.CheckpointDetails;
import dev.holdfast.agent.storage.LoopFileSystem;
import dev.holdfast.agent.virsh.LibvirtLab;
import dev.holdfast.agent.virsh.Virsh;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A group of two machines under QEMU and a domain of a real libvirtd, on XFS, with real agents and guards. Needs root. */
@Tag("qemu")
@Tag("cluster")
@Tag("libvirt")
@Tag("soak")
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LibvirtGroupTest {
    private static final String VM = "dom";
    private static final int REFUSED = 3;

    @TempDir
    Path directory;

    private LoopFileSystem xfs;
    private LibvirtLab lab;
    private RealCluster cluster;
    private RealProcess guard;
    private RealProcess agent;

    /** Agent and guard of the first node see the files of the libvirtd. */
    @BeforeEach
    void open() throws Exception {
        xfs = new LoopFileSystem("xfs", directory);
        lab = new LibvirtLab(xfs.point());
        lab.disks(VM, 0);
        lab.create(VM);
        cluster = new RealCluster();
        RealNode node = cluster.n1();
        Files.writeString(
                node.home.resolve("vms/dom.toml"), """
                name = "%s"
                hypervisor = "libvirt"
                group = "%s"
                [[disk]]
                id = "vda"
                path = "%s"
                [[disk]]
                id = "vdb"
                path = "%s"
                """.formatted(VM, GROUP, lab.disk(VM, "vda"), lab.disk(VM, "vdb")));
        node.agent.kill();
        node.guard.kill();
        String program = Path.of("target/guard/holdfast-guard").toAbsolutePath().toString();
        guard = new RealProcess(
                node.home.resolve("guard.log"),
                seeing(List.of(
                        program, "--socket", node.home.resolve("run/guard.sock").toString())));
        agent = new RealProcess(node.home.resolve("agent.log"), seeing(RealNode.java(node.home, "agent")));
        awaitAllPresent();
    }

    private List<String> seeing(List<String> command) {
        List<String> words = new ArrayList<>(lab.view());
        words.addAll(command);
        return words;
    }

    @AfterEach
    void close() throws Exception {
        for (RealProcess process :
                Stream.of(agent, guard).filter(each -> each != null).toList()) {
            process.kill();
        }
        for (AutoCloseable each :
                Stream.of(cluster, lab, xfs).filter(one -> one != null).toList()) {
            each.close();
        }
    }

    private void awaitAllPresent() {
        GroupCuts.awaitAllPresent(cluster);
    }

    private Map<String, CheckpointDetails.Member> members(String checkpoint) throws IOException {
        return GroupCuts.members(cluster, checkpoint, VM);
    }

    private Path layer(String name) {
        return lab.root.resolve("dom.holdfast/layers").resolve(name);
    }

    private List<String> layers() throws IOException {
        try (Stream<Path> files = Files.list(layer(""))) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void aDomainIsCutWithTheOthersAndRunsOnAlsoWhenItsAgentDies() throws Exception {
        final long before = lab.ticks(VM);
        Told created = cluster.n2().run("checkpoint", "create", GROUP + "@both");
        require(created);
        final long after = lab.ticks(VM);
        assertThat(created.err()).contains("warning: without memory", ": dom");
        Map<String, CheckpointDetails.Member> both = members("both");
        GroupCuts.assertOneInstant(both);
        assertThat(both.get(VM).hasMemory()).isFalse();
        assertThat(both.get("web1").hasMemory()).isTrue();
        assertThat(lab.counted(layer("vda-000002-of-000001.raw"), layer("vdb-000002-of-000001.raw")))
                .isBetween(before, after + 1);
        require(cluster.n2().run("checkpoint", "verify", GROUP + "@both"));
        Told back = cluster.n2().run("checkpoint", "revert", "--yes", GROUP + "@both");
        assertThat(back.exit()).as(back.toString()).isEqualTo(REFUSED);
        assertThat(back.err()).contains("does not take back yet", "vda-000002-of-000001.raw");

        agent.kill();
        lab.awaitTicks(VM, 3);
        agent.startAgain();
        awaitAllPresent();
        require(cluster.n2().run("checkpoint", "create", GROUP + "@disks", "--disk-only"));
        GroupCuts.assertOneInstant(members("disks"));
        require(cluster.n2().run("checkpoint", "delete", "--yes", GROUP + "@both"));
        assertThat(layers())
                .containsExactly(
                        "vda-000001.raw", "vda-000003-of-000001.raw", "vdb-000001.raw", "vdb-000003-of-000001.raw");
        assertThat(cluster.n2().run("fsck").exit()).isZero();
        lab.awaitTicks(VM, 5);
    }

    /** Nobody waits for a person: the whole round does not count, and everybody runs on. */
    @Test
    void aDomainThatAPersonHasStoppedIsNoMemberUntilItRuns() throws Exception {
        try (Virsh virsh = lab.virsh()) {
            virsh.ask(LibvirtLab.PATIENCE, "suspend", VM);
            Told created = cluster.n2().run("checkpoint", "create", GROUP + "@none", "--disk-only");
            assertThat(created.exit()).as(created.toString()).isEqualTo(REFUSED);
            assertThat(created.err()).contains("dom does not run freely");
            assertThat(virsh.ask(LibvirtLab.PATIENCE, "domstate", VM)).isEqualTo("paused");
            virsh.ask(LibvirtLab.PATIENCE, "resume", VM);
        }
        require(cluster.n2().run("checkpoint", "create", GROUP + "@some", "--disk-only"));
        lab.awaitTicks(VM, 3);
    }
}
