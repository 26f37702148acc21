package dev.holdfast.agent.guard;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

/**
 * A JVM of its own: client of the guard, and at the same time the peer of an NBD connection who never says a word, which
 * is one of the ways in which a hung process keeps QEMU's main loop waiting. Arguments: guard's socket, NBD socket.
 */
final class HungAgentMain {
    private HungAgentMain() {}

    public static void main(String[] arguments) throws IOException {
        try (ServerSocketChannel silent = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
                SocketChannel guard = SocketChannel.open(UnixDomainSocketAddress.of(arguments[0]));
                BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
                BufferedReader replies = new BufferedReader(
                        new InputStreamReader(Channels.newInputStream(guard), StandardCharsets.UTF_8))) {
            silent.bind(UnixDomainSocketAddress.of(arguments[1]));
            for (String line = requests.readLine(); line != null; line = requests.readLine()) {
                guard.write(ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8)));
                System.out.println(replies.readLine());
            }
        }
    }
}
