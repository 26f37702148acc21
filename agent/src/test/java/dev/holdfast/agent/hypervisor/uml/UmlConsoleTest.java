package dev.holdfast.agent.hypervisor.uml;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.unix.DatagramStandIn;
import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The console of a real kernel: what the stand-in of {@link MconsoleTest} is like. */
@Tag("qemu")
@Tag("soak")
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class UmlConsoleTest {
    private static final Duration LONG = Duration.ofSeconds(10);

    @Test
    void aRealKernelAnswers() throws Exception {
        try (UmlLab lab = new UmlLab()) {
            RunningVm vm = lab.startCounting("web");
            Mconsole console =
                    new Mconsole(((UmlVm) vm).directory().mconsole(), DatagramStandIn::word, System::nanoTime);
            assertThat(console.ask("version", LONG).text()).startsWith("Linux ");
            assertThat(console.ask("proc meminfo", LONG).text())
                    .startsWith("MemTotal:")
                    .hasSizeGreaterThan(512);
            assertThat(console.ask("nonsense", LONG)).isEqualTo(new Mconsole.Answer(1, "Unknown command"));
            assertThat(console.ask("remove ubd0", LONG).error()).isEqualTo(-16);
            assertThat(console.ask("go", LONG)).isEqualTo(new Mconsole.Answer(1, "Not stopped"));
            assertThat(console.ask("stop", LONG)).isEqualTo(new Mconsole.Answer(0, "stopped"));
            assertThat(console.ask("stop", LONG)).isEqualTo(new Mconsole.Answer(1, "Already stopped"));
            assertThat(console.ask("go", LONG).isDone()).isTrue();
            UmlLab.awaitTicks(vm, 2);
            vm.kill();
            assertThatThrownBy(() -> console.ask("version", LONG)).isInstanceOf(IOException.class);
        }
    }
}
