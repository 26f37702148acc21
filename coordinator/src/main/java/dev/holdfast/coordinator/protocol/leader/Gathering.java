package dev.holdfast.coordinator.protocol.leader;

import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.MemberReport;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.protocol.Vote;
import dev.holdfast.coordinator.protocol.leader.LeaderEffect.Reply;
import dev.holdfast.coordinator.protocol.leader.LeaderEffect.StartTimer;
import dev.holdfast.coordinator.protocol.leader.LeaderEffect.TellFreeze;
import dev.holdfast.coordinator.protocol.leader.LeaderEffect.Timer;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent.AbortRequested;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent.Deposed;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent.ReadySeen;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent.TimerPassed;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent.VoteSeen;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The round is open; the leader waits for all to be ready, sends FREEZE, and waits for all votes.
 *
 * @param spec the round
 * @param version version of the record
 * @param ready members that are ready; FREEZE went out when the last one was
 * @param votes final votes so far
 */
public record Gathering(RoundSpec spec, int version, Set<Name> ready, Map<Name, Vote> votes) implements LeaderState {

    public Gathering {
        ready = Collections.unmodifiableSet(new TreeSet<>(ready));
        votes = Collections.unmodifiableMap(new TreeMap<>(votes));
    }

    @Override
    public Step<LeaderState, LeaderEffect> onReadySeen(ReadySeen event) {
        if (!spec.members().nodes().contains(event.member()) || ready.contains(event.member())) {
            return Step.rejected(this, event + " is no news");
        }
        Set<Name> more = new TreeSet<>(ready);
        more.add(event.member());
        Gathering next = new Gathering(spec, version, more, votes);
        if (!more.containsAll(spec.members().nodes())) {
            return Step.to(next);
        }
        return Step.to(
                next,
                new TellFreeze(spec),
                new StartTimer(Timer.DRAIN, spec.options().drainTimeout()));
    }

    @Override
    public Step<LeaderState, LeaderEffect> onVoteSeen(VoteSeen event) {
        if (!spec.members().nodes().contains(event.member()) || votes.containsKey(event.member())) {
            return Step.rejected(this, event + " is no news");
        }
        Map<Name, Vote> more = new TreeMap<>(votes);
        more.put(event.member(), event.vote());
        Gathering next = new Gathering(spec, version, ready, more);
        if (next.refusal().isPresent()) {
            return Deciding.begin(next, Decision.ABORTED, next.refusal().get());
        }
        if (next.allDurable()) {
            return Deciding.begin(next, Decision.COMMITTED, Refusal.failed("not refused"));
        }
        return Step.to(next);
    }

    @Override
    public Step<LeaderState, LeaderEffect> onTimerPassed(TimerPassed event) {
        boolean frozen = ready.containsAll(spec.members().nodes());
        if (event.timer() != (frozen ? Timer.DRAIN : Timer.PREPARE)) {
            return Step.rejected(this, event + " is late");
        }
        Set<Name> missing = new TreeSet<>(spec.members().nodes());
        missing.removeAll(frozen ? votes.keySet() : ready);
        String waitedFor = frozen ? "their parts on stable storage" : "ready";
        return Deciding.begin(
                this,
                Decision.ABORTED,
                Refusal.timedOut("the nodes " + missing + " did not report " + waitedFor + " in time"));
    }

    @Override
    public Step<LeaderState, LeaderEffect> onAbortRequested(AbortRequested event) {
        return Deciding.begin(this, Decision.ABORTED, event.because());
    }

    @Override
    public Step<LeaderState, LeaderEffect> onDeposed(Deposed event) {
        return Step.to(new Closed(), new Reply(Outcome.unknown()));
    }

    /** Whether every member voted DURABLE: the only licence to commit. */
    boolean allDurable() {
        return spec.members().nodes().stream()
                .allMatch(node -> votes.containsKey(node) && votes.get(node).isDurable());
    }

    /** The first member's reason to say NO. */
    Optional<Refusal> refusal() {
        return votes.entrySet().stream()
                .flatMap(entry -> entry
                        .getValue()
                        .match(
                                durable -> Optional.<Refusal>empty(),
                                no -> Optional.of(new Refusal(
                                        no.because().kind(),
                                        entry.getKey() + ": " + no.because().text())))
                        .stream())
                .findFirst();
    }

    /** What the members contributed, in the order of their names. */
    List<MemberReport> reports() {
        return votes.values().stream()
                .flatMap(vote ->
                        vote
                                .match(durable -> Optional.of(durable.report()), no -> Optional.<MemberReport>empty())
                                .stream())
                .toList();
    }

    @Override
    public void checkInvariants() {
        if (allDurable() || refusal().isPresent()) {
            throw new IllegalStateException("the votes decide the round, but it is still gathering: " + votes);
        }
    }
}
