package dev.holdfast.agent.tunnel;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Carries bytes between a program's UNIX socket and a tunnel, both ways, until both have ended. Thread-safe. */
final class Ferry implements Closeable {
    private static final Logger LOG = LoggerFactory.getLogger(Ferry.class);

    private final SocketChannel program;
    private final SealedConnection tunnel;
    private final AtomicInteger under = new AtomicInteger(2);
    private final CompletableFuture<Void> arrived = new CompletableFuture<>();
    private final CompletableFuture<Void> over = new CompletableFuture<>();

    private Ferry(SocketChannel program, SealedConnection tunnel) {
        this.program = program;
        this.tunnel = tunnel;
    }

    static Ferry begin(SocketChannel program, SealedConnection tunnel) {
        Ferry ferry = new Ferry(program, tunnel);
        ferry.start("out", ferry::out);
        ferry.start("in", ferry::in);
        return ferry;
    }

    private interface Way {
        void go() throws IOException;
    }

    private void start(String name, Way way) {
        Thread thread = new Thread(() -> run(way), "tunnel-" + name + "-" + tunnel.purpose());
        thread.setDaemon(true);
        thread.start();
    }

    private void run(Way way) {
        try {
            way.go();
            if (under.decrementAndGet() == 0) {
                close();
            }
        } catch (IOException e) {
            LOG.debug("{}: {}", tunnel.purpose(), e.toString());
            close();
        }
    }

    private void out() throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(SealedConnection.MOST);
        while (program.read(buffer) >= 0) {
            if (buffer.position() > 0) {
                tunnel.send(buffer.array(), 0, buffer.position());
                buffer.clear();
            }
        }
        tunnel.end();
    }

    private void in() throws IOException {
        tunnel.receiveAll(program);
        program.shutdownOutput();
        arrived.complete(null);
    }

    /** Done when the program has all that the other end has sent; fails if it was cut off before. */
    CompletableFuture<Void> arrived() {
        return arrived;
    }

    /** Done when nothing is carried any more. */
    CompletableFuture<Void> over() {
        return over;
    }

    @Override
    public void close() {
        LOG.debug("{} ends", tunnel.purpose());
        OpenEnds.cut(program);
        OpenEnds.cut(tunnel);
        arrived.completeExceptionally(new IOException("the connection was cut off before all had come"));
        over.complete(null);
    }
}
