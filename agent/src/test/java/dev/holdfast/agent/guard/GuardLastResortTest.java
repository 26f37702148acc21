package dev.holdfast.agent.guard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.holdfast.agent.BesideOthers;
import dev.holdfast.agent.guard.GuardLab.Armer;
import dev.holdfast.agent.guard.GuardLab.Machine;
import dev.holdfast.agent.qmp.QmpCommand;
import dev.holdfast.agent.qmp.QmpException;
import dev.holdfast.agent.unix.SocketPair;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** QEMU's main loop hangs, and with it every ordinary QMP command of the guard. */
@BesideOthers
@Tag("qemu")
class GuardLastResortTest {
    /** The guard kills no earlier than this after it was armed with 300 ms: it is patient before the yank and after it. */
    private static final long KILL_NANOS = 900_000_000;

    private static final int PIECE = 16 << 10;
    private static final int PIECES = 25;
    private static final long PIECE_NANOS = 20_000_000;

    private GuardLab lab;

    @BeforeEach
    void startGuard() throws IOException {
        lab = new GuardLab();
    }

    @AfterEach
    void stopEverything() throws Exception {
        lab.close();
    }

    @Test
    void yanksANetworkDiskOnWhichStopHangs() throws Exception {
        Path export = lab.directory.resolve("nbd.sock");
        Path image = Files.createFile(lab.directory.resolve("target.raw"));
        lab.start("truncate", "-s", "4G", image.toString()).waitFor();
        Process nbd = lab.start("qemu-nbd", "-f", "raw", "-k", export.toString(), "-x", "x", "-t", image.toString());
        await().atMost(GuardLab.BOUND).until(() -> Files.exists(export));
        Machine web = lab.machine("web", "-blockdev", "driver=null-co,node-name=source,size=4294967296");
        web.tell(
                "blockdev-add",
                Map.of(
                        "driver",
                        "nbd",
                        "node-name",
                        "peer",
                        "export",
                        "x",
                        "server",
                        Map.of("type", "unix", "path", export.toString())));
        web.tell("blockdev-mirror", Map.of("job-id", "m", "device", "source", "target", "peer", "sync", "full"));
        web.watchedBy(lab.client());
        Armer armer = lab.armer();
        armer.arm(web, "r1", 60_000);
        GuardLab.signal(nbd, "STOP");
        web.agent().send(QmpCommand.of("stop"));
        long armed = System.nanoTime();
        armer.arm(web, "r1", 300);
        GuardLab.signal(armer.process(), "STOP");
        assertThat(web.nanosUntilRunning()).isLessThan(1_300_000_000L);
        boolean inTime = System.nanoTime() - armed < KILL_NANOS;
        assertThat(lab.nextFired().result()).isEqualTo("resumed");
        // A QEMU that is starved after the yank is given up by the guard as one that hangs.
        assertThat(armer.process().isAlive() || !inTime).isTrue();
    }

    @Test
    void killsAHungProcessForWhichQemuWaits() throws Exception {
        Path peer = lab.directory.resolve("nbd.sock");
        Machine web = lab.machine("web");
        web.watchedBy(lab.client());
        Armer armer = new Armer(lab.start(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                "target/test-classes",
                HungAgentMain.class.getName(),
                lab.socket().toString(),
                peer.toString()));
        armer.arm(web, "r1", 60_000);
        web.stop();
        web.agent()
                .send(QmpCommand.of(
                        "blockdev-add",
                        Map.of(
                                "driver",
                                "nbd",
                                "node-name",
                                "peer",
                                "server",
                                Map.of("type", "unix", "path", peer.toString()))));
        armer.arm(web, "r1", 300);
        GuardLab.signal(armer.process(), "STOP");
        assertThat(web.nanosUntilRunning()).isLessThan(1_300_000_000L);
        assertThat(lab.nextFired().result()).isEqualTo("resumed");
        assertThat(armer.process().waitFor()).isEqualTo(128 + 9);
    }

    /**
     * An agent that encrypts memory hangs. QEMU writes the rest of memory with its main loop waiting, so that no thaw gets through;
     * and does so to a socket, which can be yanked, as a pipe cannot. The agent need not even be killed.
     */
    @Test
    void yanksAStreamOfMemoryThatNobodyReads() throws Exception {
        Machine web = lab.machine("web", "-m", "1024");
        web.watchedBy(lab.client());
        Armer armer = lab.armer();
        try (SocketPair stream = SocketPair.open()) {
            web.agent()
                    .executeWithDescriptor(
                            QmpCommand.of("getfd", Map.of("fdname", "memory")), stream.other(), GuardLab.BOUND);
            stream.handedOver();
            armer.arm(web, "r1", 60_000);
            web.stop();
            // So large that QEMU wants to end the stream as soon as it has measured how fast it goes.
            web.tell("migrate-set-parameters", Map.of("downtime-limit", 2_000_000, "max-bandwidth", 1L << 40));
            web.tell("migrate", Map.of("uri", "fd:memory"));
            ByteBuffer piece = ByteBuffer.allocate(PIECE);
            for (int i = 0; i < PIECES; i++) {
                piece.clear();
                assertThat(stream.own().read(piece)).isPositive();
                LockSupport.parkNanos(PIECE_NANOS);
            }
            await("the main loop waits for the reader").atMost(GuardLab.BOUND).until(() -> isMute(web));
            armer.arm(web, "r1", 500);
            GuardLab.signal(armer.process(), "STOP");
            // Whether the guard also ends the agent depends on its patience; the reader's end is open here all the
            // time.
            assertThat(web.nanosUntilRunning()).isLessThan(1_500_000_000L);
            assertThat(lab.nextFired().result()).isEqualTo("resumed");
        }
    }

    private static boolean isMute(Machine machine) {
        try {
            machine.agent().execute("query-status", Duration.ofMillis(500));
            return false;
        } catch (QmpException e) {
            return true;
        }
    }

    @Test
    void sparesALivingAgentWhoseQemuIsStopped() throws Exception {
        GuardClient client = lab.client();
        Machine web = lab.machine("web");
        web.watchedBy(client);
        client.arm(web.name(), "r1", Duration.ofMinutes(1), false);
        web.stop();
        GuardLab.signal(web.qemu(), "STOP");
        client.arm(web.name(), "r1", Duration.ofMillis(100), false);
        await().during(Duration.ofSeconds(2)).atMost(GuardLab.BOUND).until(() -> lab.fired.isEmpty());
        assertThat(client.ping().watched()).containsExactly("web");
        GuardLab.signal(web.qemu(), "CONT");
        assertThat(lab.nextFired().result()).isEqualTo("resumed");
        assertThat(client.disarm(web.name(), "r1")).isTrue();
    }
}
