package dev.holdfast.agent.guard;

import dev.holdfast.agent.hypervisor.Control;
import dev.holdfast.agent.json.Json;
import dev.holdfast.agent.json.JsonException;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.agent.unix.LineSocket;
import dev.holdfast.coordinator.protocol.Name;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * One connection to the guard. An arm belongs to the connection that made it: when it ends, for whatever reason, the
 * guard thaws at once what was armed through it. So it must live as long as the freeze, and {@link #close()} with
 * something armed is a thaw.
 *
 * <p>The guard answers the requests of one connection one after the other, and {@link #quiesce} may take seconds: use one
 * client per machine where machines are frozen together.
 *
 * <p>Threads: any may call, one request at a time goes through; a reader thread per connection answers the guard's
 * "firing" (that tells a hung process from a living one) and calls the listener, which must not block.
 */
public final class GuardClient implements Closeable {
    private static final int MAX_LINE_BYTES = 64 << 10;
    /** A quiesce that fails is undone by the guard before it answers, which may take another second. */
    private static final Duration UNDO = Duration.ofSeconds(2);

    private final Path path;
    private final LineSocket socket;
    private final Duration timeout;
    private final Consumer<Fired> listener;
    private final Consumer<Held> held;
    private final BlockingQueue<Optional<JsonObject>> replies = new ArrayBlockingQueue<>(4);
    private final Object requesting = new Object();

    private GuardClient(Path path, LineSocket socket, Duration timeout, Consumer<Fired> listener, Consumer<Held> held) {
        this.path = path;
        this.socket = socket;
        this.timeout = timeout;
        this.listener = listener;
        this.held = held;
    }

    /**
     * Connects.
     *
     * @param path the guard's socket
     * @param timeout bound for the connection and for each answer (quiesce and watch add their own), more than zero;
     *     too small: a busy host counts as a dead guard; too large: a dead guard is noticed late
     * @param listener told when the guard fired, for any machine and any connection; must not block
     * @throws GuardUnavailableException if nobody listens there
     */
    public static GuardClient connect(Path path, Duration timeout, Consumer<Fired> listener)
            throws GuardUnavailableException {
        return connect(path, timeout, listener, nobody -> {});
    }

    /**
     * As {@link #connect(Path, Duration, Consumer)}, and told of holds.
     *
     * @param held told when the guard has stopped a machine, for any machine and any connection; must not block
     */
    public static GuardClient connect(Path path, Duration timeout, Consumer<Fired> listener, Consumer<Held> held)
            throws GuardUnavailableException {
        LineSocket socket;
        try {
            socket = LineSocket.connect(path, timeout, MAX_LINE_BYTES);
        } catch (IOException e) {
            throw new GuardUnavailableException(
                    "cannot reach the guard on " + path + ": " + e.getMessage()
                            + "; without it nothing may be frozen; start it (systemctl start holdfast-guard)",
                    e);
        }
        GuardClient client = new GuardClient(path, socket, timeout, listener, held);
        Thread reader = new Thread(client::read, "guard");
        reader.setDaemon(true);
        reader.start();
        return client;
    }

    /**
     * Lets the guard connect to a machine; returns when its own way to it has answered. Idempotent, and renewed after the machine was
     * started anew. It outlives this connection.
     *
     * @param directory the run directory of the machine
     * @param control the way, which is below that directory
     */
    public void watch(Name vm, Path directory, Control control)
            throws GuardUnavailableException, GuardRefusedException {
        Map<String, Object> request = request("watch", vm);
        request.put("dir", directory.toString());
        request.putAll(control.words());
        ask(request, timeout.plus(UNDO));
    }

    /** Forgets a machine, which must not be armed. */
    public void unwatch(Name vm) throws GuardUnavailableException, GuardRefusedException {
        ask(request("unwatch", vm), timeout);
    }

    /**
     * Starts the countdown; when this returns the guard has acknowledged, has written the freeze marker, and the machine
     * may be stopped. The same token again starts the countdown anew, unless the guard has fired for it meanwhile.
     *
     * @param token names the round; 1 to 128 letters, digits or {@code ._:@/+=-}
     * @param deadline from now, 1 ms to 10 minutes; host suspend counts
     * @param wasPaused a person has paused the machine: the guard leaves it so
     */
    public void arm(Name vm, String token, Duration deadline, boolean wasPaused)
            throws GuardUnavailableException, GuardRefusedException {
        Map<String, Object> request = request("arm", vm, token);
        request.put("deadline_ms", deadline.toMillis());
        request.put("was_paused", wasPaused);
        ask(request, timeout);
    }

    /**
     * Starts the countdown for a machine whose file systems are frozen already, because it was restored from a quiesced
     * capture: {@link #unquiesce} and every thaw of the guard's own include them.
     *
     * @param token as for {@link #arm}
     * @param deadline as for {@link #arm}
     */
    public void armRestored(Name vm, String token, Duration deadline)
            throws GuardUnavailableException, GuardRefusedException {
        Map<String, Object> request = request("arm", vm, token);
        request.put("deadline_ms", deadline.toMillis());
        request.put("quiesced", true);
        ask(request, timeout);
    }

    /**
     * Ends the countdown and removes the freeze marker. To be called when the machine runs. After the guard has fired it
     * undoes every later stop until this is called, so that a process that hung cannot freeze the machine afterwards.
     *
     * @return whether the guard had fired: then the freeze was not whole
     */
    public boolean disarm(Name vm, String token) throws GuardUnavailableException, GuardRefusedException {
        return field(ask(request("disarm", vm, token), timeout).flagOf("fired"));
    }

    /**
     * Freezes the guest's file systems through its agent; from now on the machine counts as frozen. It must be armed with
     * this token and run.
     *
     * @param bound for the guest's answer, 1 ms to 1 minute
     * @return how many file systems
     */
    public int quiesce(Name vm, String token, Duration bound) throws GuardUnavailableException, GuardRefusedException {
        Map<String, Object> request = request("quiesce", vm, token);
        request.put("timeout_ms", bound.toMillis());
        return field(ask(request, timeout.plus(bound).plus(UNDO)).numberOf("filesystems"))
                .intValue();
    }

    /** Thaws them; the machine must run. Returns how many: 0 if none was frozen, or the guard has thawed them before. */
    public int unquiesce(Name vm, String token) throws GuardUnavailableException, GuardRefusedException {
        return field(ask(request("unquiesce", vm, token), timeout.plus(UNDO)).numberOf("filesystems"))
                .intValue();
    }

    /**
     * Has the machine stopped when this time has passed, whatever becomes of this connection and of this process; also after a
     * restart of the guard. The same token again, or another one, takes the place of what was to be held before.
     *
     * <p>A machine that is held stays so: the guard stops it again whoever lets it run. So to let it run say {@link #holdOff}, or
     * this once more, <em>first</em>.
     *
     * @param token as for {@link #arm}
     * @param after from now, 1 ms to 1 hour; host suspend counts
     */
    public void hold(Name vm, String token, Duration after) throws GuardUnavailableException, GuardRefusedException {
        Map<String, Object> request = request("hold", vm, token);
        request.put("after_ms", after.toMillis());
        ask(request, timeout);
    }

    /**
     * Ends a hold: the machine is not stopped any more, and counts as held no more. It is not let run. Nothing to do is no error.
     *
     * @return whether the guard had stopped the machine for this token
     */
    public boolean holdOff(Name vm, String token) throws GuardUnavailableException, GuardRefusedException {
        return field(ask(request("hold_off", vm, token), timeout).flagOf("held"));
    }

    /** Asks whether the guard lives and what it watches. */
    public GuardStatus ping() throws GuardUnavailableException, GuardRefusedException {
        JsonObject reply =
                ask(new LinkedHashMap<>(Map.of("op", "ping")), timeout).object();
        try {
            return new GuardStatus(
                    reply.text("version").orElse("?"),
                    reply.texts("watched"),
                    reply.texts("armed"),
                    reply.texts("held"));
        } catch (JsonException e) {
            throw broken(e);
        }
    }

    /** Ends the connection; the guard thaws what was armed through it. */
    @Override
    public void close() throws IOException {
        socket.close();
    }

    private static Map<String, Object> request(String operation, Name vm) {
        Map<String, Object> request = new LinkedHashMap<>();
        request.put("op", operation);
        request.put("vm", vm.value());
        return request;
    }

    private static Map<String, Object> request(String operation, Name vm, String token) {
        Map<String, Object> request = request(operation, vm);
        request.put("token", token);
        return request;
    }

    private Reply ask(Map<String, Object> request, Duration bound)
            throws GuardUnavailableException, GuardRefusedException {
        synchronized (requesting) {
            JsonObject reply;
            try {
                socket.send(Json.line(request));
                Optional<JsonObject> got = replies.poll(bound.toNanos(), TimeUnit.NANOSECONDS);
                if (got == null) {
                    throw new IOException("no answer within " + bound.toMillis() + " ms");
                }
                reply = got.orElseThrow(() -> new IOException("it closed the connection"));
                if (reply.flag("ok").orElse(false)) {
                    return new Reply(reply);
                }
                throw new GuardRefusedException(reply.text("error").orElse("the guard refused without a reason"));
            } catch (GuardRefusedException e) {
                throw e;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw broken(new IOException("interrupted", e));
            } catch (IOException e) {
                throw broken(e);
            }
        }
    }

    /** After a missing answer no later one can be told from it, so the connection ends. */
    private GuardUnavailableException broken(IOException cause) {
        GuardUnavailableException failure = new GuardUnavailableException(
                "the guard on " + path + " failed: " + cause.getMessage()
                        + "; it is unknown whether it did what was asked, and what was armed is thawed; see its log"
                        + " (journalctl -u holdfast-guard)",
                cause);
        closeOnto(failure);
        return failure;
    }

    private void closeOnto(Exception failure) {
        try {
            socket.close();
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
    }

    private void read() {
        try {
            for (String line = socket.readLine(); line != null; line = socket.readLine()) {
                take(Json.object(line));
            }
        } catch (IOException e) {
            closeOnto(e);
        }
        replies.offer(Optional.empty());
    }

    private void take(JsonObject message) throws IOException {
        String event = message.text("event").orElse("");
        if (event.equals("firing")) {
            socket.send("{\"op\":\"alive\"}");
        } else if (event.equals("fired")) {
            listener.accept(new Fired(
                    new Name(message.text("vm").orElse("")),
                    message.text("token").orElse(""),
                    message.text("reason").orElse(""),
                    message.text("result").orElse("")));
        } else if (event.equals("held")) {
            held.accept(new Held(
                    new Name(message.text("vm").orElse("")),
                    message.text("token").orElse(""),
                    message.text("reason").orElse(""),
                    message.text("result").orElse("")));
        } else if (event.isEmpty() && !replies.offer(Optional.of(message))) {
            throw new IOException("the guard sent answers nobody asked for");
        }
    }

    private <T> T field(Field<T> field) throws GuardUnavailableException {
        try {
            return field.read()
                    .orElseThrow(
                            () -> new IOException("its answer lacks a member; agent and guard must be of one version"));
        } catch (IOException e) {
            throw broken(e);
        }
    }

    private interface Field<T> {
        Optional<T> read() throws JsonException;
    }

    private record Reply(JsonObject object) {
        Field<Boolean> flagOf(String key) {
            return () -> object.flag(key);
        }

        Field<Long> numberOf(String key) {
            return () -> object.number(key);
        }
    }
}
