package dev.holdfast.agent.node;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.Answers;
import dev.holdfast.agent.hypervisor.Hypervisor;
import dev.holdfast.agent.snapshot.OneDisk;
import dev.holdfast.agent.vm.ManagedVm;
import dev.holdfast.agent.vm.VmRegistry;
import dev.holdfast.coordinator.port.Catalogue;
import dev.holdfast.coordinator.port.NodeRegistry;
import dev.holdfast.coordinator.protocol.Name;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** When a node tells what runs there. */
class NodePublisherTest {
    private static final Name WEB = new Name("web");

    private final AtomicInteger written = new AtomicInteger();
    private final AtomicBoolean freezes = new AtomicBoolean();

    @Test
    void nothingIsWrittenIntoAFreezeThatBeginsWhileMachinesAreAsked() {
        VmRegistry vms =
                OneDisk.machines(OneDisk.definition(WEB), Answers.of(Hypervisor.class, Map.of("running", Set::of)));
        ManagedVm web = vms.find(WEB).orElseThrow();
        NodePublisher publisher = new NodePublisher(
                states -> {
                    web.holdStill(freezes.get());
                    return new NodeRegistry.Node(new Name("n1"), "", "", "", "", 1, states);
                },
                vms,
                Answers.of(NodeRegistry.class, Map.of("publish", written::incrementAndGet)),
                Answers.of(Catalogue.class, Map.of()));
        freezes.set(true);
        publisher.publishInPassing();
        assertThat(written).hasValue(0);
        web.holdStill(false);
        freezes.set(false);
        publisher.publishInPassing();
        assertThat(written).hasValue(1);
    }
}
