package dev.holdfast.coordinator.seal;

import java.io.IOException;
import java.net.Socket;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Who has called and not proved yet that he knows the key. There are places for a few; who comes to a full house takes the place
 * of the one who has been there longest: somebody who knows the key needs it for milliseconds. Thread-safe.
 */
final class Strangers {

    /** Places. */
    static final int MOST = 32;

    private final Deque<Socket> present = new ArrayDeque<>();

    synchronized void enter(Socket socket) {
        if (present.size() == MOST) {
            hangUp(present.removeFirst());
        }
        present.addLast(socket);
    }

    /** @return false if he was shown the door meanwhile */
    synchronized boolean leave(Socket socket) {
        return present.remove(socket);
    }

    synchronized void close() {
        present.forEach(Strangers::hangUp);
        present.clear();
    }

    static void hangUp(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            // It is closed as far as this node is concerned.
            return;
        }
    }
}
