package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.MemoryImages;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.snapshot.chain.ChainException;
import dev.holdfast.agent.snapshot.chain.Layer;
import dev.holdfast.agent.snapshot.chain.LayerGraph;
import dev.holdfast.agent.snapshot.chain.SnapshotRecord;
import dev.holdfast.agent.storage.ImageStore.Health;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Refusal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Looks whether a snapshot is whole: the chain, each layer's structure and digest, the memory's digest. Raw layers have neither; their
 * size is looked at. Claims nothing, so that it holds nobody up.
 *
 * @param vm the machine
 */
record SnapshotVerification(VmChain vm) {

    Verification verify(Name snapshot, Progress progress) throws SnapshotException {
        try {
            SnapshotRecord record = vm.snapshot(snapshot);
            LayerGraph graph = vm.chain().graph();
            List<String> problems = new ArrayList<>(graph.problems());
            long bytes = 0;
            Set<Layer> layers = new LinkedHashSet<>();
            record.named().forEach(layer -> layers.addAll(graph.chain(layer)));
            List<String> unread = new ArrayList<>();
            for (Layer layer : layers) {
                if (layer.form() == ImageForm.QCOW2) {
                    bytes += checkLayer(record, layer, problems, progress);
                } else {
                    checkRaw(layer, graph, problems, unread);
                }
            }
            List<String> unreadable = new ArrayList<>();
            checkMemory(record, problems, unreadable, progress);
            bytes += record.memory().map(SnapshotRecord.MemoryPart::bytes).orElse(0L);
            if (!problems.isEmpty()) {
                requireUnchanged(record);
            }
            return new Verification(snapshot, problems, unread, unreadable, bytes);
        } catch (IOException e) {
            throw SnapshotException.of(e);
        }
    }

    /**
     * Whoever could change the image could change the digest beside it, but not what an encrypted image proves. Without its key nobody can
     * tell, which is no damage.
     */
    private void checkMemory(SnapshotRecord record, List<String> problems, List<String> unreadable, Progress progress)
            throws IOException {
        String damage = Preflight.memoryDamage(vm, record, progress);
        if (!damage.isEmpty()) {
            problems.add(damage);
        } else if (record.memory().isPresent()) {
            MemoryImages images = vm.tools().hypervisor().images();
            Path image = vm.chain().memoryFile(record.name());
            Optional<String> missing = images.missingKey(image);
            if (missing.isPresent()) {
                unreadable.add(missing.get());
            } else {
                images.damage(image, progress).ifPresent(problems::add);
            }
        }
    }

    /** What is being merged, or was meanwhile, looks damaged. */
    private void requireUnchanged(SnapshotRecord record) throws IOException, SnapshotException {
        boolean merging = vm.chain()
                .intent()
                .filter(intent -> switch (intent.kind()) {
                    case MERGE, KEEP, SETTLE -> true;
                    case CUT, CLONE, REVERT -> false;
                })
                .isPresent();
        if (merging || !vm.snapshot(record.name()).equals(record)) {
            throw new SnapshotException(new Refusal(
                    Refusal.Kind.BUSY, "layers of " + vm.name() + " are being merged; verify it again afterwards"));
        }
    }

    private long checkLayer(SnapshotRecord record, Layer layer, List<String> problems, Progress progress)
            throws IOException {
        Path file = vm.chain().file(layer);
        if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            return 0;
        }
        try {
            vm.tools().images().check(file);
        } catch (ChainException e) {
            problems.add(String.valueOf(e.getMessage()));
        }
        for (SnapshotRecord.DiskPart part : record.disks()) {
            boolean known = part.asLayer().equals(layer) && !part.sha256().isEmpty();
            if (known && !Digests.sha256(file, progress).equals(part.sha256())) {
                problems.add(file + " is damaged: its checksum differs; restore it from a copy");
            }
        }
        return Files.size(file);
    }

    private void checkRaw(Layer layer, LayerGraph graph, List<String> problems, List<String> unread)
            throws IOException {
        Health health = vm.copies().volumes().health(layer).orElse(new Health(Health.State.GOOD, ""));
        switch (health.state()) {
            case ABSENT, SPOILT -> problems.add("layers/%s cannot be read: %s".formatted(layer, health.words()));
            case CLOSED -> unread.add("layers/%s was not read: %s".formatted(layer, health.words()));
            case GOOD ->
                unread.add("layers/%s is raw, and of that no digest was taken%s"
                        .formatted(layer, checkSize(layer, graph, problems)));
        }
    }

    /** What is known of the size of a raw layer, for the user: as much as the layers tell that stand on it. */
    private String checkSize(Layer layer, LayerGraph graph, List<String> problems) throws IOException {
        Path file = vm.chain().file(layer);
        if (!Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            return "";
        }
        long bytes;
        try {
            bytes = vm.chain().image(layer).bytes();
        } catch (IOException e) {
            problems.add("%s cannot be opened (%s); look at its storage".formatted(file, e));
            return "";
        }
        String known = ", nor does anything tell what size it had: it has %d bytes".formatted(bytes);
        for (Layer above : graph.children(layer)) {
            long shown = vm.chain().image(above).virtualBytes();
            if (bytes < shown) {
                problems.add(
                        "%s has %d bytes and had %d when layers/%s was made: it was cut off; restore it from a copy"
                                .formatted(file, bytes, shown, above));
                return "";
            }
            known = ": its size is right";
        }
        return known;
    }
}
