package dev.holdfast.agent.control;

import dev.holdfast.agent.json.Json;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.agent.unix.LineSocket;
import java.io.Closeable;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** The caller's end of the control socket. One call at a time; one thread. */
public final class ControlClient implements Closeable {
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);
    private static final Duration READ_PATIENCE = Duration.ofSeconds(60);
    private static final int LONGEST_ANSWER = Json.MAX_DOCUMENT;

    private final LineSocket socket;
    private long lastId;

    private ControlClient(LineSocket socket) {
        this.socket = socket;
    }

    /** @throws IOException if no agent listens there, or this user may not connect */
    public static ControlClient connect(Path socket) throws IOException {
        return new ControlClient(LineSocket.connect(socket, CONNECT_TIMEOUT, LONGEST_ANSWER));
    }

    /**
     * Asks for a command and waits until it has ended. A command that only reads must be answered within a minute; others
     * may take as long as they take.
     *
     * @param progress told what the agent reports meanwhile
     * @throws ControlException if the command did not succeed, or nobody knows whether it did
     * @throws IOException if the agent is not there
     */
    public JsonObject call(ControlCommand command, Map<String, ?> arguments, Progress progress)
            throws ControlException, IOException {
        long id = ++lastId;
        Map<String, Object> request = new LinkedHashMap<>();
        request.put("id", id);
        request.put("command", command.word());
        request.put("arguments", arguments);
        try {
            socket.send(Json.line(request));
        } catch (IOException e) {
            // The agent may have refused us before it read anything: its reason is waiting to be read.
            Optional<JsonObject> refusal = readQuietly();
            if (refusal.isPresent()) {
                throw failure(refusal.get());
            }
            throw e;
        }
        socket.readTimeout(command.onlyReads() ? READ_PATIENCE : Duration.ZERO);
        return await(command, id, progress);
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }

    private JsonObject await(ControlCommand command, long id, Progress progress) throws ControlException, IOException {
        while (true) {
            String line = nextLine(command);
            JsonObject answer = Json.object(line);
            Optional<JsonObject> report = answer.object("progress");
            if (report.isPresent()) {
                show(report.get(), progress);
                continue;
            }
            if (answer.any("error").isPresent()) {
                throw failure(answer);
            }
            if (answer.number("id").filter(number -> number == id).isEmpty()) {
                throw new JsonException("the agent answered another request");
            }
            return answer.object("result").orElseThrow(() -> new JsonException("the agent's answer has no result"));
        }
    }

    private String nextLine(ControlCommand command) throws ControlException, IOException {
        try {
            String line = socket.readLine();
            if (line != null) {
                return line;
            }
        } catch (SocketTimeoutException e) {
            throw lost(command, "the agent does not answer; it hangs, or the node is overloaded");
        }
        throw lost(command, "the agent ended while the command was under way");
    }

    private static ControlException lost(ControlCommand command, String why) {
        return command.onlyReads()
                ? new ControlException(ErrorCode.FAILED, "no answer came", why, "see: systemctl status holdfast")
                : new ControlException(
                        ErrorCode.UNKNOWN_OUTCOME,
                        "it is not known whether " + command.word() + " was done",
                        why,
                        "look at the result before you repeat it; see: systemctl status holdfast");
    }

    private static void show(JsonObject report, Progress progress) throws JsonException {
        String phase = report.text("phase").orElse("");
        Optional<Long> total = report.number("total");
        if (total.isPresent()) {
            progress.bytes(phase, report.number("done").orElse(0L), total.get());
        } else {
            progress.phase(phase, report.text("text").orElse(""));
        }
    }

    private static ControlException failure(JsonObject answer) throws JsonException {
        JsonObject error = answer.object("error").orElse(JsonObject.empty());
        ErrorCode code = ErrorCode.of(error.text("code").orElse(""));
        return new ControlException(
                code,
                error.text("message").orElse("the agent gave no reason"),
                error.text("cause").orElse(""),
                error.text("correction").orElse(""),
                error.number("exit").map(ExitCode::of).orElse(code.exit()));
    }

    private Optional<JsonObject> readQuietly() {
        try {
            socket.readTimeout(Duration.ofSeconds(1));
            String line = socket.readLine();
            return line == null ? Optional.empty() : Optional.of(Json.object(line));
        } catch (IOException e) {
            return Optional.empty();
        }
    }
}
