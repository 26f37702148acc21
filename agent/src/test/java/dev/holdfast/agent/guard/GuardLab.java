package dev.holdfast.agent.guard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.holdfast.agent.hypervisor.Control;
import dev.holdfast.agent.hypervisor.ProcessIdentity;
import dev.holdfast.agent.qmp.QmpClient;
import dev.holdfast.agent.qmp.QmpEvents;
import dev.holdfast.agent.unix.LineSocket;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A guard, machines whose firmware runs, and processes that arm the guard and can be killed. Closes what it started. */
public final class GuardLab implements AutoCloseable {
    /** For what hangs: a busy machine needs seconds to start a QEMU. */
    static final Duration BOUND = Duration.ofSeconds(30);

    public final BlockingQueue<Fired> fired = new LinkedBlockingQueue<>();
    final Path directory;
    final BlockingQueue<Held> held = new LinkedBlockingQueue<>();
    private final List<Process> processes = new ArrayList<>();
    private final List<AutoCloseable> open = new ArrayList<>();
    private Process guard;

    public GuardLab() throws IOException {
        directory = Files.createTempDirectory(
                Path.of("/tmp"),
                "guard-",
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        guard = startGuard();
    }

    private Process startGuard() throws IOException {
        Process started = start("target/guard/holdfast-guard", "--socket", socket().toString());
        // The file is there a moment before anybody listens behind it.
        await().atMost(BOUND).ignoreExceptions().until(() -> {
            LineSocket.connect(socket(), BOUND).close();
            return true;
        });
        return started;
    }

    /** As after a crash. */
    public void killGuard() throws IOException, InterruptedException {
        guard.destroyForcibly().waitFor();
        Files.delete(socket());
    }

    void restartGuard() throws IOException {
        guard = startGuard();
    }

    Path socket() {
        return directory.resolve("guard.sock");
    }

    Process guard() {
        return guard;
    }

    /** What the guard says next of a thaw. */
    Fired nextFired() throws InterruptedException {
        Fired next = fired.poll(BOUND.toSeconds(), TimeUnit.SECONDS);
        assertThat(next).as("what the guard has fired").isNotNull();
        return next;
    }

    /** Starts a process whose life ends with the lab's. */
    Process start(String... command) throws IOException {
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        processes.add(process);
        return process;
    }

    public GuardClient client() throws IOException {
        GuardClient client = GuardClient.connect(socket(), BOUND, fired::add, held::add);
        open.add(client);
        return client;
    }

    Machine machine(String name, String... more) throws IOException {
        Path home = Files.createDirectories(directory.resolve("vms").resolve(name));
        List<String> line = new ArrayList<>(List.of(
                "qemu-system-x86_64",
                "-machine",
                "pc-q35-7.2,accel=tcg",
                "-m",
                "64",
                "-nodefaults",
                "-display",
                "none"));
        for (String monitor : List.of("qmp", "guard", "rescue")) {
            line.addAll(List.of(
                    "-chardev",
                    "socket,id=" + monitor + ",path=" + home.resolve(monitor + ".sock") + ",server=on,wait=off",
                    "-mon",
                    "chardev=" + monitor + ",mode=control"));
        }
        line.addAll(List.of(more));
        Process qemu = start(line.toArray(String[]::new));
        await().atMost(BOUND).until(() -> Files.exists(home.resolve("rescue.sock")));
        return new Machine(new Name(name), home, qemu, monitor(home, "qmp.sock"), monitor(home, "rescue.sock"));
    }

    /** A process that is the guard's client, so that it can be killed or stopped. */
    public Armer armer() throws IOException {
        return new Armer(start("socat", "-", "UNIX-CONNECT:" + socket()));
    }

    QmpClient monitor(Path home, String name) throws IOException {
        QmpClient[] client = new QmpClient[1];
        await().atMost(BOUND).ignoreExceptions().until(() -> {
            client[0] = QmpClient.connect(home.resolve(name), BOUND, System::nanoTime);
            return true;
        });
        open.add(client[0]);
        return client[0];
    }

    public static void signal(Process process, String name) throws IOException {
        try {
            int status = new ProcessBuilder("kill", "-" + name, Long.toString(process.pid()))
                    .start()
                    .waitFor();
            if (status != 0) {
                throw new IOException("kill -" + name + " failed");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
    }

    @Override
    public void close() throws Exception {
        for (AutoCloseable one : open) {
            one.close();
        }
        for (Process process : processes) {
            process.destroyForcibly().waitFor();
        }
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    /** One QEMU; {@code agent} and {@code rescue} are sessions on its other two QMP sockets. */
    record Machine(Name name, Path home, Process qemu, QmpClient agent, QmpClient rescue) {
        void watchedBy(GuardClient client) throws IOException {
            client.watch(name, home, control(false));
        }

        Control control(boolean guestAgent) {
            return Control.monitor(ProcessIdentity.of(qemu.pid()).orElseThrow(), guestAgent);
        }

        void tell(String command, Map<String, ?> arguments) throws IOException {
            agent.execute(command, arguments, BOUND);
        }

        void stop() throws IOException {
            tell("stop", Map.of());
        }

        String status() {
            return ask("query-status");
        }

        String migration() {
            return ask("query-migrate");
        }

        private String ask(String query) {
            try {
                return rescue.execute(query, Map.of(), BOUND).path("status").asText();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        boolean marked() {
            return Files.exists(home.resolve("frozen"));
        }

        /** Migrates to a file with the given capability on; returns when the migration has that status. */
        void migrate(String capability, String until) throws IOException {
            migrate(capability, "exec:cat > " + home.resolve("memory"), until);
        }

        void migrate(String capability, String target, String until) throws IOException {
            tell(
                    "migrate-set-capabilities",
                    Map.of("capabilities", List.of(Map.of("capability", capability, "state", true))));
            tell("migrate", Map.of("uri", target));
            awaitMigration(until);
        }

        void awaitMigration(String status) {
            await().atMost(BOUND)
                    .pollInterval(Duration.ofMillis(5))
                    .until(() -> migration().equals(status));
        }

        /** Nanoseconds until the guest runs, measured from now. When it ran is what QEMU says: a test that is starved looks too late. */
        long nanosUntilRunning() {
            Instant began = Instant.now();
            long since = System.nanoTime();
            try (QmpEvents resumes = rescue.subscribe("RESUME")) {
                await().pollInSameThread()
                        .pollDelay(Duration.ZERO)
                        .pollInterval(Duration.ofMillis(1))
                        .atMost(BOUND)
                        .until(() -> status().equals("running"));
                long looked = System.nanoTime() - since;
                return resumes.takeAll().stream()
                        .map(resume -> Instant.EPOCH.plus(resume.timestampMicros(), ChronoUnit.MICROS))
                        .mapToLong(ran -> Duration.between(began, ran).toNanos())
                        .filter(nanos -> nanos >= 0)
                        .max()
                        .orElse(looked);
            }
        }
    }

    /** A child process that speaks the guard's protocol. */
    public record Armer(Process process) {
        public String ask(String request) throws IOException {
            send(request);
            return answer();
        }

        void send(String line) throws IOException {
            process.outputWriter().write(line + "\n");
            process.outputWriter().flush();
        }

        String answer() throws IOException {
            return String.valueOf(process.inputReader().readLine());
        }

        void arm(Machine machine, String token, long deadlineMillis) throws IOException {
            String reply = ask("{\"op\":\"arm\",\"vm\":\"%s\",\"token\":\"%s\",\"deadline_ms\":%d}"
                    .formatted(machine.name(), token, deadlineMillis));
            if (!reply.equals("{\"ok\":true}")) {
                throw new IOException(reply);
            }
        }

        public void kill() throws IOException {
            signal(process, "KILL");
        }
    }
}
