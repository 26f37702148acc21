package dev.holdfast.coordinator.protocol.sim;

import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.JournalEntry;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.RoundState;
import dev.holdfast.coordinator.protocol.RoundView;
import dev.holdfast.coordinator.protocol.Samples;
import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.protocol.ThawFacts;
import dev.holdfast.coordinator.protocol.Vote;
import dev.holdfast.coordinator.protocol.leader.LeaderEffect;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent;
import dev.holdfast.coordinator.protocol.leader.LeaderState;
import dev.holdfast.coordinator.protocol.leader.Unopened;
import dev.holdfast.coordinator.protocol.participant.Idle;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent;
import dev.holdfast.coordinator.protocol.participant.ParticipantState;
import dev.holdfast.coordinator.protocol.view.ViewEvents;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The real machines, with every state and event they meet numbered, and every step they make remembered: a world is then
 * a few numbers, and a step that was made before costs a look-up. Number 0 is the state before the first event.
 */
final class Machines {

    /**
     * What a machine answered.
     *
     * @param next number of the next state
     * @param bug what a machine found wrong with the world; empty if nothing
     */
    record Answer<E>(int next, List<E> effects, boolean rejected, String bug) {}

    private final Setup setup;
    private final Map<Object, Integer> numbers = new HashMap<>();
    private final List<Object> objects = new ArrayList<>();
    private final Map<Long, Answer<ParticipantEffect>> participantSteps = new HashMap<>();
    private final Map<Long, Answer<LeaderEffect>> leaderSteps = new HashMap<>();
    private final Map<Long, RoundView> views = new HashMap<>();
    private final Map<List<Long>, int[]> news = new HashMap<>();
    private final RoundSpec[][] specs;
    private final int[][][] perRound;
    private final int[][] perNode;

    /** Events that carry nothing, by the number of a phase's answer (see {@link Hands}) and beyond. */
    final int journaled = number(new ParticipantEvent.Journaled());

    final int journalClosed = number(new ParticipantEvent.JournalClosed());
    final int journalFailed = number(new ParticipantEvent.JournalFailed("test"));
    final int entryUnreadable = number(new ParticipantEvent.EntryUnreadable("test"));
    final int prepared = number(new ParticipantEvent.Prepared());
    final int phaseFailed = number(new ParticipantEvent.PhaseFailed(Samples.refusal()));
    final int freezeHeard = number(new ParticipantEvent.FreezeHeard());
    final int vmsFrozen = number(new ParticipantEvent.VmsFrozen());
    final int captured = number(new ParticipantEvent.Captured());
    final int thawProven = number(new ParticipantEvent.ThawAnswered(new ThawFacts(true, 0, true, 1)));
    final int thawRan = number(new ParticipantEvent.ThawAnswered(new ThawFacts(false, 1, true, 1)));
    final int thawLate = number(new ParticipantEvent.ThawAnswered(
            new ThawFacts(true, 0, true, Samples.OPTIONS.deadline().toNanos())));
    final int released = number(new ParticipantEvent.GuardReleased(false));
    final int releasedFired = number(new ParticipantEvent.GuardReleased(true));
    final int carriedOut = number(new ParticipantEvent.CarriedOut());
    final int nothingWaits = number(new ParticipantEvent.NothingWaits());
    final int giveUp = number(new ParticipantEvent.GiveUp(Samples.refusal()));
    final int storeBack = number(new ParticipantEvent.StoreBack());
    final int decisionWritten = number(new LeaderEvent.DecisionWritten());
    final int openRefused = number(new LeaderEvent.OpenRefused(Samples.refusal()));
    final int outcomeUnknown = number(new LeaderEvent.OutcomeUnknown());
    final int deposed = number(new LeaderEvent.Deposed());
    final int abortRequested = number(new LeaderEvent.AbortRequested(Samples.refusal()));

    Machines(Setup setup) {
        this.setup = setup;
        int many = setup.rounds().size();
        specs = new RoundSpec[many][setup.reigns() + 1];
        perRound = new int[many][setup.reigns() + 1][];
        perNode = new int[setup.nodes()][];
        for (int n = 0; n < setup.nodes(); n++) {
            Name name = Samples.node(n);
            perNode[n] = new int[] {
                number(new ParticipantEvent.FrozenHeard(name)),
                number(new ParticipantEvent.VoidHeard(name, Samples.refusal())),
                number(new ParticipantEvent.Drained(Samples.report(n))),
                number(new ParticipantEvent.Loaded(Samples.report(n)))
            };
        }
    }

    RoundSpec spec(int round, int epoch) {
        RoundSpec known = specs[round][epoch];
        if (known == null) {
            Setup.Plan plan = setup.rounds().get(round);
            int[] nodes = java.util.stream.IntStream.range(0, setup.nodes())
                    .filter(n -> (plan.members() >> n & 1) != 0)
                    .toArray();
            known = Samples.spec("r" + round, plan.kind(), epoch, nodes);
            specs[round][epoch] = known;
        }
        return known;
    }

    int frozenHeard(int node) {
        return perNode[node][0];
    }

    int voidHeard(int node) {
        return perNode[node][1];
    }

    int drained(int node) {
        return perNode[node][2];
    }

    int loaded(int node) {
        return perNode[node][3];
    }

    int timer(ParticipantEffect.Timer timer) {
        return number(new ParticipantEvent.TimerPassed(timer));
    }

    int timer(LeaderEffect.Timer timer) {
        return number(new LeaderEvent.TimerPassed(timer));
    }

    int recovered(int round, int epoch, int node, boolean voted) {
        if (perRound[round][epoch] == null) {
            RoundSpec spec = spec(round, epoch);
            perRound[round][epoch] = new int[2 * setup.nodes()];
            for (int n = 0; n < setup.nodes(); n++) {
                perRound[round][epoch][2 * n] = number(new ParticipantEvent.Recovered(JournalEntry.intent(spec)));
                perRound[round][epoch][2 * n + 1] =
                        number(new ParticipantEvent.Recovered(JournalEntry.voted(spec, Samples.report(n))));
            }
        }
        return perRound[round][epoch][2 * node + (voted ? 1 : 0)];
    }

    int decisionRead(int round, int epoch, Decision decision) {
        return number(new ParticipantEvent.DecisionRead(spec(round, epoch), decision));
    }

    int recordGone(boolean committed) {
        return number(new ParticipantEvent.RecordGone(committed));
    }

    int opened(int version) {
        return number(new LeaderEvent.Opened(version));
    }

    int recordIs(int state, int version) {
        return number(new LeaderEvent.RecordIs(RoundState.values()[state - 1], version));
    }

    private int number(Object object) {
        Integer known = numbers.get(object);
        if (known == null) {
            objects.add(object);
            known = objects.size();
            numbers.put(object, known);
        }
        return known;
    }

    int size() {
        return objects.size() + participantSteps.size() + leaderSteps.size() + news.size();
    }

    /** The machine's state, or the event, that a number stands for. */
    Object object(int number) {
        return objects.get(number - 1);
    }

    ParticipantState participant(int node, int state) {
        return state == 0 ? new Idle(Samples.node(node)) : (ParticipantState) object(state);
    }

    LeaderState leader(int state) {
        return state == 0 ? new Unopened() : (LeaderState) object(state);
    }

    Answer<ParticipantEffect> participantStep(int node, int state, int event) {
        long key = (long) node << 60 | (long) state << 30 | event;
        Answer<ParticipantEffect> known = participantSteps.get(key);
        if (known == null) {
            known = ask(node, state, event);
            participantSteps.put(key, known);
        }
        return known;
    }

    private Answer<ParticipantEffect> ask(int node, int state, int event) {
        try {
            Step<ParticipantState, ParticipantEffect> step =
                    Mutation.step(setup.mutant(), participant(node, state), (ParticipantEvent) object(event));
            step.next().checkInvariants();
            int next = step.next() instanceof Idle ? 0 : number(Mutation.plain(step.next()));
            return new Answer<>(next, step.effects(), step.rejection().isPresent(), "");
        } catch (IllegalStateException e) {
            return new Answer<>(state, List.of(), true, "a participant stops its node: " + e.getMessage());
        }
    }

    Answer<LeaderEffect> leaderStep(int state, int event) {
        long key = (long) state << 30 | event;
        Answer<LeaderEffect> known = leaderSteps.get(key);
        if (known == null) {
            try {
                known = answer(Mutation.step(setup.mutant(), leader(state), (LeaderEvent) object(event)));
            } catch (IllegalStateException e) {
                known = new Answer<>(state, List.of(), true, "a leader stops its node: " + e.getMessage());
            }
            leaderSteps.put(key, known);
        }
        return known;
    }

    /** What the leader does to begin a round of its own. */
    Answer<LeaderEffect> leaderBegins(int round, int epoch) {
        return answer(Unopened.begin(spec(round, epoch)));
    }

    private Answer<LeaderEffect> answer(Step<LeaderState, LeaderEffect> step) {
        LeaderState next = Mutation.plain(step.next());
        // A state may be legal on the way only: votes that decide are followed by the decision in the same step.
        next.checkInvariants();
        boolean closed = next instanceof dev.holdfast.coordinator.protocol.leader.Closed;
        return new Answer<>(
                closed ? 0 : number(next), step.effects(), step.rejection().isPresent(), "");
    }

    private static long viewKey(World.Slot slot) {
        return slot.state
                | (long) slot.version << 3
                | (long) slot.epoch << 12
                | (long) slot.ready << 16
                | (long) slot.durable << 24
                | (long) slot.no << 32
                | (long) slot.acknowledged << 40;
    }

    private RoundView view(int round, World.Slot slot) {
        return views.computeIfAbsent(viewKey(slot) << 2 | round, key -> build(round, slot));
    }

    /** Whether a node would take what the store shows of a round for something new. */
    boolean isNews(World world, int node, int round) {
        long seen = world.seen[round][node];
        return seen == 0
                || Mutation.isAtLeast(setup.mutant(), view(round, world.rounds[round]), views.get(seen << 2 | round));
    }

    /** A node has seen what the store shows of a round. */
    void see(World world, int node, int round) {
        if (setup.budgets().get(Setup.Fault.CONCLUDE.ordinal()) > 0) {
            view(round, world.rounds[round]);
            world.seen[round][node] = viewKey(world.rounds[round]);
        }
    }

    private RoundView build(int round, World.Slot slot) {
        Map<Name, Vote> votes = new TreeMap<>();
        for (int n = 0; n < setup.nodes(); n++) {
            if ((slot.durable >> n & 1) != 0) {
                votes.put(Samples.node(n), new Vote.Durable(Samples.report(n)));
            }
            if ((slot.no >> n & 1) != 0) {
                votes.put(Samples.node(n), new Vote.No(Samples.refusal()));
            }
        }
        return RoundView.of(
                spec(round, slot.epoch),
                RoundState.values()[slot.state - 1],
                slot.version,
                names(slot.ready),
                votes,
                names(slot.acknowledged));
    }

    private Set<Name> names(int bits) {
        Set<Name> names = new TreeSet<>();
        for (int n = 0; n < setup.nodes(); n++) {
            if ((bits >> n & 1) != 0) {
                names.add(Samples.node(n));
            }
        }
        return names;
    }

    /** What the store's view of a round means to a participant: numbers of events. */
    int[] participantNews(int node, int state, int round, World.Slot slot) {
        return news.computeIfAbsent(
                List.of((long) node, (long) state, viewKey(slot) << 2 | round),
                key ->
                        ViewEvents.forParticipant(Samples.node(node), participant(node, state), view(round, slot))
                                .stream()
                                .mapToInt(this::number)
                                .toArray());
    }

    /** What the store's view of a round means to a leader: numbers of events. */
    int[] leaderNews(int state, int round, World.Slot slot) {
        return news.computeIfAbsent(
                List.of((long) state, viewKey(slot) << 2 | round),
                key -> ViewEvents.forLeader(leader(state), view(round, slot)).stream()
                        .mapToInt(this::number)
                        .toArray());
    }
}
