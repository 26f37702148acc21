package dev.holdfast.agent.hypervisor.qemu;

import dev.holdfast.agent.files.FileBytes;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.hypervisor.Increments;
import dev.holdfast.agent.hypervisor.block.Advance;
import dev.holdfast.agent.hypervisor.block.ImageNode;
import dev.holdfast.agent.hypervisor.block.Jobs;
import dev.holdfast.agent.qmp.QmpValue;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/** By backup jobs in one transaction, and dirty bitmaps on the nodes of the images, which are in QEMU's memory alone. One thread. */
final class QemuIncrements implements Increments {
    private static final String JOB = "holdfast-keep-";
    private static final String BITMAP = "holdfast-";
    private static final Duration STUCK = Duration.ofMinutes(2);

    private final QemuVm vm;
    private final Monitor monitor;
    private final Advance advance;
    /** What is being copied to, by its disk. */
    private final Map<String, Target> targets = new HashMap<>();

    /**
     * @param file on this host
     * @param opened with these options
     */
    private record Target(Path file, Map<String, Object> opened) {}

    QemuIncrements(QemuVm vm) {
        this.vm = vm;
        this.monitor = vm.monitor();
        this.advance = new Advance(monitor, STUCK);
    }

    private static String bitmap(int count) {
        return "%s%06d".formatted(BITMAP, count);
    }

    private record Image(String node, List<QmpValue> bitmaps) {
        Optional<QmpValue> counting(int count) {
            return bitmaps.stream()
                    .filter(each -> each.path("name").asText().equals(bitmap(count)))
                    .findFirst();
        }
    }

    private Optional<Image> image(Path file) throws HypervisorException {
        for (QmpValue node : monitor.call("query-named-block-nodes", Map.of("flat", true))) {
            if (ImageNode.interprets(node) && node.path("file").asText().equals(file.toString())) {
                List<QmpValue> bitmaps = new ArrayList<>();
                node.path("dirty-bitmaps").forEach(bitmaps::add);
                return Optional.of(new Image(node.path("node-name").asText(), bitmaps));
            }
        }
        return Optional.empty();
    }

    @Override
    public OptionalLong counted(Path image, int count) throws HypervisorException {
        Optional<QmpValue> bitmap = image(image)
                .flatMap(open -> open.counting(count))
                .filter(found -> found.path("recording").asText().equals("true")
                        && !found.path("inconsistent").asText().equals("true"));
        return bitmap.isPresent() ? OptionalLong.of(bitmap.get().path("count").asLong()) : OptionalLong.empty();
    }

    @Override
    public void begin(List<Copy> copies) throws HypervisorException {
        end();
        List<Map<String, Object>> actions = new ArrayList<>();
        try {
            for (Copy copy : copies) {
                actions.add(Map.of("type", "blockdev-backup", "data", prepare(copy)));
            }
            // A failure of one is one of all: then each disk goes on being counted from where it was.
            monitor.call("transaction", Map.of("actions", actions, "properties", Map.of("completion-mode", "grouped")));
        } catch (HypervisorException e) {
            try {
                end();
            } catch (HypervisorException again) {
                e.addSuppressed(again);
            }
            throw e;
        }
    }

    /** Opens the target, and counts from here: nobody writes the image yet. */
    private Map<String, Object> prepare(Copy copy) throws HypervisorException {
        BlockGraph graph = BlockGraph.read(monitor, vm.definition());
        if (graph.disks().get(copy.diskId()).active().equals(copy.image())) {
            throw new HypervisorException(Kind.REFUSED, copy.image() + " is written, and cannot be copied as it is");
        }
        String source = graph.node(copy.diskId(), copy.image());
        count(copy, source);
        monitor.owner().lendLayers(List.of(copy.target()));
        String target = graph.nextNode(copy.diskId());
        Map<String, Object> layer = ImageNode.options(target, copy.target());
        // What it stands on is the same where nothing was written.
        layer.put("backing", null);
        monitor.call("blockdev-add", layer);
        targets.put(copy.diskId(), new Target(copy.target(), layer));
        Map<String, Object> job = new HashMap<>();
        job.put("job-id", JOB + copy.diskId());
        job.put("device", source);
        job.put("target", target);
        job.put("auto-dismiss", false);
        job.put("sync", copy.since().isPresent() ? "bitmap" : "full");
        if (copy.since().isPresent()) {
            job.put("bitmap", bitmap(copy.since().getAsInt()));
            job.put("bitmap-mode", "never");
        }
        return job;
    }

    /** The count before it goes on until the next copy: if this one fails, or is removed, that is what the next one is made from. */
    private void count(Copy copy, String source) throws HypervisorException {
        OptionalInt since = copy.since();
        for (QmpValue known : image(copy.image()).map(Image::bitmaps).orElse(List.of())) {
            String name = known.path("name").asText();
            if (name.startsWith(BITMAP) && (since.isEmpty() || !name.equals(bitmap(since.getAsInt())))) {
                monitor.call("block-dirty-bitmap-remove", Map.of("node", source, "name", name));
            }
        }
        monitor.call("block-dirty-bitmap-add", Map.of("node", source, "name", bitmap(copy.count())));
    }

    @Override
    public boolean areWhole() throws HypervisorException {
        List<QmpValue> all = new Jobs(monitor).of(JOB);
        if (all.size() != targets.size()) {
            throw new HypervisorException(
                    Kind.FAILED, "the copies of the disks of " + vm.name() + " were ended by somebody else");
        }
        long done = 0;
        boolean over = true;
        for (QmpValue job : all) {
            over &= Jobs.isOver(job);
            done += job.path("current-progress").asLong();
        }
        if (!over && advance.isStuck(done)) {
            throw new HypervisorException(
                    Kind.UNKNOWN,
                    "the copies of the disks of %s have not moved for %d s; look at their storage"
                            .formatted(vm.name(), STUCK.toSeconds()));
        }
        if (over) {
            requireSuccess(all);
            flushTargets();
        }
        return over;
    }

    private void requireSuccess(List<QmpValue> all) throws HypervisorException {
        for (QmpValue job : all) {
            String error = job.path("error").asText();
            // Those that were taken along by another one say so.
            if (!error.isEmpty() && !error.equals("Operation canceled")) {
                throw new HypervisorException(
                        Kind.FAILED,
                        "the copy of %s failed: %s".formatted(Jobs.id(job).substring(JOB.length()), error));
            }
        }
        for (QmpValue job : all) {
            if (!job.path("error").asText().isEmpty()) {
                throw new HypervisorException(
                        Kind.FAILED, "the copies of the disks of " + vm.name() + " were cancelled");
            }
        }
    }

    /**
     * Closing an image writes what QEMU still has of its tables, and nobody is told if it cannot (qcow2_inactivate in block/qcow2.c); making it
     * read-only does the same before, and fails then (bdrv_reopen_prepare in block.c). It flushes the file as well, and QEMU answers nobody
     * meanwhile; so most of that is done before, from here.
     */
    private void flushTargets() throws HypervisorException {
        for (Map.Entry<String, Target> target : targets.entrySet()) {
            Map<String, Object> readOnly = new HashMap<>(target.getValue().opened());
            readOnly.put("read-only", true);
            try {
                FileBytes.flush(target.getValue().file());
                monitor.call("blockdev-reopen", Map.of("options", List.of(readOnly)));
            } catch (HypervisorException e) {
                throw unwritten(target.getKey(), e.kind() == Kind.REFUSED ? Kind.FAILED : e.kind(), e);
            } catch (IOException e) {
                throw unwritten(target.getKey(), Kind.FAILED, e);
            }
        }
    }

    private static HypervisorException unwritten(String disk, Kind kind, Exception cause) {
        return new HypervisorException(
                kind,
                "the copy of %s could not be written; look at its storage: %s".formatted(disk, cause.getMessage()),
                cause);
    }

    @Override
    public void end() throws HypervisorException {
        new Jobs(monitor).cancel(JOB);
        targets.clear();
        vm.closeLeftovers();
    }

    @Override
    public void renumber(Path image, int from, int to) throws HypervisorException {
        Optional<Image> open = image(image);
        if (open.flatMap(each -> each.counting(from)).isEmpty()) {
            return;
        }
        String node = open.get().node();
        boolean taken = open.get().counting(to).isPresent();
        monitor.call(
                "transaction",
                Map.of(
                        "actions",
                        List.of(
                                Map.of(
                                        "type",
                                        taken ? "block-dirty-bitmap-clear" : "block-dirty-bitmap-add",
                                        "data",
                                        Map.of("node", node, "name", bitmap(to))),
                                Map.of(
                                        "type",
                                        "block-dirty-bitmap-merge",
                                        "data",
                                        Map.of(
                                                "node",
                                                node,
                                                "target",
                                                bitmap(to),
                                                "bitmaps",
                                                List.of(bitmap(from)))))));
        monitor.call("block-dirty-bitmap-remove", Map.of("node", node, "name", bitmap(from)));
    }
}
