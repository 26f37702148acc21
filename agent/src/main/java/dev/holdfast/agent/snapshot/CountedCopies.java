package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.Increments;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.agent.snapshot.chain.ChainException;
import dev.holdfast.agent.snapshot.chain.DiskImages;
import dev.holdfast.agent.snapshot.chain.Layer;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.SortedMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Copies of raw images that the machine on them makes while it runs: the first one whole, each other one what was written since the one before,
 * on which it stands. What was written is counted by the machine's process, under the number of the copy from which it counts. One that was started
 * anew counts nothing, so that the next copy is whole again. One thread.
 *
 * @param chain where the images and the copies are
 * @param images makes the copies' files
 * @param slot the machine's process
 * @param wantedElsewhere whether another operation waits for the machine: then copying is given up
 */
record CountedCopies(ChainDirectory chain, DiskImages images, VmSlot slot, BooleanSupplier wantedElsewhere) {
    private static final Logger LOG = LoggerFactory.getLogger(CountedCopies.class);
    private static final long LOOK_NANOS = 20_000_000;
    /** What an image of qcow2 takes that holds nothing: header, tables, and the first of its counts. */
    private static final long EMPTY = 1 << 20;
    /** Tables take 8 bytes for each piece of 64 KiB, and counts of pieces 2. */
    private static final int NOTED_SHARE = 4096;

    /** Whether a copy can be made now. */
    boolean arePossible() {
        try {
            return machine().isPresent();
        } catch (IOException e) {
            LOG.debug("no copies are made now: {}", e.getMessage());
            return false;
        }
    }

    private Optional<Increments> machine() throws ChainException {
        try {
            return slot.running().flatMap(RunningVm::increments);
        } catch (HypervisorException e) {
            throw translated(e);
        }
    }

    /** What a copy takes, at most. */
    long bytes(Layer root) throws IOException {
        long whole = chain.image(root).bytes();
        Optional<Counted> counted = counted(root);
        long copied = counted.isPresent() ? Math.min(whole, counted.get().bytes()) : whole;
        return copied + copied / NOTED_SHARE + EMPTY;
    }

    /** The newest copy, if all is known that was written since it was made. */
    private record Counted(Layer copy, long bytes) {}

    private Optional<Counted> counted(Layer root) throws IOException {
        Optional<Layer> newest = chain.graph().backing().keySet().stream()
                .filter(layer -> layer.isIncrementOf(root))
                .max(Comparator.comparingInt(Layer::number));
        Optional<Increments> machine = machine();
        if (newest.isEmpty() || machine.isEmpty()) {
            return Optional.empty();
        }
        Layer copy = newest.get();
        if (chain.image(copy).virtualBytes() != chain.image(root).bytes()) {
            return Optional.empty();
        }
        try {
            OptionalLong bytes = machine.get().counted(chain.file(root), copy.number());
            return bytes.isPresent() ? Optional.of(new Counted(copy, bytes.getAsLong())) : Optional.empty();
        } catch (HypervisorException e) {
            throw translated(e);
        }
    }

    /** All of them, or none that has its name. */
    void copy(SortedMap<Layer, Layer> copies) throws IOException {
        Increments machine = machine()
                .orElseThrow(() ->
                        new ChainException("the machine does not run any more, and copies of %s are made by it alone"
                                .formatted(copies.keySet())));
        try {
            List<Increments.Copy> all = new ArrayList<>();
            for (Map.Entry<Layer, Layer> each : copies.entrySet()) {
                all.add(prepare(each.getKey(), each.getValue()));
            }
            machine.begin(all);
            while (!machine.areWhole()) {
                requireLeft();
                LockSupport.parkNanos(LOOK_NANOS);
            }
            // Closed, an image is complete.
            machine.end();
            for (Map.Entry<Layer, Layer> each : copies.entrySet()) {
                finish(each.getKey(), each.getValue());
            }
        } catch (HypervisorException e) {
            throw translated(e);
        }
    }

    private Increments.Copy prepare(Layer root, Layer copy) throws IOException {
        Optional<Counted> counted = counted(root);
        Path half = half(copy);
        Files.deleteIfExists(half);
        if (counted.isPresent()) {
            images.createOverlay(half, chain.file(counted.get().copy()));
        } else {
            images.create(half, chain.image(root).bytes());
        }
        LOG.info(
                "layers/{} is copied to layers/{}: {}",
                root,
                copy,
                counted.map(since -> since.bytes() + " bytes written since layers/" + since.copy())
                        .orElse("all of it, since nothing tells what was written since the copy before"));
        OptionalInt since =
                counted.isPresent() ? OptionalInt.of(counted.get().copy().number()) : OptionalInt.empty();
        return new Increments.Copy(root.disk(), chain.file(root), half, since, copy.number());
    }

    private void requireLeft() throws GaveWayException {
        if (wantedElsewhere.getAsBoolean()) {
            throw new GaveWayException("another operation wants the machine; its disks are copied another time");
        }
    }

    /** It gets the time of what it was copied from, by which its place is known if its name is lost. */
    private void finish(Layer root, Layer copy) throws IOException {
        Path half = half(copy);
        if (root.form() == ImageForm.RAW) {
            Files.setLastModifiedTime(half, Files.getLastModifiedTime(chain.file(root)));
        }
        try (FileChannel channel = FileChannel.open(half, StandardOpenOption.READ)) {
            channel.force(true);
        }
        Files.move(half, chain.file(copy), StandardCopyOption.ATOMIC_MOVE);
    }

    private Path half(Layer copy) {
        return chain.layers().resolve("." + copy.fileName() + ".tmp");
    }

    /** Removes what is left of one that has not got its name. */
    void removeHalf(Layer copy) throws IOException {
        try {
            Optional<Increments> machine = machine();
            if (machine.isPresent()) {
                machine.get().end();
            }
        } catch (HypervisorException e) {
            throw translated(e);
        }
        Files.deleteIfExists(half(copy));
    }

    /** What was written since the upper one is counted under the number of the lower one from now on. If not, the next copy is whole. */
    void merged(Layer top, Layer base) {
        try {
            Optional<Increments> machine = machine();
            for (Layer root : chain.graph().backing().keySet()) {
                if (machine.isPresent() && top.isIncrementOf(root) && base.isIncrementOf(root)) {
                    machine.get().renumber(chain.file(root), top.number(), base.number());
                }
            }
        } catch (HypervisorException | IOException e) {
            LOG.info("after layers/{} has gone into layers/{} the next copy is whole: {}", top, base, e.getMessage());
        }
    }

    private static ChainException translated(HypervisorException e) {
        return new ChainException(String.valueOf(e.getMessage()), e);
    }
}
