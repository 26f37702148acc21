package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.hypervisor.ImageForm;
import dev.holdfast.agent.hypervisor.Keep;
import dev.holdfast.agent.hypervisor.Progress;
import dev.holdfast.agent.hypervisor.StartMode;
import dev.holdfast.agent.qmp.QmpClient;
import dev.holdfast.agent.snapshot.chain.Layer;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundOptions.CaptureMethod;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;

/**
 * For {@code deploy/bench.sh increments}: what is written for checkpoints of a guest that dirties a known amount of a raw disk. A line of JSON for
 * each.
 */
final class IncrementsMain {
    private static final long DIRTIED = 512L * 65536;
    private static final Duration PATIENCE = Duration.ofSeconds(120);
    private static final long MEBIBYTE = 1 << 20;

    private final SnapshotLab lab;

    private IncrementsMain(SnapshotLab lab) {
        this.lab = lab;
    }

    /** @param args how many checkpoints after the first one */
    public static void main(String[] args) throws Exception {
        try (SnapshotLab lab =
                new SnapshotLab("/dev/holdfast/agent/snapshot/dirtier.bin", "128M", ImageForm.RAW, ImageForm.RAW)) {
            lab.keep(Keep.INCREMENT);
            lab.start(StartMode.NORMAL);
            IncrementsMain bench = new IncrementsMain(lab);
            bench.awaitSaid("F", 1);
            bench.measure(0, 64 * MEBIBYTE);
            for (int round = 1; round <= Integer.parseInt(args[0]); round++) {
                try (QmpClient client = lab.rescue()) {
                    client.execute(
                            "send-key",
                            Map.of("keys", List.of(Map.of("type", "qcode", "data", "a"))),
                            SnapshotLab.DEADLINE);
                }
                bench.awaitSaid("D", round);
                bench.measure(round, DIRTIED);
            }
        }
    }

    private void awaitSaid(String word, int times) {
        Awaitility.await()
                .atMost(PATIENCE)
                .until(() -> lab.console().stream().filter(word::equals).count() == times);
    }

    private void measure(int round, long dirtied) throws Exception {
        String name = "c" + round;
        long before = written();
        long began = System.nanoTime();
        lab.create(name, CaptureMethod.DISK_ONLY);
        long taken = System.nanoTime();
        lab.snapshots().compact(lab.operation(), Progress.NONE, () -> false);
        long ended = System.nanoTime();
        long copies = 0;
        for (Layer copy : lab.chain.snapshots().get(new Name(name)).named()) {
            copies += Files.size(lab.chain.file(copy));
        }
        long bytes = written() - before;
        System.out.printf(
                "{\"checkpoint\": %d, \"dirtied\": %d, \"written\": %d, \"copies\": %d, \"checkpoint_ms\": %d, \"copy_ms\": %d}%n",
                round, dirtied, bytes, copies, (taken - began) / 1_000_000, (ended - taken) / 1_000_000);
    }

    /** Bytes that the machine's process has handed to the kernel. */
    private long written() throws IOException {
        Path io = Path.of("/proc", Long.toString(lab.processes().get(0)), "io");
        return Files.readAllLines(io).stream()
                .filter(line -> line.startsWith("wchar: "))
                .mapToLong(line -> Long.parseLong(line.substring("wchar: ".length())))
                .sum();
    }
}
