package dev.holdfast.agent.snapshot.chain;

import java.io.IOException;
import java.util.Collection;

/**
 * How the disks of a running machine go back into the images below the layers that it writes: their <i>homes</i>. One thread. Each method blocks
 * within a bound of its own, but for {@link #follow}.
 */
public interface LiveSettling {
    /** Of a machine that runs nowhere. */
    LiveSettling NONE = new LiveSettling() {
        @Override
        public void follow(Collection<Layer> homes) throws IOException {
            throw notRunning();
        }

        @Override
        public void holdStill() throws IOException {
            throw notRunning();
        }

        @Override
        public void pivot(Layer home) throws IOException {
            throw notRunning();
        }

        @Override
        public void letRun() {}

        @Override
        public void end(Collection<Layer> homes) {}

        private ChainException notRunning() {
            return new ChainException("the machine does not run, so that its disks cannot go back while it does");
        }
    };

    /**
     * Copies what the machine has written, and from then on what it writes, into the homes. Returns as soon as they are even.
     *
     * @throws IOException they are not, or somebody else wants the machine; {@link #end} is due
     */
    void follow(Collection<Layer> homes) throws IOException;

    /** Stops the guest, with somebody who lets it run again if we do not. */
    void holdStill() throws IOException;

    /** The machine writes the home from now on, in which everything is that the layer above held; durable on return. */
    void pivot(Layer home) throws IOException;

    /** Lets the guest run that {@link #holdStill} has stopped, and closes what the machine does not use any more. */
    void letRun() throws IOException;

    /**
     * Ends the following of homes that the machine does not write, also what an earlier life has begun. On return it is certain what the
     * machine writes, and that this does not change by itself. Idempotent.
     */
    void end(Collection<Layer> homes) throws IOException;
}
