package dev.holdfast.agent.replication;

import dev.holdfast.agent.guard.GuardClient;
import dev.holdfast.agent.guard.GuardRefusedException;
import dev.holdfast.agent.guard.GuardUnavailableException;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.VmIdentity;
import dev.holdfast.agent.vm.ManagedVm;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The guard, over a connection of this machine's own. Thread-safe. */
public final class GuardLag implements LagGuard, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(GuardLag.class);
    /** Always the same: the next life of the agent has to be able to take it back. */
    private static final String TOKEN = "replica-lag";

    private static final Duration ANSWER = Duration.ofSeconds(1);

    private final Path socket;
    private final ManagedVm vm;
    private final Path runDirectory;
    private final Runnable held;
    private @Nullable GuardClient client;
    private @Nullable VmIdentity watched;

    /**
     * @param socket the guard's
     * @param runDirectory of the machine
     * @param held told when the guard has held the machine; must not block
     */
    public GuardLag(Path socket, ManagedVm vm, Path runDirectory, Runnable held) {
        this.socket = socket;
        this.vm = vm;
        this.runDirectory = runDirectory;
        this.held = held;
    }

    @Override
    public synchronized void arm(Duration after) throws IOException {
        try {
            ask(guard -> guard.hold(vm.name(), TOKEN, after));
        } catch (IOException e) {
            LOG.debug("{}: the guard is asked once more: {}", vm.name(), e.getMessage());
            ask(guard -> guard.hold(vm.name(), TOKEN, after));
        }
    }

    @Override
    public synchronized void disarm() throws IOException {
        if (vm.process().isEmpty()) {
            return;
        }
        ask(guard -> guard.holdOff(vm.name(), TOKEN));
    }

    private interface Request {
        void to(GuardClient guard) throws GuardUnavailableException, GuardRefusedException;
    }

    private void ask(Request request) throws IOException {
        Optional<RunningVm> process = vm.process();
        if (process.isEmpty()) {
            throw new IOException(vm.name() + " does not run, or nothing is known of its process now");
        }
        try {
            GuardClient guard = client;
            if (guard == null) {
                guard = GuardClient.connect(socket, ANSWER, fired -> {}, was -> {
                    if (was.vm().equals(vm.name()) && was.token().equals(TOKEN)) {
                        held.run();
                    }
                });
                client = guard;
                watched = null;
            }
            VmIdentity life = process.get().identity();
            if (!life.equals(watched)) {
                guard.watch(vm.name(), runDirectory, process.get().control());
                watched = life;
            }
            request.to(guard);
        } catch (GuardUnavailableException | GuardRefusedException e) {
            close();
            throw new IOException(e.getMessage(), e);
        }
    }

    @Override
    public synchronized void close() {
        GuardClient open = client;
        client = null;
        if (open != null) {
            try {
                open.close();
            } catch (IOException e) {
                LOG.debug("closing the connection to the guard", e);
            }
        }
    }
}
