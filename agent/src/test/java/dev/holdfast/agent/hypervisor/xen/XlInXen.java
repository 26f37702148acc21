package dev.holdfast.agent.hypervisor.xen;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.HypervisorException;
import dev.holdfast.agent.hypervisor.xen.XlDomain.Flag;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With the real xl; only {@code deploy/xen/junit} runs it, in the first domain of an emulated Xen. */
@Tag("soak")
class XlInXen {
    private static final String NAME = "xl-in-xen";
    private static final Duration PATIENCE = Duration.ofSeconds(120);

    @TempDir
    private Path directory;

    private final Xl xl = new Xl("xl", PATIENCE, PATIENCE);

    @AfterEach
    void nothingIsLeft() throws Exception {
        if (xl.find(NAME).isPresent()) {
            xl.destroy(xl.find(NAME).orElseThrow().id());
        }
    }

    private XlDomain create() throws Exception {
        Path configuration = directory.resolve("domain.cfg");
        Files.writeString(configuration, """
                name = "%s"
                type = "pv"
                kernel = "/lab/guest/vmlinuz"
                ramdisk = "/lab/guest/initrd"
                memory = 96
                on_poweroff = "preserve"
                """.formatted(NAME));
        xl.createPaused(configuration);
        return domain();
    }

    private XlDomain domain() throws HypervisorException {
        return xl.find(NAME).orElseThrow();
    }

    @Test
    void aDomainIsBuiltLetRunStoppedAndEnded() throws Exception {
        XlDomain built = create();
        assertThat(built.flags()).containsExactly(Flag.PAUSED);
        assertThat(built.cpuTenths()).isZero();
        assertThat(xl.list()).extracting(XlDomain::id).contains(0, built.id());
        xl.unpause(built.id());
        Awaitility.await().atMost(PATIENCE).until(() -> domain().cpuTenths() > 0);
        xl.pause(built.id());
        XlDomain stopped = domain();
        assertThat(stopped.is(Flag.PAUSED)).isTrue();
        assertThat(domain()).isEqualTo(stopped);
        xl.destroy(built.id());
        assertThat(xl.find(NAME)).isEmpty();
    }

    @Test
    void pausesAreCounted() throws Exception {
        int id = create().id();
        xl.pause(id);
        xl.unpause(id);
        assertThat(domain().is(Flag.PAUSED)).isTrue();
        xl.unpause(id);
        assertThat(domain().is(Flag.PAUSED)).isFalse();
        assertThatThrownBy(() -> xl.unpause(id)).hasMessageContaining("Unpausing domain: Invalid argument");
    }

    @Test
    void whatIsNotThereIsToldSo() {
        assertThatThrownBy(() -> xl.pause(30_000)).hasMessageContaining("No such process");
        assertThatThrownBy(() -> xl.destroy(30_000)).isInstanceOf(HypervisorException.class);
        assertThatThrownBy(() -> xl.createPaused(directory.resolve("absent")))
                .hasMessageContaining("No such file or directory");
    }
}
