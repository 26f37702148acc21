package dev.holdfast.agent.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.config.ConfigurationFiles;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is looked for on a host follows from the machines that are defined there. */
class HostLookTest {
    @TempDir
    private Path directory;

    private static List<String> programs(ConfigurationFiles files) throws Exception {
        return HostLook.of(files.load()).facts().programs().stream()
                .map(HostFacts.Program::name)
                .toList();
    }

    @Test
    void virshIsNeededWhereADomainOfLibvirtIsDefined() throws Exception {
        ConfigurationFiles files = new ConfigurationFiles(directory);
        assertThat(programs(files)).doesNotContain("virsh");
        files.vm("web.toml", """
                name = "web"
                hypervisor = "libvirt"
                [[disk]]
                id = "vda"
                path = "/srv/web.img"
                """);
        assertThat(programs(files)).contains("virsh");
    }
}
