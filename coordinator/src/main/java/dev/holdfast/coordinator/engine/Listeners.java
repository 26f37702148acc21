package dev.holdfast.coordinator.engine;

import dev.holdfast.coordinator.protocol.RoundId;
import dev.holdfast.coordinator.protocol.message.GroupMessage;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Who follows the progress of which round; the last one that asked. Thread-safe. */
final class Listeners {

    private final Map<RoundId, RoundListener> listeners = new ConcurrentHashMap<>();

    Following follow(RoundId round, RoundListener listener) {
        listeners.put(round, listener);
        return () -> listeners.remove(round, listener);
    }

    void tell(GroupMessage.Progress progress) {
        RoundListener listener = listeners.get(progress.round());
        if (listener != null) {
            listener.onProgress(progress.member(), progress.phase(), progress.done(), progress.total());
        }
    }
}
