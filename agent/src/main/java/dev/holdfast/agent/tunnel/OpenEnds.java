package dev.holdfast.agent.tunnel;

import java.io.Closeable;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Everything that is open, so that it can be cut off at once. Thread-safe. */
final class OpenEnds implements Closeable {
    private static final Logger LOG = LoggerFactory.getLogger(OpenEnds.class);

    private final List<Closeable> open = new ArrayList<>();
    private boolean closed;

    /** @throws IOException all was cut off already, and this is, too */
    <C extends Closeable> C keep(C connection) throws IOException {
        synchronized (open) {
            if (!closed) {
                open.add(connection);
                return connection;
            }
        }
        connection.close();
        throw new IOException("the tunnel was closed");
    }

    /** Cuts one of them off. */
    void end(Closeable connection) {
        synchronized (open) {
            open.remove(connection);
        }
        cut(connection);
    }

    @Override
    public void close() {
        List<Closeable> ending;
        synchronized (open) {
            closed = true;
            ending = List.copyOf(open);
            open.clear();
        }
        ending.forEach(OpenEnds::cut);
    }

    static void cut(Closeable connection) {
        try {
            connection.close();
        } catch (IOException e) {
            LOG.debug("a connection does not close", e);
        }
    }
}
