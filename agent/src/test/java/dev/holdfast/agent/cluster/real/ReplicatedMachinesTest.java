package dev.holdfast.agent.cluster.real;

import static dev.holdfast.agent.cluster.real.ReplicaCluster.BOUND;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.holdfast.agent.control.ControlCommand;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A machine with a live copy on another node. Its guest writes to both of its disks all the time, and would notice if memory and
 * disks were of different moments.
 */
@Tag("qemu")
@Tag("cluster")
class ReplicatedMachinesTest {
    private ReplicaCluster cluster;

    @BeforeEach
    void start() throws IOException {
        cluster = new ReplicaCluster(2);
    }

    @AfterEach
    void end() throws IOException {
        cluster.close();
    }

    private static long tick(RealNode node) throws IOException {
        List<String> lines = node.vm.console();
        for (int i = lines.size() - 1; i >= 0; i--) {
            if (lines.get(i).matches("T[0-9A-F]{8}")) {
                return Long.parseLong(lines.get(i).substring(1), 16);
            }
        }
        return -1;
    }

    /** It runs there, it was not booted anew, and its memory and disks are of one moment. */
    private static void goesOn(RealNode node) throws IOException {
        node.vm.goesOn(BOUND);
        assertThat(node.vm.console()).doesNotContain("START");
    }

    @Test
    void goesOnElsewhereWhereverItIsLost() throws Exception {
        RealNode n1 = cluster.nodes.get(0);
        RealNode n2 = cluster.nodes.get(1);
        cluster.enrolAll();
        cluster.change(n1, ControlCommand.REPLICA_PROMOTE);
        n1.vm.goesOn(BOUND);
        cluster.awaitProtected(n1);
        assertThat(cluster.text(n2, "state")).isEqualTo("following");

        n1.vm.signal("KILL");
        await("n1 gives it up").atMost(BOUND).until(() -> cluster.state(n1).equals("out"));
        cluster.change(n2, ControlCommand.REPLICA_PROMOTE);
        goesOn(n2);
        cluster.awaitProtected(n2);

        long before = tick(n2);
        cluster.change(n2, ControlCommand.REPLICA_SWITCHOVER);
        goesOn(n1);
        assertThat(tick(n1)).isGreaterThan(before);
        cluster.awaitProtected(n1);
    }
}
