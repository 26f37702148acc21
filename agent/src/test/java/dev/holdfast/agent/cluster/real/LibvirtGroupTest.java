package dev.holdfast.agent.cluster.real;

import static dev.holdfast.agent.cluster.real.RealCluster.GROUP;
import static dev.holdfast.agent.cluster.real.RealCluster.require;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.control.reply.CheckpointDetails;
import dev.holdfast.agent.virsh.LibvirtLab;
import dev.holdfast.agent.virsh.Virsh;
import java.io.IOException;
import java.nio.file.Path;
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
    private static final String VM = LibvirtMember.VM;
    private static final int REFUSED = 3;

    @TempDir
    Path directory;

    private RealCluster cluster;
    private final LibvirtMember domain = new LibvirtMember();

    @BeforeEach
    void open() throws Exception {
        cluster = new RealCluster();
        domain.open(cluster, directory);
        awaitAllPresent();
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each :
                Stream.of(domain, cluster).filter(one -> one != null).toList()) {
            each.close();
        }
    }

    private void awaitAllPresent() {
        GroupCuts.awaitAllPresent(cluster, 1);
    }

    private Map<String, CheckpointDetails.Member> members(String checkpoint) throws IOException {
        return GroupCuts.members(cluster, checkpoint, VM);
    }

    @Test
    void aDomainIsCutWithTheOthersAndRunsOnAlsoWhenItsAgentDies() throws Exception {
        final long before = domain.lab.ticks(VM);
        Told created = cluster.n2().run("checkpoint", "create", GROUP + "@both");
        require(created);
        final long after = domain.lab.ticks(VM);
        assertThat(created.err()).contains("warning: without memory", ": dom");
        Map<String, CheckpointDetails.Member> both = members("both");
        GroupCuts.assertOneInstant(both);
        assertThat(both.get(VM).hasMemory()).isFalse();
        assertThat(both.get("web1").hasMemory()).isTrue();
        assertThat(domain.lab.counted(
                        domain.layer("vda-000002-of-000001.raw"), domain.layer("vdb-000002-of-000001.raw")))
                .isBetween(before, after + 1);
        require(cluster.n2().run("checkpoint", "verify", GROUP + "@both"));
        Told back = cluster.n2().run("checkpoint", "revert", "--yes", GROUP + "@both");
        assertThat(back.exit()).as(back.toString()).isEqualTo(REFUSED);
        assertThat(back.err()).contains("does not take back yet", "vda-000002-of-000001.raw");

        domain.agent.kill();
        domain.lab.awaitTicks(VM, 3);
        domain.agent.startAgain();
        awaitAllPresent();
        require(cluster.n2().run("checkpoint", "create", GROUP + "@disks", "--disk-only"));
        GroupCuts.assertOneInstant(members("disks"));
        require(cluster.n2().run("checkpoint", "delete", "--yes", GROUP + "@both"));
        assertThat(domain.layers())
                .containsExactly(
                        "vda-000001.raw", "vda-000003-of-000001.raw", "vdb-000001.raw", "vdb-000003-of-000001.raw");
        assertThat(cluster.n2().run("fsck").exit()).isZero();
        domain.lab.awaitTicks(VM, 5);
    }

    /** Nobody waits for a person: the whole round does not count, and everybody runs on. */
    @Test
    void aDomainThatAPersonHasStoppedIsNoMemberUntilItRuns() throws Exception {
        try (Virsh virsh = domain.lab.virsh()) {
            virsh.ask(LibvirtLab.PATIENCE, "suspend", VM);
            Told created = cluster.n2().run("checkpoint", "create", GROUP + "@none", "--disk-only");
            assertThat(created.exit()).as(created.toString()).isEqualTo(REFUSED);
            assertThat(created.err()).contains("dom does not run freely");
            assertThat(virsh.ask(LibvirtLab.PATIENCE, "domstate", VM)).isEqualTo("paused");
            virsh.ask(LibvirtLab.PATIENCE, "resume", VM);
        }
        require(cluster.n2().run("checkpoint", "create", GROUP + "@some", "--disk-only"));
        domain.lab.awaitTicks(VM, 3);
    }
}
