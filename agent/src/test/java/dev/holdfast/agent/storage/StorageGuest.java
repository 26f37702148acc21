package dev.holdfast.agent.storage;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.hypervisor.uml.CountingGuest;
import dev.holdfast.agent.process.BoundedProcess;
import dev.holdfast.agent.process.BoundedProcess.Ended;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A real guest of User-Mode Linux with LVM, DRBD, OCFS2 and NFS in it ({@code deploy/guest/storage.sh} makes its disk), in which commands are run. What does not
 * end in time is not killed there. Closing it ends the guest. Thread-safe.
 */
public final class StorageGuest implements Commands, AutoCloseable {
    private static final Duration MAKING = Duration.ofMinutes(10);
    private static final Duration BOOT = Duration.ofSeconds(60);
    private static final Duration TOOL = Duration.ofSeconds(60);
    private static final Duration PROGRAM = Duration.ofSeconds(180);
    private static final Duration HALT = Duration.ofSeconds(20);

    /** About one boot of this kernel in a hundred comes to nothing, whatever it is booted for. */
    private static final int BOOTS = 3;

    /** Where programs see what the guest has mounted on {@link #SHARED}. */
    private static final String SEEN = "/mnt";

    /** Where a guest mounts what is to be seen by programs. */
    public static final String SHARED = "/shared";

    private static final long DISK_BYTES = 192L << 20;
    private static final String READY = "READY";
    private static final String ENDED = "ENDED ";

    private final Path directory;
    private final Process kernel;
    private final OutputStream console;
    private final AtomicInteger number = new AtomicInteger();
    private final CompletableFuture<Void> ready = new CompletableFuture<>();
    private final Map<Integer, CompletableFuture<Integer>> running = new ConcurrentHashMap<>();
    private final List<String> said = Collections.synchronizedList(new ArrayList<>());

    private StorageGuest(Path disk, int disks, List<String> words) throws IOException {
        directory = Files.createTempDirectory(Path.of("/tmp"), "hf-storage-");
        Path exchange = Files.createDirectory(directory.resolve("exchange"));
        List<String> command = new ArrayList<>(List.of(
                "linux.uml",
                "mem=128M",
                "umid=storage",
                "uml_dir=" + directory.resolve("run"),
                "ubd0r=" + disk,
                "root=/dev/ubda",
                "ro",
                "init=/init",
                "exchange=" + exchange,
                "con=null",
                "con0=fd:0,fd:1",
                "quiet"));
        command.addAll(words);
        for (int each = 1; each <= disks; each++) {
            Path file = directory.resolve("disk" + each);
            try (RandomAccessFile made = new RandomAccessFile(file.toFile(), "rw")) {
                made.setLength(DISK_BYTES);
            }
            command.add("ubd" + each + "=" + file);
        }
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().put("TMPDIR", "/dev/shm");
        kernel = builder.start();
        console = kernel.getOutputStream();
        Thread reader = new Thread(this::listen, "console of the guest");
        reader.setDaemon(true);
        reader.start();
    }

    /**
     * A guest with so many empty disks, {@code /dev/ubdb} the first.
     *
     * @param words for its kernel besides
     */
    public static StorageGuest boot(int disks, String... words) throws Exception {
        Ended made = BoundedProcess.run(List.of("../deploy/guest/storage.sh"), MAKING);
        assertThat(made.status()).as(made.output()).isZero();
        Path disk = Path.of(made.output().lines().reduce((first, last) -> last).orElseThrow());
        List<String> failed = new ArrayList<>();
        for (int boot = 0; boot < BOOTS; boot++) {
            StorageGuest guest = new StorageGuest(disk, disks, List.of(words));
            try {
                guest.ready.get(BOOT.toSeconds(), TimeUnit.SECONDS);
                return guest;
            } catch (ExecutionException | TimeoutException e) {
                CountingGuest.abortIfTooOld(guest.said);
                failed.addAll(guest.said);
                guest.close();
            }
        }
        throw new AssertionError("no guest comes up: " + failed);
    }

    private void listen() {
        try (BufferedReader lines = kernel.inputReader(StandardCharsets.ISO_8859_1)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                String text = line.strip();
                said.add(text);
                if (text.equals(READY)) {
                    ready.complete(null);
                } else if (text.startsWith(ENDED)) {
                    String[] words = text.split(" ");
                    running.get(Integer.parseInt(words[1])).complete(Integer.parseInt(words[2]));
                }
            }
        } catch (IOException e) {
            said.add(e.toString());
        }
        IOException end = new IOException("the guest has ended: " + said);
        ready.completeExceptionally(end);
        running.values().forEach(each -> each.completeExceptionally(end));
    }

    /** What a script of the guest's shell prints; it must succeed. */
    public String sh(String script) throws IOException {
        Ended ended = run(List.of("sh", "-ec", script), TOOL);
        assertThat(ended.status()).as(script + ": " + ended.output()).isZero();
        return ended.output();
    }

    /**
     * What a program of these tests prints in the guest. It has the Java, the tools and the files of the host, read only, and in {@code /mnt} what the
     * guest has mounted on {@link #SHARED}. It must succeed. Takes some 256 MiB ({@code mem=}).
     */
    public String java(Class<?> program, String... arguments) throws IOException {
        sh("""
                [ -e /run/host/proc ] || {
                  mkdir -p /run/host
                  mount -r -t hostfs hostfs /run/host -o /
                  mount -t proc proc /run/host/proc
                  mount -t tmpfs tmpfs /run/host/tmp
                }
                mountpoint -q /run/host%1$s || mount -o bind %2$s /run/host%1$s
                """.formatted(SEEN, SHARED));
        List<String> command = new ArrayList<>(List.of(
                "chroot",
                "/run/host",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xint",
                "-Xmx96m",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                program.getName()));
        command.addAll(List.of(arguments));
        Ended ended = run(command, PROGRAM);
        assertThat(ended.status()).as(ended.output()).isZero();
        return ended.output();
    }

    /** A process of the guest is ten times as slow as one of its host, and that one may be busy. */
    @Override
    public Ended run(List<String> command, Duration bound) throws IOException {
        return finish(command, bound.compareTo(TOOL) > 0 ? bound : TOOL)
                .orElseThrow(
                        () -> new IOException("\"%s\" did not end in the guest".formatted(String.join(" ", command))));
    }

    @Override
    public Optional<Ended> finish(List<String> command, Duration patience) throws IOException {
        int own = number.incrementAndGet();
        Path exchange = directory.resolve("exchange");
        String script = command.stream().map(StorageGuest::quoted).collect(Collectors.joining(" ", "exec ", "\n"));
        Files.writeString(exchange.resolve(own + ".sh"), script);
        CompletableFuture<Integer> status = new CompletableFuture<>();
        running.put(own, status);
        say("run " + own);
        try {
            int ended = status.get(patience.toMillis(), TimeUnit.MILLISECONDS);
            return Optional.of(new Ended(
                    ended, Files.readString(exchange.resolve(own + ".out")).strip()));
        } catch (TimeoutException e) {
            return Optional.empty();
        } catch (ExecutionException | InterruptedException e) {
            throw new IOException(e);
        }
    }

    private static String quoted(String word) {
        return "'" + word.replace("'", "'\\''") + "'";
    }

    private void say(String line) throws IOException {
        synchronized (console) {
            console.write((line + "\n").getBytes(StandardCharsets.US_ASCII));
            console.flush();
        }
    }

    @Override
    public void close() throws Exception {
        if (kernel.isAlive()) {
            say("end");
        }
        if (!kernel.waitFor(HALT.toSeconds(), TimeUnit.SECONDS)) {
            // The helpers of a kernel that is killed live on.
            List<ProcessHandle> helpers = kernel.descendants().toList();
            kernel.destroyForcibly().waitFor();
            helpers.forEach(ProcessHandle::destroyForcibly);
        }
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
