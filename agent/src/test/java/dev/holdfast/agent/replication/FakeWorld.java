package dev.holdfast.agent.replication;

import dev.holdfast.agent.hypervisor.Hypervisor;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.VmStatus;
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

    private final Path place;
    private @Nullable RunningVm machine;
    private OptionalLong standby = OptionalLong.empty();
    private boolean running;
    /** What sends, if a test has its own. */
    @Nullable
    Primary sender;

    int boots;
    int failovers;

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

    void crash() {
        machine = null;
    }

    private RunningVm vm(Name name) {
        return proxy(RunningVm.class, (self, method, arguments) -> switch (method.getName()) {
            case "name" -> name;
            case "identity" -> ALIVE;
            case "isAlive" -> machine == self;
            case "status" -> running ? VmStatus.RUNNING : VmStatus.PAUSED;
            case "resume" -> {
                running = true;
                yield null;
            }
            case "quit", "kill" -> {
                machine = null;
                yield null;
            }
            case "hashCode" -> System.identityHashCode(self);
            case "equals" -> self == arguments[0];
            case "close" -> null;
            default -> throw new UnsupportedOperationException(method.getName());
        });
    }

    @Override
    public RunningVm start(VmDefinition definition, StartMode mode) {
        boots++;
        return runs(definition);
    }

    private RunningVm runs(VmDefinition definition) {
        RunningVm now = vm(definition.name());
        machine = now;
        running = true;
        return now;
    }

    @Override
    public Primary primary(RunningVm vm) {
        return sender != null
                ? sender
                : proxy(Primary.class, (self, method, arguments) -> switch (method.getName()) {
                    case "isAttached", "isComplete" -> false;
                    case "cut", "detach" -> null;
                    default -> throw new UnsupportedOperationException(method.getName());
                });
    }

    @Override
    public Standby startStandby(VmDefinition definition, StandbyPlace where) {
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
            case "identity" -> ALIVE;
            case "committed" -> standby.orElse(0) > 0 ? standby : OptionalLong.empty();
            case "failOver" -> {
                failovers++;
                standby = OptionalLong.empty();
                yield runs(definition);
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
    public void clear(StandbyPlace where) {
        clear();
    }

    @Override
    public void settle(RunningVm vm, StandbyPlace where, Duration bound) {
        clear();
    }

    private void clear() {
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
