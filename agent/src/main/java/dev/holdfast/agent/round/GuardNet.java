package dev.holdfast.agent.round;

import dev.holdfast.agent.files.OwnFile;
import dev.holdfast.agent.guard.Fired;
import dev.holdfast.agent.guard.GuardClient;
import dev.holdfast.agent.guard.GuardRefusedException;
import dev.holdfast.agent.guard.GuardUnavailableException;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.agent.vm.VmRegistry;
import dev.holdfast.coordinator.port.Snapshotter.PhaseException;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The guard as the net below every freeze: one connection for each machine, so that none waits for another. Thread-safe. */
public final class GuardNet implements ThawNet, AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(GuardNet.class);
    private static final Duration ANSWER = Duration.ofSeconds(1);
    private static final Duration LONGEST_DEADLINE = Duration.ofMinutes(10);
    private static final Duration LONGEST_QUIESCE = Duration.ofMinutes(1);
    /** Longer than the guard waits for one answer of the guest. */
    private static final Duration RESTORED_DEADLINE = Duration.ofSeconds(5);
    /** The guard's own mark, and the only one that shell scripts know. */
    private static final String HELD = "frozen";
    /** Holds the process that stands still with frozen file systems. */
    private static final String RESTORED = "restored-quiesced";

    /** How the line of a mark begins that says for what it is there. */
    private static final String TOKEN = "token=";

    private static final String DEADLINE = "deadline_ms=";
    private static final String DOMAIN = "domain";

    /** One request to the guard. */
    private interface Request<R> {
        R ask(GuardClient client) throws GuardUnavailableException, GuardRefusedException, PhaseException;
    }

    private final Path socket;
    private final Function<Name, Path> runDirectory;
    private final VmRegistry vms;
    private final Consumer<Fired> listener;
    private final Map<Name, GuardClient> clients = new ConcurrentHashMap<>();
    private final Map<Name, Object> connecting = new ConcurrentHashMap<>();

    /**
     * @param socket the guard's
     * @param runDirectory of each machine
     * @param vms the machines
     * @param listener told when the guard has thawed by itself; must not block
     */
    public GuardNet(Path socket, Function<Name, Path> runDirectory, VmRegistry vms, Consumer<Fired> listener) {
        this.socket = socket;
        this.runDirectory = runDirectory;
        this.vms = vms;
        this.listener = listener;
    }

    @Override
    public void arm(Name vm, String token, Duration deadline, boolean wasPaused) throws PhaseException {
        Duration bound = deadline.compareTo(LONGEST_DEADLINE) < 0 ? deadline : LONGEST_DEADLINE;
        Request<Boolean> arm = client -> {
            client.arm(vm, token, bound, wasPaused);
            return true;
        };
        Request<Boolean> known = client -> {
            // Its own session with QEMU may have been lost since: this waits for a new one, where arming would refuse.
            watch(client, vm);
            return arm.ask(client);
        };
        if (clients.containsKey(vm)) {
            try {
                ask(vm, known);
                return;
            } catch (PhaseException e) {
                if (clients.containsKey(vm)) {
                    throw e;
                }
                LOG.info("the connection to the guard was lost; connecting again for {}", vm);
            }
        }
        ask(vm, arm);
    }

    @Override
    public boolean disarm(Name vm, String token) throws PhaseException {
        return ask(vm, client -> client.disarm(vm, token));
    }

    @Override
    public int quiesce(Name vm, String token, Duration bound) throws PhaseException {
        if (isWithoutAgents(vm)) {
            throw new PhaseException(Refusal.preflight("there is no guest agent under its hypervisor"));
        }
        Duration most = bound.compareTo(LONGEST_QUIESCE) < 0 ? bound : LONGEST_QUIESCE;
        return ask(vm, client -> client.quiesce(vm, token, most), Refusal::preflight);
    }

    @Override
    public void unquiesce(Name vm, String token) throws PhaseException {
        if (isWithoutAgents(vm)) {
            return; // It was not quiesced.
        }
        ask(vm, client -> client.unquiesce(vm, token));
    }

    @Override
    public int thawRestored(Name vm, String token) throws PhaseException {
        int fileSystems = ask(vm, client -> {
            client.armRestored(vm, token, RESTORED_DEADLINE);
            int thawed = client.unquiesce(vm, token);
            client.disarm(vm, token);
            return thawed;
        });
        removeMark(vm, RESTORED);
        return fileSystems;
    }

    @Override
    public void markRestored(Name vm) throws PhaseException {
        try {
            OwnFile.write(runDirectory.apply(vm).resolve(RESTORED), life(vm) + "\n");
        } catch (IOException e) {
            throw new PhaseException(
                    Refusal.failed(
                            "that the file systems of %s are frozen cannot be noted: %s".formatted(vm, e.getMessage())),
                    e);
        }
    }

    /** Whether {@link #markRestored} was called for the process that the machine has now. */
    public boolean isMarkedRestored(Name vm) {
        try {
            Path mark = runDirectory.apply(vm).resolve(RESTORED);
            return Files.exists(mark) && Files.readString(mark).strip().equals(life(vm));
        } catch (IOException | PhaseException e) {
            LOG.warn("whether the file systems of {} are frozen cannot be read: {}", vm, e.getMessage());
            return false;
        }
    }

    /** The guard has no way to the file systems of such a guest. */
    private boolean isWithoutAgents(Name vm) {
        return vms.find(vm)
                .flatMap(ManagedVm::process)
                .filter(process -> !process.kind().hasGuestAgents())
                .isPresent();
    }

    private RunningVm process(Name vm) throws PhaseException {
        return vms.find(vm)
                .orElseThrow(() -> new PhaseException(Refusal.failed("no machine " + vm + " here")))
                .process()
                .orElseThrow(() -> new PhaseException(Refusal.failed(vm + " does not run")));
    }

    private String life(Name vm) throws PhaseException {
        return process(vm).identity().word();
    }

    private <R> R ask(Name vm, Request<R> request) throws PhaseException {
        return ask(vm, request, Refusal::failed);
    }

    private <R> R ask(Name vm, Request<R> request, Function<String, Refusal> refused) throws PhaseException {
        try {
            return request.ask(client(vm));
        } catch (GuardUnavailableException e) {
            forget(vm);
            throw new PhaseException(
                    Refusal.failed("the guard cannot be reached, and without it nothing is frozen: " + e.getMessage()
                            + "; start it with 'systemctl start holdfast-guard'"),
                    e);
        } catch (GuardRefusedException e) {
            throw new PhaseException(refused.apply("the guard refused: " + e.getMessage()), e);
        }
    }

    /** One at a time for a machine; machines do not wait for each other, because a freeze would wait for all of them. */
    private GuardClient client(Name vm) throws GuardUnavailableException, GuardRefusedException, PhaseException {
        synchronized (connecting.computeIfAbsent(vm, name -> new Object())) {
            return knownOrNew(vm);
        }
    }

    private void watch(GuardClient client, Name vm)
            throws GuardUnavailableException, GuardRefusedException, PhaseException {
        RunningVm process = process(vm);
        tellTheScript(process);
        client.watch(vm, runDirectory.apply(vm), process.control());
    }

    /** For the script that lets it run when nobody else of us is there. Who starts domains makes no directory for the guard's mark. */
    private void tellTheScript(RunningVm process) throws PhaseException {
        Path directory = runDirectory.apply(process.name());
        try {
            if (process.kind().isOwn()) {
                Files.deleteIfExists(directory.resolve(DOMAIN));
                return;
            }
            Files.createDirectories(directory);
            Object domain = process.control().words().getOrDefault(DOMAIN, "");
            OwnFile.write(directory.resolve(DOMAIN), domain + "\n");
        } catch (IOException e) {
            throw new PhaseException(
                    Refusal.failed("%s cannot be written to: %s".formatted(directory, e.getMessage())), e);
        }
    }

    private GuardClient knownOrNew(Name vm) throws GuardUnavailableException, GuardRefusedException, PhaseException {
        GuardClient known = clients.get(vm);
        if (known != null) {
            return known;
        }
        // Each connection hears of every machine; one is told once.
        GuardClient client = GuardClient.connect(socket, ANSWER, fired -> {
            if (fired.vm().equals(vm)) {
                listener.accept(fired);
            }
        });
        clients.put(vm, client);
        try {
            watch(client, vm);
        } catch (GuardUnavailableException | GuardRefusedException | PhaseException e) {
            forget(vm);
            throw e;
        }
        return client;
    }

    /** The machine has a new process, or none: the guard must look anew before the next freeze. */
    public void forget(Name vm) {
        GuardClient client = clients.remove(vm);
        if (client != null) {
            try {
                client.close();
            } catch (IOException e) {
                LOG.debug("closing the connection to the guard: {}", e.getMessage());
            }
        }
    }

    @Override
    public void markHeld(Name vm, String token, boolean wasPaused) throws PhaseException {
        Path directory = runDirectory.apply(vm);
        Path fresh = directory.resolve("." + HELD + ".agent");
        try {
            OwnFile.write(
                    fresh,
                    "token=%s\ndeadline_ms=0\nsince_boottime_ms=0\nkind=hold\nwas_paused=%d\n"
                            .formatted(token, wasPaused ? 1 : 0));
            // Nobody must see half of it: a torn mark counts as past its deadline, and the monitor of pacemaker would
            // thaw.
            Files.move(fresh, directory.resolve(HELD), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw new PhaseException(Refusal.failed("the mark of the hold cannot be written: " + e.getMessage()), e);
        }
    }

    @Override
    public void unmark(Name vm, String token) {
        if (mark(vm).contains(TOKEN + token)) {
            removeMark(vm, HELD);
        }
    }

    /** For what a machine is held without a deadline, as its mark says; empty if it is not, or only frozen. */
    public Optional<String> holdOn(Name vm) {
        List<String> lines = mark(vm);
        return lines.contains("kind=hold") ? token(lines) : Optional.empty();
    }

    /** For what a machine is frozen, or held, as its mark says; empty if it is not. */
    public Optional<String> markedFor(Name vm) {
        return token(mark(vm));
    }

    private static Optional<String> token(List<String> lines) {
        return lines.stream()
                .filter(line -> line.startsWith(TOKEN))
                .map(line -> line.substring(TOKEN.length()))
                .findFirst();
    }

    /**
     * A freeze that is in force.
     *
     * @param since when it began, by the wall clock
     * @param until when the guard ends it at the latest
     */
    public record Frozen(Instant since, Instant until) {}

    /** Since when and until when a machine is frozen, as its mark says; empty if it is not, or is held without a deadline. */
    public Optional<Frozen> frozen(Name vm) {
        List<String> lines = mark(vm);
        if (!lines.contains("kind=freeze")) {
            return Optional.empty();
        }
        try {
            // The guard writes the mark anew whenever the deadline begins anew.
            Instant since = Files.getLastModifiedTime(runDirectory.apply(vm).resolve(HELD))
                    .toInstant();
            return lines.stream()
                    .filter(line -> line.matches(DEADLINE + "\\d{1,9}"))
                    .map(line -> since.plusMillis(Long.parseLong(line.substring(DEADLINE.length()))))
                    .map(until -> new Frozen(since, until))
                    .findFirst();
        } catch (IOException e) {
            LOG.debug("{} is not frozen any more: {}", vm, e.getMessage());
            return Optional.empty();
        }
    }

    private List<String> mark(Name vm) {
        try {
            return Files.readAllLines(runDirectory.apply(vm).resolve(HELD));
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (IOException e) {
            LOG.warn("the mark of {} cannot be read: {}", vm, e.getMessage());
            return List.of();
        }
    }

    private void removeMark(Name vm, String name) {
        Path mark = runDirectory.apply(vm).resolve(name);
        try {
            Files.deleteIfExists(mark);
        } catch (IOException e) {
            LOG.warn("{} runs, but its mark {} cannot be removed: {}", vm, mark, e.getMessage());
        }
    }

    /** Ends all connections; the guard thaws what was armed. */
    @Override
    public void close() {
        clients.keySet().forEach(this::forget);
    }
}
