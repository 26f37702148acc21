package dev.holdfast.agent.guard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.holdfast.agent.BesideOthers;
import dev.holdfast.agent.guard.GuardLab.Armer;
import dev.holdfast.agent.hypervisor.Control;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The guard lets domains of libvirt run over a virsh of its own. A program in virsh's place says what a file says, hangs, refuses, ends. */
@BesideOthers
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class GuardLibvirtTest {
    private static final Name WEB = new Name("web");
    private static final String UUID = "12345678-1234-1234-1234-123456789012";
    private static final String RUNS = "running (unpaused)";
    private static final String STOPPED = "paused (user)";

    private GuardLab lab;
    private Path home;
    private Process qemu;
    private Armer agent;

    @BeforeEach
    void open() throws Exception {
        lab = new GuardLab();
        home = Files.createDirectories(lab.directory.resolve("vms/web"));
        qemu = lab.start("sleep", "1000");
        agent = lab.armer();
        Path virsh = home.resolve("virsh");
        // With a prompt and what it has read, as one that was built with readline.
        Files.writeString(virsh, """
                #!/bin/sh
                printf 'virsh # '
                while read -r word rest; do
                    echo "$word $rest" >>"%1$s/log"
                    [ ! -e "%1$s/end" ] || exit 1
                    while [ -e "%1$s/hang" ]; do sleep 0.05; done
                    printf '%%s %%s\\n' "$word" "$rest"
                    if [ "$word" = domstate ] && [ -e "%1$s/state" ]; then
                        cat "%1$s/state"
                        echo
                    elif [ "$word" = resume ] && [ ! -e "%1$s/refuse" ]; then
                        echo '%2$s' >"%1$s/state"
                    else
                        echo 'error: Failed to do it' >&2
                    fi
                    printf 'virsh # '
                done
                """.formatted(home, RUNS));
        assertThat(virsh.toFile().setExecutable(true)).isTrue();
        is(RUNS);
    }

    @AfterEach
    void close() throws Exception {
        lab.close();
    }

    private void is(String state) throws IOException {
        Path fresh = Files.writeString(home.resolve("fresh"), state + "\n");
        Files.move(fresh, home.resolve("state"), java.nio.file.StandardCopyOption.ATOMIC_MOVE);
    }

    private String state() throws IOException {
        return Files.readString(home.resolve("state")).strip();
    }

    private Path told(String what) throws IOException {
        return Files.writeString(home.resolve(what), "");
    }

    private Control control() {
        return Control.virsh(
                ProcessIdentity.of(qemu.pid()).orElseThrow(),
                UUID,
                List.of(home.resolve("virsh").toString(), "-c", "x"));
    }

    private void frozen(long deadlineMillis) throws Exception {
        lab.client().watch(WEB, home, control());
        assertThat(agent.ask("{\"op\":\"arm\",\"vm\":\"web\",\"token\":\"r1\",\"deadline_ms\":%d}"
                        .formatted(deadlineMillis)))
                .isEqualTo("{\"ok\":true}");
        is(STOPPED);
    }

    private void awaitRun(Duration bound) {
        await().pollInterval(Duration.ofMillis(5)).atMost(bound).until(() -> state().equals(RUNS));
    }

    @Test
    void aDomainRunsAgainWhenItsAgentIsKilledAndAtTheDeadlineOfOneThatHangs() throws Exception {
        frozen(60_000);
        assertThat(home.resolve("frozen")).exists();
        agent.kill();
        awaitRun(Duration.ofSeconds(3));
        assertThat(lab.nextFired()).isEqualTo(new Fired(WEB, "r1", "eof", "resumed"));
        assertThat(home.resolve("frozen")).doesNotExist();

        agent = lab.armer();
        assertThat(agent.ask("{\"op\":\"arm\",\"vm\":\"web\",\"token\":\"r2\",\"deadline_ms\":300}"))
                .isEqualTo("{\"ok\":true}");
        is(STOPPED);
        awaitRun(Duration.ofSeconds(3));
        assertThat(lab.nextFired()).isEqualTo(new Fired(WEB, "r2", "deadline", "resumed"));
        is(STOPPED);
        awaitRun(Duration.ofSeconds(3));
        assertThat(lab.nextFired().result())
                .as("a stop that comes late is undone")
                .isEqualTo("resumed");
    }

    @Test
    void itGoesOnUntilTheDomainRunsWhateverVirshDoes() throws Exception {
        frozen(60_000);
        Path hang = told("hang");
        Path refuse = told("refuse");
        agent.kill();
        await().atMost(Duration.ofSeconds(10)).until(() -> log("domstate").count() > 2);
        assertThat(state()).isEqualTo(STOPPED);
        Files.delete(hang);
        await().atMost(Duration.ofSeconds(10)).until(() -> log("resume").count() > 2);
        Path end = told("end");
        Files.delete(refuse);
        long asked = log("").count();
        await().atMost(Duration.ofSeconds(10)).until(() -> log("").count() > asked + 2);
        assertThat(state()).isEqualTo(STOPPED);
        assertThat(home.resolve("frozen")).exists();
        Files.delete(end);
        awaitRun(Duration.ofSeconds(10));
        assertThat(lab.nextFired()).isEqualTo(new Fired(WEB, "r1", "eof", "resumed"));
    }

    private java.util.stream.Stream<String> log(String beginning) throws IOException {
        return Files.readAllLines(home.resolve("log")).stream().filter(line -> line.startsWith(beginning));
    }

    @Test
    void whatLibvirtDoesIsAwaitedAndWhatIsNoFreezeIsLeft() throws Exception {
        frozen(60_000);
        is("paused (saving)");
        agent.kill();
        long asked = log("").count();
        await().atMost(Duration.ofSeconds(10)).until(() -> log("").count() > asked + 2);
        assertThat(log("resume")).isEmpty();
        is("paused (I/O error)");
        assertThat(lab.nextFired().result()).isEqualTo("left in state paused (I/O error), which is no freeze of ours");
        assertThat(log("resume")).isEmpty();
    }

    @Test
    void aDomainThatHasEndedIsGone() throws Exception {
        frozen(60_000);
        Files.delete(home.resolve("state"));
        qemu.destroyForcibly().waitFor();
        agent.kill();
        assertThat(lab.nextFired().result()).isEqualTo("gone: its process has ended");
    }

    @Test
    void nothingIsArmedWhoseVirshDoesNotSayWhatStateTheDomainIsIn() throws Exception {
        Files.delete(home.resolve("state"));
        assertThatThrownBy(() -> lab.client().watch(WEB, home, control()))
                .isInstanceOf(GuardRefusedException.class)
                .hasMessageContaining("error: Failed to do it")
                .hasMessageContaining("does libvirtd run?");
        assertThat(agent.ask("{\"op\":\"arm\",\"vm\":\"web\",\"token\":\"r1\",\"deadline_ms\":1000}"))
                .contains("its virsh has not said of late what state the domain is in");
        assertThatThrownBy(() -> lab.client()
                        .watch(
                                WEB,
                                home,
                                Control.virsh(ProcessIdentity.of(qemu.pid()).orElseThrow(), "web", List.of("virsh"))))
                .hasMessageContaining("must be the UUID of a domain");
        assertThatThrownBy(() -> lab.client()
                        .watch(
                                WEB,
                                home,
                                Control.virsh(ProcessIdentity.of(qemu.pid()).orElseThrow(), UUID, List.of())))
                .hasMessageContaining("the words by which virsh is called");
    }
}
