package dev.holdfast.agent;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.hypervisor.qemu.HangingFlush;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.coordinator.protocol.Name;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class ConsultationTest {

    @Test
    void doctorNamesTheImageWhoseStorageHangsForAsLongAsItDoes() throws Exception {
        Path image = Path.of("/images/web.holdfast/layers/memory-7");
        try (HangingFlush hanging = new HangingFlush(image)) {
            assertThat(unwell())
                    .as("%s", hanging)
                    .contains(
                            image
                                    + " could not be made durable: its storage hangs, and its space is taken until that answers");
        }
        assertThat(unwell()).noneMatch(line -> line.contains(image.toString()));
    }

    @Test
    void doctorNamesEntriesThatCannotBeReadAndMachinesThatDoNotAnswerOrHaveNoDefinition() {
        TreeMap<Name, String> states = new TreeMap<>(Map.of(
                new Name("web"), ManagedVm.UNKNOWN, new Name("db"), ManagedVm.UNDEFINED, new Name("app"), "running"));
        assertThat(Consultation.unwell(List.of("r1.json cannot be read"), states))
                .startsWith("r1.json cannot be read")
                .contains("web has a process that does not answer")
                .contains("db runs, and its definition is gone or cannot be read")
                .noneMatch(line -> line.contains("app"));
    }

    private static List<String> unwell() {
        return Consultation.unwell(List.of(), new TreeMap<>());
    }
}
