package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.Keep;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.snapshot.chain.ChainException;
import dev.holdfast.agent.snapshot.chain.Layer;
import dev.holdfast.agent.snapshot.chain.LayerGraph;
import dev.holdfast.agent.snapshot.chain.SnapshotRecord;
import dev.holdfast.agent.storage.ImageStore.Outlook;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/** Everything that can be checked before anything is touched. Touches nothing. */
final class Preflight {
    private static final Path MEMORY_INFORMATION = Path.of("/proc/meminfo");
    private static final long OVERLAY_BYTES = 16L << 20;
    private static final long SLACK_BYTES = 64L << 20;
    private static final int SLACK_PERCENT = 5;

    private Preflight() {}

    /** @throws SnapshotException with the first reason against the snapshot */
    static Estimate snapshot(VmChain vm, SnapshotRequest request) throws IOException, SnapshotException {
        vm.requireIdle();
        Name name = request.name();
        for (Path file : List.of(
                vm.chain().sidecarFile(name),
                vm.chain().pendingFile(name),
                vm.chain().memoryFile(name))) {
            if (Files.exists(file)) {
                throw SnapshotException.refused("%s has a snapshot %s already (%s is there); choose another name"
                        .formatted(vm.name(), name, file));
            }
        }
        LayerGraph graph = vm.chain().wholeGraph();
        Optional<RunningVm> running = vm.certainlyRunning();
        boolean memory = request.method() != CaptureMethod.DISK_ONLY;
        if (running.isPresent()) {
            requireItsDisks(vm, running.get(), graph, request);
            requireCapturable(running.get(), memory);
        } else if (vm.foreign().isPresent()) {
            throw SnapshotException.refused(
                    vm.name() + " does not run, and whoever starts it would not wait for us; start it");
        } else if (memory) {
            throw SnapshotException.refused(
                    vm.name() + " does not run, so it has no memory to capture; start it, or use --disk-only");
        }
        requireStanding(vm, request.allowDegraded());
        List<DiskStorage> copies = vm.copies().candidates();
        requireWanted(vm, copies);
        long bytes = snapshotBytes(vm, memory, copies);
        long usable = vm.chain().usableBytes();
        if (usable < bytes) {
            throw SnapshotException.refused("a snapshot of %s needs %d MiB in %s and %d MiB are free; make room%s"
                    .formatted(
                            vm.name(),
                            bytes >> 20,
                            vm.chain().path(),
                            usable >> 20,
                            memory ? ", or use --disk-only" : ""));
        }
        return new Estimate(bytes, usable, graph.depth() + 1);
    }

    /** A storage that is not as it should be would be found out only when the snapshot is needed. */
    private static void requireStanding(VmChain vm, boolean allowDegraded) throws IOException, SnapshotException {
        for (DiskStorage disk : vm.copies().standings()) {
            if (!disk.standing().obstacles().isEmpty()) {
                throw SnapshotException.refused("disk %s of %s cannot be captured on this node now: %s"
                        .formatted(
                                disk.disk(),
                                vm.name(),
                                String.join("; ", disk.standing().obstacles())));
            }
            if (!disk.standing().degraded().isEmpty() && !allowDegraded) {
                throw SnapshotException.refused(
                        "disk %s of %s is whole on this node alone: %s. Wait until that is over, or use --allow-degraded"
                                .formatted(
                                        disk.disk(),
                                        vm.name(),
                                        String.join("; ", disk.standing().degraded())));
            }
        }
    }

    private static void requireItsDisks(VmChain vm, RunningVm running, LayerGraph graph, SnapshotRequest request)
            throws IOException, SnapshotException {
        if (vm.foreign().isPresent()) {
            vm.foreign().get().requireThose(running);
            vm.foreign().get().forecast(request.deadline());
            return;
        }
        new DriverDisks(vm, running, request.operation(), Progress.NONE).checkOnHead(graph);
    }

    /** What a snapshot takes where the chain lies, with the copies that are made after it. */
    private static long snapshotBytes(VmChain vm, boolean memory, List<DiskStorage> copies) throws SnapshotException {
        return OVERLAY_BYTES * vm.definition().disks().size()
                + copies.stream()
                        .filter(disk -> disk.becomes() == Keep.CLONE || disk.becomes() == Keep.INCREMENT)
                        .mapToLong(DiskStorage::bytes)
                        .sum()
                + (memory ? memoryBytes(vm.memoryBytes()) : 0);
    }

    /** Who leaves it to the storage what becomes of a disk takes a layer as well. */
    private static void requireWanted(VmChain vm, List<DiskStorage> copies) throws SnapshotException {
        SortedMap<String, Long> needs = new TreeMap<>();
        for (DiskStorage disk : copies) {
            Keep wanted = vm.definition().disk(disk.disk()).keep();
            if (wanted != Keep.AUTO && disk.becomes() != wanted) {
                throw SnapshotException.refused(
                        "disk %s of %s has keep = \"%s\" and cannot be copied so now: it is %s. %s"
                                .formatted(
                                        disk.disk(),
                                        vm.name(),
                                        wanted.word(),
                                        disk.words(),
                                        disk.obstacle().orElse("Such an image stays on its layers: remove \"keep\"")));
            }
            if (disk.becomes() != Keep.CLONE && disk.room().isPresent()) {
                Outlook.Room room = disk.room().get();
                long needed = needs.merge(room.of(), disk.bytes(), Long::sum);
                if (needed > room.bytes()) {
                    throw SnapshotException.refused(
                            "copies of the disks of %s need %d MiB of %s and %d MiB are free; make room, or use a smaller \"cow\""
                                    .formatted(vm.name(), needed >> 20, room.of(), room.bytes() >> 20));
                }
            }
        }
    }

    /**
     * What would tie this machine to another one, in words that are the same for both.
     *
     * @param node where it runs: names of sockets are a node's own
     * @param memory whether its memory is to be captured
     */
    static List<String> ties(VmChain vm, Name node, boolean memory) throws IOException, SnapshotException {
        List<String> ties = new ArrayList<>();
        // The link to the head is the same file for whoever sees the same storage, and made anew with each layer.
        Path head = vm.chain().path().resolve("head");
        BasicFileAttributes link = Files.readAttributes(head, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        ties.add("disk chain %s of %s".formatted(vm.chain().path().toRealPath(), link.lastModifiedTime()));
        Optional<RunningVm> running = vm.running();
        if (running.isPresent()) {
            try {
                running.get().surroundings(memory).ties().stream()
                        .map(tie -> tie.contains(" tcp ") ? tie : tie + " on " + node)
                        .forEach(ties::add);
            } catch (HypervisorException e) {
                throw SnapshotException.of(e);
            }
        }
        return ties;
    }

    private static void requireCapturable(RunningVm vm, boolean memory) throws SnapshotException {
        try {
            VmStatus status = vm.status();
            boolean fits = status == VmStatus.RUNNING || !memory && status == VmStatus.PAUSED;
            if (!fits) {
                throw SnapshotException.refused("%s is %s; a snapshot %s needs it running%s"
                        .formatted(
                                vm.name(),
                                status,
                                memory ? "with memory" : "of its disks",
                                memory ? ": resume it, or use --disk-only" : " or paused"));
            }
            List<String> obstacles = vm.surroundings(memory).obstacles();
            if (!obstacles.isEmpty()) {
                throw SnapshotException.refused(String.join("; ", obstacles));
            }
        } catch (HypervisorException e) {
            throw SnapshotException.of(e);
        }
    }

    /** What a memory image can take: pages, their headers, devices. */
    private static long memoryBytes(long guestBytes) {
        return guestBytes + guestBytes / 100 * SLACK_PERCENT + SLACK_BYTES;
    }

    /** Opens what the snapshot stands on, and touches nothing else. @throws SnapshotException with the first reason against going back to it */
    static void revert(VmChain vm, SnapshotRecord snapshot, Progress progress) throws IOException, SnapshotException {
        if (vm.foreign().isPresent()) {
            throw SnapshotException.refused(vm.foreign().get().wayBackByHand(snapshot));
        }
        vm.requireIdle();
        LayerGraph graph = vm.chain().wholeGraph();
        open(vm, snapshot, graph);
        requireHome(vm, snapshot, graph);
        Optional<RunningVm> running = vm.certainlyRunning();
        if (running.isPresent()) {
            new DriverDisks(vm, running.get(), "revert", Progress.NONE).checkOnHead(graph);
        }
        if (!snapshot.layers().layers().keySet().equals(graph.head().layers().keySet())) {
            throw SnapshotException.refused(
                    "snapshot %s of %s has the disks %s, the machine has %s; correct its definition"
                            .formatted(
                                    snapshot.name(),
                                    vm.name(),
                                    snapshot.layers().layers().keySet(),
                                    graph.head().layers().keySet()));
        }
        if (snapshot.memory().isPresent()) {
            requireSameHardware(vm, snapshot);
            requireRoom(vm, running.isPresent());
            String problem = memoryProblem(vm, snapshot, progress);
            if (!problem.isEmpty()) {
                throw SnapshotException.refused(problem);
            }
        }
    }

    private static void open(VmChain vm, SnapshotRecord snapshot, LayerGraph graph) throws SnapshotException {
        try {
            for (Layer layer : snapshot.named()) {
                vm.copies().volumes().open(graph.chain(layer));
            }
        } catch (ChainException e) {
            throw SnapshotException.refused(String.valueOf(e.getMessage()));
        }
    }

    /** Where a disk is not this node's, its machine may run elsewhere. */
    private static void requireHome(VmChain vm, SnapshotRecord snapshot, LayerGraph graph)
            throws IOException, SnapshotException {
        for (Layer top : snapshot.named()) {
            for (Layer layer : graph.chain(top)) {
                List<String> obstacles = vm.copies().standingOf(layer).obstacles();
                if (!obstacles.isEmpty()) {
                    throw SnapshotException.refused("disk %s of %s cannot be taken back on this node now: %s"
                            .formatted(layer.disk(), vm.name(), String.join("; ", obstacles)));
                }
            }
        }
    }

    private static void requireSameHardware(VmChain vm, SnapshotRecord snapshot) throws SnapshotException {
        Optional<SnapshotRecord.Hardware> then = snapshot.hardware();
        Optional<SnapshotRecord.Hardware> now = vm.hardware().map(SnapshotRecord.Hardware::of);
        if (then.isPresent() && now.isPresent() && !then.equals(now)) {
            throw SnapshotException.refused(("%s was defined as %s when snapshot %s was taken and is %s now; its memory"
                            + " loads only into the same machine: change the definition back for the revert")
                    .formatted(vm.name(), then.get(), snapshot.name(), now.get()));
        }
    }

    private static void requireRoom(VmChain vm, boolean beside) throws IOException, SnapshotException {
        if (!beside) {
            return;
        }
        long needed = vm.memoryBytes();
        long available = availableMemory();
        if (available < needed) {
            throw SnapshotException.refused(("a revert of %s loads the old memory beside the running one and needs"
                            + " %d MiB of RAM, %d MiB are available; shut the machine down first")
                    .formatted(vm.name(), needed >> 20, available >> 20));
        }
    }

    static Room.Need roomForSnapshot(VmChain vm, boolean memory) throws SnapshotException {
        try {
            String where = "the file system of " + Files.getFileStore(vm.chain().path());
            return new Room.Need(
                    vm.name().value(),
                    where,
                    snapshotBytes(vm, memory, vm.copies().candidates()),
                    vm.chain().usableBytes(),
                    "make room");
        } catch (IOException e) {
            throw SnapshotException.of(e);
        }
    }

    static Room.Need roomForRevert(VmChain vm, Name snapshot) throws SnapshotException {
        try {
            boolean beside =
                    vm.running().isPresent() && vm.snapshot(snapshot).memory().isPresent();
            return new Room.Need(
                    vm.name().value(),
                    "RAM",
                    beside ? vm.memoryBytes() : 0,
                    availableMemory(),
                    "their old memory is loaded beside the running one: shut one of them down first");
        } catch (IOException e) {
            throw SnapshotException.of(e);
        }
    }

    /** Bytes of RAM that processes may still get. */
    static long availableMemory() throws IOException {
        for (String line : Files.readAllLines(MEMORY_INFORMATION, StandardCharsets.US_ASCII)) {
            if (line.startsWith("MemAvailable:")) {
                return Long.parseLong(line.replaceAll("[^0-9]", "")) << 10;
            }
        }
        return Long.MAX_VALUE;
    }

    /** Why the memory image cannot be loaded, a missing key included; empty if it can. */
    static String memoryProblem(VmChain vm, SnapshotRecord snapshot, Progress progress) throws IOException {
        String damage = memoryDamage(vm, snapshot, progress);
        return damage.isEmpty() && snapshot.memory().isPresent()
                ? vm.tools()
                        .hypervisor()
                        .images()
                        .obstacle(vm.chain().memoryFile(snapshot.name()))
                        .orElse("")
                : damage;
    }

    /** What is wrong with the memory image, as far as that is seen without a key; empty if nothing. */
    static String memoryDamage(VmChain vm, SnapshotRecord snapshot, Progress progress) throws IOException {
        if (snapshot.memory().isEmpty()) {
            return "";
        }
        SnapshotRecord.MemoryPart part = snapshot.memory().get();
        Path file = vm.chain().memoryFile(snapshot.name());
        if (!Files.isRegularFile(file)) {
            return "%s is missing; look in %s/lost, or go back to the disks only"
                    .formatted(file, vm.chain().path());
        }
        if (Files.size(file) != part.bytes()) {
            return "%s has %d bytes instead of %d: it is damaged; restore it from a copy"
                    .formatted(file, Files.size(file), part.bytes());
        }
        if (!Digests.sha256(file, progress).equals(part.sha256())) {
            return file + " is damaged: its checksum differs; restore it from a copy";
        }
        boolean exchanged = !vm.tools().hypervisor().images().isEncrypted(file)
                && vm.tools().recorded().wasEncrypted(vm.name(), snapshot.name());
        return exchanged
                ? "%s is not encrypted, and the image that the checkpoint was made with is: somebody has put another one in its place; restore it from a copy"
                        .formatted(file)
                : "";
    }
}
