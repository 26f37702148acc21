package dev.holdfast.agent.round;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.agent.hypervisor.HypervisorKind;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.snapshot.OneDisk;
import dev.holdfast.agent.unix.LineServer;
import dev.holdfast.agent.unix.LineSocket;
import dev.holdfast.agent.vm.Unreadable;
import dev.holdfast.agent.vm.VmRegistry;
import dev.holdfast.coordinator.port.Snapshotter.PhaseException;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The guard as several machines of one node use it. */
@Timeout(120)
class GuardNetTest {

    private static final Name WEB = Rounds.WEB;
    private static final Name DB = Rounds.DB;
    private static final int LONGEST_LINE = 4096;

    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final FakeHypervisor hypervisor = new FakeHypervisor();
    private Path directory;
    private LineServer server;
    private VmRegistry vms;
    private GuardNet net;

    @BeforeEach
    void open() throws Exception {
        directory = Files.createTempDirectory(Path.of("/tmp"), "rounds-");
        Files.createDirectories(directory.resolve("web"));
        Files.createDirectories(directory.resolve("db"));
        server = LineServer.bind(directory.resolve("guard.sock"), null, LONGEST_LINE);
        vms = new VmRegistry(
                Map.of(
                        FakeHypervisor.definition(WEB),
                        Optional.empty(),
                        FakeHypervisor.definition(DB),
                        Optional.empty()),
                Unreadable.NONE,
                hypervisor,
                new Unheard());
        vms.start(WEB, StartMode.NORMAL);
        vms.start(DB, StartMode.NORMAL);
        net = new GuardNet(directory.resolve("guard.sock"), vm -> directory.resolve(vm.value()), vms, fired -> {});
    }

    @AfterEach
    void close() throws Exception {
        net.close();
        server.close();
        threads.shutdownNow();
        try (var files = Files.walk(directory)) {
            for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    /** Answers no connection before all of them have asked. */
    private void answerTogether(int connections) {
        CountDownLatch asked = new CountDownLatch(connections);
        for (int i = 0; i < connections; i++) {
            threads.submit(() -> {
                try (LineSocket connection = server.accept()) {
                    for (String line = connection.readLine(); line != null; line = connection.readLine()) {
                        asked.countDown();
                        asked.await();
                        connection.send("{\"ok\":true}");
                    }
                }
                return true;
            });
        }
    }

    @Test
    void armsSeveralMachinesAtOnce() throws Exception {
        answerTogether(2);
        Future<?> web = threads.submit(() -> {
            net.arm(WEB, "r1", Duration.ofSeconds(5), false);
            return true;
        });
        Future<?> db = threads.submit(() -> {
            net.arm(DB, "r1", Duration.ofSeconds(5), false);
            return true;
        });
        web.get(60, TimeUnit.SECONDS);
        db.get(60, TimeUnit.SECONDS);
    }

    /** A guard that refuses to arm what it has no session with, until it is told to watch. */
    @Test
    void asksForTheGuardsOwnSessionBeforeEachArming() throws Exception {
        threads.submit(() -> {
            try (LineSocket connection = server.accept()) {
                boolean session = false;
                for (String line = connection.readLine(); line != null; line = connection.readLine()) {
                    boolean watch = line.contains("\"watch\"");
                    connection.send(
                            watch || session ? "{\"ok\":true}" : "{\"ok\":false,\"error\":\"no QMP session; wait\"}");
                    session = watch;
                }
            }
            return true;
        });
        net.arm(WEB, "r1", Duration.ofSeconds(5), false);
        net.arm(WEB, "r2", Duration.ofSeconds(5), false);
    }

    /** Its hypervisor is the process's affair: the definition may say another one by now. */
    @Test
    void aMachineWithAConsoleInPlaceOfAMonitorIsWatchedThereAndNeverQuiesced() throws Exception {
        Name uml = new Name("uml");
        VmRegistry machines = new VmRegistry(
                Map.of(OneDisk.definition(uml, HypervisorKind.UML), Optional.empty()),
                Unreadable.NONE,
                hypervisor,
                new Unheard());
        machines.start(uml, StartMode.NORMAL);
        List<String> asked = new CopyOnWriteArrayList<>();
        threads.submit(() -> {
            try (LineSocket connection = server.accept()) {
                for (String line = connection.readLine(); line != null; line = connection.readLine()) {
                    asked.add(line);
                    connection.send("{\"ok\":true}");
                }
            }
            return true;
        });
        try (GuardNet console = new GuardNet(
                directory.resolve("guard.sock"), vm -> directory.resolve(vm.value()), machines, fired -> {})) {
            console.arm(uml, "r1", Duration.ofSeconds(5), false);
            assertThat(asked.get(0))
                    .contains(
                            "\"op\":\"watch\"",
                            "\"control\":\"mconsole\"",
                            "\"dir\":\"" + directory.resolve("uml") + "\"",
                            "\"pid\":" + ProcessHandle.current().pid())
                    .doesNotContain("qga");
            assertThatThrownBy(() -> console.quiesce(uml, "r1", Duration.ofSeconds(1)))
                    .isInstanceOf(PhaseException.class)
                    .hasMessageContaining("no guest agent");
            console.unquiesce(uml, "r1");
            assertThat(asked).hasSize(2).last().asString().contains("\"op\":\"arm\"");
        }
    }

    private Path mark() {
        return directory.resolve("web/frozen");
    }

    @Test
    void aHoldIsMarkedForOneRoundAndKnowsWhetherTheMachineWasPaused() throws Exception {
        net.markHeld(WEB, "r1", true);
        assertThat(Files.readString(mark())).contains("kind=hold\n", "was_paused=1\n");
        assertThat(net.holdOn(WEB)).contains("r1");
        assertThat(net.holdOn(DB)).isEmpty();
        assertThat(net.frozen(WEB)).isEmpty();
        net.unmark(WEB, "r0");
        assertThat(mark()).exists();
        net.unmark(WEB, "r1");
        assertThat(mark()).doesNotExist();
    }

    /** A reader who sees half of it would take it for a freeze that is over, and thaw. */
    @Test
    void theMarkOfAHoldReplacesThatOfTheFreezeAsAWhole() throws Exception {
        String freeze = "token=r1\ndeadline_ms=5000\nsince_boottime_ms=1\nkind=freeze\nwas_paused=0\n";
        Files.writeString(mark(), freeze);
        try (InputStream reader = Files.newInputStream(mark())) {
            net.markHeld(WEB, "r1", false);
            assertThat(new String(reader.readAllBytes(), StandardCharsets.UTF_8))
                    .isEqualTo(freeze);
        }
        assertThat(net.holdOn(WEB)).contains("r1");
    }

    /** Its guard may have died. */
    @Test
    void theMarkOfAFreezeIsNoHoldAndGoesWithItsRound() throws IOException {
        Files.writeString(mark(), "token=r1\ndeadline_ms=5000\nsince_boottime_ms=1\nkind=freeze\nwas_paused=0\n");
        Instant written = Instant.parse("2026-11-21T10:00:00Z");
        Files.setLastModifiedTime(mark(), FileTime.from(written));
        assertThat(net.frozen(WEB)).contains(new GuardNet.Frozen(written, written.plusSeconds(5)));
        assertThat(net.frozen(DB)).isEmpty();
        assertThat(net.holdOn(WEB)).isEmpty();
        net.unmark(WEB, "r0");
        assertThat(mark()).exists();
        net.unmark(WEB, "r1");
        assertThat(mark()).doesNotExist();
    }
}
