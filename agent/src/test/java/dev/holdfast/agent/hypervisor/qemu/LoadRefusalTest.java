package dev.holdfast.agent.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.HypervisorException.Kind;
import dev.holdfast.agent.image.ImageException;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** Whose words a user gets when a memory image does not load. */
final class LoadRefusalTest {
    private static final Path MEMORY = Path.of("/chain/memory");

    @Test
    void qemusLastWordsAreSaidWhenItsMonitorFails() {
        HypervisorException lost =
                new HypervisorException(Kind.GONE, "the monitor has gone", new IOException("closed"));
        assertThat(QemuHypervisor.refusal(MEMORY, lost, "Unknown savevm section"))
                .hasMessage("the memory image /chain/memory does not load: Unknown savevm section;"
                        + " it needs the same machine definition as when it was taken");
    }

    @Test
    void whatIsWrongWithTheImageIsSaidInsteadOfQemusWords() {
        HypervisorException damaged =
                new HypervisorException(Kind.REFUSED, "it is damaged", new ImageException("it is damaged", null));
        assertThat(QemuHypervisor.refusal(MEMORY, damaged, "error while loading state"))
                .isSameAs(damaged);
    }
}
