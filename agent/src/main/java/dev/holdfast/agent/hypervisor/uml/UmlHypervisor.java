package dev.holdfast.agent.hypervisor.uml;

import dev.holdfast.agent.files.OwnFile;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.OwnHypervisor;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/** Starts and finds kernels of User-Mode Linux and what shows them their disks. They are no children of ours and outlive the agent. Thread-safe. */
public final class UmlHypervisor extends OwnHypervisor {
    private static final Duration START = Duration.ofSeconds(30);
    private static final Duration ANSWER = Duration.ofSeconds(3);
    private static final long LOOK_NANOS = 5_000_000;
    private static final int LAST_WORDS = 2000;

    private final UmlSettings settings;
    private final Supplier<String> words;
    private final LongSupplier nanoClock;

    /**
     * @param settings where the programs are
     * @param words for the names of sockets: never the same again, and nobody can guess them
     * @param nanoClock monotonic nanoseconds
     */
    public UmlHypervisor(UmlSettings settings, Supplier<String> words, LongSupplier nanoClock) {
        super(settings.runDirectory());
        this.words = words;
        this.settings = settings;
        this.nanoClock = nanoClock;
    }

    @Override
    public RunningVm start(VmDefinition definition, StartMode mode) throws HypervisorException {
        UmlCommandLine.check(definition, mode);
        UmlDirectory directory = directory(definition.name(), mode.instance());
        List<ProcessIdentity> old = directory.tree();
        if (!old.isEmpty()) {
            throw new HypervisorException(
                    Kind.REFUSED,
                    definition.name() + " runs already as process " + old.get(0).pid());
        }
        new StorageProcess(directory, nanoClock).end(Optional.empty());
        directory.create();
        runDirectory().checkNotBarred(definition.name(), mode);
        try {
            return start(directory, definition, mode);
        } catch (HypervisorException e) {
            throw ended(directory, e);
        }
    }

    private RunningVm start(UmlDirectory directory, VmDefinition definition, StartMode mode)
            throws HypervisorException {
        StorageDaemon storage = new StorageProcess(directory, nanoClock).start(settings, definition);
        try {
            // That took a while, in which it may have been stopped.
            runDirectory().checkNotBarred(definition.name(), mode);
            ProcessIdentity first = launch(definition, directory, mode);
            UmlVm vm = new UmlVm(definition, directory, first, Optional.of(storage), words, nanoClock);
            if (mode.running()) {
                vm.awaitConsole(START);
            } else {
                vm.awaitHeld(ANSWER);
            }
            return vm;
        } catch (HypervisorException e) {
            storage.close();
            throw e;
        }
    }

    /** Nothing is left of a start that failed, and so nothing of it is unknown; but if it could not be ended, all is. */
    private HypervisorException ended(UmlDirectory directory, HypervisorException because) {
        Kind kind = because.kind() == Kind.UNKNOWN ? Kind.FAILED : because.kind();
        try {
            end(directory);
        } catch (HypervisorException e) {
            because.addSuppressed(e);
            kind = Kind.UNKNOWN;
        }
        return new HypervisorException(kind, because.getMessage() + lastWords(directory), because);
    }

    private ProcessIdentity launch(VmDefinition definition, UmlDirectory directory, StartMode mode)
            throws HypervisorException {
        try {
            ProcessBuilder builder = new ProcessBuilder(UmlCommandLine.of(settings, definition, directory, mode));
            builder.redirectErrorStream(true);
            builder.redirectInput(
                    ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
            OwnFile.prepare(directory.console());
            builder.redirectOutput(
                    ProcessBuilder.Redirect.appendTo(directory.console().toFile()));
            builder.environment().putAll(settings.environment());
            Process process = builder.start();
            if (!process.waitFor(ANSWER.toMillis(), TimeUnit.MILLISECONDS) || process.exitValue() != 0) {
                process.destroyForcibly();
                throw new HypervisorException(Kind.REFUSED, definition.name() + " does not start");
            }
            return awaitProcess(definition, directory);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new HypervisorException(Kind.UNKNOWN, "the start of " + definition.name() + " was interrupted", e);
        } catch (IOException e) {
            throw new HypervisorException(Kind.REFUSED, definition.name() + " does not start: " + e.getMessage(), e);
        }
    }

    private ProcessIdentity awaitProcess(VmDefinition definition, UmlDirectory directory) throws HypervisorException {
        long start = nanoClock.getAsLong();
        while (nanoClock.getAsLong() - start < ANSWER.toNanos()) {
            Optional<ProcessIdentity> process = directory.process();
            if (process.isPresent()) {
                return process.get();
            }
            LockSupport.parkNanos(LOOK_NANOS);
        }
        throw new HypervisorException(
                Kind.GONE,
                definition.name() + " ended right after its start; is the package user-mode-linux installed?");
    }

    @Override
    public boolean mayRun(Name vm) {
        try {
            return directory(vm, Optional.empty()).process().isPresent();
        } catch (HypervisorException e) {
            return true;
        }
    }

    /** What a guest that has ended left behind ends too: its disks are free then. */
    @Override
    public Optional<RunningVm> find(VmDefinition definition, Optional<String> instance) throws HypervisorException {
        UmlDirectory directory = directory(definition.name(), instance);
        if (!Files.isDirectory(directory.path())) {
            return Optional.empty(); // It was not started here since the host was, which needs no look at each process.
        }
        Optional<ProcessIdentity> first = directory.process();
        if (first.isEmpty()) {
            List<ProcessIdentity> left = directory.tree();
            if (!left.isEmpty() && !directory.hasEnded()) {
                throw new HypervisorException(
                        Kind.UNKNOWN,
                        "process %d runs %s, and no pid file names it; end it, or let pacemaker do that"
                                .formatted(left.get(0).pid(), definition.name()));
            }
            end(directory);
            return Optional.empty();
        }
        Optional<ProcessIdentity> storage = directory.storage();
        if (storage.isEmpty()) {
            // It has lost its disks, and can be stopped.
            return Optional.of(new UmlVm(definition, directory, first.get(), Optional.empty(), words, nanoClock));
        }
        StorageDaemon daemon = StorageDaemon.connect(directory.storageSocket(), storage.get(), nanoClock);
        UmlVm vm = new UmlVm(definition, directory, first.get(), Optional.of(daemon), words, nanoClock);
        try {
            vm.tidy();
            return Optional.of(vm);
        } catch (HypervisorException e) {
            vm.close();
            throw e;
        }
    }

    @Override
    public void kill(VmDefinition definition, Optional<String> instance) throws HypervisorException {
        end(directory(definition.name(), instance));
    }

    private void end(UmlDirectory directory) throws HypervisorException {
        GuestProcesses.kill(directory, nanoClock);
        new StorageProcess(directory, nanoClock).end(Optional.empty());
    }

    @Override
    public RunningVm takePlace(RunningVm instance, VmDefinition definition) throws HypervisorException {
        if (!(instance instanceof UmlVm vm)) {
            throw new IllegalArgumentException("not a machine of this driver");
        }
        if (directory(definition.name(), Optional.empty()).process().isPresent()) {
            throw new HypervisorException(
                    Kind.REFUSED, "the old process of " + definition.name() + " still runs; end it first");
        }
        vm.directory().takePlace();
        return vm;
    }

    private UmlDirectory directory(Name vm, Optional<String> instance) throws HypervisorException {
        return UmlDirectory.of(runDirectory().of(vm), instance);
    }

    /** What the kernel said last; empty if nothing. */
    private static String lastWords(UmlDirectory directory) {
        try (FileChannel console = FileChannel.open(directory.console(), StandardOpenOption.READ)) {
            // A guest that talks a lot makes a long file.
            ByteBuffer end = ByteBuffer.allocate(LAST_WORDS);
            console.read(end, Math.max(0, console.size() - LAST_WORDS));
            String said = new String(end.array(), 0, end.position(), StandardCharsets.ISO_8859_1).strip();
            return said.isEmpty() ? "" : "; its kernel says: " + said;
        } catch (IOException e) {
            return "";
        }
    }
}
