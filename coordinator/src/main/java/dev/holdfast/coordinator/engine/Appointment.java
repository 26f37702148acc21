package dev.holdfast.coordinator.engine;

import dev.holdfast.coordinator.port.GroupChannel;
import dev.holdfast.coordinator.port.GroupChannel.ClockOffset;
import dev.holdfast.coordinator.port.Snapshotter;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.message.GroupMessage;

/**
 * The instant at which the members of a round stop their machines: a little after the leader's word, so that each has heard of
 * it and has armed its guard by then. It rests on clocks, and nothing rests on it but the skew.
 */
final class Appointment {

    /** Enough for a hop and the guard, also on a busy host; the guests run meanwhile. */
    private static final long AHEAD_NANOS = 5_000_000;

    /** A clock that is known no better is of no use. */
    private static final long MOST_ERROR_NANOS = 2_000_000;

    private Appointment() {}

    /** The leader's: by its own clock. */
    static long next(GroupChannel channel) {
        return channel.clockNanos() + AHEAD_NANOS;
    }

    /** Hands a member's appointment to its snapshotter. */
    static GroupMessage.Freeze noted(EnginePorts ports, Name leader, GroupMessage.Freeze message) {
        note(ports.channel(), leader, message, ports.snapshotter());
        return message;
    }

    static void note(GroupChannel channel, Name leader, GroupMessage.Freeze message, Snapshotter snapshotter) {
        ClockOffset theirs = channel.clockOffset(leader);
        if (theirs.errorNanos() >= 0 && theirs.errorNanos() <= MOST_ERROR_NANOS) {
            long at = message.atNanos() - theirs.offsetNanos();
            snapshotter.stopIn(message.round(), at - channel.clockNanos());
        }
    }
}
