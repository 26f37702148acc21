package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.agent.snapshot.chain.ChainException;
import dev.holdfast.agent.snapshot.chain.Layer;
import dev.holdfast.agent.snapshot.chain.SnapshotRecord;
import dev.holdfast.agent.storage.ImageStore;
import dev.holdfast.agent.storage.ImageStore.CopyName;
import dev.holdfast.agent.storage.ImageStore.Health;
import dev.holdfast.agent.storage.StorageException;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The copies of layers of one chain that are volumes: links in the chain lead to them, and whether they can be read their storage tells. One thread.
 *
 * @param chain where the links are
 * @param vm whose chain it is
 * @param store of this node
 */
record KeptVolumes(ChainDirectory chain, Name vm, ImageStore store) {
    private static final Logger LOG = LoggerFactory.getLogger(KeptVolumes.class);

    /**
     * A number for the next copy. LVM knows a copy by the names of its machine and of its layer alone, and one of an earlier chain of the machine may be
     * left.
     *
     * @param lowest that no layer of this chain has
     * @return that or a higher one, which no copy of the machine has
     * @throws ChainException nobody tells which there are
     */
    int number(int lowest) throws ChainException {
        try {
            return store.copies(vm).stream()
                    .flatMap(copy -> Layer.fromFileName(ImageForm.DEVICE.fileName(copy.layer())).stream())
                    .mapToInt(left -> left.number() + 1)
                    .reduce(lowest, Math::max);
        } catch (StorageException e) {
            throw new ChainException(
                    "no disk of %s is copied as long as nobody tells which copies there are: %s"
                            .formatted(vm, e.getMessage()),
                    e);
        }
    }

    /** Lets this node open the volumes among these layers, where they are copies. @throws ChainException one is lost, or cannot be opened, or nobody tells */
    void open(Collection<Layer> layers) throws ChainException {
        for (Layer layer : volumes(layers)) {
            open(layer);
        }
    }

    /**
     * The same for a machine that is to start: it starts also if the storage does not tell, as long as the volumes are there, which are active then.
     *
     * @throws ChainException one is lost, or is not there
     */
    void openToStart(Collection<Layer> layers) throws ChainException {
        Optional<ChainException> silence = Optional.empty();
        for (Layer layer : volumes(layers)) {
            if (silence.isEmpty()) {
                silence = opened(layer);
            }
            if (silence.isPresent() && Files.notExists(chain.file(layer))) {
                throw silence.get();
            }
        }
        silence.ifPresent(why -> LOG.warn("{} starts, since its volumes are there: {}", vm, why.getMessage()));
    }

    /** @return why nobody tells whether it was opened; empty if it was */
    private Optional<ChainException> opened(Layer layer) throws ChainException {
        try {
            open(layer);
            return Optional.empty();
        } catch (ChainException e) {
            if (e.getCause() instanceof StorageException storage && storage.kind() != StorageException.Kind.REFUSED) {
                return Optional.of(e);
            }
            throw e;
        }
    }

    private void open(Layer layer) throws ChainException {
        try {
            if (!store.open(chain.file(layer))) {
                throw new ChainException(
                        "layers/%s cannot be read: its volume is not there; see \"lvs\" what has become of it. What is below DRBD was copied on one node, and is there"
                                .formatted(layer));
            }
        } catch (StorageException e) {
            throw new ChainException("layers/%s cannot be read: %s".formatted(layer, e.getMessage()), e);
        }
    }

    private static List<Layer> volumes(Collection<Layer> layers) {
        return layers.stream().filter(KeptVolumes::isVolume).toList();
    }

    private static boolean isVolume(Layer layer) {
        return layer.isCopy() && layer.form().isDevice();
    }

    /** How a copy is that is a volume; empty if it is none. @throws ChainException its storage does not answer */
    Optional<Health> health(Layer layer) throws ChainException {
        try {
            return isVolume(layer) ? Optional.of(store.health(chain.file(layer))) : Optional.empty();
        } catch (StorageException e) {
            throw new ChainException(String.valueOf(e.getMessage()), e);
        }
    }

    /** What is wrong with the copies that are volumes, for people; nothing for a machine without block devices, whose storage is not asked. */
    List<String> problems() throws IOException {
        if (ChainDirectory.namesIn(chain.layers()).stream()
                .noneMatch(layer -> layer.form().isDevice())) {
            return List.of();
        }
        List<String> problems = new ArrayList<>();
        try {
            // In this order: a copy is made while there is an intent, and has its name before that goes.
            Set<CopyName> copies = store.copies(vm);
            boolean idle = isIdle();
            for (Layer layer : ChainDirectory.namesIn(chain.layers())) {
                health(layer)
                        .filter(Health::isLost)
                        .ifPresent(lost -> problems.add("layers/%s cannot be read: %s".formatted(layer, lost.words())));
            }
            problems.addAll(idle ? strays(copies) : List.of());
        } catch (StorageException | ChainException e) {
            problems.add(String.valueOf(e.getMessage()));
        }
        return problems;
    }

    /** An intent that cannot be read is told by whoever looks at the chain. */
    private boolean isIdle() {
        try {
            return chain.intent().isEmpty();
        } catch (IOException e) {
            return false;
        }
    }

    private List<String> strays(Set<CopyName> copies) throws IOException, StorageException {
        Set<CopyName> strays = new HashSet<>(copies);
        for (Path directory : List.of(chain.layers(), chain.lost())) {
            ChainDirectory.namesIn(directory)
                    .forEach(layer -> strays.removeIf(copy -> copy.layer().equals(layer.name())));
        }
        if (!strays.isEmpty()) {
            // Some may have been removed since, and their names with them.
            strays.retainAll(store.copies(vm));
        }
        List<String> told = new ArrayList<>();
        for (CopyName copy : strays) {
            told.add(told(copy));
        }
        return told.stream().sorted().toList();
    }

    private String told(CopyName copy) {
        try {
            for (Map.Entry<Name, SnapshotRecord> each : chain.snapshots().entrySet()) {
                if (each.getValue().layers().layers().values().stream()
                        .anyMatch(layer -> layer.name().equals(copy.layer()))) {
                    return lost(copy, each.getKey());
                }
            }
            return stray(copy);
        } catch (IOException e) {
            return "there is a volume that is marked as copy %s; keep it until all snapshots can be read, since one may need it: %s"
                    .formatted(copy, e.getMessage());
        }
    }

    private String lost(CopyName copy, Name snapshot) {
        return "snapshot %s needs the volume that is marked as copy %s, and the link to it is gone; keep the volume, and make the link anew: ln -s /dev/GROUP/VOLUME %s, see \"lvs -o+lv_tags\""
                .formatted(snapshot, copy, chain.layers().resolve(ImageForm.DEVICE.fileName(copy.layer())));
    }

    private String stray(CopyName copy) {
        return "there is a volume that is marked as copy %s, and nothing in %s names it so; it is needed if another chain names it, or a link in any \"layers\" leads to it (\"ls -l\"), as to the disk of a machine that was imported anew: then take off the mark (lvchange --deltag). Otherwise remove it: see \"lvs -o+lv_tags\""
                .formatted(copy, chain.path());
    }
}
