package dev.holdfast.coordinator.engine;

import dev.holdfast.coordinator.port.GroupChannel;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.JournalEntry;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.RoundSpec;
import dev.holdfast.coordinator.protocol.RoundView;
import dev.holdfast.coordinator.protocol.Step;
import dev.holdfast.coordinator.protocol.leader.Closed;
import dev.holdfast.coordinator.protocol.leader.LeaderEffect;
import dev.holdfast.coordinator.protocol.leader.LeaderEvent;
import dev.holdfast.coordinator.protocol.leader.LeaderState;
import dev.holdfast.coordinator.protocol.leader.Outcome;
import dev.holdfast.coordinator.protocol.leader.Unopened;
import dev.holdfast.coordinator.protocol.message.GroupMessage;
import dev.holdfast.coordinator.protocol.participant.Draining;
import dev.holdfast.coordinator.protocol.participant.Idle;
import dev.holdfast.coordinator.protocol.participant.Over;
import dev.holdfast.coordinator.protocol.participant.ParticipantEffect;
import dev.holdfast.coordinator.protocol.participant.ParticipantEvent;
import dev.holdfast.coordinator.protocol.participant.ParticipantState;
import dev.holdfast.coordinator.protocol.view.ViewEvents;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs both halves of every round on this node: the participant's always, the leader's while this node holds office. One
 * thread owns all state; the public methods post to its mailbox and may be called from any thread.
 */
public final class Engine implements AutoCloseable, GroupChannel.Listener {
    private static final Logger LOG = LoggerFactory.getLogger(Engine.class);

    /** A participant of one round. */
    private record Participant(RoundSpec spec, ParticipantState state, ParticipantEffects effects) {}

    /** The leader's half of one round. */
    private record Led(RoundSpec spec, LeaderState state, LeaderEffects effects) {}

    private static final Duration SWEEP = Duration.ofSeconds(5);

    private final Name self;
    private final EnginePorts ports;
    private final Lanes lanes;
    private final Mailbox mailbox;
    private final TransitionLog log;
    private final Map<RoundId, RoundView> views = new HashMap<>();
    private final Map<RoundId, Participant> participants = new HashMap<>();
    private final Map<RoundId, Led> led = new HashMap<>();
    private final Listeners listeners = new Listeners();
    private final Map<RoundId, CompletableFuture<RoundId>> closings = new HashMap<>();
    private Optional<Epoch> reign = Optional.empty();

    /**
     * @param self this node
     * @param ports what to work with
     * @param fatal told when a machine finds a contradiction; the process must end, so that the guard thaws everything
     */
    public Engine(Name self, EnginePorts ports, Consumer<Throwable> fatal) {
        this.self = self;
        this.ports = ports;
        this.log = new TransitionLog(self, ports.timers(), this::post);
        this.mailbox = new Mailbox(log::tell, fatal);
        this.lanes = new Lanes(
                (round, event) -> post(() -> toParticipant(round, event)),
                (round, event) -> post(() -> toLeader(round, event)),
                ports.channel());
    }

    /**
     * Takes up what the journal holds and begins to follow the store. Called once.
     *
     * @throws IOException the journal's directory cannot be read; no VM may depend on it, but no round can run
     */
    public void start() throws IOException {
        List<JournalEntry> entries = ports.journal().entries();
        post(() -> entries.forEach(entry -> {
            participants.put(entry.spec().id(), idle(entry.spec()));
            toParticipant(entry.spec().id(), new ParticipantEvent.Recovered(entry));
        }));
        ports.log().watch(self, view -> post(() -> onView(view)));
        ports.timers().after(SWEEP, this::sweep);
        new Forgotten(ports, lanes, asker -> post(() -> asker.accept(waitedFor()))).follow();
    }

    private List<RoundSpec> waitedFor() {
        return participants.values().stream()
                .filter(one -> one.state().waitsForTheEnd())
                .map(Participant::spec)
                .toList();
    }

    /** Follows the progress of a round, wherever its leader is, until the answer is closed. Never throws. */
    public Following follow(RoundId round, RoundListener listener) {
        return listeners.follow(round, listener);
    }

    /** Opens a round; this node must hold office. @return how it ended; never completes exceptionally */
    public CompletableFuture<Outcome> run(RoundSpec spec) {
        CompletableFuture<Outcome> outcome = new CompletableFuture<>();
        post(() -> {
            if (reign.isEmpty() || !reign.get().equals(spec.epoch())) {
                outcome.complete(new Outcome(Outcome.Kind.ABORTED, Optional.of(Coordinator.NOT_IN_OFFICE)));
                return;
            }
            LeaderEffects effects = new LeaderEffects(spec, spec.epoch(), ports, lanes, outcome::complete);
            led.put(spec.id(), new Led(spec, new Unopened(), effects));
            leaderStep(spec.id(), Unopened.begin(spec), "asked for");
        });
        return outcome;
    }

    /**
     * Waits for more than the decision: every member has made it true, and the round's claims are on their way out of the
     * store before any later write of this node. Also completes when office is lost; never exceptionally.
     */
    public CompletableFuture<RoundId> closed(RoundId round) {
        CompletableFuture<RoundId> closed = new CompletableFuture<>();
        post(() -> {
            closings.put(round, closed);
            completeIfClosed(round);
        });
        return closed;
    }

    private void completeIfClosed(RoundId round) {
        if (!led.containsKey(round)) {
            Optional.ofNullable(closings.remove(round)).ifPresent(closing -> closing.complete(round));
        }
    }

    /** The nodes that this one can speak to at present, itself included. */
    public Set<Name> present() {
        return ports.channel().present();
    }

    /** Asks for the end of a round that this node leads. */
    public void abort(RoundId round, Refusal because) {
        post(() -> toLeader(round, new LeaderEvent.AbortRequested(because)));
    }

    /** Takes a machine out of every round on this node that is not bound yet: pacemaker or a person wants it. */
    public void giveUp(Name vm, Refusal because) {
        giveUpIf(state -> true, vm, because);
    }

    /** The same for rounds that have not stopped its guests yet; the others go on. */
    public void giveWay(Name vm, Refusal because) {
        giveUpIf(ParticipantState::isBeforeFreeze, vm, because);
    }

    /** The same also for rounds that have let its guests run again and are still writing what was taken. */
    public void giveBack(Name vm, Refusal because) {
        giveUpIf(state -> state.isBeforeFreeze() || state instanceof Draining, vm, because);
    }

    private void giveUpIf(Predicate<ParticipantState> where, Name vm, Refusal because) {
        post(() -> participants.values().stream()
                .filter(one ->
                        where.test(one.state()) && one.spec().members().on(self).contains(vm))
                .map(one -> one.spec().id())
                .toList()
                .forEach(round -> toParticipant(round, new ParticipantEvent.GiveUp(because))));
    }

    /** This node holds office: finish or abort what earlier leaders left. */
    public void onElected(Epoch epoch) {
        post(() -> {
            leaveOffice();
            reign = Optional.of(epoch);
            readOpenRounds(epoch);
        });
    }

    private void readOpenRounds(Epoch epoch) {
        if (!reign.equals(Optional.of(epoch))) {
            return;
        }
        lanes.store(() -> {
            try {
                List<RoundView> open = ports.log().rounds();
                post(() -> open.forEach(this::onView));
            } catch (StoreUnreachableException e) {
                LOG.warn("elected, but the open rounds cannot be read: {}; trying again", e.getMessage());
                ports.timers().after(Lanes.STORE_RETRY, () -> post(() -> readOpenRounds(epoch)));
            }
        });
    }

    /** Whoever waits for a round learns that its outcome is in other hands. */
    private void leaveOffice() {
        reign = Optional.empty();
        List.copyOf(led.keySet()).forEach(round -> toLeader(round, new LeaderEvent.Deposed()));
    }

    private void takeOver(RoundView view, Epoch epoch) {
        RoundId round = view.spec().id();
        if (led.containsKey(round)) {
            return;
        }
        LeaderEffects effects = new LeaderEffects(view.spec(), epoch, ports, lanes, outcome -> {});
        led.put(round, new Led(view.spec(), new Unopened(), effects));
        toLeader(round, new LeaderEvent.Found(view));
    }

    /** Office is lost, or cannot be known to be held. */
    public void onDeposed() {
        post(this::leaveOffice);
    }

    /** The store answers again. */
    public void onStoreBack() {
        post(() -> List.copyOf(participants.keySet())
                .forEach(round -> toParticipant(round, new ParticipantEvent.StoreBack())));
    }

    @Override
    public void onMessage(Name from, GroupMessage message) {
        post(() -> message.<Runnable>match(
                        freeze -> () ->
                                fromChannel(Appointment.noted(ports, from, freeze), new ParticipantEvent.FreezeHeard()),
                        frozen -> () -> fromChannel(frozen, new ParticipantEvent.FrozenHeard(frozen.member())),
                        voided -> () ->
                                fromChannel(voided, new ParticipantEvent.VoidHeard(voided.member(), voided.because())),
                        progress -> () -> listeners.tell(progress))
                .run());
    }

    private void fromChannel(GroupMessage message, ParticipantEvent event) {
        Participant participant = participants.get(message.round());
        if (participant == null || !participant.spec().epoch().equals(message.epoch())) {
            log.dropped(message, "no such round here, or another epoch");
            return;
        }
        toParticipant(message.round(), event);
    }

    /** A member that is gone ends the barrier early. While memory drains its absence means nothing yet. */
    @Override
    public void onLeft(Set<Name> nodes) {
        post(() -> List.copyOf(participants.values())
                .forEach(participant -> nodes.stream()
                        .filter(node -> participant.spec().members().nodes().contains(node))
                        .filter(node -> !(participant.state() instanceof Draining))
                        .forEach(node -> toParticipant(
                                participant.spec().id(),
                                new ParticipantEvent.VoidHeard(
                                        node, Refusal.failed("the group channel lost the node"))))));
    }

    private void onView(RoundView view) {
        RoundId round = view.spec().id();
        RoundView known = views.get(round);
        if (known != null && !view.isAtLeast(known)) {
            return;
        }
        views.put(round, view);
        Participant present = participants.get(round);
        ParticipantState state = present == null ? new Idle(self) : present.state();
        List<ParticipantEvent> events = ViewEvents.forParticipant(self, state, view);
        if (!events.isEmpty()) {
            participants.computeIfAbsent(round, id -> idle(view.spec()));
        }
        events.forEach(event -> toParticipant(round, event));
        // Also a round whose opening was given up and has landed after all.
        reign.ifPresent(epoch -> takeOver(view, epoch));
        feedLeader(round);
        prune(round);
    }

    /** Reads all rounds from time to time: a write that was never answered may have been lost, or may have landed late. */
    private void sweep() {
        post(() -> {
            Set<RoundId> over = new HashSet<>(participants.keySet());
            over.removeIf(round -> !isOver(round));
            boolean leads = reign.isPresent();
            lanes.store(() -> readAll(over, leads));
        });
    }

    /** @param over were over here before the rounds are read: without a record nobody will speak of them again */
    private void readAll(Set<RoundId> over, boolean leads) {
        try {
            List<RoundView> present = leads ? ports.log().rounds() : ports.log().roundsFor(self);
            post(() -> {
                if (!leads && reign.isPresent()) {
                    return; // Votes are missing in it, and who comes into office reads all rounds anew.
                }
                present.forEach(this::onView);
                present.forEach(view -> over.remove(view.spec().id()));
                participants.keySet().removeAll(over);
                over.forEach(this::prune);
            });
        } catch (StoreUnreachableException e) {
            LOG.debug("cannot read the rounds: {}", e.getMessage());
        } finally {
            ports.timers().after(SWEEP, this::sweep);
        }
    }

    private boolean isOver(RoundId round) {
        Participant participant = participants.get(round);
        return participant != null && participant.state() instanceof Over;
    }

    private Participant idle(RoundSpec spec) {
        return new Participant(spec, new Idle(self), new ParticipantEffects(self, spec, ports, lanes));
    }

    private void feedLeader(RoundId round) {
        Led mine = led.get(round);
        RoundView view = views.get(round);
        if (mine != null && view != null) {
            ViewEvents.forLeader(mine.state(), view).forEach(event -> toLeader(round, event));
        }
    }

    private void toParticipant(RoundId round, ParticipantEvent event) {
        Participant participant = participants.get(round);
        if (participant == null) {
            return;
        }
        Step<ParticipantState, ParticipantEffect> step = event.applyTo(participant.state());
        step.next().checkInvariants();
        participants.put(round, new Participant(participant.spec(), step.next(), participant.effects()));
        log.moved(round, "member", participant.state(), step.next(), event, step.rejection());
        step.effects().forEach(effect -> effect.accept(participant.effects()));
        if (step.next() instanceof Over && !(participant.state() instanceof Over)) {
            lanes.phases().end(round);
        } else if (!step.next().equals(participant.state())) {
            refresh(round);
        }
    }

    /** What the store showed while the old state could not use it, the new one can. */
    private void refresh(RoundId round) {
        RoundView view = views.get(round);
        if (view != null) {
            ViewEvents.forParticipant(self, participants.get(round).state(), view)
                    .forEach(next -> toParticipant(round, next));
        }
    }

    private void toLeader(RoundId round, LeaderEvent event) {
        Led mine = led.get(round);
        if (mine != null) {
            leaderStep(round, event.applyTo(mine.state()), event);
        }
    }

    private void leaderStep(RoundId round, Step<LeaderState, LeaderEffect> step, Object because) {
        Led before = led.get(round);
        step.next().checkInvariants();
        led.put(round, new Led(before.spec(), step.next(), before.effects()));
        log.moved(round, "leader", before.state(), step.next(), because, step.rejection());
        step.effects().forEach(effect -> effect.accept(before.effects()));
        if (step.next() instanceof Closed) {
            led.remove(round);
            completeIfClosed(round);
            prune(round);
        } else if (!step.next().equals(before.state())) {
            post(() -> feedLeader(round)); // at once, hundreds of votes would nest as many calls
        }
    }

    private void prune(RoundId round) {
        RoundView view = views.get(round);
        if (view != null && isOver(round) && view.acknowledged().contains(self)) {
            participants.remove(round);
        }
        if (!participants.containsKey(round) && !led.containsKey(round)) {
            views.remove(round);
        }
    }

    private void post(Runnable task) {
        mailbox.post(task);
    }

    /** Stops at once, as a crash would: the journal and the store know the rest. */
    @Override
    public void close() {
        mailbox.close();
        lanes.close();
    }
}
