package dev.holdfast.agent.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.holdfast.agent.unix.LineServer;
import dev.holdfast.agent.unix.LineSocket;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Who may call what, asked by real users. */
@Timeout(120)
class RightsTest {
    private static final String NOBODY = "--reuid=65534";
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    @TempDir
    private Path directory;

    private Path administration;
    private Path status;
    private ControlServer administrators;
    private ControlServer readers;

    @BeforeEach
    void listen() throws IOException {
        assumeTrue(Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0), "needs root to become others");
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx--x--x"));
        administration = directory.resolve("agent.sock");
        status = directory.resolve("status.sock");
        CommandTable commands = new CommandTable();
        for (ControlCommand command : ControlCommand.values()) {
            commands.register(command, (arguments, progress) -> Map.of("called", command.word()));
        }
        administrators = ControlServer.start(administration, "daemon", commands, Limits.DEFAULT);
        readers = ControlServer.startForStatus(status, "games", commands);
    }

    @AfterEach
    void end() throws IOException {
        administrators.close();
        readers.close();
    }

    @Test
    void theseCommandsOnlyLookAndNoOther() {
        assertThat(having(Right.STATUS))
                .containsExactly(
                        "checkpoint.list",
                        "checkpoint.show",
                        "snapshot.list",
                        "snapshot.show",
                        "vm.list",
                        "vm.show",
                        "replica.show",
                        "group.list",
                        "group.show",
                        "schedule.list",
                        "cluster.status",
                        "cluster.history");
        assertThat(having(Right.ROOT)).containsExactly("vm.import_disk");
    }

    @Test
    void membersOfTheStatusGroupMayLookAndNothingElse() throws Exception {
        for (ControlCommand command : ControlCommand.values()) {
            String answer = ask(status, command, NOBODY, "--regid=65534", "--groups=60");
            if (command.right() == Right.STATUS) {
                assertThat(answer).contains("\"called\":\"" + command.word() + "\"");
            } else {
                assertThat(answer).contains("\"code\":\"forbidden\"", command.word(), "\"exit\":1");
            }
        }
        assertThat(ask(administration, ControlCommand.VM_LIST, NOBODY, "--regid=65534", "--groups=60"))
                .contains("Permission denied");
    }

    @Test
    void nobodyMayDoMoreThanLookOnTheSocketOfTheStatusGroup() throws Exception {
        assertThat(ask(status, ControlCommand.VM_STOP, "--reuid=0")).contains("may only look");
        assertThat(ask(status, ControlCommand.VM_LIST, "--reuid=0")).contains("\"called\"");
        assertThat(ask(status, ControlCommand.VM_LIST, NOBODY, "--regid=65534", "--clear-groups"))
                .contains("Permission denied");
    }

    @Test
    void administratorsMayDoAllButWhatReadsFilesAsRoot() throws Exception {
        String[] member = {NOBODY, "--regid=65534", "--groups=1"};
        assertThat(ask(administration, ControlCommand.VM_STOP, member)).contains("\"called\"");
        assertThat(ask(administration, ControlCommand.VM_IMPORT_DISK, member))
                .contains("\"code\":\"forbidden\"", "only root may call vm.import_disk", "\"exit\":1");
        assertThat(ask(administration, ControlCommand.VM_IMPORT_DISK, "--reuid=0"))
                .contains("\"called\"");
    }

    @Test
    void whoOnlyLooksCannotTakeTheConnectionsOfAdministrators() throws Exception {
        List<LineSocket> idle = new ArrayList<>();
        try {
            for (int i = 0; i < Limits.STATUS.connections(); i++) {
                idle.add(LineSocket.connect(status, PATIENCE));
            }
            try (LineSocket one = LineSocket.connect(status, PATIENCE)) {
                assertThat(one.readLine()).contains("overloaded");
            }
            assertThat(ask(administration, ControlCommand.VM_STOP, "--reuid=0")).contains("\"called\"");
        } finally {
            for (LineSocket socket : idle) {
                socket.close();
            }
        }
    }

    @Test
    void aSocketOfTheSameNameThatIsALinkIsNotTaken() throws Exception {
        Path real = Files.writeString(directory.resolve("precious"), "content");
        Path link = Files.createSymbolicLink(directory.resolve("planted.sock"), real);
        org.assertj.core.api.Assertions.assertThatThrownBy(() -> LineServer.bind(link, null, 1024))
                .hasMessageContaining("is no socket");
        assertThat(real).hasContent("content");
    }

    private static List<String> having(Right right) {
        return Stream.of(ControlCommand.values())
                .filter(command -> command.right() == right)
                .map(ControlCommand::word)
                .toList();
    }

    private static String ask(Path socket, ControlCommand command, String... identity)
            throws IOException, InterruptedException {
        List<String> words = new ArrayList<>(List.of("setpriv"));
        words.addAll(List.of(identity));
        words.addAll(List.of("socat", "-t60", "-", "UNIX-CONNECT:" + socket));
        Process process = new ProcessBuilder(words).redirectErrorStream(true).start();
        try (var input = process.getOutputStream()) {
            input.write(("{\"id\":1,\"command\":\"" + command.word() + "\"}\n").getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            // Refused before it could ask: the answer tells.
        }
        String answer = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        return answer;
    }
}
