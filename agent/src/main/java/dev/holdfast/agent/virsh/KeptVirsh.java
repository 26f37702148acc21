package dev.holdfast.agent.virsh;

import dev.holdfast.agent.virsh.VirshException.Kind;
import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A virsh that is there when it is needed: started at the first question, and anew after it was lost. While libvirtd is known to be silent it
 * is not asked. Thread-safe; one question at a time.
 */
public final class KeptVirsh implements AutoCloseable {
    private final List<String> command;
    private final Duration bound;
    private final Supplier<String> marks;
    private final Silence silence;
    private @Nullable Virsh virsh;

    /**
     * @param command the program and its words, the connection included
     * @param bound for its start, and for each answer
     * @param marks as for {@link Virsh#open}
     * @param silence of the libvirtd that all of them talk to
     */
    public KeptVirsh(List<String> command, Duration bound, Supplier<String> marks, Silence silence) {
        this.command = List.copyOf(command);
        this.bound = bound;
        this.marks = marks;
        this.silence = silence;
    }

    /** Asks for something that may be asked twice: so a restart of libvirtd since the last question is no failure. */
    public synchronized String look(String... words) throws VirshException {
        boolean fresh = virsh == null;
        try {
            return tell(words);
        } catch (VirshException e) {
            if (e.kind() != Kind.LOST || fresh) {
                throw e;
            }
            return tell(words);
        }
    }

    /** Asks for something that is done once. */
    public synchronized String tell(String... words) throws VirshException {
        if (silence.lasts()) {
            throw new VirshException(
                    Kind.ABSENT,
                    "libvirtd did not answer a moment ago, and is asked again soon; does it hang, or is it gone? (systemctl status libvirtd)");
        }
        Virsh open = open();
        try {
            return open.ask(bound, words);
        } catch (VirshException e) {
            if (!open.isOpen()) {
                close();
            }
            if (e.kind() == Kind.UNKNOWN) {
                seekSilence(e);
            }
            throw e;
        }
    }

    /** Tells a libvirtd that hangs from a domain that something holds, so that the next who asks need not wait as long. */
    private void seekSilence(VirshException because) {
        try {
            open();
        } catch (VirshException e) {
            because.addSuppressed(e);
        }
    }

    /** Who connects asks for no domain: only when that fails it is silent. */
    private Virsh open() throws VirshException {
        Virsh open = virsh;
        if (open != null && open.isOpen()) {
            return open;
        }
        close();
        try {
            open = Virsh.open(command, bound, marks);
        } catch (VirshException e) {
            if (!Thread.currentThread().isInterrupted()) {
                silence.begins();
            }
            throw e;
        }
        virsh = open;
        return open;
    }

    @Override
    public synchronized void close() {
        Virsh open = virsh;
        virsh = null;
        if (open != null) {
            open.close();
        }
    }
}
