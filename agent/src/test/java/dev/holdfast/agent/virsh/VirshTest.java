package dev.holdfast.agent.virsh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.holdfast.agent.unix.DatagramStandIn;
import dev.holdfast.agent.virsh.VirshException.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of an answer, with programs in virsh's place that are up to something. */
@Timeout(60)
class VirshTest {
    private static final Duration BOUND = Duration.ofSeconds(20);
    private static final Duration SHORT = Duration.ofMillis(300);

    @TempDir
    private Path directory;

    private Virsh virsh(String cases) throws IOException {
        return Virsh.open(VirshStandIn.in(directory, cases), BOUND, DatagramStandIn::word);
    }

    @Test
    void anAnswerIsWhatWasPrintedAndNothingAround() throws Exception {
        try (Virsh virsh =
                virsh("'domstate web') echo 'paused (user)'; echo ;; nothing) ;; 'two lines') echo one; echo two ;;")) {
            assertThat(virsh.ask(BOUND, "domstate", "web")).isEqualTo("paused (user)");
            assertThat(virsh.ask(BOUND, "nothing")).isEmpty();
            assertThat(virsh.ask(BOUND, "two", "lines")).isEqualTo("one\ntwo");
            assertThat(virsh.isOpen()).isTrue();
        }
    }

    @Test
    void whatLooksLikeAPromptOrACommandInAnAnswerStaysInIt() throws Exception {
        try (Virsh virsh = virsh("odd) printf 'a\\nvirsh # odd\\necho b\\n' ;;")) {
            assertThat(virsh.ask(BOUND, "odd")).isEqualTo("a\nvirsh # odd\necho b");
        }
    }

    @Test
    void withoutReadlineNothingIsShownOfWhatItReads() throws Exception {
        Path script = Files.writeString(
                directory.resolve("plain"),
                VirshStandIn.script("state) echo running ;;").replace("printf '%s\\n' \"$line\"", ":"));
        try (Virsh virsh = Virsh.open(List.of("sh", script.toString()), BOUND, DatagramStandIn::word)) {
            assertThat(virsh.ask(BOUND, "state")).isEqualTo("running");
            assertThat(virsh.ask(BOUND, "other")).isEmpty();
        }
    }

    @Test
    void anErrorIsSaidInItsWordsAndTheNextAnswerIsAnother() throws Exception {
        String fails = "fail) echo 'error: failed to suspend' >&2; echo 'error: it is gone' >&2 ;; fine) echo yes ;;";
        try (Virsh virsh = virsh(fails)) {
            VirshException refused = catchThrowableOfType(VirshException.class, () -> virsh.ask(BOUND, "fail"));
            assertThat(refused.kind()).isEqualTo(Kind.REFUSED);
            assertThat(refused).hasMessage("failed to suspend: it is gone");
            assertThat(virsh.ask(BOUND, "fine")).isEqualTo("yes");
        }
    }

    @Test
    void wordsMeanNothingToVirsh() throws Exception {
        try (Virsh virsh = virsh("*) ;;")) {
            assertThatThrownBy(() -> virsh.ask(BOUND, "domstate", "web\nquit"))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> virsh.ask(BOUND, "domstate", "w\u00e9b")).hasMessageContaining("UUID");
        }
        try (Virsh virsh = virsh("'domstate a\\ \\'\\''b\\;') echo seen ;;")) {
            assertThat(virsh.ask(BOUND, "domstate", "a 'b;")).isEqualTo("seen");
        }
    }

    @Test
    void oneThatHangsIsGivenUpInTimeAndKilled() throws Exception {
        Virsh virsh = virsh("hang) exec sleep 600 ;;");
        VirshException unknown = catchThrowableOfType(VirshException.class, () -> virsh.ask(SHORT, "hang"));
        assertThat(unknown.kind()).isEqualTo(Kind.UNKNOWN);
        assertThat(unknown).hasMessageContaining("did not answer within 300 ms to \"hang\"");
        Awaitility.await().until(() -> !virsh.isOpen());
        assertThat(catchThrowableOfType(VirshException.class, () -> virsh.ask(BOUND, "fine"))
                        .kind())
                .isEqualTo(Kind.UNKNOWN);
    }

    @Test
    void oneThatTalksWithoutEndIsGivenUpBeforeItFillsTheMemory() throws Exception {
        Virsh virsh = virsh("talk) yes 'error: no' ;; err) yes >&2 ;;");
        VirshException unknown = catchThrowableOfType(VirshException.class, () -> virsh.ask(BOUND, "talk"));
        assertThat(unknown.kind()).isEqualTo(Kind.UNKNOWN);
        assertThat(unknown).hasMessageContaining("more than 1024 KiB");
        Awaitility.await().until(() -> !virsh.isOpen());

        Virsh loud = virsh("err) yes >&2 ;;");
        assertThat(catchThrowableOfType(VirshException.class, () -> loud.ask(SHORT, "err"))
                        .kind())
                .isEqualTo(Kind.UNKNOWN);
    }

    @Test
    void oneThatEndsInTheMiddleHasGivenNoAnswer() throws Exception {
        Virsh virsh = virsh("end) echo 'paused (user)'; echo 'error: Disconnected' >&2; exit 1 ;;");
        VirshException unknown = catchThrowableOfType(VirshException.class, () -> virsh.ask(BOUND, "end"));
        assertThat(unknown.kind()).isEqualTo(Kind.UNKNOWN);
        assertThat(unknown).hasMessageContaining("has ended without an answer").hasMessageContaining("Disconnected");
        assertThat(virsh.isOpen()).isFalse();
    }

    @Test
    void oneThatIsNotThereOrReachesNobodyIsAbsent() throws Exception {
        Path nowhere = directory.resolve("nowhere");
        VirshException absent = catchThrowableOfType(
                VirshException.class, () -> Virsh.open(List.of(nowhere.toString()), BOUND, DatagramStandIn::word));
        assertThat(absent.kind()).isEqualTo(Kind.ABSENT);
        assertThat(absent).hasMessageContaining("libvirt-clients");

        Path script = Files.writeString(
                directory.resolve("lonely"), "echo 'error: failed to connect to the hypervisor' >&2; exit 1");
        VirshException unreached = catchThrowableOfType(
                VirshException.class, () -> Virsh.open(List.of("sh", script.toString()), BOUND, DatagramStandIn::word));
        assertThat(unreached.kind()).isEqualTo(Kind.ABSENT);
        assertThat(unreached).hasMessageContaining("is libvirtd running?").hasMessageContaining("failed to connect");

        Path silent = Files.writeString(directory.resolve("silent"), "exec sleep 600");
        assertThat(catchThrowableOfType(
                                VirshException.class,
                                () -> Virsh.open(List.of("sh", silent.toString()), SHORT, DatagramStandIn::word))
                        .kind())
                .isEqualTo(Kind.UNKNOWN);
    }

    @Test
    void toCloseItWakesWhoWaits() throws Exception {
        Virsh virsh = virsh("hang) exec sleep 600 ;;");
        CompletableFuture<VirshException> asked = CompletableFuture.supplyAsync(
                () -> catchThrowableOfType(VirshException.class, () -> virsh.ask(Duration.ofMinutes(10), "hang")));
        virsh.close();
        assertThat(asked.join().kind()).isEqualTo(Kind.UNKNOWN);
    }
}
