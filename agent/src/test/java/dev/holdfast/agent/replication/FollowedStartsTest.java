package dev.holdfast.agent.replication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.holdfast.agent.hypervisor.StartMode;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who starts a machine, and who may merge its layers. */
class FollowedStartsTest {
    @TempDir
    private Path home;

    @Test
    void whatIsReplicatedIsStartedSoThatItCanBeFollowedAndItsLayersAreLeftAlone() throws Exception {
        Rig.Node node = new Rig.Node(home);
        FakeWorld plain = new FakeWorld(home.resolve("other"));
        FollowedStarts starts = new FollowedStarts(plain, node.world, vm -> vm.equals(node.definition.name()));
        starts.start(node.definition, StartMode.PAUSED);
        assertThat(node.world.boots).isEqualTo(1);
        assertThat(plain.boots).isZero();
        assertThat(starts.ownsLayers(node.definition)).isFalse();

        FollowedStarts others = new FollowedStarts(plain, node.world, vm -> false);
        others.start(node.definition, StartMode.PAUSED);
        assertThat(plain.boots).isEqualTo(1);
        assertThat(others.ownsLayers(node.definition)).isTrue();
    }
}
