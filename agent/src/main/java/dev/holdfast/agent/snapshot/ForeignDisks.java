package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.hypervisor.DiskState;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.agent.snapshot.chain.ChainException;
import dev.holdfast.agent.snapshot.chain.Generation;
import dev.holdfast.agent.snapshot.chain.Intent;
import dev.holdfast.agent.snapshot.chain.Layer;
import dev.holdfast.agent.snapshot.chain.SnapshotRecord;
import dev.holdfast.agent.storage.HostCommands;
import dev.holdfast.agent.storage.ImageStore.CopyName;
import dev.holdfast.agent.storage.ImageStore.Site;
import dev.holdfast.agent.storage.StorageException;
import dev.holdfast.agent.storage.directory.DirectoryStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * The disks of a machine that somebody else has made: they are cloned while it stands still, under the names of copies of the layers that its
 * head leads to, and are never written. One thread.
 *
 * @param definition the machine
 * @param chain beside its first disk
 * @param store of that chain
 */
record ForeignDisks(VmDefinition definition, ChainDirectory chain, DirectoryStore store) {
    /** What a clone takes for each piece of a file: 16 to 23 microseconds were measured, and this is for a machine with much to do. */
    private static final long NANOS_PER_PIECE = 50_000;

    static ForeignDisks of(VmDefinition definition, ChainDirectory chain) {
        return new ForeignDisks(
                definition,
                chain,
                new DirectoryStore(
                        new HostCommands(), vm -> Optional.of(chain.path().resolve("layers"))));
    }

    /** @throws SnapshotException their storage does not clone; nothing was made there */
    static void requireClones(VmDefinition definition) throws SnapshotException {
        DirectoryStore store = new DirectoryStore(new HostCommands(), vm -> Optional.empty());
        for (VmDefinition.Disk disk : definition.disks()) {
            try {
                Optional<Site> site = store.site(disk.path());
                if (site.isEmpty() || site.get().best().isEmpty()) {
                    throw SnapshotException.refused(
                            "disk %s of %s is kept by a clone of its file, and %s is %s: move it to a file system that clones (XFS, btrfs), or take %s out of its group"
                                    .formatted(
                                            disk.id(),
                                            definition.name(),
                                            disk.path(),
                                            site.map(Site::words).orElse("no file that is here"),
                                            definition.name()));
                }
            } catch (StorageException e) {
                throw SnapshotException.refused(String.valueOf(e.getMessage()));
            }
        }
    }

    /** A snapshot of all disks that is under way. */
    Intent intent(SnapshotRequest request) throws IOException {
        Generation head = chain.head();
        int number = chain.nextNumber();
        TreeMap<String, Layer> copies = new TreeMap<>();
        head.layers().forEach((disk, layer) -> copies.put(disk, layer.copy(number)));
        return Intent.clone(request.operation(), request.name(), head, new Generation(head.number(), copies));
    }

    /**
     * How long it will take to clone them all.
     *
     * @throws SnapshotException longer than the guest may stand still
     */
    Duration forecast(Duration deadline) throws SnapshotException {
        long pieces = 0;
        try {
            for (VmDefinition.Disk disk : definition.disks()) {
                pieces += store.pieces(disk.path());
            }
        } catch (StorageException e) {
            throw SnapshotException.refused(String.valueOf(e.getMessage()));
        }
        Duration expected = Duration.ofNanos(pieces * NANOS_PER_PIECE);
        if (expected.compareTo(deadline) > 0) {
            throw SnapshotException.refused(
                    "the disks of %s are in %d pieces, which may take %d ms to clone, and it may stand still for %d: defragment them (xfs_fsr, btrfs filesystem defragment), or allow a longer --deadline"
                            .formatted(definition.name(), pieces, expected.toMillis(), deadline.toMillis()));
        }
        return expected;
    }

    /** @throws SnapshotException the machine has other disks than its definition, or in another form than can be kept */
    void requireThose(RunningVm vm) throws SnapshotException {
        try {
            List<DiskState> open = vm.disks();
            List<String> ids = open.stream().map(DiskState::id).sorted().toList();
            List<String> defined = definition.disks().stream()
                    .map(VmDefinition.Disk::id)
                    .sorted()
                    .toList();
            if (!ids.equals(defined)) {
                throw SnapshotException.refused("%s has the disks %s, its definition names %s; correct that"
                        .formatted(definition.name(), ids, defined));
            }
            for (DiskState disk : open) {
                requireThat(disk);
            }
        } catch (HypervisorException e) {
            throw SnapshotException.of(e);
        } catch (IOException e) {
            throw SnapshotException.of(e);
        }
    }

    private void requireThat(DiskState disk) throws IOException, SnapshotException {
        Path defined = definition.disk(disk.id()).path();
        if (!Files.isSameFile(disk.active(), defined)) {
            throw SnapshotException.refused(
                    "disk %s of %s is written to %s, and its definition names %s; correct that, or commit the snapshot that libvirt made of it"
                            .formatted(disk.id(), definition.name(), disk.active(), defined));
        }
        if (disk.layers().size() > 1) {
            throw SnapshotException.refused(
                    "disk %s of %s stands on %s, which others may change: make it one file first (virsh blockpull)"
                            .formatted(
                                    disk.id(), definition.name(), disk.layers().get(1)));
        }
    }

    /**
     * Clones all of them, for which the guest stands still. What there is then is not durable.
     *
     * @param left how long it may still do that
     */
    void cloneAll(Intent intent, Supplier<Duration> left) throws SnapshotException {
        for (Layer copy : intent.captured().layers().values()) {
            try {
                store.take(definition.disk(copy.disk()).path(), nameOf(copy), left.get());
            } catch (StorageException e) {
                throw failed(e);
            }
        }
    }

    /** Makes the clones durable, and gives them their names. */
    void settle(Intent intent) throws SnapshotException {
        for (Layer copy : intent.captured().layers().values()) {
            try {
                store.settle(nameOf(copy));
            } catch (StorageException e) {
                throw failed(e);
            }
        }
    }

    /** Why a revert is refused, and what a person can do: which copy belongs to which disk, in words that can be acted on. */
    String wayBackByHand(SnapshotRecord snapshot) {
        String copies = snapshot.layers().layers().values().stream()
                .map(layer -> "%s to %s"
                        .formatted(
                                chain.file(layer), definition.disk(layer.disk()).path()))
                .collect(Collectors.joining(", and "));
        return ("%s is a domain of libvirt, which Holdfast does not take back yet: capture what it holds now if that is wanted"
                        + " (holdfast snapshot create --disk-only), end it, copy %s (cp --reflink=always), and start it")
                .formatted(definition.name(), copies);
    }

    private static SnapshotException failed(StorageException e) {
        return SnapshotException.of(new ChainException(String.valueOf(e.getMessage()), e));
    }

    private CopyName nameOf(Layer copy) {
        return new CopyName(definition.name(), copy.name());
    }
}
