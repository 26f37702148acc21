package dev.holdfast.agent.migration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.journal.Operation;
import dev.holdfast.agent.journal.OperationJournal;
import dev.holdfast.agent.journal.OperationKind;
import dev.holdfast.agent.journal.OperationState;
import dev.holdfast.agent.journal.VmClaims;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.agent.snapshot.chain.ArrivingChain;
import dev.holdfast.agent.snapshot.chain.ChainDirectory;
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
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A new agent finds a copy of a machine's disks, and no process. */
class IncomingDisksTest {
    private static final Name WEB = new Name("web");
    private static final Name ID = new Name("m1");

    @TempDir
    private Path temporary;

    private Path chain;
    private NodeTools tools;
    private ManagedVm machine;
    private Operation entry;

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
        public void commit(Path top, Path base, Progress progress) {}

        @Override
        public void relink(Path image, Path backing) {}

        @Override
        public void check(Path image) {}
    }

    @BeforeEach
    void copyDisks() throws IOException {
        Path root = temporary.toRealPath();
        chain = root.resolve("web.holdfast");
        VmDefinition definition = new VmDefinition(
                WEB,
                "pc-q35-7.2",
                VmDefinition.Accelerator.TCG,
                Optional.empty(),
                1,
                64L << 20,
                false,
                Optional.empty(),
                List.of(),
                List.of(new VmDefinition.Disk("d0", chain.resolve("head/d0.qcow2"))),
                List.of());
        VmRegistry vms = new VmRegistry(
                Map.of(definition, Optional.empty()),
                Unreadable.NONE,
                new IncomingTest.Starts(),
                new VmRegistry.Listener() {
                    @Override
                    public void onProcess(ManagedVm vm, RunningVm process) {}

                    @Override
                    public void onGone(ManagedVm vm) {}
                });
        machine = vms.find(WEB).orElseThrow();
        OperationJournal journal = OperationJournal.open(root.resolve("journal"));
        tools = new NodeTools(
                new Name("n2"),
                vms,
                new IncomingTest.Starts(),
                new VmClaims(),
                journal,
                () -> {
                    throw new AssertionError("nobody is asked");
                },
                vm -> root.resolve("run"),
                root.resolve("state"),
                Optional.empty(),
                Instant::now,
                System::nanoTime,
                () -> {});
        Files.createDirectories(root.resolve("state"));
        entry = Operation.local(ID, OperationKind.MIGRATE_IN, WEB, Instant.EPOCH, "n1");
        journal.write(entry);
        Freight freight = new Freight(
                chain.toString(), 1, List.of(new Freight.Active("d0-000001.qcow2", 1 << 20, "")), List.of());
        ArrivingChain.begin(chain, ID.value(), freight).complete(new NoImages(), Instant::now);
    }

    private JsonObject dropped() throws JsonException {
        return new Arrivals(tools, "127.0.0.1")
                .drop(JsonObject.of(Map.of(Word.MIGRATION, "m1", Word.VM, "web", Word.COPIED, true)));
    }

    @Test
    void whatWasNotTakenIsRemovedAndNeverRan() throws Exception {
        Incoming incoming = new Incoming(tools, machine, entry);
        incoming.restarted();
        assertThat(incoming.state()).isEqualTo(Arrival.WAITING);
        assertThatThrownBy(() -> ChainDirectory.open(chain)).hasMessageContaining("being copied here");
        incoming.look();
        assertThat(incoming.state()).isEqualTo(Arrival.NEVER_RAN);
        assertThat(chain).doesNotExist();
        assertThat(Word.answer(dropped())).isEqualTo(Word.Answer.NEVER_RAN);
    }

    @Test
    void whatWasTakenIsTheMachinesAlthoughItsMemoryIsLost() throws Exception {
        Operation taken = entry.in(OperationState.HANDED_OVER);
        tools.journal().write(taken);
        Incoming incoming = new Incoming(tools, machine, taken);
        incoming.restarted();
        assertThat(incoming.state()).isEqualTo(Arrival.LOST);
        assertThat(ChainDirectory.open(chain).head().number()).isEqualTo(1);
        assertThat(chain.resolve("arriving.json")).doesNotExist();
        assertThat(Word.answer(dropped()))
                .as("whoever asks long afterwards, and even if the disks are not mounted then")
                .isEqualTo(Word.Answer.UNKNOWN);
    }
}
