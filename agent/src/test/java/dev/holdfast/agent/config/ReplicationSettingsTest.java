package dev.holdfast.agent.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.replication.Policy;
import dev.holdfast.coordinator.replication.Policy.OnIsolation;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReplicationSettingsTest {
    private static final String DISK = """
            [[disk]]
            id = "d0"
            path = "/x/d0.qcow2"
            """;

    @TempDir
    private Path directory;

    private ConfigurationFiles files;

    @BeforeEach
    void writeDefaults() throws IOException {
        files = new ConfigurationFiles(directory);
    }

    @Test
    void anEmptyTableGivesTheDefaults() throws Exception {
        assertThat(read(""))
                .isEqualTo(new ReplicationSettings(
                        ReplicationSettings.Mode.CHECKPOINT,
                        List.of(),
                        Duration.ofSeconds(1),
                        Duration.ofMillis(500),
                        Duration.ofSeconds(3),
                        0,
                        Policy.pause(),
                        Path.of("/dev/shm/holdfast")));
    }

    @Test
    void everyKeyIsMapped() throws Exception {
        ReplicationSettings settings = read("""
                mode = "checkpoint"
                nodes = ["n1", "n2"]
                interval = "2s"
                max_pause = "100ms"
                max_lag = "10s"
                bandwidth = "100M"
                output_commit = false
                on_isolation = "continue"
                max_stale = "1m"
                standby_dir = "/dev/shm/other"
                """);

        assertThat(settings)
                .isEqualTo(new ReplicationSettings(
                        ReplicationSettings.Mode.CHECKPOINT,
                        List.of(new Name("n1"), new Name("n2")),
                        Duration.ofSeconds(2),
                        Duration.ofMillis(100),
                        Duration.ofSeconds(10),
                        100L << 20,
                        new Policy(OnIsolation.CONTINUE, false, Optional.of(Duration.ofMinutes(1))),
                        Path.of("/dev/shm/other")));
        assertThat(settings.mayBeOn(new Name("n2"))).isTrue();
        assertThat(settings.mayBeOn(new Name("n3"))).isFalse();
    }

    @Test
    void theLagFollowsALongInterval() throws Exception {
        assertThat(read("interval = \"5s\"").maxLag()).isEqualTo(Duration.ofSeconds(15));
    }

    @Test
    void replicationOfDisksAloneHasNoPauseForMemory() throws Exception {
        assertThat(read("mode = \"disk\"\noutput_commit = true").mode()).isEqualTo(ReplicationSettings.Mode.DISK);
        assertThat(problems("mode = \"disk\"\nmax_pause = \"1s\""))
                .containsExactly(
                        "vms/web.toml:9:1: \"replication.max_pause\" is for the rest of an epoch's memory, and mode = \"disk\""
                                + " sends none; remove it, or use mode = \"checkpoint\"");
        assertThat(problems("mode = \"disks\"")).singleElement().asString().contains("\"disk\"");
    }

    /** A path without a form is there for raw files and block devices, too. */
    @Test
    void disksOfAnyFormAreNotReplicated() throws Exception {
        assertThat(problems("[[disk]]\nid = \"d1\"\npath = \"/x/head/d1\""))
                .singleElement()
                .asString()
                .contains("disk d1 may be of any form by its path, /x/head/d1", "write /x/head/d1.qcow2");
    }

    @Test
    void anEpochMustFitIntoTheLag() throws Exception {
        assertThat(problems("interval = \"3s\"\nmax_lag = \"3s\""))
                .containsExactly(
                        "vms/web.toml:9:1: \"replication.max_lag\" is 3s, and an epoch takes up to 3500ms: the guest"
                                + " would be held in every epoch; use at least interval and max_pause together, better three intervals");
    }

    @Test
    void goingOnInIsolationNeedsABoundAndNoOutputCommit() throws Exception {
        assertThat(problems("on_isolation = \"continue\""))
                .singleElement()
                .asString()
                .startsWith("vms/web.toml:8:1: on_isolation = continue needs max_stale");
        assertThat(problems("on_isolation = \"continue\"\nmax_stale = \"30s\"\noutput_commit = true"))
                .singleElement()
                .asString()
                .startsWith("vms/web.toml:8:1: on_isolation = continue releases output that is not committed");
    }

    @Test
    void aCopyNeedsASecondNodeThatHasAName() throws Exception {
        assertThat(problems("nodes = [\"n1\"]"))
                .singleElement()
                .asString()
                .startsWith("vms/web.toml:8:1: \"replication.nodes\" names fewer than two nodes");
        assertThat(problems("nodes = [\"n1\", \"n1\", \"n2\"]"))
                .containsExactly("vms/web.toml:8:1: \"replication.nodes\" names n1 twice; name each node once");
        assertThat(problems("nodes = [\"n1\", \"n2\", \"../n3\"]"))
                .singleElement()
                .asString()
                .startsWith("vms/web.toml:8:1: \"replication.nodes\": ");
    }

    @Test
    void otherNonsenseIsNamedToo() throws Exception {
        files.vm("web.toml", ConfigurationFiles.machine("web") + "replication = \"checkpoint\"\n" + DISK);
        assertThat(files.problems())
                .containsExactly("vms/web.toml:4:1: \"replication\" is a text; write a table: [replication]");
        files.vm("web.toml", ConfigurationFiles.machine("web") + "[replication]\nintervall = \"1s\"\n");
        assertThat(files.problems())
                .containsExactly(
                        "vms/web.toml:4:1: a machine without disks cannot be replicated; add a [[disk]], or remove [replication]",
                        "vms/web.toml:5:1: unknown key \"replication.intervall\"; did you mean \"interval\"?");
        assertThat(problems("standby_dir = \"/" + "x".repeat(80) + "\""))
                .singleElement()
                .asString()
                .contains("the paths of sockets there would pass the limit");
    }

    private ReplicationSettings read(String keys) throws Exception {
        write(keys);
        return files.load().vm(new Name("web")).orElseThrow().replication().orElseThrow();
    }

    private List<String> problems(String keys) throws IOException {
        write(keys);
        return files.problems();
    }

    private void write(String keys) throws IOException {
        files.vm("web.toml", ConfigurationFiles.machine("web") + DISK + "[replication]\n" + keys + "\n");
    }
}
