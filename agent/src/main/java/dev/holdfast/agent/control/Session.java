package dev.holdfast.agent.control;

import dev.holdfast.agent.json.Json;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.unix.LineSocket;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One connection: reads requests and answers them, one after the other. Runs in a thread of its own. */
final class Session implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(Session.class);

    private static final long TIME_TO_WRITE_MILLIS = 200;
    private static final Duration TIME_TO_ASK = Duration.ofSeconds(1);

    private final LineSocket socket;
    private final AccessPolicy policy;
    private final CommandTable commands;
    private final Limits limits;
    private final ScheduledExecutorService watchdog;

    Session(
            LineSocket socket,
            AccessPolicy policy,
            CommandTable commands,
            Limits limits,
            ScheduledExecutorService watchdog) {
        this.socket = socket;
        this.policy = policy;
        this.commands = commands;
        this.limits = limits;
        this.watchdog = watchdog;
    }

    @Override
    public void run() {
        Outbox outbox = new Outbox(socket, limits.sendTimeout(), "control-writer");
        try (socket) {
            Optional<Right> right = admitted(outbox);
            if (right.isPresent()) {
                serve(outbox, right.get());
            }
            outbox.finish();
        } catch (IOException e) {
            LOG.debug("control connection ended: {}", e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private Optional<Right> admitted(Outbox outbox) throws IOException, InterruptedException {
        var peer = socket.peer();
        Optional<Right> right = policy.rightOf(peer);
        if (right.isPresent()) {
            return right;
        }
        LOG.warn("control request refused: uid {} (pid {}) is not in the socket's group", peer.uid(), peer.pid());
        outbox.send(error(
                null,
                new ControlException(
                        ErrorCode.FORBIDDEN,
                        "user " + peer.uid() + " may not use the control socket",
                        "only root and the members of its group may (admin_group, status_group)",
                        "run the command as root, or join the group")));
        socket.readTimeout(TIME_TO_ASK);
        socket.readLine(); // A caller that is still writing would get a broken pipe and never see the reason.
        return Optional.empty();
    }

    /** Until the caller closes, sends what is no request, or lets us wait. */
    private void serve(Outbox outbox, Right right) throws IOException, InterruptedException {
        while (true) {
            ControlRequest request;
            try {
                String line = nextLine(outbox);
                if (line == null) {
                    return;
                }
                request = ControlRequest.parse(line);
            } catch (JsonException e) {
                outbox.send(error(null, bad(String.valueOf(e.getMessage()))));
                return;
            }
            if (!outbox.send(answer(request, right, outbox))) {
                LOG.warn("the caller of {} does not read its answer", request.command());
                return;
            }
        }
    }

    /** Null at the end. The watchdog ends the wait: a caller that sends one byte now and then must not stay for ever. */
    private @Nullable String nextLine(Outbox outbox) throws IOException {
        ScheduledFuture<?> end =
                watchdog.schedule(() -> giveUp(outbox), limits.requestTimeout().toMillis(), TimeUnit.MILLISECONDS);
        String line;
        try {
            line = socket.readLine();
        } catch (IOException e) {
            if (e.getCause() instanceof CharacterCodingException) {
                throw new JsonException("a request is UTF-8 text");
            }
            throw e;
        } finally {
            end.cancel(false);
        }
        if (line != null && line.getBytes(StandardCharsets.UTF_8).length > limits.requestBytes()) {
            throw new JsonException("a request has at most " + limits.requestBytes() + " bytes");
        }
        return line;
    }

    /** On the watchdog's only thread, so nothing here may block. */
    private void giveUp(Outbox outbox) {
        outbox.offer(error(
                null,
                bad("no whole request came within " + limits.requestTimeout().toMillis() + " ms")));
        watchdog.schedule(this::close, TIME_TO_WRITE_MILLIS, TimeUnit.MILLISECONDS);
    }

    private void close() {
        try {
            socket.close();
        } catch (IOException e) {
            LOG.debug("closing a silent connection: {}", e.getMessage());
        }
    }

    private String answer(ControlRequest request, Right right, Outbox outbox) throws InterruptedException {
        try {
            Object result = commands.handle(request, right, progress(request.id(), outbox));
            return Json.line(keyed("id", request.id(), "result", result));
        } catch (ControlException e) {
            LOG.debug("{}: {} {}", request.command(), e.code(), e.getMessage());
            return error(request.id(), e);
        } catch (RuntimeException e) {
            // The boundary of the daemon: a bug in one handler is told to its caller and must not end anything else.
            LOG.error("a bug ended the command {}", request.command(), e);
            return internal(request, e);
        }
    }

    private static String internal(ControlRequest request, RuntimeException e) {
        return error(
                request.id(),
                new ControlException(
                        ErrorCode.INTERNAL,
                        "the agent failed on " + request.command(),
                        e.toString(),
                        "see the agent's log (journalctl -u holdfast) and report it"));
    }

    private static Progress progress(Object id, Outbox outbox) {
        return new Progress() {
            @Override
            public void phase(String phase, String text) {
                outbox.offer(Json.line(keyed("id", id, "progress", keyed("phase", phase, "text", text))));
            }

            @Override
            public void bytes(String phase, long done, long total) {
                Map<String, @Nullable Object> report = keyed("phase", phase, "done", done);
                report.put("total", total);
                outbox.offer(Json.line(keyed("id", id, "progress", report)));
            }
        };
    }

    static String error(@Nullable Object id, ControlException e) {
        Map<String, @Nullable Object> error = new LinkedHashMap<>();
        error.put("code", e.code().word());
        error.put("message", String.valueOf(e.getMessage()));
        error.put("cause", e.why());
        error.put("correction", e.correction());
        error.put("exit", e.exit().number());
        return Json.line(keyed("id", id, "error", error));
    }

    private static ControlException bad(String message) {
        return ControlException.of(ErrorCode.BAD_REQUEST, message);
    }

    private static Map<String, @Nullable Object> keyed(
            String firstKey, @Nullable Object first, String secondKey, Object second) {
        Map<String, @Nullable Object> map = new LinkedHashMap<>();
        map.put(firstKey, first);
        map.put(secondKey, second);
        return map;
    }
}
