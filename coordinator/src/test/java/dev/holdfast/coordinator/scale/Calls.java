package dev.holdfast.coordinator.scale;

import dev.holdfast.coordinator.port.GroupChannel;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.message.GroupMessage;
import java.util.Map;
import java.util.Set;

/** Messages within the process: for more members than one machine can connect each with each. */
record Calls(Map<Name, GroupChannel.Listener> hub, Name self) implements GroupChannel {
    @Override
    public void send(Set<Name> to, GroupMessage message) {
        to.forEach(node -> hub.get(node).onMessage(self, message));
    }

    @Override
    public Set<Name> present() {
        return hub.keySet();
    }

    @Override
    public long clockNanos() {
        return System.nanoTime();
    }

    @Override
    public ClockOffset clockOffset(Name node) {
        return new ClockOffset(0, 0);
    }

    @Override
    public void close() {
        hub.remove(self);
    }
}
