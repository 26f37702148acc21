package dev.holdfast.agent.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.Answers;
import dev.holdfast.agent.control.Arguments;
import dev.holdfast.agent.control.CommandHandler;
import dev.holdfast.agent.control.CommandTable;
import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.ControlException;
import dev.holdfast.agent.control.Progress;
import dev.holdfast.agent.hypervisor.Hypervisor;
import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.hypervisor.VmStatus;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.agent.round.GuardNet;
import dev.holdfast.agent.snapshot.DiskImport;
import dev.holdfast.agent.snapshot.OneDisk;
import dev.holdfast.agent.snapshot.chain.QemuImages;
import dev.holdfast.agent.storage.ImageStores;
import dev.holdfast.agent.vm.VmRegistry;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A person lets a machine run that a freeze has left with a mark; there is no guard. */
class VmThawTest {
    private static final Name WEB = new Name("web");

    @TempDir
    private Path directory;

    private boolean inDoubt;
    private int asked;
    private GuardNet net;
    private CommandHandler thaw;

    @BeforeEach
    void aMachineThatRuns() {
        ProcessIdentity self = ProcessIdentity.of(ProcessHandle.current().pid()).orElseThrow();
        RunningVm process = Answers.of(
                RunningVm.class,
                Map.of(
                        "isAlive", () -> true,
                        "identity", () -> self,
                        "endIfHung", () -> "",
                        "status", () -> VmStatus.RUNNING,
                        "disks", List::of,
                        "hardware",
                                () -> {
                                    throw new HypervisorException(
                                            HypervisorException.Kind.UNKNOWN, "nobody asks for that");
                                },
                        "hypervisor", () -> "a stand-in",
                        "release", this::release));
        VmRegistry vms = OneDisk.machines(
                OneDisk.definition(WEB), Answers.of(Hypervisor.class, Map.of("find", () -> Optional.of(process))));
        vms.adopt();
        net = new GuardNet(directory.resolve("guard.sock"), vm -> directory, vms, fired -> {});
        VmCommands.Tools tools = new VmCommands.Tools(
                net,
                Duration.ofSeconds(5),
                new DiskImport(new QemuImages("qemu-img"), InstantSource.system(), vms::definitions),
                new ImageStores(List.of()),
                vm -> directory,
                Answers.of(VmCommands.Starter.class, Map.of()),
                Answers.of(VmCommands.Moves.class, Map.of("destination", Optional::empty)),
                new Placement(vm -> directory, Optional::empty),
                vm -> false,
                () -> "1");
        CommandTable table = new CommandTable();
        new VmCommands(new Name("n1"), vms, vm -> Optional.empty(), (vm, because) -> {}, () -> {}, tools)
                .register(table);
        AtomicReference<CommandHandler> registered = new AtomicReference<>();
        table.wrap(ControlCommand.VM_THAW, plain -> {
            registered.set(plain);
            return plain;
        });
        thaw = registered.get();
    }

    @AfterEach
    void end() {
        net.close();
    }

    private boolean release() throws HypervisorException {
        asked++;
        if (inDoubt) {
            throw new HypervisorException(HypervisorException.Kind.UNKNOWN, "its kernel does no work");
        }
        return false;
    }

    private Path mark(String kind) throws IOException {
        return Files.writeString(
                directory.resolve("frozen"),
                "token=r1\ndeadline_ms=5000\nsince_boottime_ms=1\nkind=%s\nwas_paused=0\n".formatted(kind));
    }

    private void thaw() throws Exception {
        thaw.handle(new Arguments(JsonObject.of(Map.of("vm", "web"))), Answers.of(Progress.class, Map.of()));
    }

    /** A kernel of User-Mode Linux may run, and yet obey an order to stop that its agent gave before it died. */
    @Test
    void alsoOneThatRunsIsAskedWhetherItGoesOnToAndThenLosesItsMark() throws Exception {
        Path mark = mark("freeze");
        inDoubt = true;
        assertThatThrownBy(this::thaw)
                .isInstanceOf(ControlException.class)
                .hasMessageContaining("its kernel does no work");
        assertThat(mark).as("it may yet stop").exists();

        inDoubt = false;
        thaw();
        assertThat(mark).doesNotExist();
        assertThat(asked).isEqualTo(2);
    }

    @Test
    void aHoldThatNothingIsLeftOfEndsWithItsMark() throws Exception {
        Path mark = mark("hold");
        thaw();
        assertThat(mark).doesNotExist();
    }
}
