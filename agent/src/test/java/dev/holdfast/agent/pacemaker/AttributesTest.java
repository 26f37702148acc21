package dev.holdfast.agent.pacemaker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.pacemaker.ClusterFacts.Taken;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With scripts in place of pacemaker's tools; the lab has the real ones. */
class AttributesTest {

    private static final Instant NOW = Instant.parse("2026-11-21T10:00:00Z");
    private static final Name SHOP = new Name("shop");

    @TempDir
    private Path directory;

    private Path calls = Path.of("");
    private Attributes attributes = new Attributes(Path.of("/nowhere"));

    @BeforeEach
    void prepare() throws IOException {
        calls = directory.resolve("calls");
        Files.createFile(calls);
        attributes = new Attributes(
                script("attrd_updater", "[ -e " + directory + "/down ] && exit 102; echo \"$*\" >> " + calls));
    }

    private Path script(String name, String text) throws IOException {
        Path file = directory.resolve(name);
        Files.writeString(file, "#!/bin/sh\n" + text + "\n");
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private static ClusterFacts facts(Instant now, String... degraded) {
        return new ClusterFacts(
                List.of(),
                List.of(degraded),
                true,
                Map.of(SHOP, Optional.of(new Taken(new Name("nightly"), NOW.minusSeconds(90 * 60)))),
                Map.of(),
                now);
    }

    private List<String> told() throws IOException {
        List<String> lines = Files.readAllLines(calls);
        Files.writeString(calls, "");
        return lines;
    }

    @Test
    void tellsOnlyWhatHasChanged() throws IOException {
        attributes.show(facts(NOW, "the guard does not answer"));
        assertThat(told())
                .containsExactly(
                        "--name holdfast-checkpoint-shop --update nightly, 2026-11-21T08:30:00Z, 1 h old",
                        "--name holdfast-degraded --update the guard does not answer",
                        "--name holdfast-frozen --delete");
        attributes.show(facts(NOW.plusSeconds(60), "the guard does not answer"));
        assertThat(told()).isEmpty();
        attributes.show(facts(NOW.plusSeconds(3600)));
        assertThat(told())
                .containsExactly(
                        "--name holdfast-checkpoint-shop --update nightly, 2026-11-21T08:30:00Z, 2 h old",
                        "--name holdfast-degraded --delete");
    }

    /** The agent was killed in office, and another node leads now. */
    @Test
    void whatAnEarlierLifeInOfficeHasLeftIsTakenAway() throws IOException {
        attributes.show(new ClusterFacts(List.of(), List.of(), false, Map.of(SHOP, Optional.empty()), Map.of(), NOW));
        assertThat(told()).contains("--name holdfast-checkpoint-shop --delete");
    }

    @Test
    void saysAllAnewWhenPacemakerMayHaveForgotten() throws IOException {
        attributes.show(facts(NOW, "the guard does not answer"));
        List<String> first = told();
        attributes.show(facts(NOW, "the guard does not answer"));
        assertThat(told()).isEmpty();
        attributes.forget();
        attributes.show(facts(NOW, "the guard does not answer"));
        assertThat(told()).isEqualTo(first);
    }

    @Test
    void aLeaderThatLosesOfficeTakesItsLinesAway() throws IOException {
        attributes.show(facts(NOW));
        told();
        attributes.show(new ClusterFacts(List.of(), List.of(), false, Map.of(SHOP, Optional.empty()), Map.of(), NOW));
        assertThat(told()).containsExactly("--name holdfast-checkpoint-shop --delete");
    }

    @Test
    void tellsItAgainToAPacemakerThatWasDown() throws IOException {
        Path down = Files.createFile(directory.resolve("down"));
        attributes.show(facts(NOW, "x"));
        assertThat(told()).isEmpty();
        Files.delete(down);
        attributes.show(facts(NOW, "x"));
        assertThat(told()).contains("--name holdfast-degraded --update x");
    }

    @Test
    void maintenanceIsWhatPacemakerSaysItIs() throws IOException {
        assertThat(new Maintenance(script("on", "echo TRUE")).reason()).isPresent();
        assertThat(new Maintenance(script("off", "echo false")).reason()).isEmpty();
        assertThat(new Maintenance(script("broken", "echo true; exit 102")).reason())
                .isEmpty();
        assertThat(new Maintenance(directory.resolve("absent")).reason()).isEmpty();
    }

    private static ClusterFacts replica(String role, String state, long age, boolean held) {
        ReplicaFacts facts = new ReplicaFacts(role, state, Optional.of(new Name("n2")), age, held);
        return new ClusterFacts(
                List.of(), List.of(), false, Map.of(), Map.of(new Name("web"), Optional.of(facts)), NOW);
    }

    @Test
    void aReplicaIsShownAndChangesOnlyWhenSomethingDoes() throws IOException {
        attributes.show(replica("primary", "protected", 400, false));
        assertThat(told())
                .contains("--name holdfast-replica-web --update primary, standby n2, last epoch under 10 s old");
        attributes.show(replica("primary", "protected", 9900, false));
        assertThat(told()).isEmpty();
        attributes.show(replica("primary", "protected", 10_000, false));
        attributes.show(replica("primary", "shrinking", 61_000, false));
        attributes.show(replica("primary", "protected", 61_000, true));
        attributes.show(replica("primary", "shrinking", 61_000, true));
        attributes.show(replica("primary", "isolated", 61_000, false));
        attributes.show(replica("primary", "alone", 61_000, false));
        attributes.show(replica("primary", "seeding", 61_000, false));
        attributes.show(replica("primary", "leaving", 100, false));
        attributes.show(replica("standby", "following", 125_000, false));
        attributes.show(replica("standby", "following", -1, false));
        attributes.show(replica("none", "out", -1, false));
        attributes.show(new ClusterFacts(
                List.of(), List.of(), false, Map.of(), Map.of(new Name("web"), Optional.empty()), NOW));
        assertThat(told())
                .containsExactly(
                        "--name holdfast-replica-web --update primary, standby n2, last epoch under 60 s old",
                        "--name holdfast-replica-web --update primary, standby n2 is lost",
                        "--name holdfast-replica-web --update primary, HELD until standby n2 or the store answers",
                        "--name holdfast-replica-web --update primary, HELD until the store answers",
                        "--name holdfast-replica-web --update primary, ISOLATED: what it does may be lost",
                        "--name holdfast-replica-web --update primary, no standby",
                        "--name holdfast-replica-web --update primary, standby n2 is being made",
                        "--name holdfast-replica-web --update primary, gives the machine up",
                        "--name holdfast-replica-web --update standby of n2, last epoch 2 min old",
                        "--name holdfast-replica-web --update standby of n2, last epoch of unknown age",
                        "--name holdfast-replica-web --update takes no part",
                        "--name holdfast-replica-web --delete");
    }

    @Test
    void aPromotionScoreIsToldWhenItChangesAndWhilePacemakerHasTheInstanceStarted() throws IOException {
        PromotionScores scores = new PromotionScores(
                script("crm_attribute", "[ -e " + directory + "/down ] && exit 102; echo \"$*\" >> " + calls));
        Path vm = Files.createDirectory(directory.resolve("web"));
        Files.writeString(vm.resolve("promotion-score"), "100\n");
        scores.tell(vm);
        assertThat(told()).isEmpty();
        Files.writeString(vm.resolve("replica"), "web\n");
        scores.tell(vm);
        scores.tell(vm);
        assertThat(told()).containsExactly("--promotion=web --update 100 --quiet");
        assertThat(vm.resolve("promotion-told")).hasContent("100");
        Files.createFile(directory.resolve("down"));
        Files.writeString(vm.resolve("promotion-score"), "-5");
        scores.tell(vm);
        assertThat(vm.resolve("promotion-told")).doesNotExist();
        Files.delete(directory.resolve("down"));
        scores.tell(vm);
        Files.writeString(vm.resolve("promotion-told"), "refused\n");
        scores.tell(vm);
        Files.writeString(vm.resolve("promotion-told"), "-5\n");
        Files.writeString(vm.resolve("promotion-score"), "5; reboot");
        scores.tell(vm);
        Files.delete(vm.resolve("promotion-score"));
        scores.tell(vm);
        scores.tell(vm);
        assertThat(told()).containsExactly("--promotion=web --update -5 --quiet", "--promotion=web --delete --quiet");
    }
}
