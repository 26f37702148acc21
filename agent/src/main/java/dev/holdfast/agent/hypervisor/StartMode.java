package dev.holdfast.agent.hypervisor;

import java.nio.file.Path;
import java.util.Optional;

/**
 * How a virtual machine starts.
 *
 * @param running whether its processors run when the start returns
 * @param memory memory image to load; the machine is stopped after it, whatever {@code running} says
 * @param instance empty for the machine itself; otherwise a word that names a second process beside it, which has its own
 *     directory and sockets
 */
public record StartMode(boolean running, Optional<Path> memory, Optional<String> instance) {
    /** Boots and runs. */
    public static final StartMode NORMAL = new StartMode(true, Optional.empty(), Optional.empty());

    /** Ready to boot, stopped. */
    public static final StartMode PAUSED = new StartMode(false, Optional.empty(), Optional.empty());

    /** Loads memory and stays stopped. */
    public static StartMode restore(Path memory) {
        return new StartMode(false, Optional.of(memory), Optional.empty());
    }

    /** The same beside a process of the same machine that is still there. */
    public StartMode beside(String name) {
        return new StartMode(running, memory, Optional.of(name));
    }
}
