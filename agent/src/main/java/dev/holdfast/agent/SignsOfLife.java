package dev.holdfast.agent;

import dev.holdfast.agent.control.ControlClient;
import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.ControlException;
import dev.holdfast.agent.control.ErrorCode;
import dev.holdfast.agent.control.Progress;
import dev.holdfast.agent.unix.ServiceNotifier;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the service manager's watchdog quiet as long as the agent answers on its own control socket: a thread that ticks
 * proves only that the JVM runs. Asks three times per period, so that one slow answer ends nothing.
 */
final class SignsOfLife implements Closeable {

    private static final Logger LOG = LoggerFactory.getLogger(SignsOfLife.class);
    private static final int PER_PERIOD = 3;

    private final ServiceNotifier notifier;
    private final Path controlSocket;
    private final ScheduledExecutorService ticker = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "holdfast-watchdog");
        thread.setDaemon(true);
        return thread;
    });

    SignsOfLife(ServiceNotifier notifier, Path controlSocket) {
        this.notifier = notifier;
        this.controlSocket = controlSocket;
    }

    /** Says that the agent is there, and from then on that it lives. */
    void start() throws IOException {
        notifier.ready();
        notifier.watchdog()
                .map(Duration::toMillis)
                .ifPresent(period -> ticker.scheduleWithFixedDelay(
                        this::tell, 0, Math.max(1, period / PER_PERIOD), TimeUnit.MILLISECONDS));
    }

    private void tell() {
        try {
            ask();
            notifier.alive();
        } catch (IOException e) {
            LOG.warn("the agent does not answer itself, so the watchdog is not told that it lives: {}", e.getMessage());
        } catch (RuntimeException e) { // would end the ticker, and thereby the agent
            LOG.error("the watchdog could not be told that the agent lives", e);
        }
    }

    /** Asks for no machine at all: the refusal takes the whole way through the agent, and never waits for a QEMU. */
    private void ask() throws IOException {
        try (ControlClient client = ControlClient.connect(controlSocket)) {
            client.call(ControlCommand.VM_SHOW, Map.of(), Progress.NONE);
        } catch (ControlException answer) {
            if (answer.code() == ErrorCode.FAILED) { // what the client makes of silence
                throw new IOException(answer.getMessage(), answer);
            }
        }
    }

    @Override
    public void close() throws IOException {
        ticker.shutdownNow();
        notifier.stopping();
    }
}
