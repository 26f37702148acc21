package dev.holdfast.agent.hypervisor.uml;

import dev.holdfast.agent.unix.DatagramStandIn;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** A socket that answers each request with datagrams that the test has laid ready. Threads: one of its own. */
final class StandInConsole implements AutoCloseable {
    private final DatagramStandIn socket;
    private final Thread thread;
    final BlockingQueue<byte[]> requests = new LinkedBlockingQueue<>();
    private volatile List<byte[]> answer = List.of();

    StandInConsole(Path path) throws IOException {
        socket = new DatagramStandIn(path);
        thread = new Thread(this::serve, "stand-in-console");
        thread.setDaemon(true);
        thread.start();
    }

    void answers(byte[]... datagrams) {
        answer = List.of(datagrams);
    }

    static byte[] piece(int error, int more, String text) {
        byte[] data = (text + "\0").getBytes(StandardCharsets.ISO_8859_1);
        return ByteBuffer.allocate(12 + data.length)
                .order(ByteOrder.nativeOrder())
                .putInt(error)
                .putInt(more)
                .putInt(data.length)
                .put(data)
                .array();
    }

    private void serve() {
        try {
            while (true) {
                DatagramStandIn.Request request = socket.receive();
                requests.add(request.bytes());
                answer(request);
            }
        } catch (IOException e) {
            // Closed.
        }
    }

    private void answer(DatagramStandIn.Request request) {
        try {
            for (byte[] datagram : answer) {
                socket.send(datagram, request.from());
            }
        } catch (IOException e) {
            // Whoever asked does not wait any more; the next one does.
        }
    }

    @Override
    public void close() throws IOException, InterruptedException {
        socket.close();
        thread.join();
    }
}
