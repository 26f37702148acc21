package dev.holdfast.agent.cluster.real;

import static dev.holdfast.agent.cluster.real.RealCluster.GROUP;
import static dev.holdfast.agent.cluster.real.RealCluster.require;
import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.control.reply.CheckpointDetails;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** One group of two machines under QEMU, a domain of libvirt and a guest of User-Mode Linux, on two nodes. Needs root. */
@Tag("qemu")
@Tag("cluster")
@Tag("libvirt")
@Tag("soak")
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class MixedGroupTest {
    private static final int REFUSED = 3;

    @TempDir
    Path directory;

    private RealCluster cluster;
    private final LibvirtMember domain = new LibvirtMember();
    private UmlMember guest;

    @BeforeEach
    void open() throws Exception {
        cluster = new RealCluster();
        domain.open(cluster, directory);
        guest = new UmlMember(cluster.n2());
        guest.open();
        GroupCuts.awaitAllPresent(cluster, 2);
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each :
                Stream.of(guest, domain, cluster).filter(one -> one != null).toList()) {
            each.close();
        }
    }

    @Test
    void allAreCutAtOneInstantAndTheRecordSaysWhoHasMemory() throws Exception {
        final long domainBefore = domain.lab.ticks(LibvirtMember.VM);
        final long guestBefore = guest.ticks();
        Told created = cluster.n2().run("checkpoint", "create", GROUP + "@all");
        require(created);
        final long domainAfter = domain.lab.ticks(LibvirtMember.VM);
        final long guestAfter = guest.ticks();

        assertThat(created.err()).contains("warning: without memory", ": dom, uml; a revert boots them");
        Map<String, CheckpointDetails.Member> all = GroupCuts.members(cluster, "all", LibvirtMember.VM, UmlMember.VM);
        GroupCuts.assertOneInstant(all);
        assertThat(all.values().stream()
                        .filter(CheckpointDetails.Member::hasMemory)
                        .map(each -> each.vm().value()))
                .containsExactlyInAnyOrder("web1", "web2");
        assertThat(cluster.n2().run("checkpoint", "show", GROUP + "@all").out())
                .containsPattern("Without memory: +dom, uml\n");
        assertThat(domain.lab.counted(
                        domain.layer("vda-000002-of-000001.raw"), domain.layer("vdb-000002-of-000001.raw")))
                .isBetween(domainBefore, domainAfter + 1);
        require(cluster.n2().run("checkpoint", "verify", GROUP + "@all"));

        Told back = cluster.n2().run("checkpoint", "revert", "--yes", GROUP + "@all");
        assertThat(back.exit()).as(back.toString()).isEqualTo(REFUSED);
        assertThat(back.err()).contains("dom");
        guest.awaitTicks(2);
        assertThat(guest.ticks()).as("none has gone back").isGreaterThan(guestAfter);
        assertThat(guestBefore).isPositive();
        domain.lab.awaitTicks(LibvirtMember.VM, 2);
        for (RealNode each : cluster.nodes) {
            each.vm.goesOn(RealCluster.BOUND);
        }
        require(cluster.n2().run("checkpoint", "delete", "--yes", GROUP + "@all"));
        assertThat(cluster.n2().run("fsck").exit()).isZero();
    }
}
