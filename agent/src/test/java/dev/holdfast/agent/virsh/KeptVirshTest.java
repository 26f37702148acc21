package dev.holdfast.agent.virsh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.holdfast.agent.BesideOthers;
import dev.holdfast.agent.unix.DatagramStandIn;
import dev.holdfast.agent.virsh.VirshException.Kind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** When a virsh is started, and when it is asked, with a program in its place that counts how often it was started. */
@BesideOthers
@Timeout(60)
class KeptVirshTest {
    private static final Duration BOUND = Duration.ofSeconds(20);
    private static final String LOSES = "lose) echo 'error: Disconnected from qemu:///system' >&2 ;; which) echo $$ ;;";

    @TempDir
    private Path directory;

    private final AtomicLong passed = new AtomicLong();

    private KeptVirsh kept(String cases, Duration bound) throws Exception {
        return kept(VirshStandIn.in(directory, cases), bound);
    }

    private KeptVirsh kept(List<String> command, Duration bound) {
        return new KeptVirsh(
                command, bound, DatagramStandIn::word, new Silence(() -> System.nanoTime() + passed.get()));
    }

    @Test
    void itIsTheSameOneUntilItIsLost() throws Exception {
        try (KeptVirsh virsh = kept(LOSES, BOUND)) {
            String first = virsh.look("which");
            assertThat(virsh.look("which")).isEqualTo(first);
            assertThat(catchThrowableOfType(VirshException.class, () -> virsh.tell("lose"))
                            .kind())
                    .isEqualTo(Kind.LOST);
            assertThat(virsh.look("which")).isNotEqualTo(first);
        }
    }

    @Test
    void aQuestionIsAskedOnceMoreOfItsSuccessorAndAnOrderIsNot() throws Exception {
        Path once = directory.resolve("once");
        String cases =
                "ask) if [ -e '%1$s' ]; then echo yes; else touch '%1$s'; echo 'error: Disconnected from x' >&2; fi ;; hello) ;;"
                        .formatted(once);
        try (KeptVirsh virsh = kept(cases, BOUND)) {
            virsh.look("hello");
            assertThat(virsh.look("ask")).isEqualTo("yes");
            Files.delete(once);
            assertThat(catchThrowableOfType(VirshException.class, () -> virsh.tell("ask"))
                            .kind())
                    .isEqualTo(Kind.LOST);
        }
    }

    @Test
    void whoCannotBeConnectedToIsNotAskedForAWhile() throws Exception {
        Path gone = directory.resolve("gone");
        Path script = Files.writeString(
                directory.resolve("virsh"),
                "[ ! -e '%s' ] || exit 1%n".formatted(gone) + VirshStandIn.script(LOSES + " fine) echo yes ;;"));
        try (KeptVirsh virsh = kept(List.of("sh", script.toString()), BOUND)) {
            assertThat(virsh.look("fine")).isEqualTo("yes");
            Files.createFile(gone);
            assertThat(failure(virsh, "lose").kind()).isEqualTo(Kind.ABSENT);
            Files.delete(gone);
            assertThat(failure(virsh, "fine"))
                    .hasMessageContaining("a moment ago")
                    .extracting(VirshException::kind)
                    .as("nothing was asked of it")
                    .isEqualTo(Kind.ABSENT);
            passed.addAndGet(Duration.ofSeconds(11).toNanos());
            assertThat(virsh.look("fine")).isEqualTo("yes");
        }
    }

    @Test
    void aDomainThatSomethingHoldsKeepsNobodyFromAskingForOthers() throws Exception {
        try (KeptVirsh virsh = kept("hang) exec sleep 600 ;; fine) echo yes ;;", Duration.ofSeconds(10))) {
            assertThat(failure(virsh, "hang")).hasMessageContaining("did not answer within");
            assertThat(virsh.look("fine")).isEqualTo("yes");
        }
    }

    private static VirshException failure(KeptVirsh virsh, String word) {
        return catchThrowableOfType(VirshException.class, () -> virsh.look(word));
    }
}
