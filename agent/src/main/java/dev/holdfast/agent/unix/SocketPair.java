package dev.holdfast.agent.unix;

import java.io.Closeable;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.channels.ByteChannel;
import org.newsclub.net.unix.AFUNIXSocketChannel;
import org.newsclub.net.unix.AFUNIXSocketPair;

/**
 * Two UNIX stream sockets that are connected with each other: one end for this process, the other for one that is handed its
 * descriptor. One thread reads or writes; any may close, which ends that, and the other process's reading or writing too.
 */
public final class SocketPair implements Closeable {
    private final AFUNIXSocketChannel own;
    private final AFUNIXSocketChannel other;

    private SocketPair(AFUNIXSocketChannel own, AFUNIXSocketChannel other) {
        this.own = own;
        this.other = other;
    }

    /** Makes one. */
    public static SocketPair open() throws IOException {
        SocketPath.loadLibrary();
        AFUNIXSocketPair<AFUNIXSocketChannel> pair = AFUNIXSocketPair.open();
        return new SocketPair(pair.getSocket1(), pair.getSocket2());
    }

    /** This process's end. */
    public ByteChannel own() {
        return own;
    }

    /** The other end, to be handed over. */
    public FileDescriptor other() throws IOException {
        return other.getFileDescriptor();
    }

    /** The other process has its own descriptor now: only if ours is closed does its end become the end of the stream. */
    public void handedOver() throws IOException {
        // The library's own close shuts the connection down, for whoever else has it too.
        new FileOutputStream(other.getFileDescriptor()).close();
    }

    /** Nothing more comes from this end. */
    public void endOutput() throws IOException {
        own.shutdownOutput();
    }

    @Override
    public void close() throws IOException {
        try {
            own.close();
        } finally {
            other.close();
        }
    }
}
