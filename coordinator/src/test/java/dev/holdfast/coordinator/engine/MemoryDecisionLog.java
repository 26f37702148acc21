package dev.holdfast.coordinator.engine;

import dev.holdfast.coordinator.port.DecisionLog;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Decision;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.MemberReport;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundKind;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.RoundState;
import dev.holdfast.coordinator.protocol.RoundView;
import dev.holdfast.coordinator.protocol.Vote;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/** A linearizable store in memory, shared by the engines of one test. Thread-safe. */
final class MemoryDecisionLog implements DecisionLog {

    private final Map<RoundId, RoundView> rounds = new HashMap<>();
    private Optional<Refusal> commitRefused = Optional.empty();
    private final Map<Name, RoundId> claims = new HashMap<>();
    private final Map<Name, Consumer<RoundView>> listeners = new HashMap<>();
    private Optional<Name> leader = Optional.empty();
    private final Map<RoundId, RoundState> history = new HashMap<>();
    private Epoch epoch = new Epoch(0);
    private boolean reachable = true;
    private final Set<RoundId> damaged = new HashSet<>();

    /** A node that no engine of the test is comes into office. */
    synchronized Epoch takeOffice() {
        leader = Optional.empty();
        epoch = new Epoch(epoch.value() + 1);
        return epoch;
    }

    synchronized Epoch takeOffice(Name node) {
        Epoch reign = takeOffice();
        leader = Optional.of(node);
        rounds.values().forEach(view -> tell(node, view));
        return reign;
    }

    synchronized void setReachable(boolean yes) {
        reachable = yes;
    }

    /** What was ever decided, also of rounds that are closed. */
    synchronized Optional<RoundState> decided(RoundId round) {
        return Optional.ofNullable(history.get(round));
    }

    synchronized boolean isEmpty() {
        return rounds.isEmpty() && claims.isEmpty();
    }

    @Override
    public synchronized Written open(RoundSpec spec) {
        if (!reachable) {
            return new Written.Unknown();
        }
        if (!epoch.equals(spec.epoch())) {
            return new Written.StaleEpoch();
        }
        for (Name vm : spec.members().vms()) {
            if (claims.containsKey(vm)) {
                return new Written.Refused(new Refusal(Refusal.Kind.BUSY, vm + " is claimed by " + claims.get(vm)));
            }
        }
        spec.members().vms().forEach(vm -> claims.put(vm, spec.id()));
        put(RoundView.of(spec, RoundState.PREPARING, 0, Set.of(), Map.of(), Set.of()));
        return new Written.Done(0);
    }

    @Override
    public synchronized Written decide(
            RoundSpec spec,
            Decision decision,
            int expectedVersion,
            Epoch reign,
            List<MemberReport> reports,
            Refusal because) {
        if (!reachable) {
            return new Written.Unknown();
        }
        if (!epoch.equals(reign)) {
            return new Written.StaleEpoch();
        }
        RoundView view = rounds.get(spec.id());
        if (view.version() != expectedVersion) {
            return new Written.Conflict(view.state(), view.version());
        }
        if (decision == Decision.COMMITTED && commitRefused.isPresent()) {
            return new Written.Refused(commitRefused.get());
        }
        RoundState state = RoundState.of(decision);
        history.put(spec.id(), state);
        put(new RoundView(spec, state, view.version() + 1, view.ready(), view.votes(), view.acknowledged()));
        return new Written.Done(view.version() + 1);
    }

    @Override
    public synchronized Written touch(RoundId round, Epoch reign) {
        RoundView view = rounds.get(round);
        if (!reachable) {
            return new Written.Unknown();
        }
        if (view == null) {
            return new Written.Refused(Refusal.failed("no such round"));
        }
        return new Written.Conflict(view.state(), view.version());
    }

    @Override
    public synchronized Written close(RoundSpec spec, Epoch reign) {
        rounds.remove(spec.id());
        claims.values().removeIf(spec.id()::equals);
        return new Written.Done(0);
    }

    @Override
    public synchronized void sayReady(RoundId round, Name member) throws StoreUnreachableException {
        change(round, view -> {
            Set<Name> ready = new HashSet<>(view.ready());
            ready.add(member);
            return RoundView.of(view.spec(), view.state(), view.version(), ready, view.votes(), view.acknowledged());
        });
    }

    @Override
    public synchronized void castVote(RoundId round, Name member, Vote vote) throws StoreUnreachableException {
        change(round, view -> {
            Map<Name, Vote> votes = new HashMap<>(view.votes());
            votes.putIfAbsent(member, vote);
            return RoundView.of(view.spec(), view.state(), view.version(), view.ready(), votes, view.acknowledged());
        });
    }

    @Override
    public synchronized void acknowledge(RoundId round, Name member) throws StoreUnreachableException {
        change(round, view -> {
            Set<Name> done = new HashSet<>(view.acknowledged());
            done.add(member);
            return RoundView.of(view.spec(), view.state(), view.version(), view.ready(), view.votes(), done);
        });
    }

    private void change(RoundId round, UnaryOperator<RoundView> change) throws StoreUnreachableException {
        if (!reachable) {
            throw new StoreUnreachableException("the test has cut the store off");
        }
        RoundView view = rounds.get(round);
        if (view != null) {
            RoundView changed = change.apply(view);
            rounds.put(round, changed);
            // Of what members say only who is in office is told.
            leader.ifPresent(node -> tell(node, changed));
        }
    }

    private void put(RoundView view) {
        rounds.put(view.spec().id(), view);
        List.copyOf(listeners.keySet()).forEach(node -> tell(node, view));
    }

    /** Who only takes part is shown its own vote alone, and nothing of other rounds. */
    private void tell(Name node, RoundView view) {
        Consumer<RoundView> listener = listeners.get(node);
        if (listener == null) {
            return;
        }
        if (leader.equals(Optional.of(node))) {
            listener.accept(view);
        } else if (view.spec().members().nodes().contains(node)) {
            Map<Name, Vote> own = new HashMap<>(view.votes());
            own.keySet().retainAll(Set.of(node));
            listener.accept(
                    RoundView.of(view.spec(), view.state(), view.version(), view.ready(), own, view.acknowledged()));
        }
    }

    @Override
    public synchronized Optional<RoundView> read(RoundId round) {
        return Optional.ofNullable(rounds.get(round));
    }

    /** From now on no commitment can be written. */
    synchronized void refuseCommits(Refusal because) {
        commitRefused = Optional.of(because);
    }

    /** From now on what is left of the round cannot be read. */
    synchronized void damage(RoundId round) {
        damaged.add(round);
    }

    /** A checkpoint that is not deleted stays in the catalogue. */
    @Override
    public synchronized Remains remains(RoundSpec spec) throws StoreUnreachableException {
        if (damaged.contains(spec.id())) {
            throw new StoreUnreachableException("the test has damaged round " + spec.id());
        }
        if (rounds.containsKey(spec.id())) {
            return Remains.RECORD;
        }
        boolean its = spec.kind() == RoundKind.CHECKPOINT && history.get(spec.id()) == RoundState.COMMITTED;
        return its ? Remains.CHECKPOINT : Remains.NOTHING;
    }

    @Override
    public List<String> unreadable() {
        return List.of();
    }

    @Override
    public synchronized List<RoundView> rounds() {
        return List.copyOf(rounds.values());
    }

    @Override
    public synchronized void watch(Name member, Consumer<RoundView> listener) {
        listeners.put(member, listener);
        rounds.values().forEach(view -> tell(member, view));
    }
}
