package dev.holdfast.agent.round;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.coordinator.protocol.RoundId;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class AppointmentsTest {

    private static final RoundId ROUND = new RoundId("r1");
    private static final long MILLI = 1_000_000;

    @Test
    void waitsUntilItIsTimeAndNotEarlier() {
        Appointments appointments = new Appointments(System::nanoTime);
        long begun = System.nanoTime();
        appointments.make(ROUND, 3 * MILLI);
        appointments.await(ROUND);
        assertThat(System.nanoTime() - begun).isGreaterThanOrEqualTo(3 * MILLI);
    }

    @Test
    void whoComesLateOrHasNoneDoesNotWait() {
        AtomicLong now = new AtomicLong(Long.MAX_VALUE - MILLI); // the clock may overflow
        Appointments appointments = new Appointments(now::get);
        appointments.await(ROUND);
        appointments.make(ROUND, -MILLI);
        appointments.await(ROUND);
        appointments.make(ROUND, 5 * MILLI);
        now.addAndGet(6 * MILLI);
        appointments.await(ROUND);
    }

    @Test
    void nobodyWaitsForLong() {
        AtomicLong now = new AtomicLong();
        Appointments appointments = new Appointments(now::get);
        appointments.make(ROUND, Long.MAX_VALUE);
        now.set(10 * MILLI);
        appointments.await(ROUND);
    }
}
