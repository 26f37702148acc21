package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.Keep;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.json.DurableFile;
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
import dev.holdfast.agent.storage.ImageStore.Standing;
import dev.holdfast.agent.storage.ImageStore.Way;
import dev.holdfast.agent.storage.StorageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How the layers of one chain are copied: raw files by a storage that clones them, volumes as snapshots of it, or whatever is raw by the machine, as
 * its definition says. One thread.
 *
 * @param chain where they are
 * @param definition of the machine, which says what it wants of each disk
 * @param store of this node
 * @param counted what the machine copies; empty for those who only look
 */
record StoredCopies(ChainDirectory chain, VmDefinition definition, ImageStore store, Optional<CountedCopies> counted)
        implements LayerCopies {
    private static final Logger LOG = LoggerFactory.getLogger(StoredCopies.class);
    private static final int ALL = 100;
    private static final String TAKEN_BACK =
            "it was taken back to a thick snapshot, which neither is copied nor takes in what is written since; it is raw again once it is taken back to a branch that stands on its volume";

    private static final String AWAY =
            "it was taken back to a copy that is on this node alone, so that no other node can run its machine; it is %s again once it is taken back to a branch that stands on that (\"holdfast snapshot list\")";

    /** What becomes of each disk: of the image that its live layers stand on. Changes nothing; blocks for seconds for each that is raw. */
    List<DiskStorage> disks() throws IOException {
        return homes().stream().map(home -> disk(home).with(standing(home))).toList();
    }

    /** The same for those alone that may be copied, or shall be. */
    List<DiskStorage> candidates() throws IOException {
        return homes().stream()
                .filter(home -> isCandidate(home) || home.form() != ImageForm.COW && isDemanded(home.disk()))
                .map(this::disk)
                .toList();
    }

    /** What speaks against a snapshot of each disk that is a device, whether it is copied or not. Blocks for seconds for each. */
    List<DiskStorage> standings() throws IOException {
        return homes().stream()
                .filter(home -> home.form().isDevice())
                .map(home -> DiskStorage.layer(home.disk(), "").with(standing(home)))
                .toList();
    }

    /** Of one layer; that of what it is a copy of, if it lives with that. */
    Standing standingOf(Layer layer) throws IOException {
        return standing(chain.image(layer).origin().orElse(layer));
    }

    private Standing standing(Layer home) {
        if (!home.form().isDevice()) {
            return Standing.GOOD;
        }
        try {
            return store.standing(chain.file(home));
        } catch (StorageException e) {
            return new Standing(List.of(String.valueOf(e.getMessage())), List.of());
        }
    }

    private List<Layer> homes() throws IOException {
        LayerGraph graph = chain.graph();
        return graph.head().layers().values().stream()
                .map(graph::chain)
                .map(live -> live.get(live.size() - 1))
                .toList();
    }

    /** Whether a snapshot without a copy of it is not wanted. */
    private boolean isDemanded(String disk) {
        return switch (wanted(disk)) {
            case AUTO, LAYER, INCREMENT -> false;
            case CLONE, THIN, THICK -> true;
        };
    }

    private boolean isCandidate(Layer home) {
        boolean copied = switch (home.form()) {
            case RAW, DEVICE -> true;
            case QCOW2, COW -> false;
        };
        return copied && definition.hasLayers() && wanted(home.disk()) != Keep.LAYER;
    }

    @Override
    public boolean counts(Layer root) {
        return isCandidate(root) && wanted(root.disk()) == Keep.INCREMENT;
    }

    @Override
    public boolean keeps(Layer root) {
        if (counts(root)) {
            return counted.isPresent() && counted.get().arePossible();
        }
        if (!isCandidate(root)) {
            return false;
        }
        DiskStorage disk = disk(root);
        disk.obstacle()
                .ifPresent(obstacle -> LOG.debug("{}: layers/{} is not copied: {}", definition.name(), root, obstacle));
        return disk.becomes() != Keep.LAYER;
    }

    @Override
    public int number(Layer root, int lowest) throws IOException {
        return root.form().isDevice() && !counts(root) ? volumes().number(lowest) : lowest;
    }

    /** A thick copy is made only where the definition asks for it. What cannot take the place of its original takes nothing in, either. */
    @Override
    public Layer copyOf(Layer root, int number) throws IOException {
        if (counts(root)) {
            return root.increment(number);
        }
        return root.form() == ImageForm.DEVICE && (wanted(root.disk()) == Keep.THICK || isReplicated(root))
                ? root.copy(number, ImageForm.COW)
                : root.copy(number);
    }

    private boolean isReplicated(Layer root) throws IOException {
        try {
            return store.site(chain.file(root))
                    .filter(site -> !site.exchangeable())
                    .isPresent();
        } catch (StorageException e) {
            throw new ChainException(String.valueOf(e.getMessage()), e);
        }
    }

    private DiskStorage disk(Layer root) {
        String disk = root.disk();
        if (root.form() == ImageForm.QCOW2) {
            return DiskStorage.layer(disk, "qcow2");
        }
        try {
            if (counts(root)) {
                long bytes = counted.isPresent() ? counted.get().bytes(root) : 0;
                return new DiskStorage(
                        disk, Keep.INCREMENT, "copied by its machine", Optional.empty(), bytes, Optional.empty());
            }
            Path image = chain.file(root);
            Keep wanted = wanted(disk);
            Optional<Site> site = store.site(image);
            String words = site.map(Site::words).orElse("on a storage that Holdfast does not know");
            if (wanted == Keep.LAYER) {
                return DiskStorage.layer(disk, words);
            }
            if (site.isEmpty()) {
                return DiskStorage.layer(disk, words, unknown(image, root.form()));
            }
            if (root.form() == ImageForm.COW) {
                return takenBack(root, words);
            }
            Optional<String> unwanted = unwanted(site.get(), wanted);
            if (unwanted.isPresent()) {
                return DiskStorage.layer(disk, words, unwanted.get());
            }
            Way way = way(site.get(), wanted, root.form());
            return copied(disk, site.get(), way, store.outlook(site.get(), copying(disk, way)));
        } catch (StorageException | IOException e) {
            return DiskStorage.layer(disk, "on a storage that does not answer", String.valueOf(e.getMessage()));
        }
    }

    private DiskStorage takenBack(Layer root, String words) throws IOException, StorageException {
        Optional<Layer> origin = chain.image(root).origin();
        Optional<Site> home = origin.isPresent() ? store.site(chain.file(origin.get())) : Optional.empty();
        return home.filter(site -> !site.exchangeable())
                .map(site ->
                        DiskStorage.layer(root.disk(), words + ", on this node alone", AWAY.formatted(site.words())))
                .orElseGet(() -> DiskStorage.layer(root.disk(), words, TAKEN_BACK));
    }

    private static String unknown(Path image, ImageForm form) {
        return form.isDevice()
                ? image
                        + " is no logical volume that LVM knows on this node, and other devices are not copied; see \"lvs\" if it should be one"
                : image + " is not there; see \"holdfast fsck\"";
    }

    /** Why copies are not even looked into. */
    private static Optional<String> unwanted(Site site, Keep wanted) {
        return wanted == Keep.AUTO && site.best().equals(Optional.of(Way.THICK))
                ? Optional.of(
                        "a copy takes its room from the volume group, and is made only if keep = \"thick\" says so")
                : Optional.empty();
    }

    private static Way way(Site site, Keep wanted, ImageForm form) {
        return switch (wanted) {
            case CLONE -> Way.CLONE;
            case THIN -> Way.THIN;
            case THICK -> Way.THICK;
            case AUTO, LAYER, INCREMENT -> site.best().orElse(way(form));
        };
    }

    /** As which image a copy has this form. */
    private static Way way(ImageForm form) {
        return switch (form) {
            case QCOW2, RAW -> Way.CLONE;
            case DEVICE -> Way.THIN;
            case COW -> Way.THICK;
        };
    }

    private Copying copying(String disk, Way way) {
        return new Copying(
                way,
                way == Way.THICK
                        ? defined(disk).map(VmDefinition.Disk::cowPercent).orElse(ALL)
                        : ALL);
    }

    private Optional<VmDefinition.Disk> defined(String disk) {
        return definition.disks().stream()
                .filter(defined -> defined.id().equals(disk))
                .findFirst();
    }

    /** A disk that is not defined any more is copied as long as it is in the chain: its snapshots are. */
    private Keep wanted(String disk) {
        return defined(disk).map(VmDefinition.Disk::keep).orElse(Keep.AUTO);
    }

    private static DiskStorage copied(String disk, Site site, Way way, Outlook outlook) {
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
        Keep becomes = switch (way) {
            case CLONE -> Keep.CLONE;
            case THIN -> Keep.THIN;
            case THICK -> Keep.THICK;
        };
        return new DiskStorage(disk, becomes, site.words(), Optional.empty(), outlook.bytes(), Optional.of(room));
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
            Site site = store.site(chain.file(root)).orElseThrow(() -> cannotCopy(root));
            // The form of one that is below DRBD says nothing of the way in which it is made.
            Way way = site.exchangeable() ? way(copy.form()) : site.best().orElseThrow(() -> cannotCopy(root));
            if (!site.best().equals(Optional.of(way))) {
                throw cannotCopy(root);
            }
            Path made = store.copy(site, copying(copy.disk(), way), name(copy), Progress.NONE);
            if (copy.form().isDevice() && !Files.isSymbolicLink(chain.file(copy))) {
                // A chain has its layers in its own directory: QEMU opens and reports them by these names, which never
                // change.
                Files.createSymbolicLink(chain.file(copy), made);
                DurableFile.flushDirectory(chain.layers());
            }
        } catch (StorageException e) {
            throw new ChainException(String.valueOf(e.getMessage()), e);
        }
    }

    private ChainException cannotCopy(Layer root) {
        return new ChainException("the storage of %s does not %s it any more"
                .formatted(chain.file(root), root.form() == ImageForm.RAW ? "clone" : "copy"));
    }

    /** Whether a change that failed may still come about. */
    static boolean isUnknown(IOException failure) {
        return failure.getCause() instanceof StorageException storage
                && storage.kind() == StorageException.Kind.UNKNOWN;
    }

    /** Whether it is a storage that has not done what it was asked for. */
    static boolean isOfStorage(IOException failure) {
        return failure.getCause() instanceof StorageException;
    }

    @Override
    public void merged(Layer top, Layer base) {
        counted.ifPresent(machine -> machine.merged(top, base));
    }

    /** The copies that are volumes. */
    KeptVolumes volumes() {
        return new KeptVolumes(chain, definition.name(), store);
    }

    @Override
    public void remove(Layer copy) throws IOException {
        if (copy.form() == ImageForm.QCOW2 && definition.hasLayers()) {
            // A whole one is a file like each other layer, and nothing that the machine has to be asked for.
            if (Files.notExists(chain.file(copy))) {
                machine().removeHalf(copy);
            }
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
