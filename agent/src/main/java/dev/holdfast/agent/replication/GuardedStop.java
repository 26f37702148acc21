package dev.holdfast.agent.replication;

import dev.holdfast.agent.guard.GuardClient;
import dev.holdfast.agent.guard.GuardRefusedException;
import dev.holdfast.agent.guard.GuardUnavailableException;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.replication.Standstill;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The guard lets the guest run, if this agent ends in a stop or does not end it. A connection for each stop. One thread. */
final class GuardedStop implements Standstill {
    private static final Duration ANSWER = Duration.ofSeconds(1);

    private final Path socket;
    private final ManagedVm vm;
    private final Path runDirectory;
    private final Supplier<Name> freshIds;
    private String token = "";
    private @Nullable GuardClient client;

    /**
     * @param runDirectory of the machine
     * @param freshIds the guard remembers what it has fired for, longer than we do
     */
    GuardedStop(Path socket, ManagedVm vm, Path runDirectory, Supplier<Name> freshIds) {
        this.freshIds = freshIds;
        this.socket = socket;
        this.vm = vm;
        this.runDirectory = runDirectory;
    }

    @Override
    public void begins(Duration longest) throws HypervisorException {
        RunningVm process = vm.process()
                .orElseThrow(() -> new HypervisorException(Kind.GONE, vm.name() + " does not run any more"));
        try {
            token = "replica-" + freshIds.get();
            GuardClient guard = GuardClient.connect(socket, ANSWER, fired -> {});
            client = guard;
            guard.watch(vm.name(), runDirectory, process.control());
            guard.arm(vm.name(), token, longest, false);
        } catch (GuardUnavailableException | GuardRefusedException e) {
            throw new HypervisorException(Kind.REFUSED, String.valueOf(e.getMessage()), e);
        }
    }

    @Override
    public void over() throws HypervisorException {
        GuardClient guard = client;
        client = null;
        if (guard == null) {
            return;
        }
        // Its end is a thaw, if nothing else was.
        try (guard) {
            if (guard.disarm(vm.name(), token)) {
                throw new HypervisorException(
                        Kind.FAILED,
                        vm.name() + " stood still for too long for its new standby, and the guard has let it run");
            }
        } catch (IOException e) {
            throw new HypervisorException(
                    Kind.FAILED,
                    "whether the guard has let " + vm.name() + " run meanwhile is not known: " + e.getMessage(),
                    e);
        }
    }
}
