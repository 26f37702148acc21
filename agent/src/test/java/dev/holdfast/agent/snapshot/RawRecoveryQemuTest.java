package dev.holdfast.agent.snapshot;

import dev.holdfast.agent.hypervisor.ImageForm;
import org.junit.jupiter.api.Tag;

/** The same deaths of agents and machines with disks that are a raw file and a block device. */
@Tag("soak")
class RawRecoveryQemuTest extends RecoveryQemuTest {
    @Override
    SnapshotLab lab() throws Exception {
        return new SnapshotLab(ImageForm.RAW, ImageForm.DEVICE);
    }
}
