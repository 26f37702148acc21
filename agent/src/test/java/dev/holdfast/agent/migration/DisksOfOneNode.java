package dev.holdfast.agent.migration;

import dev.holdfast.agent.cluster.Peers;
import dev.holdfast.agent.hypervisor.Hypervisor;
import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.journal.Operation;
import dev.holdfast.agent.journal.OperationJournal;
import dev.holdfast.agent.journal.OperationKind;
import dev.holdfast.agent.journal.VmClaims;
import dev.holdfast.agent.snapshot.chain.ArrivingChain;
import dev.holdfast.agent.snapshot.chain.DiskImages;
import dev.holdfast.agent.snapshot.chain.Freight;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.agent.vm.Unreadable;
import dev.holdfast.agent.vm.VmRegistry;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.function.Supplier;

/** A node without processes, as a new agent finds it: a journal, and perhaps a chain of its machine "web". */
final class DisksOfOneNode {
    static final Name WEB = new Name("web");
    static final Name ID = new Name("m1");

    final Path chain;
    final NodeTools tools;
    final ManagedVm machine;
    /** What nobody waits for, and nobody does here unless a test asks for it. */
    final Queue<Runnable> background = new ArrayDeque<>();

    /** Images of no size. */
    private static final class NoImages implements DiskImages {
        @Override
        public void create(Path image, long virtualBytes) throws IOException {
            Files.createFile(image);
        }

        @Override
        public void createOverlay(Path overlay, Path backing) throws IOException {
            Files.createFile(overlay);
        }

        @Override
        public void createOverlay(Path overlay, Path backing, long virtualBytes) throws IOException {
            Files.createFile(overlay);
        }

        @Override
        public void commit(Path top, Path base, Progress progress) {}

        @Override
        public void relink(Path image, Path backing) {}

        @Override
        public boolean isEven(Path top, Path base) {
            return true;
        }

        @Override
        public void check(Path image) {}

        @Override
        public boolean isWritten(Path image) {
            return false;
        }
    }

    /** A node whose only machine is web. */
    static VmRegistry web(Hypervisor hypervisor, VmDefinition.Disk... disks) {
        VmDefinition definition = new VmDefinition(
                WEB,
                HypervisorKind.QEMU,
                Optional.of(new VmDefinition.Hardware(
                        "pc-q35-7.2",
                        VmDefinition.Accelerator.TCG,
                        Optional.empty(),
                        1,
                        64L << 20,
                        false,
                        Optional.empty(),
                        List.of(),
                        List.of())),
                List.of(disks));
        return new VmRegistry(
                Map.of(definition, Optional.empty()), Unreadable.NONE, hypervisor, new VmRegistry.Listener() {
                    @Override
                    public void onProcess(ManagedVm vm, RunningVm process) {}

                    @Override
                    public void onGone(ManagedVm vm) {}
                });
    }

    DisksOfOneNode(String name, Path directory, Supplier<Peers> peers) throws IOException {
        Path root = Files.createDirectories(directory).toRealPath();
        chain = root.resolve("web.holdfast");
        VmRegistry vms = web(new IncomingTest.Starts(), new VmDefinition.Disk("d0", chain.resolve("head/d0.qcow2")));
        machine = vms.find(WEB).orElseThrow();
        Files.createDirectories(root.resolve("state"));
        tools = new NodeTools(
                new Name(name),
                vms,
                new IncomingTest.Starts(),
                new VmClaims(),
                OperationJournal.open(root.resolve("journal")),
                peers,
                vm -> root.resolve("run"),
                root.resolve("state"),
                Optional.empty(),
                Instant::now,
                System::nanoTime,
                background::add,
                () -> {});
    }

    /** A copy whose last byte has come, and which nobody owns. */
    ArrivingChain copy(Name move) throws IOException {
        Freight freight = new Freight(
                chain.toString(), 1, List.of(new Freight.Active("d0-000001.qcow2", 1 << 20, 1 << 9, "")), List.of());
        new CopyNotes(tools.stateDirectory()).received(move.value());
        ArrivingChain arriving = ArrivingChain.begin(chain, move.value(), freight);
        arriving.complete(new NoImages(), Instant::now);
        return arriving;
    }

    /** What an earlier life of the agent had under way. */
    Operation journal(OperationKind kind, String other) throws IOException {
        Operation entry = Operation.local(ID, kind, WEB, Instant.EPOCH, other);
        tools.journal().write(entry);
        return entry;
    }
}
