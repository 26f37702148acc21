package dev.holdfast.agent.hypervisor;

import java.nio.file.Path;
import java.util.Optional;

/**
 * How a virtual machine starts.
 *
 * @param running whether its processors run when the start returns
 * @param memory memory image to load; the machine is stopped after it, whatever {@code running} says
 * @param waiting whether it waits for memory that another process will send; it is stopped after it, and touches no disk
 *     before it is told to run
 * @param instance empty for the machine itself; otherwise a word that names a second process beside it, which has its own
 *     directory and sockets
 */
public record StartMode(boolean running, Optional<Path> memory, boolean waiting, Optional<String> instance) {
    /** Boots and runs. */
    public static final StartMode NORMAL = new StartMode(true, Optional.empty(), false, Optional.empty());

    /** Ready to boot, stopped. */
    public static final StartMode PAUSED = new StartMode(false, Optional.empty(), false, Optional.empty());

    /** Loads memory and stays stopped. */
    public static StartMode restore(Path memory) {
        return new StartMode(false, Optional.of(memory), false, Optional.empty());
    }

    /** Waits for memory from another process: {@link Relocation}. */
    public static StartMode incoming(String name) {
        return new StartMode(false, Optional.empty(), true, Optional.of(name));
    }

    /** The same beside a process of the same machine that is still there. */
    public StartMode beside(String name) {
        return new StartMode(running, memory, waiting, Optional.of(name));
    }
}
