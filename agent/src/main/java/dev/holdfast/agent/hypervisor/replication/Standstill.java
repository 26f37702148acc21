package dev.holdfast.agent.hypervisor.replication;

import dev.holdfast.agent.hypervisor.HypervisorException;
import java.time.Duration;

/** Told of a stop of the guest for a standby that does not count yet: nothing justifies that it stands still if we die in it. */
public interface Standstill {
    /** Nobody is told, and nobody lets the guest run instead of us. */
    Standstill UNWATCHED = new Standstill() {
        @Override
        public void begins(Duration longest) {
            // Nobody is there.
        }

        @Override
        public void over() {
            // Nobody was there.
        }
    };

    /**
     * The guest is about to be stopped. When this returns somebody else will let it run after that time, or when we are gone.
     *
     * @throws HypervisorException nobody would: it is not to be stopped
     */
    void begins(Duration longest) throws HypervisorException;

    /** The guest runs again. @throws HypervisorException somebody else has let it run before; what was begun is of no use */
    void over() throws HypervisorException;
}
