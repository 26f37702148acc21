package dev.holdfast.agent.snapshot.chain;

import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.json.DurableFile;
import dev.holdfast.agent.storage.directory.DirectoryStore;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Looks a chain directory over for what does not belong there, and for what is missing. Reading is always safe. Each repair looks
 * again before it does anything, and does nothing if there is no reason any more; {@link #emptyLost} is the one place that removes
 * what recoveries took away. One operation at a time for a chain, as everywhere.
 */
public final class ChainFsck {
    private static final String MEMORY = ".memory";
    private static final String PENDING = ".json.pending";
    private static final String SIDECAR = ".json";
    /** What the client of an NFS calls such a file (Linux, fs/nfs/unlink.c). */
    private static final Pattern REMOVED_ON_NFS = Pattern.compile("\\.nfs[0-9a-f]{24}");

    private final ChainDirectory chain;

    /** @param chain the directory to look at */
    public ChainFsck(ChainDirectory chain) {
        this.chain = chain;
    }

    /**
     * What was found.
     *
     * @param problems what a person has to put right, each naming a file
     * @param missing files that are needed and not there; nothing while a change is under way
     * @param leftovers files that nothing needs
     * @param lost what recoveries took away
     * @param intent the change that is under way, or was cut short
     * @param decided the snapshots there are
     * @param pending those that wait for their decision
     */
    public record Findings(
            List<String> problems,
            List<Missing> missing,
            List<Leftover> leftovers,
            List<Path> lost,
            Optional<Intent> intent,
            List<SnapshotRecord> decided,
            List<SnapshotRecord> pending) {

        /** Copies the lists. */
        public Findings {
            problems = List.copyOf(problems);
            missing = List.copyOf(missing);
            leftovers = List.copyOf(leftovers);
            lost = List.copyOf(lost);
            decided = List.copyOf(decided);
            pending = List.copyOf(pending);
        }

        /** The same with further problems. */
        public Findings with(List<String> further) {
            List<String> all = new ArrayList<>(problems);
            all.addAll(further);
            return new Findings(all, missing, leftovers, lost, intent, decided, pending);
        }

        /** Whether there is nothing to do. */
        public boolean isClean() {
            return problems.isEmpty() && missing.isEmpty() && leftovers.isEmpty() && lost.isEmpty() && intent.isEmpty();
        }
    }

    /**
     * A file that is needed.
     *
     * @param file where it should be
     * @param neededBy what names it
     * @param found the one file in {@code lost/} that it certainly is
     */
    public record Missing(Path file, String neededBy, Optional<Path> found) {}

    /**
     * A file that nothing needs.
     *
     * @param file where it is
     * @param what what it is
     * @param snapshot the undecided snapshot it is a part of
     */
    public record Leftover(Path file, What what, Optional<Name> snapshot) {

        /** What it is. */
        public enum What {
            /** Memory without a snapshot, or of one that is not decided. */
            MEMORY("a memory image of no snapshot"),
            /** A sidecar that waits for a decision, and nobody is at it. */
            UNDECIDED("the sidecar of a snapshot that was never decided"),
            /** A tool was cut short. */
            HALF("a file that was never finished"),
            /** Nothing stands on it and nothing names it. */
            LAYER("a layer that nothing names and nothing stands on");

            private final String text;

            What(String text) {
                this.text = text;
            }

            /** For people. */
            public String text() {
                return text;
            }
        }
    }

    /** Looks and touches nothing. */
    public Findings look() throws IOException {
        // A set: what makes a sidecar unreadable makes the graph unreadable too.
        Set<String> problems = new LinkedHashSet<>();
        Optional<Intent> intent = read(chain::intent, problems).orElse(Optional.empty());
        List<SnapshotRecord> decided = sidecars(SIDECAR, problems);
        List<SnapshotRecord> pending = sidecars(PENDING, problems);
        Optional<LayerGraph> graph = read(chain::graph, problems);
        List<Missing> missing = new ArrayList<>();
        List<Leftover> leftovers = leftovers(intent);
        if (graph.isPresent() && intent.isEmpty()) {
            problems.addAll(graph.get().faults());
            for (var layer : graph.get().missing().entrySet()) {
                missing.add(new Missing(chain.file(layer.getKey()), layer.getValue(), lostLayer(layer.getKey())));
            }
            if (problems.isEmpty() && missing.isEmpty()) {
                leftovers.addAll(unneededLayers(graph.get(), pending));
            }
        }
        missing.addAll(missingMemory(decided));
        return new Findings(
                List.copyOf(problems), missing, leftovers, ChainDirectory.list(chain.lost()), intent, decided, pending);
    }

    private List<SnapshotRecord> sidecars(String suffix, Set<String> problems) throws IOException {
        List<SnapshotRecord> records = new ArrayList<>();
        for (Path file : ChainDirectory.list(chain.snapshotFiles())) {
            String name = file.getFileName().toString();
            if (name.endsWith(suffix) && !name.startsWith(".") && Files.exists(file)) {
                read(() -> ChainDirectory.SIDECARS.read(file), problems)
                        .filter(record -> name.equals(record.name() + suffix))
                        .ifPresent(records::add);
            }
        }
        return records;
    }

    private List<Leftover> leftovers(Optional<Intent> intent) throws IOException {
        List<Leftover> leftovers = new ArrayList<>();
        Set<String> underWay =
                intent.flatMap(Intent::snapshot).map(Name::value).map(Set::of).orElse(Set.of());
        for (Path file : ChainDirectory.list(chain.snapshotFiles())) {
            String name = file.getFileName().toString();
            if (name.endsWith(MEMORY)) {
                String snapshot = name.substring(0, name.length() - MEMORY.length());
                if (!Files.exists(file.resolveSibling(snapshot + SIDECAR)) && !underWay.contains(snapshot)) {
                    boolean waits = Files.exists(file.resolveSibling(snapshot + PENDING));
                    leftovers.add(new Leftover(file, Leftover.What.MEMORY, waits ? name(snapshot) : Optional.empty()));
                }
            } else if (name.endsWith(PENDING)) {
                String snapshot = name.substring(0, name.length() - PENDING.length());
                if (!underWay.contains(snapshot)) {
                    leftovers.add(new Leftover(file, Leftover.What.UNDECIDED, name(snapshot)));
                }
            }
        }
        for (Path file : ChainDirectory.list(chain.layers())) {
            String name = file.getFileName().toString();
            // A storage may be trying what it can while we look; and what was removed while somebody on an NFS has it
            // open goes when that one closes it.
            boolean passing = name.startsWith(DirectoryStore.TRIAL)
                    || REMOVED_ON_NFS.matcher(name).matches();
            if (intent.isEmpty() && name.startsWith(".") && !passing) {
                leftovers.add(new Leftover(file, Leftover.What.HALF, Optional.empty()));
            }
        }
        return leftovers;
    }

    private static Optional<Name> name(String snapshot) {
        try {
            return Optional.of(new Name(snapshot));
        } catch (IllegalArgumentException e) {
            return Optional.empty(); // None of ours: nothing can be waiting for it.
        }
    }

    /** What a tidying that was cut short would have removed. */
    private List<Leftover> unneededLayers(LayerGraph graph, List<SnapshotRecord> pending) {
        Set<Layer> awaited = new HashSet<>();
        pending.forEach(record -> awaited.addAll(record.named()));
        return graph.backing().keySet().stream()
                .filter(layer -> graph.isNeedless(layer) && !awaited.contains(layer))
                .map(layer -> new Leftover(chain.file(layer), Leftover.What.LAYER, Optional.empty()))
                .toList();
    }

    private List<Missing> missingMemory(List<SnapshotRecord> decided) throws IOException {
        List<Missing> missing = new ArrayList<>();
        for (SnapshotRecord record : decided) {
            if (record.memory().isEmpty()) {
                continue;
            }
            Path file = chain.snapshotFiles().resolve(record.memory().get().file());
            if (!Files.exists(file)) {
                long bytes = record.memory().get().bytes();
                missing.add(new Missing(
                        file,
                        "snapshots/%s.json names it".formatted(record.name()),
                        lost(file, each -> Files.size(each) == bytes)));
            }
        }
        return missing;
    }

    private Optional<Path> lostLayer(Layer layer) throws IOException {
        return lost(chain.file(layer), file -> {
            if (layer.form() != ImageForm.QCOW2) {
                return true;
            }
            Optional<String> below = Qcow2Header.read(file).backing();
            return below.isEmpty()
                    || chain.layerAt(Path.of(below.get()))
                            .filter(base -> base.disk().equals(layer.disk()))
                            .isPresent();
        });
    }

    private interface Fit {
        boolean fits(Path candidate) throws IOException;
    }

    /** The one file that was moved away under this name and can be what is missing; nothing if there are several. */
    private Optional<Path> lost(Path missing, Fit fit) throws IOException {
        List<Path> candidates = new ArrayList<>();
        String name = missing.getFileName().toString();
        for (Path file : ChainDirectory.list(chain.lost())) {
            String own = file.getFileName().toString();
            boolean named = own.equals(name)
                    || own.startsWith(name + ".")
                            && own.substring(name.length() + 1).matches("\\d+");
            boolean link = ImageForm.of(missing).isDevice() && Files.isSymbolicLink(file);
            if (named && (link || Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) && fits(fit, file)) {
                candidates.add(file);
            }
        }
        return candidates.size() == 1 ? Optional.of(candidates.get(0)) : Optional.empty();
    }

    private static boolean fits(Fit fit, Path file) {
        try {
            return fit.fits(file);
        } catch (IOException e) {
            return false; // It is not what is looked for.
        }
    }

    /**
     * Moves a file to {@code lost/}, if nothing needs it.
     *
     * @return whether it was moved
     */
    public boolean moveAway(Path file, ChainExecutor executor) throws IOException {
        boolean needless =
                look().leftovers().stream().anyMatch(left -> left.file().equals(file));
        if (needless) {
            executor.moveToLost(file);
        }
        return needless;
    }

    /**
     * Puts a missing file back from {@code lost/}.
     *
     * @return whether it was missing, and found
     */
    public boolean putBack(Path file) throws IOException {
        Optional<Path> found = look().missing().stream()
                .filter(missing -> missing.file().equals(file))
                .flatMap(missing -> missing.found().stream())
                .findFirst();
        if (found.isEmpty()) {
            return false;
        }
        // A link fails if the name is taken meanwhile; whoever is cut off here leaves one file under two names.
        Files.createLink(file, found.get());
        DurableFile.flushDirectory(chain.layers());
        DurableFile.flushDirectory(chain.snapshotFiles());
        Files.delete(found.get());
        return true;
    }

    /**
     * Makes a snapshot count that waits for its decision. The caller knows that it was decided.
     *
     * @return whether it waited
     * @throws ChainException its parts are not all there
     */
    public boolean publish(Name snapshot, ChainExecutor executor) throws IOException {
        Optional<SnapshotRecord> waits = chain.pending(snapshot);
        if (waits.isEmpty()) {
            return false;
        }
        Set<Layer> there = chain.wholeGraph().backing().keySet();
        boolean memory = waits.get().memory().isEmpty() || Files.exists(chain.memoryFile(snapshot));
        if (!memory || !there.containsAll(waits.get().named())) {
            throw new ChainException("%s names files that are not there; it does not count as long as they are missing"
                    .formatted(chain.pendingFile(snapshot)));
        }
        executor.publish(snapshot);
        return true;
    }

    /**
     * Makes a part of a checkpoint a snapshot of its machine alone. The caller knows that there is no such checkpoint.
     *
     * @return whether it was a part
     */
    public boolean release(Name snapshot) throws IOException {
        synchronized (ChainDirectory.SIDECARS) {
            Optional<SnapshotRecord> part = Optional.ofNullable(
                            chain.snapshots().get(snapshot))
                    .filter(record -> record.group().isPresent());
            if (part.isPresent()) {
                ChainDirectory.SIDECARS.write(
                        chain.sidecarFile(snapshot), part.get().released());
            }
            return part.isPresent();
        }
    }

    /** Removes for good what is in {@code lost/}, with the volumes that links there lead to, if they are copies of ours. A person has asked for it. */
    public void emptyLost(ChainExecutor executor) throws IOException {
        for (Path file : ChainDirectory.list(chain.lost())) {
            executor.removeLost(file);
        }
    }

    private interface Reading<R> {
        R read() throws IOException;
    }

    private static <R> Optional<R> read(Reading<R> reading, Set<String> problems) {
        try {
            return Optional.of(reading.read());
        } catch (IOException e) {
            problems.add(String.valueOf(e.getMessage()));
            return Optional.empty();
        }
    }
}
