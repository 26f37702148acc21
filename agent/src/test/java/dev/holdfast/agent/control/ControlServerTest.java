package dev.holdfast.agent.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.holdfast.agent.BesideOthers;
import dev.holdfast.agent.json.Json;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.agent.unix.LineServer;
import dev.holdfast.agent.unix.LineSocket;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@BesideOthers
@Timeout(120)
class ControlServerTest {
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final Limits FEW = new Limits(4, 64 << 10, PATIENCE, PATIENCE);
    private static final Limits QUICK = new Limits(4, 64 << 10, Duration.ofSeconds(2), Duration.ofMillis(500));

    @TempDir
    private Path directory;

    private Path path;
    private ControlServer server;
    private final CountDownLatch release = new CountDownLatch(1);

    @BeforeEach
    void listen() throws IOException {
        path = directory.resolve("agent.sock");
        server = ControlServer.start(path, null, commands(), FEW);
    }

    /** Callers who are slow are cut off from now on. */
    private void beQuick() throws IOException {
        server.close();
        server = ControlServer.start(path, null, commands(), QUICK);
    }

    @AfterEach
    void end() throws IOException {
        release.countDown();
        server.close();
    }

    private CommandTable commands() {
        return new CommandTable()
                .register(ControlCommand.VM_SHOW, (arguments, progress) -> Map.of("name", arguments.name("vm")))
                .register(ControlCommand.VM_START, (arguments, progress) -> {
                    progress.phase("start", "starting");
                    progress.bytes("memory", 5, 10);
                    return Map.of("state", "running");
                })
                .register(ControlCommand.VM_STOP, (arguments, progress) -> {
                    throw new ControlException(ErrorCode.STORE_UNREACHABLE, "no store", "it is away", "start it");
                })
                .register(ControlCommand.VM_THAW, (arguments, progress) -> {
                    throw new ClassCastException("a bug");
                })
                .register(ControlCommand.VM_FREEZE, (arguments, progress) -> {
                    release.await();
                    return Map.of();
                })
                .register(ControlCommand.CLUSTER_HISTORY, (arguments, progress) -> {
                    for (int i = 0; i < 100_000; i++) {
                        progress.phase("flood", "x".repeat(100));
                    }
                    release.countDown();
                    return Map.of();
                });
    }

    @Test
    void aCommandReportsProgressAndThenItsResult() throws Exception {
        List<String> reports = new ArrayList<>();
        try (ControlClient client = ControlClient.connect(path)) {
            JsonObject result = client.call(ControlCommand.VM_START, Map.of("vm", "web"), recording(reports));
            assertThat(result.text("state")).contains("running");
            assertThat(client.call(ControlCommand.VM_SHOW, Map.of("vm", "db"), Progress.NONE)
                            .text("name"))
                    .contains("db");
        }
        assertThat(reports).containsExactly("start: starting", "memory 5/10");
    }

    @Test
    void anErrorKeepsItsCodeItsReasonAndItsExitCode() throws Exception {
        try (ControlClient client = ControlClient.connect(path)) {
            ControlException error = catchThrowableOfType(
                    ControlException.class, () -> client.call(ControlCommand.VM_STOP, Map.of(), Progress.NONE));

            assertThat(error).hasMessage("no store");
            assertThat(error.code()).isEqualTo(ErrorCode.STORE_UNREACHABLE);
            assertThat(error.why()).isEqualTo("it is away");
            assertThat(error.correction()).isEqualTo("start it");
            assertThat(error.exit()).isEqualTo(ExitCode.STORE_UNREACHABLE);
        }
    }

    @Test
    void aBugInAHandlerIsToldAndEndsNothingElse() throws Exception {
        try (ControlClient client = ControlClient.connect(path)) {
            assertThatThrownBy(() -> client.call(ControlCommand.VM_THAW, Map.of(), Progress.NONE))
                    .hasMessage("the agent failed on vm.thaw");
            assertThat(client.call(ControlCommand.VM_SHOW, Map.of("vm", "web"), Progress.NONE)
                            .text("name"))
                    .contains("web");
        }
    }

    @Test
    void unknownCommandsAndArgumentsGetASuggestion() throws Exception {
        assertThat(exchange("{\"id\":1,\"command\":\"vm.shwo\"}"))
                .contains("\"id\":1", "unknown_command", "did you mean \\\"vm.show\\\"?");
        assertThat(exchange("{\"id\":1,\"command\":\"vm.show\",\"arguments\":{\"vn\":\"web\"}}"))
                .contains("bad_request", "unknown argument \\\"vn\\\"", "did you mean \\\"vm\\\"?");
        assertThat(exchange("{\"id\":1,\"command\":\"vm.show\",\"arguments\":{}}"))
                .contains("\\\"vm\\\" is missing");
        assertThat(exchange("{\"id\":1,\"command\":\"vm.show\",\"arguments\":{\"vm\":\"../x\"}}"))
                .contains("is not allowed");
        assertThat(exchange("{\"id\":1,\"command\":\"vm.show\",\"arguments\":{\"vm\":5}}"))
                .contains("is a number, not a text");
    }

    @Test
    void whatIsNoRequestIsAnsweredAndTheConnectionEnds() throws Exception {
        for (String line : List.of(
                "",
                "garbage",
                "[]",
                "{}",
                "{\"id\":1}",
                "{\"id\":null,\"command\":\"vm.show\"}",
                "{\"id\":1,\"id\":2,\"command\":\"vm.show\"}",
                "{\"id\":1,\"command\":\"vm.show\",\"extra\":1}",
                "{\"id\":1,\"command\":\"vm.show\"} {}",
                "{\"id\":1,\"command\":\"" + "x".repeat(65) + "\"}",
                "{\"id\":1,\"command\":\"vm.show\",\"arguments\":[]}")) {
            try (LineSocket socket = LineSocket.connect(path, PATIENCE)) {
                socket.send(line);
                assertThat(socket.readLine()).as(line).contains("\"error\"", "bad_request", "\"exit\":2");
                assertThat(socket.readLine()).as(line).isNull();
            }
        }
        assertServes();
    }

    @Test
    void anOversizedRequestIsAnswered() throws Exception {
        assertThat(exchange("{\"id\":1,\"command\":\"" + "x".repeat(70_000) + "\"}"))
                .contains("at most 65536 bytes");
        assertServes();
    }

    @Test
    void aRequestWithoutEndIsCutOff() throws Exception {
        try (SocketChannel channel = raw()) {
            ByteBuffer block = ByteBuffer.wrap("x".repeat(100_000).getBytes(StandardCharsets.US_ASCII));
            assertThatThrownBy(() -> {
                        for (int i = 0; i < 100; i++) {
                            channel.write(block.rewind());
                        }
                    })
                    .isInstanceOf(IOException.class);
        }
        assertServes();
    }

    @Test
    void silentAndDrippingCallersAreCutOff() throws Exception {
        beQuick();
        try (SocketChannel silent = raw();
                LineSocket dripping = LineSocket.connect(path, PATIENCE)) {
            dripping.readTimeout(PATIENCE);
            silent.write(ByteBuffer.wrap(new byte[] {'{'}));
            assertThat(dripping.readLine()).contains("no whole request came within 2000 ms");
            assertThat(dripping.readLine()).isNull();
            await().until(() -> server.connections() == 0);
        }
        assertServes();
    }

    @Test
    void aCallerThatHangsUpHalfWayHarmsNobody() throws Exception {
        for (int i = 0; i < 50; i++) {
            try (SocketChannel channel = raw()) {
                channel.write(ByteBuffer.wrap("{\"id\":1,\"comm".getBytes(StandardCharsets.US_ASCII)));
                if (i % 2 == 0) {
                    channel.shutdownOutput();
                }
            }
            await().until(() -> server.connections() < FEW.connections());
        }
        await().until(() -> server.connections() == 0);
        assertServes();
    }

    @Test
    void aCallerThatDoesNotReadDelaysNoOperation() throws Exception {
        beQuick();
        try (SocketChannel deaf = raw()) {
            deaf.write(ByteBuffer.wrap(
                    "{\"id\":1,\"command\":\"cluster.history\"}\n".getBytes(StandardCharsets.US_ASCII)));

            assertThat(release.await(PATIENCE.toSeconds(), TimeUnit.SECONDS))
                    .as("the handler came to its end")
                    .isTrue();
            await().atMost(PATIENCE).until(() -> server.connections() == 0);
        }
    }

    @Test
    void tooManyCallersAreToldSo() throws Exception {
        List<LineSocket> callers = new ArrayList<>();
        try {
            for (int i = 0; i < FEW.connections(); i++) {
                LineSocket caller = LineSocket.connect(path, PATIENCE);
                callers.add(caller);
                caller.send("{\"id\":1,\"command\":\"vm.freeze\"}");
            }
            await().until(() -> server.connections() == FEW.connections());
            // Whoever is turned away is told without having asked; asking may fail, because nobody reads it any more.
            try (LineSocket one = LineSocket.connect(path, PATIENCE)) {
                assertThat(one.readLine()).contains("overloaded");
            }
        } finally {
            release.countDown();
            for (LineSocket caller : callers) {
                caller.close();
            }
        }
    }

    @Test
    void othersThanAdministratorsAreRefused() throws Exception {
        Path other = directory.resolve("other.sock");
        try (ControlServer strict = ControlServer.start(
                        LineServer.bind(other, null, 1 << 20), peer -> Optional.empty(), commands(), FEW);
                ControlClient client = ControlClient.connect(other)) {
            ControlException error = catchThrowableOfType(
                    ControlException.class,
                    () -> client.call(ControlCommand.VM_SHOW, Map.of("vm", "web"), Progress.NONE));
            assertThat(error.code()).isEqualTo(ErrorCode.FORBIDDEN);
            assertThat(error.correction()).contains("as root");
            assertThat(strict.connections()).isLessThanOrEqualTo(1);
        }
    }

    @Test
    void tenThousandMalformedRequestsLeaveTheServerAlive() throws Exception {
        long seed = 20261121;
        Random random = new Random(seed);
        String valid = "{\"id\":1,\"command\":\"vm.show\",\"arguments\":{\"vm\":\"web\"}}";
        for (int i = 0; i < 10_000; i++) {
            byte[] input = mutate(valid.getBytes(StandardCharsets.UTF_8), random);
            try (SocketChannel channel = raw()) {
                channel.write(ByteBuffer.wrap(input));
                if (random.nextBoolean()) {
                    channel.shutdownOutput();
                    channel.read(ByteBuffer.allocate(4096));
                }
            } catch (IOException e) {
                assertThat(e).as("seed %d, input %d", seed, i).hasMessageMatching("(?i).*(broken pipe|reset).*");
            }
        }
        await().until(() -> server.connections() == 0);
        assertServes();
    }

    private static byte[] mutate(byte[] valid, Random random) {
        byte[] bytes = valid.clone();
        switch (random.nextInt(4)) {
            case 0 -> random.nextBytes(bytes);
            case 1 -> bytes = java.util.Arrays.copyOf(bytes, random.nextInt(bytes.length));
            case 2 -> bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
            default -> {
                int at = random.nextInt(bytes.length - 4);
                System.arraycopy(bytes, random.nextInt(bytes.length - 4), bytes, at, 4);
            }
        }
        byte[] line = java.util.Arrays.copyOf(bytes, bytes.length + 1);
        line[bytes.length] = '\n';
        return line;
    }

    private void assertServes() throws Exception {
        await().until(() -> server.connections() < FEW.connections());
        assertThat(exchange("{\"id\":\"a\",\"command\":\"vm.show\",\"arguments\":{\"vm\":\"web\"}}"))
                .isEqualTo("{\"id\":\"a\",\"result\":{\"name\":\"web\"}}");
    }

    private String exchange(String line) throws IOException {
        try (LineSocket socket = LineSocket.connect(path, PATIENCE)) {
            socket.readTimeout(PATIENCE);
            try {
                socket.send(line);
            } catch (IOException e) {
                assertThat(e).as("turned away before it could ask").hasMessageContaining("Broken pipe");
            }
            String answer = socket.readLine();
            assertThat(answer).isNotNull();
            assertThat(Json.object(answer).keys()).contains("id");
            return answer;
        }
    }

    private SocketChannel raw() throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        channel.connect(UnixDomainSocketAddress.of(path));
        return channel;
    }

    private static Progress recording(List<String> reports) {
        return new Progress() {
            @Override
            public void phase(String phase, String text) {
                reports.add(phase + ": " + text);
            }

            @Override
            public void bytes(String phase, long done, long total) {
                reports.add(phase + " " + done + "/" + total);
            }
        };
    }

    @Test
    void theSocketIsForOwnerAndGroupOnly() throws Exception {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path)))
                .isEqualTo("rw-rw----");
    }

    /** The kernel's word on who is at the other end, with real users. */
    @Test
    void theKernelTellsMembersOfTheGroupFromOthers() throws Exception {
        assumeTrue(Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0), "needs root to become others");
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
        Path shared = directory.resolve("group.sock");
        try (ControlServer group = ControlServer.start(shared, "daemon", commands(), FEW)) {
            Files.setPosixFilePermissions(shared, PosixFilePermissions.fromString("rw-rw-rw-"));

            assertThat(requestAs(shared, "--reuid=65534", "--regid=1", "--clear-groups"))
                    .contains("\"result\"");
            assertThat(requestAs(shared, "--reuid=65534", "--regid=65534", "--groups=1"))
                    .contains("\"result\"");
            assertThat(requestAs(shared, "--reuid=65534", "--regid=65534", "--clear-groups"))
                    .contains("forbidden", "user 65534 may not use the control socket");
            assertThat(requestAs(shared, "--reuid=0", "--regid=65534", "--clear-groups"))
                    .contains("\"result\"");
            assertThat(group.connections()).isLessThanOrEqualTo(1);
        }
    }

    private static String requestAs(Path socket, String... identity) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("setpriv"));
        command.addAll(List.of(identity));
        command.addAll(List.of("socat", "-t60", "-", "UNIX-CONNECT:" + socket));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        try (var input = process.getOutputStream()) {
            input.write("{\"id\":1,\"command\":\"vm.show\",\"arguments\":{\"vm\":\"web\"}}\n"
                    .getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            // Refused before it could ask: the answer tells.
        }
        String answer = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        return answer;
    }
}
