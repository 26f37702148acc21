package dev.holdfast.agent.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.coordinator.protocol.Name;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whose process it is. A machine that came by a failover is called as the standby that it was. */
final class VmDirectoryTest {
    private static final Name WEB = new Name("web");

    @TempDir
    private Path run;

    private VmDirectory machine;
    private VmDirectory standby;
    private Process process;

    @BeforeEach
    void beginAsStandby() throws Exception {
        machine = VmDirectory.of(run, WEB, Optional.empty());
        standby = VmDirectory.of(run, WEB, Optional.of("standby"));
        standby.create();
        process = new ProcessBuilder("sh", "-c", "read line", "path=" + standby.agentSocket() + ",server=on").start();
        Files.writeString(standby.pidFile(), Long.toString(process.pid()));
        Files.createFile(standby.agentSocket());
    }

    @AfterEach
    void end() {
        process.destroyForcibly();
    }

    private Optional<ProcessIdentity> it() {
        return ProcessIdentity.of(process.pid());
    }

    @Test
    void isFoundWhereItIsAlsoWhenItsPidFileIsLost() throws Exception {
        assertThat(standby.process()).isPresent().isEqualTo(it());
        assertThat(machine.process()).isEmpty();
        Files.delete(standby.pidFile());
        assertThat(standby.process()).isEqualTo(it());
        Files.createFile(machine.agentSocket());
        assertThat(machine.process()).isEmpty();

        Files.delete(machine.agentSocket());
        standby.moveTo(machine);
        assertThat(machine.process()).isEqualTo(it());
        assertThat(standby.process()).isEmpty();
    }

    @Test
    void isWhatItWasWhenItsMoveWasCutOff() throws Exception {
        Files.createFile(standby.file("rescue.sock"));
        Files.move(standby.agentSocket(), machine.agentSocket());
        standby.putBack();
        assertThat(standby.process()).isEqualTo(it());
        assertThat(standby.agentSocket()).exists();
        assertThat(machine.agentSocket()).doesNotExist();
        assertThat(machine.process()).isEmpty();

        standby.moveTo(machine);
        standby.putBack();
        machine.putBack();
        assertThat(machine.process()).isEqualTo(it());
        assertThat(machine.agentSocket()).exists();
    }

    @Test
    void isSeenWhenNoPidFileNamesIt() throws Exception {
        assertThat(machine.unnoted()).isEmpty();
        Files.delete(standby.pidFile());
        assertThat(machine.unnoted()).hasValue(process.pid());
    }

    @Test
    void isGoneWhenItHasEndedAndWhenNothingOfItIsLeft() throws Exception {
        standby.moveTo(machine);
        assertThat(machine.process()).isEqualTo(it());
        Files.delete(machine.pidFile());
        process.destroyForcibly().waitFor();
        assertThat(machine.process()).isEmpty();
        Files.delete(machine.agentSocket());
        assertThat(machine.process()).isEmpty();
    }
}
