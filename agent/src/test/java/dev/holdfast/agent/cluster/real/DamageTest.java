package dev.holdfast.agent.cluster.real;

import static dev.holdfast.agent.cluster.real.RealCluster.BOUND;
import static dev.holdfast.agent.cluster.real.RealCluster.GROUP;
import static dev.holdfast.agent.cluster.real.RealCluster.require;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/** What a person breaks by hand on several nodes and in the store, and what {@code fsck} makes of it under running machines. */
@Tag("qemu")
@Tag("cluster")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class DamageTest extends OnRealCluster {
    private static final int NEEDS_FSCK = 6;
    private static final Pattern LAYER = Pattern.compile("d0-[0-9]+\\.qcow2");

    private static Path file(RealNode node, String name) {
        return node.vm.chain.resolve(name);
    }

    private static Told finds(RealNode node, String... words) {
        Told told = node.run(words);
        assertThat(told.exit()).as(told.all()).isEqualTo(NEEDS_FSCK);
        return told;
    }

    private static void toLost(RealNode node, String layer) throws IOException {
        Path lost = Files.createDirectories(file(node, "lost"));
        Files.move(file(node, "layers").resolve(layer), lost.resolve(layer));
    }

    /** Digests are written into it in the background. */
    private static String finished(RealNode node, String snapshot) {
        Path sidecar = file(node, "snapshots/" + snapshot + ".json");
        await(sidecar + " has all digests")
                .atMost(BOUND)
                .until(() -> !Files.readString(sidecar).contains("\"sha256\" : \"\""));
        Matcher layer = LAYER.matcher(read(sidecar));
        assertThat(layer.find()).isTrue();
        return layer.group();
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    @Order(1)
    void putsRightWhatIsDamagedOnAllNodesAndInTheStoreAndDoesSoOnce() throws Exception {
        require(cluster.n1().run("checkpoint", "create", GROUP + "@kept"));
        require(cluster.n1().run("checkpoint", "create", "--disk-only", GROUP + "@orphan"));
        String layer = finished(cluster.n1(), "kept");
        finished(cluster.n2(), "kept");

        Path head = file(cluster.n1(), "head");
        Path mark = cluster.n1().vm.run.resolve("frozen");
        Path torn = file(cluster.n2(), "snapshots/kept.json");
        Path stray = file(cluster.n2(), "snapshots/nobody.memory");
        toLost(cluster.n1(), layer);
        Files.delete(file(cluster.n1(), "snapshots/kept.json"));
        Files.delete(head);
        Files.writeString(mark, "token=r-gone\ndeadline_ms=5000\nsince_boottime_ms=1\nkind=freeze\nwas_paused=0\n");
        Files.setLastModifiedTime(mark, FileTime.from(Instant.EPOCH));
        Files.writeString(torn, read(torn).substring(100));
        Files.writeString(stray, "left behind");
        try (StoreByHand store = new StoreByHand(cluster.n1())) {
            store.remove("checkpoints/" + GROUP + "/orphan");
            store.create("claims/web1", "r-gone");
        }

        assertThat(finds(cluster.n2(), "fsck", "-o", "json").out())
                .contains(head + " is missing", "part of web2 is not there", stray.toString())
                .contains("claimed by round r-gone", "no such checkpoint", "marked as frozen");
        assertThat(head).as("it only looks").doesNotExist();

        Told repaired = cluster.n2().run("fsck", "--repair");
        require(repaired);
        assertThat(repaired.out()).contains("repaired");
        assertThat(head).isSymbolicLink();
        assertThat(mark).doesNotExist();
        assertThat(stray).doesNotExist();
        assertThat(file(cluster.n2(), "lost")).isDirectoryContaining(lost -> lost.endsWith("kept.json"));
        Told again = cluster.n1().run("fsck", "--repair");
        require(again);
        assertThat(again.out()).as("nothing is left to do").doesNotContain("repaired");

        require(cluster.n1().run("checkpoint", "verify", GROUP + "@kept"));
        require(cluster.n1().run("checkpoint", "revert", "--yes", GROUP + "@kept"));
        // What they have become is deleted by who owns the machines.
        require(cluster.n1().run("snapshot", "delete", "--yes", "web1@orphan"));
        require(cluster.n2().run("snapshot", "delete", "--yes", "web2@orphan"));
        cluster.assertConverged("next");
    }

    @Test
    @Order(2)
    void saysWhatItCannotSeeAndRepairsNothingThatMayDependOnIt() throws Exception {
        Path mine = Files.writeString(file(cluster.n1(), "snapshots/mine.memory"), "left behind");
        Path theirs = Files.writeString(file(cluster.n2(), "snapshots/theirs.memory"), "left behind");
        cluster.n2().agent.kill();
        await("its session ends").atMost(BOUND).until(() -> cluster.online(cluster.n1()) == 1);
        assertThat(finds(cluster.n1(), "fsck", "-o", "json").out())
                .contains(
                        "web2 is defined on no node that answers",
                        "unseen",
                        "cluster forget n2",
                        GROUP + "@kept",
                        mine.toString());

        cluster.zookeeper.kill();
        assertThat(finds(cluster.n1(), "fsck", "--repair", "-o", "json").out())
                .contains("the catalogue was not looked at", mine.toString())
                .doesNotContain("\"repaired\"");
        assertThat(mine).exists();

        cluster.zookeeper.startAgain();
        cluster.n2().agent.startAgain();
        cluster.awaitPresent();
        require(cluster.n1().run("fsck", "--repair"));
        assertThat(mine).doesNotExist();
        assertThat(theirs).doesNotExist();
        RealCluster.assertInOrder(cluster.n2());
    }
}
