package dev.holdfast.agent.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class StorageDiagnosisTest {
    private static StorageDiagnosis.Disk disk(String id, boolean copied, String obstacle) {
        return new StorageDiagnosis.Disk(
                "web", id, copied, Optional.of(obstacle).filter(text -> !text.isEmpty()), List.of(), false);
    }

    @Test
    void aDiskWhoseWayBackWasGivenUpIsNamed() {
        Check check = StorageDiagnosis.of(
                        "n1", List.of(new StorageDiagnosis.Disk("web", "d0", false, Optional.empty(), List.of(), true)))
                .get(0);
        assertThat(check.verdict()).isEqualTo(Check.Verdict.WARNING);
        assertThat(check.text()).startsWith("disk d0 of web is still on a layer");
    }

    @Test
    void aDiskThatStaysOnItsLayersAgainstNobodysWillIsNotMentioned() {
        assertThat(StorageDiagnosis.of("n1", List.of(disk("d0", false, "")))).isEmpty();
    }

    @Test
    void aDiskThatCannotBeCapturedNowIsNamed() {
        StorageDiagnosis.Disk disk = new StorageDiagnosis.Disk(
                "web", "d0", true, Optional.empty(), List.of("DRBD resource r0: n2 is Connecting"), false);
        assertThat(StorageDiagnosis.of("n1", List.of(disk)))
                .extracting(Check::verdict)
                .containsExactly(Check.Verdict.WARNING, Check.Verdict.OK);
        assertThat(StorageDiagnosis.of("n1", List.of(disk)).get(0).text())
                .isEqualTo(
                        "snapshots and checkpoints with disk d0 of web are refused now: DRBD resource r0: n2 is Connecting");
    }

    @Test
    void whatIsNotCopiedIsNamedWithTheReasonAndWhatToDo() {
        List<Check> checks = StorageDiagnosis.of(
                "n1", List.of(disk("d0", false, "volumes are not copied yet"), disk("d1", true, "")));
        assertThat(checks).extracting(Check::verdict).containsExactly(Check.Verdict.WARNING, Check.Verdict.OK);
        assertThat(checks.get(0).text())
                .isEqualTo("disk d0 of web stays on its layers after a snapshot: volumes are not copied yet");
        assertThat(checks.get(0).remedy()).contains("keep = \"layer\"");
        assertThat(checks.get(1).text()).isEqualTo("raw disks that are copied after a snapshot: 1");
    }
}
