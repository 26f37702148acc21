package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.Settling;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.agent.snapshot.chain.ChainException;
import dev.holdfast.agent.snapshot.chain.Layer;
import dev.holdfast.agent.snapshot.chain.LiveSettling;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The way home of a running machine's disks, through its driver. One thread. */
final class DriverSettling implements LiveSettling {
    private static final Logger LOG = LoggerFactory.getLogger(DriverSettling.class);
    /** After which the guard lets the guest run: more than all that is done meanwhile. */
    private static final Duration STILL = Duration.ofSeconds(10);
    /** What a guest writes within the tenth of a second in which a job may not look is copied in this, or the machine writes too much. */
    private static final Duration EVEN = Duration.ofSeconds(1);

    private static final Duration PIVOT = Duration.ofSeconds(5);
    private static final long LOOK_NANOS = 20_000_000;
    private static final long LOOK_STILL_NANOS = 1_000_000;

    private final ChainDirectory chain;
    private final RunningVm vm;
    private final FreezeWatch watch;
    private final String operation;
    private final Progress progress;
    private final LongSupplier nanoClock;
    private final BooleanSupplier wantedElsewhere;
    private final Map<Layer, Settling> disks = new LinkedHashMap<>();
    private boolean armed;
    private long stoppedAt;

    /** @param wantedElsewhere whether another operation waits for the machine */
    DriverSettling(VmChain of, RunningVm vm, String operation, Progress progress, BooleanSupplier wantedElsewhere) {
        this.chain = of.chain();
        this.vm = vm;
        this.watch = of.tools().watch();
        this.nanoClock = of.tools().nanoClock();
        this.operation = operation;
        this.progress = progress;
        this.wantedElsewhere = wantedElsewhere;
    }

    /** One step of the driver, in the errors of a chain. */
    private interface Action {
        void run() throws HypervisorException, SnapshotException, IOException;
    }

    private static void translated(Action action) throws IOException {
        try {
            action.run();
        } catch (HypervisorException | SnapshotException e) {
            throw new ChainException(String.valueOf(e.getMessage()), e);
        }
    }

    @Override
    public void follow(Collection<Layer> homes) throws IOException {
        translated(() -> {
            for (Layer home : homes) {
                Settling disk = vm.settle(home.disk(), chain.file(home));
                disks.put(home, disk);
                disk.begin();
            }
            while (!allFollow()) {
                requireLeft();
                LockSupport.parkNanos(LOOK_NANOS);
            }
            // So that the one inside the pause is short.
            flush();
            requireLeft();
        });
    }

    private boolean allFollow() throws HypervisorException {
        boolean all = true;
        long done = 0;
        long total = 0;
        for (Settling disk : disks.values()) {
            Settling.Advance now = disk.look();
            all &= now.follows();
            done += now.done();
            total += now.total();
        }
        progress.at(done, total);
        return all;
    }

    private void requireLeft() throws ChainException {
        if (wantedElsewhere.getAsBoolean()) {
            throw new ChainException("another operation wants %s; its disks go home another time".formatted(vm.name()));
        }
    }

    @Override
    public void holdStill() throws IOException {
        translated(() -> {
            if (vm.status() == VmStatus.RUNNING) {
                watch.arm(vm.name(), operation, STILL);
                armed = true;
                stoppedAt = nanoClock.getAsLong();
                vm.pause();
            }
            long since = nanoClock.getAsLong();
            while (!areEven()) {
                if (nanoClock.getAsLong() - since >= EVEN.toNanos()) {
                    throw new ChainException(
                            "%s writes more than its storage can copy beside that; its disks stay on their layers"
                                    .formatted(vm.name()));
                }
                LockSupport.parkNanos(LOOK_STILL_NANOS);
            }
            flush();
        });
    }

    private boolean areEven() throws HypervisorException {
        for (Settling disk : disks.values()) {
            if (!disk.isEven()) {
                return false;
            }
        }
        return true;
    }

    /** A host that loses its power must find both sides even, too. */
    private void flush() throws IOException {
        for (Layer home : disks.keySet()) {
            try (FileChannel channel = FileChannel.open(chain.file(home), StandardOpenOption.READ)) {
                channel.force(false);
            }
        }
    }

    @Override
    public void pivot(Layer home) throws IOException {
        Settling disk = disks.get(home);
        if (disk == null) {
            throw new ChainException("layers/%s does not follow what %s writes".formatted(home, vm.name()));
        }
        translated(() -> disk.pivot(PIVOT));
    }

    @Override
    public void letRun() throws IOException {
        if (armed) {
            translated(this::resume);
            long millis = Duration.ofNanos(nanoClock.getAsLong() - stoppedAt).toMillis();
            LOG.info("{}: stood still for {} ms while its disks went home", vm.name(), millis);
            // If it is not certain that the guest runs, the guard goes on watching.
            watch.disarm(vm.name(), operation);
            armed = false;
        }
        translated(() -> {
            for (Settling disk : disks.values()) {
                disk.end();
            }
        });
    }

    /** The guard may have been faster, and a machine that has ended needs nothing. */
    private void resume() throws HypervisorException {
        try {
            if (vm.status() == VmStatus.PAUSED) {
                vm.resume();
            }
        } catch (HypervisorException e) {
            if (e.kind() != HypervisorException.Kind.GONE) {
                throw e;
            }
        }
    }

    @Override
    public void end(Collection<Layer> homes) throws IOException {
        translated(() -> {
            for (Layer home : homes) {
                vm.settle(home.disk(), chain.file(home)).end();
            }
        });
    }
}
