package dev.holdfast.agent.guard;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.BesideOthers;
import dev.holdfast.agent.guard.GuardLab.Armer;
import dev.holdfast.agent.guard.GuardLab.Machine;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What the guard costs. Prints its figures; the bounds are ten times and more what a quiet machine shows. */
@BesideOthers
@Tag("qemu")
class GuardFiguresTest {
    private static final int ARMS = 1000;
    private static final int KILLS = 20;

    @Test
    void armingIsCheapAndThawingIsQuick() throws Exception {
        try (GuardLab lab = new GuardLab()) {
            GuardClient client = lab.client();
            Machine web = lab.machine("web");
            web.watchedBy(client);
            long[] arms = new long[ARMS];
            for (int i = -200; i < ARMS; i++) {
                long since = System.nanoTime();
                client.arm(web.name(), "arm", Duration.ofMinutes(1), false);
                arms[Math.max(i, 0)] = System.nanoTime() - since;
            }
            client.disarm(web.name(), "arm");
            long[] thaws = new long[KILLS];
            for (int i = 0; i < KILLS; i++) {
                Armer armer = lab.armer();
                armer.arm(web, "kill" + i, 60_000);
                web.stop();
                armer.process().destroyForcibly();
                thaws[i] = web.nanosUntilRunning();
                assertThat(lab.nextFired().result()).isEqualTo("resumed");
            }
            Arrays.sort(arms);
            Arrays.sort(thaws);
            System.out.printf(
                    "guard: arm p50 %d us, p99 %d us; thaw after a kill p50 %.1f ms, max %.1f ms; %s%n",
                    arms[ARMS / 2] / 1000,
                    arms[ARMS * 99 / 100] / 1000,
                    thaws[KILLS / 2] / 1e6,
                    thaws[KILLS - 1] / 1e6,
                    Files.readAllLines(Path.of("/proc/" + lab.guard().pid() + "/status")).stream()
                            .filter(line -> line.startsWith("VmRSS") || line.startsWith("VmLck"))
                            .toList());
            assertThat(arms[ARMS / 2]).isLessThan(5_000_000);
            assertThat(thaws[KILLS - 1]).isLessThan(1_000_000_000);
        }
    }
}
