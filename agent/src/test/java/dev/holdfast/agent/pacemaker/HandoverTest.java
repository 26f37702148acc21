package dev.holdfast.agent.pacemaker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With a script in place of crm_attribute that keeps one score; the lab has the real one. */
class HandoverTest {
    private static final Name WEB = new Name("web");
    private static final Name N2 = new Name("n2");

    @TempDir
    private Path directory;

    private Path score = Path.of("");
    private Path calls = Path.of("");
    private Handover handover = new Handover(Path.of("/nowhere"), vm -> Path.of("/nowhere"));

    @BeforeEach
    void prepare() throws IOException {
        score = directory.resolve("score");
        calls = directory.resolve("calls");
        Path tool = Files.writeString(directory.resolve("crm_attribute"), """
                #!/bin/sh
                echo "$*" >>%1$s/calls
                [ ! -e %1$s/down ] || { echo "no cluster"; exit 102; }
                case "$*" in *--query) [ ! -e %1$s/busy ] || { echo busy; exit 124; } ;; esac
                for last; do :; done
                case "$*" in
                    *--query) cat %1$s/score 2>/dev/null || exit 105 ;;
                    *--delete) rm -f %1$s/score ;;
                    *--update*) echo "$last" >%1$s/score ;;
                esac
                """.formatted(directory));
        Files.setPosixFilePermissions(tool, PosixFilePermissions.fromString("rwxr-xr-x"));
        handover = new Handover(tool, vm -> directory);
    }

    @Test
    void aMachineIsPacemakersWhileItsInstanceIsStarted() throws IOException {
        assertThat(handover.resource(WEB)).isEmpty();
        Files.writeString(directory.resolve("replica"), "");
        assertThat(handover.resource(WEB)).isEmpty();
        Files.writeString(directory.resolve("replica"), "web-rsc\n");
        assertThat(handover.resource(WEB)).contains("web-rsc");
        assertThat(new Handover(Path.of("/nowhere"), vm -> directory).resource(WEB))
                .as("no pacemaker")
                .isEmpty();
    }

    @Test
    void theScoreIsRaisedAndComesBack() throws IOException {
        Files.writeString(score, "120\n");
        Handover.Preference preference = handover.prefer("web", N2);
        assertThat(score).hasContent("INFINITY");
        assertThat(calls).content().contains("--promotion=web --node=n2 --lifetime=reboot --quiet --update INFINITY");
        preference.end();
        assertThat(score).hasContent("120");
        Files.delete(score);
        handover.prefer("web", N2).end();
        assertThat(score).doesNotExist();
    }

    @Test
    void aScoreThatTheResourceAgentHasToldMeanwhileStays() throws IOException {
        Files.writeString(score, "120\n");
        Handover.Preference preference = handover.prefer("web", N2);
        Files.writeString(score, "1000\n");
        preference.end();
        assertThat(score).hasContent("1000");
    }

    @Test
    void aScoreThatCannotBeReadIsNotTakenForNone() throws IOException {
        Files.writeString(score, "120\n");
        Files.createFile(directory.resolve("busy"));
        assertThatThrownBy(() -> handover.prefer("web", N2)).hasMessage("crm_attribute ended with 124: busy");
        assertThat(score).hasContent("120");

        Files.delete(directory.resolve("busy"));
        Handover.Preference preference = handover.prefer("web", N2);
        Files.createFile(directory.resolve("busy"));
        assertThatThrownBy(preference::end).isInstanceOf(IOException.class);
        assertThat(score).hasContent("INFINITY");
        Files.delete(directory.resolve("busy"));
        preference.end();
        assertThat(score).hasContent("120");
    }

    @Test
    void aPacemakerThatDoesNotAnswerIsAnErrorInItsWords() throws IOException {
        Files.createFile(directory.resolve("down"));
        assertThatThrownBy(() -> handover.prefer("web", N2))
                .isInstanceOf(IOException.class)
                .hasMessage("crm_attribute ended with 102: no cluster");
    }
}
