package dev.holdfast.agent.cluster.real;

import static dev.holdfast.agent.cluster.real.ReplicaCluster.BOUND;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.holdfast.agent.control.ControlCommand;
import dev.holdfast.agent.control.ControlException;
import java.io.IOException;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Three nodes and a machine whose disks alone are replicated. */
@Tag("qemu")
@Tag("cluster")
class ReplicatedDisksTest {
    private static ReplicaCluster cluster;

    @BeforeAll
    static void start() throws Exception {
        cluster = new ReplicaCluster(3, false, """
                [replication]
                mode = "disk"
                interval = "700ms"
                max_lag = "3s"
                """);
        cluster.enrolAll();
        cluster.change(cluster.nodes.get(0), ControlCommand.REPLICA_PROMOTE);
    }

    @AfterAll
    static void end() throws IOException {
        cluster.close();
    }

    private static RealNode standbyOf(RealNode here) {
        String name = cluster.text(here, "peer");
        return cluster.nodes.stream()
                .filter(node -> node.name.equals(name))
                .findFirst()
                .orElseThrow();
    }

    private static void boots(RealNode node) throws IOException {
        node.vm.goesOn(BOUND);
        assertThat(node.vm.console()).contains("START");
    }

    /** Ends the machine in order, so that its disks are whole in their files. */
    private static void end(RealNode node) throws IOException {
        node.vm.signal("TERM");
        await("it is given up").atMost(BOUND).until(() -> cluster.state(node).equals("out"));
    }

    private static boolean has(RealNode node, int pattern, String from) throws Exception {
        String disk = node.vm.chain.resolve("head/d1.qcow2").toRealPath().toString();
        Process read = new ProcessBuilder(
                        "qemu-io", "-r", "-f", "qcow2", "-c", "read -P %d %s 1M".formatted(pattern, from), disk)
                .redirectErrorStream(true)
                .start();
        read.getInputStream().readAllBytes();
        return read.waitFor() == 0;
    }

    private static void switchOver(RealNode node) {
        try {
            cluster.change(node, ControlCommand.REPLICA_SWITCHOVER);
        } catch (IOException | ControlException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void bootsWhereItIsSwitchedOverAndFromTheLastEpochWhenItsNodeDiesAndIsProtectedAgain() throws Exception {
        RealNode first = cluster.primary();
        RealNode here = standbyOf(first);
        first.vm.write(6, "11M", "1M");
        first.vm.shutsDownIn(() -> switchOver(first), BOUND);
        boots(here);
        cluster.awaitProtected(here);

        RealNode there = standbyOf(here);
        here.vm.write(7, "9M", "1M");
        cluster.awaitProtected(here);
        assertThat(cluster.text(here, "mode")).isEqualTo("disk");
        assertThat(cluster.number(there, "score")).isGreaterThanOrEqualTo(100);
        long committed = cluster.number(there, "epoch");
        await("an epoch has just ended").atMost(BOUND).until(() -> cluster.number(there, "epoch") > committed);
        long before = cluster.number(there, "epoch");
        here.vm.write(8, "10M", "1M");
        here.agent.kill();
        here.vm.signal("KILL");
        cluster.tellFenced(Optional.of(here));
        // Hardly ever, on a machine that is too slow: then one more epoch came, and it may hold the second write.
        boolean another = cluster.number(there, "epoch") > before;
        cluster.change(there, ControlCommand.REPLICA_PROMOTE);
        boots(there);
        cluster.awaitProtected(there);

        RealNode third = standbyOf(there);
        assertThat(third).isNotSameAs(here);
        end(there);
        assertThat(has(there, 6, "11M")).isTrue();
        assertThat(has(there, 7, "9M")).isTrue();
        assertThat(has(there, 8, "10M") && !another).isFalse();
        cluster.change(third, ControlCommand.REPLICA_PROMOTE);
        boots(third);
        end(third);
        assertThat(has(third, 7, "9M")).isTrue();
    }
}
