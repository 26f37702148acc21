package dev.holdfast.agent.unix;

import java.io.IOException;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.newsclub.net.unix.AFUNIXSocket;
import org.newsclub.net.unix.AFUNIXSocketAddress;

/** Checks what the address class lets through: a path longer than the kernel can hold is cut off there silently. */
final class SocketPath {
    /** The kernel holds 108 bytes; some are kept back for the temporary name a server binds first. */
    static final int MAX_BYTES = 100;

    static {
        // The first use loads the native library; two threads must not do that at the same time.
        AFUNIXSocket.isSupported();
    }

    private SocketPath() {}

    /** Does nothing but what the initialization of this class does. */
    static void loadLibrary() {}

    static void check(Path path) throws SocketException {
        int length = path.toString().getBytes(StandardCharsets.UTF_8).length;
        if (length > MAX_BYTES) {
            throw new SocketException(
                    "the socket path " + path + " has " + length + " bytes, but the kernel allows only " + MAX_BYTES
                            + " here; choose a shorter run_dir or a shorter name");
        }
    }

    static AFUNIXSocketAddress address(Path path) throws IOException {
        return AFUNIXSocketAddress.of(path);
    }
}
