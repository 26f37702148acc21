package dev.holdfast.coordinator.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.coordinator.port.Catalogue;
import dev.holdfast.coordinator.port.GroupChannel;
import dev.holdfast.coordinator.port.ImageKeys;
import dev.holdfast.coordinator.port.Journal;
import dev.holdfast.coordinator.port.NodeRegistry;
import dev.holdfast.coordinator.port.RoundGate;
import dev.holdfast.coordinator.port.UnreadableDefinition;
import dev.holdfast.coordinator.protocol.CheckpointRecord;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.JournalEntry;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.Samples;
import dev.holdfast.coordinator.protocol.leader.Outcome;
import dev.holdfast.coordinator.protocol.message.GroupMessage;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the leader does before a round: one node, whose member's node comes into the channel late or never. */
class CoordinatorTest {

    private static final Name SELF = new Name("n1");
    private static final Name SHOP = new Name("shop");
    private static final Name WEB = new Name("web1");

    private final MemoryDecisionLog log = new MemoryDecisionLog();
    private final AtomicInteger looks = new AtomicInteger();
    private volatile int joinsAtLook;
    private List<UnreadableDefinition> unreadable = List.of();

    /** A channel in which this node hears itself only after some looks. */
    private final GroupChannel channel = new GroupChannel() {
        @Override
        public void send(Set<Name> to, GroupMessage message) {
            if (to.contains(SELF) && engine != null) {
                engine.onMessage(SELF, message);
            }
        }

        @Override
        public Set<Name> present() {
            return looks.incrementAndGet() >= joinsAtLook ? Set.of(SELF) : Set.of();
        }

        @Override
        public long clockNanos() {
            return 0;
        }

        @Override
        public ClockOffset clockOffset(Name node) {
            return new ClockOffset(0, 0);
        }

        @Override
        public void close() {}
    };

    private final Journal journal = new Journal() {
        @Override
        public void write(JournalEntry entry) {}

        @Override
        public void remove(RoundId round) {}

        @Override
        public List<JournalEntry> entries() {
            return List.of();
        }
    };

    private String state = "running";

    private final Engine engine = new Engine(
            SELF,
            new EnginePorts(log, channel, journal, new ScriptedSnapshotter(SELF), (delay, task) -> () -> {}),
            contradiction -> {
                throw new AssertionError(contradiction);
            });

    @AfterEach
    void close() {
        engine.close();
    }

    private Outcome run() throws Exception {
        return run(spec -> {});
    }

    private Outcome run(Coordinator.MembersCheck check) throws Exception {
        engine.start();
        Epoch reign = log.takeOffice(SELF);
        engine.onElected(reign);
        Coordinator coordinator = new Coordinator(
                engine,
                new OneGroup(),
                new OneNode(),
                (group, wait) -> () -> {},
                new Coordinator.Admission(new OpenGate(), check, 10));
        return coordinator.run(
                new Coordinator.Wish(
                        new RoundId("r1"), RoundKind.CHECKPOINT, SHOP, new Name("c1"), Samples.OPTIONS, Duration.ZERO),
                reign,
                () -> {});
    }

    @Test
    void waitsForANodeThatIsInTheStoreButNotYetInTheChannel() throws Exception {
        joinsAtLook = 5;
        assertThat(run().kind()).isEqualTo(Outcome.Kind.COMMITTED);
        assertThat(looks.get()).isGreaterThanOrEqualTo(5);
    }

    /** The agent was killed and has come back; its former life leaves the group while it is asked something. */
    @Test
    void waitsForANodeThatLeavesTheChannelWhileItIsLookedAt() throws Exception {
        AtomicInteger left = new AtomicInteger();
        Outcome outcome = run(spec -> {
            joinsAtLook = looks.get() + 5;
            left.set(joinsAtLook);
        });
        assertThat(outcome.kind()).isEqualTo(Outcome.Kind.COMMITTED);
        assertThat(looks.get()).isGreaterThanOrEqualTo(left.get());
    }

    @Test
    void refusesARoundWithANodeThatIsNotInTheChannelAndTouchesNothing() {
        joinsAtLook = Integer.MAX_VALUE;
        assertThatThrownBy(this::run)
                .isInstanceOfSatisfying(
                        RoundRefusedException.class,
                        refused -> assertThat(refused.because().kind()).isEqualTo(Refusal.Kind.PREFLIGHT))
                .hasMessageContaining("not in the group channel")
                .hasMessageContaining("n1");
        assertThat(log.decided(new RoundId("r1"))).isEmpty();
        assertThat(log.isEmpty()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"shop", "any"})
    void refusesACheckpointThatMightBeWithoutAMachineWhoseDefinitionCannotBeRead(String of) {
        Set<Name> groups = of.equals("any") ? Set.of() : Set.of(new Name(of));
        unreadable = List.of(unreadable(groups, of.equals("any")));
        assertThatThrownBy(this::run)
                .isInstanceOfSatisfying(
                        RoundRefusedException.class,
                        refused -> assertThat(refused.because().kind()).isEqualTo(Refusal.Kind.PREFLIGHT))
                .hasMessageContaining("n1 cannot read /etc/holdfast/vms/db.toml")
                .hasMessageContaining("db.toml:3:1: syntax")
                .hasMessageContaining("Correct the file");
        assertThat(log.isEmpty()).isTrue();
    }

    /** So its node tells when it happens to ask at the end of an epoch. */
    @Test
    void takesAReplicatedMachineThatWasSeenInAnEpoch() throws Exception {
        state = "capturing";
        assertThat(run().kind()).isEqualTo(Outcome.Kind.COMMITTED);
    }

    @Test
    void refusesACheckpointOfAMachineThatDoesNotRun() {
        state = "stopped";
        assertThatThrownBy(this::run)
                .isInstanceOf(RoundRefusedException.class)
                .hasMessageContaining("web1 runs on none of the nodes that are there (n1)");
        assertThat(log.isEmpty()).isTrue();
    }

    @Test
    void aDefinitionOfAnotherGroupIsInNobodysWay() throws Exception {
        unreadable = List.of(unreadable(Set.of(new Name("mail")), false));
        assertThat(run().kind()).isEqualTo(Outcome.Kind.COMMITTED);
    }

    private static UnreadableDefinition unreadable(Set<Name> groups, boolean any) {
        return new UnreadableDefinition(
                "/etc/holdfast/vms/db.toml",
                Optional.of(new Name("db")),
                new TreeSet<>(groups),
                any,
                "/etc/holdfast/vms/db.toml:3:1: syntax: ...");
    }

    private static final class OneGroup implements Catalogue {
        private final Group group = new Group(SHOP, new TreeSet<>(Set.of(WEB)), Optional.empty());

        @Override
        public List<Group> groups() {
            return List.of(group);
        }

        @Override
        public Optional<Group> group(Name name) {
            return Optional.of(group);
        }

        @Override
        public void addToGroup(Name name, Name vm) {}

        @Override
        public void removeFromGroup(Name name, Name vm) {}

        @Override
        public List<CheckpointRecord> checkpoints(Name name) {
            return List.of();
        }

        @Override
        public Optional<CheckpointRecord> checkpoint(Name name, Name checkpoint) {
            return Optional.empty();
        }

        @Override
        public boolean beginDelete(Name name, Name checkpoint, Epoch reign) {
            return false;
        }

        @Override
        public void finishDelete(Name name, Name checkpoint, Epoch reign) {}
    }

    private final class OneNode implements NodeRegistry {
        @Override
        public void publish(Node self) {}

        @Override
        public List<Node> nodes() {
            SortedMap<Name, String> vms = new TreeMap<>(Map.of(WEB, state));
            return List.of(new Node(SELF, "id", "127.0.0.1:7800", "", "test", 1, vms, unreadable, ImageKeys.NONE));
        }

        @Override
        public SortedSet<Name> known() {
            return new TreeSet<>(List.of(SELF));
        }

        @Override
        public boolean forget(Name node) {
            throw new UnsupportedOperationException("nobody forgets nodes here");
        }

        @Override
        public Optional<Name> leader() {
            return Optional.of(SELF);
        }
    }

    private static final class OpenGate implements RoundGate {
        @Override
        public Optional<String> heldBack() {
            return Optional.empty();
        }

        @Override
        public void holdBack(String reason) {}

        @Override
        public void letBegin() {}
    }
}
