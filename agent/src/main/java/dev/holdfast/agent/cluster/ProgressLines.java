package dev.holdfast.agent.cluster;

import dev.holdfast.agent.control.Progress;
import dev.holdfast.coordinator.engine.RoundListener;
import dev.holdfast.coordinator.protocol.Name;
import java.util.HashMap;
import java.util.Map;

/** Tells a caller how a round gets on: a line for each phase of each node, and one bar for the bytes of all. One thread. */
final class ProgressLines implements RoundListener {

    /** What one node has of a phase. */
    private record Share(long done, long total) {}

    private final Progress progress;
    private final Map<String, Map<Name, Share>> phases = new HashMap<>();

    ProgressLines(Progress progress) {
        this.progress = progress;
    }

    @Override
    public void onProgress(Name node, String phase, long done, long total) {
        if (total <= 0) {
            progress.phase(phase, node.value());
            return;
        }
        Map<Name, Share> shares = phases.computeIfAbsent(phase, name -> new HashMap<>());
        shares.put(node, new Share(Math.min(done, total), total));
        progress.bytes(
                phase,
                shares.values().stream().mapToLong(Share::done).sum(),
                shares.values().stream().mapToLong(Share::total).sum());
    }
}
