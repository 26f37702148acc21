package dev.holdfast.agent.hypervisor.uml;

import dev.holdfast.agent.hypervisor.Capture;
import dev.holdfast.agent.hypervisor.CapturePlan;
import dev.holdfast.agent.hypervisor.Control;
import dev.holdfast.agent.hypervisor.DiskState;
import dev.holdfast.agent.hypervisor.FreezeFacts;
import dev.holdfast.agent.hypervisor.GuestHardware;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.Surroundings;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.hypervisor.block.CommitJob;
import dev.holdfast.agent.hypervisor.block.LayerNodes;
import dev.holdfast.agent.process.BoundedProcess;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/** A guest of User-Mode Linux. One thread at a time; {@link #thaw} and {@link #close} from any. */
final class UmlVm implements RunningVm {
    static final String NO_MEMORY =
            "User-Mode Linux cannot write a guest's memory, and a revert boots it; use --disk-only";

    private static final Duration QUICK = Duration.ofSeconds(3);
    private static final Duration REPEAT = Duration.ofMillis(250);
    private static final Duration STANDSTILL = Duration.ofSeconds(30);
    private static final Duration BOOT = Duration.ofSeconds(30);
    private static final Duration END = Duration.ofSeconds(5);
    private static final long LOOK_NANOS = 2_000_000;
    private static final int MANY = 20;

    private final VmDefinition definition;
    private final UmlDirectory directory;
    private final GuestProcesses processes;
    private final Mconsole console;
    private final GuestBrake brake;
    private final Optional<StorageDaemon> storage;
    private final LongSupplier nanoClock;

    /** @param storage has its disks open; empty if that has ended: nothing can be done with such a machine but to end it */
    UmlVm(
            VmDefinition definition,
            UmlDirectory directory,
            ProcessIdentity first,
            Optional<StorageDaemon> storage,
            Supplier<String> words,
            LongSupplier nanoClock) {
        this.definition = definition;
        this.directory = directory;
        this.processes = GuestProcesses.of(directory, first, nanoClock);
        this.console = new Mconsole(directory.mconsole(), words, nanoClock);
        this.brake = new GuestBrake(console, nanoClock);
        this.storage = storage;
        this.nanoClock = nanoClock;
    }

    VmDefinition definition() {
        return definition;
    }

    UmlDirectory directory() {
        return directory;
    }

    GuestProcesses processes() {
        return processes;
    }

    /** @throws HypervisorException GUEST_BROKEN without it */
    StorageDaemon storage() throws HypervisorException {
        return storage.orElseThrow(() -> new HypervisorException(
                Kind.GUEST_BROKEN,
                "%s (process %d) has lost its disks: their qemu-storage-daemon has ended; stop the machine, and start it"
                        .formatted(name(), identity().pid())));
    }

    LongSupplier nanoClock() {
        return nanoClock;
    }

    /** Clears what an agent that was interrupted left behind. */
    void tidy() throws HypervisorException {
        CommitJob.clearLeftovers(storage());
        new LayerNodes(storage()).closeAllBut(disks());
    }

    /**
     * Waits until the kernel answers, early in its boot. A request that comes between the socket and the interrupt for it lies there until
     * the next one comes, so that it is repeated.
     */
    void awaitConsole(Duration bound) throws HypervisorException {
        await(() -> Files.exists(directory.mconsole()) && answers(), bound, "begin to boot");
    }

    /** Waits until it has stopped itself before its boot: an order to boot that came earlier would be lost. */
    void awaitHeld(Duration bound) throws HypervisorException {
        await(processes::isHeld, bound, "stop before its boot");
    }

    @FunctionalInterface
    private interface Condition {
        boolean holds() throws HypervisorException;
    }

    private void await(Condition condition, Duration bound, String what) throws HypervisorException {
        long start = nanoClock.getAsLong();
        while (!condition.holds()) {
            if (!identity().isAlive()) {
                throw new HypervisorException(Kind.GONE, name() + " ended right after its start");
            }
            if (nanoClock.getAsLong() - start > bound.toNanos()) {
                throw new HypervisorException(
                        Kind.UNKNOWN, "%s did not %s within %d s".formatted(name(), what, bound.toSeconds()));
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
    }

    private boolean answers() {
        try {
            return console.ask("version", REPEAT).isDone();
        } catch (IOException e) {
            return false;
        }
    }

    @FunctionalInterface
    private interface Order {
        Mconsole.Answer give() throws IOException;
    }

    /** @throws HypervisorException UNKNOWN without an answer, GONE without a process */
    private Mconsole.Answer answer(Order order) throws HypervisorException {
        try {
            return order.give();
        } catch (SocketTimeoutException e) {
            if (!identity().isAlive()) {
                throw new HypervisorException(Kind.GONE, name() + " has ended", e);
            }
            throw new HypervisorException(Kind.UNKNOWN, name() + " hangs: " + e.getMessage(), e);
        } catch (IOException e) {
            // Its process ends a moment after its socket.
            Kind kind = identity().endsWithin(Duration.ofMillis(300), nanoClock) ? Kind.GONE : Kind.UNKNOWN;
            throw new HypervisorException(
                    kind, "the console of %s does not answer: %s".formatted(name(), e.getMessage()), e);
        }
    }

    @Override
    public Name name() {
        return definition.name();
    }

    @Override
    public ProcessIdentity identity() {
        return processes.first();
    }

    @Override
    public Control control() {
        return Control.console(identity());
    }

    @Override
    public GuestHardware hardware() throws HypervisorException {
        return GuestHardware.still(definition);
    }

    @Override
    public HypervisorKind kind() {
        return HypervisorKind.UML;
    }

    @Override
    public Optional<Path> consoleOutput() {
        return Optional.of(directory.console());
    }

    @Override
    public String hypervisor() {
        return "User-Mode Linux"
                + storage.map(daemon ->
                                ", qemu-storage-daemon " + daemon.client().version())
                        .orElse("");
    }

    @Override
    public boolean isAlive() {
        // Nothing is lost any more to one that was found without its disks: it is what it is until it is stopped.
        return identity().isAlive() && storage.map(StorageDaemon::isAlive).orElse(true);
    }

    @Override
    public VmStatus status() throws HypervisorException {
        if (!identity().isAlive()) {
            throw new HypervisorException(Kind.GONE, "process " + identity().pid() + " of " + name() + " has ended");
        }
        if (storage.filter(daemon -> daemon.identity().isAlive()).isEmpty()) {
            return VmStatus.IO_ERROR;
        }
        return processes.isStopped() ? VmStatus.PAUSED : VmStatus.RUNNING;
    }

    @Override
    public boolean hasShutDown() {
        return !identity().isAlive() && directory.isTidy();
    }

    @Override
    public List<DiskState> disks() throws HypervisorException {
        return storage().disks(definition);
    }

    @Override
    public Surroundings surroundings(boolean memory) {
        return new Surroundings(memory ? List.of(name() + ": " + NO_MEMORY) : List.of(), List.of());
    }

    @Override
    public Capture newCapture(CapturePlan plan) {
        return new UmlCapture(this, plan);
    }

    @Override
    public FreezeFacts pause() throws HypervisorException {
        boolean early = processes.isStopped() || !stop(QUICK);
        try {
            awaitStandstill(STANDSTILL);
        } catch (HypervisorException e) {
            if (!early && e.kind() == Kind.FAILED) {
                letRun(QUICK);
            }
            throw e;
        }
        return new FreezeFacts(nanoClock.getAsLong(), 0, early);
    }

    /** @return false if it was stopped already */
    boolean stop(Duration bound) throws HypervisorException {
        Mconsole.Answer answer = answer(() -> brake.stop(bound));
        if (!answer.isDone() && !answer.text().equals("Already stopped")) {
            throw new HypervisorException(Kind.FAILED, name() + " did not stop: " + answer.text());
        }
        return answer.isDone();
    }

    /** @throws HypervisorException UNKNOWN if what the guest wrote last does not get to its disks in time */
    GuestProcesses.Standstill awaitStandstill(Duration bound) throws HypervisorException {
        return processes
                .awaitStandstill(bound)
                .orElseThrow(() -> new HypervisorException(
                        Kind.UNKNOWN,
                        "%s has stopped, but its disks were still written to after %d ms; look at its storage"
                                .formatted(name(), bound.toMillis())));
    }

    @Override
    public void resume() throws HypervisorException {
        letRun(QUICK);
    }

    /**
     * @return false if it ran already
     * @throws HypervisorException UNKNOWN if it may be stopped, or may stop yet because of an order that was not answered
     */
    boolean letRun(Duration bound) throws HypervisorException {
        boolean held = processes.isHeld();
        if (held) {
            // Or somebody else has held it with a signal, and before that it was told to stop: both are undone.
            boot();
        }
        Mconsole.Answer answer = answer(() -> brake.letRun(bound));
        if (!answer.isDone() && !answer.text().equals("Not stopped")) {
            throw new HypervisorException(Kind.FAILED, name() + " does not go on: " + answer.text());
        }
        return held || answer.isDone();
    }

    /** As the guard does: the thread of its kernel that obeys an order to stop has answered, and nothing stops it after that. */
    @Override
    public boolean release() throws HypervisorException {
        boolean stood = letRun(QUICK);
        for (int stops = 0; stops < MANY; stops++) {
            answer(() -> console.ask("config -", QUICK)); // Refused, since no device has that name.
            LockSupport.parkNanos(REPEAT.toNanos());
            if (!letRun(QUICK)) {
                return stood;
            }
            stood = true;
        }
        throw new HypervisorException(Kind.FAILED, name() + " was stopped again and again; who does that?");
    }

    private void boot() throws HypervisorException {
        try {
            BoundedProcess.Ended ended = BoundedProcess.run(
                    List.of("sh", "-c", "kill -CONT " + identity().pid()), QUICK);
            if (ended.status() != 0) {
                throw new IOException(ended.output());
            }
        } catch (IOException e) {
            throw new HypervisorException(Kind.FAILED, name() + " cannot be booted: " + e.getMessage(), e);
        }
        awaitConsole(BOOT);
    }

    @Override
    public void thaw(Duration bound) throws HypervisorException {
        letRun(bound);
    }

    /** Ctrl-Alt-Del is the only button there is: what it does is up to the guest, which may also boot anew. */
    @Override
    public boolean shutdown(Duration patience) throws HypervisorException {
        if (processes.isHeld()) {
            return false; // It has no console yet, and nobody who could take it.
        }
        try {
            answer(() -> console.ask("cad", QUICK));
        } catch (HypervisorException e) {
            if (e.kind() != Kind.UNKNOWN) {
                throw e;
            }
            // A busy guest may do what it was told without having answered in time.
        }
        if (!identity().endsWithin(patience, nanoClock)) {
            return false;
        }
        endAll();
        return true;
    }

    @Override
    public void quit() throws HypervisorException {
        if (identity().isAlive() && !processes.isHeld()) {
            try {
                answer(() -> console.ask("halt", QUICK));
            } catch (HypervisorException e) {
                // It hangs, or has just ended: the signals need no answer.
                identity().signal(false);
            }
            if (!identity().endsWithin(END, nanoClock)) {
                identity().signal(false);
                identity().endsWithin(END, nanoClock);
            }
        }
        endAll();
    }

    @Override
    public void kill() throws HypervisorException {
        endAll();
    }

    /** Whatever is left of the guest's processes ends, then what has its disks open. */
    private void endAll() throws HypervisorException {
        GuestProcesses.kill(directory, nanoClock);
        new StorageProcess(directory, nanoClock).end(storage);
    }

    @Override
    public void mergeIntermediate(String diskId, Path top, Path base, Progress progress) throws HypervisorException {
        if (disks().stream()
                .anyMatch(disk -> disk.id().equals(diskId) && disk.active().equals(top))) {
            throw new HypervisorException(Kind.REFUSED, top + " is the active layer of disk " + diskId);
        }
        CommitJob job = new CommitJob(storage(), definition, diskId);
        job.start(Map.of(
                "device",
                storage().activeNodes().get(diskId),
                "top-node",
                new LayerNodes(storage()).of(top),
                "base-node",
                new LayerNodes(storage()).of(base)));
        job.awaitEnd(progress);
        tidy();
    }

    @Override
    public void close() {
        brake.close();
        storage.ifPresent(StorageDaemon::close);
    }
}
