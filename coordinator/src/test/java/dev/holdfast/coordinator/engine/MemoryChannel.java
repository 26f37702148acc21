package dev.holdfast.coordinator.engine;

import dev.holdfast.coordinator.port.GroupChannel;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.message.GroupMessage;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Messages between the engines of one test, without threads of their own: a send is a call of the listener. */
final class MemoryChannel implements GroupChannel {

    private final Map<Name, Listener> hub;
    private final Name self;

    MemoryChannel(Map<Name, Listener> hub, Name self) {
        this.hub = hub;
        this.self = self;
    }

    static Map<Name, Listener> hub() {
        return new ConcurrentHashMap<>();
    }

    @Override
    public void send(Set<Name> to, GroupMessage message) {
        to.forEach(node -> {
            Listener listener = hub.get(node);
            if (listener != null) {
                listener.onMessage(self, message);
            }
        });
    }

    @Override
    public Set<Name> present() {
        return Set.copyOf(hub.keySet());
    }

    @Override
    public long clockNanos() {
        return 0;
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
