package dev.holdfast.agent.snapshot.chain;

import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.json.DurableFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Collection;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Looks at the head of a chain, without which the rest cannot be opened, and makes it anew if it is certain what it was: what the
 * machine's process writes to; without a process, the one whole generation that is not older than any other and whose layers
 * nothing stands on and nothing names. Where two could be it, a person decides: a start from the wrong one goes back in time.
 * One operation at a time for a chain, as everywhere.
 */
public final class HeadFsck {
    private static final String PENDING = ".json.pending";

    private final ChainDirectory chain;
    private final Set<String> disks;

    private HeadFsck(ChainDirectory chain, Set<String> disks) {
        this.chain = chain;
        this.disks = Set.copyOf(disks);
    }

    /**
     * @param path the directory of the chain
     * @param disks ids of the machine's disks
     * @return empty if there is no chain there, or its machine has gone elsewhere: the head has nothing to do with it then
     */
    public static Optional<HeadFsck> of(Path path, Set<String> disks) throws IOException {
        if (!Files.isDirectory(path)) {
            return Optional.empty();
        }
        ChainDirectory chain = ChainDirectory.unchecked(path.toRealPath());
        boolean whole = Files.isDirectory(chain.layers())
                && Files.isDirectory(chain.generations())
                && Files.isDirectory(chain.snapshotFiles());
        return whole && MovedChain.explain(chain.path()).isEmpty()
                ? Optional.of(new HeadFsck(chain, disks))
                : Optional.empty();
    }

    /**
     * A head that leads nowhere.
     *
     * @param text what is wrong with it
     * @param right the layers that it has to lead to, if that is certain
     * @param doubt why it is not; empty if it is
     */
    public record Broken(String text, Optional<SortedMap<String, Layer>> right, String doubt) {}

    /** Why nobody can tell what the head has to be. */
    private static final class DoubtException extends IOException {
        private static final long serialVersionUID = 1L;

        DoubtException(String message) {
            super(message);
        }
    }

    /**
     * Looks and touches nothing.
     *
     * @param written the file that the machine's process writes each disk to; empty if it certainly has none anywhere
     * @return empty if the head leads to a generation
     */
    public Optional<Broken> look(Optional<Map<String, Path>> written) {
        if (leadsSomewhere()) {
            return Optional.empty();
        }
        try {
            return Optional.of(new Broken(text(), Optional.of(right(written)), ""));
        } catch (IOException doubt) {
            return Optional.of(new Broken(text(), Optional.empty(), String.valueOf(doubt.getMessage())));
        }
    }

    /** Whether the head leads to a generation. Cheap. */
    public boolean leadsSomewhere() {
        try {
            return chain.head().number() > 0;
        } catch (IOException | IllegalArgumentException e) {
            return false;
        }
    }

    private String text() {
        Path head = chain.headLink();
        if (isAside()) {
            return head + " is set aside: the disks were going back into the images below their layers";
        }
        if (!Files.exists(head, LinkOption.NOFOLLOW_LINKS)) {
            return head + " is missing";
        }
        try {
            return Files.isSymbolicLink(head)
                    ? "%s points to %s, which is no whole generation".formatted(head, Files.readSymbolicLink(head))
                    : head + " is not a symbolic link";
        } catch (IOException e) {
            return head + " cannot be read: " + e.getMessage();
        }
    }

    private boolean isAside() {
        try {
            return chain.isHeadAside();
        } catch (IOException e) {
            return false; // Then the head cannot be read, either, and that is said.
        }
    }

    /** For people: an agent decides what can be decided when it ends the change. */
    private static String howToDecide(Optional<Intent> settle) {
        return settle.map(intent ->
                        ("if the agent cannot end that, nobody but you can tell which are the newest data: look at both, and in the directory"
                                        + " of the chain run \"mv head.aside head\" if they are in %s, or \"ln -s generations/%s head\" if they are in %s;"
                                        + " then start the machine")
                                .formatted(
                                        names(intent.homes().keySet()),
                                        Generation.directoryName(intent.toGeneration()),
                                        names(intent.homes().values())))
                .orElse("and intent.json is missing, which tells between which images");
    }

    private static String names(Collection<Layer> layers) {
        return layers.stream().map(layer -> "layers/" + layer).collect(Collectors.joining(", "));
    }

    private SortedMap<String, Layer> right(Optional<Map<String, Path>> written) throws IOException {
        if (Files.isDirectory(chain.headLink(), LinkOption.NOFOLLOW_LINKS)) {
            throw new DoubtException("a directory stands in its place; move that away");
        }
        if (isAside()) {
            throw new DoubtException(
                    written.isPresent() && chain.intent().isPresent()
                            ? "its process runs and says itself which side it writes: do not end it before the agent has ended that change"
                            : howToDecide(chain.intent()));
        }
        if (chain.intent().isPresent()) {
            throw new DoubtException("a change of the chain was cut short in the middle (intent.json)");
        }
        SortedMap<Layer, Optional<Layer>> backing = chain.backing();
        Set<Layer> needed = new HashSet<>();
        chain.named().values().forEach(needed::addAll);
        for (Path file : ChainDirectory.list(chain.snapshotFiles())) {
            if (file.getFileName().toString().endsWith(PENDING)) {
                needed.addAll(ChainDirectory.SIDECARS.read(file).named());
            }
        }
        backing.values().forEach(below -> below.ifPresent(needed::add));
        return written.isPresent() ? ofProcess(written.get(), backing, needed) : ofFiles(backing, needed);
    }

    private SortedMap<String, Layer> ofProcess(
            Map<String, Path> written, SortedMap<Layer, Optional<Layer>> backing, Set<Layer> needed)
            throws DoubtException {
        TreeMap<String, Layer> layers = new TreeMap<>();
        for (Map.Entry<String, Path> disk : written.entrySet()) {
            Layer layer = chain.layerAt(disk.getValue())
                    .filter(each -> each.disk().equals(disk.getKey()) && backing.containsKey(each))
                    .orElseThrow(() -> new DoubtException(
                            "its process writes to %s, which is no layer of this chain".formatted(disk.getValue())));
            if (needed.contains(layer)) {
                throw new DoubtException("its process writes to layers/%s, on which something stands".formatted(layer));
            }
            layers.put(disk.getKey(), layer);
        }
        return complete(layers);
    }

    private SortedMap<String, Layer> ofFiles(SortedMap<Layer, Optional<Layer>> backing, Set<Layer> needed)
            throws IOException {
        TreeMap<String, Layer> layers = new TreeMap<>();
        int newest = 0;
        for (Layer layer : backing.keySet()) {
            if (!needed.contains(layer)) {
                Layer other = layers.put(layer.disk(), layer);
                newest = Math.max(newest, layer.number());
                if (other != null) {
                    throw new DoubtException(
                            "nothing stands on either of layers/%s and layers/%s".formatted(other, layer));
                }
            }
        }
        complete(layers);
        // A newer generation was given up, or is the right one and has lost its layers.
        int last = chain.lastGeneration();
        if (last > 0 && !chain.generation(last).layers().equals(layers)) {
            throw new DoubtException(
                    ("nothing stands on %s, but the last generation, %s, names others; it was given up, or"
                                    + " its layers are missing")
                            .formatted(layers.values(), Generation.directoryName(last)));
        }
        for (Path file : ChainDirectory.list(chain.lost())) {
            int number = Layer.fromFileName(file.getFileName().toString().replaceFirst("\\.\\d+$", ""))
                    .map(Layer::number)
                    .orElse(0);
            if (number > newest) {
                throw new DoubtException(file + " is newer than everything in layers/");
            }
        }
        return layers;
    }

    private SortedMap<String, Layer> complete(SortedMap<String, Layer> layers) throws DoubtException {
        if (!layers.keySet().equals(disks)) {
            throw new DoubtException("the machine has the disks %s, and there are newest layers of %s only"
                    .formatted(disks, layers.keySet()));
        }
        return layers;
    }

    /**
     * Makes the head lead where it has to, if it leads nowhere and that is certain. What stands in its place goes to {@code lost/}.
     *
     * @param written as in {@link #look}
     * @return whether there was a reason to
     * @throws ChainException nobody can tell where it has to lead
     */
    public boolean mend(Optional<Map<String, Path>> written, DiskImages images, InstantSource clock)
            throws IOException {
        Optional<Broken> broken = look(written);
        if (broken.isEmpty()) {
            return false;
        }
        SortedMap<String, Layer> right = broken.get()
                .right()
                .orElseThrow(() -> new ChainException(
                        broken.get().text() + "; " + broken.get().doubt()));
        ChainExecutor executor = new ChainExecutor(
                chain, images, LiveDisks.NONE, clock, ChainExecutor.Removal.QUARANTINE, Progress.NONE);
        int number = chain.lastGeneration();
        if (number == 0 || !isWhole(number, right)) {
            number = chain.nextNumber();
            executor.makeGeneration(new Generation(number, right));
        }
        if (!Files.isSymbolicLink(chain.headLink())) {
            executor.moveToLost(chain.headLink());
        }
        executor.moveHead(number);
        DurableFile.flushDirectory(chain.path());
        return true;
    }

    private boolean isWhole(int number, SortedMap<String, Layer> right) {
        try {
            return chain.generation(number).layers().equals(right);
        } catch (IOException | IllegalArgumentException e) {
            return false; // Another one is made.
        }
    }
}
