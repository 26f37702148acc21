package dev.holdfast.agent.replication;

import dev.holdfast.agent.control.reply.ReplicaDetails;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.replication.StandbyPlace;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Copy;
import dev.holdfast.coordinator.replication.Following;
import dev.holdfast.coordinator.replication.Found;
import dev.holdfast.coordinator.replication.Leaving;
import dev.holdfast.coordinator.replication.Out;
import dev.holdfast.coordinator.replication.Protected;
import dev.holdfast.coordinator.replication.Reason;
import dev.holdfast.coordinator.replication.ReplicaEvent;
import dev.holdfast.coordinator.replication.ReplicaHands;
import dev.holdfast.coordinator.replication.ReplicaState;
import dev.holdfast.coordinator.replication.Self;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One replicated machine on this node: its rules, its hands, and whoever waits for them. Thread-safe. */
public final class ReplicatedMachine implements AutoCloseable, ReplicaPart.Machine {
    private static final Logger LOG = LoggerFactory.getLogger(ReplicatedMachine.class);
    private static final Duration LOOK = Duration.ofMillis(100);
    private static final Duration RETRY = Duration.ofSeconds(1);

    private final ManagedVm vm;
    private final ReplicationTools tools;
    private final MachineThread thread;
    private final MachineThread worker;
    private final MachineThread asking;
    private final ReplicaLoop loop;
    private final MachineHands hands;
    private final PrimarySide primary;
    private final StandbySide standby;
    private final StandbyOrders orders;
    private final Recollection recollection;
    private final CopyRoom room;
    private final RecordBook record;
    private final Guest guest;
    private final GuestLook guestLook;
    private final RecordLook recordLook;
    private final Candidates candidates;
    private final Outlook outlook;
    private final GuardLag lag;
    private final LagBound bound;
    private final Parking parking;
    private final Turns turns;
    private final GivingBack givingBack;
    private final Farewell farewell;
    private final Waiters waiters = new Waiters();
    private final Requests requests = new Requests(waiters, this::state, this::isBound, this::post);
    private final CompletableFuture<Void> recovered = new CompletableFuture<>();
    private long lastRetry;

    /**
     * What belongs to one machine.
     *
     * @param vm the machine
     * @param plan how it is replicated
     * @param record of it in the store
     * @param peers the other nodes
     * @param coldStart makes its disks fit for a start, and starts
     * @param guardSocket where the guard listens
     */
    record Parts(
            ManagedVm vm,
            ReplicaPlan plan,
            RecordBook record,
            PeerCalls peers,
            Guest.ColdStart coldStart,
            Path guardSocket) {}

    /** @param rounds ends those that give way to a wish */
    ReplicatedMachine(Parts parts, ReplicationTools tools, Candidates candidates, Consumer<Wish> rounds) {
        this.vm = parts.vm();
        this.tools = tools;
        this.record = parts.record();
        this.candidates = candidates;
        String name = vm.name().value();
        this.thread = new MachineThread("replica-" + name);
        this.worker = new MachineThread("replica-work-" + name);
        this.asking = new MachineThread("replica-ask-" + name);
        ReplicaPlan plan = parts.plan();
        Path run = tools.runDirectory().apply(vm.name());
        ReplicaFiles files = new ReplicaFiles(tools.stateDirectory(), vm.definition(), plan.place());
        this.guest = new Guest(vm, tools.vms(), tools.replication(), parts.coldStart(), run);
        GuardedStop stop = new GuardedStop(parts.guardSocket(), vm, run, tools.freshIds());
        this.lag = new GuardLag(parts.guardSocket(), vm, run, this::onHeld);
        this.bound = new LagBound(lag, guest, thread, this::post, tools.nanoClock());
        this.primary = new PrimarySide(
                plan,
                new PrimarySide.Tools(guest, parts.peers(), run, worker, thread, tools.nanoClock(), stop, bound),
                this::post,
                this::onIdle);
        this.standby = new StandbySide(
                vm.definition(),
                new StandbyPlace(plan.place()),
                new StandbySide.Tools(
                        tools.replication(),
                        files,
                        tools.threshold(),
                        plan.content(),
                        tools.clock(),
                        tools.nanoClock()));
        this.room = new CopyRoom(vm.definition(), files, tools.images(), tools.clock(), tools.freshIds());
        this.orders = new StandbyOrders(thread, standby, waiters, this::state, this::post);
        this.recollection = new Recollection(tools.self(), files, guest, standby, tools.freshIds());
        this.hands = new MachineHands(
                new MachineHands.Tools(
                        plan, guest, primary, standby, files, record, tools.fencing(), bound, parts.peers()),
                new MachineFront(this::loop, waiters, room, standby, orders, this::publish),
                thread,
                asking,
                this::post);
        this.loop = new ReplicaLoop(
                name,
                Out.begin(new Self(tools.self(), plan.policy())),
                thread,
                tools.faults().around(ReplicaHands.class, hands),
                new Watcher(),
                tools.fatal());
        Parking.Machine parked = new ParkedMachine(vm, this::state, primary, this::post, this::onIdle);
        this.parking =
                new Parking(new Parking.Tools(vm.name(), plan, record, bound, thread, tools.nanoClock()), parked);
        this.givingBack = new GivingBack(parking, rounds, guest, asking);
        this.guestLook = new GuestLook(guest, hands, parking, this::post);
        this.recordLook = new RecordLook(record, thread, this::state, this::post);
        this.turns = new Turns(thread, primary, hands, parking, parked);
        this.farewell = new Farewell(plan.content(), guest, this::state, thread);
        this.outlook = new Outlook(vm.name(), plan, tools, new Outlook.Sources(record, primary, standby, hands));
    }

    /** Looks at what an agent before this one has left, then serves. Returns at once. */
    void start() {
        thread.execute(this::recover);
    }

    private void recover() {
        if (parking.isReverting()) {
            // Its guest stands still until the decision is known, and is another one then.
            thread.after(RETRY, this::recover);
            return;
        }
        try {
            Found found = recollection.look();
            LOG.info("{}: found {}", vm.name(), found);
            if (found instanceof Found.Primary life && life.guest() == Found.Guest.THERE) {
                hands.expectGuest();
                if (!life.settled() || standby.atRest().isPresent()) {
                    hands.settleLater(Duration.ZERO);
                }
            } else if (found instanceof Found.Standby) {
                standby.open(orders);
            }
            loop.post(new ReplicaEvent.Recovered(found));
            thread.execute(() -> {
                recovered.complete(null);
                look();
            });
        } catch (HypervisorException | IOException e) {
            LOG.error("{}: what was left of it cannot be told, which is tried again: {}", vm.name(), e.getMessage());
            thread.after(RETRY, this::recover);
        }
    }

    private ReplicaState state() {
        return loop.state();
    }

    private ReplicaLoop loop() {
        return loop;
    }

    private void publish() {
        outlook.publish();
    }

    private void post(ReplicaEvent event) {
        loop.post(event);
    }

    private void onHeld() {
        bound.held();
    }

    private boolean isBound() {
        boolean sends = state() instanceof Protected leading && !leading.runs() && !leading.isHeld();
        return sends || turns.isDue() || primary.isSending() || parking.isParked();
    }

    /** Keeps its epochs back while a round has it. */
    @Override
    public Parking parking() {
        return parking;
    }

    @Override
    public CompletableFuture<Boolean> isRecorded() {
        return recordLook.isRecorded(tools.self(), recovered::isDone);
    }

    /** Its name. */
    @Override
    public Name name() {
        return vm.name();
    }

    /** Asks for another role; done when it has it, or it was refused. Fails if it was granted and has failed. */
    public CompletableFuture<Optional<Reason>> ask(Wish wish) {
        CompletableFuture<Optional<Reason>> answer = new CompletableFuture<>();
        recovered.thenRun(() -> asking.execute(() -> {
            farewell.before(wish, answer);
            givingBack.before(wish);
            thread.execute(() -> requests.ask(wish, answer));
        }));
        return answer;
    }

    /** A person has decided that what these other nodes have may be lost: what this one has counts. */
    public CompletableFuture<Optional<Reason>> keepInsteadOf(Set<Name> nodes) {
        return recovered.thenCompose(
                nothing -> new Discarding(tools.self(), record, tools.fencing(), asking).discard(state(), nodes));
    }

    private void onIdle() {
        requests.resume();
        turns.planEpoch();
    }

    /** Takes part from now on: looks once more for disks. */
    public CompletableFuture<Void> enrol() {
        return recovered.thenCompose(nothing -> StandbyOrders.on(thread, () -> {
            outlook.enrol();
            if (state() instanceof Out out && out.copy().isEmpty()) {
                loop.post(new ReplicaEvent.Recovered(recollection.look()));
            }
            thread.execute(outlook::publish);
        }));
    }

    /** Whether this node takes part. */
    public boolean isEnrolled() {
        return outlook.isEnrolled();
    }

    /** Whether it leads, or has not told yet that it does not any more. */
    public boolean isLeading() {
        return state().life().isPresent();
    }

    /** Takes no part until the next start; a standby's copy stays. The guest of a primary has to be stopped before. */
    public CompletableFuture<Optional<Reason>> retire() {
        CompletableFuture<Void> told = recovered.thenCompose(nothing -> StandbyOrders.on(thread, outlook::retire));
        return told.thenCompose(
                nothing -> isLeading() ? CompletableFuture.completedFuture(Optional.empty()) : ask(Wish.RETIRE));
    }

    /** Somebody stops the guest: its end is no crash then. */
    public WishedEnd wishedEnd() {
        return hands.wishedEnd();
    }

    /** The guest was stopped by somebody's wish and is gone; done when the store knows, or does not answer. */
    public CompletableFuture<Optional<Reason>> stopped() {
        CompletableFuture<Optional<Reason>> answer = new CompletableFuture<>();
        recovered.thenRun(() -> thread.execute(() -> {
            guestLook.look();
            // After the event of its end.
            thread.execute(() -> {
                if (isLeading()) {
                    waiters.addCommand(answer);
                } else {
                    answer.complete(Optional.empty());
                }
            });
        }));
        return answer;
    }

    /** Whether a primary could make this node its standby. */
    boolean isReady() {
        return recovered.isDone() && isEnrolled() && (state() instanceof Out || state() instanceof Following);
    }

    /** A primary offers a copy; done when its disks can come. */
    CompletableFuture<PeerLink.Opening> offer(Copy copy, long generation, SortedMap<String, Long> disks) {
        CompletableFuture<PeerLink.Opening> answer = new CompletableFuture<>();
        recovered.thenRun(() -> thread.execute(() -> {
            if (!isEnrolled()) {
                answer.completeExceptionally(new IOException("this node takes no part"));
            } else if (room.expect(copy, disks, answer)) {
                post(new ReplicaEvent.SeedBegun(copy, generation));
            }
        }));
        return answer;
    }

    /** A primary says that this copy does not count any more. */
    void heardVoid(Copy copy) {
        recovered.thenRun(() -> post(new ReplicaEvent.VoidHeard(copy)));
    }

    /** How it is. */
    public ReplicaDetails details() {
        return outlook.details(state(), recovered.isDone());
    }

    /** Called all the time, to see what nobody tells. */
    private void look() {
        parking.look();
        if (parking.isParked() && requests.defers(Wish.DEMOTE)) {
            // Also one that was put off for an epoch before the round began.
            parking.want();
        }
        givingBack.look();
        guestLook.look();
        ReplicaState now = state();
        if (now instanceof Following && standby.standby().isPresent() && !standby.isAlive()) {
            post(new ReplicaEvent.CopyLost());
        }
        long nanos = tools.nanoClock().getAsLong();
        if (nanos - lastRetry >= RETRY.toNanos()) {
            lastRetry = nanos;
            post(new ReplicaEvent.Retry());
            recordLook.look();
            bound.look(now);
            turns.lookForStandby(asking, candidates::next);
            outlook.publish();
        }
        turns.planEpoch();
        thread.after(LOOK, this::look);
    }

    /** What the loop tells. */
    private final class Watcher implements ReplicaLoop.Watcher {
        @Override
        public void moved(ReplicaState before, ReplicaEvent event, ReplicaState after) {
            turns.heard(event);
            requests.moved(event);
            if (outlook.moved(before, event, after)) {
                LOG.info("{}: {} ({})", vm.name(), Story.word(after), event);
            }
            candidates.moved(before, event, after);
            if (after instanceof Leaving) {
                primary.hurry();
            }
        }

        @Override
        public void rejected(ReplicaEvent event, ReplicaState state) {
            turns.heard(event);
            if (requests.rejected(event)) {
                LOG.info("{}: {} does not fit, it is {}", vm.name(), event, Story.word(state));
            } else if (event instanceof ReplicaEvent.SeedBegun begun) {
                room.refused(begun.copy(), Reason.BUSY.text());
            } else if (event instanceof ReplicaEvent.MemoryComplete complete) {
                orders.rejected(complete, state);
            }
        }

        @Override
        public void settled() {
            requests.resume();
            parking.settled();
            turns.planEpoch();
        }
    }

    /** The agent ends; machine and standby stay. */
    @Override
    public void close() {
        thread.close();
        worker.close();
        asking.close();
        primary.dropLink();
        standby.close();
        lag.close();
    }
}
