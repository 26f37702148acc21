package dev.holdfast.agent.hypervisor;

import java.nio.file.Path;
import java.util.List;

/**
 * A disk as the hypervisor has it open.
 *
 * @param id as in the definition
 * @param layers file names exactly as opened, the active layer first, then what it is based on
 * @param virtualBytes size the guest sees
 */
public record DiskState(String id, List<Path> layers, long virtualBytes) {
    /** Copies the list. */
    public DiskState {
        layers = List.copyOf(layers);
    }

    /** The layer that is written to. */
    public Path active() {
        return layers.get(0);
    }
}
