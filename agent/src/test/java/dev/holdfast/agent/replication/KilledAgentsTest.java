package dev.holdfast.agent.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Alone;
import dev.holdfast.coordinator.replication.Copy;
import dev.holdfast.coordinator.replication.Following;
import dev.holdfast.coordinator.replication.Leading;
import dev.holdfast.coordinator.replication.Out;
import dev.holdfast.coordinator.replication.Proof;
import dev.holdfast.coordinator.replication.Reason;
import dev.holdfast.coordinator.replication.ReplicaEvent;
import dev.holdfast.coordinator.replication.ReplicationRecord;
import dev.holdfast.coordinator.replication.ReplicationRecord.Stored;
import dev.holdfast.coordinator.replication.Shrinking;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An agent is killed before or after each effect of what it does; the next one makes of it what was to come. */
class KilledAgentsTest {
    private static final int MOST = 40;
    private static final Copy OLD = new Copy(new Name("n2"), new Name("old"));

    @TempDir
    private Path home;

    /** Something that an agent does, and what must be true after it was killed and came back. */
    private interface Story {
        void prepare(Rig.Node node) throws Exception;

        void run(Rig agent) throws Exception;

        void check(Rig.Node node) throws Exception;
    }

    private void killEverywhere(Story story) throws Exception {
        killEverywhere(3, story);
    }

    private void killEverywhere(int least, Story story) throws Exception {
        boolean cut = true;
        int effects = 0;
        for (; cut && effects < MOST; effects++) {
            cut = false;
            for (boolean before : new boolean[] {true, false}) {
                Rig.Node node = new Rig.Node(Files.createDirectories(home.resolve(effects + "-" + before)));
                story.prepare(node);
                try (Rig agent = new Rig(node, effects, before)) {
                    story.run(agent);
                } catch (Rig.Killed expected) {
                    cut = true;
                }
                story.check(node);
            }
        }
        assertThat(effects).as("effects of it").isBetween(least, MOST - 1);
    }

    private static void promoted(Rig.Node node) throws Exception {
        try (Rig next = Rig.of(node)) {
            next.recover();
            if (!(next.state() instanceof Leading)) {
                next.tell(new ReplicaEvent.PromoteAsked());
                assertThat(next.told).last().isEqualTo("done");
            }
            assertThat(next.state()).isInstanceOfSatisfying(Alone.class, alone -> {
                assertThat(alone.lead().settled()).isTrue();
                assertThat(node.store.stored.record().primary())
                        .contains(alone.lead().copy());
            });
            assertThat(node.world.runs()).isTrue();
            assertThat(node.files().life().orElseThrow().leaving()).isFalse();
            assertThat(node.files().disks().orElseThrow().whole()).isTrue();
        }
    }

    @Test
    void theMemoryOfAStandbyThatHasEndedWithoutItsAgentIsRemoved() throws Exception {
        for (boolean noted : new boolean[] {true, false}) {
            Rig.Node node = new Rig.Node(Files.createDirectories(home.resolve("ended-" + noted)));
            Path memory = Files.createDirectories(node.place).resolve("memory-0");
            Files.createFile(memory);
            if (noted) {
                node.files().write(new ReplicaFiles.CopyNote(new Name("c1"), 3));
            }
            try (Rig next = Rig.of(node)) {
                next.recover();
            }
            assertThat(memory).doesNotExist();
        }
    }

    @Test
    void whileItIsPromotedFromItsDisks() throws Exception {
        killEverywhere(new Story() {
            @Override
            public void prepare(Rig.Node node) {}

            @Override
            public void run(Rig agent) throws Exception {
                agent.recover().tell(new ReplicaEvent.PromoteAsked());
            }

            @Override
            public void check(Rig.Node node) throws Exception {
                promoted(node);
                assertThat(node.world.boots).isEqualTo(1);
            }
        });
    }

    /** Something about a node. */
    private interface About {
        void node(Rig.Node node) throws Exception;
    }

    /** While another is proven gone. */
    private void promoteEverywhere(About prepare, About check) throws Exception {
        killEverywhere(new Story() {
            @Override
            public void prepare(Rig.Node node) throws Exception {
                prepare.node(node);
                node.proof = new Proof.Gone(OLD.node());
            }

            @Override
            public void run(Rig agent) throws Exception {
                agent.recover().tell(new ReplicaEvent.PromoteAsked());
            }

            @Override
            public void check(Rig.Node node) throws Exception {
                promoted(node);
                assertThat(node.world.boots).isZero();
                assertThat(node.files().disks().orElseThrow().copy()).isEqualTo(new Name("mine"));
                assertThat(node.files().copy()).isEmpty();
                check.node(node);
            }
        });
    }

    private static Copy standby(Rig.Node node) throws Exception {
        Copy mine = new Copy(Rig.NODE, new Name("mine"));
        node.world.standbyAt(7);
        node.files().write(new ReplicaFiles.CopyNote(mine.id(), 3));
        node.files().write(new DisksNote(new Name("before"), 2, false, false));
        node.store.stored =
                new Stored(new ReplicationRecord(3, Optional.of(OLD), new TreeSet<>(Set.of(OLD, mine))), 12);
        return mine;
    }

    @Test
    void whileItIsPromotedAsAStandby() throws Exception {
        promoteEverywhere(
                KilledAgentsTest::standby,
                node -> assertThat(node.world.failovers).isEqualTo(1));
    }

    private static void stopped(Rig.Node node) throws Exception {
        standby(node);
        try (Rig agent = Rig.of(node)) {
            agent.recover().tell(new ReplicaEvent.RetireAsked());
            assertThat(agent.told).containsExactly("done");
        }
        assertThat(node.world.hasStandby()).isFalse();
    }

    @Test
    void whileItsStandbyIsStoppedNothingButThatCopyIsLost() throws Exception {
        killEverywhere(2, new Story() {
            @Override
            public void prepare(Rig.Node node) throws Exception {
                standby(node);
                node.proof = new Proof.Gone(OLD.node());
            }

            @Override
            public void run(Rig agent) throws Exception {
                agent.recover().tell(new ReplicaEvent.RetireAsked());
            }

            @Override
            public void check(Rig.Node node) throws Exception {
                promoted(node);
                assertThat(node.world.failovers + node.world.wakings).isEqualTo(1);
                assertThat(node.world.boots).isZero();
            }
        });
    }

    /** At the time of its claim it was the only copy in the set. */
    @Test
    void aCopyThatCannotRunHereIsNotLostAndIsPromotedWhenThatIsMended() throws Exception {
        killEverywhere(new Story() {
            @Override
            public void prepare(Rig.Node node) throws Exception {
                standby(node);
                node.proof = new Proof.Gone(OLD.node());
                node.world.noNetwork = true;
            }

            @Override
            public void run(Rig agent) throws Exception {
                agent.recover().tell(new ReplicaEvent.PromoteAsked());
                assertThat(agent.told).contains("there is no bridge");
                assertThat(agent.state()).isInstanceOf(Following.class);
            }

            @Override
            public void check(Rig.Node node) throws Exception {
                assertThat(node.world.hasStandby()).isTrue();
                node.world.noNetwork = false;
                promoted(node);
                assertThat(node.world.failovers).isEqualTo(1);
                assertThat(node.world.boots).isZero();
            }
        });
    }

    @Test
    void whileItGoesOnFromTheMemoryOfAStoppedStandby() throws Exception {
        promoteEverywhere(KilledAgentsTest::stopped, node -> {
            assertThat(node.world.wakings).isEqualTo(1);
            assertThat(node.files().disks().orElseThrow().epoch()).isZero();
        });
    }

    @Test
    void bootsFromTheDisksOfAStoppedStandbyThatHasLostItsMemory() throws Exception {
        Rig.Node node = new Rig.Node(home);
        stopped(node);
        node.world.powerFails();
        node.proof = new Proof.Gone(OLD.node());
        promoted(node);
        assertThat(node.world.boots).isEqualTo(1);
        assertThat(node.world.wakings).isZero();
    }

    @Test
    void isNotPromotedWithoutAProof() throws Exception {
        Rig.Node node = new Rig.Node(home);
        standby(node);
        try (Rig agent = Rig.of(node)) {
            agent.recover().tell(new ReplicaEvent.PromoteAsked());
            assertThat(agent.told).containsExactly(Reason.NOT_PROVEN_GONE);
            assertThat(agent.state()).isInstanceOf(Following.class);
        }
        assertThat(node.world.hasStandby()).isTrue();
    }

    @Test
    void afterTheGuestHasCrashed() throws Exception {
        killEverywhere(new Story() {
            @Override
            public void prepare(Rig.Node node) throws Exception {
                try (Rig first = Rig.of(node)) {
                    first.recover().tell(new ReplicaEvent.PromoteAsked());
                }
                node.world.crash();
            }

            @Override
            public void run(Rig agent) throws Exception {
                agent.recover().tell(new ReplicaEvent.GuestEnded(false));
            }

            @Override
            public void check(Rig.Node node) throws Exception {
                try (Rig next = Rig.of(node)) {
                    next.recover();
                    assertThat(next.state()).isInstanceOf(Out.class);
                    assertThat(node.store.stored.record().primary()).isEmpty();
                    assertThat(node.store.stored.record().inSync()).hasSize(1);
                    assertThat(node.files().life()).isEmpty();
                }
            }
        });
    }

    /** A primary whose standby may be in the set. */
    private Rig.Node withAStandby(String name) throws Exception {
        Rig.Node node = new Rig.Node(Files.createDirectories(home.resolve(name)));
        try (Rig first = Rig.of(node)) {
            first.recover().tell(new ReplicaEvent.PromoteAsked());
        }
        LifeNote life = node.files().life().orElseThrow();
        node.files().write(LifeNote.of(life.copy(), life.generation(), Optional.of(OLD), false));
        Copy mine = new Copy(Rig.NODE, life.copy());
        node.store.stored = new Stored(
                new ReplicationRecord(life.generation(), Optional.of(mine), new TreeSet<>(Set.of(mine, OLD))), 20);
        return node;
    }

    private static Set<Copy> setAfterItsEnd(Rig.Node node) throws Exception {
        try (Rig next = Rig.of(node)) {
            next.recover();
            assertThat(node.store.stored.record().primary()).isEmpty();
            assertThat(next.state()).isInstanceOf(Out.class);
            return node.store.stored.record().inSync();
        }
    }

    @Test
    void aCrashOfWhichNoAgentKnewLeavesTheStandbyInTheSet() throws Exception {
        Rig.Node node = withAStandby("crashed");
        node.world.crash();
        assertThat(setAfterItsEnd(node)).contains(OLD);
    }

    @Test
    void aBoundThatPassedWhileNoAgentWasThereIsSeenByTheNextOne() throws Exception {
        Rig.Node node = withAStandby("held");
        node.store.silent = answer -> answer.accept(new ReplicaEvent.StoreSilent());
        try (Rig next = Rig.of(node).recover()) {
            next.look();
            assertThat(next.state())
                    .isInstanceOfSatisfying(
                            Shrinking.class,
                            primary -> assertThat(primary.held()).isFalse());
            node.world.hold();
            next.look();
            assertThat(next.state())
                    .isInstanceOfSatisfying(
                            Shrinking.class,
                            primary -> assertThat(primary.held()).isTrue());
            node.store.silent = null;
            next.tell(new ReplicaEvent.Retry());
            assertThat(next.state()).isInstanceOf(Alone.class);
            assertThat(node.world.runs()).isTrue();
        }
    }

    @Test
    void aProcessThatNoNoteNamesIsNotTakenForGone() throws Exception {
        Rig.Node node = withAStandby("unnoted");
        node.world.crash();
        node.world.unnoted = true;
        try (Rig next = Rig.of(node)) {
            assertThatThrownBy(next::recover).isInstanceOf(HypervisorException.class);
        }
        assertThat(node.store.stored.record().primary())
                .as("nothing is given up")
                .isPresent();
    }

    @Test
    void aStopThatSomebodyWantedIsNoCrashForTheNextAgent() throws Exception {
        Rig.Node node = withAStandby("stopped");
        try (Rig killed = Rig.of(node)) {
            killed.stopAsked();
        }
        node.world.crash();
        assertThat(setAfterItsEnd(node)).doesNotContain(OLD);
    }

    @Test
    void aGuestThatHasShutDownRisesFromNoEpochBeforeThatAndItsNextLifeIsOneLikeAnyOther() throws Exception {
        Rig.Node node = withAStandby("shut-down");
        try (Rig agent = Rig.of(node)) {
            agent.look();
            assertThat(node.world.runs()).isTrue();
            node.world.shutDown();
            agent.look();
            assertThat(node.world.runs()).isFalse();
        }
        assertThat(setAfterItsEnd(node)).doesNotContain(OLD);
        try (Rig next = Rig.of(node)) {
            next.recover().tell(new ReplicaEvent.PromoteAsked());
            assertThat(node.world.boots).as("from its disks").isEqualTo(2);
            node.world.crash();
            assertThat(next.isEndAsked()).isFalse();
        }
    }

    @Test
    void whileItBeginsACopy() throws Exception {
        Rig.Node last = new Rig.Node(Files.createDirectories(home.resolve("last")));
        for (boolean before : new boolean[] {true, false}) {
            Rig.Node node = before ? new Rig.Node(Files.createDirectories(home.resolve("first"))) : last;
            node.files().write(new DisksNote(new Name("former"), 2, true, false));
            try (Rig agent = new Rig(node, 0, before)) {
                agent.recover().tell(new ReplicaEvent.SeedBegun(new Copy(Rig.NODE, new Name("fresh")), 3));
            } catch (Rig.Killed expected) {
                assertThat(node.world.hasStandby()).isEqualTo(!before);
            }
            try (Rig next = Rig.of(node)) {
                next.recover();
                assertThat(next.state())
                        .isInstanceOfSatisfying(
                                Out.class,
                                out -> assertThat(out.copy().isPresent()).isEqualTo(before));
                assertThat(node.world.hasStandby()).isFalse();
            }
        }
    }

    @Test
    void disksThatWereNotWrittenOverCountOnAlsoWhenNoCopyCanBeMade() throws Exception {
        Rig.Node node = new Rig.Node(Files.createDirectories(home.resolve("full")));
        DisksNote whole = new DisksNote(new Name("former"), 2, true, false);
        node.files().write(whole);
        node.world.failing = true;
        try (Rig agent = Rig.of(node)) {
            agent.recover().tell(new ReplicaEvent.SeedBegun(new Copy(Rig.NODE, new Name("fresh")), 3));
            assertThat(agent.state())
                    .isInstanceOfSatisfying(
                            Out.class, out -> assertThat(out.copy()).hasValue(whole.facts(Rig.NODE)));
            assertThat(node.files().disks()).hasValue(whole);
            node.world.failing = false;
            agent.tell(new ReplicaEvent.SeedBegun(new Copy(Rig.NODE, new Name("fresh")), 3));
            assertThat(agent.state()).isInstanceOf(Following.class);
            assertThat(node.files().disks()).hasValue(whole.worthless());
        }
    }
}
