package dev.holdfast.agent.cluster.real;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.holdfast.agent.qmp.QmpClient;
import dev.holdfast.agent.qmp.QmpEvents;
import dev.holdfast.agent.qmp.QmpException;
import dev.holdfast.agent.qmp.QmpValue;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/** A machine seen from outside: its process, its rescue monitor, its files. Its guest counts at address 0x500. */
final class RealVm {
    private static final Duration ANSWER = Duration.ofSeconds(30);

    /** sti; again: hlt; inc dword [0x500]; jmp again: about 18 steps a second. */
    private static final byte[] COUNTER = {
        0x31,
        (byte) 0xc0,
        (byte) 0x8e,
        (byte) 0xd8,
        (byte) 0xfb,
        (byte) 0xf4,
        0x66,
        (byte) 0xff,
        0x06,
        0x00,
        0x05,
        (byte) 0xeb,
        (byte) 0xf7
    };

    private static final int SECTOR = 512;
    private static final long ORACLE_DISK = 40L << 20;

    final String name;
    final Path run;
    final Path chain;
    private final boolean oracle;

    RealVm(String name, Path run, Path chain, boolean oracle) {
        this.name = name;
        this.run = run;
        this.chain = chain;
        this.oracle = oracle;
    }

    /** The same machine as it is on another node. */
    RealVm on(RealNode node) {
        // Where each node has disks of its own, they lie beside its other files.
        Path there = chain.toString().contains("/shared/") || !oracle
                ? chain
                : node.home.resolve("disks").resolve(chain.getFileName());
        return new RealVm(name, node.home.resolve("run/vms").resolve(name), there, oracle);
    }

    /** A disk that boots the guest that knows whether its memory and its disks are of one moment. */
    static void writeOracleDisk(Path file) throws IOException {
        try (InputStream code = RealVm.class.getResourceAsStream("/dev/holdfast/agent/hypervisor/oracle.bin");
                RandomAccessFile image = new RandomAccessFile(file.toFile(), "rw")) {
            image.write(code == null ? new byte[0] : code.readAllBytes());
            image.setLength(ORACLE_DISK);
        }
    }

    /** What the oracle has said since this process of it was started. */
    List<String> console() throws IOException {
        Path console = run.resolve("console");
        return Files.exists(console)
                ? Files.readString(console, StandardCharsets.ISO_8859_1).lines().toList()
                : List.of();
    }

    /** The process that waits for the machine's memory, if there is one. */
    Optional<Long> waiting() throws IOException {
        return process(run.resolve("incoming/pid"));
    }

    /** The living process that a file names. The file may go at any time, and is empty for a moment when it comes. */
    static Optional<Long> process(Path pid) throws IOException {
        String text;
        try {
            text = Files.readString(pid).strip();
        } catch (NoSuchFileException gone) {
            return Optional.empty();
        }
        return text.isEmpty()
                ? Optional.empty()
                : Optional.of(Long.parseLong(text)).filter(RealVm::lives);
    }

    /** Whether its memory is on the way to another node. */
    boolean migrates() {
        try {
            return ask("query-migrate", Map.of()).path("status").asText().equals("active");
        } catch (IOException e) {
            return false;
        }
    }

    /** How many of its disks are being copied. */
    int copies() {
        try {
            int copies = 0;
            for (QmpValue job : ask("query-block-jobs", Map.of())) {
                copies += job.path("type").asText().equals("mirror") ? 1 : 0;
            }
            return copies;
        } catch (IOException e) {
            return -1;
        }
    }

    /** Whether its disks are served to somebody who copies. */
    boolean isServed() {
        return ProcessHandle.allProcesses()
                .map(process -> process.info().commandLine().orElse(""))
                .anyMatch(line -> line.contains("qemu-nbd") && line.contains(run + "/"));
    }

    /**
     * Puts something into the end of its second disk, which its guest does not use. A mirror job has 16 MiB on the way before
     * it thinks of its speed.
     */
    void writeToDisk() throws IOException {
        write(7, "9M", "28M");
    }

    /** Puts something into a part of its second disk that its guest does not use. */
    void write(int pattern, String from, String bytes) throws IOException {
        String command = "qemu-io -d /machine/peripheral/dev-d1/virtio-backend \"write -P %d %s %s\""
                .formatted(pattern, from, bytes);
        // What it prints goes to the process's own output; only an error is an answer.
        assertThat(ask("human-monitor-command", Map.of("command-line", command)).asText())
                .isEmpty();
    }

    /** Lets the copies of its disks go on as fast as they can; one that is ending, or was dismissed meanwhile, does not. */
    void hurryCopies() throws IOException {
        for (QmpValue job : ask("query-block-jobs", Map.of())) {
            try {
                ask("block-job-set-speed", Map.of("device", job.path("device").asText(), "speed", 0));
            } catch (QmpException e) {
                boolean over = e.says("cannot accept command verb") || e.says("not found");
                if (e.kind() != QmpException.Kind.REJECTED || !over) {
                    throw e;
                }
            }
        }
    }

    /** Lets a migration that was slowed down go on as fast as it can. */
    void hurry() throws IOException {
        ask("migrate-set-parameters", Map.of("max-bandwidth", 1L << 30, "downtime-limit", 2000));
    }

    /** A disk that boots the counting guest. */
    static void writeBootDisk(Path file) throws IOException {
        byte[] image = new byte[1 << 20];
        System.arraycopy(COUNTER, 0, image, 0, COUNTER.length);
        image[SECTOR - 2] = 0x55;
        image[SECTOR - 1] = (byte) 0xaa;
        Files.write(file, image);
    }

    long pid() throws IOException {
        return Long.parseLong(Files.readString(run.resolve("pid")).strip());
    }

    boolean hasProcess() {
        try {
            return process(run.resolve("pid")).isPresent();
        } catch (IOException e) {
            return false;
        }
    }

    static boolean lives(long pid) {
        try {
            // A daemon that nobody has reaped yet is gone all the same.
            String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
            return !stat.substring(stat.lastIndexOf(')')).startsWith(") Z");
        } catch (IOException e) {
            return false;
        }
    }

    private QmpValue ask(String command, Map<String, ?> arguments) throws IOException {
        try (QmpClient client = QmpClient.connect(run.resolve("rescue.sock"), ANSWER, System::nanoTime)) {
            return client.execute(command, arguments, ANSWER);
        }
    }

    /** Stands in for a guest that shuts down when it is asked to: by what such a guest writes to its chip set. */
    void shutsDownIn(Runnable step, Duration bound) throws IOException {
        try (QmpClient client = QmpClient.connect(run.resolve("rescue.sock"), ANSWER, System::nanoTime);
                QmpEvents asked = client.subscribe("POWERDOWN")) {
            CompletableFuture<Void> done = CompletableFuture.runAsync(step);
            assertThat(asked.await(event -> true, bound)).isPresent();
            client.execute("human-monitor-command", Map.of("command-line", "o/h 0x604 0x2000"), ANSWER);
            done.join();
        }
    }

    /** Waits until a background capture writes memory, and makes it slow. False if there is none any more before. */
    boolean slowsCaptureDown(BooleanSupplier over) throws IOException {
        try (QmpClient client = QmpClient.connect(run.resolve("rescue.sock"), ANSWER, System::nanoTime)) {
            while (!over.getAsBoolean()) {
                boolean background = false;
                for (QmpValue known : client.execute("query-migrate-capabilities", ANSWER)) {
                    background |= known.path("capability").asText().equals("background-snapshot")
                            && known.path("state").asText().equals("true");
                }
                if (background && isSending(client)) {
                    client.execute("migrate-set-parameters", Map.of("max-bandwidth", 1 << 14), ANSWER);
                    return isSending(client);
                }
            }
        }
        return false;
    }

    private static boolean isSending(QmpClient client) throws IOException {
        return client.execute("query-migrate", ANSWER).path("status").asText().equals("active");
    }

    String status() throws IOException {
        return ask("query-status", Map.of()).path("status").asText();
    }

    boolean runs() {
        try {
            return hasProcess() && status().equals("running");
        } catch (IOException e) {
            return false;
        }
    }

    /** It is marked as frozen by us, and its monitor says that it does not run. */
    boolean standsStill() {
        try {
            return marked() && status().equals("paused");
        } catch (IOException e) {
            return false;
        }
    }

    /** It runs, and its guest has not lost anything. */
    void goesOn(Duration bound) throws IOException {
        await(run + " runs").atMost(bound).until(this::runs);
        long before = counter();
        await(run + " counts").atMost(bound).until(() -> counter() > before + 3);
        assertThat(console()).doesNotContain("BAD");
    }

    long counter() throws IOException {
        String answer = ask(
                        "human-monitor-command", Map.of("command-line", oracle ? "xp /1wx 0x8000" : "xp /1wx 0x500"))
                .asText();
        return Long.decode(
                answer.substring(answer.indexOf("0x", answer.indexOf(':'))).strip());
    }

    /** Its mark says that it waits for a decision. */
    boolean isHeld() throws IOException {
        Path mark = run.resolve("frozen");
        return Files.exists(mark) && Files.readAllLines(mark).contains("kind=hold");
    }

    boolean marked() {
        return Files.exists(run.resolve("frozen"));
    }

    boolean hasIntent() {
        return Files.exists(chain.resolve("intent.json"));
    }

    /** Names of all files that belong to snapshots, without their endings. */
    SortedSet<String> snapshotFiles() throws IOException {
        SortedSet<String> names = new TreeSet<>();
        try (Stream<Path> files = Files.list(chain.resolve("snapshots"))) {
            files.forEach(file -> names.add(file.getFileName().toString()));
        }
        return names;
    }

    void signal(String name) throws IOException {
        Signals.send(name, pid());
    }
}
