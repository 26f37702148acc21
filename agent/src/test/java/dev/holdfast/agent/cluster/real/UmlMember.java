package dev.holdfast.agent.cluster.real;

import static dev.holdfast.agent.cluster.real.RealCluster.GROUP;
import static dev.holdfast.agent.cluster.real.RealCluster.require;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.holdfast.agent.hypervisor.uml.CountingGuest;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** A guest of User-Mode Linux as a member of the group, on a node of it. Needs root. */
final class UmlMember implements AutoCloseable {
    static final String VM = "uml";
    private static final long SECOND_DISK = 4L << 20;

    final Path run;
    private final RealNode node;

    UmlMember(RealNode node) {
        this.node = node;
        run = node.home.resolve("run/vms").resolve(VM);
    }

    /** Its guest counts when this returns. */
    void open() throws Exception {
        Path chain = node.home.resolve("disks/uml.holdfast");
        Files.writeString(
                node.home.resolve("vms/uml.toml"), """
                name = "%s"
                hypervisor = "uml"
                group = "%s"
                memory = "64M"
                extra_args = ["%s"]
                [[disk]]
                id = "d0"
                path = "%s/head/d0.qcow2"
                [[disk]]
                id = "d1"
                path = "%s/head/d1.qcow2"
                """.formatted(VM, GROUP, CountingGuest.WORDS, chain, chain));
        restartAgent();
        Path images = Files.createDirectories(node.home.resolve("images"));
        Path second = images.resolve("second.raw");
        try (RandomAccessFile file = new RandomAccessFile(second.toFile(), "rw")) {
            file.setLength(SECOND_DISK);
        }
        String first = CountingGuest.firstDisk(images).toString();
        require(node.run("vm", "import-disk", VM, "d0", first));
        require(node.run("vm", "import-disk", VM, "d1", second.toString()));
        require(node.run("vm", "start", VM));
        awaitTicks(3);
    }

    void restartAgent() throws IOException {
        node.agent.kill();
        node.agent.startAgain();
        await("agent of " + node.name)
                .atMost(RealCluster.BOUND)
                .until(() -> node.run("vm", "list").exit() == 0);
    }

    Path console() {
        Path place = run.resolve("place");
        return (Files.exists(place) ? place : run.resolve("own")).resolve("console");
    }

    long ticks() throws IOException {
        return CountingGuest.ticks(console());
    }

    void awaitTicks(long more) throws IOException {
        Path console = console();
        long before = CountingGuest.ticks(console);
        await("the guest counts").atMost(RealCluster.BOUND).untilAsserted(() -> {
            CountingGuest.abortIfTooOld(CountingGuest.said(console));
            assertThat(CountingGuest.ticks(console)).isGreaterThanOrEqualTo(before + more);
        });
    }

    void assertBootedFromBetween(long atLeast, long atMost) throws IOException {
        awaitTicks(1);
        CountingGuest.found(console()).assertIsOf(atLeast, atMost + 1);
    }

    @Override
    public void close() throws IOException {
        node.run("vm", "stop", VM, "--force");
        // If that failed, its disks are still mounted, and would be in the way of whoever tidies up.
        for (String line : Files.readAllLines(Path.of("/proc/self/mounts"), StandardCharsets.ISO_8859_1)) {
            String place = line.split(" ")[1];
            if (place.startsWith(run + "/")) {
                RealCluster.mounting("umount", "--lazy", place);
            }
        }
    }
}
