package dev.holdfast.agent.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Alone;
import dev.holdfast.coordinator.replication.Copy;
import dev.holdfast.coordinator.replication.Following;
import dev.holdfast.coordinator.replication.Out;
import dev.holdfast.coordinator.replication.ReplicaEvent;
import dev.holdfast.coordinator.replication.ReplicaState;
import dev.holdfast.coordinator.replication.ReplicationRecord;
import dev.holdfast.coordinator.replication.ReplicationRecord.Stored;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What remains of a standby that was promoted, or was found in a commit, when that does not succeed. */
class FailedPromotionsTest {
    private static final Copy OLD = new Copy(new Name("n2"), new Name("old"));
    private static final Copy MINE = new Copy(Rig.NODE, new Name("mine"));

    @TempDir
    private Path home;

    private Rig.Node node;

    @BeforeEach
    void follow() throws Exception {
        node = new Rig.Node(home);
        node.world.standbyAt(7);
        node.files().write(new ReplicaFiles.CopyNote(MINE.id(), 3));
        node.files().write(new DisksNote(new Name("before"), 2, false, false));
        node.store.stored =
                new Stored(new ReplicationRecord(3, Optional.empty(), new TreeSet<>(Set.of(OLD, MINE))), 12);
    }

    private ReplicaState promoted() throws Exception {
        try (Rig agent = Rig.of(node)) {
            return agent.recover().tell(new ReplicaEvent.PromoteAsked()).state();
        }
    }

    private void promotedAtLast() throws Exception {
        node.world.failing = false;
        assertThat(promoted())
                .isInstanceOfSatisfying(
                        Alone.class, alone -> assertThat(alone.lead().settled()).isTrue());
        assertThat(node.world.failovers).isEqualTo(1);
        assertThat(node.world.runs()).isTrue();
    }

    @Test
    void aFailoverThatFailsLeavesTheCopyForTheNextOne() throws Exception {
        node.world.failing = true;
        try (Rig agent = Rig.of(node)) {
            agent.recover().tell(new ReplicaEvent.PromoteAsked());
            assertThat(agent.told).contains("there is no bridge");
            assertThat(agent.state())
                    .isInstanceOfSatisfying(
                            Following.class, now -> assertThat(now.epoch()).isEqualTo(7));
            agent.tell(new ReplicaEvent.DemoteAsked());
            assertThat(agent.told).last().isEqualTo("done");
        }
        assertThat(node.world.hasStandby()).isTrue();
        assertThat(node.files().life()).isEmpty();
        promotedAtLast();
    }

    @Test
    void aMemoryThatDoesNotLoadLeavesDisksToBootFrom() throws Exception {
        node.world.dies = true;
        try (Rig agent = Rig.of(node)) {
            agent.recover().tell(new ReplicaEvent.PromoteAsked()).tell(new ReplicaEvent.GuestEnded(false));
            assertThat(agent.told).contains("the memory does not load");
            assertThat(agent.state()).isInstanceOf(Out.class);
        }
        assertThat(node.files().copy()).isEmpty();
        assertThat(promoted()).isInstanceOf(Alone.class);
        assertThat(node.world.boots).isEqualTo(1);
        assertThat(node.files().disks().orElseThrow().copy()).isEqualTo(MINE.id());
    }

    @Test
    void anAgentThatComesBackAfterADemoteDoesNotGoOnByItself() throws Exception {
        node.files().write(LifeNote.of(MINE.id(), 4, Optional.empty(), false));
        node.store.stored = new Stored(new ReplicationRecord(4, Optional.of(MINE), new TreeSet<>(Set.of(MINE))), 13);
        try (Rig agent = Rig.of(node)) {
            assertThat(agent.recover().state()).isInstanceOf(Following.class);
        }
        assertThat(node.world.runs()).isFalse();
        promotedAtLast();
    }

    @Test
    void aMachineThatIsNotAnnouncedRunsAllTheSame() throws Exception {
        node.world.unheard = true;
        promotedAtLast();
        assertThat(node.files().disks().orElseThrow().copy()).isEqualTo(MINE.id());
    }

    @Test
    void aCommitThatWasCutOffIsCompletedBeforeItIsPromoted() throws Exception {
        node.world.standbyCommitting(7);
        try (Rig agent = Rig.of(node)) {
            assertThat(agent.recover().state())
                    .isInstanceOfSatisfying(
                            Following.class, now -> assertThat(now.epoch()).isEqualTo(8));
        }
        promotedAtLast();
    }

    @Test
    void aCommitThatWasCutOffAndCannotBeCompletedIsTheEndOfTheCopy() throws Exception {
        node.world.standbyCommitting(7);
        node.world.failing = true;
        try (Rig agent = Rig.of(node)) {
            assertThat(agent.recover().state()).isInstanceOf(Out.class);
        }
        assertThat(node.world.commits).isGreaterThan(1);
        assertThat(node.world.hasStandby()).isFalse();
    }
}
