package dev.holdfast.agent.guard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.holdfast.agent.BesideOthers;
import dev.holdfast.agent.guard.GuardLab.Armer;
import dev.holdfast.agent.guard.GuardLab.Machine;
import dev.holdfast.agent.unix.LineSocket;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The promise of DESIGN I1, in each state a frozen guest can be in, when the process that froze it dies or hangs. */
@BesideOthers
@Tag("qemu")
class GuardThawTest {
    private static final long SECOND = 1_000_000_000L;
    private static final long DEADLINE_MILLIS = 500;

    private GuardLab lab;
    private GuardClient observer;
    private Machine web;
    private Armer armer;

    @BeforeEach
    void startEverything() throws IOException {
        lab = new GuardLab();
        observer = lab.client();
        web = lab.machine("web");
        web.watchedBy(observer);
        armer = lab.armer();
    }

    @AfterEach
    void stopEverything() throws Exception {
        lab.close();
    }

    private void killThaws() throws Exception {
        armer.kill();
        assertThat(web.nanosUntilRunning()).isLessThan(SECOND);
        assertThat(lab.nextFired()).isEqualTo(new Fired(web.name(), "r1", "eof", "resumed"));
        assertThat(web.status()).isEqualTo("running");
        assertThat(web.marked()).isFalse();
    }

    /** The countdown begins anew here: what led to this state may have taken longer than it lasts. */
    private void hangThaws() throws Exception {
        armer.arm(web, "r1", DEADLINE_MILLIS);
        GuardLab.signal(armer.process(), "STOP");
        assertThat(web.nanosUntilRunning()).isLessThan(DEADLINE_MILLIS * 1_000_000 + SECOND);
        assertThat(lab.nextFired()).isEqualTo(new Fired(web.name(), "r1", "deadline", "resumed"));
        assertThat(web.marked()).isFalse();
    }

    @Test
    void runsAgainWithinASecondOfAKill() throws Exception {
        armer.arm(web, "r1", 60_000);
        assertThat(Files.readString(web.home().resolve("frozen")))
                .startsWith("token=r1\ndeadline_ms=60000\nsince_boottime_ms=")
                .endsWith("\nkind=freeze\nwas_paused=0\n");
        web.stop();
        assertThat(web.status()).isEqualTo("paused");
        killThaws();
    }

    @Test
    void runsAgainAtTheDeadlineOfAHungProcess() throws Exception {
        armer.arm(web, "r1", 60_000);
        web.stop();
        hangThaws();
    }

    @Test
    void thawsAfterAMigrationToAFile() throws Exception {
        armer.arm(web, "r1", 60_000);
        web.stop();
        web.migrate("events", "completed");
        assertThat(web.status()).isEqualTo("postmigrate");
        killThaws();
    }

    @Test
    void thawsAHungProcessAfterAMigrationToAFile() throws Exception {
        armer.arm(web, "r1", 60_000);
        web.stop();
        web.migrate("events", "completed");
        hangThaws();
    }

    @Test
    void thawsInPreSwitchover() throws Exception {
        armer.arm(web, "r1", 60_000);
        web.migrate("pause-before-switchover", "pre-switchover");
        assertThat(web.status()).isEqualTo("finish-migrate");
        killThaws();
        web.awaitMigration("cancelled");
    }

    @Test
    void thawsAHungProcessInPreSwitchover() throws Exception {
        armer.arm(web, "r1", 60_000);
        web.migrate("pause-before-switchover", "pre-switchover");
        hangThaws();
    }

    @Test
    void cancelsALiveMigrationThatWouldFreezeTheGuestLater() throws Exception {
        armer.arm(web, "r1", 60_000);
        web.tell("migrate-set-parameters", Map.of("max-bandwidth", 4096));
        web.migrate("pause-before-switchover", "active");
        armer.kill();
        assertThat(lab.nextFired().result()).isEqualTo("resumed");
        web.awaitMigration("cancelled");
        assertThat(web.status()).isEqualTo("running");
    }

    @Test
    void neverCancelsABackgroundSnapshot() throws Exception {
        armer.arm(web, "r1", 60_000);
        web.stop();
        // Nobody reads the stream, so that the snapshot cannot end before the thaw. Nor is our output kept open.
        web.migrate("background-snapshot", "exec:exec sleep 30 2>/dev/null", "active");
        armer.kill();
        assertThat(web.nanosUntilRunning()).isLessThan(SECOND);
        assertThat(lab.nextFired().reason()).isEqualTo("eof");
        assertThat(web.migration()).isEqualTo("active");
    }

    @Test
    void thawsAfterAFailedSnapshotLoad() throws Exception {
        Path image = lab.directory.resolve("db.qcow2");
        assertThat(lab.start("qemu-img", "create", "-q", "-f", "qcow2", image.toString(), "16M")
                        .waitFor())
                .isZero();
        Machine db =
                lab.machine("db", "-blockdev", "driver=qcow2,node-name=d0,file.driver=file,file.filename=" + image);
        db.watchedBy(observer);
        armer.arm(db, "r1", 60_000);
        db.tell("snapshot-load", Map.of("job-id", "load", "tag", "missing", "vmstate", "d0", "devices", List.of("d0")));
        await().atMost(GuardLab.BOUND).until(() -> db.status().equals("restore-vm"));
        armer.kill();
        assertThat(db.nanosUntilRunning()).isLessThan(SECOND);
        assertThat(lab.nextFired().result()).isEqualTo("resumed");
    }

    @Test
    void worksWhileTheAgentsOwnMonitorIsFull() throws Exception {
        armer.arm(web, "r1", 60_000);
        web.stop();
        web.agent().close();
        try (LineSocket full = LineSocket.connect(web.home().resolve("qmp.sock"), GuardLab.BOUND)) {
            full.send("{\"execute\":\"qmp_capabilities\"}");
            for (int i = 0; i < 100; i++) {
                full.send("{\"execute\":\"query-qmp-schema\"}");
            }
            killThaws();
        }
    }

    @Test
    void aStopThatWasStillUnderWayIsUndone() throws Exception {
        armer.arm(web, "r1", 60_000);
        armer.kill();
        web.stop();
        assertThat(web.nanosUntilRunning()).isLessThan(SECOND);
        assertThat(lab.nextFired().result()).isEqualTo("resumed");
    }

    @Test
    void aHungProcessThatWakesCannotFreezeAnyMore() throws Exception {
        GuardClient late = lab.client();
        late.arm(web.name(), "r1", Duration.ofMillis(50), false);
        assertThat(lab.nextFired().result()).isEqualTo("already running");
        web.stop();
        assertThat(web.nanosUntilRunning()).isLessThan(SECOND);
        assertThat(late.disarm(web.name(), "r1")).isTrue();
    }

    @Test
    void leavesAPausedMachinePaused() throws Exception {
        web.stop();
        assertThat(armer.ask(
                        "{\"op\":\"arm\",\"vm\":\"web\",\"token\":\"r1\",\"deadline_ms\":200,\"was_paused\":true}"))
                .isEqualTo("{\"ok\":true}");
        GuardLab.signal(armer.process(), "STOP");
        assertThat(lab.nextFired().result()).isEqualTo("left paused, as its user wants it");
        assertThat(web.status()).isEqualTo("paused");
        assertThat(web.marked()).isFalse();
    }

    @Test
    void saysThatTheMachineIsGone() throws Exception {
        armer.arm(web, "r1", 60_000);
        web.stop();
        web.qemu().destroyForcibly().waitFor();
        armer.kill();
        assertThat(lab.nextFired()).isEqualTo(new Fired(web.name(), "r1", "eof", "gone: its QEMU has ended"));
        assertThat(observer.ping().armed()).isEmpty();
        assertThat(web.marked()).isFalse();
    }

    @Test
    void thawsOnlyWhatTheDeadProcessArmed() throws Exception {
        Machine db = lab.machine("db");
        db.watchedBy(observer);
        observer.arm(db.name(), "r1", Duration.ofMinutes(1), false);
        armer.arm(web, "r1", 60_000);
        web.stop();
        db.stop();
        killThaws();
        assertThat(db.status()).isEqualTo("paused");
        assertThat(db.marked()).isTrue();
        db.tell("cont", Map.of());
        assertThat(observer.disarm(db.name(), "r1")).isFalse();
    }

    @Test
    void aGuardThatIsToldToStopThawsFirst() throws Exception {
        armer.arm(web, "r1", 60_000);
        web.stop();
        GuardLab.signal(lab.guard(), "TERM");
        assertThat(lab.guard().waitFor(GuardLab.BOUND.toSeconds(), TimeUnit.SECONDS))
                .isTrue();
        assertThat(lab.guard().exitValue()).isZero();
        assertThat(web.status()).isEqualTo("running");
        assertThat(web.marked()).isFalse();
        assertThat(Files.exists(lab.socket())).isFalse();
    }

    @Test
    void connectsAgainWhenTheMachineIsStartedAnew() throws Exception {
        web.qemu().destroyForcibly().waitFor();
        Files.delete(web.home().resolve("rescue.sock"));
        Machine again = lab.machine("web");
        await().atMost(GuardLab.BOUND).ignoreExceptions().until(() -> {
            again.watchedBy(observer);
            return true;
        });
        armer.arm(again, "r1", 60_000);
        again.stop();
        armer.kill();
        assertThat(again.nanosUntilRunning()).isLessThan(SECOND);
    }
}
