package dev.holdfast.agent.guard;

import static org.awaitility.Awaitility.await;

import dev.holdfast.agent.unix.DatagramStandIn;
import java.io.IOException;
import java.net.SocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * Obeys its console as the kernel of a guest does (arch/um/drivers/mconsole_kern.c): `go` and `version` at once; `stop` and all else by a
 * worker, the latest first; and all at once while it is stopped. Threads: one of its own, and the test's.
 */
public final class StandInKernel implements AutoCloseable {
    private record Order(String command, Optional<SocketAddress> from) {}

    private final DatagramStandIn socket;
    private final Thread thread;
    private final Deque<Order> waiting = new ArrayDeque<>();
    private final List<String> heard = new ArrayList<>();
    private boolean stopped;
    private boolean lazy;
    private String alarm = "";
    private boolean strange;
    private boolean hung;

    /** @param run the run directory of its process */
    public StandInKernel(Path run) throws IOException {
        Path console = Files.createDirectories(run.resolve("uml")).resolve("mconsole");
        Files.deleteIfExists(console);
        socket = new DatagramStandIn(console);
        thread = new Thread(this::serve, "stand-in-kernel");
        thread.setDaemon(true);
        thread.start();
    }

    /** An order to stop is given, by whom does not matter. */
    public synchronized void stop() throws IOException {
        waiting.push(new Order("stop", Optional.empty()));
        work();
    }

    /** Whether its worker does nothing; one that wakes does what has waited. */
    synchronized void lazy(boolean asleep) throws IOException {
        lazy = asleep;
        work();
    }

    /** Its worker does nothing until it is given such an order. */
    public synchronized void lazyUntil(String command) {
        lazy = true;
        alarm = command;
    }

    /** From now on its answers to `go` are those of no kernel. */
    synchronized void strange() {
        strange = true;
    }

    /** Whether it reads nothing. */
    synchronized void hung(boolean hangs) {
        hung = hangs;
        notifyAll();
    }

    public synchronized boolean isStopped() {
        return stopped;
    }

    synchronized long heard(String command) {
        return heard.stream().filter(command::equals).count();
    }

    /** Nanoseconds until it runs, measured from now. */
    long nanosUntilRunning() {
        long since = System.nanoTime();
        await().pollInSameThread()
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(1))
                .atMost(GuardLab.BOUND)
                .until(() -> !isStopped());
        return System.nanoTime() - since;
    }

    private void serve() {
        try {
            while (true) {
                DatagramStandIn.Request request = socket.receive();
                awaitHealth();
                obey(new Order(command(request.bytes()), Optional.of(request.from())));
            }
        } catch (IOException e) {
            // Closed.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static String command(byte[] bytes) {
        ByteBuffer request = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
        if (request.getInt() != 0xcafebabe || request.getInt() != 2) {
            return "of another version";
        }
        return new String(bytes, 12, request.getInt(), StandardCharsets.ISO_8859_1);
    }

    private synchronized void awaitHealth() throws InterruptedException {
        while (hung) {
            wait();
        }
    }

    private synchronized void obey(Order order) throws IOException {
        heard.add(order.command());
        lazy &= !order.command().equals(alarm);
        switch (order.command()) {
            case "version" -> answer(order, 0, "Linux (none) 6.1.176 stand-in");
            case "go" -> {
                answer(order, stopped ? 0 : 1, stopped ? "" : "Not stopped");
                stopped = false;
            }
            default -> waiting.push(order);
        }
        work();
    }

    private void work() throws IOException {
        while (!waiting.isEmpty() && !stopped && !lazy) {
            Order order = waiting.pop();
            if (order.command().equals("stop")) {
                stopped = true;
                answer(order, 0, "stopped");
            } else {
                answer(order, 1, "Bad configuration option");
            }
        }
    }

    private void answer(Order order, int error, String text) {
        byte[] data = (text + "\0").getBytes(StandardCharsets.ISO_8859_1);
        ByteBuffer answer = ByteBuffer.allocate(12 + data.length).order(ByteOrder.nativeOrder());
        answer.putInt(error).putInt(0).putInt(data.length).put(data);
        boolean none = strange && order.command().equals("go");
        order.from().ifPresent(from -> {
            try {
                socket.send(none ? "ERR".getBytes(StandardCharsets.ISO_8859_1) : answer.array(), from);
            } catch (IOException e) {
                // Who asked has another name now, or none.
            }
        });
    }

    @Override
    public void close() throws IOException, InterruptedException {
        hung(false);
        socket.close();
        thread.join();
    }
}
