package dev.holdfast.agent.snapshot.chain;

import dev.holdfast.agent.files.FileBytes;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.json.DurableFile;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.InstantSource;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Does the steps of a change to the files of a chain and to the machine on it. Each step blocks until it is done. Not
 * thread-safe.
 */
public final class ChainExecutor implements ChainStep.Executor {
    private final ChainDirectory chain;
    private final DiskImages images;
    private final LiveDisks live;
    private final InstantSource clock;
    private final Removal removal;
    private final Progress progress;
    private LayerCopies copies = LayerCopies.NONE;

    /** What becomes of files that are not needed any more. */
    public enum Removal {
        /** They are removed: somebody asked for it and it went as planned. */
        DELETE,
        /** They go to {@code lost/}: a recovery never removes anything. */
        QUARANTINE
    }

    /**
     * @param clock for the date of a branch
     * @param progress of merges
     */
    public ChainExecutor(
            ChainDirectory chain,
            DiskImages images,
            LiveDisks live,
            InstantSource clock,
            Removal removal,
            Progress progress) {
        this.chain = chain;
        this.images = images;
        this.live = live;
        this.clock = clock;
        this.removal = removal;
        this.progress = progress;
    }

    /** The same on a storage, or with a machine, that copies layers. */
    public ChainExecutor with(LayerCopies copying) {
        ChainExecutor same = new ChainExecutor(chain, images, live, clock, removal, progress);
        same.copies = copying;
        return same;
    }

    /** Does all steps in order. */
    public void run(List<ChainStep> steps) throws IOException {
        for (ChainStep step : steps) {
            step.run(this);
        }
    }

    @Override
    public void writeIntent(Intent intent) throws IOException {
        ChainDirectory.INTENTS.write(chain.intentFile(), intent);
    }

    @Override
    public void clearIntent() throws IOException {
        dropOldGenerations();
        DurableFile.delete(chain.intentFile());
    }

    /** Only the head's is ever needed again; the last one made stays, because its number must not come back. */
    private void dropOldGenerations() throws IOException {
        flushHead();
        int head = chain.head().number();
        int last = chain.lastGeneration();
        for (Path directory : ChainDirectory.list(chain.generations())) {
            String name = directory.getFileName().toString();
            boolean needed = name.equals(Generation.directoryName(head)) || name.equals(Generation.directoryName(last));
            if (!needed) {
                for (Path link : ChainDirectory.list(directory)) {
                    Files.delete(link);
                }
                Files.delete(directory);
            }
        }
    }

    @Override
    public void createLayer(Layer layer, Layer backing) throws IOException {
        Path file = chain.file(layer);
        if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            throw new ChainException(file + " is there already; run \"holdfast fsck\"");
        }
        // Under its name a layer is always whole: a tool that was cut short must not leave half an image there.
        Path temporary = file.resolveSibling("." + layer.fileName() + ".tmp");
        Files.deleteIfExists(temporary);
        try {
            chain.image(backing).createOverlay(images, temporary);
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    @Override
    public void flushLayers() throws IOException {
        DurableFile.flushDirectory(chain.layers());
    }

    @Override
    public void makeGeneration(Generation generation) throws IOException {
        Path directory = chain.generations().resolve(generation.directoryName());
        Files.createDirectories(directory);
        for (Layer layer : generation.layers().values()) {
            Path link = directory.resolve(layer.linkName());
            Files.deleteIfExists(link);
            Files.createSymbolicLink(link, Path.of("..", "..", "layers", layer.fileName()));
        }
        DurableFile.flushDirectory(directory);
        DurableFile.flushDirectory(chain.generations());
    }

    @Override
    public void moveHead(int generation) throws IOException {
        // Reads the generation first, so that the head can never come to point to nothing.
        String name = chain.generation(generation).directoryName();
        Path temporary = chain.path().resolve(".head.tmp");
        Files.deleteIfExists(temporary);
        Files.createSymbolicLink(temporary, Path.of("generations", name));
        Files.move(temporary, chain.headLink(), StandardCopyOption.ATOMIC_MOVE);
    }

    @Override
    public void flushHead() throws IOException {
        DurableFile.flushDirectory(chain.path());
    }

    @Override
    public void cut(Generation to) throws IOException {
        live.cut(to);
    }

    @Override
    public void merge(Layer top, Layer base) throws IOException {
        voidDigests(base);
        if (live.holds(top)) {
            // QEMU names the new backing file in the layers above as soon as it is through; nobody may be left to void
            // them then.
            for (Layer above : chain.graph().children(top)) {
                voidDigests(above);
            }
            live.merge(top, base);
            FileBytes.flush(chain.file(base));
        } else {
            images.commit(chain.file(top), chain.file(base), progress);
        }
    }

    @Override
    public void relink(Layer layer, Layer backing) throws IOException {
        voidDigests(layer);
        Path file = chain.file(layer);
        Path base = chain.file(backing);
        if (!Qcow2Header.read(file).backing().equals(Optional.of(base.toString()))) {
            images.relink(file, base);
        }
        FileBytes.flush(file);
    }

    @Override
    public void publish(Name snapshot) throws IOException {
        Path pending = chain.pendingFile(snapshot);
        Path sidecar = chain.sidecarFile(snapshot);
        if (Files.exists(pending)) {
            Files.move(pending, sidecar, StandardCopyOption.ATOMIC_MOVE);
        } else if (!Files.exists(sidecar)) {
            throw new ChainException(
                    "neither " + pending + " nor " + sidecar + " is there: the snapshot is not complete");
        }
        DurableFile.flushDirectory(chain.snapshotFiles());
    }

    @Override
    public void nameBranch(Name branch, Name revertedTo, Generation layers) throws IOException {
        if (Files.exists(chain.sidecarFile(branch))) {
            return;
        }
        Name vm = chain.snapshots().values().stream()
                .filter(snapshot -> snapshot.name().equals(revertedTo))
                .map(SnapshotRecord::vm)
                .findFirst()
                .orElseThrow(() -> new ChainException(chain.sidecarFile(revertedTo) + " is missing"));
        List<SnapshotRecord.DiskPart> disks = layers.layers().values().stream()
                .map(layer -> new SnapshotRecord.DiskPart(layer.disk(), layer.fileName(), ""))
                .toList();
        SnapshotRecord record = new SnapshotRecord(
                branch,
                vm,
                branch.value(),
                SnapshotRecord.Kind.BRANCH,
                clock.instant(),
                "left behind by the revert to " + revertedTo,
                chain.graph().parent(layers),
                Optional.empty(),
                disks,
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
        ChainDirectory.SIDECARS.write(chain.sidecarFile(branch), record);
    }

    @Override
    public void repoint(Name snapshot, Layer from, Layer to) throws IOException {
        synchronized (ChainDirectory.SIDECARS) {
            SnapshotRecord record = ChainDirectory.SIDECARS.read(chain.sidecarFile(snapshot));
            ChainDirectory.SIDECARS.write(chain.sidecarFile(snapshot), record.repointed(from, to));
        }
    }

    @Override
    public void removeSnapshot(Name snapshot) throws IOException {
        synchronized (ChainDirectory.SIDECARS) {
            take(chain.sidecarFile(snapshot));
        }
        DurableFile.flushDirectory(chain.snapshotFiles());
        discardParts(snapshot);
    }

    @Override
    public void discardParts(Name snapshot) throws IOException {
        if (Files.exists(chain.sidecarFile(snapshot))) {
            throw new ChainException("the snapshot " + snapshot + " exists, its parts are needed");
        }
        take(chain.pendingFile(snapshot));
        take(chain.memoryFile(snapshot));
        DurableFile.flushDirectory(chain.snapshotFiles());
    }

    @Override
    public void discard(Layer layer) throws IOException {
        LayerGraph graph = chain.graph();
        if (!graph.backing().containsKey(layer)) {
            return;
        }
        // Everything that led here was checked before; a layer that is needed must survive any mistake.
        if (!graph.isNeedless(layer)) {
            throw new ChainException(chain.file(layer) + " is still needed and was not removed");
        }
        if (layer.isCopy() && removal == Removal.DELETE) {
            copies.remove(layer);
        }
        take(chain.file(layer));
        DurableFile.flushDirectory(chain.layers());
    }

    @Override
    public void copyLayers(SortedMap<Layer, Layer> wanted) throws IOException {
        SortedMap<Layer, Layer> missing = new TreeMap<>(wanted);
        // Under its name a copy is whole: nothing is left to do for one that was cut short later.
        missing.values().removeAll(chain.backing().keySet());
        for (Layer root : missing.keySet()) {
            if (chain.head().layers().containsValue(root)) {
                throw new ChainException("layers/%s is being written and was not copied".formatted(root));
            }
        }
        if (!missing.isEmpty()) {
            copies.copy(missing);
        }
    }

    @Override
    public void countFrom(Layer base, Layer copy) {
        copies.merged(copy, base);
    }

    @Override
    public void removeHalf(Layer copy) throws IOException {
        if (chain.backing().containsKey(copy)) {
            throw new ChainException("layers/%s is whole and was not removed".formatted(copy));
        }
        copies.remove(copy);
    }

    @Override
    public void follow(Collection<Layer> homes) throws IOException {
        LayerGraph graph = chain.graph();
        // Everything that led here was checked before; what anything else reads must survive any mistake.
        for (Layer home : homes) {
            if (graph.isNamed(home) || graph.children(home).size() != 1) {
                throw new ChainException(chain.file(home) + " is needed as it is, and is not written again");
            }
        }
        live.settling().follow(homes);
    }

    @Override
    public void holdStill() throws IOException {
        live.settling().holdStill();
    }

    @Override
    public void setHeadAside() throws IOException {
        chain.pointer().setAside();
    }

    @Override
    public void pivot(Layer home) throws IOException {
        live.settling().pivot(home);
    }

    @Override
    public void letRun() throws IOException {
        live.settling().letRun();
    }

    @Override
    public void dropAside() throws IOException {
        chain.pointer().dropAside();
    }

    private void take(Path file) throws IOException {
        if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        switch (removal) {
            case DELETE -> Files.delete(file);
            case QUARANTINE -> quarantine(file);
        }
    }

    /** Moves a file that nothing needs to {@code lost/}. Idempotent. */
    void moveToLost(Path file) throws IOException {
        if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            quarantine(file);
        }
    }

    /** Removes for good what was moved to {@code lost/}. Of a copy that is a volume, only the link was moved there. Idempotent. */
    void removeLost(Path file) throws IOException {
        Optional<Layer> volume = Layer.fromFileName(file.getFileName().toString())
                .filter(layer -> layer.isCopy() && layer.form().isDevice());
        if (volume.isPresent() && !chain.backing().containsKey(volume.get())) {
            copies.remove(volume.get());
        }
        Files.deleteIfExists(file);
    }

    private void quarantine(Path file) throws IOException {
        Files.createDirectories(chain.lost());
        Path target = chain.lost().resolve(file.getFileName());
        for (int copy = 1; ; copy++) {
            try {
                // A link fails if the name is taken; a rename would replace what is there.
                Files.createLink(target, file);
                break;
            } catch (FileAlreadyExistsException e) {
                target = chain.lost().resolve(file.getFileName() + "." + copy);
            }
        }
        DurableFile.flushDirectory(chain.lost());
        Files.delete(file);
    }

    private void voidDigests(Layer changed) throws IOException {
        synchronized (ChainDirectory.SIDECARS) {
            for (SnapshotRecord snapshot : chain.snapshots().values()) {
                SnapshotRecord without = snapshot.withoutDigest(changed);
                if (!without.equals(snapshot)) {
                    ChainDirectory.SIDECARS.write(chain.sidecarFile(snapshot.name()), without);
                }
            }
        }
    }
}
