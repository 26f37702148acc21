package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.Keep;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.agent.snapshot.chain.ChainException;
import dev.holdfast.agent.snapshot.chain.Layer;
import dev.holdfast.agent.snapshot.chain.LayerCopies;
import dev.holdfast.agent.snapshot.chain.LayerGraph;
import dev.holdfast.agent.storage.ImageStore;
import dev.holdfast.agent.storage.ImageStore.CopyName;
import dev.holdfast.agent.storage.ImageStore.Copying;
import dev.holdfast.agent.storage.ImageStore.Outlook;
import dev.holdfast.agent.storage.ImageStore.Site;
import dev.holdfast.agent.storage.ImageStore.Way;
import dev.holdfast.agent.storage.StorageException;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How the layers of one chain are copied: raw files by a storage that clones them, or whatever is raw by the machine, as its definition says. One
 * thread.
 *
 * @param chain where they are
 * @param definition of the machine, which says what it wants of each disk
 * @param store of this node
 * @param counted what the machine copies; empty for those who only look
 */
record StoredCopies(ChainDirectory chain, VmDefinition definition, ImageStore store, Optional<CountedCopies> counted)
        implements LayerCopies {
    private static final Logger LOG = LoggerFactory.getLogger(StoredCopies.class);
    private static final Copying CLONE = new Copying(Way.CLONE, 100);

    /** What becomes of each disk: of the image that its live layers stand on. Changes nothing; blocks for seconds for each that is raw. */
    List<DiskStorage> disks() throws IOException {
        return homes().stream().map(this::disk).toList();
    }

    /** The same for those alone that may be copied, or shall be. */
    List<DiskStorage> candidates() throws IOException {
        return homes().stream()
                .filter(home -> isCandidate(home) || isCounted(home) || wanted(home.disk()) == Keep.CLONE)
                .map(this::disk)
                .toList();
    }

    private List<Layer> homes() throws IOException {
        LayerGraph graph = chain.graph();
        return graph.head().layers().values().stream()
                .map(graph::chain)
                .map(live -> live.get(live.size() - 1))
                .toList();
    }

    private boolean isCandidate(Layer home) {
        return definition.hasLayers() && home.form() == ImageForm.RAW && wanted(home.disk()) != Keep.LAYER;
    }

    private boolean isCounted(Layer root) {
        return definition.hasLayers() && root.form() != ImageForm.QCOW2 && wanted(root.disk()) == Keep.INCREMENT;
    }

    @Override
    public boolean keeps(Layer root) {
        if (isCounted(root)) {
            return counted.isPresent() && counted.get().arePossible();
        }
        if (!isCandidate(root)) {
            return false;
        }
        DiskStorage disk = disk(root);
        disk.obstacle()
                .ifPresent(obstacle -> LOG.debug("{}: layers/{} is not copied: {}", definition.name(), root, obstacle));
        return disk.becomes() == Keep.CLONE;
    }

    private DiskStorage disk(Layer root) {
        String disk = root.disk();
        if (root.form() == ImageForm.QCOW2) {
            return DiskStorage.layer(disk, "qcow2");
        }
        try {
            Optional<Site> site = store.site(chain.file(root));
            String words = site.map(Site::words).orElse("on a storage that Holdfast does not know");
            if (wanted(disk) == Keep.LAYER) {
                return DiskStorage.layer(disk, words);
            }
            if (isCounted(root)) {
                long bytes = counted.isPresent() ? counted.get().bytes(root) : 0;
                return new DiskStorage(disk, Keep.INCREMENT, words, Optional.empty(), bytes);
            }
            if (root.form() == ImageForm.DEVICE) {
                return DiskStorage.layer(disk, words, "volumes are not copied yet");
            }
            if (site.isEmpty()) {
                return DiskStorage.layer(disk, words, chain.file(root) + " is not there; see \"holdfast fsck\"");
            }
            return cloned(disk, site.get(), store.outlook(site.get(), CLONE));
        } catch (StorageException | IOException e) {
            return DiskStorage.layer(disk, "on a storage that does not answer", String.valueOf(e.getMessage()));
        }
    }

    /** A disk that is not defined any more is copied as long as it is in the chain: its snapshots are. */
    private Keep wanted(String disk) {
        return definition.disks().stream()
                .filter(defined -> defined.id().equals(disk))
                .map(VmDefinition.Disk::keep)
                .findFirst()
                .orElse(Keep.AUTO);
    }

    private static DiskStorage cloned(String disk, Site site, Outlook outlook) {
        Outlook.Room room = outlook.room();
        if (!outlook.obstacles().isEmpty()) {
            return DiskStorage.layer(disk, site.words(), String.join("; ", outlook.obstacles()));
        }
        if (outlook.bytes() > room.bytes()) {
            return DiskStorage.layer(
                    disk,
                    site.words(),
                    "a copy needs %d KiB of %s and %d KiB are free; make room"
                            .formatted(outlook.bytes() >> 10, room.of(), room.bytes() >> 10));
        }
        return new DiskStorage(disk, Keep.CLONE, site.words(), Optional.empty(), outlook.bytes());
    }

    @Override
    public Layer copyOf(Layer root, int number) {
        return isCounted(root) ? root.increment(number) : root.copy(number);
    }

    @Override
    public void copy(SortedMap<Layer, Layer> copies) throws IOException {
        TreeMap<Layer, Layer> increments = new TreeMap<>(copies);
        increments.entrySet().removeIf(each -> !each.getValue().isIncrementOf(each.getKey()));
        if (!increments.isEmpty()) {
            machine().copy(increments);
        }
        for (Map.Entry<Layer, Layer> each : copies.entrySet()) {
            if (!increments.containsKey(each.getKey())) {
                copy(each.getKey(), each.getValue());
            }
        }
    }

    private CountedCopies machine() throws ChainException {
        return counted.orElseThrow(() -> new ChainException("whoever only looks at a chain copies nothing"));
    }

    private void copy(Layer root, Layer copy) throws IOException {
        try {
            Site site = store.site(chain.file(root))
                    .filter(now -> root.form() == ImageForm.RAW && now.best().equals(Optional.of(Way.CLONE)))
                    .orElseThrow(() -> new ChainException(
                            "the storage of %s does not clone it any more".formatted(chain.file(root))));
            store.copy(site, CLONE, name(copy), Progress.NONE);
        } catch (StorageException e) {
            throw new ChainException(String.valueOf(e.getMessage()), e);
        }
    }

    @Override
    public void merged(Layer top, Layer base) {
        counted.ifPresent(machine -> machine.merged(top, base));
    }

    @Override
    public void remove(Layer copy) throws IOException {
        if (copy.form() == ImageForm.QCOW2 && definition.hasLayers()) {
            machine().removeHalf(copy);
            return;
        }
        try {
            store.remove(name(copy));
        } catch (StorageException e) {
            throw new ChainException(String.valueOf(e.getMessage()), e);
        }
    }

    private CopyName name(Layer copy) {
        return new CopyName(definition.name(), copy.name());
    }
}
