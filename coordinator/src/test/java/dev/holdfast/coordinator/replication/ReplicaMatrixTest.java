package dev.holdfast.coordinator.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.replication.ReplicationRecord.Stored;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * T0: what one node does in every state on every event, kept as a file of lines {@code state | event | outcome}; rejected ones
 * are left out. {@code -Dholdfast.matrix=write} writes it anew, for review by a person.
 */
final class ReplicaMatrixTest {

    private static final Path TABLE = Path.of("src/test/resources/dev/holdfast/coordinator/replication/replica.matrix");
    private static final Self SELF = new Self(new Name("n1"), Policy.pause());
    private static final Copy MINE = new Copy(SELF.node(), new Name("a"));
    private static final Copy PEER = new Copy(new Name("n2"), new Name("b"));
    private static final Life LIFE = new Life(SELF, MINE, 3, 5, true);

    private static Map<String, ReplicaState> states() {
        Map<String, ReplicaState> states = new LinkedHashMap<>();
        Out out = new Out(SELF, Optional.of(CopyFacts.disks(MINE, 3, false)));
        states.put("Out", new Out(SELF, Optional.empty()));
        states.put("Out, disks", out);
        Optional<CopyFacts> resting = Optional.of(CopyFacts.resting(MINE, 3, 1));
        states.put("Out, resting", new Out(SELF, resting));
        states.put("Out, resting, asking", new Out(SELF, resting, true));
        Following following = Following.begin(SELF, MINE, 3);
        states.put("Following, seeding", following);
        for (Following.Commit commit : Following.Commit.values()) {
            Following at = following.at(1).in(commit);
            states.put(
                    "Following " + commit,
                    commit == Following.Commit.RESTING
                            ? new Following(SELF, MINE, 3, 1, commit, Following.Wanted.RESTING)
                            : at);
        }
        Candidacy.Candidate candidate = new Candidacy.Candidate(SELF, out.copy(), out);
        states.put(
                "Following, to rest",
                new Following(SELF, MINE, 3, 1, Following.Commit.DISKS, Following.Wanted.RESTING));
        states.put("Reading", new Candidacy.Reading(candidate, Optional.empty()));
        states.put("Proving", new Candidacy.Proving(candidate, stored(3, PEER, MINE)));
        states.put("Claiming", new Candidacy.Claiming(candidate, ReplicationRecord.of(4, MINE)));
        Following asStandby = following.at(1);
        Candidacy.Candidate standby =
                new Candidacy.Candidate(SELF, Optional.of(CopyFacts.standby(MINE, 3, 1)), asStandby);
        states.put(
                "Claiming, revoked",
                new Candidacy.Claiming(standby.wants(Following.Wanted.NOTHING), ReplicationRecord.of(4, MINE)));
        states.put(
                "Proving, to rest",
                new Candidacy.Proving(standby.wants(Following.Wanted.RESTING), stored(3, PEER, MINE)));
        states.put("Alone", new Alone(LIFE));
        states.put("Alone, unsettled", new Alone(new Life(SELF, MINE, 3, 5, false)));
        states.put("Seeding", new Seeding(LIFE, PEER, false));
        states.put("Seeding, sending", new Seeding(LIFE, PEER, true));
        for (Protected.Phase phase : Protected.Phase.values()) {
            states.put("Protected " + phase, new Protected(LIFE, PEER, 1, phase, Ink.WRITTEN));
        }
        for (Ink ink : List.of(Ink.WRITING, Ink.READING, Ink.SILENT)) {
            states.put("Protected " + ink, new Protected(LIFE, PEER, 1, Protected.Phase.RUNNING, ink));
            states.put("Shrinking " + ink, new Shrinking(LIFE, PEER, 1, false, ink));
            states.put("Isolated " + ink, new Isolated(LIFE, ink));
            states.put(
                    "Leaving " + ink,
                    new Leaving(
                            LIFE, Optional.of(PEER), ink, new Parting(Parting.Why.SWITCHOVER, 0, false, true, false)));
        }
        states.put("Shrinking EARLIER", new Shrinking(LIFE, PEER, 1, true, Ink.EARLIER));
        states.put(
                "Leaving, sending",
                new Leaving(
                        LIFE,
                        Optional.of(PEER),
                        Ink.WRITTEN,
                        new Parting(Parting.Why.SWITCHOVER, 1, true, true, false)));
        states.put(
                "Leaving, another on its way",
                new Leaving(
                        LIFE,
                        Optional.of(PEER),
                        Ink.WRITTEN,
                        new Parting(Parting.Why.SWITCHOVER, 1, false, true, false)));
        Life unsettled = new Life(SELF, MINE, 3, 5, false);
        states.put(
                "Leaving, unsettled",
                new Leaving(
                        unsettled,
                        Optional.empty(),
                        Ink.WRITING,
                        new Parting(Parting.Why.DEMOTED, 0, false, false, false)));
        states.put(
                "Leaving, unstarted",
                new Leaving(
                        unsettled,
                        Optional.empty(),
                        Ink.SILENT,
                        new Parting(Parting.Why.UNSTARTED, 1, false, false, false)));
        states.put(
                "Leaving, crashed",
                new Leaving(
                        LIFE, Optional.of(PEER), Ink.SILENT, new Parting(Parting.Why.CRASHED, 0, false, false, false)));
        return states;
    }

    private static Stored stored(long generation, Copy primary, Copy... others) {
        return new Stored(ReplicationRecord.of(generation, primary, others), 6);
    }

    private static Map<String, ReplicaEvent> events() {
        Map<String, ReplicaEvent> events = new LinkedHashMap<>();
        events.put("PromoteAsked", new ReplicaEvent.PromoteAsked());
        events.put("DemoteAsked", new ReplicaEvent.DemoteAsked());
        events.put("SwitchoverAsked", new ReplicaEvent.SwitchoverAsked());
        events.put("DiscardAsked", new ReplicaEvent.DiscardAsked());
        events.put("RetireAsked", new ReplicaEvent.RetireAsked());
        events.put("CopyRested", new ReplicaEvent.CopyRested());
        events.put("RecordRead, mine", new ReplicaEvent.RecordRead(stored(3, MINE, PEER)));
        events.put("RecordRead, alone", new ReplicaEvent.RecordRead(stored(3, MINE)));
        events.put("RecordRead, reborn", new ReplicaEvent.RecordRead(stored(4, MINE)));
        events.put("RecordRead, without it", new ReplicaEvent.RecordRead(stored(4, PEER)));
        events.put("RecordRead, another's", new ReplicaEvent.RecordRead(stored(4, PEER, MINE)));
        events.put("RecordAbsent", new ReplicaEvent.RecordAbsent());
        events.put("RecordWritten", new ReplicaEvent.RecordWritten(6));
        events.put("RecordRefused", new ReplicaEvent.RecordRefused());
        events.put("RecordUnknown", new ReplicaEvent.RecordUnknown());
        events.put("StoreSilent", new ReplicaEvent.StoreSilent());
        events.put("ProofGiven, gone", new ReplicaEvent.ProofGiven(new Proof.Gone(PEER.node()), Duration.ZERO));
        events.put("ProofGiven, missing", new ReplicaEvent.ProofGiven(new Proof.Missing(), Duration.ZERO));
        events.put("GuestEnded, crashed", new ReplicaEvent.GuestEnded(false));
        events.put("GuestEnded, asked", new ReplicaEvent.GuestEnded(true));
        events.put("FailOverFailed", new ReplicaEvent.FailOverFailed(1));
        events.put("BoundRenewed", new ReplicaEvent.BoundRenewed());
        events.put("RolledBack", new ReplicaEvent.RolledBack());
        events.put("LagPassed", new ReplicaEvent.LagPassed(1));
        events.put("EpochDue", new ReplicaEvent.EpochDue());
        events.put("Reverted", new ReplicaEvent.Reverted(stored(4, MINE)));
        events.put("PeerOffered", new ReplicaEvent.PeerOffered(PEER));
        events.put("SeedReady", new ReplicaEvent.SeedReady());
        events.put("StandbyAt 1", new ReplicaEvent.StandbyAt(PEER, 1));
        events.put("StandbyAt 2", new ReplicaEvent.StandbyAt(PEER, 2));
        events.put("StandbyLost", new ReplicaEvent.StandbyLost(PEER));
        events.put("SeedBegun", new ReplicaEvent.SeedBegun(new Copy(SELF.node(), new Name("c")), 4));
        events.put("MemoryComplete", new ReplicaEvent.MemoryComplete(MINE, 2));
        events.put("Journaled", new ReplicaEvent.Journaled());
        events.put("DisksCommitted", new ReplicaEvent.DisksCommitted());
        events.put("CommitFailed", new ReplicaEvent.CommitFailed());
        events.put("VoidHeard", new ReplicaEvent.VoidHeard(MINE));
        events.put("CopyNotMade", new ReplicaEvent.CopyNotMade(Optional.of(CopyFacts.disks(MINE, 2, false))));
        events.put("CopyLost", new ReplicaEvent.CopyLost());
        events.put("Recovered, nothing", new ReplicaEvent.Recovered(new Found.Idle(Optional.empty())));
        events.put(
                "Recovered, committing",
                new ReplicaEvent.Recovered(new Found.Standby(CopyFacts.standby(MINE, 3, 1), true)));
        for (Found.Guest guest : Found.Guest.values()) {
            events.put("Recovered, guest " + guest, recovered(guest, false));
        }
        events.put("Recovered, leaving", recovered(Found.Guest.THERE, true));
        events.put(
                "Recovered, unstarted",
                new ReplicaEvent.Recovered(
                        new Found.Primary(MINE, 3, Optional.empty(), Found.Guest.WAITS, false, false, true, 1)));
        events.put("Retry", new ReplicaEvent.Retry());
        return events;
    }

    private static ReplicaEvent recovered(Found.Guest guest, boolean leaving) {
        return new ReplicaEvent.Recovered(
                new Found.Primary(MINE, 3, Optional.of(PEER), guest, true, false, leaving, 1));
    }

    private static List<String> actual() {
        List<String> lines = new ArrayList<>();
        states().forEach((stateName, state) -> events().forEach((eventName, event) -> {
            Step<ReplicaState, ReplicaEffect> step = event.applyTo(state);
            step.next().checkInvariants();
            if (step.rejection().isPresent()) {
                assertThat(step.next()).as("a rejected event changes nothing").isEqualTo(state);
                assertThat(step.effects()).isEmpty();
                return;
            }
            String effects = step.effects().stream()
                    .map(effect -> effect.getClass().getSimpleName())
                    .collect(Collectors.joining(" "));
            String next =
                    step.next().equals(state) ? "same" : step.next().getClass().getSimpleName();
            lines.add("%-22s | %-22s | %s%s"
                    .formatted(stateName, eventName, next, effects.isEmpty() ? "" : ": " + effects));
        }));
        return lines;
    }

    @Test
    void everyStateAnswersEveryEventAsTheTableSays() throws IOException {
        List<String> actual = actual();
        if ("write".equals(System.getProperty("holdfast.matrix"))) {
            Files.createDirectories(TABLE.getParent());
            Files.write(TABLE, actual);
        }
        assertThat(actual).isEqualTo(Files.readAllLines(TABLE));
    }

    @Test
    void theTableHasEveryEvent() {
        Set<String> sampled = events().values().stream()
                .map(event -> event.getClass().getSimpleName())
                .collect(Collectors.toCollection(TreeSet::new));
        Set<String> all = Arrays.stream(ReplicaEvent.class.getPermittedSubclasses())
                .map(Class::getSimpleName)
                .collect(Collectors.toCollection(TreeSet::new));
        assertThat(sampled).isEqualTo(all);
    }
}
