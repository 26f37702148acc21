package dev.holdfast.agent.cluster.real;

import static dev.holdfast.agent.cluster.real.RealCluster.GROUP;
import static dev.holdfast.agent.cluster.real.RealCluster.require;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What a user does every day, and what a user does wrong, through the command line. */
@Tag("qemu")
@Tag("cluster")
class HappyPathTest extends OnRealCluster {
    @AfterEach
    void leavesNothingBehind() {
        RealCluster.assertInOrder(cluster.n2());
    }

    private static Told checkpoint(String... words) {
        String[] line = new String[words.length + 1];
        line[0] = "checkpoint";
        System.arraycopy(words, 0, line, 1, words.length);
        return cluster.n1().run(line);
    }

    @Test
    void goesThroughTheWholeLifeOfACheckpoint() throws IOException {
        Told created = checkpoint("create", GROUP + "@first", "--description", "of the test");
        require(created);
        long then = cluster.n2().vm.counter();
        assertThat(checkpoint("list", GROUP).out()).contains("first");
        assertThat(checkpoint("show", GROUP + "@first").out()).contains("web1", "web2", "first");
        require(checkpoint("verify", GROUP + "@first"));
        require(cluster.n2().run("checkpoint", "create", GROUP + "@second"));
        await().until(() -> cluster.n2().vm.counter() > then);

        Told dry = checkpoint("revert", "--dry-run", GROUP + "@first");
        require(dry);
        assertThat(dry.out()).containsPattern("web2 +n2 +memory and disks").contains("nothing speaks against it");
        require(checkpoint("revert", "--yes", "--paused", GROUP + "@first"));
        assertThat(cluster.n1().vm.status()).isEqualTo("paused");
        assertThat(cluster.n2().vm.status()).isEqualTo("paused");
        assertThat(cluster.n2().vm.counter()).isLessThanOrEqualTo(then);
        require(cluster.n1().run("vm", "thaw", "web1"));
        require(cluster.n2().run("vm", "thaw", "web2"));

        require(checkpoint("revert", "--yes", GROUP + "@second"));
        long after = cluster.n1().vm.counter();
        await().until(() -> cluster.n1().vm.counter() > after);

        require(checkpoint("delete", "--yes", GROUP + "@first"));
        require(checkpoint("delete", "--yes", GROUP + "@second"));
        assertThat(checkpoint("list", GROUP).out()).doesNotContain("first").doesNotContain("second");
        cluster.assertConverged("afterwards");
    }

    @Test
    void verifyFindsAByteThatHasChangedInAFrozenLayer() throws IOException {
        require(checkpoint("create", GROUP + "@frozen"));
        Path chain = cluster.n2().vm.chain;
        Path sidecar = chain.resolve("snapshots/frozen.json");
        Pattern disk = Pattern.compile("\"(d1-[0-9]+\\.qcow2)\"[^}]*\"sha256\"\\s*:\\s*\"[0-9a-f]{64}\"");
        await().until(() -> disk.matcher(Files.readString(sidecar)).find());
        require(checkpoint("verify", GROUP + "@frozen"));

        Matcher matcher = disk.matcher(Files.readString(sidecar));
        assertThat(matcher.find()).isTrue();
        Path layer = chain.resolve("layers").resolve(matcher.group(1));
        try (RandomAccessFile file = new RandomAccessFile(layer.toFile(), "rw")) {
            file.seek(file.length() - 1);
            int before = file.read();
            file.seek(file.length() - 1);
            file.write(before ^ 1);
            Told damaged = checkpoint("verify", GROUP + "@frozen", "-o", "json");
            assertThat(damaged.exit()).as(damaged.all()).isNotZero();
            assertThat(damaged.all()).contains(layer.toString(), "checksum differs");
            file.seek(file.length() - 1);
            file.write(before);
        }
        require(checkpoint("verify", GROUP + "@frozen"));
        require(checkpoint("delete", "--yes", GROUP + "@frozen"));
    }

    @Test
    void findsWhatNothingNeedsAndTakesItAway() throws IOException {
        Path stray = cluster.n1().vm.chain.resolve("snapshots/nobody.memory");
        Files.writeString(stray, "left behind");

        Told found = cluster.n1().run("fsck");
        assertThat(found.exit()).isEqualTo(6);
        assertThat(found.out()).contains("leftover", "nobody.memory");
        assertThat(stray).exists();

        require(cluster.n1().run("fsck", "--empty-lost"));
        assertThat(stray).doesNotExist();
        assertThat(cluster.n1().run("fsck").out()).contains("Everything is in order.");
    }

    @Test
    void refusesASecondCheckpointOfTheSameName() {
        require(checkpoint("create", GROUP + "@twice"));
        Told again = checkpoint("create", GROUP + "@twice");
        assertThat(again.exit()).as(again.all()).isEqualTo(3);
        assertThat(again.err()).contains("twice", "exists already");
        require(checkpoint("delete", "--yes", GROUP + "@twice"));
    }

    @Test
    void refusesAGroupThatIsNotThere() {
        Told told = checkpoint("create", "nobody@x");
        assertThat(told.exit()).as(told.all()).isEqualTo(3);
        assertThat(told.err()).contains("no group nobody");
    }

    @Test
    void refusesNamesThatAreNoNames() {
        for (String name : new String[] {"a/b", "..", "a..b", "bell\u0007", "line\nbreak", "x".repeat(300), ""}) {
            Told told = checkpoint("create", GROUP + "@" + name);
            assertThat(told.exit()).as(told.all()).isEqualTo(2);
        }
    }

    @Test
    void refusesAGroupWithAMemberThatDoesNotRunAndNamesIt() throws IOException {
        require(cluster.n2().run("vm", "stop", "--force", "web2"));
        await().until(() -> !cluster.n2().vm.hasProcess());
        Told told = checkpoint("create", GROUP + "@without");
        assertThat(told.exit()).as(told.all()).isEqualTo(3);
        assertThat(told.err()).contains("web2");
        require(cluster.n2().run("vm", "start", "web2"));
        cluster.assertConverged("with-both");
    }

    @Test
    void letsTheSecondOfTwoCallersWaitOrSaysNoAtOnce() throws Exception {
        CompletableFuture<Told> one = cluster.inBackground(cluster.n1(), "checkpoint", "create", GROUP + "@one");
        CompletableFuture<Told> two = cluster.inBackground(cluster.n2(), "checkpoint", "create", GROUP + "@two");
        require(one.get());
        require(two.get());

        Told four = triedDuring("three", "four");
        assertThat(four.exit()).as(four.all()).isEqualTo(3);
        for (String name : new String[] {"one", "two", "three"}) {
            require(checkpoint("delete", "--yes", GROUP + "@" + name));
        }
        cluster.assertConverged("five");
    }

    /** What a caller is told who does not wait. The round that is held is given up if that takes three seconds: then it is tried again. */
    private static Told triedDuring(String held, String tried) throws IOException {
        for (int left = 5; ; left--) {
            HeldRound round = HeldRound.preparing(cluster, held);
            Told told = round.follower.run("checkpoint", "create", "--no-wait", GROUP + "@" + tried);
            round.leader.vm.signal("CONT");
            Told end = round.told();
            if (end.exit() == 0 || left == 0) {
                require(end);
                return told;
            }
            cluster.heal();
            if (told.exit() == 0) {
                require(checkpoint("delete", "--yes", GROUP + "@" + tried));
            }
        }
    }

    @Test
    void takesSnapshotsOfOneMachine() throws IOException {
        RealNode node = cluster.n1();
        require(node.run("snapshot", "create", "web1@alone"));
        require(node.run("snapshot", "create", "--disk-only", "web1@disks"));
        assertThat(node.run("snapshot", "list", "web1").out()).contains("alone", "disks");
        require(node.run("snapshot", "show", "web1@alone"));
        long then = node.vm.counter();
        await().until(() -> node.vm.counter() > then);
        require(node.run("snapshot", "revert", "--yes", "--paused", "web1@alone"));
        assertThat(node.vm.counter()).isLessThanOrEqualTo(then);
        require(node.run("vm", "thaw", "web1"));
        await().until(() -> node.vm.counter() > then);
        require(node.run("snapshot", "delete", "--yes", "web1@alone"));
        require(node.run("snapshot", "delete", "--yes", "web1@disks"));
        cluster.assertConverged("after-snapshots");
    }

    @Test
    void refusesACallerWhoIsNeitherRootNorOfTheAdminGroup() throws Exception {
        Path socket = cluster.n1().home.resolve("run/agent.sock");
        Set<PosixFilePermission> before = Files.getPosixFilePermissions(socket);
        // As if somebody had opened the door by hand: the caller's identity still counts.
        Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rwxrwxrwx"));
        Files.setPosixFilePermissions(socket.getParent(), PosixFilePermissions.fromString("rwxr-xr-x"));
        Process caller = new ProcessBuilder(
                        "setpriv",
                        "--reuid=65534",
                        "--regid=65534",
                        "--clear-groups",
                        "socat",
                        "-t60",
                        "-",
                        "UNIX-CONNECT:" + socket)
                .start();
        try (Writer request = caller.outputWriter()) {
            request.write("{\"id\":\"1\",\"command\":\"vm.list\",\"arguments\":{}}\n");
        } catch (IOException e) {
            // It was shown the door before it could ask.
        }
        String answer = new String(caller.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        caller.waitFor();
        Files.setPosixFilePermissions(socket, before);
        assertThat(answer).contains("forbidden").doesNotContain("web1");
    }

    @Test
    void servesEveryCommandOfTheCommandLine() {
        require(cluster.n1().run("cluster", "history"));
        require(checkpoint("create", GROUP + "@noted"));
        assertThat(cluster.n2().run("cluster", "history").out()).contains("noted", "committed");
        require(checkpoint("delete", "--yes", GROUP + "@noted"));
        require(cluster.n1().run("cluster", "pause", "--reason", "kernel update"));
        Told held = checkpoint("create", GROUP + "@held");
        assertThat(held.exit()).as(held.all()).isEqualTo(3);
        assertThat(held.err()).contains("kernel update", "holdfast cluster resume");
        assertThat(cluster.n2().run("cluster", "status").out()).contains("kernel update");
        assertThat(cluster.n1().run("cluster", "history").out()).doesNotContain("held");
        require(cluster.n2().run("cluster", "resume"));
    }

    @Test
    void takesScheduledCheckpointsKeepsTheNewestAndSkipsThemWhilePaused() throws IOException {
        RealNode node = cluster.n2();
        Told wrong = node.run("schedule", "set", GROUP, "--cron", "at three");
        assertThat(wrong.exit()).as(wrong.all()).isEqualTo(2);
        assertThat(wrong.err()).contains("five fields");
        require(checkpoint("create", GROUP + "@by-hand"));
        require(node.run("schedule", "set", GROUP, "--every", "3s", "--keep-last", "1", "--disk-only"));
        try {
            await("one is taken").until(() -> node.run("schedule", "list").out().contains("taken"));
            String first = newestScheduled();
            await("the first is gone, the next is there")
                    .until(() -> !newestScheduled().equals(first)
                            && !checkpoint("list", GROUP).out().contains(first));
            require(cluster.n1().run("cluster", "pause", "--reason", "upgrade"));
            await().until(() ->
                    node.run("schedule", "list", "-o", "json").out().contains("the cluster is paused: upgrade"));
            assertThat(node.run("schedule", "list").out()).contains("skipped");
        } finally {
            require(node.run("schedule", "remove", GROUP));
            require(cluster.n1().run("cluster", "resume"));
        }
        assertThat(checkpoint("list", GROUP).out()).contains("by-hand");
        assertThat(node.run("schedule", "list").out()).contains("no schedules");
        cluster.assertConverged("after-schedule");
    }

    private static String newestScheduled() {
        Matcher matcher = Pattern.compile("scheduled-\\w+")
                .matcher(checkpoint("list", GROUP).out());
        String newest = "none yet";
        while (matcher.find()) {
            newest = matcher.group();
        }
        return newest;
    }
}
