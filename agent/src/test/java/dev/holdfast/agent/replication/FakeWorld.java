package dev.holdfast.agent.replication;

import dev.holdfast.agent.hypervisor.Hypervisor;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.agent.hypervisor.Relocation;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.hypervisor.replication.EpochContent;
import dev.holdfast.agent.hypervisor.replication.Primary;
import dev.holdfast.agent.hypervisor.replication.Replication;
import dev.holdfast.agent.hypervisor.replication.Standby;
import dev.holdfast.agent.hypervisor.replication.StandbyPlace;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The processes of a node, which outlive its agents. Every process has this one's identity. */
final class FakeWorld implements Hypervisor, Replication {
    private static final ProcessIdentity ALIVE =
            ProcessIdentity.of(ProcessHandle.current().pid()).orElseThrow();

    private static final ProcessIdentity DEAD = new ProcessIdentity(1, -1);

    private final Path place;
    private @Nullable RunningVm machine;
    private OptionalLong standby = OptionalLong.empty();
    private OptionalLong committing = OptionalLong.empty();
    private OptionalLong resting = OptionalLong.empty();
    private boolean running;
    private boolean shutDown;
    /** What has become of the machine, if it does not run on. */
    @Nullable
    VmStatus broken;

    /** What sends, if a test has its own. */
    @Nullable
    Primary sender;

    /** The guest shuts down when it is asked to. */
    boolean obeys;

    private boolean ended;
    int shutdowns;

    /** A failover, or a commit, does not succeed. */
    boolean failing;
    /** A standby's process ends in its failover. */
    boolean dies;
    /** Nobody hears that the machine is here now. */
    boolean unheard;

    int commits;
    /** What is missing for the machine to run here. */
    boolean noNetwork;

    /** A process of the machine that is in no note. */
    boolean unnoted;

    int boots;
    int failovers;
    int wakings;

    FakeWorld(Path place) {
        this.place = place;
    }

    private static <T> T proxy(Class<T> type, InvocationHandler handler) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
    }

    boolean runs() {
        return machine != null && running;
    }

    boolean hasStandby() {
        return standby.isPresent();
    }

    /** A standby that has committed an epoch. */
    void standbyAt(long epoch) {
        standby = OptionalLong.of(epoch);
    }

    /** One whose agent died in the commit of the epoch after that. */
    void standbyCommitting(long epoch) {
        standby = OptionalLong.of(epoch);
        committing = OptionalLong.of(epoch + 1);
    }

    /** Lets the machine run, as the end of an epoch does that was given up. */
    void release() {
        running = true;
    }

    /** The guest shuts down; its process stays. */
    /** The guard has held it. */
    void hold() {
        running = false;
    }

    void shutDown() {
        shutDown = true;
    }

    void crash() {
        machine = null;
    }

    private RunningVm vm(Name name) {
        return proxy(RunningVm.class, (self, method, arguments) -> switch (method.getName()) {
            case "name" -> name;
            case "identity" -> ALIVE;
            case "isAlive" -> machine == self;
            case "hasShutDown" -> shutDown;
            case "status" ->
                broken != null ? broken : ended ? VmStatus.GUEST_ENDED : running ? VmStatus.RUNNING : VmStatus.PAUSED;
            case "resume" -> {
                running = true;
                yield null;
            }
            case "pause" -> {
                running = false;
                yield null;
            }
            case "quit", "kill" -> {
                machine = null;
                yield null;
            }
            case "hashCode" -> System.identityHashCode(self);
            case "equals" -> self == arguments[0];
            case "close" -> null;
            case "relocation" ->
                proxy(Relocation.class, (one, called, none) -> {
                    if (unheard) {
                        throw new HypervisorException(Kind.UNKNOWN, "no answer");
                    }
                    return null;
                });
            default -> throw new UnsupportedOperationException(method.getName());
        });
    }

    @Override
    public RunningVm start(VmDefinition definition, StartMode mode) {
        if (mode.memory().isEmpty()) {
            boots++;
            return runs(definition);
        }
        wakings++;
        RunningVm waits = runs(definition);
        running = false;
        return waits;
    }

    private RunningVm runs(VmDefinition definition) {
        RunningVm now = vm(definition.name());
        machine = now;
        running = true;
        shutDown = false;
        return now;
    }

    @Override
    public void checkNoneUnnoted(VmDefinition definition) throws HypervisorException {
        if (unnoted) {
            throw new HypervisorException(HypervisorException.Kind.UNKNOWN, "process 1 runs it");
        }
    }

    @Override
    public Primary primary(RunningVm vm) {
        return sender != null
                ? sender
                : proxy(Primary.class, (self, method, arguments) -> switch (method.getName()) {
                    case "isAttached", "isComplete" -> false;
                    case "cut", "detach" -> null;
                    case "shutDown" -> {
                        shutdowns++;
                        ended = obeys;
                        running = !ended;
                        yield ended;
                    }
                    case "startAnew" -> {
                        ended = false;
                        boots++;
                        yield null;
                    }
                    default -> throw new UnsupportedOperationException(method.getName());
                });
    }

    @Override
    public Standby startStandby(VmDefinition definition, StandbyPlace where, EpochContent content)
            throws HypervisorException {
        if (failing) {
            throw new HypervisorException(Kind.REFUSED, "there is no room");
        }
        clear();
        standby = OptionalLong.of(0);
        return standby(definition);
    }

    @Override
    public Optional<Standby> findStandby(VmDefinition definition, StandbyPlace where) {
        return standby.isPresent() ? Optional.of(standby(definition)) : Optional.empty();
    }

    private Standby standby(VmDefinition definition) {
        return proxy(Standby.class, (self, method, arguments) -> switch (method.getName()) {
            case "identity" -> dies ? DEAD : ALIVE;
            case "committing" -> committing;
            case "commit" -> {
                commits++;
                if (failing) {
                    throw new HypervisorException(Kind.FAILED, "the disks do not follow");
                }
                standby = committing;
                committing = OptionalLong.empty();
                yield null;
            }
            case "isRolledBack" -> true;
            case "committed" ->
                committing.isPresent() ? OptionalLong.empty() : standby.orElse(0) > 0 ? standby : OptionalLong.empty();
            case "failOver" -> {
                if (dies) {
                    standby = OptionalLong.empty();
                    throw new HypervisorException(Kind.GONE, "the memory does not load");
                }
                if (noNetwork) {
                    throw new HypervisorException(HypervisorException.Kind.REFUSED, "there is no bridge");
                }
                if (failing) {
                    throw new HypervisorException(Kind.FAILED, "there is no bridge");
                }
                failovers++;
                standby = OptionalLong.empty();
                RunningVm waits = runs(definition);
                running = false;
                yield waits;
            }
            case "rest" -> {
                resting = standby;
                standby = OptionalLong.empty();
                yield null;
            }
            case "discard" -> {
                standby = OptionalLong.empty();
                clear();
                yield null;
            }
            case "close", "abandon" -> null;
            default -> throw new UnsupportedOperationException(method.getName());
        });
    }

    @Override
    public Optional<AtRest> atRest(VmDefinition definition, StandbyPlace where) {
        return resting.isPresent()
                ? Optional.of(new AtRest(
                        resting.getAsLong(), Optional.of(where.directory().resolve("memory-0"))))
                : Optional.empty();
    }

    @Override
    public void clear(StandbyPlace where) {
        clear();
    }

    @Override
    public void settle(RunningVm vm, StandbyPlace where, Duration bound) {
        clear();
    }

    /** The node's power is gone, and with it what was on the volatile medium. */
    void powerFails() {
        machine = null;
        standby = OptionalLong.empty();
        clear();
    }

    private void clear() {
        resting = OptionalLong.empty();
        try (Stream<Path> files = Files.list(Files.createDirectories(place))) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public Optional<RunningVm> find(VmDefinition definition, Optional<String> instance) {
        return Optional.ofNullable(machine);
    }

    @Override
    public boolean isBarred(VmDefinition definition) {
        return false;
    }

    @Override
    public void permit(VmDefinition definition) {}

    @Override
    public Set<Name> running() {
        return Set.of();
    }

    @Override
    public void kill(VmDefinition definition, Optional<String> instance) {
        machine = null;
    }

    @Override
    public RunningVm takePlace(RunningVm instance, VmDefinition definition) {
        throw new UnsupportedOperationException();
    }
}
