package dev.holdfast.coordinator.protocol.sim;

import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.MemberReport;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundState;
import dev.holdfast.coordinator.protocol.RoundView;
import dev.holdfast.coordinator.protocol.Samples;
import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.protocol.Vote;
import dev.holdfast.coordinator.protocol.leader.Closed;
import dev.holdfast.coordinator.protocol.leader.Decided;
import dev.holdfast.coordinator.protocol.leader.Deciding;
import dev.holdfast.coordinator.protocol.leader.Gathering;
import dev.holdfast.coordinator.protocol.leader.LeaderEffect;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent;
import dev.holdfast.coordinator.protocol.leader.LeaderState;
import dev.holdfast.coordinator.protocol.leader.Unopened;
import dev.holdfast.coordinator.protocol.participant.Binding;
import dev.holdfast.coordinator.protocol.participant.Closing;
import dev.holdfast.coordinator.protocol.participant.Draining;
import dev.holdfast.coordinator.protocol.participant.Finishing;
import dev.holdfast.coordinator.protocol.participant.Freezing;
import dev.holdfast.coordinator.protocol.participant.GivenUp;
import dev.holdfast.coordinator.protocol.participant.Idle;
import dev.holdfast.coordinator.protocol.participant.Loading;
import dev.holdfast.coordinator.protocol.participant.Membership;
import dev.holdfast.coordinator.protocol.participant.Over;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent;
import dev.holdfast.coordinator.protocol.participant.ParticipantState;
import dev.holdfast.coordinator.protocol.participant.Releasing;
import dev.holdfast.coordinator.protocol.participant.Still;
import dev.holdfast.coordinator.protocol.participant.Thawing;
import dev.holdfast.coordinator.protocol.participant.Voted;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** The machines, broken by a mutant where it says so. What breaks the world around them is in {@link Hands} and {@link Store}. */
final class Mutation {

    private static final Refusal REFUSAL = Samples.refusal();

    private Mutation() {}

    static Step<ParticipantState, ParticipantEffect> step(
            Mutant mutant, ParticipantState state, ParticipantEvent event) {
        return switch (mutant) {
            case NO_STILLNESS_CHECK -> trusting(state, event);
            case THAW_BEFORE_ALL_FROZEN ->
                state instanceof Still still && event instanceof ParticipantEvent.Captured
                        ? Step.to(new Thawing(still.membership()), new ParticipantEffect.ProveAndThaw())
                        : event.applyTo(state);
            case VOTE_BEFORE_JOURNAL -> withVote(event.applyTo(state));
            case VOTES_BEFORE_DRAINED -> drainLater(event.applyTo(state));
            case REVERT_THAWS_BEFORE_DECISION -> runBeforeDecision(state, event);
            case GIVES_UP_AFTER_VOTED ->
                state instanceof Voted voted && event instanceof ParticipantEvent.GiveUp
                        ? giveUp(voted.membership())
                        : event.applyTo(state);
            case BINDING_GIVES_UP ->
                state instanceof Binding binding && event instanceof ParticipantEvent.JournalFailed
                        ? giveUp(binding.membership())
                        : event.applyTo(state);
            case UNREADABLE_GIVES_UP ->
                event instanceof ParticipantEvent.EntryUnreadable unreadable
                        ? state.onJournalFailed(new ParticipantEvent.JournalFailed(unreadable.because()))
                        : event.applyTo(state);
            case FREEZE_ACCEPTED_TWICE -> freezeAgain(state, event);
            case DEADLINE_IGNORED ->
                event instanceof ParticipantEvent.TimerPassed passed
                                && passed.timer() == ParticipantEffect.Timer.DEADLINE
                        ? Step.rejected(state, "mutant")
                        : event.applyTo(state);
            case RECOVERY_FORGETS_TO_THAW ->
                event instanceof ParticipantEvent.Recovered
                        ? without(ParticipantEffect.ThawNow.class, event.applyTo(state))
                        : event.applyTo(state);
            case VOID_DOES_NOT_THAW ->
                event instanceof ParticipantEvent.VoidHeard
                        ? without(ParticipantEffect.ThawNow.class, event.applyTo(state))
                        : event.applyTo(state);
            case LATE_FREEZE_UNNOTICED ->
                state instanceof GivenUp && event instanceof ParticipantEvent.VmsFrozen
                        ? Step.rejected(state, "mutant")
                        : event.applyTo(state);
            case RECOVERY_VOTES_DURABLE_ON_INTENT -> recover(state, event);
            case FROZEN_COUNTED_TWICE -> countTwice(state, event);
            case GUARD_RELEASED_BEFORE_JOURNAL ->
                state instanceof Loading loading && event instanceof ParticipantEvent.Loaded
                        ? before(
                                new ParticipantEffect.ReleaseGuard(
                                        loading.membership().spec()),
                                event.applyTo(state))
                        : event.applyTo(state);
            case FIRED_GUARD_IGNORED ->
                state instanceof Releasing && event instanceof ParticipantEvent.GuardReleased
                        ? state.onGuardReleased(new ParticipantEvent.GuardReleased(false))
                        : event.applyTo(state);
            case ACKNOWLEDGES_WITHOUT_CARRYING_OUT ->
                state instanceof Idle idle && event instanceof ParticipantEvent.DecisionRead read
                        ? Step.to(
                                new Over(new Membership(idle.self(), read.spec())), new ParticipantEffect.Acknowledge())
                        : event.applyTo(state);
            case ACKNOWLEDGES_BEFORE_JOURNAL_CLOSED -> acknowledgeEarly(event.applyTo(state));
            case FORGETS_WITHOUT_LOOKING ->
                state instanceof Voted && event instanceof ParticipantEvent.RecordGone gone && !gone.committed()
                        ? state.onNothingWaits(new ParticipantEvent.NothingWaits())
                        : event.applyTo(state);
            case CATALOGUE_NOT_ASKED ->
                event instanceof ParticipantEvent.RecordGone
                        ? state.onRecordGone(new ParticipantEvent.RecordGone(false))
                        : event.applyTo(state);
            case GONE_IS_ABORTED ->
                state instanceof Voted voted && event instanceof ParticipantEvent.RecordGone
                        ? voted.onDecisionRead(new ParticipantEvent.DecisionRead(
                                voted.membership().spec(), Decision.ABORTED))
                        : event.applyTo(state);
            default -> event.applyTo(state);
        };
    }

    private static Step<ParticipantState, ParticipantEffect> trusting(ParticipantState state, ParticipantEvent event) {
        return state instanceof Thawing thawing && event instanceof ParticipantEvent.ThawAnswered
                ? Step.to(new Draining(thawing.membership()), new ParticipantEffect.Drain())
                : event.applyTo(state);
    }

    private static Vote durable(Membership membership) {
        return new Vote.Durable(new MemberReport(membership.self(), -1, "test", List.of()));
    }

    private static Step<ParticipantState, ParticipantEffect> withVote(Step<ParticipantState, ParticipantEffect> step) {
        return step.next() instanceof Binding binding && !step.effects().isEmpty()
                ? after(step, new ParticipantEffect.CastVote(durable(binding.membership())))
                : step;
    }

    private static Step<ParticipantState, ParticipantEffect> drainLater(
            Step<ParticipantState, ParticipantEffect> step) {
        return step.next() instanceof Draining draining && !step.effects().isEmpty()
                ? after(step, new ParticipantEffect.CastVote(durable(draining.membership())))
                : step;
    }

    private static Step<ParticipantState, ParticipantEffect> runBeforeDecision(
            ParticipantState state, ParticipantEvent event) {
        Step<ParticipantState, ParticipantEffect> step = event.applyTo(state);
        return state instanceof Releasing releasing && event instanceof ParticipantEvent.GuardReleased
                ? after(
                        step,
                        new ParticipantEffect.CarryOut(releasing.membership().spec(), Decision.COMMITTED))
                : step;
    }

    private static Step<ParticipantState, ParticipantEffect> giveUp(Membership membership) {
        return Step.to(
                new GivenUp(membership, REFUSAL, false, false),
                new ParticipantEffect.ThawNow(),
                new ParticipantEffect.CastVote(new Vote.No(REFUSAL)),
                new ParticipantEffect.CarryOut(membership.spec(), Decision.ABORTED));
    }

    private static Step<ParticipantState, ParticipantEffect> freezeAgain(
            ParticipantState state, ParticipantEvent event) {
        return state instanceof Voted voted && event instanceof ParticipantEvent.FreezeHeard
                ? Step.to(
                        new Freezing(voted.membership(), Set.of()),
                        new ParticipantEffect.StartTimer(ParticipantEffect.Timer.DEADLINE, Samples.OPTIONS.deadline()),
                        new ParticipantEffect.Freeze(voted.membership().spec()))
                : event.applyTo(state);
    }

    private static Step<ParticipantState, ParticipantEffect> recover(ParticipantState state, ParticipantEvent event) {
        if (state instanceof Idle idle
                && event instanceof ParticipantEvent.Recovered recovered
                && recovered.entry().report().isEmpty()) {
            Membership membership =
                    new Membership(idle.self(), recovered.entry().spec());
            Vote vote = durable(membership);
            return Step.to(
                    new Voted(membership, vote), new ParticipantEffect.ThawNow(), new ParticipantEffect.CastVote(vote));
        }
        return event.applyTo(state);
    }

    private static Step<ParticipantState, ParticipantEffect> countTwice(
            ParticipantState state, ParticipantEvent event) {
        if (state instanceof Still still
                && event instanceof ParticipantEvent.FrozenHeard heard
                && still.heard().contains(heard.member())) {
            Set<Name> missing =
                    new TreeSet<>(still.membership().spec().members().nodes());
            missing.removeAll(still.heard());
            return missing.isEmpty()
                    ? event.applyTo(state)
                    : state.onFrozenHeard(
                            new ParticipantEvent.FrozenHeard(missing.iterator().next()));
        }
        return event.applyTo(state);
    }

    private static Step<ParticipantState, ParticipantEffect> acknowledgeEarly(
            Step<ParticipantState, ParticipantEffect> step) {
        return step.next() instanceof Closing && !step.effects().isEmpty()
                ? after(step, new ParticipantEffect.Acknowledge())
                : step;
    }

    private static Step<ParticipantState, ParticipantEffect> after(
            Step<ParticipantState, ParticipantEffect> step, ParticipantEffect more) {
        List<ParticipantEffect> effects = new ArrayList<>(step.effects());
        effects.add(more);
        return Step.to(step.next(), effects);
    }

    private static Step<ParticipantState, ParticipantEffect> before(
            ParticipantEffect more, Step<ParticipantState, ParticipantEffect> step) {
        List<ParticipantEffect> effects = new ArrayList<>(step.effects());
        effects.add(0, more);
        return Step.to(step.next(), effects);
    }

    private static Step<ParticipantState, ParticipantEffect> without(
            Class<? extends ParticipantEffect> kind, Step<ParticipantState, ParticipantEffect> step) {
        return step.rejection().isPresent()
                ? step
                : Step.to(
                        step.next(),
                        step.effects().stream()
                                .filter(effect -> !kind.isInstance(effect))
                                .toList());
    }

    /** The leader's machine. */
    static Step<LeaderState, LeaderEffect> step(Mutant mutant, LeaderState state, LeaderEvent event) {
        return switch (mutant) {
            case DECISION_WITHOUT_VERSION ->
                state instanceof Deciding deciding
                                && deciding.decision() == Decision.ABORTED
                                && event instanceof LeaderEvent.RecordIs record
                                && record.state() == RoundState.PREPARING
                        ? Step.to(new Gathering(deciding.spec(), record.version(), Set.of(), Map.of()))
                        : event.applyTo(state);
            case CLOSES_BEFORE_ALL_ACKNOWLEDGED ->
                state instanceof Decided decided && event instanceof LeaderEvent.AcknowledgementSeen
                        ? Step.to(new Closed(), new LeaderEffect.Close(decided.spec()))
                        : event.applyTo(state);
            case NEW_LEADER_COMMITS_WITHOUT_ALL ->
                state instanceof Unopened && event instanceof LeaderEvent.Found found && commitsAnyway(found.view())
                        ? commit(found.view().spec(), found.view().version())
                        : event.applyTo(state);
            case COMMITS_ON_READY -> commitOnReady(state, event);
            default -> event.applyTo(state);
        };
    }

    private static boolean commitsAnyway(RoundView view) {
        return view.state() == RoundState.PREPARING
                && !view.votes().isEmpty()
                && view.votes().values().stream().allMatch(Vote::isDurable);
    }

    private static Step<LeaderState, LeaderEffect> commit(
            dev.holdfast.coordinator.protocol.RoundSpec spec, int version) {
        List<MemberReport> reports = spec.members().nodes().stream()
                .map(node -> new MemberReport(node, -1, "test", List.of()))
                .toList();
        return Step.to(
                new Deciding(spec, Decision.COMMITTED, reports, REFUSAL),
                new LeaderEffect.WriteDecision(spec, Decision.COMMITTED, version, reports, REFUSAL));
    }

    private static Step<LeaderState, LeaderEffect> commitOnReady(LeaderState state, LeaderEvent event) {
        Step<LeaderState, LeaderEffect> step = event.applyTo(state);
        if (state instanceof Gathering gathering
                && event instanceof LeaderEvent.ReadySeen
                && step.effects().stream().anyMatch(LeaderEffect.TellFreeze.class::isInstance)) {
            Step<LeaderState, LeaderEffect> commit = commit(gathering.spec(), gathering.version());
            return Step.to(
                    commit.next(), step.effects().get(0), commit.effects().get(0));
        }
        return step;
    }

    /** Whether a view was read no earlier than the other. */
    static boolean isAtLeast(Mutant mutant, RoundView view, RoundView other) {
        if (mutant != Mutant.CONCLUDED_IS_NOT_LATER) {
            return view.isAtLeast(other);
        }
        return view.version() >= other.version()
                && view.ready().containsAll(other.ready())
                && view.acknowledged().containsAll(other.acknowledged());
    }

    /** The same state without the texts of reasons, which decide nothing: two worlds that differ in them are one. */
    static ParticipantState plain(ParticipantState state) {
        if (state instanceof GivenUp given) {
            return new GivenUp(given.membership(), REFUSAL, given.undone(), given.aborted());
        }
        if (state instanceof Voted voted && !voted.vote().isDurable()) {
            return new Voted(voted.membership(), new Vote.No(REFUSAL));
        }
        return state;
    }

    static LeaderState plain(LeaderState state) {
        return state instanceof Deciding deciding
                ? new Deciding(deciding.spec(), deciding.decision(), deciding.reports(), REFUSAL)
                : state;
    }

    /** Whether a state still waits for messages of the channel. */
    static boolean listens(ParticipantState state) {
        return state instanceof Idle || state instanceof dev.holdfast.coordinator.protocol.participant.Unbound;
    }

    /** Whether a retry is still of use. */
    static boolean retries(ParticipantState state) {
        return state instanceof GivenUp || state instanceof Finishing || state instanceof Closing;
    }
}
