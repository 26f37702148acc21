package dev.holdfast.agent.vm;

import dev.holdfast.agent.files.OwnFile;
import dev.holdfast.coordinator.protocol.Name;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps what guests write to their consoles from filling the file system of the run directory, which mostly is memory: a file that has become
 * long is cut down to its end. It is written by the hypervisor, which appends whatever its length is; what it appends in the middle of that, a
 * moment's output, is lost. One thread.
 */
public final class ConsoleBound {
    private static final Logger LOG = LoggerFactory.getLogger(ConsoleBound.class);
    private static final long LONGEST = 16L << 20;
    private static final int KEPT = 256 << 10;

    private final long longest;
    private final int kept;
    private final Set<Name> told = new HashSet<>();

    /** 16 MiB, of which the last 256 KiB stay. */
    public ConsoleBound() {
        this(LONGEST, KEPT);
    }

    /**
     * @param longest bytes that a file may have
     * @param kept bytes at its end that stay when it has more; fewer than those
     */
    public ConsoleBound(long longest, int kept) {
        this.longest = longest;
        this.kept = kept;
    }

    /** Cuts down what has become too long. To be called every few seconds: a guest may write some hundred MiB in one. */
    public void keep(VmRegistry vms) {
        for (ManagedVm vm : vms.all()) {
            vm.process().flatMap(process -> process.consoleLog()).ifPresent(console -> keep(vm.name(), console));
        }
    }

    private void keep(Name vm, Path console) {
        try {
            if (cut(console)) {
                LOG.info("{}: {} had more than {} MiB; its last {} KiB stay", vm, console, longest >> 20, kept >> 10);
            }
            told.remove(vm);
        } catch (IOException e) {
            if (told.add(vm)) {
                LOG.warn("{}: its console may fill the file system: {}", vm, e.toString());
            }
        }
    }

    /**
     * Cuts one file down, if it is there and has become too long.
     *
     * @return whether it was
     */
    boolean cut(Path console) throws IOException {
        if (!Files.isRegularFile(console, LinkOption.NOFOLLOW_LINKS) || Files.size(console) <= longest) {
            return false;
        }
        try (FileChannel writing = OwnFile.open(console)) {
            ByteBuffer end = end(console);
            long length = end.remaining();
            while (end.hasRemaining()) {
                writing.write(end, length - end.remaining());
            }
            writing.truncate(length);
        }
        return true;
    }

    private ByteBuffer end(Path console) throws IOException {
        try (FileChannel reading = FileChannel.open(console, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
            ByteBuffer end = ByteBuffer.allocate(kept);
            long from = reading.size() - kept;
            while (end.hasRemaining() && reading.read(end, from + end.position()) >= 0) {
                // As much as there is.
            }
            return end.flip();
        }
    }
}
