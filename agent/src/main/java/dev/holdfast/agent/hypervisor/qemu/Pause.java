package dev.holdfast.agent.hypervisor.qemu;

import java.util.concurrent.locks.LockSupport;

/** Waiting between two looks at something that gives no event. */
final class Pause {
    private Pause() {}

    static void millis(long millis) {
        LockSupport.parkNanos(millis * 1_000_000);
    }
}
