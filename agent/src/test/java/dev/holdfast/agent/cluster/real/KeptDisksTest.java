package dev.holdfast.agent.cluster.real;

import static dev.holdfast.agent.cluster.real.RealCluster.require;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.ImageLink;
import dev.holdfast.agent.process.BoundedProcess;
import dev.holdfast.agent.process.BoundedProcess.Ended;
import dev.holdfast.agent.storage.LoopFileSystem;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A machine with raw disks under a real agent, which has a real XFS copy what checkpoints freeze, or, on a file system that cannot, the machine.
 * Needs root.
 */
@Tag("qemu")
@Tag("cluster")
@Tag("soak")
@Timeout(value = 600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class KeptDisksTest {
    private static final String VM = "raw";
    private static final String OWN_GROUP = "own";
    private static final long DISK = 16L << 20;
    private static final int PATTERN_AT = 1 << 20;

    @TempDir
    private Path directory;

    private LoopFileSystem mounted;
    private RealCluster cluster;
    private RealNode node;
    private RealVm raw;

    /**
     * @param first what is said of the disk that it boots from
     * @param second what is said of the other one
     */
    private void open(String fileSystem, String first, String second) throws Exception {
        mounted = new LoopFileSystem(fileSystem, directory);
        cluster = new RealCluster();
        node = cluster.n1();
        Path chain = mounted.point().toRealPath().resolve("raw.holdfast");
        raw = new RealVm(VM, node.home.resolve("run/vms").resolve(VM), chain, false);
        Files.writeString(node.home.resolve("vms/raw.toml"), """
                name = "%s"
                group = "%s"
                machine = "pc-q35-7.2"
                accel = "tcg"
                memory = "64M"
                [[disk]]
                id = "d0"
                path = "%s/head/d0"
                %s
                [[disk]]
                id = "d1"
                path = "%s/head/d1"
                %s
                """.formatted(VM, OWN_GROUP, chain, first, chain, second));
        node.agent.kill();
        node.agent.startAgain();
        await("the agent serves")
                .atMost(RealCluster.BOUND)
                .until(() -> node.run("vm", "list").exit() == 0);
        Path boot = mounted.point().resolve("boot.img");
        RealVm.writeBootDisk(boot);
        Path other = mounted.point().resolve("second.img");
        try (RandomAccessFile file = new RandomAccessFile(other.toFile(), "rw")) {
            file.setLength(DISK);
        }
        require(node.run("vm", "import-disk", "--in-place", VM, "d0", boot.toString()));
        require(node.run("vm", "import-disk", "--in-place", VM, "d1", other.toString()));
        assertThat(other).as("it has moved into the chain").doesNotExist();
        require(node.run("vm", "start", VM));
        raw.goesOn(RealCluster.BOUND);
        await("its group is known")
                .atMost(RealCluster.BOUND)
                .until(() -> node.run("group", "show", OWN_GROUP).out().contains("running"));
    }

    @AfterEach
    void close() throws IOException {
        if (cluster != null) {
            node.run("vm", "stop", VM, "--force");
            cluster.close();
        }
        if (mounted != null) {
            mounted.close();
        }
    }

    private void checkpoint(String name, String... words) {
        String[] line = Stream.concat(Stream.of("checkpoint", "create", OWN_GROUP + "@" + name), Stream.of(words))
                .toArray(String[]::new);
        require(node.run(line));
    }

    /** What is being copied cannot be looked at, and says so. */
    private void awaitVerified(String name) {
        await(name + " is whole")
                .atMost(RealCluster.BOUND)
                .untilAsserted(() -> require(node.run("checkpoint", "verify", OWN_GROUP + "@" + name)));
    }

    private List<String> copiesOf(String disk) throws IOException {
        try (Stream<Path> files = Files.list(raw.chain.resolve("layers"))) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.matches(disk + "-[0-9]+-of-000001\\.(raw|qcow2)"))
                    .sorted()
                    .toList();
        }
    }

    private void awaitCopies(int number) {
        await("copies of what has been frozen").atMost(RealCluster.BOUND).untilAsserted(() -> {
            assertThat(copiesOf("d0")).hasSize(number);
            assertThat(copiesOf("d1")).hasSize(number);
            assertThat(raw.hasIntent()).isFalse();
        });
    }

    private Path layer(String name) {
        return raw.chain.resolve("layers").resolve(name);
    }

    private static void assertHolds(Path image, int pattern) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "r")) {
            file.seek(PATTERN_AT);
            assertThat(file.read()).as(image.toString()).isEqualTo(pattern);
            assertThat(file.length()).isEqualTo(DISK);
        }
    }

    private static Ended tool(String... command) throws IOException {
        return BoundedProcess.run(List.of(command), Duration.ofSeconds(60));
    }

    private static void assertSharesItsBlocks(Path copy) throws IOException {
        assertThat(tool("filefrag", "-v", copy.toString()).output()).contains("shared");
    }

    @Test
    void whatCheckpointsFreezeIsCopiedByItsFileSystemAndIsTheirs() throws Exception {
        open("xfs", "", "keep = \"clone\"");
        assertThat(node.run("vm", "show", VM).out()).contains("clone (file on xfs)");
        assertThat(node.run("doctor", "-o", "json").out()).contains("raw disks that are copied after a snapshot: 2");

        raw.write(1, "1M", "4M");
        checkpoint("one");
        awaitCopies(1);
        Path first = layer(copiesOf("d1").get(0));
        assertHolds(first, 1);
        assertSharesItsBlocks(first);
        awaitVerified("one");

        raw.write(2, "1M", "4M");
        checkpoint("two", "--disk-only");
        awaitCopies(2);
        Path second = layer(copiesOf("d1").get(1));
        assertHolds(first, 1);
        assertHolds(second, 2);
        assertSharesItsBlocks(second);
        raw.goesOn(RealCluster.BOUND);
        awaitRawHead();

        for (int i = 0; i < 4; i++) {
            checkpoint("next" + i, "--disk-only");
        }
        awaitCopies(6);
        awaitVerified("two");
        for (int i = 0; i < 4; i++) {
            require(node.run("checkpoint", "delete", "--yes", OWN_GROUP + "@next" + i));
        }
        require(node.run("checkpoint", "delete", "--yes", OWN_GROUP + "@two"));
        awaitCopies(1);

        require(node.run("checkpoint", "revert", "--yes", OWN_GROUP + "@one"));
        raw.goesOn(RealCluster.BOUND);
        // From a layer, or from the image again: the machine is on its way to that.
        await("the head reads what was frozen")
                .atMost(RealCluster.BOUND)
                .untilAsserted(() -> assertReads(ImageLink.complete(raw.chain.resolve("head/d1")), 1));
        awaitVerified("one");
        RealCluster.assertInOrder(node);
    }

    private void awaitRawHead() {
        await("its disks are the raw images again").atMost(RealCluster.BOUND).untilAsserted(() -> {
            assertThat(raw.chain.resolve("head/d0.raw")).exists();
            assertThat(raw.chain.resolve("head/d1.raw")).exists();
        });
    }

    private static void assertReads(Path image, int pattern) throws IOException {
        Ended read = tool(
                "qemu-io",
                "-U",
                "-r",
                "-f",
                ImageForm.of(image).format(),
                "-c",
                "read -P %d 1M 4M".formatted(pattern),
                image.toString());
        assertThat(read.output()).contains("read 4194304").doesNotContain("verification failed");
    }

    @Test
    void whereTheFileSystemCannotTheMachineCopiesWhatWasWrittenSinceTheCheckpointBefore() throws Exception {
        open("ext4", "keep = \"increment\"", "keep = \"increment\"");
        assertThat(node.run("vm", "show", VM).out()).contains("increment (file on ext4");
        raw.write(1, "1M", "4M");
        checkpoint("one");
        awaitCopies(1);
        awaitRawHead();
        Path first = layer(copiesOf("d1").get(0));
        assertReads(first, 1);

        raw.write(2, "1M", "4M");
        checkpoint("two", "--disk-only");
        awaitCopies(2);
        awaitRawHead();
        Path second = layer(copiesOf("d1").get(1));
        assertReads(first, 1);
        assertReads(second, 2);
        assertThat(tool("qemu-img", "info", "-U", second.toString()).output()).contains("backing file: " + first);
        assertThat(Files.size(second)).isBetween(4L << 20, 5L << 20);
        awaitVerified("two");

        require(node.run("checkpoint", "delete", "--yes", OWN_GROUP + "@one"));
        awaitCopies(1);
        awaitVerified("two");
        raw.write(3, "1M", "4M");
        require(node.run("checkpoint", "revert", "--yes", OWN_GROUP + "@two"));
        raw.goesOn(RealCluster.BOUND);
        assertReads(ImageLink.complete(raw.chain.resolve("head/d1")), 2);
        checkpoint("three", "--disk-only");
        RealCluster.assertInOrder(node);
    }
}
