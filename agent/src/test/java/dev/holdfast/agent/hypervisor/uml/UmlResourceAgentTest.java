package dev.holdfast.agent.hypervisor.uml;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.hypervisor.RunningVm;
import dev.holdfast.agent.process.BoundedProcess;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The resource agent with a real guest and without an agent: what the stand-ins of uml.bats are like. */
@Tag("qemu")
@Tag("soak")
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class UmlResourceAgentTest {
    private static final Duration ACTION = Duration.ofSeconds(60);
    private static final int FAILED = 1;
    private static final int NOT_RUNNING = 7;
    private static final int DEGRADED = 190;

    private UmlLab lab;
    private RunningVm vm;
    private UmlDirectory directory;
    private Path installed;

    @BeforeEach
    void open() throws Exception {
        lab = new UmlLab();
        installed = Files.createDirectories(lab.root.resolve("installed"));
        for (String part : List.of(
                "../ocf-wrapper/thaw",
                "../ocf-wrapper/stop.sh",
                "../ocf-wrapper/uml.sh",
                "target/guard/holdfast-ask")) {
            Path file = Path.of(part).toRealPath();
            Files.createSymbolicLink(installed.resolve(file.getFileName()), file);
        }
        vm = lab.startCounting("web");
        directory = ((UmlVm) vm).directory();
    }

    @AfterEach
    void close() throws Exception {
        lab.close();
    }

    private int does(String action) throws Exception {
        return BoundedProcess.run(
                        List.of(
                                "env",
                                "OCF_ROOT=/usr/lib/ocf",
                                "OCF_RESOURCE_INSTANCE=web",
                                "OCF_RESKEY_vm=web",
                                "OCF_RESKEY_run_dir=" + lab.settings.runDirectory(),
                                "OCF_RESKEY_CRM_meta_interval=10000",
                                "OCF_RESKEY_CRM_meta_timeout=60000",
                                "HA_RSCTMP=" + lab.root,
                                "HA_LOGFACILITY=none",
                                "HA_LOGFILE=" + lab.root.resolve("log"),
                                "HOLDFAST_HOME=" + installed,
                                "../ocf-wrapper/vm",
                                action),
                        ACTION)
                .status();
    }

    private void assertNothingIsLeft() throws Exception {
        assertThat(directory.tree()).isEmpty();
        assertThat(directory.storages()).isEmpty();
        assertThat(does("monitor")).isEqualTo(NOT_RUNNING);
    }

    @Test
    void aMonitorTellsAPauseFromAFreeze() throws Exception {
        assertThat(does("monitor")).isZero();
        vm.pause();
        assertThat(does("monitor")).isEqualTo(DEGRADED);
        Path marker = directory.root().resolve("frozen");
        Files.writeString(marker, "token=r1\ndeadline_ms=0\nsince_boottime_ms=0\nkind=hold\nwas_paused=0\n");
        assertThat(does("monitor")).isZero();
        Files.writeString(marker, "token=r1\ndeadline_ms=1\nsince_boottime_ms=1\nkind=freeze\nwas_paused=0\n");
        assertThat(does("monitor")).as("it lets it run").isZero();
        assertThat(marker).doesNotExist();
        UmlLab.awaitTicks(vm, 2);
        assertThat(does("monitor")).isZero();
    }

    @Test
    void aStopLetsTheGuestEndInOrder() throws Exception {
        assertThat(does("stop")).isZero();
        assertThat(UmlLab.console(vm)).contains("BYE");
        assertNothingIsLeft();
    }

    @Test
    void aStopEndsAGuestThatStandsStill() throws Exception {
        vm.pause();
        assertThat(does("stop")).isZero();
        assertNothingIsLeft();
    }

    @Test
    void whatAKilledKernelLeftIsEndedByTheStop() throws Exception {
        vm.identity().process().orElseThrow().signal(true);
        Awaitility.await().until(() -> !vm.identity().isAlive());
        assertThat(directory.tree()).as("helpers that hold its disks").isNotEmpty();
        assertThat(does("monitor")).isEqualTo(FAILED);
        assertThat(does("stop")).isZero();
        assertNothingIsLeft();
    }
}
