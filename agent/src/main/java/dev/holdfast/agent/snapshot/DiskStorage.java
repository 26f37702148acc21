package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.hypervisor.Keep;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
import dev.holdfast.agent.snapshot.chain.ChainException;
import dev.holdfast.agent.snapshot.chain.Intent;
import dev.holdfast.agent.snapshot.chain.Layer;
import dev.holdfast.agent.snapshot.chain.LayerGraph.HeadUse;
import dev.holdfast.agent.storage.ImageStore;
import dev.holdfast.agent.storage.ImageStore.Outlook.Room;
import dev.holdfast.agent.storage.ImageStore.Standing;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What becomes of an image of one disk that a snapshot has frozen, as things are now. Immutable.
 *
 * @param disk its id
 * @param becomes a copy, or a layer below others
 * @param words what the image lies on, for the user
 * @param obstacle why it is not copied although nobody wants it so; with what to do, if something can be done
 * @param bytes that a copy takes at once
 * @param room of which it takes them; empty if it is not copied
 * @param standing what speaks against a snapshot of it now
 */
public record DiskStorage(
        String disk,
        Keep becomes,
        String words,
        Optional<String> obstacle,
        long bytes,
        Optional<Room> room,
        Standing standing) {

    /** Of an image against whose snapshot nothing speaks. */
    public DiskStorage(
            String disk, Keep becomes, String words, Optional<String> obstacle, long bytes, Optional<Room> room) {
        this(disk, becomes, words, obstacle, bytes, room, Standing.GOOD);
    }

    /**
     * Of all disks of a machine. Asks their storage; blocks for seconds.
     *
     * @param storage of this node
     * @throws SnapshotException its chain is not here
     */
    public static List<DiskStorage> of(VmDefinition definition, ImageStore storage) throws SnapshotException {
        try {
            ChainDirectory chain = chain(definition);
            Map<String, Layer> open = new HashMap<>();
            chain.intent()
                    .filter(intent -> intent.kind() == Intent.Kind.KEEP)
                    .ifPresent(keep -> keep.copies().values().forEach(copy -> open.put(copy.disk(), copy)));
            return new StoredCopies(chain, definition, storage, Optional.empty())
                    .disks().stream()
                            .map(disk -> open.containsKey(disk.disk()) ? disk.with(open.get(disk.disk())) : disk)
                            .toList();
        } catch (IOException e) {
            throw SnapshotException.of(e);
        }
    }

    /** Where the layers of a machine are, and with them the copies that are files; empty if its chain is not here. */
    public static Optional<Path> layers(VmDefinition definition) {
        try {
            return Optional.of(chain(definition).layers());
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /**
     * The disks that a running machine could write again without their layers, because no snapshot needs what is below: it has not been tried
     * yet, or was given up. Reads the chain.
     *
     * @return their ids
     * @throws SnapshotException its chain is not here, or is being changed
     */
    public static List<String> onNeedlessLayers(VmDefinition definition) throws SnapshotException {
        try {
            return chain(definition).wholeGraph().tidyings(HeadUse.TURNS, layer -> false).stream()
                    .<String>flatMap(each -> each.<Stream<String>, RuntimeException>match(
                            drop -> Stream.of(),
                            join -> Stream.of(),
                            keep -> Stream.of(),
                            settle -> settle.disks().stream()
                                    .map(disk -> disk.top().disk())))
                    .toList();
        } catch (IOException e) {
            throw SnapshotException.of(e);
        }
    }

    private static ChainDirectory chain(VmDefinition definition) throws IOException {
        if (!definition.hasLayers()) {
            throw new ChainException(definition.name() + " has no chain of layers");
        }
        VmDefinition.Disk disk = definition.disks().get(0);
        return ChainDirectory.open(ChainDirectory.locate(disk.id(), disk.path()));
    }

    static DiskStorage layer(String disk, String words) {
        return new DiskStorage(disk, Keep.LAYER, words, Optional.empty(), 0, Optional.empty());
    }

    static DiskStorage layer(String disk, String words, String obstacle) {
        return new DiskStorage(disk, Keep.LAYER, words, Optional.of(obstacle), 0, Optional.empty());
    }

    private DiskStorage with(Layer unfinished) {
        String text = "its copy layers/%s is not finished".formatted(unfinished);
        return new DiskStorage(
                disk,
                becomes,
                words + "; " + text,
                Optional.of(
                        text
                                + ": it is being made, or its storage does not answer, which the log of the agent says; no snapshot can be made until it is"),
                bytes,
                room,
                standing);
    }

    DiskStorage with(Standing now) {
        return new DiskStorage(disk, becomes, words, obstacle, bytes, room, now);
    }

    /** Why no snapshot of it is made now, or only if it may be degraded; for people. */
    public List<String> refusals() {
        return Stream.concat(
                        standing.obstacles().stream(),
                        standing.degraded().stream().map(each -> each + " (possible with --allow-degraded)"))
                .toList();
    }

    /** For the user: {@code clone (file on xfs)}. */
    public String text() {
        String now = Stream.concat(standing.obstacles().stream(), standing.degraded().stream())
                .map(each -> "; " + each)
                .collect(Collectors.joining());
        return "%s (%s%s)".formatted(becomes.word(), words, now);
    }
}
