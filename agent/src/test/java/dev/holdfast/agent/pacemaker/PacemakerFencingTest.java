package dev.holdfast.agent.pacemaker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Proof;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** With what pacemaker 2.1.5 wrote about the node n3 in the lab. */
class PacemakerFencingTest {

    private static final Name NODE = new Name("n3");
    private static final Proof GONE = new Proof.Gone(NODE);
    private static final Proof MISSING = new Proof.Missing();
    private static final Proof NO_FENCING = new Proof.NoFencing();

    @TempDir
    private Path directory;

    private static String recorded(String name) throws IOException {
        try (InputStream file = PacemakerFencingTest.class.getResourceAsStream(name + ".xml")) {
            return new String(Objects.requireNonNull(file).readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static Proof proof(String document) throws IOException {
        return ClusterInformation.parse(document).proof(NODE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"fenced", "confirmed", "left", "booting"})
    void whoWasFencedOrHasLeftIsGone(String recorded) throws IOException {
        assertThat(proof(recorded(recorded))).isEqualTo(GONE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"member", "lost", "joining"})
    void whoIsThereOrNotFencedYetIsNotGone(String recorded) throws IOException {
        assertThat(proof(recorded(recorded))).isEqualTo(MISSING);
    }

    @Test
    void nobodyIsGoneThatPacemakerDoesNotKnow() throws IOException {
        assertThat(ClusterInformation.parse(recorded("fenced")).proof(new Name("n4")))
                .isEqualTo(MISSING);
        assertThat(ClusterInformation.parse(recorded("fenced")).proof(new Name("n1")))
                .isEqualTo(MISSING);
    }

    @Test
    void whatANodeWithoutQuorumHasMayBeOld() throws IOException {
        assertThat(proof(recorded("fenced").replace("have-quorum=\"1\"", "have-quorum=\"0\"")))
                .isEqualTo(MISSING);
    }

    @Test
    void fencingHasToBeOnAndToHaveADevice() throws IOException {
        String fenced = recorded("fenced");
        String on = "name=\"stonith-enabled\" value=\"true\"";
        assertThat(fenced).contains(on).contains("class=\"stonith\"");

        assertThat(proof(recorded("without-fencing"))).isEqualTo(NO_FENCING);
        assertThat(proof(fenced.replace(on, "name=\"stonith-enabled\" value=\"No\"")))
                .isEqualTo(NO_FENCING);
        assertThat(proof(fenced.replace(on, "name=\"other\" value=\"x\""))).isEqualTo(GONE);
        String deviceless =
                fenced.replace("<primitive id=\"fence\" class=\"stonith\"", "<primitive id=\"x\" class=\"ocf\"");
        assertThat(proof(deviceless)).isEqualTo(NO_FENCING);
        String watchdog = "name=\"have-watchdog\" value=\"true\"/><nvpair id=\"w\" name=\"stonith-watchdog-timeout\"";
        assertThat(proof(deviceless.replace("name=\"have-watchdog\" value=\"false\"", watchdog + " value=\"10s\"")))
                .isEqualTo(GONE);
        assertThat(proof(deviceless.replace("name=\"have-watchdog\" value=\"false\"", watchdog + " value=\"0\"")))
                .isEqualTo(NO_FENCING);
    }

    @Test
    void aMachineThatWasLeftUnmanagedSurvivesAShutdownOfPacemaker() throws IOException {
        String started = """
                <lrm_resource id="web" type="vm" class="ocf" provider="holdfast">
                <lrm_rsc_op id="web_last_0" operation="%s" call-id="12" rc-code="%s" op-status="0"/>
                <lrm_rsc_op id="web_monitor_2000" operation="monitor" call-id="7" rc-code="%s" op-status="0"/>
                </lrm_resource></lrm_resources>""";
        String left = recorded("left");
        assertThat(proof(left.replaceFirst("</lrm_resources>", started.formatted("stop", "0", "0"))))
                .isEqualTo(GONE);
        assertThat(proof(left.replaceFirst("</lrm_resources>", started.formatted("monitor", "7", "0"))))
                .isEqualTo(GONE);
        assertThat(proof(left.replaceFirst("</lrm_resources>", started.formatted("start", "0", "7"))))
                .isEqualTo(MISSING);
        assertThat(proof(left.replaceFirst("</lrm_resources>", started.formatted("promote", "0", "8"))))
                .isEqualTo(MISSING);
    }

    @Test
    void newerVersionsWriteTimesForTrue() throws IOException {
        assertThat(proof(recorded("fenced").replace("in_ccm=\"false\"", "in_ccm=\"0\"")))
                .isEqualTo(GONE);
        assertThat(proof(recorded("fenced").replace("crmd=\"offline\"", "crmd=\"0\"")))
                .isEqualTo(GONE);
        assertThat(proof(recorded("joining")
                        .replace("in_ccm=\"true\"", "in_ccm=\"1795276073\"")
                        .replace("crmd=\"online\"", "crmd=\"1795276073\"")))
                .isEqualTo(MISSING);
    }

    @Test
    void anythingElseIsNoDocument() throws IOException {
        for (String bad : new String[] {
            "", "cibadmin: Connection refused", recorded("fenced").substring(0, 3000)
        }) {
            assertThatThrownBy(() -> ClusterInformation.parse(bad)).isInstanceOf(IOException.class);
        }
    }

    @Test
    void asksThePacemakerOfThisNodeUntilTheFencingIsWrittenDown() throws IOException {
        Files.writeString(directory.resolve("lost"), recorded("lost"));
        Files.writeString(directory.resolve("fenced"), "a warning\n" + recorded("fenced"));
        assertThat(new PacemakerFencing(directory.resolve("absent"), System::nanoTime).proof(NODE))
                .isEqualTo(NO_FENCING);
        assertThat(new PacemakerFencing(tool("echo down >&2; exit 102"), System::nanoTime).proof(NODE))
                .isEqualTo(MISSING);
        assertThat(new PacemakerFencing(tool("cat lost; [ -e asked ] && mv fenced lost; touch asked"), System::nanoTime)
                        .proof(NODE))
                .isEqualTo(GONE);
    }

    private Path tool(String text) throws IOException {
        Path file = Files.writeString(
                directory.resolve("cibadmin"), "#!/bin/sh\ncd " + directory + " || exit 1\n" + text + "\n");
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
}
