package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.hypervisor.Capture;
import dev.holdfast.agent.hypervisor.CapturePlan;
import dev.holdfast.agent.hypervisor.DiskState;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.agent.snapshot.chain.ChainException;
import dev.holdfast.agent.snapshot.chain.Generation;
import dev.holdfast.agent.snapshot.chain.Layer;
import dev.holdfast.agent.snapshot.chain.LayerGraph;
import dev.holdfast.agent.snapshot.chain.LiveDisks;
import dev.holdfast.agent.snapshot.chain.LiveSettling;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;

/** The disks of a running machine in the words of its chain. One thread. */
final class DriverDisks implements LiveDisks {
    private static final Duration CUT = Duration.ofSeconds(10);

    private final ChainDirectory chain;
    private final RunningVm vm;
    private final FreezeWatch watch;
    private final String operation;
    private final Progress progress;
    private final LiveSettling settling;

    DriverDisks(VmChain of, RunningVm vm, String operation, Progress progress) {
        this(of, vm, operation, progress, () -> false);
    }

    /** @param wantedElsewhere whether another operation waits for the machine */
    DriverDisks(VmChain of, RunningVm vm, String operation, Progress progress, BooleanSupplier wantedElsewhere) {
        this.chain = of.chain();
        this.vm = vm;
        this.watch = of.tools().watch();
        this.operation = operation;
        this.progress = progress;
        this.settling = new DriverSettling(of, vm, operation, progress, wantedElsewhere);
    }

    @Override
    public Optional<SortedMap<String, Layer>> written() throws IOException {
        TreeMap<String, Layer> written = new TreeMap<>();
        for (DiskState disk : disks()) {
            written.put(disk.id(), layer(disk.id(), disk.active()));
        }
        return Optional.of(written);
    }

    @Override
    public boolean holds(Layer layer) throws IOException {
        Path file = chain.file(layer);
        return disks().stream().anyMatch(disk -> disk.layers().contains(file));
    }

    @Override
    public void cut(Generation to) throws IOException {
        Map<String, Path> overlays = to.layers().entrySet().stream()
                .collect(Collectors.toMap(Map.Entry::getKey, entry -> chain.file(entry.getValue())));
        CapturePlan plan = new CapturePlan(overlays, Optional.empty(), CaptureMethod.DISK_ONLY, CUT);
        try (Capture capture = vm.newCapture(plan)) {
            cut(capture, vm.status() == VmStatus.RUNNING);
        } catch (HypervisorException | SnapshotException e) {
            throw new ChainException(String.valueOf(e.getMessage()), e);
        }
    }

    /** @param runs whether the guest will be stopped, so that somebody must watch */
    private void cut(Capture capture, boolean runs) throws HypervisorException, SnapshotException {
        boolean armed = false;
        try {
            capture.prepare();
            if (runs) {
                watch.arm(vm.name(), operation, CUT);
                armed = true;
            }
            capture.freeze();
            capture.capture();
            capture.proveAndThaw();
            capture.drain(Progress.NONE);
        } catch (HypervisorException | SnapshotException e) {
            // If it is not certain that the guest runs, the guard goes on watching.
            if (isTakenBack(capture, e) && armed) {
                watch.disarm(vm.name(), operation);
            }
            throw e;
        }
        if (armed) {
            watch.disarm(vm.name(), operation);
        }
    }

    private static boolean isTakenBack(Capture capture, Exception because) {
        try {
            capture.abandon();
            return true;
        } catch (HypervisorException e) {
            because.addSuppressed(e);
            return false;
        }
    }

    @Override
    public void merge(Layer top, Layer base) throws IOException {
        try {
            vm.mergeIntermediate(top.disk(), chain.file(top), chain.file(base), progress);
        } catch (HypervisorException e) {
            throw new ChainException(String.valueOf(e.getMessage()), e);
        }
    }

    @Override
    public LiveSettling settling() {
        return settling;
    }

    /**
     * The machine must have exactly the layers of the head open, each under its own name.
     *
     * @throws ChainException naming the file that is not as it should be
     */
    void checkOnHead(LayerGraph graph) throws IOException {
        for (DiskState disk : disks()) {
            Layer head = graph.head().layers().get(disk.id());
            if (head == null) {
                throw new ChainException("disk %s of %s is not in the chain %s; import it first"
                        .formatted(disk.id(), vm.name(), chain.path()));
            }
            List<Path> expected = graph.chain(head).stream().map(chain::file).toList();
            if (!disk.layers().equals(expected)) {
                throw new ChainException(
                        ("disk %s of %s has %s open, its head names %s; the machine was not started from"
                                        + " %s: shut it down, run \"holdfast fsck\", start it again")
                                .formatted(disk.id(), vm.name(), disk.layers(), expected, chain.headFile(disk.id())));
            }
        }
    }

    private Layer layer(String disk, Path file) throws ChainException {
        return chain.layerAt(file)
                .orElseThrow(
                        () -> new ChainException("disk %s of %s writes %s, which is no layer of %s; shut the machine"
                                        .formatted(disk, vm.name(), file, chain.path())
                                + " down and correct its definition"));
    }

    private List<DiskState> disks() throws IOException {
        try {
            return vm.disks();
        } catch (HypervisorException e) {
            throw new ChainException(String.valueOf(e.getMessage()), e);
        }
    }
}
