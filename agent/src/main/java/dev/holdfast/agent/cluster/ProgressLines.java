package dev.holdfast.agent.cluster;

import dev.holdfast.agent.control.Progress;
import dev.holdfast.coordinator.engine.RoundListener;
import dev.holdfast.coordinator.protocol.Name;

/** Tells a caller how the members of a round get on: a line for each phase, bytes for the long ones. */
final class ProgressLines implements RoundListener {

    private final Progress progress;

    ProgressLines(Progress progress) {
        this.progress = progress;
    }

    @Override
    public void onProgress(Name node, String phase, long done, long total) {
        if (total > 0) {
            progress.bytes(node + " " + phase, Math.min(done, total), total);
            return;
        }
        progress.phase(phase, node + " " + phase);
    }
}
