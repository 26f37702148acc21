package dev.holdfast.agent.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.coordinator.protocol.Name;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VmDirectoryTest {
    @TempDir
    private Path run;

    @Test
    void aProcessThatNoPidFileNamesIsFoundByItsWords() throws Exception {
        VmDirectory directory = VmDirectory.of(run, new Name("web"), Optional.empty());
        assertThat(directory.unnoted()).isEmpty();
        Path standby = run.resolve("vms/web/standby");
        Process process = new ProcessBuilder(
                        "bash", "-c", "exec -a 'qemu -chardev socket,path=" + standby + "/qmp.sock,server=on' sleep 60")
                .start();
        try {
            Awaitility.await().until(() -> directory.unnoted().isPresent());
            assertThat(directory.unnoted()).hasValue(process.pid());
            Files.createDirectories(standby);
            Files.writeString(standby.resolve("pid"), process.pid() + "\n");
            assertThat(directory.unnoted()).isEmpty();
        } finally {
            process.destroyForcibly().waitFor();
        }
    }
}
