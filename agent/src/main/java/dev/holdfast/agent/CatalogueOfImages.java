package dev.holdfast.agent;

import dev.holdfast.agent.snapshot.RecordedMemory;
import dev.holdfast.coordinator.port.Catalogue;
import dev.holdfast.coordinator.port.ImageKeys;
import dev.holdfast.coordinator.port.StoreUnreachableException;
import dev.holdfast.coordinator.protocol.CheckpointRecord;
import dev.holdfast.coordinator.protocol.Name;
import dev.holdfast.coordinator.protocol.Part;
import java.io.IOException;
import java.util.Optional;

/**
 * Finds the memory image of a snapshot among the checkpoints of all groups, whatever its sidecar says. Blocks for up to the store's
 * time-out for each group. Thread-safe.
 *
 * @param catalogue the checkpoints
 * @param keys of this node; without any it cannot load an encrypted image, and the store is not asked
 */
record CatalogueOfImages(Catalogue catalogue, ImageKeys keys) implements RecordedMemory {

    @Override
    public boolean wasEncrypted(Name vm, Name snapshot) throws IOException {
        if (keys.reading().isEmpty()) {
            return false;
        }
        try {
            for (Catalogue.Group group : catalogue.groups()) {
                Optional<CheckpointRecord> checkpoint = catalogue.checkpoint(group.name(), snapshot);
                if (checkpoint.stream()
                        .flatMap(record -> record.vms().stream())
                        .filter(report -> report.vm().equals(vm))
                        .flatMap(report -> report.parts().stream())
                        .anyMatch(Part::encrypted)) {
                    return true;
                }
            }
            return false;
        } catch (StoreUnreachableException e) {
            throw new IOException(
                    "the memory image of %s of %s is not encrypted, and nobody can tell whether it was when it was taken: %s; try again when the store answers"
                            .formatted(snapshot, vm, e.getMessage()),
                    e);
        }
    }
}
