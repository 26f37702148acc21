package dev.holdfast.agent.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.hypervisor.VmDefinition;
import dev.holdfast.agent.hypervisor.replication.EpochContent;
import dev.holdfast.agent.json.JsonObject;
import dev.holdfast.agent.migration.SameMachine;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OfferTest {
    @TempDir
    private Path home;

    private VmDefinition machine;

    @BeforeEach
    void define() throws Exception {
        machine = new Rig.Node(home).definition;
    }

    private Optional<String> difference(EpochContent there, EpochContent here) throws Exception {
        Map<String, Object> words =
                Map.of(ReplicaWords.CONTENT, there.name(), ReplicaWords.HARDWARE, SameMachine.hardware(machine));
        return ReplicaDesk.difference(machine, here, JsonObject.of(words));
    }

    @Test
    void isTakenByTheSameMachineInTheSameModeOnly() throws Exception {
        assertThat(difference(EpochContent.DISKS, EpochContent.DISKS)).isEmpty();
        assertThat(difference(EpochContent.MEMORY_AND_DISKS, EpochContent.DISKS))
                .hasValue("epochs are of memory and disks there and of disks here; write the same mode");
        assertThat(ReplicaDesk.difference(machine, EpochContent.DISKS, JsonObject.empty()))
                .isPresent();
    }
}
