package dev.holdfast.agent.cluster.real;

import static dev.holdfast.agent.cluster.real.RealCluster.GROUP;
import static dev.holdfast.agent.cluster.real.RealCluster.require;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.holdfast.agent.control.reply.CheckpointDetails;
import dev.holdfast.agent.json.Json;
import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** The checkpoints of a group of the two machines of a cluster and others, of other hypervisors. */
final class GroupCuts {
    private GroupCuts() {}

    /** @param others how many machines there are beside the two */
    static void awaitAllPresent(RealCluster cluster, int others) {
        for (RealNode node : cluster.nodes) {
            await("all machines are seen on " + node.name)
                    .atMost(RealCluster.BOUND)
                    .until(() ->
                            node.run("group", "show", GROUP, "-o", "json").out().split("running", -1).length
                                    == 3 + others);
        }
    }

    /** @param others the machines beside the two */
    static Map<String, CheckpointDetails.Member> members(RealCluster cluster, String checkpoint, String... others)
            throws IOException {
        Told shown = cluster.n2().run("checkpoint", "show", GROUP + "@" + checkpoint, "-o", "json");
        require(shown);
        Map<String, CheckpointDetails.Member> members = new TreeMap<>();
        Json.object(shown.out())
                .as(CheckpointDetails.class)
                .vms()
                .forEach(vm -> members.put(vm.vm().value(), vm));
        assertThat(members.keySet())
                .containsExactlyInAnyOrderElementsOf(Stream.concat(Stream.of("web1", "web2"), Stream.of(others))
                        .toList());
        return members;
    }

    /** All nodes have the clock of one host. Prints how long each stood still: figures for docs/hypervisors.md. */
    static void assertOneInstant(Map<String, CheckpointDetails.Member> members) {
        members.forEach((name, vm) ->
                System.out.printf("%s stood still for %.1f ms (%s)%n", name, vm.pauseNanos() / 1e6, vm.method()));
        long allFrozen = members.values().stream()
                .mapToLong(CheckpointDetails.Member::frozenAtNanos)
                .max()
                .orElseThrow();
        assertThat(members.values())
                .allSatisfy(vm -> assertThat(vm.thawedAtNanos()).isGreaterThan(allFrozen));
    }
}
