package dev.holdfast.agent.hypervisor.xen;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.RunDirectory;
import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With a script in place of xl; {@code XenHypervisorInXen} has the real one, and the real Xen. */
class XenHypervisorTest {
    private static final Name WEB = new Name("web");
    private static final String HEADER = "Name  ID   Mem VCPUs  State  Time(s)  UUID  Reason-Code  Security Label";
    private static final String FIRST =
            "Domain-0  0  1024     2     r-----      58.7 00000000-0000-0000-0000-000000000000        -                -";

    @TempDir
    private Path directory;

    private XenHypervisor hypervisor;
    private XenDirectory run;
    private VmDefinition vm;

    @BeforeEach
    void prepare() throws Exception {
        Path program = directory.resolve("xl");
        Files.writeString(program, """
                #!/bin/sh
                cd "${0%/*}" || exit 1
                echo "$*" >>calls
                case $1 in
                  list) cat domains ;;
                  destroy) head -n 2 domains >left && mv left domains ;;
                esac
                """);
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
        Duration patience = Duration.ofSeconds(20);
        hypervisor = new XenHypervisor(
                new XenSettings(new Xl(program.toString(), patience, patience), directory, directory),
                System::nanoTime);
        run = XenDirectory.of(new RunDirectory(directory), WEB, Optional.empty());
        run.write("");
        vm = new VmDefinition(WEB, HypervisorKind.XEN, Optional.empty(), List.of());
    }

    private void there(String name, String state, String uuid, String ended) throws IOException {
        Files.write(
                directory.resolve("domains"),
                List.of(HEADER, FIRST, "%s  7  128  1  %s  6.5 %s  %s  -".formatted(name, state, uuid, ended)));
    }

    private String ours() {
        return run.uuid().toString();
    }

    @Test
    void whatIsLeftOfAGuestThatHasEndedIsEndedWhenSomebodyLooksForIt() throws Exception {
        there("web", "---s--", ours(), "1");
        assertThat(hypervisor.running()).containsExactly(WEB);
        assertThat(hypervisor.find(vm)).isEmpty();
        assertThat(directory.resolve("calls")).content().contains("destroy 7\n");
        assertThat(hypervisor.running()).isEmpty();
    }

    @Test
    void aDomainWhoseXlWasKilledBeforeItHadANameIsEnded() throws Exception {
        there("(null)", "--p---", ours(), "-");
        hypervisor.kill(vm, Optional.empty());
        assertThat(directory.resolve("calls")).content().contains("destroy 7\n");
        assertThat(hypervisor.running()).isEmpty();
    }

    @Test
    void aDomainOfThatNameThatIsNotOursIsLeftAlone() throws Exception {
        there("web", "-b----", "db806120-6058-41f4-93d8-6b922e4deb34", "-");
        assertThatThrownBy(() -> hypervisor.find(vm)).hasMessageContaining("was not started by Holdfast");
        assertThatThrownBy(() -> hypervisor.kill(vm, Optional.empty())).hasMessageContaining("give it another name");
        assertThat(directory.resolve("calls")).content().doesNotContain("destroy");
    }

    @Test
    void oneThatIsGoneIsForgotten() throws Exception {
        Files.write(directory.resolve("domains"), List.of(HEADER, FIRST));
        assertThat(hypervisor.find(vm)).isEmpty();
        assertThat(hypervisor.running()).isEmpty();
    }
}
