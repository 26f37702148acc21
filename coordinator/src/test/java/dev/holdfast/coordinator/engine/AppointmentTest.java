package dev.holdfast.coordinator.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.coordinator.port.GroupChannel;
import dev.holdfast.coordinator.protocol.Epoch;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.message.GroupMessage;
import java.util.Set;
import org.junit.jupiter.api.Test;

class AppointmentTest {

    private static final Name LEADER = new Name("n1");
    private static final Name MEMBER = new Name("n2");

    private final ScriptedSnapshotter snapshotter = new ScriptedSnapshotter(MEMBER);

    /** A node whose clock shows so much, and the leader's clock as it knows it. */
    private record Clock(long clockNanos, ClockOffset offset) implements GroupChannel {
        @Override
        public void send(Set<Name> to, GroupMessage message) {}

        @Override
        public Set<Name> present() {
            return Set.of();
        }

        @Override
        public ClockOffset clockOffset(Name node) {
            return offset;
        }

        @Override
        public void close() {}
    }

    private static GroupMessage.Freeze freezeSaidAt(long leaderNanos) {
        GroupChannel leader = new Clock(leaderNanos, new GroupChannel.ClockOffset(0, 0));
        return new GroupMessage.Freeze(new RoundId("r1"), new Epoch(1), Appointment.next(leader));
    }

    private void heardBy(GroupChannel member, GroupMessage.Freeze message) {
        Appointment.note(member, LEADER, message, snapshotter);
    }

    @Test
    void differentClocksComeToTheSameInstant() {
        GroupMessage.Freeze message = freezeSaidAt(1_000_000_000);
        heardBy(new Clock(1_000_000_000, new GroupChannel.ClockOffset(0, 0)), message);
        // 1 ms later, by a clock that is 300 s behind the leader's
        heardBy(
                new Clock(-299_000_000_000L + 1_000_000, new GroupChannel.ClockOffset(300_000_000_000L, 500_000)),
                message);
        assertThat(snapshotter.stopsIn.get(0) - snapshotter.stopsIn.get(1)).isEqualTo(1_000_000);
        assertThat(snapshotter.stopsIn.get(0)).isBetween(1_000_000L, 10_000_000L);
    }

    @Test
    void whoDoesNotKnowTheLeadersClockStopsAtOnce() {
        heardBy(new Clock(0, new GroupChannel.ClockOffset(0, -1)), freezeSaidAt(0));
        heardBy(new Clock(0, new GroupChannel.ClockOffset(0, 50_000_000)), freezeSaidAt(0));
        assertThat(snapshotter.stopsIn).isEmpty();
    }
}
