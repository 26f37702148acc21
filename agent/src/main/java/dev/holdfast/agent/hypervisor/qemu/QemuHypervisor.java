package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.files.OwnFile;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.MemoryImages;
import dev.holdfast.agent.hypervisor.OwnHypervisor;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.image.ImageException;
import dev.holdfast.agent.image.KeyedImages;
import dev.holdfast.agent.image.MemoryKeys;
import dev.holdfast.agent.qmp.QmpClient;
import dev.holdfast.agent.qmp.QmpException;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/** Starts and finds QEMU processes. They are daemons, not children, and outlive the agent. Thread-safe. */
public final class QemuHypervisor extends OwnHypervisor {
    private static final Duration START = Duration.ofSeconds(30);
    private static final Duration ANSWER = Duration.ofSeconds(5);
    private static final int WORDS_OF_QEMU = 4000;

    /** When the host goes down, pacemaker stops or moves the machines first; what it leaves is ended before the storage goes. */
    private static final List<String> ORDER =
            List.of("--property=Before=pacemaker.service", "--property=After=remote-fs.target");

    private final QemuSettings settings;
    private final LongSupplier nanoClock;
    private final Duration patience;
    private final MemoryKeys memoryKeys;

    /**
     * @param settings where QEMU is
     * @param nanoClock monotonic nanoseconds
     */
    public QemuHypervisor(QemuSettings settings, LongSupplier nanoClock) {
        this(settings, nanoClock, MemoryKeys.NONE);
    }

    /**
     * @param settings where QEMU is
     * @param nanoClock monotonic nanoseconds
     * @param memoryKeys with which memory images are written and read
     */
    public QemuHypervisor(QemuSettings settings, LongSupplier nanoClock, MemoryKeys memoryKeys) {
        this(settings, nanoClock, START, memoryKeys);
    }

    /** @param patience with QEMU until it has opened its disks */
    QemuHypervisor(QemuSettings settings, LongSupplier nanoClock, Duration patience, MemoryKeys memoryKeys) {
        super(settings.runDirectory());
        this.settings = settings;
        this.nanoClock = nanoClock;
        this.patience = patience;
        this.memoryKeys = memoryKeys;
    }

    @Override
    public RunningVm start(VmDefinition definition, StartMode mode) throws HypervisorException {
        return start(definition, mode, DiskWiring.PLAIN);
    }

    QemuVm start(VmDefinition definition, StartMode mode, DiskWiring wiring) throws HypervisorException {
        VmDirectory directory = VmDirectory.of(settings.runDirectory(), definition.name(), mode.instance());
        Optional<ProcessIdentity> old = directory.process();
        if (old.isPresent()) {
            throw new HypervisorException(
                    Kind.REFUSED,
                    definition.name() + " runs already as process " + old.get().pid());
        }
        directory.create();
        if (settings.user().isPresent()) {
            directory.letPass();
        }
        runDirectory().checkNotBarred(definition.name(), mode);
        launch(definition, directory, mode, wiring);
        QemuVm vm = connect(definition, directory)
                .orElseThrow(() -> new HypervisorException(
                        Kind.GONE, definition.name() + " ended right after its start: " + lastWords(directory)));
        checkRights(vm);
        if (mode.memory().isPresent()) {
            load(vm, directory, mode.memory().get());
        }
        return vm;
    }

    /** What it opened as root, it must be able to open as whom it has become. */
    private static void checkRights(QemuVm vm) throws HypervisorException {
        try {
            UserNetwork.of(vm.monitor().owner())
                    .check(vm.definition().ownHardware().nics());
            vm.lendLayers();
        } catch (HypervisorException e) {
            vm.kill();
            vm.close();
            throw e;
        }
    }

    @Override
    public MemoryImages images() {
        return new KeyedImages(memoryKeys);
    }

    private void load(QemuVm vm, VmDirectory directory, Path memory) throws HypervisorException {
        try {
            new IncomingMemory(vm.monitor(), memoryKeys).load(memory);
        } catch (HypervisorException e) {
            String words = lastWords(directory);
            vm.kill();
            vm.close();
            throw refusal(memory, e, words);
        }
    }

    /** @param words QEMU's last, which may be none */
    static HypervisorException refusal(Path memory, HypervisorException failure, String words) {
        // What is wrong with the image is said already, and QEMU only saw that it ends.
        return failure.getCause() instanceof ImageException
                ? failure
                : new HypervisorException(
                        Kind.REFUSED,
                        "the memory image " + memory + " does not load: "
                                + (words.isEmpty() ? failure.getMessage() : words)
                                + "; it needs the same machine definition as when it was taken",
                        failure);
    }

    private void launch(VmDefinition definition, VmDirectory directory, StartMode mode, DiskWiring wiring)
            throws HypervisorException {
        List<String> command = new ArrayList<>();
        if (settings.scopes()) {
            String unit = "holdfast-vm-" + definition.name()
                    + mode.instance().map(i -> "-" + i).orElse("");
            command.addAll(List.of("systemd-run", "--quiet", "--scope", "--collect", "--unit=" + unit));
            command.addAll(ORDER);
            // The agent is spared by a host that runs out of memory; machines are to be taken before pacemaker is.
            command.addAll(List.of("--", "choom", "-n", "0", "--"));
        }
        command.addAll(QemuCommandLine.of(settings, definition, directory, mode, wiring));
        Path output = directory.file("start.log");
        try {
            ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
            builder.redirectInput(
                    ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
            OwnFile.prepare(output);
            builder.redirectOutput(output.toFile());
            builder.environment().putAll(settings.environment());
            Process process = builder.start();
            if (!process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS)) {
                throw endOfHanging(process, definition, directory, mode);
            }
            if (process.exitValue() != 0) {
                String words = Files.readString(output).strip() + " " + lastWords(directory);
                throw new HypervisorException(
                        Kind.REFUSED,
                        definition.name() + " does not start; " + settings.emulator() + " says: " + words.strip());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new HypervisorException(Kind.UNKNOWN, "the start of " + definition.name() + " was interrupted", e);
        } catch (IOException e) {
            throw new HypervisorException(
                    Kind.REFUSED,
                    "cannot run " + settings.emulator() + ": " + e.getMessage() + "; is QEMU installed?",
                    e);
        }
    }

    /** What was started only waits for the daemon that opens the disks. That one must not run when the storage is back. */
    private HypervisorException endOfHanging(
            Process process, VmDefinition definition, VmDirectory directory, StartMode mode)
            throws HypervisorException {
        process.destroyForcibly();
        Kind kind = directory.process().isPresent() ? Kind.FAILED : Kind.UNKNOWN;
        kill(definition, mode.instance());
        return new HypervisorException(
                kind,
                "%s: QEMU did not finish its start within %d s and was ended; look at the storage behind its disks"
                        .formatted(definition.name(), patience.toSeconds()));
    }

    @Override
    public Optional<RunningVm> find(VmDefinition definition, Optional<String> instance) throws HypervisorException {
        VmDirectory directory = VmDirectory.of(settings.runDirectory(), definition.name(), instance);
        Optional<QemuVm> vm = connect(definition, directory);
        if (vm.isPresent()) {
            vm.get().tidy();
        }
        return vm.map(v -> v);
    }

    @Override
    public boolean mayRun(Name vm) {
        try {
            return VmDirectory.of(settings.runDirectory(), vm, Optional.empty())
                    .process()
                    .isPresent();
        } catch (HypervisorException e) {
            return true;
        }
    }

    /** Finds an instance without clearing anything in it. */
    Optional<QemuVm> look(VmDefinition definition, String instance) throws HypervisorException {
        return connect(definition, VmDirectory.of(settings.runDirectory(), definition.name(), Optional.of(instance)));
    }

    void checkNoneUnnoted(VmDefinition definition) throws HypervisorException {
        try {
            OptionalLong stray = VmDirectory.of(settings.runDirectory(), definition.name(), Optional.empty())
                    .unnoted();
            if (stray.isPresent()) {
                throw new HypervisorException(
                        Kind.UNKNOWN,
                        "process %d runs %s, and no pid file names it; end it, or let pacemaker do that"
                                .formatted(stray.getAsLong(), definition.name()));
            }
        } catch (IOException e) {
            throw new HypervisorException(
                    Kind.UNKNOWN, "whether " + definition.name() + " runs cannot be told: " + e, e);
        }
    }

    LongSupplier nanoClock() {
        return nanoClock;
    }

    private Optional<QemuVm> connect(VmDefinition definition, VmDirectory directory) throws HypervisorException {
        Optional<ProcessIdentity> process = directory.process();
        if (process.isEmpty()) {
            return Optional.empty();
        }
        directory.putBack();
        try {
            QmpClient client = QmpClient.connect(directory.agentSocket(), ANSWER, nanoClock);
            if (client.peer().pid() != process.get().pid() && client.peer().pid() > 0) {
                client.close();
                throw new HypervisorException(
                        Kind.UNKNOWN,
                        directory.agentSocket() + " belongs to process "
                                + client.peer().pid() + ", but "
                                + directory.pidFile() + " names "
                                + process.get().pid()
                                + "; end the one that should not be there");
            }
            return Optional.of(
                    new QemuVm(definition, directory, new Monitor(client, process.get(), nanoClock), memoryKeys));
        } catch (QmpException e) {
            if (!process.get().isAlive()
                    || e.kind() == QmpException.Kind.CLOSED && Monitor.endsSoon(process.get(), nanoClock)) {
                return Optional.empty();
            }
            throw new HypervisorException(
                    Kind.UNKNOWN,
                    definition.name() + " has a process (" + process.get().pid() + ") that does not answer: "
                            + e.getMessage(),
                    e);
        }
    }

    @Override
    public void kill(VmDefinition definition, Optional<String> instance) throws HypervisorException {
        Optional<ProcessIdentity> process = VmDirectory.of(settings.runDirectory(), definition.name(), instance)
                .process();
        if (process.isPresent()) {
            process.get().signal(true);
            if (!process.get().endsWithin(ANSWER, nanoClock)) {
                throw new HypervisorException(
                        Kind.UNKNOWN,
                        "process " + process.get().pid() + " of " + definition.name()
                                + " does not end although it was killed; its storage hangs in the kernel");
            }
        }
    }

    @Override
    public RunningVm takePlace(RunningVm instance, VmDefinition definition) throws HypervisorException {
        VmDirectory place = VmDirectory.of(settings.runDirectory(), definition.name(), Optional.empty());
        if (!(instance instanceof QemuVm vm)) {
            throw new IllegalArgumentException("not a machine of this driver");
        }
        if (place.process().isPresent()) {
            throw new HypervisorException(
                    Kind.REFUSED, "the old process of " + definition.name() + " still runs; end it first");
        }
        try {
            vm.connectNetwork();
            return vm.movedTo(place);
        } catch (IOException e) {
            throw new HypervisorException(Kind.FAILED, "cannot move the sockets to " + place.path() + ": " + e, e);
        }
    }

    /** What QEMU wrote to its log last; empty if nothing. */
    private static String lastWords(VmDirectory directory) {
        try {
            String log = Files.exists(directory.log())
                    ? Files.readString(directory.log()).strip()
                    : "";
            return log.substring(Math.max(0, log.length() - WORDS_OF_QEMU));
        } catch (IOException e) {
            return "(its log is unreadable: " + e.getMessage() + ")";
        }
    }
}
