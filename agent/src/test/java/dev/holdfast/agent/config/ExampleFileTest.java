package dev.holdfast.agent.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The example that is installed says what the agent understands: as it is, and where its comment signs are taken away. */
class ExampleFileTest {
    private static final Path EXAMPLE = Path.of("../deploy/install/vm.toml.example");
    private static final Name WEB = new Name("web");

    @TempDir
    private Path directory;

    private ConfigurationFiles files;
    private List<String> example;

    @BeforeEach
    void read() throws IOException {
        files = new ConfigurationFiles(directory);
        example = Files.readAllLines(EXAMPLE);
    }

    /** What follows a line that begins so, without its comment signs. */
    private String commentedAfter(String begin) {
        List<String> lines = example.stream()
                .dropWhile(line -> !line.startsWith(begin))
                .skip(1)
                .takeWhile(line -> line.startsWith("#"))
                .map(line -> line.substring(1))
                .toList();
        assertThat(lines).as("what is commented out after: " + begin).isNotEmpty();
        return String.join("\n", lines);
    }

    private VmSettings machine(Name name, String text) throws Exception {
        files.vm(name + ".toml", text);
        assertThat(files.problems()).isEmpty();
        return files.load().vm(name).orElseThrow();
    }

    @Test
    void itIsAMachineUnderQemu() throws Exception {
        VmSettings web = machine(WEB, String.join("\n", example));
        assertThat(web.hypervisor()).isEqualTo(HypervisorKind.QEMU);
        assertThat(web.disks()).hasSize(1);
        assertThat(web.hardware().orElseThrow().nics()).hasSize(1);
        assertThat(web.replication()).isEmpty();
    }

    @Test
    void withReplication() throws Exception {
        String text = String.join("\n", example) + "\n" + commentedAfter("# A live copy on another node");
        assertThat(machine(WEB, text).replication()).isPresent();
    }

    @Test
    void orAMachineOfUserModeLinux() throws Exception {
        VmSettings small = machine(new Name("small"), commentedAfter("# A machine of User-Mode Linux"));
        assertThat(small.hypervisor()).isEqualTo(HypervisorKind.UML);
        assertThat(small.disks()).hasSize(1);
    }
}
